"""Public market data of v1: one market, BTC in USD."""

from __future__ import annotations

from typing import Annotated, Literal

from exchanges.bitstamp.api import V1
from exchanges.bitstamp.v1.models import ConversionRate, OrderBook, Ticker, TimeFrame, Transaction
from exchanges.endpoint import Area, Param, public
from exchanges.endpoint.arguments import digit
from exchanges.endpoint.contradictions import order_book_fault


class Market(Area, api=V1):
    """Public market data; needs no key."""

    @public("GET /ticker/")
    async def ticker(self) -> Ticker:
        """Prices and volume of the last 24 hours.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v1, Public Data Functions, "Ticker".
        """
        ...

    @public("GET /order_book/", fault=order_book_fault("group", (None, True)))
    async def order_book(self, *, group: Annotated[bool | None, Param(render=digit)] = None) -> OrderBook:
        """Open orders, best prices first.

        Args:
            group: Whether orders are summed up by price; 0 or 1 on the wire. None: not sent; the exchange uses True.

        Returns:
            Wire: object of two lists of rows of 2.

        Source:
            Bitstamp API v1, Public Data Functions, "Order book".
        """
        ...

    @public("GET /transactions/")
    async def transactions(self, *, time: TimeFrame | Literal["minute", "hour"] | None = None) -> list[Transaction]:
        """Recent trades, newest first.

        Args:
            time: The period. None: not sent; the exchange uses HOUR.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v1, Public Data Functions, "Transactions".
        """
        ...

    @public("GET /eur_usd/")
    async def eur_usd(self) -> ConversionRate:
        """Price of one EUR in USD, to buy and to sell.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v1, Public Data Functions, "EUR/USD conversion rate".
        """
        ...
