from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from exchanges.intents import ClockOffset
from exchanges.outcomes.clocks import MOST_READINGS, REMEMBERED, ExchangeClock, Span
from exchanges.outcomes.search import MAX_SKEW

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
ZERO = AT - timedelta(seconds=1000)
"""The wall clock when the clock of the loop was at zero."""
NOW = 1000.0
BUY, SELL, OTHER = "fourth.orders.buy", "fourth.orders.sell", "fourth.v9.orders.buy"


def seconds(number):
    """So many."""
    return timedelta(seconds=number)


def told(clock, by, *, endpoint=BUY, took=1.0, after=0.0, zero=ZERO, skew=MAX_SKEW):
    """Record an answer that shows a moment which is *by* seconds from that at which its call was sent."""
    sent = zero + seconds(NOW + after)
    clock.note_moment(endpoint, sent + seconds(by), Span(NOW + after, NOW + after + took, zero), skew)
    return clock


def dated(clock, by, *, after=0.0, zero=ZERO, **headers):
    """Record an answer with a ``Date`` that is *by* seconds from that at which its request was sent."""
    shown = format_datetime(zero + seconds(NOW + after + by), usegmt=True)
    clock.note_header({"date": shown, **headers}, Span(NOW + after, NOW + after + 1.0, zero))
    return clock


def test_a_clock_that_nobody_knows():
    """Until an answer shows the time, the clocks are assumed to be near each other, and nothing is proven."""
    clock = ExchangeClock()

    assert (None, None, ClockOffset(-MAX_SKEW, MAX_SKEW)) == (
        clock.narrow(BUY, ZERO),
        clock.known(BUY, ZERO),
        clock.wide(BUY, ZERO, ZERO),
    )
    assert "no answer has shown" in clock.doubt(BUY, ZERO, NOW).reason


@pytest.mark.parametrize("skew", [-300, -1, 0, 0.4, 300])
@pytest.mark.parametrize("took", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("done", [0.0, 0.5, 1.0])
def test_a_clock_that_an_answer_showed(skew, took, done):
    """The true offset lies within the bounds that an answer in whole seconds gives, now and later."""
    shown = int((AT + seconds(took * done + skew)).timestamp()) - AT.timestamp()
    clock = told(ExchangeClock(), shown, took=took)
    narrow = clock.narrow(BUY, ZERO)

    assert narrow.least <= seconds(skew) - seconds(1)
    assert seconds(skew) <= narrow.most
    assert narrow.most - narrow.least <= seconds(took + 4)
    assert clock.doubt(BUY, ZERO, NOW) is None


@pytest.mark.parametrize("skew", [-300, -1, 0, 0.4, 300])
def test_a_clock_that_a_header_showed(skew):
    """A header confirms our clock, but does not say in what zone moments are."""
    clock = dated(ExchangeClock(), int(skew))

    assert (None, None) == (clock.narrow(BUY, ZERO), clock.doubt(BUY, ZERO, NOW))


WRONG = [-1.7e9, -86400, -3600, -700, 700, 3600, 86400, 1e9]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("order", [(0,), (0, 1), (1, 0), (1, 0, 1)])
def test_a_clock_that_is_wrong_once(wrong, order):
    """A reading far from our clock narrows nothing, is never excluded, and makes absence doubtful for a day."""
    clock = ExchangeClock()
    for number, is_right in enumerate(order):
        told(clock, 0 if is_right else wrong, after=number * 10)
    narrow, wide = clock.narrow(BUY, ZERO), clock.wide(BUY, ZERO, ZERO)
    doubt = clock.doubt(BUY, ZERO, NOW + 30)

    assert (1 in order, True) == (narrow is not None, wide.least <= seconds(0) <= wide.most)
    assert narrow is None or narrow.least <= seconds(0) <= narrow.most
    assert wide.least <= seconds(wrong) <= wide.most
    assert AT + REMEMBERED <= doubt.ends_at <= AT + REMEMBERED + seconds(30)
    assert clock.doubt(BUY, ZERO, NOW + 30 + REMEMBERED.total_seconds()) is None


@pytest.mark.parametrize("wrong", WRONG)
def test_a_header_that_is_wrong(wrong):
    """A wrong header makes absence doubtful, whatever moments say."""
    clock = dated(told(ExchangeClock(), 0), wrong)

    assert clock.doubt(BUY, ZERO, NOW) is not None
    assert clock.narrow(BUY, ZERO).joined(ClockOffset(seconds(-3), seconds(2))) == clock.narrow(BUY, ZERO)


@pytest.mark.parametrize("wrong", [-250, -50, 50, 250])
@pytest.mark.parametrize("zones", [timedelta(0), timedelta(hours=14)])
def test_a_header_that_disagrees(wrong, zones):
    """A header that disagrees with a moment by less than the skew widens what is known, unless zones may explain it."""
    clock = dated(told(ExchangeClock(), wrong), 0)
    narrow = clock.narrow(BUY, ZERO, MAX_SKEW + zones)

    assert (not zones, True) == (narrow.least <= seconds(0) <= narrow.most, narrow.least <= seconds(wrong))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"date": ""},
        {"date": "yesterday"},
        {"date": "Tue, 32 Nov 2023 22:13:20 GMT"},
        {"date": "Tue, 14 Nov 99999 22:13:20 GMT"},
        {"date": "Tue, 14 Nov 2023 22:13:20 CET"},
        {"date": "Tue, 14 nov 2023 22:13:20 GMT"},
        {"date": "Tue, 14 Nov 2023 22:13:20 GMT", "age": "0"},
    ],
)
def test_a_header_that_says_nothing(headers):
    """A header that is missing, unreadable or from a cache is no reading."""
    clock = ExchangeClock()
    clock.note_header(headers, Span(NOW, NOW + 1, ZERO))

    assert clock.known(BUY, ZERO) is None


