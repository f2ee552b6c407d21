"""Comparing a kept book with one that was read, at the moment of the one that was read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from attrs import frozen

from exchanges.streams.keepers.frames import LevelsFrame
from exchanges.streams.sides import NOTHING, Applied, Level, Side, read_level

__all__ = ["Read", "Step", "is_equal"]


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


class Step(msgspec.Struct, eq=False):
    """A frame, and how it is taken back.

    Attributes:
        frame: The frame.
        received: When it came.
        bids: What it did; nothing until it is applied.
        asks: Likewise.
    """

    frame: LevelsFrame
    received: float
    bids: Applied = NOTHING
    asks: Applied = NOTHING

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
        read.bids, bids, [step.bids for step in newer], [key for step in first for key in step.bids.before]
    ) and _is_side_equal(
        read.asks, asks, [step.asks for step in newer], [key for step in first for key in step.asks.before]
    )


def _is_side_equal(read: Side, kept: Side, newer: Sequence[Applied], excused: Iterable[int]) -> bool:
    ours, theirs = kept.converted(), read.converted()
    if newer:
        for applied in reversed(newer):
            _take_back(ours, applied)
        for key in excused:
            ours.pop(key, None)
            theirs.pop(key, None)
    return ours == theirs


def _take_back(levels: dict[int, Level], applied: Applied) -> None:
    for key, before in applied.before.items():
        if before is None:
            levels.pop(key, None)
        else:
            levels[key] = read_level(before)
