"""The lock of a key across processes: a lock on a file.

The worker acquires a free lock at once. For one that is held, a thread waits, which the kernel wakes; nothing polls.
When the thread gets the lock, it goes to whichever call is first in the queue by then, or is released: a call that was
cancelled meanwhile neither loses it nor keeps it.

There are two locks. A process first acquires the head of the line, waits there for the key lock, and then releases the
head of the line. So a process that releases the key lock and wants it again at once finds another one before it; with
a single lock it would win against all that the kernel has yet to wake, for as long as it likes.

Rules for editors: all of it runs in the worker's thread, except `_wait`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from exchanges.errors import StateError
from exchanges.state.file.leases import LeaseWaiter
from exchanges.state.file.locks import LockFile, Locks

Post = Callable[[Callable[[], None]], None]


class SharedKeyLock:
    """One signed request in flight per key, over all processes.

    Args:
        locks: The lock files.
        name: Identifies this key; fit for a file name.
        post: Passes a job to the worker.
        serve: Serves a waiter that has the lock. If the waiter gets no lease, it must call `release`.
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
        """Queue *waiter* for the lock."""
        self._waiters.append(waiter)
        self._advance()

    def release(self) -> None:
        """Release the lock, and pass it to the next waiter of this process if it is free."""
        if self._is_held:
            self._is_held = False
            self._key_lock.release()
        self._advance()

    def close(self) -> None:
        """Close the lock files, now or as soon as the thread wakes."""
        if self._requests is None:
            _close(self._line, self._key_lock)
        else:
            # The thread may be blocked on these files, and their numbers must not be reused under it.
            self._requests.put(item=False)

    def _advance(self) -> None:
        self._drop_cancelled()
        if not self._waiters or self._is_held or self._is_waiting:
            return
        if self._try_acquire():
            self._serve_next()
            return
        self._is_waiting = True
        if self._requests is None:
            self._requests = SimpleQueue()
            arguments = (self._requests, self._line, self._key_lock, self._post, self._acquired)
            threading.Thread(target=_wait, args=arguments, name="exchanges-key-lock", daemon=True).start()
        self._requests.put(item=True)

    def _try_acquire(self) -> bool:
        # Through the line here too: a free key lock belongs to the process that waits at the head of it.
        if not self._line.try_acquire():
            return False
        acquired = self._key_lock.try_acquire()
        self._line.release()
        return acquired

    def _acquired(self) -> None:
        """Continue after the thread has acquired the lock."""
        self._is_waiting = False
        self._serve_next()

    def _serve_next(self) -> None:
        self._drop_cancelled()
        if not self._waiters:
            self._key_lock.release()
            return
        waiter, self._is_held = self._waiters.popleft(), True
        try:
            # Removed lock files would let a second process in: it creates new ones and locks those.
            self._line.require_place()
            self._key_lock.require_place()
        except StateError as error:
            waiter.answer(error)
            self.release()
            return
        self._serve(waiter, self)

    def _drop_cancelled(self) -> None:
        while self._waiters and not self._waiters[0].is_waiting:
            self._waiters.popleft()


def _wait(
    requests: SimpleQueue[bool], line: LockFile, key_lock: LockFile, post: Post, acquired: Callable[[], None]
) -> None:
    """Wait for the lock as often as requested, then close the files."""
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
