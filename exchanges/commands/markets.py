"""The markets that the commands poll: by default one book of each exchange, its ticker and its order book."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from attrs import frozen

from exchanges import MarketLevel, MarketOrderBook, MarketTicker
from exchanges.commands.clients import MarketClient

BOOKS = {"bitex": "btc_usd", "bitso": "btc_mxn", "bitstamp": "btcusd"}


@frozen
class Quote:
    """The best prices of a market, from one answer.

    Attributes:
        answer: The answer, in the exchange's own model.
        bid: Highest price of an order to buy, in quote per base currency; None without one.
        ask: Lowest price of an order to sell, in quote per base currency; None without one.
        last: Price of the last trade; None if the answer does not contain it.
    """

    answer: MarketTicker | MarketOrderBook
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None = None


Sources: TypeAlias = dict[str, Callable[[], Awaitable[Quote]]]


def sources(clients: Mapping[str, MarketClient], books: Mapping[str, Sequence[str]]) -> Sources:
    """Build the sources for `exchanges.poll`, with names such as ``bitex btc_usd ticker``."""
    return {
        f"{exchange} {book} {endpoint}": partial(read, client, book)
        for exchange, client in clients.items()
        for book in books[exchange]
        for endpoint, read in _READS.items()
    }


def source_names(books: Mapping[str, Sequence[str]]) -> list[str]:
    """List the names of the sources of *books*."""
    return [f"{exchange} {book} {endpoint}" for exchange in books for book in books[exchange] for endpoint in _READS]


async def _ticker(client: MarketClient, book: str) -> Quote:
    ticker = await client.market.ticker(book)
    return Quote(ticker, ticker.bid, ticker.ask, ticker.last)


async def _order_book(client: MarketClient, book: str) -> Quote:
    order_book = await client.market.order_book(book)
    return Quote(order_book, _best(order_book.bids), _best(order_book.asks))


_READS = {"ticker": _ticker, "order_book": _order_book}


def _best(levels: Sequence[MarketLevel]) -> Decimal | None:
    return levels[0].price if levels else None
