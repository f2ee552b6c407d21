"""Kept order books as users have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from attrs import frozen

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.book_feeds import BookFeed, BookReader, settings_of
from exchanges.streams.channel import Channel, Delivery
from exchanges.streams.live import Step, Stream

if TYPE_CHECKING:
    from exchanges.market_data import MarketLevel
    from exchanges.streams.keepers import Keeper
    from exchanges.streams.owner import Owner

__all__ = ["BookChange", "KeptBook"]

B = TypeVar("B")


@frozen
class BookChange:
    """A step of a kept book: it changed, or its status did.

    Attributes:
        status: What it is now; the book can be read if it is GOOD.
        dropped: How many changes since the last step were not waited for.
        cause: What made the book unreadable; None while it is good.
    """

    status: BookStatus
    dropped: int
    cause: str | None = None


class KeptBook(Stream, Generic[B]):
    """An order book that is kept up to date: right at its moment, or it cannot be read.

    It satisfies `exchanges.MarketOrderBook`. Iterate over it to wait for changes.
    """

    delivery: ClassVar[Delivery] = Delivery.KEPT

    def __init__(self, hub: Owner, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(hub, channel, arguments, options)
        if channel.book is None:
            raise TypeError(f"{channel.id}: no book is declared")
        settings_of(channel.book, options)  # what is wrong is said before anything is sent
        self._rule = channel.book
        self._waker = BookReader()

    def _reader(self) -> BookReader:
        return self._waker

    def _left(self) -> None:
        self._waker.end(None)

    @property
    def _kept(self) -> Keeper[Any, Any]:
        """What keeps the book.

        Raises:
            BookUnknown: Nobody does: the block was not entered, or is left.
        """
        if not isinstance(self._feed, BookFeed):
            words = f"{self.label}: the order book is not kept outside its block"
            raise BookUnknown(words, book_status=BookStatus.CLOSED, endpoint=self._channel.id)
        return self._feed.keeper

    # What can be read

    @property
    def bids(self) -> Sequence[MarketLevel]:
        """Offers to buy, highest price first.

        Raises:
            BookUnknown: The book is not good.
        """
        return self._kept.bids

    @property
    def asks(self) -> Sequence[MarketLevel]:
        """Offers to sell, lowest price first.

        Raises:
            BookUnknown: The book is not good.
        """
        return self._kept.asks

    def snapshot(self) -> B:
        """Return the book as it is now, in the exchange's own model, which never changes.

        Raises:
            BookUnknown: The book is not good.
        """
        model: B = self._rule.model(self._arguments, self._kept)
        return model

    @property
    def status(self) -> BookStatus:
        """Whether the book can be read, or why not."""
        return self._feed.keeper.status if isinstance(self._feed, BookFeed) else BookStatus.CLOSED

    @property
    def cause(self) -> str | None:
        """What made the book unreadable; None while it is good."""
        return self._feed.keeper.cause if isinstance(self._feed, BookFeed) else None

    @property
    def last_known(self) -> tuple[tuple[MarketLevel, ...], tuple[MarketLevel, ...]]:
        """Bids and asks as they were kept last, right or not."""
        return self._kept.last_known

    @property
    def as_of(self) -> datetime | None:
        """The exchange's moment at which the book was as it is kept (UTC); None before there is one."""
        return self._kept.as_of

    @property
    def received_at(self) -> datetime | None:
        """When the last frame came (UTC); None before there is one."""
        return self._kept.received_at

    @property
    def verified_at(self) -> datetime | None:
        """When the exchange's order book was last asked for that was found equal (UTC); None if none was yet."""
        return self._kept.verified_at

    @property
    def depth(self) -> int | None:
        """How many price levels of each side are kept; None for all."""
        return self._rule.settings.depth

    def __aiter__(self) -> Self:
        """Iterate over changes, the newest alone; a change of status wakes at once."""
        return self

    async def __anext__(self) -> BookChange:
        """Wait for a change.

        Raises:
            ExchangeError: The exchange has refused the channel.
        """
        self._require_entered()
        unread, feed = await self._waker.wait(), self._feed
        if unread is None or not isinstance(feed, BookFeed):
            raise StopAsyncIteration
        keeper = feed.keeper
        return BookChange(keeper.status, unread - 1, keeper.cause)

    async def advance(self) -> Step[B]:
        """Wait for a change, and return what reads the book; see `exchanges.follow`."""
        change = await anext(self)
        return Step(self.snapshot, change.dropped)
