"""What a channel shows: trades, books and events, as the simulated clock moves on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from exchanges.simulator.engine.book_log import BookState
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.prices import Trade, hashed
from exchanges.simulator.venues.stream_faults import Frame


class Feed(ABC):
    """What one channel shows while somebody is subscribed to it.

    Attributes:
        channels: Ids of the declared channels that it plays.
        family: How the exchange's names of such channels begin, or their type.
    """

    channels: ClassVar[tuple[str, ...]]
    family: ClassVar[str]

    @abstractmethod
    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return what is due by *now_ms* and was not returned before, in order."""

    def stop(self) -> None:  # noqa: B027 - not every feed has something to stop
        """Stop what the feed has begun."""


F = TypeVar("F", bound=type[Feed])


def plays(family: str, *channels: str) -> Callable[[F], F]:
    """Mark the feed that plays declared channels; their names begin with, or their type is, *family*."""

    def mark(feed: F) -> F:
        feed.channels, feed.family = channels, family
        return feed

    return mark


class MarketFeed(Feed):
    """A feed of one market.

    Args:
        engine: Of the exchange.
        market: Its name.
        now_ms: When somebody subscribed, in milliseconds since 1970.
    """

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        self.engine = engine
        self.market = market
        self.seen_ms = now_ms


class TradesFeed(MarketFeed):
    """Trades as they happen."""

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market, now_ms)
        self._last = engine.book(market).tape.last_id(now_ms)

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the trades since the last call."""
        tape = self.engine.book(self.market).tape
        # By their ids: several trades may have the same moment, also one that was seen already.
        first, self._last = self._last + 1, tape.last_id(now_ms)
        for trade in tape.by_id(first, self._last, ascending=True):
            yield self.show(trade, now_ms)

    @abstractmethod
    def show(self, trade: Trade, now_ms: int) -> Frame:
        """Return the frame of a trade."""


class BookFeed(MarketFeed):
    """Frames of a book, sent now and then: each shows what has become of all changes since the one before."""

    period_ms: ClassVar[int]

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market, now_ms)
        self._salt = hashed(engine.market(market).own_salt, self.family)
        self._number = now_ms // self.period_ms
        self._number += self._due_ms(self._number) <= now_ms
        log = engine.log(market, now_ms)
        # The frames are the same for everybody: the first one may reach back to before the subscription.
        self._last = log.state_at(at_us=max(self._due_ms(self._number - 1) * 1000, log.oldest_us))

    def _due_ms(self, number: int) -> int:
        return number * self.period_ms + hashed(self._salt, number) % (self.period_ms * 3 // 5)

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the frames since the last call."""
        log = self.engine.log(self.market, now_ms)
        while (due_ms := self._due_ms(self._number)) <= now_ms:
            self._number += 1
            state, before = log.state_at(at_us=due_ms * 1000 + 999), self._last
            if state.sequence > before.sequence:
                self._last = state
                yield from self.show(before, state)

    @abstractmethod
    def show(self, before: BookState, now: BookState) -> Iterable[Frame]:
        """Return the frame for a change of the book, or none."""
