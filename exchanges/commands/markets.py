"""What the commands look at: one book of each exchange unless told otherwise, its ticker and its order book."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from attrs import frozen

from exchanges import Bitex, Bitso, Bitstamp, MarketLevel, MarketOrderBook, MarketTicker

__all__ = ["BOOKS", "CLIENTS", "MarketClient", "Sight", "Sources", "names", "sources"]

MarketClient: TypeAlias = Bitex | Bitso | Bitstamp

CLIENTS: dict[str, type[MarketClient]] = {"bitex": Bitex, "bitso": Bitso, "bitstamp": Bitstamp}
BOOKS = {"bitex": "btc_usd", "bitso": "btc_mxn", "bitstamp": "btcusd"}


@frozen
class Sight:
    """One look at a market.

    Attributes:
        answer: What the exchange said, in its own words.
        bid: Highest price that somebody offers to pay; None if nobody does.
        ask: Lowest price at which somebody offers to sell; None if nobody does.
        last: Price of the last trade; None if the answer does not tell.
    """

    answer: MarketTicker | MarketOrderBook
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None = None


Sources: TypeAlias = dict[str, Callable[[], Awaitable[Sight]]]


def sources(clients: Mapping[str, MarketClient], books: Mapping[str, Sequence[str]]) -> Sources:
    """Make what `exchanges.poll` asks, by names such as ``bitex btc_usd ticker``."""
    return {
        f"{exchange} {book} {what}": partial(ask, client, book)
        for exchange, client in clients.items()
        for book in books[exchange]
        for what, ask in _ASKS.items()
    }


def names(books: Mapping[str, Sequence[str]]) -> list[str]:
    """Name the sources of *books*."""
    return [f"{exchange} {book} {what}" for exchange in books for book in books[exchange] for what in _ASKS]


async def _ticker(client: MarketClient, book: str) -> Sight:
    ticker = await client.market.ticker(book)
    return Sight(ticker, ticker.bid, ticker.ask, ticker.last)


async def _order_book(client: MarketClient, book: str) -> Sight:
    order_book = await client.market.order_book(book)
    return Sight(order_book, _best(order_book.bids), _best(order_book.asks))


_ASKS = {"ticker": _ticker, "order_book": _order_book}


def _best(levels: Sequence[MarketLevel]) -> Decimal | None:
    return levels[0].price if levels else None
