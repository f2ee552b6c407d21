"""One side of an order book: amounts by price, and the prices in order.

Prices are compared as numbers: ``63000`` and ``63000.0`` are one level. Numbers come as text, and a text that is no
plain number is refused, never rounded: see `Numbers`.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import overload

from attrs import define, field, frozen

from exchanges.market_data import MarketLevel

__all__ = ["Level", "Levels", "Numbers", "OddNumber", "Side", "is_crossed", "parse"]

MAX_DIGITS = 30
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?")

Undo = list[tuple[Decimal, Decimal | None]]
"""Prices that a frame changed, with the amounts before; None for a price that was not held."""


class OddNumber(ValueError):
    """A text is no plain number, or has too many digits."""


def parse(text: str) -> Decimal:
    """Return the number that *text* states, with every digit.

    Raises:
        OddNumber: It is not plain: a sign, an exponent, blanks, separators, no digits, more than 30 of them.
    """
    # Before `Decimal`, which also accepts "NaN", "1_000", " 1 " and digits of other scripts.
    if len(text) > MAX_DIGITS + 1 or not _PLAIN.fullmatch(text) or len(text) - ("." in text) > MAX_DIGITS:
        raise OddNumber(f"a number of at most {MAX_DIGITS} digits")
    return Decimal(text)


class Numbers(dict[str, Decimal]):
    """Numbers by their texts, each parsed and checked once: ``numbers["0.5"]``.

    The prices of a book come again and again. What saves most is not the parsing but the hash, which a `Decimal`
    remembers: a fresh one for each row would be hashed anew each time.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int = 40_000) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, text: str) -> Decimal:
        """Parse a text that is not known yet."""
        if len(self) >= self._most:
            self.clear()  # bounded: a book may wander through any number of prices
        number = self[text] = parse(text)
        return number


@frozen
class Level:
    """One price of an order book.

    Attributes:
        price: Quote currency per unit of base.
        amount: Base currency on offer, or wanted, at this price.
    """

    price: Decimal
    amount: Decimal


@frozen
class Applied:
    """What a frame did to one side.

    Attributes:
        undo: What was held before, in the order of the changes.
        unknown: Removals of prices that were not held.
        same: Changes to the amount that was held already.
        dropped: Rows whose price is not above zero.
    """

    undo: Undo
    unknown: int
    same: int
    dropped: int


NOTHING = Applied([], 0, 0, 0)


@define(eq=False)
class Side:
    """Offers to buy, or to sell.

    Attributes:
        is_bids: Whether the best price is the highest.
        amounts: By price; all above zero.
        prices: Ascending.
    """

    is_bids: bool
    amounts: dict[Decimal, Decimal] = field(factory=dict[Decimal, Decimal], repr=False)
    prices: list[Decimal] = field(factory=list[Decimal], repr=False)

    @classmethod
    def of(cls, amounts: dict[Decimal, Decimal], *, is_bids: bool) -> Side:
        """Build a side from amounts by price, in any order."""
        return cls(is_bids, amounts, sorted(amounts))

    def copy(self) -> Side:
        """Return a side that changes apart from this one."""
        return Side(self.is_bids, dict(self.amounts), list(self.prices))

    def __len__(self) -> int:
        return len(self.prices)

    @property
    def best(self) -> Decimal | None:
        """The best price; None if there is none."""
        return self.prices[-1 if self.is_bids else 0] if self.prices else None

    def set(self, price: Decimal, amount: Decimal) -> None:
        """Set the amount at a price; zero removes it."""
        held = price in self.amounts
        if amount:
            if not held:
                insort(self.prices, price)
            self.amounts[price] = amount
        elif held:
            del self.amounts[price]
            del self.prices[bisect_left(self.prices, price)]

    def apply(self, rows: Iterable[tuple[str, str]], numbers: Numbers) -> Applied:
        """Apply rows of price and new amount.

        Raises:
            OddNumber: A row holds one; the rows before it are applied.
        """
        amounts, prices = self.amounts, self.prices
        undo: Undo = []
        unknown = same = dropped = 0
        for price_text, amount_text in rows:
            price, amount = numbers[price_text], parse(amount_text)
            if not price:
                dropped += 1
                continue
            old = amounts.get(price)
            if amount:
                if old is None:
                    insort(prices, price)
                elif old == amount:
                    same += 1
                amounts[price] = amount
            elif old is None:
                unknown += 1
            else:
                del amounts[price]
                del prices[bisect_left(prices, price)]
            undo.append((price, old))
        return Applied(undo, unknown, same, dropped)

    def level(self, index: int) -> Level:
        """Return a level by its rank, the best first; negative from the worst."""
        price = self.prices[~index if self.is_bids else index]
        return Level(price, self.amounts[price])

    def levels(self, most: int | None = None) -> tuple[Level, ...]:
        """Return the levels as they are now, best first."""
        prices: Iterable[Decimal] = reversed(self.prices) if self.is_bids else self.prices
        chosen = list(prices)[:most]
        return tuple(map(Level, chosen, map(self.amounts.__getitem__, chosen)))


def is_crossed(bids: Side, asks: Side) -> bool:
    """Whether somebody would buy for what another would sell for."""
    return bool(bids.prices and asks.prices) and bids.prices[-1] >= asks.prices[0]


def is_ranked(prices: Sequence[Decimal], *, is_bids: bool) -> bool:
    """Whether prices get strictly worse."""
    better = operator.gt if is_bids else operator.lt
    return all(map(better, prices, prices[1:]))


def ranked(levels: Sequence[MarketLevel], most: int | None, *, is_bids: bool) -> tuple[Side, int]:
    """Build a side from the levels of an order book that was read, best first.

    Returns:
        The side, of at most *most* levels, and how many rows were dropped because a number in them is not above zero.

    Raises:
        ValueError: The levels are not in order, or a price comes twice.
    """
    rows = [(level.price, level.amount) for level in levels]
    kept = [row for row in rows if row[0] > 0 and row[1] > 0]
    prices = [price for price, _ in kept]
    if not is_ranked(prices, is_bids=is_bids):
        raise ValueError("prices out of order")
    return Side.of(dict(kept[:most]), is_bids=is_bids), len(rows) - len(kept)


class Levels(Sequence[Level]):
    """The levels of a kept side, best first, as they are at the moment of each access.

    Access raises what the keeper raises while the book cannot be read. To hold levels across an ``await``, build a
    tuple of them.
    """

    __slots__ = ("_side",)

    def __init__(self, side: Callable[[], Side]) -> None:
        self._side = side

    def __len__(self) -> int:
        return len(self._side())

    @overload
    def __getitem__(self, index: int) -> Level: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...

    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        """Return a level by its rank, or a tuple of them."""
        side = self._side()
        if isinstance(index, slice):
            return tuple(map(side.level, range(*index.indices(len(side)))))
        return side.level(index)

    def __iter__(self) -> Iterator[Level]:
        """Iterate over the levels as they are now."""
        return iter(self._side().levels())

    def __repr__(self) -> str:
        return f"<Levels {self[:3]!r}{'...' * (len(self) > 3)}>"
