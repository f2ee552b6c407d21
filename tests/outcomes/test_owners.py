import copy
import pickle
from datetime import UTC, datetime

import pytest
from attrs import evolve

from exchanges import NoTrace, Reconciled
from exchanges.errors import UsageError
from exchanges.intents import Intent
from exchanges.outcomes.journal_view import JournalView
from exchanges.state.protocols import Entry
from tests.support.fourth import CREDENTIALS
from tests.support.lagging_exchange import DONE, LOST, begun, lose, placing
from tests.support.shared_state import Journal
from tests.support.virtual_time import in_virtual_time

OTHERS = {
    "account": {"api_key": "another", "api_secret": "s"},
    "server": {"base_url": "https://another.example"},
}
COPIES = {
    "itself": lambda intent: intent,
    "copied": copy.deepcopy,
    "pickled": lambda intent: pickle.loads(pickle.dumps(intent)),  # noqa: S301 - of our own
    "renamed": lambda intent: evolve(intent, id="another"),
}


@in_virtual_time
@pytest.mark.parametrize("same", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("fate", [DONE, LOST], ids=["executed", "lost"])
async def test_an_intent_of_another_client(fate, other, same):
    """A client of another key or server refuses an intent, before anything is read: it cannot see what came of it."""
    async with begun(fate) as (client, exchange):
        intent = same(await lose(client))
        read = len(exchange.reads)
        async with placing(exchange, **{**CREDENTIALS, **OTHERS[other]}) as stranger:
            with pytest.raises(UsageError, match=f"is of another {other} .*use the client that sent it"):
                await stranger.reconcile(intent)
            with pytest.raises(UsageError, match=f"is of another {other} .*use the client that sent it"):
                stranger.unresolved.dismiss(intent)

        assert (1, read) == (len(client.unresolved), len(exchange.reads))


@in_virtual_time
@pytest.mark.parametrize(("fate", "verdict"), [(DONE, Reconciled), (LOST, NoTrace)])
async def test_an_intent_that_was_stored(fate, verdict):
    """The client that sent a call knows its intent again after it was pickled."""
    async with begun(fate) as (client, _):
        intent = pickle.loads(pickle.dumps(await lose(client)))  # noqa: S301 - of our own

        assert (verdict, 0) == (type(await client.reconcile(intent)), len(client.unresolved))


@in_virtual_time
async def test_who_it_is():
    """An intent names its server, and its account by a fingerprint that shows nothing of the key."""
    async with begun(LOST) as (client, _):
        intent = await lose(client)

        assert ("fourth production", client._session.credentials.fingerprint) == (intent.server, intent.account)
        assert CREDENTIALS["api_key"] not in repr(intent)


@in_virtual_time
async def test_dismissing_no_intent():
    """Passing the error in place of its intent raises an error that says so."""
    async with begun(LOST) as (client, _):
        await lose(client)
        with pytest.raises(UsageError, match="dismiss needs the intent"):
            client.unresolved.dismiss(KeyError())


@pytest.mark.parametrize("owner", [("here", "theirs"), ("there", "ours")])
def test_a_journal_that_shows_what_is_of_others(owner):
    """Entries of another key or server are not among those of this one, whatever a journal returns."""

    class Careless(Journal):
        def entries(self, server, key):
            return (Entry(*owner, intent, "1", "digest"), Entry("here", "ours", own, "2", "digest"))

    intent, own = (Intent("fourth.orders.buy", {}, datetime.now(UTC)) for _ in range(2))

    assert [own] == list(JournalView(Careless(), "here", "ours").entries())
