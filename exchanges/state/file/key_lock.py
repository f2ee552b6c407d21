"""The turn of a key, across processes: a lock on a file.

The worker takes a free lock at once. One that is taken is waited for in a thread of its own, which the kernel wakes;
nothing polls. When the lock comes, it goes to whoever waits for it by then, or is let go: a call that was cancelled
meanwhile neither loses it nor keeps it.

There are two locks. Who wants the turn first takes its place at the head of the line, waits there for the turn, and
then steps out of the line. So a process that ends a turn and wants the next at once finds somebody before it; with one
lock it would win against all whom the kernel has yet to wake, for as long as it likes.

Rules for editors: all of it runs in the worker's thread but `_wait`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from exchanges.errors import StateError
from exchanges.state.file.leases import LeaseWaiter
from exchanges.state.file.locks import LockFile, Locks

__all__ = ["SharedKeyLock"]

Post = Callable[[Callable[[], None]], None]


class SharedKeyLock:
    """One signed request in flight per key, whatever the process.

    Args:
        locks: Where the lock files are.
        name: Of this turn, fit for a file.
        post: Hands a job to the worker.
        serve: Carries on a waiter that has the turn; who cannot go calls `release`.
    """

    def __init__(
        self, locks: Locks, name: str, post: Post, serve: Callable[[LeaseWaiter, SharedKeyLock], None]
    ) -> None:
        self._line = locks.open(f"line-{name}")
        self._key_lock = locks.open(f"turn-{name}")
        self._post = post
        self._serve = serve
        self._waiters: deque[LeaseWaiter] = deque()
        self._is_held = False
        self._is_waiting = False
        self._requests: SimpleQueue[bool] | None = None

    def acquire(self, waiter: LeaseWaiter) -> None:
        """Wait for the turn."""
        self._waiters.append(waiter)
        self._advance()

    def release(self) -> None:
        """End the turn."""
        if self._is_held:
            self._is_held = False
            self._key_lock.release()
        self._advance()

    def close(self) -> None:
        """Let go for good, now or as soon as the thread wakes."""
        if self._requests is None:
            _close(self._line, self._key_lock)
        else:
            self._requests.put(item=False)

    def _advance(self) -> None:
        while self._waiters and not self._waiters[0].waits:
            self._waiters.popleft()
        if not self._waiters or self._is_held or self._is_waiting:
            return
        if self._try_acquire():
            self._hand_over()
            return
        self._is_waiting = True
        if self._requests is None:
            self._requests = SimpleQueue()
            arguments = (self._requests, self._line, self._key_lock, self._post, self._acquired)
            threading.Thread(target=_wait, args=arguments, name="exchanges-turn", daemon=True).start()
        self._requests.put(item=True)

    def _try_acquire(self) -> bool:
        if not self._line.try_acquire():
            return False
        taken = self._key_lock.try_acquire()
        self._line.release()
        return taken

    def _acquired(self) -> None:
        """Take note that the thread has the lock."""
        self._is_waiting = False
        self._hand_over()

    def _hand_over(self) -> None:
        while self._waiters and not self._waiters[0].waits:
            self._waiters.popleft()
        if not self._waiters:
            self._key_lock.release()
            return
        waiter, self._is_held = self._waiters.popleft(), True
        try:
            self._line.require_place()
            self._key_lock.require_place()
        except StateError as error:
            waiter.answer(error)
            self.release()
            return
        self._serve(waiter, self)


def _wait(
    requests: SimpleQueue[bool], line: LockFile, key_lock: LockFile, post: Post, acquired: Callable[[], None]
) -> None:
    """Wait for the turn as often as ordered; close the files in the end."""
    try:
        while requests.get():
            line.acquire()
            key_lock.acquire()
            line.release()
            post(acquired)
    except StateError:  # the worker stopped meanwhile
        pass
    finally:
        _close(line, key_lock)


def _close(*files: LockFile) -> None:
    for file in files:
        file.close()
