"""When nothing found proves that nothing is there, by the waits of an API; and by those of Bitso and Bitstamp."""

from datetime import timedelta

import pytest

from exchanges.bitso.client_ids import ABSENT, ORDERS_ABSENT
from exchanges.bitstamp import client_ids as bitstamp
from exchanges.outcomes.absence import Look, Seen, judge


def looks(rule, *ages, seconds=0.5, has_fence=True, fenced_at=0.0):
    """Return what looks at these ages of a request prove, one after the other."""
    seen = Seen(fenced_at=fenced_at)
    found = []
    for age in ages:
        look = Look(age, age + seconds, timedelta(seconds=age), timedelta(seconds=age))
        found.append(judge(rule, seen, look, has_fence=has_fence))
    return found


@pytest.mark.parametrize(
    ("rule", "ages", "proven"),
    [
        (ORDERS_ABSENT, (5, 90, 120), (False, False, False)),  # less than 30 s after the end of the look before
        (ORDERS_ABSENT, (5, 90, 121), (False, False, True)),
        (ORDERS_ABSENT, (5, 60, 121), (False, False, False)),  # the first that counts is the last
        (ORDERS_ABSENT, (200, 229, 231), (False, False, True)),
        (ORDERS_ABSENT, (121,), (False,)),
        (ORDERS_ABSENT, (3000, 3590), (False, True)),
        (ORDERS_ABSENT, (3000, 3600), (False, False)),
        (ABSENT, (3600, 86400), (False, True)),
        (bitstamp.ABSENT, (5, 290, 329), (False, False, False)),
        (bitstamp.ABSENT, (301, 329, 332), (False, False, True)),
        (bitstamp.ABSENT, (85000, 85400), (False, True)),
        (bitstamp.ABSENT, (86400, 86431), (False, False)),
    ],
)
def test_two_looks(rule, ages, proven):
    """It takes two looks 30 seconds apart, the last one no earlier, and no later, than the API allows."""
    assert proven == tuple(outlook.is_proof for outlook in looks(rule, *ages))


@pytest.mark.parametrize(
    ("rule", "age", "next_seconds", "left_seconds"),
    [
        (ORDERS_ABSENT, 5, 84.5, 114.5),
        (ORDERS_ABSENT, 100, 30, 30),
        (bitstamp.ABSENT, 5, 294.5, 324.5),
        (bitstamp.ABSENT, 310, 30, 30),
    ],
)
def test_when_to_ask_again(rule, age, next_seconds, left_seconds):
    """The moment to ask again is that of the next look that counts."""
    (outlook,) = looks(rule, age)

    assert (next_seconds, left_seconds) == (outlook.next_seconds, outlook.left_seconds)


@pytest.mark.parametrize(("fenced_at", "proven"), [(None, False), (101.0, False), (100.0, True)])
def test_the_fence(fenced_at, proven):
    """Where requests may arrive at any time, a look counts only after a later call was accepted."""
    assert proven is looks(ORDERS_ABSENT, 100, 140, fenced_at=fenced_at)[-1].is_proof


def test_never():
    """Where nothing ever excludes the request, and where an order may be shown no more, no look proves anything."""
    assert "version 2" in looks(ABSENT, 200, 300, has_fence=False)[-1].never
    assert "60 minutes" in looks(ORDERS_ABSENT, 3601)[-1].never
