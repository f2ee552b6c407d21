from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from exchanges.bitstamp.v1 import Account, Trading
from exchanges.errors import NotFound
from exchanges.outcomes.matching import MatchQuality, compare, compare_texts, match, placed_at, read_back
from exchanges.outcomes.rounding import is_echo
from exchanges.outcomes.search import Read
from exchanges.redaction import REDACTED
from tests.support.searches import AT, MINUTE, query_for

QUERY = query_for(Trading.buy, amount="1", price="1")
TOO_OLD = 5000
ENDLESS = list(range(TOO_OLD))


def read(answer):
    """Read pages, by *answer* to an offset, until there is nothing more to read."""
    answers = {}
    first = Read.of(Account.user_transactions)
    while more := (back := read_back(answers, first, lambda row: row >= TOO_OLD)).more:
        for page in more:
            answers[page] = answer(**{"offset": 0, **dict(page.arguments)})
    return back


def paged(rows, size):
    """Return the pages of an exchange that answers with at most *size* rows."""
    return lambda offset: rows[offset : offset + size]


@pytest.mark.parametrize("size", [10, 25, 100])
@pytest.mark.parametrize("count", [0, 1, 5, 6, 25, 45])
def test_a_list_is_read_to_its_end(count, size):
    """Every row is returned once, whatever the page size; a short page is not the end."""
    back = read(paged(ENDLESS[:count], size))

    assert (tuple(range(count)), True) == (back.rows, back.complete)


def test_a_list_is_read_until_it_is_too_old():
    """Reading ends at the first page that ends with rows that are too old; no further page is read."""
    rows = [*range(30), *[TOO_OLD] * 5, *range(30)]
    asked = []
    back = read(lambda offset: asked.append(offset) or rows[offset : offset + 35])

    assert (True, [0]) == (back.complete, asked)


@pytest.mark.parametrize("place", [30, 31, 34])
def test_a_single_row_that_is_too_old(place):
    """A row with a wrong moment at the end of a page does not end reading."""
    rows = list(range(60))
    rows[place] = TOO_OLD

    assert (tuple(rows), True) == ((back := read(paged(rows, place + 1))).rows, back.complete)


@pytest.mark.parametrize("rows", [ENDLESS, [1] * 5000])
def test_a_list_without_end_is_not_complete(rows):
    """Reading ends after ten pages, even if all rows are equal."""
    back = read(paged(rows, 25))

    assert (205, False) == (len(back.rows), back.complete)


def test_rows_that_move_away_are_missed():
    """A page without the end of the one before shows that rows between both are missing: read again, they are not."""
    back = read(lambda offset: ENDLESS[30:50] if offset else ENDLESS[:20])

    assert (tuple(range(20)), False, True) == (back.rows, back.complete, back.has_moved)


def test_rows_that_arrive_meanwhile_do_no_harm():
    """They move the older ones further down, where the next page repeats more of them."""
    back = read(lambda offset: ENDLESS[:40][offset : offset + 20] if offset else ENDLESS[10:30])

    assert (tuple(range(10, 40)), True) == (back.rows, back.complete)


def test_a_list_that_is_not_there_is_not_complete():
    """`NotFound` in place of a list is no evidence, nor would it be later."""
    back = read(lambda offset: NotFound("there is no such book"))

    assert (False, False) == (back.complete, back.has_moved)


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (-61.5, None),
        (-60.5, AT - MINUTE),
        (-30, AT - timedelta(seconds=30)),
        (60.5, AT + MINUTE),
        (61.5, None),
    ],
)
def test_moments_in_whole_seconds(seconds, moment):
    """One second is allowed for rounding by the exchange; the moment that is found lies within the query."""
    assert moment == placed_at(QUERY, AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("shown", "wanted", "quality"),
    [
        ("1.10", "1.1", MatchQuality.SAME),
        ("1.10", "1.11", MatchQuality.OTHER),
        ("1", "1.01", MatchQuality.OTHER),
        ("1.11", "1.114", MatchQuality.DOUBTFUL),
        ("1.12", "1.114", MatchQuality.DOUBTFUL),
        ("1.13", "1.114", MatchQuality.OTHER),
        ("1.115", "1.114", MatchQuality.OTHER),
        (None, "1.1", MatchQuality.DOUBTFUL),
        ("100.26", "100.255", MatchQuality.DOUBTFUL),
        ("100.3", "100.295", MatchQuality.DOUBTFUL),
        ("100", "100.004", MatchQuality.DOUBTFUL),
        ("100.3", "100.31", MatchQuality.OTHER),
        ("0.1234567", "0.12345671", MatchQuality.DOUBTFUL),
        ("0.12345671", "0.12345672", MatchQuality.OTHER),
        ("0.30000000000000004", "0.3", MatchQuality.DOUBTFUL),
        ("NaN", "1", MatchQuality.OTHER),
    ],
)
def test_numbers_that_may_have_been_rounded(shown, wanted, quality):
    """A number with more digits than the exchange shows may match either neighbour; others are compared exactly."""
    assert quality is compare(None if shown is None else Decimal(shown), Decimal(wanted))


@given(
    shown=st.decimals(-1000, 1000, places=4) | st.decimals(-1000, 1000, places=2) | st.decimals(0, 1, places=9),
    off=st.decimals("-0.02", "0.02", places=6) | st.decimals("-0.00000002", "0.00000002", places=10),
)
def test_no_echo_is_another(shown, off):
    """Whatever is taken for the echo of an argument is not ruled out when the same call is searched for."""
    if is_echo(shown, shown + off):
        assert compare(shown, shown + off) is not MatchQuality.OTHER


@pytest.mark.parametrize(
    ("shown", "wanted", "quality"),
    [
        ("a", "a", MatchQuality.SAME),
        (None, "", MatchQuality.SAME),
        ("A ", "a", MatchQuality.DOUBTFUL),
        ("a", None, MatchQuality.DOUBTFUL),
        (None, "a", MatchQuality.DOUBTFUL),
        ("a", REDACTED, MatchQuality.DOUBTFUL),
        ("b", "a", MatchQuality.OTHER),
    ],
)
def test_texts(shown, wanted, quality):
    """A text in another case, which an answer may echo, is in doubt."""
    assert quality is compare_texts(shown, wanted)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("off", "found"),
    [
        (timedelta(0), [False]),
        (-DAY, [True]),
        (timedelta(hours=-14), [True]),
        (timedelta(seconds=-700), [True]),
        (timedelta(hours=14), [True]),
        (timedelta(days=40000), [True]),
        (timedelta(days=-19000), [True]),
        (timedelta(days=-2), []),
        (timedelta(days=2), []),
    ],
)
def test_moments_that_may_be_wrong(off, found):
    """What is the same but for its moment is in doubt, if that is wrong by a zone or a day, or is no moment at all."""
    query = evolve(QUERY, age=timedelta(days=100))
    matches = [match(query, "it", MatchQuality.SAME, name=1, shown_at=AT + off)]

    assert found == [one.misdated for one in matches if one is not None]
    assert found == [not one.sure for one in matches if one is not None]


def test_a_moment_beside_its_tag():
    """A tag decides, whatever the moment."""
    one = match(QUERY, "it", MatchQuality.OTHER, name=1, shown_at=AT - 1000 * DAY, tagged=True)

    assert (True, True, None) == (one.tagged, one.misdated, one.at)
