"""Public market data: ticker, order book, trades and candles."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from exchanges.bitex.api import API, ARCHIVE_EVERY_SECONDS, ARCHIVE_SECONDS, LARGE_BYTES
from exchanges.bitex.models.market import Candle, OrderBook, Ticker, Transaction
from exchanges.endpoint import Area, Endpoint, public
from exchanges.endpoint.contradictions import order_book_fault
from exchanges.instrumentation.lines import Log

logger = Log(__name__)

ARCHIVE_READ_AT = "bitex.archive read at"
"""Where the areas of a client keep when the archive of each book was read."""


async def _warn_if_early(area: Market, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Sequence[Transaction]:
    """Read the archive; log a warning if that was done not long ago."""
    now, book = asyncio.get_running_loop().time(), arguments.get("book")
    # Counted from the request, whether or not it succeeds: a failed read counts against the exchange as well.
    read_at: dict[object, float] = area.shared.setdefault(ARCHIVE_READ_AT, {})
    last, read_at[book] = read_at.get(book), now
    if last is not None and now - last < ARCHIVE_EVERY_SECONDS:
        logger.warning(
            "%s: read again after %.0f s; the exchange allows a few reads in %.0f s, and the answer changes no sooner",
            endpoint.id,
            now - last,
            ARCHIVE_EVERY_SECONDS,
        )
    transactions: Sequence[Transaction] = await area.caller(endpoint, arguments)
    return transactions


class Market(Area, api=API):
    """Public market data; needs no key.

    The guide names one order book, ``btc_usd``.
    """

    # Quirk: an older version of the exchange's own client has /btc/market/... for these paths; the guide's are used.
    @public("GET /{book}/market/ticker")
    async def ticker(self, book: str = "btc_usd") -> Ticker:
        """Return prices and volume of the last 24 hours.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Wire: object of numbers.

        Source:
            Bitex developer guide, Public Market Data, "Ticker".
        """
        ...

    @public("GET /{book}/market/order_book", fault=order_book_fault())
    async def order_book(self, book: str = "btc_usd") -> OrderBook:
        """Return all open bids and asks, aggregated by price.

        Amounts on both sides are in base currency, while the amount of a `Bid` is in quote currency.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Best prices first. Wire: object of two lists of rows of 2.

        Source:
            Bitex developer guide, Public Market Data, "Order Book".
        """
        ...

    @public("GET /{book}/market/transactions")
    async def transactions(self, book: str = "btc_usd") -> list[Transaction]:
        """Return all trades of the last 60 minutes.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Newest first. Wire: list of rows of 4, without class reference.

        Source:
            Bitex developer guide, Public Market Data, "Transactions".
        """
        ...

    @public(
        "GET /{book}/market/transactions_archive",
        max_bytes=LARGE_BYTES,
        timeout_seconds=ARCHIVE_SECONDS,
        via=_warn_if_early,
    )
    async def transactions_archive(self, book: str = "btc_usd") -> Sequence[Transaction]:
        """Return all trades since Bitex opened, up to the beginning of the current hour.

        A large answer that changes once an hour: Bitex may refuse to send it more than a few times per hour. Up to
        64 MiB are read; the default deadline is 60 seconds. Every row is checked while it arrives and built when it is
        accessed, so that a large archive takes twice its bytes in memory at most; ``list()`` of it takes fifteen times.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Newest first, as an immutable sequence. Wire: list of rows of 4, without class reference.

        Source:
            Bitex developer guide, Public Market Data, "Transactions Archive".
        """
        ...

    @public("GET /{book}/market/last_24_hours")
    async def last_24_hours(self, book: str = "btc_usd") -> list[Candle]:
        """Return candles of 1 hour, for the last 24 hours.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Wire: list of rows of 8, without class reference.

        Source:
            Bitex developer guide, Public Market Data, "Last 24 Hourly Candles".
        """
        ...

    @public("GET /{book}/market/last_7_days")
    async def last_7_days(self, book: str = "btc_usd") -> list[Candle]:
        """Return candles of 4 hours, for the last 7 days.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Wire: list of rows of 8, without class reference.

        Source:
            Bitex developer guide, Public Market Data, "Last 7 Days Candles".
        """
        ...

    @public("GET /{book}/market/last_30_days")
    async def last_30_days(self, book: str = "btc_usd") -> list[Candle]:
        """Return candles of 24 hours, for the last 30 days.

        Args:
            book: Order book, such as btc_usd.

        Returns:
            Wire: list of rows of 8, without class reference.

        Source:
            Bitex developer guide, Public Market Data, "Last 30 Days Candles".
        """
        ...
