"""How a search compares what an exchange shows with what a call asked for, and reads lists through. Pure.

A search must miss nothing that its call may have created, and call nothing sure that it has not compared. What is
neither ruled out nor compared is kept, in doubt. Three things make it hard:

* Moments come in whole seconds, and numbers may have been rounded.
* Lists end: after some days, or after so many rows. One that may have been cut short proves nothing.
* A list that is read in pages moves while it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from itertools import pairwise
from typing import Any, Generic, TypeVar

from attrs import evolve, frozen

from exchanges.errors import NotFound
from exchanges.outcomes.rounding import is_rounded, is_same_text
from exchanges.outcomes.search import LATE, Answers, Match, Matches, Query, Read
from exchanges.redaction import REDACTED

MAX_PAGES = 10
OVERLAP = 5
"""Rows of a page that the next page is asked to repeat: they show that nothing is missing between the two."""
RESOLUTION = timedelta(seconds=1)
MARGIN = timedelta(minutes=10)
"""A list is not trusted up to its very end: clocks differ, and what is read may be older than the read."""
DAY = timedelta(days=1)
"""A moment in a wrong zone, or of the wrong day, is off by no more."""
FIRST = datetime(1990, 1, 1, tzinfo=UTC)
"""There was no exchange before: what is shown as older, such as a zero, is no moment."""

T = TypeVar("T")


# Values


class MatchQuality(IntEnum):
    """How well what the exchange shows matches what a call asked for. Of several the least holds for all together."""

    OTHER = 0
    """It is something else."""
    DOUBTFUL = 1
    """It may be the same: it was not shown, not sent, kept secret or rounded."""
    SAME = 2
    """It was compared and is the same."""


def same_if(condition: object, otherwise: MatchQuality = MatchQuality.OTHER) -> MatchQuality:
    """Return SAME if *condition* holds."""
    return MatchQuality.SAME if condition else otherwise


def compare(shown: Decimal | None, wanted: Decimal | None) -> MatchQuality:
    """Compare numbers; one that may have been rounded is in doubt."""
    if shown is None or wanted is None:
        return MatchQuality.DOUBTFUL
    if shown == wanted:
        return MatchQuality.SAME
    return MatchQuality.DOUBTFUL if is_rounded(shown, wanted) else MatchQuality.OTHER


def compare_numbers(shown: int | None, wanted: str | None) -> MatchQuality:
    """Compare ids and other whole numbers."""
    return MatchQuality.DOUBTFUL if shown is None or wanted is None else same_if(wanted == str(int(shown)))


def compare_texts(shown: str | None, wanted: str | None) -> MatchQuality:
    """Compare texts; where only one is missing, one is kept secret, or only the case is another, there is doubt."""
    if wanted == shown or (not wanted and not shown):
        return MatchQuality.SAME
    if not wanted or not shown or wanted == REDACTED:
        return MatchQuality.DOUBTFUL
    return MatchQuality.DOUBTFUL if is_same_text(shown, wanted) else MatchQuality.OTHER


def compare_tags(query: Query, name: str, shown: str | None) -> tuple[MatchQuality, bool]:
    """Compare the text that bears the tag if the caller left it empty; return as well whether it bears it."""
    tag = query.intent.tag
    return compare_texts(shown, tag or query.text(name)), tag is not None and tag == shown


def is_old(query: Query, shown: datetime) -> bool:
    """Return whether *shown* is so long before the call that nothing older need be read."""
    return shown < (query.back or query.since) - RESOLUTION


def placed_at(query: Query, shown: datetime) -> datetime | None:
    """Return the moment of the query that the exchange may show as *shown*; None if there is none."""
    # The exchange may leave out a part of a second.
    if not query.since - RESOLUTION <= shown <= query.until + RESOLUTION:
        return None
    return min(max(shown, query.since), query.until)


def is_misdated(query: Query, shown: datetime) -> bool:
    """Return whether what the call created would have to be shown later than *shown*, unless that is wrong."""
    return shown < query.since - RESOLUTION


def is_before(query: Query, shown: datetime) -> bool:
    """Return whether *shown* was before the call, even if it is wrong by a zone or a day; zero is no moment."""
    return FIRST <= shown < query.since - DAY


def is_elsewhen(query: Query, shown: datetime) -> bool:
    """Return whether *shown* is the moment of another call, by the same margin; one that is yet to come is none."""
    return is_before(query, shown) or query.until + DAY < shown <= query.until + query.age


def is_by_call(query: Query, shown: datetime | None) -> bool:
    """Return whether what bears the client's id of the call was created by it, rather than *shown* before it."""
    if query.intent.tag is not None:
        return shown is None or not is_before(query, shown)  # nobody has ever seen the id but this call
    # The caller's own id may have been used before, and only clocks that were compared tell how long before.
    if shown is None or query.clock is None:
        return False
    return shown >= query.intent.at + query.clock.least - RESOLUTION


