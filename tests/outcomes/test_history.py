from datetime import UTC, datetime, timedelta

import pytest

from exchanges.intents import Intent
from exchanges.outcomes.clocks import REMEMBERED
from exchanges.outcomes.history import MOST, CallHistory, name_of, nameless_of
from exchanges.outcomes.journal_view import JournalView
from exchanges.outcomes.pending import PendingCalls
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
    history.note(intent(), nameless_of(BUY, "digest"), Match("7", "it"), AT + seconds(1))
    return history


def test_what_was_made_is_known():
    """What a call created is known by its endpoint and id."""
    history = noted()

    shown = [name_of(*made) for made in ((BUY, "7"), (BUY, "8"), (SELL, "7"))]

    assert {shown[0]} == history.names(shown, "none")
    assert history.note(intent(), nameless_of(BUY, "digest"), Match("7", "it"), AT) is None


def test_who_made_it_is_known():
    """What a call created is found by its intent."""
    history, mine = CallHistory(), intent()
    history.note(mine, nameless_of(BUY, "digest"), Match("7", "it"), AT)

    assert (name_of(BUY, "7"), None) == (history.made_by(mine), history.made_by(intent()))


def test_orders_without_ids():
    """Calls without an id, and dismissed ones, are found among the calls with the same digest."""
    history = noted()
    for _ in range(2):
        history.note(intent(), nameless_of(BUY, "digest"), None, AT)
    history.note(intent(), nameless_of(BUY, "another"), None, AT)
    history.note(intent(SELL), nameless_of(SELL, "digest"), None, AT)
    history.doubt(intent(), nameless_of(BUY, "digest"), AT)

    found = [history.names((), nameless_of(BUY, digest)) for digest in ("digest", "another", "none")]

    assert [3, 1, 0] == [len(names) for names in found]


def test_what_is_dismissed_was_made_by_nobody():
    """A dismissed call is not known to have created anything."""
    history, mine = CallHistory(), intent()
    history.doubt(mine, nameless_of(BUY, "digest"), AT)

    assert history.made_by(mine) is None


def test_the_record_begins_with_what_is_remembered():
    """What was forgotten for want of room is not on record, with or without a limit of time."""
    calls = PendingCalls(JournalView(None, "server", "key"), dict, lambda: AT)
    calls._began = -3600.0
    before = calls.recorded_since(AT)
    calls.history.since = AT - seconds(60)

    assert (AT - seconds(3600), AT - seconds(60)) == (before, calls.recorded_since(AT))


@pytest.mark.parametrize(("later", "kept"), [(REMEMBERED - seconds(1), True), (REMEMBERED + seconds(1), False)])
def test_orders_are_forgotten(later, kept):
    """What was created is remembered for a day."""
    history = noted()
    history.remember("new", AT + seconds(1) + later, None)

    assert ({"new"} | {name_of(BUY, "7")} if kept else {"new"}) == history.names((), "")


def test_the_history_is_bounded():
    """Of many calls the last are remembered, and since when they are all."""
    history, mine = CallHistory(), intent()
    history.note(mine, nameless_of(BUY, "digest"), Match("first", "it"), AT)
    before = history.since
    for number in range(MOST + 1):
        history.remember(str(number), AT + seconds(number / 10), None)

    assert (None, AT, None, {"1"}) == (before, history.since, history.made_by(mine), history.names({"0", "1"}, "none"))
