# ruff: noqa: INP001 - examples are no package
"""Watch three exchanges for a coin that is cheaper at one than at another, fees and depth counted.

Nothing here trades. Against the live exchanges (Bitex is probably gone, and is then shown as failing)::

    python examples/arbitrage.py

The order books of all exchanges fit `exchanges.MarketOrderBook`, so one function serves them all; what differs between
them (names of books, fees, the currency of prices) is said once, in `venues`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from itertools import permutations

from attrs import define, field, frozen

import exchanges
from exchanges import Bitex, Bitso, Bitstamp, MarketLevel, MarketOrderBook, MarketTicker

EVERY_SECONDS = 3.0
ONE = Decimal(1)


@frozen
class Venue:
    """Where a coin is traded, and on what terms.

    Attributes:
        book: Reads its order book.
        fee: Fraction of each trade, for an order that meets one in the book.
        dollar: Reads what one USD costs in the currency of its prices; None where that is USD.
    """

    book: Callable[[], Awaitable[MarketOrderBook]]
    fee: Decimal
    dollar: Callable[[], Awaitable[MarketTicker]] | None = None


@frozen
class Opportunity:
    """A coin bought at one venue and sold at another at the same time.

    Attributes:
        amount: Base currency, as much as the books hold at a profit.
        paid: USD for all of it, fee included.
        received: USD for all of it, fee deducted.
    """

    buy_at: str
    sell_at: str
    amount: Decimal
    paid: Decimal
    received: Decimal

    @property
    def profit(self) -> Decimal:
        """USD that are left."""
        return self.received - self.paid


def in_dollars(levels: Iterable[MarketLevel], factor: Decimal) -> Iterable[tuple[Decimal, Decimal]]:
    """Give price in USD and amount of each level; *factor* brings fee and currency in."""
    return ((level.price * factor, level.amount) for level in levels)


def match(asks: Iterable[tuple[Decimal, Decimal]], bids: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, ...]:
    """Walk down both books while buying costs less than selling brings: amount, paid, received."""
    amount = paid = received = Decimal(0)
    selling = iter(bids)
    bid, wanted = next(selling, (Decimal(0), Decimal(0)))
    for ask, offered in asks:
        left = offered
        while left and bid > ask:
            taken = min(left, wanted)
            amount, paid, received = amount + taken, paid + taken * ask, received + taken * bid
            left, wanted = left - taken, wanted - taken
            if not wanted:
                bid, wanted = next(selling, (Decimal(0), Decimal(0)))
        if left:
            break
    return amount, paid, received


def opportunities(
    books: Mapping[str, MarketOrderBook], venues: Mapping[str, Venue], dollars: Mapping[str, Decimal]
) -> list[Opportunity]:
    """Find every pair of venues between which a coin can be moved at a profit, the best first.

    Args:
        books: What was read last, by venue.
        venues: Their terms.
        dollars: What one USD costs at the venues whose prices are in another currency.
    """
    found: list[Opportunity] = []
    for buy, sell in permutations(books, 2):
        if any(venues[name].dollar is not None and name not in dollars for name in (buy, sell)):
            continue  # no rate yet
        asks = in_dollars(books[buy].asks, (ONE + venues[buy].fee) / dollars.get(buy, ONE))
        bids = in_dollars(books[sell].bids, (ONE - venues[sell].fee) / dollars.get(sell, ONE))
        amount, paid, received = match(asks, bids)
        if amount:
            found.append(Opportunity(buy, sell, amount, paid, received))
    return sorted(found, key=lambda o: o.profit, reverse=True)


@frozen
class Reading:
    """What one source said: an order book, or what one USD costs."""

    venue: str
    book: MarketOrderBook | None = None
    dollar: Decimal | None = None


@define
class Watch:
    """What is known so far.

    Attributes:
        venues: Whom to ask.
        books: The newest order book of each venue that answered.
        dollars: What one USD costs, where prices are in another currency.
        failing: Why a source gave nothing the last time.
    """

    venues: Mapping[str, Venue]
    books: dict[str, MarketOrderBook] = field(factory=dict[str, MarketOrderBook])
    dollars: dict[str, Decimal] = field(factory=dict[str, Decimal])
    failing: dict[str, Exception] = field(factory=dict[str, Exception])

    async def run(self, every_seconds: float = EVERY_SECONDS) -> AsyncIterator[list[Opportunity]]:
        """Read all books and rates over and over; after each answer, give what can be done with what is known."""
        async with exchanges.poll[Reading](self._sources(), every_seconds=every_seconds) as updates:
            async for update in updates:
                self.take(update)
                yield opportunities(self.books, self.venues, self.dollars)

    def take(self, update: exchanges.Update[Reading]) -> None:
        """Remember what a source said; of what failed nothing is known any longer."""
        name, _, is_rate = update.source.partition(" ")
        known: dict[str, MarketOrderBook] | dict[str, Decimal] = self.dollars if is_rate else self.books
        known.pop(name, None)
        self.failing.pop(update.source, None)
        reading = update.value
        if reading is None:
            self.failing[update.source] = update.error or RuntimeError("no answer")
        elif reading.book is not None:
            self.books[name] = reading.book
        elif reading.dollar is not None:
            self.dollars[name] = reading.dollar

    def _sources(self) -> dict[str, Callable[[], Awaitable[Reading]]]:
        sources: dict[str, Callable[[], Awaitable[Reading]]] = {}
        for name, venue in self.venues.items():
            sources[name] = partial(_read_book, name, venue.book)
            if venue.dollar is not None:
                sources[f"{name} dollar"] = partial(_read_dollar, name, venue.dollar)
        return sources


async def _read_book(name: str, book: Callable[[], Awaitable[MarketOrderBook]]) -> Reading:
    return Reading(name, book=await book())


async def _read_dollar(name: str, ticker: Callable[[], Awaitable[MarketTicker]]) -> Reading:
    return Reading(name, dollar=(await ticker()).last)


def venues(bitex: Bitex, bitso: Bitso, bitstamp: Bitstamp) -> dict[str, Venue]:
    """Say where BTC is traded; look up your own fees."""
    return {
        "bitex": Venue(bitex.market.order_book, fee=Decimal("0.005")),
        "bitso": Venue(
            lambda: bitso.market.order_book("btc_mxn"),
            fee=Decimal("0.0065"),
            dollar=lambda: bitso.market.ticker("usd_mxn"),
        ),
        "bitstamp": Venue(lambda: bitstamp.market.order_book("btcusd"), fee=Decimal("0.004")),
    }


async def main() -> None:
    """Print what there is to gain, until Ctrl-C."""
    async with Bitex() as bitex, Bitso() as bitso, Bitstamp() as bitstamp:
        watch = Watch(venues(bitex, bitso, bitstamp))
        async for found in watch.run():
            for best in found[:1]:
                print(f"{best.amount:f} BTC from {best.buy_at} to {best.sell_at}: {best.profit:.2f} USD")  # noqa: T201
            for source, error in watch.failing.items():
                print(f"{source}: {error}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
