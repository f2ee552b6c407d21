"""A side of an order book that changes by rows of text, most of which are replaced before anybody reads them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from decimal import Decimal

from attrs import define

from exchanges.streams.sides import ZEROS, Level, Rows, Side, parse, rank_of
from exchanges.wire.codecs import plain

__all__ = ["DiffSide"]


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
            try:
                slot = slots[price]
            except KeyError:
                slot = self._learn(price)
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
        key = rank_of(price, is_bids=self.is_bids)
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
        return rank_of(parse(price), is_bids=self.is_bids) if slot is None else slot.key

    def level(self, index: int) -> Level:
        """Return a level by its rank, the best first; negative from the worst."""
        slot = self._by_key[self.keys[~index]]
        if slot.level is None or slot.read is not slot.amount:
            slot.read, slot.level = slot.amount, Level(slot.price, Decimal(slot.amount))
        return slot.level

    def levels(self, most: int | None = None) -> tuple[Level, ...]:
        """Return the levels as they are now, best first."""
        return tuple(map(self.level, range(len(self.keys))[:most]))
