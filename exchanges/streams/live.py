"""Streams as users have them: asynchronous context managers, which are iterated over."""

from __future__ import annotations

import asyncio
import functools
import warnings
import weakref
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from attrs import frozen

from exchanges.endpoint import Access
from exchanges.endpoint.tracebacks import strip
from exchanges.errors import ExchangeError, UsageError
from exchanges.streams.channel import Delivery
from exchanges.streams.delivery import Buffer, Cell, Ended, Gap

if TYPE_CHECKING:
    from exchanges.streams.channel import Channel
    from exchanges.streams.feeds import Feed
    from exchanges.streams.owner import Owner

__all__ = ["Lossless", "Newest", "Step", "Stream"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen
class Step(Generic[T_co]):
    """One step of a stream that is followed.

    Attributes:
        read: Returns what is new; raises an `ExchangeError` if it cannot be read.
        dropped: How much was new before it and was not waited for.
    """

    read: Callable[[], T_co]
    dropped: int = 0


BUFFER = 1000
PRIVATE_BUFFER = 10_000


class Stream:
    """A live channel. Enter it to subscribe; leave the block to give it up.

    Entering waits until the exchange has confirmed the channel.
    """

    delivery: ClassVar[Delivery]

    def __init__(self, hub: Owner, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self._hub, self._channel, self._arguments, self._options = hub, channel, arguments, options
        self._feed: Feed | None = None
        self._was_entered = False
        self._dropped: weakref.finalize[..., Any] | None = None

    def __repr__(self) -> str:
        """Show the channel, and whether it is live."""
        state = "live" if self.is_live else "left" if self._was_entered and self._feed is None else "not live"
        return f"{type(self).__name__}({self.label}, {state})"

    @property
    def label(self) -> str:
        """The channel with its arguments, such as ``bitstamp.streams.trades(btcusd)``."""
        return f"{self._channel.id}({', '.join(self._arguments.values())})"

    @property
    def is_live(self) -> bool:
        """Whether the exchange sends the channel at this moment."""
        return self._feed is not None and self._feed.is_live

    async def __aenter__(self) -> Self:
        """Subscribe, and wait until the channel can be read.

        Raises:
            InvalidRequest: There is no such market, or the exchange refused the channel.
            AuthenticationFailed: The exchange refused a fresh token.
            NotSent: There was no connection in time.
            Unavailable: The exchange did not answer in time.
            UsageError: The client cannot have streams, or websockets is not installed.
        """
        self._begin_entering()
        reader = self._reader()
        try:
            self._feed = await self._hub.join(self._channel, self._arguments, self._options, reader)
        except ExchangeError as error:
            strip(error)
            raise
        self._watch(functools.partial(self._hub.leave, self._feed, reader))
        return self

    def _begin_entering(self) -> None:
        if self._was_entered:
            raise UsageError(f"{self.label}: the block was entered already; open another stream")
        self._was_entered = True

    def _watch(self, leave: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Call *leave* if the stream is dropped without leaving its block; it must not refer to the stream."""
        loop = asyncio.get_running_loop()
        self._dropped = weakref.finalize(self, _was_dropped, loop, self._hub, leave, self.label)
        self._dropped.atexit = False

    def _unwatch(self) -> None:
        if self._dropped is not None:
            self._dropped.detach()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the channel."""
        self._unwatch()
        feed, self._feed = self._feed, None
        self._left()
        if feed is not None:
            await self._hub.leave(feed, self._reader())

    def again(self) -> Self:
        """Return a stream of the same channel that was not entered yet."""
        return type(self)(self._hub, self._channel, self._arguments, self._options)

    def _reader(self) -> Any:  # noqa: ANN401 - what the feed of the channel expects
        raise NotImplementedError

    def _left(self) -> None:
        raise NotImplementedError

    def _require_entered(self) -> None:
        if not self._was_entered:
            raise UsageError(f"{self.label}: enter the block first: async with ... as items")


def _was_dropped(
    loop: asyncio.AbstractEventLoop, hub: Owner, leave: Callable[[], Coroutine[Any, Any, None]], label: str
) -> None:
    """Release the channel of a stream that nobody can read or leave any more."""
    if hub.is_closed:
        return

    def release() -> None:
        if not hub.is_closed:
            hub.spawn(leave(), f"streams leave {label}")

    with suppress(RuntimeError):  # the loop is closed, and all that it held with it
        # Objects may be collected in any thread.
        loop.call_soon_threadsafe(release)
    warnings.warn(f"{label}: dropped without leaving its block; use async with", ResourceWarning, stacklevel=2)


class _BufferReader(Buffer[Any]):
    """A buffer as a feed sees it."""

    wants_backfill = False


class Lossless(Stream, Generic[T]):
    """A channel of which nothing is lost in silence: an iterator over items, and `Gap` where some may be missing."""

    delivery = Delivery.LOSSLESS

    def __init__(self, hub: Owner, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(hub, channel, arguments, options)
        is_private = channel.access is not Access.PUBLIC
        size = options.get("buffer", PRIVATE_BUFFER if is_private else BUFFER)
        if type(size) is not int or size < 1:
            raise UsageError(f"{self.label}: buffer must be a whole number above zero")
        self._buffer = _BufferReader(size, self.label, is_loud=is_private)
        self._buffer.wants_backfill = options.get("backfill", False) is True

    @property
    def missed(self) -> int:
        """How many items were dropped because they were not read in time."""
        return self._buffer.missed

    def __aiter__(self) -> Self:
        """Iterate over items as they arrive."""
        return self

    async def __anext__(self) -> T | Gap:
        """Wait for the next item, or gap.

        Raises:
            ExchangeError: The exchange has refused the channel, or private events were not read in time.
        """
        self._require_entered()
        try:
            item: T | Gap = await self._buffer.get()
        except Ended:
            raise StopAsyncIteration from None
        except ExchangeError as error:
            strip(error)
            raise
        return item

    async def advance(self) -> Step[T | Gap]:
        """Wait for the next item, and return what reads it; see `exchanges.follow`."""
        item = await anext(self)
        return Step(lambda: item)

    def _reader(self) -> _BufferReader:
        return self._buffer

    def _left(self) -> None:
        self._buffer.discard()


class _CellReader:
    """A cell as a feed sees it: there is nothing to miss but the newest item."""

    wants_backfill = False

    def __init__(self) -> None:
        self.cell = Cell[Any]()

    def put(self, at: datetime, item: Any, size: int) -> bool:  # noqa: ANN401, ARG002 - the newest is the newest
        self.cell.put(item)
        return False

    def end(self, error: Exception | None = None) -> None:
        self.cell.end(error)

    def gap(self, gap: Gap) -> None:
        pass

    def hold(self, gap: Gap) -> None:
        pass

    def fill(self, at: datetime, items: Collection[Any], key: Callable[[Any], str]) -> None:
        pass

    def unfilled(self) -> None:
        pass


class Newest(Stream, Generic[T]):
    """A channel of which the newest item matters: an iterator over what is new since the last step.

    Attributes:
        dropped: How many items before the one that was read last were replaced unread.
    """

    delivery = Delivery.NEWEST

    def __init__(self, hub: Owner, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(hub, channel, arguments, options)
        self._reading = _CellReader()
        self.dropped = 0

    def __aiter__(self) -> Self:
        """Iterate over the newest item, whenever there is a new one."""
        return self

    async def __anext__(self) -> T:
        """Wait for an item that is newer than the last one."""
        self._require_entered()
        try:
            item, self.dropped = await self._reading.cell.get()
        except Ended:
            raise StopAsyncIteration from None
        except ExchangeError as error:
            strip(error)
            raise
        newest: T = item
        return newest

    async def advance(self) -> Step[T]:
        """Wait for an item that is newer, and return what reads it; see `exchanges.follow`."""
        item = await anext(self)
        return Step(lambda: item, self.dropped)

    def _reader(self) -> _CellReader:
        return self._reading

    def _left(self) -> None:
        self._reading.end()
