"""Going through a list by offset and limit, newest first, while new rows arrive at its head.

Theory. A row that arrives moves every older row one place further, so the page at the next offset begins with rows
that were read already; none is lost. What tells the two apart is not the offset but the row read last: it is the
bookmark. Each page is asked for from the bookmark on, so it begins with it if nothing arrived, and holds it further
down if something did; what stands behind it is new. Time plays no part, so rows of one second need no order of their
own beyond the one in which the exchange keeps them.

A row without an id may have a twin. The bookmark then reaches back over several rows, to the last one with an id if
there is one near. Where more rows arrived than a page holds, the bookmark is in none of it, and is looked for further
down. That it is nowhere is an error: going on from a guess would lose rows or repeat them.

The end is a page of the bookmark alone: a short page proves nothing, as an exchange may give fewer rows than it was
asked for. A bookmark further down with nothing behind it was moved there; where that goes on, the exchange answers
with the same page whatever it is asked for, and nothing will move any more.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from attrs import define, field, frozen

from exchanges.errors import ReadFailed, UsageError

__all__ = ["every_row"]

logger = logging.getLogger(__name__)

R = TypeVar("R")

LONGEST_BOOKMARK = 10
MAX_PAGES_WITHOUT_BOOKMARK = 50
MAX_STANDSTILLS = 10


async def every_row(
    read: Callable[[int, int], Awaitable[Sequence[R]]],
    *,
    identity: Callable[[R], Hashable | None],
    page_size: int,
) -> AsyncIterator[R]:
    """Go through all rows, newest first, each once; those that arrive at the head meanwhile are left out.

    Args:
        read: Reads one page: from how many rows after the newest, and how many rows at most.
        identity: The id of a row; None where the exchange gave it none.
        page_size: Rows per page, at least 2.

    Raises:
        UsageError: The page is too small to hold a bookmark and a row.
        ReadFailed: The row read last is no longer in the list.
    """
    if type(page_size) is not int or page_size < 2:
        raise UsageError("page_size must be a whole number from 2 on; nothing was sent")
    place = _Place(min(LONGEST_BOOKMARK, page_size // 2))
    while not place.is_end:
        page = await read(place.offset, page_size)
        for row in page[place.turn(_keys(page, identity)) :]:
            yield row


@define
class _Place:
    """Where the reader is.

    Attributes:
        longest: How many rows the bookmark may reach back over.
        offset: From where to read on.
        mark: The bookmark.
        is_end: Whether there is nothing more to read.
    """

    longest: int
    offset: int = 0
    mark: list[object] = field(factory=list[object])
    is_end: bool = False
    _tail: list[object] = field(factory=list[object])
    _missed: int = 0
    _still: int = 0

    def turn(self, keys: list[object]) -> int:
        """Find what is new in a page, and the place of the next one.

        Raises:
            ReadFailed: The bookmark is in none of many pages, or the list has ended without it.
        """
        behind = _behind(self.mark, keys)
        if self.mark and not behind:
            self._missed += 1
            if not keys or self._missed > MAX_PAGES_WITHOUT_BOOKMARK:
                raise ReadFailed("rows moved while the list was read: the row read last is no longer to be found")
            self.offset += max(1, len(keys) - len(self.mark) + 1)
            return len(keys)
        if behind < len(keys):
            self._missed = self._still = 0
            self._tail = [*self._tail, *keys[behind:]][-self.longest :]
            self.mark = _bookmark(self._tail)
            self.offset += len(keys) - len(self.mark)
        else:
            self._stand_still(behind - len(self.mark))
        return behind

    def _stand_still(self, moved: int) -> None:
        """Judge a page that ends with the bookmark."""
        self._still += 1
        self.offset += moved
        self.is_end = not moved or self._still > MAX_STANDSTILLS
        if moved and self.is_end:
            logger.warning("%d pages in a row end with the same row: reading ends there", self._still)


@frozen
class _Nameless:
    """A row without an id, by all that it says."""

    row: object


def _keys(page: Sequence[R], identity: Callable[[R], Hashable | None]) -> list[object]:
    """Take what rows are recognised by."""
    return [_Nameless(row) if (name := identity(row)) is None else name for row in page]


def _bookmark(tail: list[object]) -> list[object]:
    """Take the rows read last, back to one that has an id."""
    named = [place for place, key in enumerate(tail) if not isinstance(key, _Nameless)]
    return tail[named[-1] :] if named else tail


def _behind(mark: list[object], keys: list[object]) -> int:
    """Find the place behind the bookmark; 0 if it is not in the page, or if there is none."""
    length = len(mark)
    if not length:
        return 0
    for start in range(len(keys) - length + 1):
        if keys[start : start + length] == mark:
            return start + length
    # A row that arrived within the same moment may stand inside the bookmark.
    places = [place for place, key in enumerate(keys) if key == mark[-1]]
    return places[0] + 1 if len(places) == 1 else 0
