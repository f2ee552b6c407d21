"""Paging by marker: each page is requested by the id of the last row read, so rows that arrive meanwhile move nothing.

A short page proves nothing, as an exchange may return fewer rows than were requested: the end is an empty page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Self, TypeVar

from exchanges.errors import ReadFailed

R = TypeVar("R")


class Pages(Generic[R]):
    """All rows of a list, one by one, page by page; an asynchronous iterator.

    Attributes:
        marker: Id of the row that was returned last: pass it to go on from there later. None at the beginning.
        rows: Number of rows returned.
        pages: Number of pages read, each of which is one call.
    """

    __slots__ = ("_id_of", "_page", "_read", "_seen", "marker", "pages", "rows")

    def __init__(
        self,
        read: Callable[[str | None], Awaitable[Sequence[R]]],
        id_of: Callable[[R], str],
        *,
        marker: str | None = None,
    ) -> None:
        """Create the iterator; nothing is read yet.

        Args:
            read: Reads the page behind a marker.
            id_of: Returns the marker of a row.
            marker: Where to begin; None: at the first row.
        """
        self._read = read
        self._id_of = id_of
        self._page: list[R] | None = []
        # Of the page before alone: an exchange that ignores the marker returns that page again.
        self._seen = frozenset[str]()
        self.marker = marker
        self.rows = self.pages = 0

    def __repr__(self) -> str:
        """Show how far it got."""
        return f"Pages({self.rows} rows in {self.pages} pages, marker={self.marker!r})"

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> R:
        """Return the next row.

        Raises:
            ReadFailed: The exchange returned rows again that it had returned already.
        """
        if self._page is None:
            raise StopAsyncIteration
        if not self._page:
            # If the read fails, the next step reads the same page again: no row is lost.
            page = list(await self._read(self.marker))
            self.pages += 1
            self._check(page)
            page.reverse()
            self._page = page or None
            return await self.__anext__()
        row = self._page.pop()
        self.marker = self._id_of(row)
        self.rows += 1
        return row

    def _check(self, page: list[R]) -> None:
        ids = [self._id_of(row) for row in page]
        if len(set(ids)) < len(ids) or self._seen.intersection(ids) or self.marker in ids:
            raise ReadFailed(f"the page behind {self.marker!r} holds rows that were read already: reading stops")
        self._seen = frozenset(ids)
