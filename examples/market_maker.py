# ruff: noqa: INP001 - examples are not a package
"""Quote both sides of a market around its middle; survive kills, and prove what became of every order.

It follows a kept order book and trades by `client.spot`, so it runs at Bitso and at Bitstamp. Against the simulator,
for ten rounds::

    python examples/market_maker.py bitso BTC/MXN

With real money, until Ctrl-C::

    BITSTAMP_API_KEY=... BITSTAMP_API_SECRET=... python examples/market_maker.py bitstamp BTC/USD --live

Four rules make it safe to kill it at any moment. Before it trades it finds out what became of the calls that the last
run left open, and does not trade while one of them is unknown. It starts and ends without open orders of its own. An
order whose outcome it does not learn stops the quoting until `reconcile` has proven it. And while the order book cannot
be read, its quotes are withdrawn: nobody knows then where the market is.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import define, field

from exchanges import (
    Ambiguous,
    Bitso,
    Bitstamp,
    BookStatus,
    BookUnknown,
    ExchangeError,
    Incomplete,
    MarketOrderBook,
    NoTrace,
    OutcomeUnknown,
    Reconciled,
    Rejected,
)
from exchanges.simulator import Simulator, Venue, simulate
from exchanges.spot import Market, Side
from exchanges.state import FileState
from exchanges.streams import KeptBook

logger = logging.getLogger("market_maker")

CLIENTS: Mapping[Venue, type[Bitso | Bitstamp]] = {Venue.BITSO: Bitso, Venue.BITSTAMP: Bitstamp}

STEP_SECONDS = 5.0
"""How long to wait for a change of the book, so that what failed is tried again in a market where nothing happens."""


class StillUnknown(Exception):
    """The outcome of an earlier call is not proven, so nothing may be traded."""


@define
class MarketMaker:
    """Quotes one market.

    Args:
        client: Of the account that quotes.
        market: Such as ``Market("BTC", "MXN")``.
        amount: Base: of each quote.
        spread: Fraction of the price between the two quotes; they are replaced when the middle moves by a tenth of it.
    """

    client: Bitso | Bitstamp
    market: Market
    amount: Decimal
    spread: Decimal = Decimal("0.004")
    quotes: dict[Side, str] = field(factory=dict[Side, str])
    middle: Decimal | None = None

    def book(self) -> KeptBook[Any]:
        """Return the order book of the market, to be entered."""
        base, quote = self.market.base.lower(), self.market.quote.lower()
        if isinstance(self.client, Bitso):
            return self.client.streams.order_book(f"{base}_{quote}")
        return self.client.streams.order_book(f"{base}{quote}")

    async def start(self) -> None:
        """Prove the outcomes of the last run, learn the rules of the market, and begin without orders.

        Raises:
            StillUnknown: An outcome cannot be proven yet.
        """
        await self.prove()
        await self.client.spot.markets()
        await self.withdraw_quotes()

    async def prove(self) -> None:
        """Reconcile every call whose outcome is unknown.

        Raises:
            StillUnknown: One cannot be proven yet.
        """
        for intent in list(self.client.unresolved):
            match await self.client.reconcile(intent):
                case Reconciled(found=order):
                    logger.info("%s was executed: %s", intent, order)
                case NoTrace():
                    logger.info("%s was not executed", intent)
                case Ambiguous() as verdict:
                    raise StillUnknown(f"{intent}: one of {len(verdict.candidates)} may be it")
                case Incomplete(reason=reason):
                    raise StillUnknown(f"{intent}: {reason}")

    async def withdraw_quotes(self) -> None:
        """Cancel the open orders of the market, and the quotes that a list does not show yet."""
        open_orders = await self.client.spot.open_orders(self.market)
        for order_id in {order.order_id for order in open_orders} | set(self.quotes.values()):
            await self.client.spot.cancel(order_id)
        self.quotes.clear()

    async def quote(self, book: MarketOrderBook) -> None:
        """Replace both quotes by new ones around the middle of the market, if it has moved.

        Raises:
            BookUnknown: The book cannot be read.
        """
        middle = middle_of(book)
        if self.quotes and self.middle is not None and abs(middle - self.middle) < middle * self.spread / 10:
            return
        await self.withdraw_quotes()
        rules = self.client.spot.rules(self.market)
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            # Read again: calls take a while, and the book may have become unreadable meanwhile.
            self.middle = middle_of(book)
            price = rules.round_price(self.middle * (1 + sign * self.spread / 2), side)
            amount = rules.round_amount(self.amount)
            try:
                order = await self.client.spot.place_limit(
                    self.market, side, amount=amount, price=price, post_only=True
                )
                self.quotes[side] = order.order_id
            except Rejected as refusal:
                logger.warning("no quote to %s: %s", side, refusal)
            except OutcomeUnknown as unknown:
                # It may be in the book. Nothing else is placed before that is known.
                logger.warning("%s", unknown)
                await self.prove()

    async def step(self, book: MarketOrderBook) -> None:
        """Quote, or withdraw the quotes while the book cannot be read."""
        try:
            await self.prove()
            try:
                await self.quote(book)
            except BookUnknown as unknown:
                logger.warning("quotes withdrawn: %s", unknown)
                await self.withdraw_quotes()
        except (StillUnknown, ExchangeError) as error:
            logger.warning("not quoting: %s", error)

    async def run(self, go_on: Callable[[], bool]) -> None:
        """Quote at each change of the book while *go_on* returns True; end without orders."""
        await self.start()
        try:
            async with self.book() as book:
                while go_on():
                    await self.step(book)
                    if not await has_changed(book):
                        break
        finally:
            # Shielded: a second Ctrl-C must not leave quotes in the book.
            await asyncio.shield(self.withdraw_quotes())


async def has_changed(book: KeptBook[Any]) -> bool:
    """Wait for a change, at once when the book can be read no longer; return False once it is not kept any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STEP_SECONDS):
            return await anext(book, None) is not None
    return True


