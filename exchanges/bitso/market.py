"""Public market data of v3."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitso.api import V3
from exchanges.bitso.models.market import Book, OrderBook, SortOrder, Ticker, Trade
from exchanges.endpoint import Area, Param, public

MAX_TRADES = 100


def _fault_of_limit(limit: int) -> str | None:
    """Return what is wrong with the length of a page; None if nothing is."""
    return None if 1 <= limit <= MAX_TRADES else f"must lie between 1 and {MAX_TRADES}"


class Market(Area, api=V3):
    """Public market data; needs no key."""

    @public("GET /available_books")
    async def available_books(self) -> list[Book]:
        """All order books, with the bounds of orders in them.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Available Books".
        """
        ...

    # Quirk: an unknown book is refused in the shape of v2, with a code that is a number (seen on the live server).
    @public("GET /ticker")
    async def ticker(self, book: str) -> Ticker:
        """Prices and volume of the last 24 hours.

        Args:
            book: Major and minor, such as btc_mxn.

        Returns:
            Wire: object in an envelope.

        Raises:
            InvalidRequest: No such book. The answer has the shape of v2.

        Source:
            Bitso API v3, "Get Ticker".
        """
        ...

    @public("GET /order_book")
    async def order_book(self, book: str, *, aggregate: bool | None = None) -> OrderBook:
        """Open orders, best prices first.

        Args:
            book: Major and minor, such as btc_mxn.
            aggregate: True: summed up by price, the best 50 prices of each side. False: every order, with its id.
                None: not sent; the exchange uses True.

        Returns:
            Wire: object of two lists of objects, in an envelope.

        Source:
            Bitso API v3, "List Order Book".
        """
        ...

    # Quirk: an unknown book is no error here but an empty list with status 200 (seen on the live server).
    @public("GET /trades")
    async def trades(
        self,
        book: str,
        *,
        marker: str | None = None,
        sort: SortOrder | None = None,
        limit: Annotated[int | None, Param(check=_fault_of_limit)] = None,
    ) -> list[Trade]:
        """Recent trades.

        Args:
            book: Major and minor, such as btc_mxn.
            marker: Id of a trade: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Empty for a book that does not exist. Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Trades".
        """
        ...
