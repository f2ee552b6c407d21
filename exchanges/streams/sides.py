"""One side of an order book: amounts by price, and the prices in order.

Prices are compared as numbers: ``63000`` and ``63000.0`` are one level. Numbers come as text, and a text that is no
plain number is refused, never rounded: see `Numbers`.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal, DecimalException
from typing import Protocol, overload

import msgspec
from attrs import define, field

from exchanges.market_data import MarketLevel
from exchanges.wire.codecs import BOUNDS

__all__ = [
    "ZEROS",
    "Level",
    "Levels",
    "Numbers",
    "OddNumber",
    "Prices",
    "Ranked",
    "Rows",
    "Side",
    "check_amounts",
    "is_crossed",
    "key_of",
    "parse",
    "rank_of",
    "ranked",
    "read_side",
]

MAX_DIGITS = 30
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PLAIN_LINES = re.compile(r"{0}(?:\n{0})*+".format(r"[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+")).fullmatch
_AMOUNT = operator.itemgetter(1)
ZEROS = frozenset(
    "0" * whole + point + "0" * places
    for whole in range(1, MAX_DIGITS + 1)
    for places in range(MAX_DIGITS + 1 - whole)
    for point in ("." if places else "",)
)
"""All plain texts that state zero."""
Rows = Sequence[tuple[str, str]]
"""Of a frame: price and amount, in text."""


class OddNumber(ValueError):
    """A number is not plain, or has too many digits."""


def _odd() -> OddNumber:
    return OddNumber(f"a number of at most {MAX_DIGITS} digits")


def parse(text: str) -> Decimal:
    """Return the number that *text* states, with every digit.

    Raises:
        OddNumber: It is not plain: a sign, an exponent, blanks, separators, no digits, more than 30 of them.
    """
    # Before `Decimal`, which also accepts "NaN", "1_000", " 1 " and digits of other scripts.
    if len(text) > MAX_DIGITS + 1 or not _PLAIN.fullmatch(text) or len(text) - ("." in text) > MAX_DIGITS:
        raise _odd()
    return Decimal(text)


def check_amounts(bids: Rows, asks: Rows) -> None:
    """Check the amounts of a frame's rows of price and amount.

    Raises:
        OddNumber: One of them is no plain number.
    """
    # One match for all takes a third of the time of one for each. A text that holds a line break would count twice.
    rows = (*bids, *asks)
    lines = "\n".join(map(_AMOUNT, rows))
    if rows and not (_PLAIN_LINES(lines) and lines.count("\n") == len(rows) - 1):
        for _, amount in rows:
            parse(amount)


def key_of(price: Decimal) -> int:
    """Return a price as a whole number, for dicts and order: equal prices have one key, however they are spelled.

    Raises:
        OddNumber: It has more than 30 digits after the point, or too many before it.
    """
    # Whole numbers are compared and hashed several times faster than decimals, and a book does little else.
    try:
        scaled = BOUNDS.scaleb(price, MAX_DIGITS)
        whole = int(scaled)
    except (DecimalException, ValueError, OverflowError) as error:
        raise _odd() from error
    if whole != scaled:
        raise _odd()
    return whole


def rank_of(price: Decimal, *, is_bids: bool) -> int:
    """Return the key of a price on a side: it rises towards the best. Raises as `key_of`."""
    return key_of(price) if is_bids else -key_of(price)


class Numbers(dict[str, Decimal]):
    """Numbers by their texts, each parsed and checked once."""

    __slots__ = ("_most",)

    def __init__(self, most: int = 4_000) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, text: str) -> Decimal:
        """Parse a text that is not known yet."""
        if len(self) >= self._most:
            self.clear()  # bounded, as the prices below
        number = self[text] = parse(text)
        return number


class Prices:
    """Keys and prices by their texts, each parsed and checked once: those of a book come again and again.

    Attributes:
        known: What was parsed; for reading alone.
    """

    __slots__ = ("_most", "known")

    def __init__(self, most: int = 20_000) -> None:
        # No dict with `__missing__`: a plain one is read twice as fast.
        self.known: dict[str, tuple[int, Decimal]] = {}
        self._most = most

    def learn(self, text: str) -> tuple[int, Decimal]:
        """Parse a text that is not known yet.

        Raises:
            OddNumber: It is no plain number.
        """
        if len(self.known) >= self._most:
            self.known.clear()  # bounded: a book may wander through any number of prices
        price = parse(text)
        found = self.known[text] = key_of(price), price
        return found


class Level(msgspec.Struct, frozen=True, gc=False):
    """One price of an order book.

    Attributes:
        price: Quote currency per unit of base.
        amount: Base currency on offer, or wanted, at this price.
    """

    price: Decimal
    amount: Decimal


class Ranked(Protocol):
    """A side that can be read.

    Attributes:
        keys: By price, rising towards the best.
    """

    @property
    def keys(self) -> Sequence[int]:
        """Keys of the prices, rising towards the best."""
        ...

    def level(self, index: int) -> Level:
        """Return a level by its rank, the best first; negative from the worst."""
        ...

    def levels(self, most: int | None = None) -> tuple[Level, ...]:
        """Return the levels as they are now, best first."""
        ...


@define(eq=False)
class Side:
    """Offers to buy, or to sell.

    Attributes:
        is_bids: Whether the best price is the highest.
        by_key: Levels by the keys of their prices; all amounts are above zero.
        keys: Rising towards the best: most changes are near it, and little is moved at the end of a list.
    """

    is_bids: bool
    by_key: dict[int, Level] = field(factory=dict[int, Level], repr=False)
    keys: list[int] = field(factory=list[int], repr=False)

    @classmethod
    def of(cls, levels: Iterable[Level], *, is_bids: bool) -> Side:
        """Build a side from levels in any order; of several with one price the last counts."""
        by_key = {rank_of(level.price, is_bids=is_bids): level for level in levels}
        return cls(is_bids, by_key, sorted(by_key))

    def amounts(self) -> dict[int, Decimal]:
        """Return all amounts by the keys of their prices."""
        return {key: level.amount for key, level in self.by_key.items()}

    def add(self, price: Decimal, amount: Decimal) -> None:
        """Add to the amount at a price, or take away from it; exactly nothing removes the level."""
        key = rank_of(price, is_bids=self.is_bids)
        held = self.by_key.get(key)
        # In a context of sixty digits: the default one would round sums of long numbers.
        total = amount if held is None else BOUNDS.add(held.amount, amount)
        if held is None:
            insort(self.keys, key)
        if total:
            self.by_key[key] = Level(price, total)
        else:
            del self.by_key[key]
            del self.keys[bisect_left(self.keys, key)]

    def level(self, index: int) -> Level:
        """Return a level by its rank, the best first; negative from the worst."""
        return self.by_key[self.keys[~index]]

    def levels(self, most: int | None = None) -> tuple[Level, ...]:
        """Return the levels as they are now, best first."""
        return tuple([self.by_key[key] for key in self.keys[::-1][:most]])


def is_crossed(bids: Ranked, asks: Ranked) -> bool:
    """Whether somebody would buy for what another would sell for."""
    return bool(bids.keys and asks.keys) and bids.keys[-1] + asks.keys[-1] >= 0


def ranked(rows: Sequence[tuple[int, Level]], most: int | None, *, is_bids: bool) -> tuple[Side, int]:
    """Build a side from keys of prices and levels, best first.

    Returns:
        The side, of at most *most* levels, and how many rows were dropped because a number in them is not above zero.

    Raises:
        ValueError: The levels are not in order, or a price comes twice.
    """
    kept = [row for row in rows if row[0] > 0 and row[1].amount > 0]
    keys = [key if is_bids else -key for key, _ in kept]
    if not all(map(operator.gt, keys, keys[1:])):
        raise ValueError("prices out of order")
    best = keys[:most]
    by_key = {key: level for key, (_, level) in zip(best, kept, strict=False)}
    best.reverse()
    return Side(is_bids, by_key, best), len(rows) - len(kept)


def read_side(levels: Sequence[MarketLevel], most: int | None, *, is_bids: bool) -> tuple[Side, int]:
    """Build a side from the levels of an order book that was read; see `ranked`."""
    return ranked([(key_of(one.price), Level(one.price, one.amount)) for one in levels], most, is_bids=is_bids)


class Levels(Sequence[Level]):
    """The levels of a kept side, best first, as they are at the moment of each access.

    Access raises what the keeper raises while the book cannot be read. To hold levels across an ``await``, build a
    tuple of them.

    Args:
        read: Returns the side as it is now, or raises.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Ranked]) -> None:
        self._read = read

    def __len__(self) -> int:
        return len(self._read().keys)

    @overload
    def __getitem__(self, index: int) -> Level: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...

    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        """Return a level by its rank, or a tuple of them."""
        side = self._read()
        if not isinstance(index, slice):
            return side.level(index)
        return tuple(map(side.level, range(*index.indices(len(side.keys)))))

    def __iter__(self) -> Iterator[Level]:
        """Iterate over the levels as they are now."""
        return iter(self._read().levels())

    def __repr__(self) -> str:
        return f"<Levels {self[:3]!r}{'...' * (len(self) > 3)}>"
