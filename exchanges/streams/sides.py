"""One side of an order book: amounts by price, and the prices in order.

Prices are compared as numbers: ``63000`` and ``63000.0`` are one level. Numbers come as text, and a text that is no
plain number is refused, never rounded: see `Numbers`.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, DecimalException
from typing import Protocol, overload

import msgspec
from attrs import define, field

from exchanges.market_data import MarketLevel
from exchanges.wire.codecs import BOUNDS

__all__ = [
    "NOTHING",
    "Applied",
    "Level",
    "Levels",
    "Numbers",
    "OddNumber",
    "Prices",
    "Side",
    "are_plain",
    "is_crossed",
    "is_plain",
    "key_of",
    "parse",
    "ranked",
    "read_side",
]

MAX_DIGITS = 30
MANY = 6
"""So many texts are checked faster together than one by one."""
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")


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


def is_plain(text: str) -> bool:
    """Whether *text* states a number that `parse` accepts; False also for some that are nearly too long."""
    # Half the time of a regular expression.
    digits = text.replace(".", "", 1)
    return digits.isdecimal() and digits.isascii() and len(text) <= MAX_DIGITS and text[0] != "." != text[-1]


def are_plain(texts: Sequence[str]) -> bool:
    """Whether `is_plain` holds for all *texts*, of which there are many."""
    # One pass over all of them: what remains without digits is a line for each, with one point at most.
    lines = ("\n" + "\n".join(texts) + "\n").encode()
    rest = lines.translate(None, b"0123456789")
    return (
        len(rest) - rest.count(b".") == len(texts) + 1 == rest.count(b"\n")
        and b".." not in rest
        and b"\n." not in lines
        and b".\n" not in lines
        and b"\n\n" not in lines
        and max(map(len, texts)) <= MAX_DIGITS
    )


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


Unread = tuple[Decimal, str]
"""A price, and an amount in text that was checked; most levels are replaced before anybody reads them."""


class Applied(msgspec.Struct, frozen=True, gc=False):
    """What a frame did to one side.

    Attributes:
        before: What was held before, by the keys of the prices that it names; None where nothing was.
        removed_unknown: Whether it removed a price that was not held.
        set_same: Whether it set the amount that was held already.
        dropped: Rows whose price is not above zero.
    """

    before: Mapping[int, Level | Unread | None]
    removed_unknown: bool
    set_same: bool
    dropped: int


NOTHING = Applied({}, removed_unknown=False, set_same=False, dropped=0)


def read_level(held: Level | Unread) -> Level:
    """Convert what is held."""
    return Level(held[0], Decimal(held[1])) if isinstance(held, tuple) else held


def _is_same(held: Level | Unread, amount: str) -> bool:
    if not isinstance(held, tuple):
        return Decimal(amount) == held.amount
    # Texts of one length that differ are different numbers: nobody sends leading zeros.
    return amount == held[1] or (len(amount) != len(held[1]) and Decimal(amount) == Decimal(held[1]))


@define(eq=False)
class Side:
    """Offers to buy, or to sell.

    Attributes:
        is_bids: Whether the best price is the highest.
        by_key: Levels by the keys of their prices, converted when they are read; all amounts are above zero.
        keys: Ascending.
    """

    is_bids: bool
    by_key: dict[int, Level | Unread] = field(factory=dict[int, Level | Unread], repr=False)
    keys: list[int] = field(factory=list[int], repr=False)

    @classmethod
    def of(cls, levels: Iterable[Level], *, is_bids: bool) -> Side:
        """Build a side from levels in any order; of several with one price the last counts."""
        by_key: dict[int, Level | Unread] = {key_of(level.price): level for level in levels}
        return cls(is_bids, by_key, sorted(by_key))

    def copy(self) -> Side:
        """Return a side that changes apart from this one."""
        return Side(self.is_bids, dict(self.by_key), list(self.keys))

    def converted(self) -> dict[int, Level]:
        """Return all levels by the keys of their prices."""
        return {key: read_level(held) for key, held in self.by_key.items()}

    def add(self, price: Decimal, amount: Decimal) -> None:
        """Add to the amount at a price, or take away from it; exactly nothing removes the level."""
        key = key_of(price)
        held = self.by_key.get(key)
        # In a context of sixty digits: the default one would round sums of long numbers.
        total = amount if held is None else BOUNDS.add(read_level(held).amount, amount)
        if held is None:
            insort(self.keys, key)
        if total:
            self.by_key[key] = Level(price, total)
        else:
            del self.by_key[key]
            del self.keys[bisect_left(self.keys, key)]

    def apply(self, rows: Sequence[tuple[str, str]], prices: Prices) -> Applied:
        """Apply rows of price and new amount.

        Raises:
            OddNumber: A row holds one; those before it may be applied.
        """
        if not rows:
            return NOTHING
        are_checked = len(rows) >= MANY and are_plain([amount for _, amount in rows])
        by_key, keys, known = self.by_key, self.keys, prices.known
        before: dict[int, Level | Unread | None] = {}
        unknown = same = False
        dropped = 0
        for price_text, amount in rows:
            if not are_checked and not is_plain(amount):
                parse(amount)
            try:
                key, price = known[price_text]
            except KeyError:
                key, price = prices.learn(price_text)
            if not key:
                dropped += 1
                continue
            held = by_key.get(key)
            before.setdefault(key, held)
            if amount[0] > "0" or amount.strip("0."):  # not zero, however that is spelled
                if held is None:
                    insort(keys, key)
                elif not same:
                    same = _is_same(held, amount)
                by_key[key] = (price, amount)
            elif held is not None:
                del by_key[key]
                del keys[bisect_left(keys, key)]
            else:
                unknown = True
        return Applied(before, unknown, same, dropped)

    def level(self, index: int) -> Level:
        """Return a level by its rank, the best first; negative from the worst."""
        key = self.keys[~index if self.is_bids else index]
        held = self.by_key[key]
        if isinstance(held, tuple):
            held = self.by_key[key] = Level(held[0], Decimal(held[1]))
        return held

    def levels(self, most: int | None = None) -> tuple[Level, ...]:
        """Return the levels as they are now, best first."""
        keys = self.keys[::-1] if self.is_bids else self.keys
        return tuple([read_level(self.by_key[key]) for key in keys[:most]])


def is_crossed(bids: Side, asks: Side) -> bool:
    """Whether somebody would buy for what another would sell for."""
    return bool(bids.keys and asks.keys) and bids.keys[-1] >= asks.keys[0]


def ranked(rows: Sequence[tuple[int, Level]], most: int | None, *, is_bids: bool) -> tuple[Side, int]:
    """Build a side from keys and levels, best first.

    Returns:
        The side, of at most *most* levels, and how many rows were dropped because a number in them is not above zero.

    Raises:
        ValueError: The levels are not in order, or a price comes twice.
    """
    kept = [row for row in rows if row[0] > 0 and row[1].amount > 0]
    keys = [key for key, _ in kept]
    if not all(map(operator.gt if is_bids else operator.lt, keys, keys[1:])):
        raise ValueError("prices out of order")
    best = keys[:most]
    if is_bids:
        best.reverse()
    return Side(is_bids, dict(kept[:most]), best), len(rows) - len(kept)


def read_side(levels: Sequence[MarketLevel], most: int | None, *, is_bids: bool) -> tuple[Side, int]:
    """Build a side from the levels of an order book that was read; see `ranked`."""
    return ranked([(key_of(one.price), Level(one.price, one.amount)) for one in levels], most, is_bids=is_bids)


class Readable(Protocol):
    """What has a side that can be read, or raises."""

    def side(self, *, is_bids: bool) -> Side:
        """Return a side as it is now."""
        ...


class Levels(Sequence[Level]):
    """The levels of a kept side, best first, as they are at the moment of each access.

    Access raises what the keeper raises while the book cannot be read. To hold levels across an ``await``, build a
    tuple of them.
    """

    __slots__ = ("_book", "_is_bids")

    def __init__(self, book: Readable, *, is_bids: bool) -> None:
        self._book = book
        self._is_bids = is_bids

    def __len__(self) -> int:
        return len(self._book.side(is_bids=self._is_bids).keys)

    @overload
    def __getitem__(self, index: int) -> Level: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...

    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        """Return a level by its rank, or a tuple of them."""
        side = self._book.side(is_bids=self._is_bids)
        if isinstance(index, slice):
            return tuple(map(side.level, range(*index.indices(len(side.keys)))))
        return side.level(index)

    def __iter__(self) -> Iterator[Level]:
        """Iterate over the levels as they are now."""
        return iter(self._book.side(is_bids=self._is_bids).levels())

    def __repr__(self) -> str:
        return f"<Levels {self[:3]!r}{'...' * (len(self) > 3)}>"
