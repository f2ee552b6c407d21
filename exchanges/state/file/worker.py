"""A thread that runs one job after the other, so that the event loop never waits for a disk or a lock.

What can wait is not passed to the thread before a job that cannot, or a moment later: a caller who has just got an
answer would share the interpreter with the thread that records its end. The order stays the same.

It is a daemon thread, not one of `concurrent.futures`, whose threads are joined when the interpreter exits: a job that
waits for another process must not delay that.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from exchanges.errors import StateError
from exchanges.instrumentation.lines import Log

T = TypeVar("T")
Job = Callable[[], object]

logger = Log(__name__)

STOP_SECONDS = 1.0
LATER_SECONDS = 0.001
"""How long what can wait does: for some turns of a loop."""


class Worker:
    """Runs jobs in the order in which they are posted.

    Args:
        name: Name of the thread.
        subject: What errors begin with: what this worker serves.
        after: Runs after each job, and again after the seconds that it returns; None: not before the next job.
    """

    def __init__(self, name: str, subject: str, after: Callable[[], float | None]) -> None:
        self._subject = subject
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()  # None as the last of them
        self._later: deque[Job] = deque()
        # Reentrant: the garbage collector may release a lease while this thread is posting.
        self._lock = threading.RLock()
        self._stopped = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=_work, args=(self._jobs, self._later, after), name=name, daemon=True)
        self._thread.start()

    def post(self, job: Job) -> None:
        """Run *job* later; it must handle its own errors.

        Raises:
            StateError: See `require_running`.
        """
        # Twice: a forked child must not touch the lock, which its parent may have held; a stop may come in between.
        self.require_running()
        with self._lock:
            self.require_running()
            self._pass_on()
            self._jobs.put(job)

    def post_later(self, job: Job) -> None:
        """Run *job* when the next one is posted, or a moment later: nobody waits for it.

        Raises:
            StateError: See `require_running`.
        """
        self.require_running()
        with self._lock:
            self.require_running()
            self._later.append(job)
        try:
            asyncio.get_running_loop().call_later(LATER_SECONDS, self._pass_on)
        except RuntimeError:  # there is no loop
            self._pass_on()

    def _pass_on(self) -> None:
        if self._process != os.getpid():  # a child that runs on with the loop of its parent
            return
        # An IndexError: the thread itself was faster.
        with self._lock, suppress(IndexError):
            while self._later:
                self._jobs.put(self._later.popleft())

    def require_running(self) -> None:
        """Raise unless there is a thread to run jobs.

        Raises:
            StateError: It has stopped, or belongs to the parent of this process.
        """
        if self._process != os.getpid():
            raise StateError(f"{self._subject} belongs to the parent of this process; open one in each process")
        if self._stopped:
            raise StateError(f"{self._subject} is closed; open it again")

    async def run(self, work: Callable[[], T], *, can_wait: bool = False) -> T:
        """Return what *work* returns; it is carried out even if the caller is cancelled.

        Args:
            work: What is to be done.
            can_wait: Whether it is no hurry, as with `post_later`.

        Raises:
            StateError: See `require_running`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        job = partial(_run, work, partial(_deliver, loop, future))
        (self.post_later if can_wait else self.post)(job)
        return await future

    def run_blocking(self, work: Callable[[], T]) -> T:
        """Block until *work* is done, and return what it returns."""
        future: Future[T] = Future()
        self.post(partial(_run, work, partial(_set_outcome, future)))
        return future.result()

    def stop(self, last: Job) -> None:
        """Run what was posted, then *last*, then no more. A second time does nothing."""
        if self._process != os.getpid():
            return
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._pass_on()
            self._jobs.put(last)
            self._jobs.put(None)
        # A finalizer may run in the thread itself, which cannot wait for its own end.
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_SECONDS)


def _work(jobs: SimpleQueue[Job | None], later: deque[Job], after: Callable[[], float | None]) -> None:
    seconds: float | None = None
    while (job := _next_job(jobs, later, seconds)) is not None:
        seconds = None
        try:
            job()
            seconds = after()
        except Exception:
            logger.exception("internal error in the state")
        del job  # while idle, keep no state alive


def _next_job(jobs: SimpleQueue[Job | None], later: deque[Job], seconds: float | None) -> Job | None:
    try:
        return jobs.get(timeout=seconds)
    except Empty:
        # What can wait was left behind by a loop that was closed at once.
        with suppress(IndexError):
            return later.popleft()
        return _nothing


def _nothing() -> None:
    """Do nothing: the purpose is what runs after this job."""


def _run(work: Callable[[], T], deliver: Callable[[T | None, BaseException | None], None]) -> None:
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001 - it belongs to the caller that waits
        deliver(None, error)
    else:
        deliver(value, None)


def _deliver(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], value: T | None, error: BaseException | None
) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_set_outcome, future, value, error)


def _set_outcome(future: asyncio.Future[T] | Future[T], value: T | None, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)  # type: ignore[arg-type]  # a value where there is no error
    else:
        future.set_exception(error)
