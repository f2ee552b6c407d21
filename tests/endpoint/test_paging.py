import pytest
from attrs import frozen

from exchanges.endpoint.paging import LONGEST_BOOKMARK, every_row
from exchanges.errors import ReadFailed, UsageError
from tests.support.virtual_time import run


@frozen
class Row:
    """A row; without an id it may equal another one."""

    text: str
    id: int | None = None


class Limiter:
    """A list at an exchange, newest first, to which something happens between two readings."""

    def __init__(self, rows, *, between=lambda rows, count: None, most=10**9):
        self.rows = list(rows)
        self.between = between
        self.most = most
        self.asked = []

    async def read(self, offset, limit):
        """One page."""
        self.asked.append((offset, limit))
        page = self.rows[offset : offset + min(limit, self.most)]
        self.between(self.rows, len(self.asked))
        return page


def named(count, first=0):
    """Rows with ids, all alike otherwise."""
    return [Row("same", id=number) for number in range(first, first + count)]


def nameless(count):
    """Rows without ids."""
    return [Row(str(number)) for number in range(count)]


def gone_through(limiter, page_size=10):
    """All rows, in the order in which they come."""

    async def collect():
        rows = every_row(limiter.read, identity=lambda row: row.id, page_size=page_size)
        return [row async for row in rows]

    return run(collect())


def arriving(count):
    """Put *count* new rows before the others after each reading."""
    return lambda rows, reading: rows.__setitem__(slice(0, 0), named(count, first=-1000 * reading))


@pytest.mark.parametrize("make", [named, nameless])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 21, 100])
def test_an_unchanged_list(make, count):
    """Every row of an unchanged list is yielded once, in order, wherever pages end."""
    rows = make(count)

    assert rows == gone_through(Limiter(rows))


@pytest.mark.parametrize("make", [named, nameless])
@pytest.mark.parametrize("arrivals", [1, 3, 9, 10, 25])
def test_arrivals(make, arrivals):
    """Rows that arrive between two readings, be they more than a page holds, neither lose nor repeat any."""
    rows = make(95)
    arrived = {"left": 8}

    def between(limiter, reading):
        if arrived["left"]:
            arrived["left"] -= 1
            arriving(arrivals)(limiter, reading)

    assert rows == gone_through(Limiter(rows, between=between))


def test_arrivals_among_equals():
    """A row that arrives among those already read is left out, one among those still to come is read."""

    def between(rows, reading):
        if reading == 1:
            rows.insert(9, Row("early", id=500))
            rows.insert(50, Row("late", id=501))

    rows = named(60)
    read = gone_through(Limiter(rows, between=between))

    assert [*rows[:49], Row("late", id=501), *rows[49:]] == read


def test_arrivals_inside_a_bookmark():
    """A row that arrives between the nameless rows of the bookmark does not hide it."""
    rows = nameless(60)

    assert rows == gone_through(Limiter(rows, between=lambda r, n: r.insert(8, Row("new")) if n == 1 else None))


@pytest.mark.parametrize("cut", [(1, 2), (2, 9), (5, 5)])
def test_equal_rows(cut):
    """Equal rows are distinguished by the rows before them."""
    before, twins = cut
    rows = [*nameless(before), *[Row("twin")] * twins, *nameless(30)]

    assert rows == gone_through(Limiter(rows, between=arriving(1)), page_size=2 * LONGEST_BOOKMARK)


def test_fewer_rows_than_asked_for():
    """A page that is shorter than requested is not the end."""
    rows = named(95)

    assert rows == gone_through(Limiter(rows, most=7))


def test_nothing_moves():
    """An exchange that answers with the same page whatever the offset ends the iteration."""
    rows = named(10)

    async def read(offset, limit):
        return rows

    limiter = Limiter(rows)
    limiter.read = read

    assert rows == gone_through(limiter)


def test_the_end_is_asked_for_once():
    """Behind the last row there is one reading, which begins with it."""
    limiter = Limiter(named(3))
    gone_through(limiter)

    assert [(0, 10), (2, 10)] == limiter.asked


def test_rows_that_vanish():
    """If the last row that was read is gone, paging raises instead of guessing."""
    with pytest.raises(ReadFailed, match="not in it any more"):
        gone_through(Limiter(named(60), between=lambda rows, reading: rows.__delitem__(slice(0, 30))))


def test_rows_that_arrive_faster_than_they_are_read():
    """Paging raises if the list grows by more than a page each time."""
    with pytest.raises(ReadFailed, match="not in it any more"):
        gone_through(Limiter(named(60), between=arriving(30)))


@pytest.mark.parametrize("page_size", [1, 0, -1, True, 2.0, "10"])
def test_page_size(page_size):
    """A page holds the bookmark and a row at least."""
    with pytest.raises(UsageError, match="nothing was sent"):
        gone_through(Limiter([]), page_size=page_size)


def test_smallest_page():
    """Pages of two rows are enough."""
    rows = named(9)

    assert rows == gone_through(
        Limiter(rows, between=lambda r, n: r.insert(0, Row("new", id=-n)) if n < 5 else None), 2
    )
