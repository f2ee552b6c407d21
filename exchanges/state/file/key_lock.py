"""The lock of a key across processes: a lock on a file.

The worker acquires a free lock at once. For one that is held, a thread waits, which the kernel wakes; nothing polls.
When the thread gets the lock, it goes to whichever call is first in the queue by then, or is released: a call that was
cancelled meanwhile neither loses it nor keeps it.

There are two locks. A process first acquires the head of the line, waits there for the key lock, and then releases the
head of the line. So a process that releases the key lock and wants it again at once finds another one before it; with
a single lock it would win against all that the kernel has yet to wake, for as long as it likes.

The kernel may refuse a lock, for want of memory or of locks. Then all calls that wait get the error, and the next one
tries again.

Rules for editors: all of it runs in the worker's thread, except `_wait`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

from exchanges.errors import StateError
from exchanges.state.file.locks import LockFile, Locks
from exchanges.state.leases import LeaseWaiter

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
        waiter.waits_for_key = True
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
        try:
            if not self._try_acquire():
                self._wait_in_thread()
                return
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be started
            self._failed(error)
            return
        self._serve_next()

    def _wait_in_thread(self) -> None:
        if self._requests is None:
            requests: SimpleQueue[bool] = SimpleQueue()
            arguments = (requests, self._line, self._key_lock, self._done)
            threading.Thread(target=_wait, args=arguments, name="exchanges-key-lock", daemon=True).start()
            self._requests = requests
        self._is_waiting = True
        self._requests.put(item=True)

    def _try_acquire(self) -> bool:
        # Through the line here too: a free key lock belongs to the process that waits at the head of it.
        try:
            return self._line.try_acquire() and self._key_lock.try_acquire()
        finally:
            self._line.release()

    def _failed(self, error: Exception) -> None:
        """Pass the error to all that wait; the next call tries again."""
        self._line.release()  # it may have been acquired
        reason = getattr(error, "strerror", None) or str(error)
        while self._waiters:
            words = f"the key could not be locked in {self._line.path.parent} ({reason}); call again"
            self._waiters.popleft().answer(StateError(words))

    def _done(self, error: OSError | None) -> None:
        """Continue in the worker; called by the thread."""
        self._post(partial(self._waited, error))

    def _waited(self, error: OSError | None) -> None:
        """Continue after the thread has acquired the lock, or failed to."""
        self._is_waiting = False
        if error is None:
            self._serve_next()
        else:
            self._failed(error)

    def _serve_next(self) -> None:
        self._drop_cancelled()
        if not self._waiters:
            self._key_lock.release()
            return
        waiter, self._is_held = self._waiters.popleft(), True
        waiter.waits_for_key = False
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
    requests: SimpleQueue[bool], line: LockFile, key_lock: LockFile, done: Callable[[OSError | None], None]
) -> None:
    """Wait for the lock as often as requested, then close the files."""
    try:
        while requests.get():
            try:
                line.acquire()
                key_lock.acquire()
                line.release()
            except OSError as error:
                done(error)
            else:
                done(None)
    except StateError:  # the worker stopped meanwhile
        pass
    finally:
        _close(line, key_lock)


def _close(*files: LockFile) -> None:
    for file in files:
        file.close()
