"""Bytes to objects: long lists of rows against the quickest careless way, an order book against ccxt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from data import Archive, archive, order_book, summary
from rounds import Figure, Target, Wanted, of, rounds, timed

from exchanges.bitex import Movement, Transaction
from exchanges.bitstamp import OrderBook
from exchanges.wire import decode, encode

ARCHIVE_ROWS = 200_000
SUMMARY_ROWS = 10_000
LEVELS = 5_000
CHECKED_ROWS = 10_000


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    if {"archive", "archive-lazy"} & wanted.keys():
        yield from _archive(wanted)
    if number := wanted.get("summary"):
        data = summary(SUMMARY_ROWS)
        _check_rows(data, decode(data.body, list[Movement]))
        results = _against_json(number, data.body, list[Movement])
        yield Figure(f"account summary of {SUMMARY_ROWS:,} rows to attrs / json.loads", results, Target(2.5))
    if (number := wanted.get("order-book")) and find_spec("ccxt"):
        yield from _order_book(number)


def _archive(wanted: Wanted) -> Iterator[Figure]:
    data, name = archive(ARCHIVE_ROWS), f"Bitex archive of {ARCHIVE_ROWS:,} rows"
    if number := wanted.get("archive"):
        _check_rows(data, decode(data.body, list[Transaction]))
        results = _against_json(number, data.body, list[Transaction])
        yield Figure(f"{name} to attrs / json.loads", results, Target(1.8))
    if number := wanted.get("archive-lazy"):
        lazy: Any = Sequence[Transaction]
        _check_rows(data, list(decode(data.body, lazy)))
        yield Figure(f"{name}, attrs on access / json.loads", _against_json(number, data.body, lazy), Target(1.1))


def _against_json(number: int, body: bytes, annotation: type) -> tuple[float, ...]:
    return of(rounds(number, timed(lambda: decode(body, annotation)), timed(lambda: json.loads(body))), 0, 1)


def _check_rows(data: Archive, objects: list[Any]) -> None:
    """Compare every cell of at most `CHECKED_ROWS` rows, numbers by their digits."""
    assert len(data.cells) == len(objects)
    step = max(1, len(objects) // CHECKED_ROWS)
    for cells, made in zip(data.cells[::step], objects[::step], strict=True):
        assert [json.loads(c, parse_float=Decimal) for c in cells] == encode(made)
        given = [c for c in cells if "." in c and c[0].isdigit()]
        assert given == [format(v, "f") for v in encode(made) if isinstance(v, Decimal)]  # type: ignore[union-attr]


def _order_book(number: int) -> Iterator[Figure]:
    import ccxt  # noqa: PLC0415 - the other rows do without it

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
    results = rounds(number, timed(lambda: decode(body, OrderBook)), timed(theirs), timed(theirs_fast))
    name = f"order book of 2 x {LEVELS:,} levels: ccxt's float parse"
    yield Figure(f"{name} / ours", of(results, 1, 0), Target(1.2, at_least=True))
    yield Figure(f"{name} with orjson / ours", of(results, 2, 0))
