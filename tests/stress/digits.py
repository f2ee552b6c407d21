"""Numbers of order books by chance, of up to thirty digits, from the bytes of a frame to what is read; S7."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from exchanges.bitso.streams import books as bitso
from exchanges.bitstamp.models.market import PriceLevel
from exchanges.bitstamp.streams import books as bitstamp
from exchanges.errors import BookUnknown
from exchanges.streams import sides
from exchanges.streams.dialect import Data
from exchanges.streams.keepers import DiffBook, LevelsSnapshot, OrdersSnapshot, SequencedBook, Settings, WholeBook
from exchanges.wire import Deviation
from tests.stress.figures import Figure, Mechanisms

PROMISES = ("S7",)
BOOKS, QUICK_BOOKS = 10_000, 500
ROWS = 8
AT = 1_789_000_000_000_000
ODD = (
    *("NaN", "Infinity", "-Infinity", "sNaN", "1_000", "-1", "+1", " 1", "1 ", "1e3", "1E-8", "0x10", "", ".", ".5"),
    *("5.", "1.2.3", "1..2", "1,5", "\u0661", "\uff11", "\u00b2", "1\u0000", "1\n", "1\n2", "1/2", "--1", "null"),
    *("1" * 31, "0." + "1" * 30),
)
LOWEST, HIGHEST = Decimal("1e-30"), Decimal("9" * 30)
"""Prices of a book before the numbers come."""
Texts = list[tuple[str, str]]

MECHANISMS: Mechanisms = {
    "checked texts": lambda: patch.multiple(sides, parse=Decimal, _PLAIN_LINES=lambda _: True),
    "exact sums": lambda: patch.object(sides, "BOUNDS", sides.BOUNDS.__class__(prec=28)),
}


def _wall(moment: float) -> datetime:
    return datetime.fromtimestamp(AT / 1e6, UTC) + timedelta(seconds=moment)


def _number(chance: random.Random, most: int = 30) -> str:
    """Return a number above zero, in some spelling."""
    digits = "".join(chance.choice("0123456789") for _ in range(chance.randint(1, most)))
    point = chance.randint(1, len(digits))
    text = digits[:point] + ("." + digits[point:] if point < len(digits) else "")
    return text if Decimal(text) else _number(chance, most)


def _sides(chance: random.Random) -> tuple[Texts, Texts]:
    """Return bids and asks that do not cross, best first."""
    prices = sorted({Decimal(text): text for text in (_number(chance) for _ in range(2 * ROWS))}.items())
    rows = [(text, _number(chance)) for _, text in prices]
    half = len(rows) // 2
    return rows[:half][::-1], rows[half:]


def _levels_frame(bids: Texts, asks: Texts, at: int = AT) -> Data:
    body = json.dumps({"microtimestamp": str(at), "bids": bids, "asks": asks}).encode()
    return Data("channel", "data", body, body)


def _orders_frame(bids: Texts, asks: Texts) -> Data:
    sides_of = ((0, bids), (1, asks))
    payload = [
        {"o": f"{side}-{number}", "t": side, "r": price, "a": amount, "s": "open"}
        for side, rows in sides_of
        for number, (price, amount) in enumerate(rows)
    ]
    whole = json.dumps({"sequence": 2, "sent": AT // 1000, "payload": payload}).encode()
    return Data("channel", "", whole, whole)


def _whole(bids: Texts, asks: Texts) -> Any:
    book = WholeBook("digits", _wall, Settings(depth=100))
    book.confirmed(0.0)
    book.frame(bitstamp.frame(_levels_frame(bids, asks)), 0.1)
    return book


def _diff(bids: Texts, asks: Texts) -> Any:
    """Build a book of changes: from an empty order book to the frame, confirmed by what the frame says."""
    book = DiffBook("digits", _wall)
    book.confirmed(-10.0)
    book.tick(-5.0)
    book.snapshot(LevelsSnapshot(AT - 10**6, [], []), -5.0, -5.0)
    book.frame(bitstamp.frame(_levels_frame(bids, asks)), 0.1)
    book.tick(5.0)
    rows = ([PriceLevel(Decimal(price), Decimal(amount)) for price, amount in side] for side in (bids, asks))
    book.snapshot(LevelsSnapshot(AT, *rows), 5.0, 5.1)
    return book


def _numbered(bids: Texts, asks: Texts) -> Any:
    book = SequencedBook("digits", _wall)
    book.confirmed(0.0)
    seeds = [("lowest", LOWEST, Decimal(1))], [("highest", HIGHEST, Decimal(1))]
    book.snapshot(OrdersSnapshot(1, AT, *seeds), 0.0, 0.1)
    book.frame(bitso.frame(_orders_frame(bids, asks)), 0.2)
    return book


KEEPERS: dict[str, Callable[[Texts, Texts], Any]] = {"best levels": _whole, "all levels": _diff, "orders": _numbered}


def _read(book: Any) -> tuple[list[tuple[Decimal, Decimal]], ...]:
    return tuple(
        [(one.price, one.amount) for one in side if one.price not in (LOWEST, HIGHEST)]
        for side in (book.bids, book.asks)
    )


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Read many books, and each odd number in each place."""
    number = QUICK_BOOKS if quick else BOOKS
    for name, keep in KEEPERS.items():
        chance, wrong, first = random.Random(f"{seed} {name}"), 0, ""
        for _ in range(number):
            given = _sides(chance)
            try:
                found = _read(keep(*given))
            except BookUnknown as error:
                found = (str(error),)
            expected = tuple([(Decimal(price), Decimal(amount)) for price, amount in side] for side in given)
            if found != expected:
                wrong, first = wrong + 1, first or f" (such as {given})"
        shown = f"{wrong:,} of {number:,} books differ, of up to {2 * ROWS} levels{first}"
        yield Figure(f"{name}: numbers of up to 30 digits, read exactly", shown, "0", wrong == 0)
    yield _sums(random.Random(f"{seed} sums"), number)
    yield _odd()


def _sums(chance: random.Random, number: int) -> Figure:
    wrong = 0
    for _ in range(number):
        price, amounts = _number(chance), [_number(chance, 29) for _ in range(3)]
        orders = sides.Side(is_bids=True)
        for amount in amounts:
            orders.add(Decimal(price), Decimal(amount))
        expected = sum(int(Decimal(amount).scaleb(30, context=_WIDE)) for amount in amounts)
        wrong += int(orders.level(0).amount.scaleb(30, context=_WIDE)) != expected
    return Figure("orders: sums of a price, exact", f"{wrong:,} of {number:,} differ", "0", wrong == 0)


_WIDE = sides.BOUNDS.__class__(prec=200)


def _odd() -> Figure:
    """Put each odd text into each place of a frame."""
    taken = list[str]()
    for name, keep in KEEPERS.items():
        for text in ODD:
            for row in ((text, "1.0"), ("5.0", text)):
                try:
                    _read(keep([row], [("9.0", "1.0")]))
                except (BookUnknown, Deviation, ArithmeticError):
                    continue
                except IndexError:  # an empty text that nobody has checked
                    pass
                taken.append(f"{name} {row}")
    shown = f"{len(taken)} of {len(ODD) * 2 * len(KEEPERS)}" + (f", such as {taken[0]}" if taken else "")
    return Figure("odd numbers that are accepted", shown, "0", not taken)
