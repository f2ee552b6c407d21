from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from exchanges.intents import ClockOffset, Intent
from exchanges.limits.windows import LOST_SECONDS
from exchanges.outcomes.clocks import ExchangeClock, Span
from exchanges.outcomes.search import MAX_SKEW
from exchanges.outcomes.window import Now, Sent, doubt_of, window_of

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
BUY = "fourth.orders.buy"
SENT, ENDED, NOW = 1000.0, 1005.0, 1100.0
"""On the clock of the loop."""
ZERO = AT - timedelta(seconds=SENT)
LOST = timedelta(seconds=LOST_SECONDS)
NEAR = ClockOffset(timedelta(seconds=-3), timedelta(seconds=2))
HOUR = timedelta(hours=1)


def seconds(number):
    """So many."""
    return timedelta(seconds=number)


def shown(by=0.0, *, zero=ZERO):
    """Return a clock that an answer has shown *by* seconds from ours."""
    clock = ExchangeClock()
    clock.note_moment(BUY, zero + seconds(SENT + by), Span(SENT, SENT + 1, zero), MAX_SKEW)
    return clock


def intent(clock=None):
    """Return the intent of a call."""
    return Intent(BUY, {}, AT, clock=clock)


def of_this_process(clock, *, zero_now=ZERO):
    """Return the window of a call of this process."""
    return window_of(clock, Sent(intent(), AT + seconds(ENDED - SENT), ZERO), Now(zero_now, NOW), MAX_SKEW)


def test_a_call_of_this_process():
    """It may be anywhere within the skew; it belongs where the answers say; it is as old as the loop says."""
    window = of_this_process(shown())

    assert (AT - MAX_SKEW, AT + seconds(5) + LOST + MAX_SKEW) == (window.since, window.until)
    assert (AT - seconds(3), AT + seconds(7) + LOST) == (window.belongs_since, window.belongs_until)
    assert (seconds(NOW - SENT), True, NEAR) == (window.age, window.is_narrow, window.clock)


def test_how_far_lists_are_read():
    """Lists are read back by the skew beyond what the call belongs to, and never beyond where it may be."""
    clock = shown(-200.0)
    query = of_this_process(clock).query(intent())

    assert (AT - MAX_SKEW, AT - MAX_SKEW) == (query.since, query.back)
    assert AT + seconds(97) - MAX_SKEW == of_this_process(shown(100.0)).query(intent()).back
    assert AT - MAX_SKEW == of_this_process(ExchangeClock()).query(intent()).back


def test_a_call_before_any_answer():
    """Without a reading it belongs anywhere within the skew."""
    window = of_this_process(ExchangeClock())

    assert (window.since, window.until, False) == (window.belongs_since, window.belongs_until, window.is_narrow)


@pytest.mark.parametrize("moved", [-HOUR, HOUR])
def test_age_when_our_clock_was_set(moved):
    """A call is as old as either clock says: ours may have been set, and that of the loop may have rested."""
    window = of_this_process(shown(), zero_now=ZERO + moved)

    assert seconds(NOW - SENT) + max(moved, timedelta(0)) == window.age


def test_age_in_another_process():
    """If our clock was an hour ahead when the call was sent, the call is an hour older than ours says now."""
    ahead = NEAR.moved(-HOUR)
    window = window_of(shown(), Sent(intent(ahead), AT + seconds(5), None), Now(ZERO, NOW), MAX_SKEW)

    assert seconds(NOW - SENT) + HOUR <= window.age <= seconds(NOW - SENT + 10) + HOUR


@pytest.mark.parametrize("ended", [AT + seconds(5), None])
def test_a_call_of_another_process(ended):
    """The intent says how our clock was set; one that was not seen to end may have arrived until now."""
    ahead = NEAR.moved(-HOUR)
    window = window_of(shown(), Sent(intent(ahead), ended, None), Now(ZERO - HOUR, NOW), MAX_SKEW)

    assert (AT - HOUR - seconds(3), AT - HOUR - seconds(3)) == (window.since, window.belongs_since)
    assert window.belongs_since < AT - HOUR + seconds(5) <= min(window.until, window.belongs_until)
    assert ended is not None or window.until >= ZERO - HOUR + seconds(NOW) + LOST


def test_years_that_no_calendar_has():
    """A reading that no moment of ours can be moved by gives the widest window that there is."""
    first, last = (datetime(year, 1, 1, tzinfo=UTC) - AT for year in (1, 9999))
    window = window_of(
        ExchangeClock(),
        Sent(intent(ClockOffset(first - HOUR, last + 400 * 24 * HOUR)), AT, None),
        Now(ZERO, NOW),
        MAX_SKEW,
    )

    assert (1, 9999) == (window.since.year, window.until.year)


@pytest.mark.parametrize(
    ("clock", "words"),
    [(None, "no answer had shown"), (NEAR.moved(HOUR), "was 3597 to 3602 s from ours"), (NEAR, None)],
)
def test_doubt_of_an_intent(clock, words):
    """Without a clock that was near ours when it was sent, the moment of an intent is in doubt."""
    doubt = doubt_of(evolve(intent(), clock=clock), MAX_SKEW)

    assert doubt is None if words is None else words in doubt.reason
