"""Public market data of v2."""

from __future__ import annotations

from typing import Annotated, Literal

from exchanges.bitso.api import V2
from exchanges.bitso.v2.models import OrderBook, Ticker, TimeFrame, Transaction
from exchanges.endpoint import Area, Param, public
from exchanges.endpoint.arguments import digit
from exchanges.endpoint.contradictions import order_book_fault


class Market(Area, api=V2):
    """Public market data; needs no key. Each *book* that is None is not sent; the exchange uses btc_mxn."""

    @public("GET /ticker")
    async def ticker(self, book: str | None = None) -> Ticker:
        """Prices and volume of the last 24 hours.

        Args:
            book: Major and minor, such as btc_mxn.

        Returns:
            Wire: object.

        Source:
            Bitso API v2, Public Endpoints, "Ticker".
        """
        ...

    @public("GET /order_book", fault=order_book_fault("group", (None, True)))
    async def order_book(
        self, book: str | None = None, *, group: Annotated[bool | None, Param(render=digit)] = None
    ) -> OrderBook:
        """Open orders, best prices first.

        Args:
            book: Major and minor, such as btc_mxn.
            group: Whether orders are summed up by price; 0 or 1 on the wire. None: not sent; the exchange uses True.

        Returns:
            Wire: object of two lists of rows of 2.

        Source:
            Bitso API v2, Public Endpoints, "Order Book".
        """
        ...

    @public("GET /transactions")
    async def transactions(
        self, book: str | None = None, *, time: TimeFrame | Literal["minute", "hour"] | None = None
    ) -> list[Transaction]:
        """Recent trades, newest first.

        Args:
            book: Major and minor, such as btc_mxn.
            time: The period. None: not sent; the exchange uses HOUR.

        Returns:
            Wire: list of objects.

        Source:
            Bitso API v2, Public Endpoints, "Transactions".
        """
        ...
