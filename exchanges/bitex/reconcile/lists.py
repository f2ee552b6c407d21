"""Reading one list through, and knowing whether it goes back far enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Generic, TypeVar

from attrs import frozen

from exchanges.outcomes.matching import RESOLUTION, listed
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read

__all__ = ["MARGIN", "Listing", "found_in", "goes_back", "reaches", "rows_of"]

MARGIN = timedelta(minutes=10)
"""A list is not trusted up to its very end: clocks differ, and what is read may be older than the reading."""

T = TypeVar("T")


def rows_of(seen: Answers, reading: Read, kind: type[T]) -> list[T] | None:
    """Take the rows of one class out of a list; None where the exchange says that there is no such list."""
    rows = listed(seen, reading)
    return None if rows is None else [row for row in rows if isinstance(row, kind)]


def found_in(rows: Iterable[T], compare: Callable[[T], Match | None]) -> tuple[Match, ...]:
    """Name all rows that may be ours."""
    return tuple(found for row in rows if (found := compare(row)) is not None)


def reaches(sought: Query, horizon: timedelta) -> bool:
    """Whether a list of what was made within *horizon* still shows what the call made."""
    return sought.age <= horizon - MARGIN


def goes_back(sought: Query, moments: Sequence[datetime], most: int) -> bool:
    """Whether a list cut after *most*, newest first, goes back far enough: it is not full, or ends before the call."""
    if len(moments) < most:
        return True
    in_order = all(newer >= older for newer, older in pairwise(moments))
    return in_order and moments[-1] + RESOLUTION < sought.since


@frozen
class Listing(Generic[T]):
    """A search that needs one list.

    Attributes:
        reading: Which.
        kind: Class of its rows.
        compare: Says whether a row may be ours.
        whole: Whether these rows are all that could be ours.
    """

    reading: Callable[[Query], Read]
    kind: type[T]
    compare: Callable[[Query, T], Match | None]
    whole: Callable[[Query, Sequence[T]], bool]

    def __call__(self, sought: Query, seen: Answers) -> Matches:
        """Look."""
        reading = self.reading(sought)
        if reading not in seen:
            return Matches(more=(reading,))
        rows = rows_of(seen, reading, self.kind)
        if rows is None:
            return Matches(whole=False)
        found = found_in(rows, lambda row: self.compare(sought, row))
        return Matches(found, whole=self.whole(sought, rows))