def by_client_id(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Return what bears one client's id; if it is several, none of it is sure."""
    # Without a moment, so that none counts as one that is merely shown with a wrong one.
    doubtful = len(matches) > 1
    return tuple(evolve(m, at=None, sure=False, tagged=False) if doubtful or not m.tagged else m for m in matches)


def match(
    query: Query,
    found: object,
    *qualities: MatchQuality,
    name: object,
    shown_at: datetime | None = None,
    tagged: bool = False,
) -> Match | None:
    """Return a match, sure if all *qualities* and the moment are the same; None for what another call created.

    A tag decides against everything else.
    """
    at = None if shown_at is None else placed_at(query, shown_at)
    if not tagged and (not all(qualities) or (shown_at is not None and is_elsewhen(query, shown_at))):
        return None
    # Without a moment it may be older than the call.
    sure = at is not None and min(qualities) is MatchQuality.SAME
    return Match(str(name), found, at, sure=sure, tagged=tagged, misdated=shown_at is not None and at is None)


# Lists


def rows_of(answers: Answers, read: Read, kind: type[T]) -> list[T] | None:
    """Return the rows of one class in a list; None if the exchange does not know the list."""
    rows = answers[read]
    return None if isinstance(rows, NotFound) else [row for row in rows if isinstance(row, kind)]


def is_shown(query: Query, horizon: timedelta) -> bool:
    """Return whether a list of what was created within *horizon* still shows what the call created."""
    return query.age <= horizon - MARGIN


def reaches_back(query: Query, moments: Sequence[datetime], most: int) -> bool:
    """Return whether a list of at most *most* rows, newest first, is not full, or ends before the call."""
    if len(moments) < most:
        return True
    in_order = all(newer >= older for newer, older in pairwise(moments))
    # Several, as the moment of a single row may be wrong.
    return in_order and all(is_old(query, moment) for moment in moments[-OVERLAP:])


@frozen
class Page:
    """The head of a list that is read in pages, newest first.

    Attributes:
        rows: What was read so far, each row once.
        more: What is to be read next; empty at the end.
        complete: At the end, whether nothing that matters is missing.
        has_moved: Whether something is missing because rows moved while they were read.
    """

    rows: tuple[Any, ...] = ()
    more: tuple[Read, ...] = ()
    complete: bool = False
    has_moved: bool = False


def read_back(answers: Answers, read: Read, is_past: Callable[[Any], bool]) -> Page:
    """Read a list, newest first, back to a row that is too old to matter, or to its end.

    Each page is to begin with the last rows of the one before. A page without them shows that rows have moved
    meanwhile; one with nothing behind them is the end. A short page is not: an exchange may give fewer rows than it
    was asked for.

    Args:
        answers: What was read so far.
        read: The read of the first page; later ones have an ``offset``, the number of newer rows.
        is_past: Whether a row, and so every row behind it, is too old to matter.
    """
    rows: list[Any] = []
    for _ in range(MAX_PAGES):
        offset = (("offset", len(rows) - OVERLAP),) if len(rows) > OVERLAP else ()
        page = evolve(read, arguments=(*offset, *read.arguments))
        if page not in answers:
            return Page(tuple(rows), (page,))
        shown = rows_of(answers, page, object)
        start = None if shown is None else _end_of(rows[-OVERLAP:], shown)
        if shown is None or start is None:
            return Page(tuple(rows), has_moved=shown is not None)
        rows += shown[start:]
        # Several, as the moment of a single row may be wrong.
        if len(shown) == start or all(map(is_past, rows[-OVERLAP:])):
            return Page(tuple(rows), complete=True)
    return Page(tuple(rows))


def _end_of(tail: list[Any], rows: list[object]) -> int | None:
    """Return the index behind the first *tail* in *rows*; None if there is none."""
    starts = range(len(rows) - len(tail) + 1)
    return next((start + len(tail) for start in starts if rows[start : start + len(tail)] == tail), None)


@frozen
class Cancelling:
    """A search that reads the order that a cancel names: whether it is cancelled, whoever cancelled it.

    Attributes:
        read: Returns the read of the order.
        order: Returns the order from its answer; None if that does not show it.
        is_cancelled: Whether it is cancelled, or about to be.
    """

    read: Callable[[Query], Read]
    order: Callable[[Query, Any], Any]
    is_cancelled: Callable[[Any], bool]

    def __call__(self, query: Query, answers: Answers) -> Matches:
        """Return the cancelled order, nothing for one that is not, or what to read."""
        read = self.read(query)
        if read not in answers:
            return Matches(more=(read,))
        answer = answers[read]
        order = None if isinstance(answer, NotFound) else self.order(query, answer)
        if order is None:
            # It may be younger than what the read shows.
            return Matches(complete=False, unsettled=query.age <= LATE)
        return Matches((Match(str(order.id), order, tagged=True),) if self.is_cancelled(order) else ())


@frozen
class Listing(Generic[T]):
    """A search that needs one list.

    Attributes:
        read: Returns the read of the list, or of its first page.
        kind: Class of its rows.
        compare: Returns the match of a row; None if it is another's.
        is_complete: Whether these rows are all that could match.
        moment: Returns the moment of a row of a list that is read in pages; None for a list that is read at once.
    """

    read: Callable[[Query], Read]
    kind: type[T]
    compare: Callable[[Query, T], Match | None]
    is_complete: Callable[[Query, Sequence[T]], bool] = lambda _, __: True
    moment: Callable[[T], datetime] | None = None

    def __call__(self, query: Query, answers: Answers) -> Matches:
        """Return the matches, or what to read."""
        page = self._page(query, answers, self.read(query))
        if page.more:
            return Matches(more=page.more)
        rows = [row for row in page.rows if isinstance(row, self.kind)]
        found = tuple(match for row in rows if (match := self.compare(query, row)) is not None)
        is_complete = page.complete and self.is_complete(query, rows)
        return Matches(found, complete=is_complete, unsettled=page.has_moved)

    def _page(self, query: Query, answers: Answers, read: Read) -> Page:
        if (moment := self.moment) is not None:
            return read_back(answers, read, lambda row: is_old(query, moment(row)))
        if read not in answers:
            return Page(more=(read,))
        rows = rows_of(answers, read, self.kind)
        return Page() if rows is None else Page(tuple(rows), complete=True)