@pytest.mark.parametrize("month", range(1, 13))
def test_months_of_headers(month):
    """Headers name each month as the standard does."""
    clock, at = ExchangeClock(), AT.replace(month=month)
    clock.note_header({"date": format_datetime(at, usegmt=True)}, Span(NOW, NOW + 1, at - seconds(NOW)))

    assert ClockOffset(seconds(-3), seconds(2)) == clock.known(BUY, at - seconds(NOW))


def test_headers_are_read_once_a_second():
    """A header is due a second after the last one that was read, or in a loop whose clock began again."""
    clock = dated(ExchangeClock(), 0)

    assert [False, True, True] == [clock.is_due(now) for now in (NOW + 1.5, NOW + 2.5, 3.0)]


def test_the_union_of_all_readings():
    """A clock that moves is known to be where any answer has shown it."""
    clock = ExchangeClock()
    for number in range(12):
        told(clock, 20 * number, after=number * 10)
    narrow = clock.narrow(BUY, ZERO)

    assert narrow.least <= seconds(20 * (12 - MOST_READINGS)) - seconds(3)
    assert narrow.most >= seconds(220)


@pytest.mark.parametrize("set_by", [-3600, 3600])
def test_our_clock_was_set_since(set_by):
    """If our own clock was set since, the offset changes by as much; where something may be, both count."""
    clock, zero = told(ExchangeClock(), 0), ZERO + seconds(set_by)
    wide = clock.wide(BUY, zero, zero)

    assert ClockOffset(seconds(-3 - set_by), seconds(2 - set_by)) == clock.narrow(BUY, zero)
    assert wide.least <= seconds(min(0, -set_by) - 300 * (set_by < 0))
    assert wide.most >= seconds(max(0, -set_by) + 300 * (set_by > 0))


@pytest.mark.parametrize("set_by", [-3600, 3600])
def test_our_clock_was_wrong_and_is_set_right(set_by):
    """Readings that did not agree with our clock while that was wrong agree with it once it is right."""
    clock = dated(told(ExchangeClock(), set_by), set_by)

    assert clock.doubt(BUY, ZERO, NOW) is not None
    assert clock.doubt(BUY, ZERO + seconds(set_by), NOW) is None


def test_a_computer_that_slept():
    """Sleep looks like a clock that was set, on both sides of it everything agrees, so nothing is in doubt."""
    clock, awake = told(ExchangeClock(), 0), ZERO + seconds(3600)
    told(clock, 0, zero=awake, after=10)
    wide = clock.wide(BUY, awake, awake)

    assert clock.doubt(BUY, awake, NOW + 20) is None
    assert (True, True) == (wide.least <= seconds(-3603), wide.most >= seconds(300))


@pytest.mark.parametrize("set_by", [-3600, 3600])
def test_where_something_may_be(set_by):
    """Where something may be, our clock counts as it was set and as it is, and a reading by both clocks."""
    later = ZERO + seconds(set_by)
    ours, wrong = ExchangeClock().wide(BUY, ZERO, later), told(ExchangeClock(), -2 * set_by).wide(BUY, later, later)

    assert (seconds(min(0, set_by) - 300), seconds(max(0, set_by) + 300)) == (ours.least, ours.most)
    for by in (-2 * set_by, -3 * set_by):
        assert wrong.least <= seconds(by) <= wrong.most


def test_areas_of_one_generation_share_a_clock():
    """The clock offset that one call shows applies to its whole generation."""
    assert ClockOffset(seconds(-3), seconds(2)) == told(ExchangeClock(), 0).narrow(SELL, ZERO)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (0, ClockOffset(-MAX_SKEW, MAX_SKEW)),
        (-21600, ClockOffset(seconds(-21603), MAX_SKEW)),
        (7200, ClockOffset(-MAX_SKEW, seconds(7202))),
    ],
)
def test_generations_have_clocks_of_their_own(by, expected):
    """A generation that never showed the time may be right, or as wrong as another one."""
    clock = told(ExchangeClock(), by)

    assert (None, expected) == (clock.narrow(OTHER, ZERO), clock.wide(OTHER, ZERO, ZERO))
    assert (by == 0) is (clock.doubt(OTHER, ZERO, NOW) is None)


def test_a_wrong_clock_of_another_generation():
    """A generation that has shown its own clock is not in doubt because of another's."""
    clock = told(told(ExchangeClock(), 0), -21600, endpoint=OTHER)

    assert (True, False) == (clock.doubt(BUY, ZERO, NOW) is None, clock.doubt(OTHER, ZERO, NOW) is None)


@pytest.mark.parametrize("by", [-6 * 3600, 14 * 3600])
def test_a_generation_without_zones(by):
    """Where moments name no zone, one that is off by a zone is no wrong clock."""
    zones = MAX_SKEW + timedelta(hours=14)
    clock = told(ExchangeClock(), by, skew=zones)

    assert (True, True) == (clock.narrow(BUY, ZERO, zones) is not None, clock.doubt(BUY, ZERO, NOW, zones) is None)


def test_readings_are_forgotten():
    """What answers have shown is kept for a day, and no more than a few readings of each source."""
    clock = told(ExchangeClock(), 0)
    told(clock, 100, after=REMEMBERED.total_seconds() + 2)
    for number in range(20):
        told(clock, 1000 * number, endpoint=OTHER)

    assert ([1, MOST_READINGS]) == [len(readings) for readings in clock._readings.values()]
