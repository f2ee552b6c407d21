"""Intents of odd types, as a program may build or restore them: refused before anything is read."""

import datetime as dt

import pytest
from attrs import fields

from exchanges import Bitstamp
from exchanges.errors import UsageError
from exchanges.intents import Intent, is_intent
from tests.support.odd_values import ODD
from tests.support.scripted_transport import Script

GOOD = {
    "endpoint": "bitstamp.v1.trading.buy",
    "arguments": {"amount": "1", "price": "1"},
    "at": dt.datetime.now(dt.UTC),
}
NAMES = [attribute.name for attribute in fields(Intent) if attribute.name in ("tag", "acting", "id", *GOOD)]


def wrong(name):
    """Build intents with odd values in one field."""
    return [intent for odd in ODD if not is_intent(intent := Intent(**{**GOOD, name: odd}))]


@pytest.mark.sweep
@pytest.mark.parametrize("odd", [*wrong("at"), *wrong("endpoint"), *ODD], ids=lambda _: "odd")
async def test_refused(odd):
    """`reconcile` and `dismiss` refuse what is no intent, and send nothing."""
    transport = Script.of()
    async with Bitstamp(transport=transport, api_key="k", api_secret="s", client_id="1") as client:
        with pytest.raises(UsageError, match="needs the intent of a call"):
            await client.reconcile(odd)
        with pytest.raises(UsageError, match="needs the intent of a call"):
            client.unresolved.dismiss(odd)

    assert [] == transport.came


@pytest.mark.parametrize("name", NAMES)
def test_each_field(name):
    """A field of another type makes it no intent; so does a moment without a zone."""
    assert is_intent(Intent(**GOOD))
    assert len(wrong(name)) > len(ODD) / 2
    assert not is_intent(Intent(**{**GOOD, "at": dt.datetime(2026, 1, 1)}))  # noqa: DTZ001 - what is refused
