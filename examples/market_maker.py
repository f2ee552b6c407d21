# ruff: noqa: INP001 - examples are not a package
"""Quote both sides of a Bitso book around its middle; survive kills, and prove what became of every order.

Against the simulator, for ten rounds::

    python examples/bitso_market_maker.py

Against Bitso, with real money, until Ctrl-C::

    BITSO_API_KEY=... BITSO_API_SECRET=... python examples/bitso_market_maker.py --live btc_mxn

Three rules make it safe to kill it at any moment. Before it trades it finds out what became of the calls that the last
run left open, and does not trade while one of them is unknown. It starts and ends without open orders of its own. And
an order whose outcome it does not learn stops the quoting until `reconcile` has proven it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from attrs import define, field

from exchanges import Ambiguous, Bitso, Incomplete, NoTrace, Reconciled
from exchanges.bitso import Side, TimeInForce
from exchanges.errors import ExchangeError, OutcomeUnknown, Rejected
from exchanges.simulator import Venue, simulate
from exchanges.state import FileState

logger = logging.getLogger("market_maker")


class StillUnknown(Exception):
    """The outcome of an earlier call is not proven, so nothing may be traded."""


@define
class MarketMaker:
    """Quotes one book.

    Args:
        bitso: The client.
        book: Major and minor, such as btc_mxn.
        amount: Major: of each quote.
        spread: Fraction of the price between the two quotes.
    """

    bitso: Bitso
    book: str
    amount: Decimal
    spread: Decimal = Decimal("0.004")
    quotes: dict[Side, str] = field(factory=dict[Side, str])

    async def start(self) -> None:
        """Prove the outcomes of the last run, learn the rules of the book, and begin without orders.

        Raises:
            StillUnknown: An outcome cannot be proven yet.
        """
        await self.prove()
        await self.bitso.market.available_books()
        await self.withdraw_quotes()

    async def prove(self) -> None:
        """Find out what became of every call whose outcome is unknown.

        Raises:
            StillUnknown: One cannot be proven yet.
        """
        for intent in list(self.bitso.unresolved):
            match await self.bitso.reconcile(intent):
                case Reconciled(found=order):
                    logger.info("%s was executed: %s", intent, order)
                case NoTrace():
                    logger.info("%s was not executed", intent)
                case Ambiguous() as verdict:
                    raise StillUnknown(f"{intent}: one of {len(verdict.candidates)} may be it")
                case Incomplete(reason=reason):
                    raise StillUnknown(f"{intent}: {reason}")

    async def withdraw_quotes(self) -> None:
        """Cancel the open orders of the book."""
        open_orders = await self.bitso.trading.open_orders(book=self.book)
        for start in range(0, len(open_orders), 50):
            await self.bitso.trading.cancel_orders(oids=[order.oid for order in open_orders[start : start + 50]])
        self.quotes.clear()

    async def quote(self) -> None:
        """Replace both quotes by new ones around the middle of the book."""
        shown = await self.bitso.market.order_book(self.book)
        middle = (shown.bids[0].price + shown.asks[0].price) / 2
        await self.withdraw_quotes()
        rules = self.bitso.market.rules(self.book)
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            price = rules.round_price(middle * (1 + sign * self.spread / 2), side)
            try:
                self.quotes[side] = await self.bitso.trading.place_order(
                    book=self.book,
                    side=side,
                    order_type="limit",
                    major=rules.round_amount(self.amount),
                    price=price,
                    time_in_force=TimeInForce.POST_ONLY,
                )
            except Rejected as refusal:
                logger.warning("no quote to %s: %s", side.value, refusal)
            except OutcomeUnknown as unknown:
                # It may be in the book. Nothing else is placed before that is known.
                logger.warning("%s", unknown)
                await self.prove()

    async def run(self, pause: Callable[[], Awaitable[bool]]) -> None:
        """Quote until *pause* returns False; end without orders."""
        await self.start()
        try:
            while await pause():
                try:
                    await self.quote()
                except (StillUnknown, ExchangeError) as error:
                    logger.warning("not quoting: %s", error)
        finally:
            # Shielded: a second Ctrl-C must not leave quotes in the book.
            await asyncio.shield(self.withdraw_quotes())


async def trade(bitso: Bitso, book: str, pause: Callable[[], Awaitable[bool]]) -> None:
    """Quote until *pause* returns False, and report the balances."""
    await MarketMaker(bitso, book, Decimal("0.001")).run(pause)
    balances = {balance.currency: str(balance.total) for balance in await bitso.account.balance()}
    logger.info("balances: %s", balances)


async def simulated(book: str, rounds: int) -> None:
    """Trade against the simulator."""
    left = iter(range(rounds))

    async def pause() -> bool:
        return next(left, None) is not None

    with tempfile.TemporaryDirectory() as folder:
        async with simulate(Venue.BITSO) as sim:
            with FileState(Path(folder) / "state.db") as state:
                async with Bitso(base_url=sim.base_url, state=state, **sim.account(Venue.BITSO)) as bitso:
                    await trade(bitso, book, pause)


async def live(book: str) -> None:
    """Trade at Bitso, with the key from the environment."""

    async def pause() -> bool:
        await asyncio.sleep(5)
        return True

    with FileState("market_maker.db") as state:
        async with Bitso(state=state) as bitso:
            await trade(bitso, book, pause)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("book", nargs="?", default="btc_mxn")
    parser.add_argument("--live", action="store_true", help="trade at Bitso, with real money")
    parser.add_argument("--rounds", type=int, default=10, help="how often to quote against the simulator")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(live(given.book) if given.live else simulated(given.book, given.rounds))


if __name__ == "__main__":
    main()
