from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exchanges.intents import Intent
from exchanges.outcomes.kinship import Kinship
from exchanges.outcomes.search import Commitment, Matches, Search

AT = datetime(2026, 1, 2, tzinfo=UTC)


def commits(intent):
    """Return what a test says that an order costs."""
    said = intent.arguments
    amounts = [None if said.get(name) is None else Decimal(said[name]) for name in ("base", "quote")]
    return Commitment(said["market"], {"buy": True, "sell": False}.get(said.get("side")), *amounts)


def search(**options):
    """Return a search that is never made."""
    return Search(lambda _query, _answers: Matches(), **options)


KINSHIP = Kinship(
    lambda: {
        "v1.buy": search(commits=commits),
        "v2.buy": search(commits=commits),
        "v1.bot": search(thing="bot", commits=commits),
        "v1.send": search(thing="sending", terms=lambda intent: (intent.arguments["to"],)),
        "v2.send": search(thing="sending", terms=lambda intent: (intent.arguments["to"],)),
        "v2.give": search(),
    }
)


def call(endpoint, **arguments):
    """Return the intent of a call."""
    return Intent(endpoint, arguments, AT)


def order(**changes):
    """Return the intent of a limit order of the first version, changed."""
    said = {"market": "btc_usd", "side": "buy", "base": "3", "quote": "30"} | changes
    return call("v1.buy", **{name: text for name, text in said.items() if text is not None})


@pytest.mark.parametrize(
    ("endpoint", "names"),
    [
        ("v1.buy", {"v1.buy:7", "v2.buy:7"}),
        ("v1.bot", {"v1.bot:7"}),
        ("v2.send", {"v1.send:7", "v2.send:7"}),
        ("v2.give", {"v2.give:7"}),
        ("none", {"none:7"}),
    ],
)
def test_names(endpoint, names):
    """A thing has one name by each endpoint that creates such things."""
    assert names == KINSHIP.names(call(endpoint), "7")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"market": "BTC/USD", "base": "3.0"}, True),
        ({"market": "btc_eur"}, False),
        ({"side": "sell"}, False),
        ({"side": None}, True),
        ({"base": "4"}, False),
        ({"base": "3.0000001"}, True),
        ({"quote": "31"}, False),
        ({"quote": None}, False),
    ],
)
def test_orders(changes, expected):
    """Orders are alike if market, side, amount and price are."""
    assert expected is KINSHIP.are_alike(order(), order(**changes))
    assert (expected and not {"side": None, "base": "3.0000001"}.items() & changes.items()) is (
        KINSHIP.nameless(order(), "x") == KINSHIP.nameless(order(**changes), "y")
    )


def test_orders_that_say_little():
    """What one market order does not say may be what another says; one that says nothing may be any order."""
    market = order(quote=None)

    assert KINSHIP.are_alike(market, order(base=None))
    assert not KINSHIP.are_alike(market, order(base="4", quote=None))
    assert KINSHIP.are_alike(call("v2.buy"), order())
    assert KINSHIP.nameless(market, "x") != KINSHIP.nameless(market, "y")


def test_other_calls():
    """They are alike if all that is compared is; of what compares nothing only the digest counts."""
    first, second = call("v1.send", to="a", memo="1"), call("v2.send", to="a", memo="2")

    assert KINSHIP.are_alike(first, second)
    assert KINSHIP.nameless(first, "x") == KINSHIP.nameless(second, "y")
    assert not KINSHIP.are_alike(first, call("v2.send", to="b"))
    assert not KINSHIP.are_alike(first, call("v2.send"))
    assert not KINSHIP.are_alike(call("v2.give"), call("v2.give"))
    assert not KINSHIP.are_alike(call("none"), first)
    assert "v2.give:~x:" == KINSHIP.nameless(call("v2.give"), "x")


def test_what_has_ids_of_its_own_may_be_shown_as_an_order():
    """A bot is named by ids of its own, and yet what it does may be taken for the order of another call."""
    said = {"market": "btc_usd", "side": "buy", "base": "3", "quote": "30"}

    assert KINSHIP.are_alike(call("v1.bot", **said), call("v2.buy", **said))
