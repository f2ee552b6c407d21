# ruff: noqa: INP001 - examples are not a package
"""Watch three exchanges for a coin that costs less at one than it brings at another, after fees and depth.

It does not trade. Against the simulator, and against the exchanges, of which Bitex is printed as failing::

    python examples/arbitrage.py
    python examples/arbitrage.py --live

The order books of all exchanges satisfy `exchanges.MarketOrderBook`, so one function reads them all. What differs
between them (names of books, fees, the currency of prices) is declared once, in `venues`.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from itertools import permutations

from attrs import define, field, frozen

import exchanges
from exchanges import Bitex, Bitso, Bitstamp, MarketLevel, MarketOrderBook, MarketTicker, UsageError
from exchanges.simulator import simulate

EVERY_SECONDS = 3.0
ONE = Decimal(1)


@frozen
class Venue:
    """One market for the coin, and its terms.

    Attributes:
        book: Reads its order book.
        fee: Taker fee, as a fraction of each trade.
        usd_rate: Reads the price of one USD in the currency of its prices; None if that is USD.
    """

    book: Callable[[], Awaitable[MarketOrderBook]]
    fee: Decimal
    usd_rate: Callable[[], Awaitable[MarketTicker]] | None = None


@frozen
class Opportunity:
    """A purchase at one venue and a simultaneous sale at another that yields a profit.

    Attributes:
        amount: Largest amount with a profit, in base currency.
        paid: Cost in USD, fee included.
        received: Proceeds in USD, fee deducted.
    """

    buy_at: str
    sell_at: str
    amount: Decimal
    paid: Decimal
    received: Decimal

    @property
    def profit(self) -> Decimal:
        """Profit in USD."""
        return self.received - self.paid


def in_dollars(levels: Iterable[MarketLevel], factor: Decimal) -> Iterable[tuple[Decimal, Decimal]]:
    """Yield price in USD and amount of each level; *factor* contains the fee and the exchange rate."""
    return ((level.price * factor, level.amount) for level in levels)


def match(asks: Iterable[tuple[Decimal, Decimal]], bids: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, ...]:
    """Match both books while the ask is below the bid; return amount, cost and proceeds."""
    amount = paid = received = Decimal(0)
    selling = iter(bids)
    bid, to_sell = next(selling, (Decimal(0), Decimal(0)))
    for ask, to_buy in asks:
        remaining = to_buy
        while remaining and bid > ask:
            traded = min(remaining, to_sell)
            amount, paid, received = amount + traded, paid + traded * ask, received + traded * bid
            remaining, to_sell = remaining - traded, to_sell - traded
            if not to_sell:
                # Without another bid the price is 0, which no ask is below.
                bid, to_sell = next(selling, (Decimal(0), Decimal(0)))
        if remaining:
            break  # further asks cost more, and further bids bring less
    return amount, paid, received


def opportunities(
    books: Mapping[str, MarketOrderBook], venues: Mapping[str, Venue], usd_rates: Mapping[str, Decimal]
) -> list[Opportunity]:
    """Return an opportunity for every pair of venues that has one, the most profitable first.

    Args:
        books: The newest order book of each venue.
        venues: The venues.
        usd_rates: The price of one USD at the venues whose prices are in another currency.
    """
    found: list[Opportunity] = []
    for buy, sell in permutations(books, 2):
        if any(venues[name].usd_rate is not None and name not in usd_rates for name in (buy, sell)):
            continue  # no rate yet
        asks = in_dollars(books[buy].asks, (ONE + venues[buy].fee) / usd_rates.get(buy, ONE))
        bids = in_dollars(books[sell].bids, (ONE - venues[sell].fee) / usd_rates.get(sell, ONE))
        amount, paid, received = match(asks, bids)
        if amount:
            found.append(Opportunity(buy, sell, amount, paid, received))
    return sorted(found, key=lambda o: o.profit, reverse=True)


@frozen
class Answer:
    """The answer of one source: an order book or the price of one USD."""

    venue: str
    book: MarketOrderBook | None = None
    usd_rate: Decimal | None = None


@define
class Watch:
    """The newest answers of all venues.

    Attributes:
        venues: The venues to poll.
        books: The newest order book of each venue; absent while the venue fails.
        usd_rates: The price of one USD at the venues whose prices are in another currency.
        failing: The error of each source whose newest answer was one.
    """

    venues: Mapping[str, Venue]
    books: dict[str, MarketOrderBook] = field(factory=dict[str, MarketOrderBook])
    usd_rates: dict[str, Decimal] = field(factory=dict[str, Decimal])
    failing: dict[str, Exception] = field(factory=dict[str, Exception])

    async def run(self, every_seconds: float = EVERY_SECONDS) -> AsyncIterator[list[Opportunity]]:
        """Poll all books and rates; yield the opportunities after each answer."""
        async with exchanges.poll[Answer](self._sources(), every_seconds=every_seconds) as updates:
            async for update in updates:
                self.add(update)
                yield opportunities(self.books, self.venues, self.usd_rates)

    def add(self, update: exchanges.Update[Answer]) -> None:
        """Store the answer of a source, or drop its previous one if it failed."""
        name, _, is_rate = update.source.partition(" ")
        answers: dict[str, MarketOrderBook] | dict[str, Decimal] = self.usd_rates if is_rate else self.books
        # Old prices are worse than none: an opportunity at a price of a minute ago is no opportunity.
        answers.pop(name, None)
        self.failing.pop(update.source, None)
        answer = update.value
        if answer is None:
            self.failing[update.source] = update.error or RuntimeError("no answer")
        elif answer.book is not None:
            self.books[name] = answer.book
        elif answer.usd_rate is not None:
            self.usd_rates[name] = answer.usd_rate

    def _sources(self) -> dict[str, Callable[[], Awaitable[Answer]]]:
        sources: dict[str, Callable[[], Awaitable[Answer]]] = {}
        for name, venue in self.venues.items():
            sources[name] = partial(_read_book, name, venue.book)
            if venue.usd_rate is not None:
                sources[f"{name} USD"] = partial(_read_usd_rate, name, venue.usd_rate)
        return sources


async def _read_book(name: str, book: Callable[[], Awaitable[MarketOrderBook]]) -> Answer:
    return Answer(name, book=await book())


async def _read_usd_rate(name: str, ticker: Callable[[], Awaitable[MarketTicker]]) -> Answer:
    return Answer(name, usd_rate=(await ticker()).last)


# As fractions, of accounts without any volume.
FEES = {"bitex": Decimal("0.005"), "bitso": Decimal("0.0065"), "bitstamp": Decimal("0.004")}


async def own_fees(bitso: Bitso, bitstamp: Bitstamp) -> dict[str, Decimal]:
    """Return the taker fees of the accounts, by venue; those of `FEES` where there is no key."""
    fees = dict(FEES)
    with suppress(UsageError):  # no key
        fee = await bitstamp.account.trading_fee("btcusd")
        fees["bitstamp"] = fee.fees.taker / 100  # shown in percent
    with suppress(UsageError):
        books = {fee.book: fee for fee in (await bitso.account.fees()).fees}
        fees["bitso"] = books["btc_mxn"].taker_fee_decimal
    return fees


def venues(bitex: Bitex, bitso: Bitso, bitstamp: Bitstamp, fees: Mapping[str, Decimal] = FEES) -> dict[str, Venue]:
    """Return the venues for BTC, by name."""
    return {
        "bitex": Venue(bitex.market.order_book, fee=fees["bitex"]),
        "bitso": Venue(
            lambda: bitso.market.order_book("btc_mxn"),
            fee=fees["bitso"],
            usd_rate=lambda: bitso.market.ticker("usd_mxn"),
        ),
        "bitstamp": Venue(lambda: bitstamp.market.order_book("btcusd"), fee=fees["bitstamp"]),
    }


async def report(base_url: str | None = None) -> None:
    """Print the best opportunity after each answer, until Ctrl-C."""
    async with (
        Bitex(base_url=base_url) as bitex,
        Bitso(base_url=base_url) as bitso,
        Bitstamp(base_url=base_url) as bitstamp,
    ):
        watch = Watch(venues(bitex, bitso, bitstamp, await own_fees(bitso, bitstamp)))
        async for found in watch.run():
            for best in found[:1]:
                print(f"{best.amount:f} BTC from {best.buy_at} to {best.sell_at}: {best.profit:.2f} USD")  # noqa: T201
            for source, error in watch.failing.items():
                print(f"{source}: {error}")  # noqa: T201
            if not found and not watch.failing:
                print("no opportunity")  # noqa: T201


async def simulated() -> None:
    """Watch the simulator."""
    async with simulate() as sim:
        await report(sim.base_url)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", action="store_true", help="watch the exchanges themselves")
    with suppress(KeyboardInterrupt):
        asyncio.run(report() if parser.parse_args().live else simulated())


if __name__ == "__main__":
    main()
