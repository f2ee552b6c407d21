from datetime import UTC, datetime, timedelta

import pytest

from exchanges.intents import Intent
from exchanges.outcomes.clocks import REMEMBERED
from exchanges.outcomes.history import CallHistory, name_of, nameless
from exchanges.outcomes.search import Match

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
BUY, SELL = "fourth.orders.buy", "fourth.orders.sell"


def seconds(number):
    """So many."""
    return timedelta(seconds=number)


def intent(endpoint=BUY, at=AT):
    """Return the intent of a call."""
    return Intent(endpoint, {"amount": "3"}, at)


def noted():
    """Record one call."""
    history = CallHistory()
    history.note(intent(), "digest", Match("7", "it"), AT + seconds(1))
    return history


def test_what_was_made_is_known():
    """What a call created is known by its endpoint and id."""
    history = noted()

    assert [True, False, False] == [name_of(*made) in history.names() for made in ((BUY, "7"), (BUY, "8"), (SELL, "7"))]
    assert history.note(intent(), "digest", Match("7", "it"), AT) is None


def test_who_made_it_is_known():
    """What a call created is found by its intent."""
    history, mine = CallHistory(), intent()
    history.note(mine, "digest", Match("7", "it"), AT)

    assert (name_of(BUY, "7"), None) == (history.made_by(mine), history.made_by(intent()))


def test_orders_without_ids():
    """Calls without an id, and dismissed ones, are counted among the calls with the same digest."""
    history = noted()
    for _ in range(2):
        history.note(intent(), "digest", None, AT)
    history.note(intent(), "another", None, AT)
    history.note(intent(SELL), "digest", None, AT)
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
