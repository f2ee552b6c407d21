"""What searches make of what an exchange tells: pages of a list, moments in whole seconds, rounded numbers. Pure.

A search must miss nothing that its call may have made, and call nothing sure that it did not compare. What is neither
ruled out nor compared is kept, in doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

from attrs import frozen

from exchanges.errors import NotFound
from exchanges.outcomes.search import Answers, Query, Read

__all__ = ["MatchQuality", "Page", "compare", "is_before", "listed", "placed_at", "read_back"]

MAX_PAGES = 10
OVERLAP = 5
"""Rows of a page that the next one is asked to repeat: they show that nothing is missing between the two."""
RESOLUTION = timedelta(seconds=1)


class MatchQuality(IntEnum):
    """How far something is what was asked for. The least of several holds for all together."""

    OTHER = 0
    """It is something else."""
    DOUBTFUL = 1
    """It may be it."""
    SAME = 2
    """It was compared and is the same."""


def compare(told: Decimal | None, wanted: Decimal, step: Decimal) -> MatchQuality:
    """Compare numbers.

    Args:
        told: What the exchange says; None where it does not.
        wanted: What was sent to it.
        step: In which it counts. What is finer it may have rounded, so a neighbour of that is in doubt.
    """
    if told is None:
        return MatchQuality.DOUBTFUL
    if told == wanted:
        return MatchQuality.SAME
    digits = told.as_tuple().exponent
    is_near = isinstance(digits, int) and abs(told - wanted) < min(step, Decimal(1).scaleb(digits))
    return MatchQuality.DOUBTFUL if is_near else MatchQuality.OTHER


def is_before(sought: Query, told: datetime) -> bool:
    """Whether what the exchange tells as *told* was before the call, even if it leaves out a part of a second."""
    return told < sought.since - RESOLUTION


def placed_at(sought: Query, told: datetime) -> datetime | None:
    """Find the moment that is sought and that the exchange may tell as *told*; None if there is none."""
    if is_before(sought, told) or told > sought.until + RESOLUTION:
        return None
    return min(max(told, sought.since), sought.until)


def listed(seen: Answers, reading: Read) -> list[Any] | None:
    """Take the list that a read came to; None where the exchange does not know what was asked for."""
    value = seen[reading]
    return None if isinstance(value, NotFound) else list(value)


@frozen
class Page:
    """The head of a list that is read in pages, newest first.

    Attributes:
        rows: What was read so far, each row once.
        more: What is to be read next; empty at the end.
        whole: At the end, whether nothing that matters is missing.
    """

    rows: tuple[Any, ...]
    more: tuple[Read, ...] = ()
    whole: bool = False


def read_back(seen: Answers, page: Callable[[int], Read], is_old: Callable[[Any], bool]) -> Page:
    """Go back through a list, newest first, to a row that is too old to matter, or to the end.

    Each page is to begin with the last rows of the one before. One without them shows that rows have moved meanwhile;
    one with nothing behind them is the end. A short page is not: an exchange may give fewer rows than it was asked for.

    Args:
        seen: What was read so far.
        page: Names the read of a page, by how many rows after the newest it begins.
        is_old: Whether a row, and so every row behind it, is too old to matter.
    """
    rows: list[Any] = []
    for _ in range(MAX_PAGES):
        reading = page(max(0, len(rows) - OVERLAP))
        if reading not in seen:
            return Page(tuple(rows), (reading,))
        got = listed(seen, reading)
        behind = None if got is None else _behind(rows[-OVERLAP:], got)
        if got is None or behind is None:
            break
        new = got[behind:]
        rows += new
        if not new or is_old(rows[-1]):
            return Page(tuple(rows), whole=True)
    return Page(tuple(rows))


def _behind(tail: list[Any], rows: list[Any]) -> int | None:
    """Find the place behind the first *tail* in *rows*; None if there is none."""
    places = range(len(rows) - len(tail) + 1)
    return next((place + len(tail) for place in places if rows[place : place + len(tail)] == tail), None)
