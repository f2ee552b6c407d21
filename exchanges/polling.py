"""Concurrent polling: many sources, one iterator, each source on its own.

Every source has a task of its own that asks, waits and asks again, so one that fails, hangs or is limited never
delays the others. The reader gets the newest update of each source: an update that it did not read in time is replaced
and counted, nothing queues up.

All sources are asked at once in the first round. The limits of their calls are recorded on the way; where a limit
cannot sustain the interval, the interval is extended, and the rounds of all sources under that limit are spaced at the
rate that it sustains: each reserves the next free time when it is due. One warning names both rates.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from attrs import define, evolve, field, frozen

from exchanges.errors import ExchangeError, UsageError
from exchanges.instrumentation.lines import Log
from exchanges.limits.pacing import Pace, pace

if TYPE_CHECKING:
    from types import TracebackType

    from exchanges.limits.limiter import Limiter

__all__ = ["Latest", "Update", "poll"]

logger = Log(__name__)

T = TypeVar("T")
U = TypeVar("U")

MAX_CANCELS = 3
CANCEL_EVERY_SECONDS = 1.0
"""How long a source may take to end after each cancellation."""


@frozen
class Update(Generic[T]):
    """What one source returned, or how it failed.

    Attributes:
        source: Its name, as given to `poll`.
        value: What it returned; None if it raised.
        error: What it raised; None if it returned.
        asked_at: When it was asked (UTC).
        answered_at: When it answered (UTC).
        latency_seconds: How long that took, waiting for the limit included.
        dropped: Updates of this source that were replaced unread since the last one that was read.
    """

    source: str
    value: T | None
    error: Exception | None
    asked_at: datetime
    answered_at: datetime
    latency_seconds: float
    dropped: int = 0


@define(eq=False, repr=False)
class Latest(Generic[U]):
    """The newest unread item of each source, and the tasks that publish them: what `poll` and `exchanges.follow` share.

    Attributes:
        user: Which of them it is, for messages.
        is_over: Whether its block is left.
    """

    user: str
    is_over: bool = field(default=False, init=False)
    _unread: dict[str, tuple[U, int]] = field(init=False, factory=dict[str, tuple[U, int]])
    _changed: asyncio.Event = field(init=False, factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] | None = field(default=None, init=False)

    def begin(self, work: Callable[[], Mapping[str, Coroutine[Any, Any, None]]]) -> None:
        """Start a task for each source.

        Raises:
            UsageError: They were started before.
        """
        if self._tasks is not None:
            raise UsageError(f"{self.user}: the block was entered already; create another {self.user}")
        self._tasks = [asyncio.create_task(each, name=f"{self.user} {name}") for name, each in work().items()]
        for task in self._tasks:
            task.add_done_callback(lambda _: self._changed.set())

    def publish(self, source: str, item: U, dropped: int = 0) -> None:
        """Replace the unread item of a source, which is counted with *dropped* before it."""
        if self.is_over:
            return
        # Popped, not overwritten: the new item goes to the end, or a fast source would always be read first.
        unread = self._unread.pop(source, None)
        self._unread[source] = item, dropped + (0 if unread is None else unread[1] + 1)
        self._changed.set()

    async def read(self) -> tuple[str, U, int]:
        """Wait for the oldest unread item, and return it with its source and how many it replaced.

        Raises:
            StopAsyncIteration: There is none, nor will there be one.
            UsageError: The block was not entered.
        """
        if self._tasks is None:
            raise UsageError(f"{self.user}: enter the block first: async with {self.user}(...) as updates")
        while not self._unread:
            if all(task.done() for task in self._tasks):
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        source = next(iter(self._unread))
        return source, *self._unread.pop(source)

    def end(self) -> list[asyncio.Task[None]]:
        """Publish nothing more; return the tasks, which are to be cancelled."""
        tasks, self._tasks, self.is_over = self._tasks or [], [], True
        self._unread.clear()
        self._changed.set()  # ends the iteration of another task
        return tasks


@define(eq=False, repr=False)
class _Source(Generic[T]):
    name: str
    ask: Callable[[], Awaitable[T]]
    pace: Pace


class poll(Generic[T]):  # noqa: N801 - reads as a verb, like the built-in iterators
    """Ask every source now and every *every_seconds*; iterate over what they return.

    Use it as an asynchronous context manager; leaving the block cancels everything, and waits up to three seconds for
    sources that take long to end. The block must be left in the task that entered it.

    Args:
        sources: Name to function that returns a new awaitable, such as ``{"bitex": bitex.market.ticker}``.
        every_seconds: From one round of a source to its next.

    Raises:
        UsageError: No mapping, no sources, one that is not callable, or an interval that is not a positive number.
    """

    def __init__(self, sources: Mapping[str, Callable[[], Awaitable[T]]], *, every_seconds: float) -> None:
        self._every, self._sources = 0.0, list[_Source[T]]()  # a traceback may show one whose constructor failed
        if not isinstance(sources, Mapping):
            raise UsageError("poll: pass a mapping of names to functions, such as {'bitex': bitex.market.ticker}")
        if not sources:
            raise UsageError("poll: no sources to ask")
        if not all(isinstance(name, str) for name in sources):
            raise UsageError("poll: the names of sources must be texts")
        if wrong := [name for name, ask in sources.items() if not callable(ask)]:
            raise UsageError(f"poll: pass functions that return an awaitable, not awaitables: {', '.join(wrong)}")
        if type(every_seconds) not in (int, float) or not 0 < every_seconds <= sys.float_info.max:
            raise UsageError("poll: every_seconds must be a positive number")
        self._every = float(every_seconds)
        self._sources += [_Source(name, ask, Pace(self._every)) for name, ask in sources.items()]
        self._latest = Latest[Update[T]]("poll")
        self._warned: set[Limiter] = set()

    def __repr__(self) -> str:
        """Show sources and interval."""
        return f"poll({[s.name for s in self._sources]}, every_seconds={self._every:g})"

    async def __aenter__(self) -> Self:
        """Start asking."""
        began = asyncio.get_running_loop().time()
        self._latest.begin(lambda: {source.name: self._run(source, began) for source in self._sources})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel all sources and wait until their tasks have ended."""
        try:
            await _end(self._latest.end())
        finally:
            for source in self._sources:
                source.pace.end()

    def __aiter__(self) -> Self:
        """Iterate over updates as they arrive."""
        return self

    async def __anext__(self) -> Update[T]:
        """Wait for the oldest unread update; there is at most one per source."""
        _, update, dropped = await self._latest.read()
        return evolve(update, dropped=dropped) if dropped else update

    # One source

    async def _run(self, source: _Source[T], due: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._ask(source)
            # A source may have swallowed the cancellation that was to end this task.
            if self._latest.is_over:
                return
            interval = self._interval(source)
            # From the last due time, so that the duration of an answer does not add up; one that took longer than the
            # interval is not made up for.
            due = max(due + interval, loop.time())
            await asyncio.sleep(due - loop.time())
            if interval > self._every:
                due = max(limiter.reserve_spot(calls) for limiter, calls in source.pace.calls.items())
                await asyncio.sleep(due - loop.time())

    async def _ask(self, source: _Source[T]) -> None:
        loop = asyncio.get_running_loop()
        token = pace.set(source.pace)
        asked_at, began = datetime.now(UTC), loop.time()
        value: T | None = None
        failure: Exception | None = None
        try:
            value = await source.ask()
        except asyncio.CancelledError:
            # Only a cancellation of this very task ends it; one inside the source is a failure like any other.
            if cast("asyncio.Task[None]", asyncio.current_task()).cancelling():
                raise
            failure = ExchangeError(f"poll: something that {source.name} waits for was cancelled")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - goes to the reader: a source must not fall silent for ever
            failure = error if isinstance(error, Exception) else _not_an_exception(source.name, error)
        finally:
            pace.reset(token)
        source.pace.end_round()
        seconds = loop.time() - began
        update = Update(source.name, value, failure, asked_at, datetime.now(UTC), seconds)
        self._latest.publish(source.name, update)

    # The limits

    def _interval(self, source: _Source[T]) -> float:
        """Return the seconds between two rounds that the limits sustain."""
        longest = self._every
        for limiter in source.pace.calls:
            interval = self._every * sum(limiter.demand.values()) / limiter.paced_per_second
            if interval > longest:
                longest = interval
                self._warn(limiter, interval)
        return longest

    def _warn(self, limiter: Limiter, interval: float) -> None:
        if limiter in self._warned:
            return
        self._warned.add(limiter)
        logger.warning(
            "poll: limit %s sustains %.3g calls per second, %.3g are requested; asking every %.3g s instead of %.3g s",
            limiter.limit.name,
            limiter.paced_per_second,
            sum(limiter.demand.values()),
            interval,
            self._every,
        )


def _not_an_exception(source: str, raised: BaseException) -> ExchangeError:
    failure = ExchangeError(f"poll: {source} raised {type(raised).__name__}")
    failure.__cause__ = raised
    return failure


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel *tasks* until they end; a source that swallows every cancellation is left behind, and named."""
    left = set(tasks)
    for _ in range(MAX_CANCELS):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=CANCEL_EVERY_SECONDS)
    for task in left:
        logger.error("%s: the source does not end when it is cancelled, and is left running", task.get_name())
    # Retrieves their exceptions, as asyncio reports them otherwise.
    await asyncio.gather(*(task for task in tasks if task.done()), return_exceptions=True)
