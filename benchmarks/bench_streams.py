"""Frames of a channel of changes, from bytes to a kept book and its best prices, against ccxt.pro's own handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from attrs import frozen
from rounds import Figure, Target, Wanted, of, rounds, timed
from stream_data import Market, frame

from exchanges.bitstamp.models.market import PriceLevel
from exchanges.bitstamp.streams.books import frame as frame_of
from exchanges.bitstamp.streams.dialect import BitstampDialect
from exchanges.streams.dialect import Data
from exchanges.streams.keepers import DiffBook, LevelsSnapshot

SIZES = tuple((levels, *rest) for levels in (1_000, 5_000) for rest in ((2, 4_000), (10, 2_000), (100, 400)))
"""Levels of a side, changes of a frame, and frames; the first half of them fills tables and is not measured."""
BEGIN = 1_789_000_000_000_000
Sides = tuple[dict[str, str], dict[str, str]]


@frozen(eq=False)
class Feed:
    """A book, frames of changes, and the book that they lead to; prices and amounts in text.

    Attributes:
        before: Bids and asks.
        bodies: The frames.
        after: Bids and asks.
    """

    before: Sides
    bodies: tuple[bytes, ...]
    after: Sides


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    if (number := wanted.get("stream-books")) and find_spec("ccxt"):
        for levels, changes, frames in SIZES:
            yield _against_ccxt(number, levels, changes, feed(levels, changes, frames))


def _against_ccxt(number: int, levels: int, changes: int, data: Feed) -> Figure:
    results = rounds(number, lambda: _ours(data), lambda: asyncio.run(_theirs(data)))
    name = f"stream: {levels:,} levels, {changes} changes, bytes to exact book / ccxt.pro's handler"
    return Figure(name, of(results, 0, 1), Target(0.45))


def feed(levels: int, changes: int, frames: int) -> Feed:
    """Build frames by chance, always the same."""
    market = Market(levels, changes)
    before: Sides = (dict(market.sides[0]), dict(market.sides[1]))
    bodies = tuple(frame(market.change(), BEGIN + number * 300_000) for number in range(1, frames + 1))
    return Feed(before, bodies, market.sides)


# Ours


def _wall(moment: float) -> datetime:
    return datetime.fromtimestamp(BEGIN / 1e6, UTC) + timedelta(seconds=moment)


def _ours(data: Feed) -> float:
    book, dialect = DiffBook("bench", _wall), BitstampDialect()
    rows = [[PriceLevel(Decimal(p), Decimal(a)) for p, a in side.items()] for side in data.before]
    book.confirmed(-10.0)
    book.tick(-5.0)
    book.snapshot(LevelsSnapshot(BEGIN, *rows), -5.0, -5.0)
    book.tick(-1.0)
    book.snapshot(LevelsSnapshot(BEGIN, *rows), -1.0, -1.0)
    timely = [(number * 0.3, body) for number, body in enumerate(data.bodies, 1)]

    def follow(frames: list[tuple[float, bytes]]) -> None:
        for moment, body in frames:
            message = dialect.read(body)
            assert isinstance(message, Data)
            book.frame(frame_of(message), moment)
            _ = book.bids[0].price, book.asks[0].price

    follow(timely[: len(timely) // 2])
    seconds = timed(lambda: follow(timely[len(timely) // 2 :]))()
    for side, expected in zip((book.bids, book.asks), data.after, strict=True):
        assert {level.price: level.amount for level in side} == {Decimal(p): Decimal(a) for p, a in expected.items()}
    return seconds


# ccxt.pro's


async def _theirs(data: Feed) -> float:
    import ccxt.pro  # noqa: PLC0415 - only where it is installed
    from ccxt.async_support.base.ws.client import Client  # noqa: PLC0415

    exchange = ccxt.pro.bitstamp()
    exchange.set_markets(
        [
            exchange.safe_market_structure(
                {
                    "id": "btcusd",
                    "symbol": "BTC/USD",
                    "base": "BTC",
                    "quote": "USD",
                    "spot": True,
                    "type": "spot",
                    "active": True,
                }
            )
        ]
    )
    bids, asks = ([[float(p), float(a)] for p, a in side.items()] for side in data.before)
    book = exchange.order_book({"bids": bids, "asks": asks, "nonce": BEGIN})
    exchange.orderbooks["BTC/USD"] = book
    client = Client("wss://ws.bitstamp.net", *[lambda *_: None] * 4)
    load: Callable[[str], Any] = exchange.parse_json

    def follow(frames: tuple[bytes, ...]) -> None:
        for body in frames:
            exchange.handle_message(client, load(body.decode()))
            _ = book["bids"][0][0], book["asks"][0][0]

    follow(data.bodies[: len(data.bodies) // 2])
    seconds = timed(lambda: follow(data.bodies[len(data.bodies) // 2 :]))()
    for side, expected in zip(("bids", "asks"), data.after, strict=True):
        assert dict(book[side]) == {float(p): float(a) for p, a in expected.items()}
    await exchange.close()
    return seconds