def middle_of(book: MarketOrderBook) -> Decimal:
    """Return the price between the best ones.

    Raises:
        BookUnknown: The book cannot be read, or nobody buys or sells.
    """
    bids, asks = book.bids, book.asks
    if not bids or not asks:
        raise BookUnknown("a side of the order book is empty", book_status=BookStatus.GOOD)
    return (bids[0].price + asks[0].price) / 2


async def trade(client: Bitso | Bitstamp, market: Market, go_on: Callable[[], bool]) -> None:
    """Quote while *go_on* returns True, and report the balances."""
    await MarketMaker(client, market, Decimal("0.001")).run(go_on)
    balances = {currency: str(balance.total) for currency, balance in (await client.spot.balances()).items()}
    logger.info("balances: %s", balances)


def connected(sim: Simulator, venue: Venue, state: FileState) -> Bitso | Bitstamp:
    """Return a client of the first simulated account."""
    if venue is Venue.BITSO:
        return Bitso(base_url=sim.base_url, state=state, **sim.account(Venue.BITSO))
    return Bitstamp(base_url=sim.base_url, state=state, **sim.account(Venue.BITSTAMP))


async def simulated(venue: Venue, market: Market, rounds: int) -> None:
    """Trade against the simulator."""
    left = iter(range(rounds))
    with tempfile.TemporaryDirectory() as folder:
        async with simulate(venue) as sim:
            with FileState(Path(folder) / "state.db") as state:
                async with connected(sim, venue, state) as client:
                    await trade(client, market, lambda: next(left, None) is not None)


async def live(venue: Venue, market: Market) -> None:
    """Trade with the key from the environment."""
    with FileState("market_maker.db") as state:
        async with CLIENTS[venue](state=state) as client:
            await trade(client, market, lambda: True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("venue", type=Venue, choices=list(CLIENTS))
    parser.add_argument("market", type=Market.parse, help="such as BTC/USD")
    parser.add_argument("--live", action="store_true", help="trade with real money")
    parser.add_argument("--rounds", type=int, default=10, help="how often to quote against the simulator")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    trading = live(given.venue, given.market) if given.live else simulated(given.venue, given.market, given.rounds)
    asyncio.run(trading)


if __name__ == "__main__":
    main()
