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
from exchanges.wire.codecs import BOUNDS, plain

__all__ = [
    "DiffSide",
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
        by_key = {_signed(key_of(level.price), is_bids=is_bids): level for level in levels}
        return cls(is_bids, by_key, sorted(by_key))

    def amounts(self) -> dict[int, Decimal]:
        """Return all amounts by the keys of their prices."""
        return {key: level.amount for key, level in self.by_key.items()}

    def add(self, price: Decimal, amount: Decimal) -> None:
        """Add to the amount at a price, or take away from it; exactly nothing removes the level."""
        key = _signed(key_of(price), is_bids=self.is_bids)
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


@define(eq=False)  # not a struct of msgspec: to set a field of one takes five times as long
class Slot:
    """A price that was named, and what is held at it.

    Attributes:
        key: Of the price.
        price: Quote currency per unit of base.
        amount: Base currency in text that was checked, as most of them are replaced before anybody reads them; empty if
            nothing is held.
        level: What was read last, of *read*.
        read: The amount that *level* has.
    """

    key: int
    price: Decimal
    amount: str = ""
    level: Level | None = None
    read: str = ""


class DiffSide:
    """Offers to buy, or to sell, that change by rows of price and new amount in text.

    Everything here is made for `apply`: a text is looked up once, and what it stands for is changed in its place.

    Attributes:
        is_bids: Whether the best price is the highest.
        keys: Rising towards the best.
        has_removed_unknown: Whether the last rows removed a price that was not held.
        has_set_same: Whether the last rows set an amount that was held already.
        dropped: How many rows had a price that is not above zero.
    """

    __slots__ = ("_by_key", "_by_text", "_most", "dropped", "has_removed_unknown", "has_set_same", "is_bids", "keys")

    def __init__(self, *, is_bids: bool, most: int = 20_000) -> None:
        self.is_bids = is_bids
        self.keys: list[int] = []
        self.has_removed_unknown = self.has_set_same = False
        self.dropped = 0
        # Also of prices at which nothing is held now: those of a book come again and again.
        self._by_key: dict[int, Slot] = {}
        self._by_text: dict[str, Slot] = {}
        self._most = most

    @classmethod
    def of(cls, side: Side) -> DiffSide:
        """Build a side with the levels of another one."""
        made = cls(is_bids=side.is_bids)
        made.keys = list(side.keys)
        made._by_key = {key: Slot(key, level.price, plain(level.amount)) for key, level in side.by_key.items()}
        return made

    def apply(self, rows: Rows) -> list[str]:
        """Apply rows whose amounts, the new ones, are checked already.

        Returns:
            The amount that was held before each row; empty where nothing was.

        Raises:
            OddNumber: A price is none; the rows before it are applied.
        """
        slots, keys = self._by_text, self.keys
        before: list[str] = []
        self.has_removed_unknown = self.has_set_same = False
        for price, amount in rows:
            slot = slots.get(price) or self._learn(price)
            held = slot.amount
            before.append(held)
            if not held:
                if not slot.key:
                    self.dropped += 1
                elif amount in ZEROS:
                    self.has_removed_unknown = True
                else:
                    insort(keys, slot.key)
                    slot.amount = amount
            elif amount in ZEROS:
                del keys[bisect_left(keys, slot.key)]
                slot.amount = ""
            else:
                # Texts of one length that differ are different numbers: nobody sends leading zeros.
                if amount == held or (len(amount) != len(held) and Decimal(amount) == Decimal(held)):
                    self.has_set_same = True
                slot.amount = amount
        return before

    def _learn(self, text: str) -> Slot:
        price = parse(text)
        key = _signed(key_of(price), is_bids=self.is_bids)
        if len(self._by_text) >= self._most:
            # Bounded: a book may wander through any number of prices.
            self._by_text.clear()
            self._by_key = {key: slot for key, slot in self._by_key.items() if slot.amount}
        slot = self._by_text[text] = self._by_key.setdefault(key, Slot(key, price))
        return slot

    def amounts(self, newer: Sequence[tuple[Rows, Sequence[str]]] = ()) -> dict[int, Decimal]:
        """Return all amounts by the keys of their prices, as they were before the rows *newer*.

        Each of these comes with what `apply` returned; the last of them are those that were applied last.
        """
        held = {key: self._by_key[key].amount for key in self.keys}
        for rows, before in reversed(newer):
            # From the last row to the first: what stood before the first of one price remains.
            held.update(zip([self.key(price) for price, _ in reversed(rows)], reversed(before), strict=True))
        return {key: Decimal(amount) for key, amount in held.items() if amount}

    def key(self, price: str) -> int:
        """Return the key of a price that was applied."""
        slot = self._by_text.get(price)
        return _signed(key_of(parse(price)), is_bids=self.is_bids) if slot is None else slot.key

    def level(self, index: int) -> Level:
        """Return a level by its rank, the best first; negative from the worst."""
        slot = self._by_key[self.keys[~index]]
        if slot.level is None or slot.read is not slot.amount:
            slot.read, slot.level = slot.amount, Level(slot.price, Decimal(slot.amount))
        return slot.level

    def levels(self, most: int | None = None) -> tuple[Level, ...]:
        """Return the levels as they are now, best first."""
        return tuple(map(self.level, range(len(self.keys))[:most]))


def _signed(key: int, *, is_bids: bool) -> int:
    return key if is_bids else -key


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
        if isinstance(index, slice):
            return tuple(map(side.level, range(*index.indices(len(side.keys)))))
        return side.level(index)

    def __iter__(self) -> Iterator[Level]:
        """Iterate over the levels as they are now."""
        return iter(self._read().levels())

    def __repr__(self) -> str:
        return f"<Levels {self[:3]!r}{'...' * (len(self) > 3)}>"
