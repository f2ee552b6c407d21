"""Following: many streams, one iterator, as `exchanges.poll` does with calls.

Every source has a task of its own that enters its stream and waits for what is new. The reader gets the newest update
of each source: one that it did not read in time is replaced and counted, nothing queues up. What a stream shows is read
when the reader gets it, so an order book is as new as it can be, and one that is not good any more is an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from attrs import frozen

from exchanges.errors import ExchangeError, NotSent, RateLimited, RateLimitTimeout, ReadFailed, Unavailable, UsageError
from exchanges.polling import Update
from exchanges.streams.live import Step
from exchanges.streams.liveness import Backoff

__all__ = ["Followable", "follow"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

PASSING = (NotSent, Unavailable, ReadFailed, RateLimited, RateLimitTimeout)
"""What may be over when it is tried again."""


class Followable(Protocol[T_co]):
    """A stream, such as ``bitstamp.streams.order_book("btcusd")``."""

    async def __aenter__(self) -> Any:  # noqa: ANN401 - the stream
        """Subscribe."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the channel."""
        ...

    def again(self) -> Followable[T_co]:
        """Return a stream of the same channel that was not entered yet."""
        ...

    async def advance(self) -> Step[T_co]:
        """Wait for what is new, and return what reads it."""
        ...


@frozen
class _Unread(Generic[T]):
    read: Callable[[], T]
    dropped: int


class follow(Generic[T]):  # noqa: N801 - reads as a verb, like `exchanges.poll`
    """Enter every stream, and iterate over what is new.

    Use it as an asynchronous context manager; leaving the block gives all channels up. A stream that cannot be entered
    is an update with the error, and is tried again as long as that may pass; one that the exchange refuses ends.

    For order books and other newest values. Of trades it hands out the newest alone and counts the others: iterate over
    their stream to get each of them, and the gaps.

    Args:
        sources: Name to stream, such as ``{"bitstamp": bitstamp.streams.order_book("btcusd")}``.

    Raises:
        UsageError: No mapping, no sources, or one that is no stream.
    """

    def __init__(self, sources: Mapping[str, Followable[T]]) -> None:
        self._sources: dict[str, Followable[T]] = {}  # a traceback may show one whose constructor failed
        if not isinstance(sources, Mapping) or not sources or not all(isinstance(name, str) for name in sources):
            raise UsageError("follow: pass a mapping of names to streams, such as {'a': client.streams.trades(...)}")
        if wrong := [name for name, stream in sources.items() if not hasattr(stream, "advance")]:
            raise UsageError(f"follow: pass streams that were not entered: {', '.join(wrong)}")
        self._sources |= sources
        self._unread: dict[str, _Unread[T]] = {}
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._entered = self._left = False

    def __repr__(self) -> str:
        """Show the sources."""
        return f"follow({list(self._sources)})"

    async def __aenter__(self) -> Self:
        """Begin to enter the streams."""
        if self._entered:
            raise UsageError("follow: the block was entered already; create another follow")
        self._entered = True
        self._tasks = [asyncio.create_task(self._run(n, s), name=f"follow {n}") for n, s in self._sources.items()]
        for task in self._tasks:
            task.add_done_callback(lambda _: self._changed.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release all channels."""
        tasks, self._tasks, self._left = self._tasks, [], True
        self._unread.clear()
        self._changed.set()  # ends the iteration of another task
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __aiter__(self) -> Self:
        """Iterate over updates as they arrive."""
        return self

    async def __anext__(self) -> Update[T]:
        """Wait for the oldest unread update; there is at most one per source."""
        if not self._entered:
            raise UsageError("follow: enter the block first: async with follow(...) as updates")
        while not self._unread:
            if all(task.done() for task in self._tasks):
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        name = next(iter(self._unread))
        unread, now = self._unread.pop(name), datetime.now(UTC)
        value: T | None = None
        failure: Exception | None = None
        try:
            value = unread.read()
        except ExchangeError as error:
            failure = error
        return Update(name, value, failure, now, now, 0.0, unread.dropped)

    async def _run(self, name: str, stream: Followable[T]) -> None:
        """Publish what a stream shows, and how it fails."""
        backoff = Backoff()
        backoff.next_wait()
        while True:
            try:
                await self._follow(name, stream)
                return
            except ExchangeError as error:
                self._publish(name, Step(_raiser(error)))
                if not isinstance(error, PASSING):
                    return
            await asyncio.sleep(backoff.next_wait())
            stream = stream.again()

    async def _follow(self, name: str, stream: Followable[T]) -> None:
        async with stream:
            while True:
                try:
                    step = await stream.advance()
                except StopAsyncIteration:
                    return
                self._publish(name, step)

    def _publish(self, name: str, step: Step[T]) -> None:
        if self._left:
            return
        # Popped, not overwritten: the new update goes to the end, or a fast source would always be read first.
        unread = self._unread.pop(name, None)
        dropped = step.dropped + (0 if unread is None else unread.dropped + 1)
        self._unread[name] = _Unread(step.read, dropped)
        self._changed.set()


def _raiser(error: ExchangeError) -> Callable[[], Any]:
    def read() -> Any:  # noqa: ANN401 - it never returns
        raise error

    return read
