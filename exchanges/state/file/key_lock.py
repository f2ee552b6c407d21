"""The turn of a key, across processes: a lock on a file.

The clerk takes a free lock at once. One that is taken is waited for in a thread of its own, which the kernel wakes;
nothing polls. When the lock comes, it goes to whoever waits for it by then, or is let go: a call that was cancelled
meanwhile neither loses it nor keeps it.

There are two locks. Who wants the turn first takes its place at the head of the line, waits there for the turn, and
then steps out of the line. So a process that ends a turn and wants the next at once finds somebody before it; with one
lock it would win against all whom the kernel has yet to wake, for as long as it likes.

Rules for editors: all of it runs in the clerk's thread but `_wait`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from exchanges.errors import StateError
from exchanges.state.file.leases import Visit
from exchanges.state.file.locks import LockFile, Locks

__all__ = ["SharedKeyLock"]

Post = Callable[[Callable[[], None]], None]


class SharedKeyLock:
    """One signed request in flight per key, whatever the process.

    Args:
        locks: Where the lock files are.
        name: Of this turn, fit for a file.
        post: Hands a job to the clerk.
        serve: Carries on a visit that has the turn; who cannot go calls `let_go`.
    """

    def __init__(self, locks: Locks, name: str, post: Post, serve: Callable[[Visit, SharedKeyLock], None]) -> None:
        self._line = locks.open(f"line-{name}")
        self._key_lock = locks.open(f"turn-{name}")
        self._post = post
        self._serve = serve
        self._visits: deque[Visit] = deque()
        self._is_held = False
        self._is_awaited = False
        self._orders: SimpleQueue[bool] | None = None

    def ask(self, visit: Visit) -> None:
        """Wait for the turn."""
        self._visits.append(visit)
        self._advance()

    def let_go(self) -> None:
        """End the turn."""
        if self._is_held:
            self._is_held = False
            self._key_lock.let_go()
        self._advance()

    def close(self) -> None:
        """Let go for good, now or as soon as the thread wakes."""
        if self._orders is None:
            _close(self._line, self._key_lock)
        else:
            self._orders.put(item=False)

    def _advance(self) -> None:
        while self._visits and not self._visits[0].waits:
            self._visits.popleft()
        if not self._visits or self._is_held or self._is_awaited:
            return
        if self._try_take():
            self._hand_over()
            return
        self._is_awaited = True
        if self._orders is None:
            self._orders = SimpleQueue()
            arguments = (self._orders, self._line, self._key_lock, self._post, self._come)
            threading.Thread(target=_wait, args=arguments, name="exchanges-turn", daemon=True).start()
        self._orders.put(item=True)

    def _try_take(self) -> bool:
        if not self._line.try_take():
            return False
        taken = self._key_lock.try_take()
        self._line.let_go()
        return taken

    def _come(self) -> None:
        """Take note that the thread has the lock."""
        self._is_awaited = False
        self._hand_over()

    def _hand_over(self) -> None:
        while self._visits and not self._visits[0].waits:
            self._visits.popleft()
        if not self._visits:
            self._key_lock.let_go()
            return
        visit, self._is_held = self._visits.popleft(), True
        try:
            self._line.require_place()
            self._key_lock.require_place()
        except StateError as error:
            visit.answer(error)
            self.let_go()
            return
        self._serve(visit, self)


def _wait(orders: SimpleQueue[bool], line: LockFile, key_lock: LockFile, post: Post, come: Callable[[], None]) -> None:
    """Wait for the turn as often as ordered; close the files in the end."""
    try:
        while orders.get():
            line.take()
            key_lock.take()
            line.let_go()
            post(come)
    except StateError:  # the clerk stopped meanwhile
        pass
    finally:
        _close(line, key_lock)


def _close(*files: LockFile) -> None:
    for file in files:
        file.close()
