"""The calls that the guard looks up: by intent, digest and the ids that callers chose."""

import random
from datetime import UTC, datetime

import pytest
from attrs import frozen

from exchanges.intents import Intent
from exchanges.outcomes.call_index import TAG, CallIndex

AT = datetime(2026, 1, 2, tzinfo=UTC)


@frozen
class Call:
    """A recorded call."""

    intent: Intent
    digest: str


def call(number, digest="d", **arguments):
    """Return a call whose intent is no other's."""
    tag = None if number % 2 else f"c{number % 5}"
    return Call(Intent("exchange.trading.buy", arguments, AT, tag, id=f"{number}"), digest)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_there(seed):
    """After any additions and removals it is what going through all calls shows."""
    chance, index, known = random.Random(seed), CallIndex(), {}
    for number in range(300):
        if known and chance.random() < 0.4:
            gone = chance.choice(list(known))
            assert known.pop(gone) is index.pop(gone)
            continue
        own = {"client_id": f"c{number % 5}"} if number % 3 else {}
        new = call(number, f"d{chance.randrange(7)}", **own)
        known[new.intent] = index[new.intent] = new
        digest, text = f"d{number % 7}", f"c{number % 5}"

        assert list(known) == list(index)
        assert [c for c in known.values() if c.digest == digest] == list(index.twins(digest))
        assert {i for i in known if i.arguments.get("client_id") == text} == set(index.naming("client_id", text))
        assert {i for i in known if i.tag == text} == set(index.naming(TAG, text))


def test_an_update():
    """Calls that are gone are removed, changed ones replaced, new ones added at the end."""
    index, old, kept = CallIndex(), call(1, "d1"), call(2, "d2")
    index.update_to([old, kept])
    changed, new = call(2, "d3"), call(3, "d3")
    index.update_to([changed, new])

    assert ([changed, new], [changed, new], []) == (
        list(index.values()),
        list(index.twins("d3")),
        [*index.twins("d1"), *index.twins("d2")],
    )


def test_nothing_stays_of_what_was_removed():
    """A program that runs for months keeps no trace of the digests and ids of its calls."""
    index = CallIndex()
    list(index.naming("client_id", "x"))
    list(index.naming(TAG, "x"))
    for number in range(3):
        new = call(number, f"d{number}", client_id=f"c{number}")
        index[new.intent] = new
        del index[new.intent]

    assert ({}, {"client_id": {}, TAG: {}}, {}) == (index._digests, index._texts, index.data)
