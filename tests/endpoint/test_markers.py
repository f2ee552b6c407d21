"""Iteration by marker: every row once, whatever arrives meanwhile, and never in circles."""

import pytest

from exchanges.endpoint.markers import Pages
from exchanges.errors import ReadFailed


class Rows:
    """A list of ids, newest first, read two at a time."""

    def __init__(self, *rows: str) -> None:
        self.rows = list(rows)
        self.markers: list[str | None] = []
        self.faults = 0

    async def read(self, marker):
        self.markers.append(marker)
        if self.faults:
            self.faults -= 1
            raise ReadFailed("no")
        start = 0 if marker is None else self.rows.index(marker) + 1
        return self.rows[start : start + 2]


def pages_of(rows, **options):
    """Iterate over *rows*."""
    return Pages(rows.read, lambda row: row, **options)


async def test_every_row_once():
    """All rows come in order, up to an empty page."""
    rows = Rows("e", "d", "c", "b", "a")
    pages = pages_of(rows)

    assert ["e", "d", "c", "b", "a"] == [row async for row in pages]
    assert [None, "d", "b", "a"] == rows.markers
    assert (5, 4, "a") == (pages.rows, pages.pages, pages.marker)
    assert "Pages(5 rows in 4 pages, marker='a')" == repr(pages)
    assert [] == [row async for row in pages]


async def test_rows_that_arrive_meanwhile():
    """New rows move nothing."""
    rows, seen = Rows("c", "b", "a"), []
    async for row in pages_of(rows):
        seen.append(row)
        rows.rows.insert(0, f"new{len(rows.rows)}")

    assert ["c", "b", "a"] == seen


async def test_going_on_later():
    """An iteration that was left goes on from its marker."""
    rows = Rows("d", "c", "b", "a")
    first = pages_of(rows)
    seen = [await anext(first) for _ in range(3)]

    assert ["d", "c", "b"] == seen
    assert ["a"] == [row async for row in pages_of(rows, marker=first.marker)]


async def test_a_read_that_fails_loses_nothing():
    """The page whose read failed is read again by the next step."""
    rows = Rows("b", "a")
    pages = pages_of(rows)
    rows.faults = 1
    with pytest.raises(ReadFailed):
        await anext(pages)

    assert ["b", "a"] == [row async for row in pages]


@pytest.mark.parametrize("page", [["b", "b"], ["b", "a"]], ids=["a double", "the same page again"])
async def test_rows_that_come_again(page):
    """An exchange that ignores the marker, or repeats rows, ends the iteration with an error."""

    async def read(_):
        return list(page)

    pages = Pages(read, lambda row: row)
    with pytest.raises(ReadFailed, match="read already"):
        [row async for row in pages]
