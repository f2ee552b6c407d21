"""Public market data of v2."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.models import OrderBook, Ticker, TimeFrame, Transaction
from exchanges.endpoint import Area, Param, public


def _fault_of_group(group: int) -> str | None:
    """Return what is wrong with a way of grouping; None if nothing is."""
    return None if group in (0, 1, 2) else "must be 0, 1 or 2"


class Market(Area, api=V2):
    """Public market data; needs no key."""

    # Quirk: an unknown market is answered with the tickers of all, status 200; see `errors`.
    @public("GET /ticker/{market}/")
    async def ticker(self, market: str) -> Ticker:
        """Prices and volume of the last 24 hours.

        Args:
            market: Base and counter, such as btcusd.

        Returns:
            Wire: object.

        Raises:
            InvalidRequest: No such market. The exchange answers with the tickers of all of them.

        Source:
            Bitstamp API v2, Tickers, "Get ticker".
        """
        ...

    @public("GET /order_book/{market}/")
    async def order_book(
        self, market: str, *, group: Annotated[int | None, Param(check=_fault_of_group)] = None
    ) -> OrderBook:
        """Open orders, best prices first.

        Args:
            market: Base and counter, such as btcusd.
            group: 0: orders not summed up; 1: summed up by price; 2: not summed up, each with its id.
                None: not sent; the exchange uses 1.

        Returns:
            About a second old. Wire: object of two lists of rows of 2, or of 3 with the order id when *group* is 2.

        Source:
            Bitstamp API v2, Market info, "Get order book".
        """
        ...

    @public("GET /transactions/{market}/")
    async def transactions(self, market: str, *, time: TimeFrame | None = None) -> list[Transaction]:
        """Recent trades, newest first.

        Args:
            market: Base and counter, such as btcusd.
            time: The period. None: not sent; the exchange uses HOUR.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Transactions, "Get transactions".
        """
        ...
