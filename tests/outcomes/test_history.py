from datetime import UTC, datetime, timedelta

import pytest

from exchanges.intents import Intent
from exchanges.outcomes.history import REMEMBERED, CallHistory, ClockOffset, name_of, nameless
from exchanges.outcomes.search import MAX_SKEW, Match

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
ZERO = AT - timedelta(seconds=1000)
"""The wall clock when the clock of the loop was at zero."""
BUY, SELL, OTHER = "fourth.orders.buy", "fourth.orders.sell", "fourth.v9.orders.buy"


def seconds(number):
    """So many."""
    return timedelta(seconds=number)


def intent(endpoint=BUY, at=AT):
    """Return the intent of a call."""
    return Intent(endpoint, {"amount": "3"}, at)


def noted(*, told=None, took=1.0, endpoint=BUY, zero=ZERO, made="7"):
    """Record one call; *told*: seconds from its sending to its execution by the exchange's clock."""
    history = CallHistory()
    trace = Match(made, "it", None if told is None else AT + seconds(told))
    history.note(intent(endpoint), "digest", trace, AT + seconds(took), zero)
    return history


def test_a_clock_that_nobody_knows():
    """Until an answer shows the time, the clocks are assumed to be within five minutes of each other."""
    assert ClockOffset(-MAX_SKEW, MAX_SKEW) == CallHistory().clock(BUY, ZERO)


@pytest.mark.parametrize("skew", [-300, -1, 0, 0.4, 300])
@pytest.mark.parametrize("took", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("done", [0.0, 0.5, 1.0])
def test_a_clock_that_an_answer_showed(skew, took, done):
    """The true offset lies within the bounds that an answer in whole seconds gives, now and later."""
    told = int((AT + seconds(took * done + skew)).timestamp()) - AT.timestamp()
    clock = noted(told=told, took=took).clock(BUY, ZERO)

    assert clock.least <= seconds(skew) - seconds(1)
    assert seconds(skew) <= clock.most
    assert clock.most - clock.least <= seconds(took + 4)


def test_the_last_answer_counts():
    """The last answer that shows the time counts."""
    history = noted(told=0)
    history.note(intent(), "digest", Match("8", "it", AT + seconds(100)), AT + seconds(1), ZERO)

    assert ClockOffset(seconds(97), seconds(102)) == history.clock(BUY, ZERO)


def test_an_answer_that_tells_no_time():
    """An answer without a time changes nothing."""
    assert ClockOffset() == noted().clock(BUY, ZERO)


@pytest.mark.parametrize("set_by", [-3600, 3600])
def test_our_clock_was_set_since(set_by):
    """If our own clock was set since, the offset changes by as much."""
    clock = noted(told=0).clock(BUY, ZERO + seconds(set_by))

    assert ClockOffset(seconds(-3 - set_by), seconds(2 - set_by)) == clock


def test_areas_of_one_generation_share_a_clock():
    """The clock offset that one call shows applies to its whole generation."""
    assert ClockOffset(seconds(-3), seconds(2)) == noted(told=0).clock(SELL, ZERO)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (0, ClockOffset()),
        (-21600, ClockOffset(seconds(-21603), MAX_SKEW)),
        (7200, ClockOffset(-MAX_SKEW, seconds(7202))),
    ],
)
def test_generations_have_clocks_of_their_own(told, expected):
    """A generation that never showed the time may be right, or as wrong as another one."""
    assert expected == noted(told=told).clock(OTHER, ZERO)


def test_what_was_made_is_known():
    """What a call created is known by its endpoint and id."""
    history = noted()

    assert [True, False, False] == [name_of(*made) in history.names() for made in ((BUY, "7"), (BUY, "8"), (SELL, "7"))]
    assert history.note(intent(), "digest", Match("7", "it"), AT, ZERO) is None


def test_who_made_it_is_known():
    """What a call created is found by its intent."""
    history, mine = CallHistory(), intent()
    history.note(mine, "digest", Match("7", "it"), AT, ZERO)

    assert (name_of(BUY, "7"), None) == (history.made_by(mine), history.made_by(intent()))


def test_orders_without_ids():
    """Calls without an id, and dismissed ones, are counted among the calls with the same digest."""
    history = noted()
    for _ in range(2):
        history.note(intent(), "digest", None, AT, ZERO)
    history.note(intent(), "another", None, AT, ZERO)
    history.note(intent(SELL), "digest", None, AT, ZERO)
    history.doubt(intent(), "digest", AT)

    assert (3, 1, 0) == tuple(nameless(history.names(), BUY, digest) for digest in ("digest", "another", "none"))


def test_what_is_dismissed_was_made_by_nobody():
    """A dismissed call is not known to have created anything."""
    history, mine = CallHistory(), intent()
    history.doubt(mine, "digest", AT)

    assert history.made_by(mine) is None


@pytest.mark.parametrize(("later", "kept"), [(REMEMBERED - seconds(1), True), (REMEMBERED + seconds(1), False)])
def test_orders_are_forgotten(later, kept):
    """What was created is remembered for a day."""
    history = noted()
    history.remember("new", AT + seconds(1) + later, None)

    assert ({"new"} | {name_of(BUY, "7")} if kept else {"new"}) == history.names()
