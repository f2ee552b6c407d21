"""Paging: reading a list by offset and limit, newest first, while new rows arrive at its head.

Theory. A row that arrives moves every older row one position back, so the page at the next offset begins with rows
that were read already; none is lost. What tells old from new is not the offset but the row read last: the bookmark.
Each page is requested from the position of the bookmark, so it begins with it if nothing arrived, and contains it
further down if something did; what is behind it is new. Times play no part, so rows of the same second need no order
but the one in which the exchange keeps them.

A row without an id may equal another. The bookmark then covers several rows, back to the last one with an id if there
is one near. If more rows arrived than a page holds, the bookmark is not in it, and is searched further down. If it is
nowhere, that is an error: going on from a guess would lose rows or repeat them.

The end is a page of the bookmark alone: a short page proves nothing, as an exchange may return fewer rows than were
requested. A bookmark further down with nothing behind it was moved there; if that goes on, the exchange returns the
same page for every offset, and nothing will ever move.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from attrs import field

from exchanges.errors import ReadFailed, UsageError
from exchanges.instrumentation.lines import Log
from exchanges.values import define, frozen

logger = Log(__name__)

R = TypeVar("R")

LONGEST_BOOKMARK = 10
MAX_PAGES_WITHOUT_BOOKMARK = 50
MAX_REPEATS = 10


async def each_once(
    reads: Iterable[Callable[[], Awaitable[Iterable[R]]]], identity: Callable[[R], Hashable]
) -> AsyncIterator[R]:
    """Iterate over the rows of lists that overlap, each row once.

    Args:
        reads: Read one list each, when the iteration reaches it.
        identity: Returns what identifies a row.
    """
    seen: set[Hashable] = set()
    for read in reads:
        for row in await read():
            if (key := identity(row)) not in seen:
                seen.add(key)
                yield row


async def every_row(
    read: Callable[[int, int], Awaitable[Sequence[R]]], *, identity: Callable[[R], Hashable | None], page_size: int
) -> AsyncIterator[R]:
    """Iterate over all rows, newest first, each once; those that arrive meanwhile are left out.

    Args:
        read: Reads one page, given the offset from the newest row and the largest number of rows.
        identity: Returns the id of a row; None if the exchange gave it none.
        page_size: Rows per page, at least 2.

    Raises:
        UsageError: The page is too small for a bookmark and a row.
        ReadFailed: The row read last is no longer in the list.
    """
    if type(page_size) is not int or page_size < 2:
        raise UsageError("page_size must be a whole number from 2 on; nothing was sent")
    position = _Position(min(LONGEST_BOOKMARK, page_size // 2))
    while not position.is_end:
        page = await read(position.offset, page_size)
        for row in page[position.advance(_keys(page, identity)) :]:
            yield row


@define
class _Position:
    """Where the reader is.

    Attributes:
        longest: How many rows the bookmark may cover.
        offset: Where the next page begins.
        mark: The bookmark.
        is_end: Whether everything was read.
    """

    longest: int
    offset: int = 0
    mark: list[object] = field(factory=list[object])
    is_end: bool = False
    _tail: list[object] = field(factory=list[object])
    _missed: int = 0
    _repeats: int = 0

    def advance(self, keys: list[object]) -> int:
        """Return where the new rows of a page begin, and move to the next page.

        Raises:
            ReadFailed: The bookmark is in none of many pages, or the list ended without it.
        """
        behind = _behind(self.mark, keys)
        if self.mark and not behind:
            self._missed += 1
            if not keys or self._missed > MAX_PAGES_WITHOUT_BOOKMARK:
                raise ReadFailed("rows moved while the list was read: the row read last is not in it any more")
            self.offset += max(1, len(keys) - len(self.mark) + 1)
            return len(keys)
        if behind < len(keys):
            self._missed = self._repeats = 0
            self._tail = [*self._tail, *keys[behind:]][-self.longest :]
            self.mark = _bookmark(self._tail)
            self.offset += len(keys) - len(self.mark)
        else:
            self._repeat(behind - len(self.mark))
        return behind

    def _repeat(self, moved: int) -> None:
        """Count a page that ends with the bookmark, and end if the list ends there."""
        self._repeats += 1
        self.offset += moved
        self.is_end = not moved or self._repeats > MAX_REPEATS
        if moved and self.is_end:
            logger.warning("%d pages in a row end with the same row: reading stops", self._repeats)


@frozen
class _WithoutId:
    """A row without an id, compared by all its fields."""

    row: object


def _keys(page: Sequence[R], identity: Callable[[R], Hashable | None]) -> list[object]:
    """Return what the rows are recognised by."""
    return [_WithoutId(row) if (name := identity(row)) is None else name for row in page]


def _bookmark(tail: list[object]) -> list[object]:
    """Return the rows read last, back to one that has an id."""
    named = [place for place, key in enumerate(tail) if not isinstance(key, _WithoutId)]
    return tail[named[-1] :] if named else tail


def _behind(mark: list[object], keys: list[object]) -> int:
    """Return the position behind the bookmark; 0 if it is not in the page, or if there is none."""
    length = len(mark)
    if not length:
        return 0
    for start in range(len(keys) - length + 1):
        if keys[start : start + length] == mark:
            return start + length
    # A row that arrived in the same moment may be inside the bookmark, between rows of that moment.
    places = [place for place, key in enumerate(keys) if key == mark[-1]]
    return places[0] + 1 if len(places) == 1 else 0
