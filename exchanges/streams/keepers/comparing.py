"""Comparing a kept book with one that was read, at the moment of the one that was read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from attrs import define, field, frozen

from exchanges.streams.keepers.frames import LevelsFrame
from exchanges.streams.sides import Side, Undo

__all__ = ["Read", "Step", "is_equal"]

Amounts = dict[Decimal, Decimal]


@frozen
class Read:
    """An order book that was read.

    Attributes:
        at: Its moment by the exchange's clock, in microseconds since 1970.
        asked_at: When it was asked for, by our clock.
        received: When it came, by our clock.
        bids: Offers to buy.
        asks: Offers to sell.
    """

    at: int
    asked_at: float
    received: float
    bids: Side
    asks: Side


@define(eq=False)
class Step:
    """A frame, and how it is taken back.

    Attributes:
        frame: The frame.
        received: When it came.
        bids: What was held before at the prices that it names; empty until it is applied.
        asks: Likewise.
    """

    frame: LevelsFrame
    received: float
    bids: Undo = field(factory=Undo)
    asks: Undo = field(factory=Undo)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.frame.bids) + len(self.frame.asks)


def is_equal(read: Read, bids: Side, asks: Side, newer: Sequence[Step], *, straddled: bool) -> bool:
    """Whether a kept book equals one that was read.

    Args:
        read: What was read.
        bids: What is kept, with the frames *newer* applied.
        asks: Likewise.
        newer: The frames that are newer than what was read, oldest first.
        straddled: Whether the first of them may hold changes of before, so that the levels that it names are excused.
    """
    first = newer[:1] if straddled else ()
    return _is_side_equal(
        read.bids, bids, [step.bids for step in newer], [price for step in first for price, _ in step.bids]
    ) and _is_side_equal(
        read.asks, asks, [step.asks for step in newer], [price for step in first for price, _ in step.asks]
    )


def _is_side_equal(read: Side, kept: Side, undos: Sequence[Undo], excused: Iterable[Decimal]) -> bool:
    ours, theirs = kept.amounts, read.amounts
    if undos:
        ours, theirs = dict(ours), dict(theirs)
        for undo in reversed(undos):
            _take_back(ours, undo)
        for price in excused:
            ours.pop(price, None)
            theirs.pop(price, None)
    return ours == theirs


def _take_back(amounts: Amounts, undo: Undo) -> None:
    for price, before in reversed(undo):
        if before is None:
            amounts.pop(price, None)
        else:
            amounts[price] = before
