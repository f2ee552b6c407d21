"""Public market data of v3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from exchanges.bitso.api import V3
from exchanges.bitso.ids import NamedBook
from exchanges.bitso.models.market import (
    Book,
    Candle,
    Catalogues,
    OrderBook,
    SortOrder,
    SortOrderWord,
    Ticker,
    TimeBucket,
    Trade,
)
from exchanges.bitso.pages import PageLimit, pages
from exchanges.bitso.rules import RULES, Rules
from exchanges.endpoint import Area, Endpoint, Param, public
from exchanges.endpoint.contradictions import order_book_fault
from exchanges.endpoint.markers import Pages
from exchanges.endpoint.rules import known_rules

# 2014, the year in which the exchange opened, and 5138: seconds of any moment in reach lie below the first.
FIRST_MILLIS, LAST_MILLIS = 1_388_534_400_000, 10**14


def _fault_of_bucket(seconds: int) -> str | None:
    """Return what is wrong with the length of a candle; None if nothing is."""
    known = ", ".join(str(bucket.value) for bucket in TimeBucket)
    return None if seconds in tuple(TimeBucket) else f"must be one of {known}"


def _millis(moment: datetime | int) -> int:
    """Convert a moment to milliseconds since 1970."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError("must have a time zone, such as datetime.UTC")
        moment = round(moment.timestamp() * 1000)
    if type(moment) is not int:
        raise TypeError(f"must be a datetime or milliseconds since 1970, not {type(moment).__name__}")
    # Quirk: seconds are answered with an empty list, without an error (seen on the live server).
    if not FIRST_MILLIS <= moment < LAST_MILLIS:
        raise ValueError("must be milliseconds since 1970, of a moment from 2014 on")
    return moment


async def _remember(area: Area, endpoint: Endpoint, arguments: Mapping[str, Any]) -> list[Book]:
    """Read the books, and keep their bounds for orders."""
    books: list[Book] = await area.caller(endpoint, arguments)
    area.shared[RULES] = {book.book: Rules(book) for book in books}
    return books


class Market(Area, api=V3):
    """Public market data; needs no key."""

    @public("GET /available_books", via=_remember)
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
    async def ticker(self, book: NamedBook) -> Ticker:
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

    @public("GET /order_book", fault=order_book_fault("aggregate", (None, True)))
    async def order_book(self, book: NamedBook, *, aggregate: bool | None = None) -> OrderBook:
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
        book: NamedBook,
        *,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
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

    @public("GET /ticker")
    async def tickers(self) -> list[Ticker]:
        """Prices and volume of the last 24 hours, of every order book.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "Get Ticker", without its argument (seen on the live server).
        """
        ...

    # Quirk: the other production host was seen without this path.
    @public("GET /ohlc")
    async def ohlc(
        self,
        *,
        book: str,
        time_bucket: Annotated[TimeBucket | int, Param(type="int", check=_fault_of_bucket, render=int)],
        start: Annotated[datetime | int | None, Param(type="int", render=_millis)] = None,
        end: Annotated[datetime | int | None, Param(type="int", render=_millis)] = None,
    ) -> list[Candle]:
        """Candles, oldest first.

        Args:
            book: Major and minor, such as btc_mxn.
            time_bucket: Length of a candle in seconds.
            start: Moment with a zone, or milliseconds since 1970. None: not sent.
            end: Moment with a zone, or milliseconds since 1970. None: not sent.

        Returns:
            Empty before the first trade of the book. Wire: list of objects in an envelope.

        Source:
            Seen on the live server; on no page of the documents.
        """
        ...

    @public("GET /catalogues")
    async def catalogues(self) -> Catalogues:
        """All currencies, with the decimals of their amounts.

        Returns:
            Wire: object in an envelope.

        Source:
            Seen on the live server; on no page of the documents.
        """
        ...

    def rules(self, book: str) -> Rules:
        """Return the bounds of orders in a book, as `available_books` showed them last; nothing is sent.

        Once they were read, `bitso.trading.place_order` refuses what they do not allow before it is sent.

        Args:
            book: Major and minor, such as btc_mxn.

        Raises:
            UsageError: `available_books` was not read yet, or it showed no such book.
        """
        rules: Rules = known_rules(self, RULES, book, "bitso.market.available_books")
        return rules

    def every_trades(
        self, book: str, *, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[Trade]:
        """Iterate over the trades of a book as far back as the exchange shows them, each once.

        A page is read when the iteration reaches it, as one call.

        Args:
            book: Major and minor, such as btc_mxn.
            sort: None: newest first; ASC: oldest first.
            marker: `Trade.tid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.trades, lambda trade: trade.tid, marker, book=book, sort=sort)
