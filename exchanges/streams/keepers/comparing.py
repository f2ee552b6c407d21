"""Comparing a kept book with one that was read, at the moment of the one that was read. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from attrs import frozen

from exchanges.streams.diff_side import DiffSide
from exchanges.streams.keepers.frames import LevelsFrame
from exchanges.streams.sides import Rows, Side

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


class Step(msgspec.Struct, eq=False, gc=False):
    """A frame, and how it is taken back.

    Attributes:
        frame: The frame.
        received: When it came.
        rows: How many rows it has.
        bids: The amounts that were held before each of its rows; nothing until it is applied.
        asks: Likewise.
    """

    frame: LevelsFrame
    received: float
    rows: int
    bids: Sequence[str] = ()
    asks: Sequence[str] = ()


def is_equal(read: Read, bids: DiffSide, asks: DiffSide, newer: Sequence[Step], *, straddled: bool) -> bool:
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
        read.bids, bids, [(step.frame.bids, step.bids) for step in newer], [r for s in first for r in s.frame.bids]
    ) and _is_side_equal(
        read.asks, asks, [(step.frame.asks, step.asks) for step in newer], [r for s in first for r in s.frame.asks]
    )


def _is_side_equal(read: Side, kept: DiffSide, newer: Sequence[tuple[Rows, Sequence[str]]], excused: Rows) -> bool:
    ours, theirs = kept.amounts(newer), read.amounts()
    for price, _ in excused:
        for amounts in (ours, theirs):
            amounts.pop(kept.key(price), None)
    return ours == theirs
