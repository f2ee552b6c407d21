"""Bytes to objects: long lists of rows against the quickest careless way, an order book against ccxt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
from data import Archive, archive, order_book, summary
from rounds import Figure, Target, of, rounds, timed

from exchanges.bitex import Movement, Transaction
from exchanges.bitstamp import OrderBook
from exchanges.wire import decode, encode

ARCHIVE_ROWS = 200_000
SUMMARY_ROWS = 10_000
LEVELS = 5_000


def figures(number: int) -> Iterator[Figure]:
    """Measure all rows."""
    data = archive(ARCHIVE_ROWS)
    _check_rows(data, decode(data.body, list[Transaction]))
    results = _against_json(max(3, number // 3), data.body, list[Transaction])
    yield Figure(f"Bitex archive of {ARCHIVE_ROWS:,} rows to attrs / json.loads", results, Target(2.8))
    data = summary(SUMMARY_ROWS)
    _check_rows(data, decode(data.body, list[Movement]))
    results = _against_json(number, data.body, list[Movement])
    yield Figure(f"account summary of {SUMMARY_ROWS:,} rows to attrs / json.loads", results, Target(3.1))
    yield from _order_book(number)


def _against_json(number: int, body: bytes, annotation: type) -> tuple[float, ...]:
    return of(rounds(number, timed(lambda: decode(body, annotation)), timed(lambda: json.loads(body))), 0, 1)


def _check_rows(data: Archive, objects: list[Any]) -> None:
    """Compare every cell, numbers by their digits."""
    assert len(data.cells) == len(objects)
    for cells, made in zip(data.cells, objects, strict=True):
        assert [json.loads(c, parse_float=Decimal) for c in cells] == encode(made)
        given = [c for c in cells if "." in c and c[0].isdigit()]
        assert given == [format(v, "f") for v in encode(made) if isinstance(v, Decimal)]  # type: ignore[union-attr]


def _order_book(number: int) -> Iterator[Figure]:
    body, book = order_book(LEVELS)
    peer = ccxt.bitstamp()

    def theirs() -> dict[str, object]:
        return peer.parse_order_book(json.loads(body), "BTC/USD", 1643643584684)

    def theirs_fast() -> dict[str, object]:
        return peer.parse_order_book(peer.parse_json(body.decode()), "BTC/USD", 1643643584684)

    ours, floats = decode(body, OrderBook), theirs()
    assert floats == theirs_fast()
    for side in ("bids", "asks"):
        assert book[side] == [[str(level.price), str(level.amount)] for level in getattr(ours, side)]
        assert floats[side] == [[float(level.price), float(level.amount)] for level in getattr(ours, side)]
    results = rounds(number * 2, timed(lambda: decode(body, OrderBook)), timed(theirs), timed(theirs_fast))
    name = f"order book of 2 x {LEVELS:,} levels: ccxt's float parse"
    yield Figure(f"{name} / ours", of(results, 1, 0), Target(1.1, at_least=True))
    yield Figure(f"{name} with orjson / ours", of(results, 2, 0))
