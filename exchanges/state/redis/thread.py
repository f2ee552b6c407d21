"""A thread with an event loop of its own: what holds a lease renews it, whatever the loops of the program do.

Several event loops may use one state, and a connection belongs to one. So all connections are in this thread.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from exchanges.errors import StateError

T = TypeVar("T")

STOP_SECONDS = 1.0
TURNS = 5
"""How many turns of the loop it takes until transports that were closed are gone, with TLS."""


class LoopThread:
    """Runs jobs in the order in which they are posted, in a loop that is started with the first of them.

    Args:
        subject: What errors begin with: what this thread serves.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        # Reentrant: the garbage collector may release a lease while this thread is posting.
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._stopped = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def post(self, job: Callable[[], object]) -> None:
        """Run *job* later.

        Raises:
            StateError: See `require_running`.
        """
        self.require_running()
        with self._lock:
            self.require_running()
            self._running().call_soon_threadsafe(job)

    def post_later(self, job: Callable[[], object]) -> None:
        """Run *job* later, as `post` does.

        Raises:
            StateError: See `require_running`.
        """
        self.post(job)

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start *work* as a task of the loop, from within it; it must handle its own errors."""
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Start *work* from any thread; its outcome is set, with an exception too.

        Raises:
            StateError: See `require_running`.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # it is carried out whatever becomes of whoever asked
        self.post(lambda: self.start(partial(_outcome, work, future)))
        return future

    def require_running(self) -> None:
        """Raise unless jobs can be run.

        Raises:
            StateError: It has stopped, or belongs to the parent of this process.
        """
        if self._process != os.getpid():
            raise StateError(f"{self._subject} belongs to the parent of this process; open one in each process")
        if self._stopped:
            raise StateError(f"{self._subject} is closed; open it again")

    def stop(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run what was posted, then *last*, then no more. A second time does nothing."""
        if self._process != os.getpid():
            return
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            loop = self._loop
            if loop is None:
                return
            loop.call_soon_threadsafe(lambda: self.start(partial(self._end, last)))
        # A finalizer may run in the thread itself, which cannot wait for its own end.
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_SECONDS)

    async def _end(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await last()
        finally:
            me = asyncio.current_task()
            for task in self._tasks - {me}:
                task.cancel()
            if others := asyncio.all_tasks() - {me}:
                await asyncio.wait(others, timeout=STOP_SECONDS)
            for _ in range(TURNS):
                await asyncio.sleep(0)
            asyncio.get_running_loop().stop()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # A daemon: what waits for a server must not delay the exit of the interpreter.
            self._thread = threading.Thread(target=_run, args=(self._loop,), name="exchanges-redis", daemon=True)
            self._thread.start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _outcome(work: Callable[[], Coroutine[Any, Any, T]], future: Future[T]) -> None:
    try:
        value = await work()
    except asyncio.CancelledError:
        future.set_exception(StateError("the state was closed meanwhile; open it again"))
        raise
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
        future.set_exception(error)
    else:
        future.set_result(value)
