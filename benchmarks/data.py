"""What the exchanges would answer: one seeded generator of bodies, the digits kept beside them for comparison."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from attrs import frozen

__all__ = ["BALANCE_BITSO", "BALANCE_BITSTAMP", "TICKER", "Archive", "archive", "order_book", "summary"]

SEED = 20140401
NOW = 1_490_605_200
TICKER = json.dumps({
    "timestamp": "1694608800", "open": "25835", "high": "26397", "low": "25780", "last": "26219",
    "volume": "1654.47270031", "vwap": "26094", "bid": "26217", "ask": "26219", "side": "0", "open_24": "25947",
    "percent_change_24": "1.05", "market_type": "SPOT",
}).encode()  # fmt: skip
BALANCE_BITSTAMP = json.dumps({
    "btc_reserved": "0.50000000", "fee": "0.4000", "btc_available": "1.25000000", "usd_reserved": "1.02",
    "btc_balance": "1.75000000", "usd_balance": "6953.07", "usd_available": "6952.05",
}).encode()  # fmt: skip
BALANCE_BITSO = json.dumps({
    "success": True,
    "payload": {"balances": [
        {
            "currency": currency, "total": total, "locked": "25.1234", "available": available,
            "pending_deposit": "0.00000000", "pending_withdrawal": "0.00000000",
        }
        for currency, total, available in (
            ("mxn", "300.00", "274.8766"), ("btc", "100.12345678", "75.00005678"), ("eth", "50.1234", "25.0000"),
        )
    ]},
}).encode()  # fmt: skip

SHARES: tuple[tuple[int, int], ...] = ((1, 30), (2, 28), (3, 12), (4, 10), (5, 7), (6, 6), (7, 4), (8, 3))
"""How many rows in a hundred are of each class: most of what an account does is trading."""


def _digits(rng: random.Random, high: float, places: int = 8) -> str:
    return f"{rng.uniform(0.01, high):.{places}f}"


def _json(rows: list[list[str]]) -> bytes:
    """Write rows of cells that are JSON already."""
    return ("[" + ", ".join(f"[{', '.join(cells)}]" for cells in rows) + "]").encode()


@frozen
class Archive:
    """Rows as JSON, and their cells."""

    body: bytes
    cells: list[list[str]]


def archive(rows: int) -> Archive:
    """Generate the archive of Bitex: rows of time, id, price and amount, newest first."""
    rng = random.Random(SEED)
    cells = [[str(NOW - 30 * i), str(rows - i), _digits(rng, 1100.0, places=2), _digits(rng, 5.0)] for i in range(rows)]
    return Archive(_json(cells), cells)


def summary(rows: int) -> Archive:
    """Generate an account summary of Bitex: rows of all eight classes, old ones shorter, as they have grown."""
    rng = random.Random(SEED)
    references = [reference for reference, share in SHARES for _ in range(share)]
    cells: list[list[str]] = []
    for i in range(rows):
        reference = rng.choice(references)
        head = [str(reference), str(rows - i), str(NOW - 300 * i)]
        cells.append(head + ROWS[reference](rng, i > rows // 2))
    return Archive(_json(cells), cells)


def _order(rng: random.Random, old: bool) -> list[str]:  # noqa: FBT001 - one of a table
    cells = ["1", _digits(rng, 1000.0), _digits(rng, 100.0), _digits(rng, 1100.0, places=2), rng.choice("2345")]
    tail = [rng.choice("0002"), _digits(rng, 2.0), '"ApiKey#1"', _digits(rng, 0.01)]
    return cells + tail[: rng.randint(0, 3) if old and rng.random() < 0.2 else 4]


def _trade(rng: random.Random, old: bool) -> list[str]:  # noqa: ARG001, FBT001 - one of a table
    amounts = [_digits(rng, 5.0), _digits(rng, 1000.0), _digits(rng, 0.01), _digits(rng, 1100.0, places=2)]
    return ["1", *amounts, str(rng.randrange(10**6))]


def _coins_in(rng: random.Random, old: bool) -> list[str]:  # noqa: ARG001, FBT001 - one of a table
    return ["1", _digits(rng, 5.0)]


def _coins_out(rng: random.Random, old: bool) -> list[str]:  # noqa: FBT001 - one of a table
    address = f'"1{rng.randbytes(16).hex()}"'
    label = rng.choice(['"my wallet"', '""', "null", '"2017"'])
    tail = [label, "null" if old else "17", f'"{rng.randbytes(32).hex()}"']
    return ["1", _digits(rng, 5.0), rng.choice("234"), rng.choice("000012"), address, *tail]


def _money_in(rng: random.Random, old: bool) -> list[str]:  # noqa: FBT001 - one of a table
    asked, came = _digits(rng, 5000.0, places=2), _digits(rng, 5000.0, places=2)
    answer = r'"{\"link\":\"https://example.org/1\"}"' if old else "null"
    reference = rng.choice(["null", '"ABCDABCDEAB"', f'"{rng.randrange(10**9)}"'])
    head = [rng.choice(["null", asked]), rng.choice(["null", came]), rng.choice("123"), rng.choice("123"), "0"]
    return [*head, '"UY"', '"UYU"', "17", '"Bank of Somewhere, 2016-04-01"', answer, reference, "3"]


def _money_out(rng: random.Random, old: bool) -> list[str]:  # noqa: FBT001 - one of a table
    way = '"to the usual account"' if old else f'{{"iban": "UY00", "account": "{rng.randrange(10**9)}"}}'
    head = [_digits(rng, 5000.0, places=2), rng.choice("234"), "0", '"UY"', '"UYU"']
    return [*head, rng.choice(['"bb"', '"international_bank"']), '"Billy Bob"', "17", way, "3"]


ROWS: dict[int, Callable[[random.Random, bool], list[str]]] = {
    1: _order,
    2: _order,
    3: _trade,
    4: _trade,
    5: _coins_in,
    6: _coins_out,
    7: _money_in,
    8: _money_out,
}


def order_book(levels: int) -> tuple[bytes, dict[str, Any]]:
    """Generate an order book of Bitstamp with *levels* on each side; return the body, and what stands in it."""
    rng = random.Random(SEED)
    book: dict[str, Any] = {"timestamp": "1643643584", "microtimestamp": "1643643584684047"}
    for side, step in (("bids", -1), ("asks", 1)):
        cents = 3_800_000
        book[side] = []
        for _ in range(levels):
            cents += step * rng.randint(1, 300)
            book[side].append([f"{cents / 100:.2f}", _digits(rng, 5.0)])
    return json.dumps(book).encode(), book
