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

from exchanges.errors import ExchangeError, NotSent, RateLimited, RateLimitTimeout, ReadFailed, Unavailable, UsageError
from exchanges.polling import Latest, Update
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
        self._latest = Latest[Callable[[], T]]("follow")

    def __repr__(self) -> str:
        """Show the sources."""
        return f"follow({list(self._sources)})"

    async def __aenter__(self) -> Self:
        """Begin to enter the streams."""
        self._latest.begin(lambda: {name: self._run(name, stream) for name, stream in self._sources.items()})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release all channels."""
        tasks = self._latest.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __aiter__(self) -> Self:
        """Iterate over updates as they arrive."""
        return self

    async def __anext__(self) -> Update[T]:
        """Wait for the oldest unread update; there is at most one per source."""
        name, read, dropped = await self._latest.read()
        now = datetime.now(UTC)
        value: T | None = None
        failure: Exception | None = None
        try:
            value = read()
        except ExchangeError as error:
            failure = error
        return Update(name, value, failure, now, now, 0.0, dropped)

    async def _run(self, name: str, stream: Followable[T]) -> None:
        """Publish what a stream shows, and how it fails."""
        backoff = Backoff()
        backoff.next_wait()
        while True:
            try:
                await self._follow(name, stream)
                return
            except ExchangeError as error:
                self._latest.publish(name, _raiser(error))
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
                self._latest.publish(name, step.read, step.dropped)


def _raiser(error: ExchangeError) -> Callable[[], Any]:
    def read() -> Any:  # noqa: ANN401 - it never returns
        raise error

    return read
