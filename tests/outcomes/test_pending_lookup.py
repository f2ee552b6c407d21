"""The journal of calls that are never repeated, and its use by other processes."""

import asyncio
import logging

import pytest

from exchanges import Standing
from exchanges.errors import OutcomeUnknown, StateError, UnresolvedOutcome, UsageError
from exchanges.outcomes.search import Matches, Search
from tests.support.fourth import Thing
from tests.support.fourth_calls import CALLS, WALL
from tests.support.lagging_exchange import cancel_caller, placing
from tests.support.scripted_transport import answer, html, refusal
from tests.support.shared_state import Journal, Shared, failure, is_free, shared, sharing
from tests.support.virtual_time import elapsed, in_virtual_time, settle

NOT_SENT = {"complete": False, "sent": False, "floor": None, "refusal": None, "is_judged": False}
BROKEN = StateError("the disk is full")
BUY = {"amount": 3, "price": 5}
ORDER = {"id": 1, "amount": 3, "price": 5}


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
async def test_written_before_it_is_sent(kind):
    """A call that is never repeated is in the journal before it is sent, and removed after its answer."""
    async with sharing(journal=Journal(seconds=3.0)) as (client, script, _, journal):
        await CALLS[kind](client)
        told = elapsed()

    assert ([3.0], ["begin", "settle"], 3.0) == (
        [c.at - 1e6 for c in script.came],
        [what for what, _ in journal.records.log],
        told,
    )
    assert ({}, 6.0) == (journal.records.rows, elapsed())


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
async def test_a_journal_that_is_late(kind):
    """A journal that is not written before the deadline ends the call there, unsent; what was written is removed."""
    async with sharing(journal=Journal(seconds=50.0)) as (client, script, limiter, journal):
        error = await failure(CALLS[kind](client.with_options(timeout_seconds=2.0)))

        assert (StateError, 2.0, [NOT_SENT]) == (type(error), elapsed(), limiter.leases[0].left)
    assert "the journal was not written before the deadline; nothing was sent" in str(error)
    assert ([], ["settle"]) == (script.came, [what for what, _ in journal.records.log])


@in_virtual_time
@pytest.mark.parametrize("kind", ["read", "idempotent"])
async def test_what_may_be_repeated_is_not_written(kind):
    """Reads and cancels are not in the journal."""
    async with sharing() as (client, _, _, journal):
        await CALLS[kind](client)

    assert [] == journal.records.log


@in_virtual_time
async def test_what_is_written():
    """The journal holds server, key, intent, nonce and digest of a call, and no secret."""
    async with sharing(html(502)) as (client, script, _, journal):
        error = await failure(client.orders.send("btc", amount=3, to="there", memo="secret memo"))
    ((entry, _),) = journal.records.rows.values()

    assert ("fourth production", error.intent, str(script.nonces[0]), 32) == (
        entry.server,
        entry.intent,
        entry.nonce,
        len(entry.digest),
    )
    assert ("secret memo" in repr(entry), "canary" in repr(entry)) == (False, False)


class Long(Journal):
    """A journal that is too long to be listed."""

    def entries(self, server, key):
        raise AssertionError


@in_virtual_time
async def test_a_journal_that_is_long():
    """An order asks the journal for what matches it, and never for all that is in it."""
    async with sharing(journal=Long()) as (client, _, _, journal):
        thing = await client.trading.create_order(amount=3)

    assert (1, ["begin", "settle"]) == (thing.id, [what for what, _ in journal.records.log])


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
async def test_what_cannot_be_written_is_not_sent(kind):
    """A call that cannot be written to the journal is not sent, and releases everything."""
    async with sharing(journal=Journal(fault=BROKEN)) as (client, script, limiter, _):
        error = await failure(CALLS[kind](client))

        assert (StateError, [], [NOT_SENT]) == (type(error), script.came, limiter.leases[0].left)
        assert (True, 0) == (is_free(client), len(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize("call", [CALLS["money"], lambda c: c.reconcile("x"), lambda c: asyncio.sleep(0, c.unresolved)])
async def test_a_journal_that_cannot_be_read(call):
    """If the journal cannot be read no money call is sent."""
    async with sharing(journal=Journal(unreadable=BROKEN)) as (client, script, limiter, _):
        with pytest.raises((StateError, UsageError)):
            list(await call(client))

        assert ([], True) == (script.came, is_free(client))
        assert all(lease.left == [NOT_SENT] for lease in limiter.leases)


@in_virtual_time
@pytest.mark.parametrize(
    ("step", "expected"),
    [(answer(), "settle"), (refusal("funds"), "settle"), (html(502), "doubt"), (OSError("gone"), "doubt")],
)
async def test_what_is_written_afterwards(step, expected):
    """A known outcome is removed from the journal; an unknown one is recorded as such."""
    async with sharing(step) as (client, _, _, journal):
        await asyncio.gather(client.trading.create_order(amount=3), return_exceptions=True)
    ended = [entry.ended_at is not None for entry, _ in journal.records.rows.values()]

    assert (["begin", expected], [True] * (expected == "doubt")) == ([w for w, _ in journal.records.log], ended)


@in_virtual_time
async def test_what_was_made_is_written():
    """The journal records the exchange's id of what was created, or that the answer has none."""
    async with sharing(answer(ORDER | {"side": "buy"}), answer({"number": 1})) as (client, _, _, journal):
        await client.orders.buy(**BUY)
        await client.orders.tip(amount=3)
    named, nameless = journal.records.made

    assert ("fourth.orders.buy:1", True) == (named, nameless.startswith("fourth.orders.tip:~"))


@in_virtual_time
async def test_the_outcome_is_returned_without_the_journal(caplog):
    """If the journal cannot be written after the answer, the outcome is still returned, and the fault is logged."""
    async with sharing(seconds=1.0) as (client, _, _, journal):
        call = asyncio.create_task(client.trading.create_order(amount=3))
        await settle()
        journal.fault = BROKEN
        thing = await call
        await settle()
        await client.trading.cancel(3)

        assert (Thing(1), 0) == (thing, len(client.unresolved))
    assert ["its outcome could not be written to the journal: the disk is full"] == [
        r.getMessage().partition("): ")[2] for r in caplog.records if r.levelno == logging.ERROR
    ]


@in_virtual_time
async def test_an_id_that_nobody_reads(caplog):
    """If reading the id of what was created fails, the answer is still returned."""

    def fail(value):
        raise AttributeError("canary")

    async with sharing(answer({"number": 7})) as (client, _, _, journal):
        client._session.calls.searches = lambda: {"fourth.orders.tip": Search(lambda *_: Matches(), fail)}
        sent = await client.orders.tip(amount=3)

        assert (7, 0) == (sent.number, len(client.unresolved))
    assert ["begin", "settle"] == [what for what, _ in journal.records.log]
    assert ("unexpected AttributeError while reading the id in the answer" in caplog.text, "canary" in caplog.text) == (
        True,
        False,
    )


@in_virtual_time
async def test_what_is_refused_after_waiting_is_removed_from_the_journal():
    """Of two same calls in a queue the second is refused right before it is sent, and removed from the journal."""
    async with sharing(html(502), seconds=1.0) as (client, script, limiter, journal):
        tasks = [asyncio.create_task(client.trading.create_order(amount=3)) for _ in range(2)]
        await asyncio.gather(*tasks, return_exceptions=True)

        sent = [lease.left[0]["sent"] for lease in limiter.leases]
        assert (UnresolvedOutcome, [True, False], 1) == (type(tasks[1].exception()), sent, len(script.came))
    assert ["begin", "begin", "doubt", "settle"] == sorted(what for what, _ in journal.records.log)


@in_virtual_time
async def test_an_abandoned_call_that_was_refused_in_the_journal():
    """An abandoned call that was not executed is removed from the journal, and still listed in this process."""
    async with sharing(refusal("funds"), seconds=2.0) as (client, _, _, journal):
        await cancel_caller(client.trading.create_order(amount=3))
        await asyncio.sleep(2)

        assert (["begin", "settle"], 1) == ([what for what, _ in journal.records.log], len(client.unresolved))


@in_virtual_time
async def test_cancelled_while_the_journal_is_written():
    """A caller that is cancelled during the journal write returns at once; nothing is sent, or left behind."""
    async with sharing(journal=Journal(seconds=3.0)) as (client, script, limiter, journal):
        await cancel_caller(client.trading.create_order(amount=3))
        gone = elapsed()
        again = await client.trading.create_order(amount=3)

        assert (1.0, Thing(1), 1) == (gone, again, len(script.came))
        assert ([NOT_SENT], 0) == (limiter.leases[0].left, len(client.unresolved))
    assert {} == journal.records.rows


@in_virtual_time
async def test_other_code_cancels_while_the_journal_is_written():
    """If other code cancels the session's task during the journal write, nothing is sent or left behind."""
    async with sharing(journal=Journal(seconds=3.0)) as (client, script, limiter, journal):
        task = asyncio.create_task(client.trading.create_order(amount=3))
        await asyncio.sleep(1)
        (own,) = client._session._attempts.tasks
        own.cancel()
        error = await failure(task)

        assert ("NotSent", [], [NOT_SENT]) == (type(error).__name__, script.came, limiter.leases[0].left)
    assert ["settle"] == [what for what, _ in journal.records.log]


@in_virtual_time
async def test_the_same_call_becomes_unresolved_while_the_journal_is_written():
    """If the same call becomes unresolved during the journal write, this one is refused and removed."""
    async with sharing(html(502), journal=Journal(seconds=3.0)) as (client, script, limiter, journal):
        first = asyncio.create_task(client.v9.neworders.buy(**BUY))
        await asyncio.sleep(1)
        second = asyncio.create_task(client.v9.neworders.buy(**BUY))
        await asyncio.wait([first, second])

        assert (OutcomeUnknown, UnresolvedOutcome, 1, NOT_SENT) == (
            type(first.exception()),
            type(second.exception()),
            len(script.came),
            limiter.leases[1].left[0],
        )
        assert is_free(client)
    assert [first.exception().intent] == journal.intents()


@in_virtual_time
async def test_a_dismissed_call_may_be_made_at_once():
    """A dismissed call blocks nothing while the journal is still being written."""
    async with sharing(html(502), answer(), journal=Journal(seconds=3.0)) as (client, script, _, journal):
        error = await failure(client.trading.create_order(amount=3))
        client.unresolved.dismiss(error.intent)
        began = elapsed()
        await client.trading.create_order(amount=3)

        assert (2, 3.0, 0) == (len(script.came), elapsed() - began, len(client.unresolved))
    assert {} == journal.records.rows


@in_virtual_time
async def test_closing_awaits_the_journal():
    """Closing waits for the journal."""
    async with sharing(html(502), journal=Journal(seconds=3.0)) as (client, _, _, journal):
        error = await failure(client.trading.create_order(amount=3))
    client.unresolved.dismiss(error.intent)
    await client.aclose()

    assert (["begin", "doubt", "settle"], 9.0) == ([what for what, _ in journal.records.log], elapsed())


@in_virtual_time
async def test_an_abandoned_call_in_the_journal():
    """An abandoned call that was executed stays in the journal until its outcome has been read."""
    async with sharing(seconds=2.0) as (client, _, _, journal):
        await cancel_caller(client.trading.create_order(amount=3))
        await asyncio.sleep(2)
        (intent,) = client.unresolved
        written = journal.intents()
        await client.reconcile(intent)

    assert ([intent], []) == (written, journal.intents())


def test_dismissing_without_a_loop():
    """Dismissing is refused if the journal has to be written and no event loop runs."""
    kept = []

    async def lose():
        client, _, _, _ = shared(html(502), clock=lambda: WALL)
        async with client:
            await failure(client.trading.create_order(amount=3))
        kept.append(client)

    in_virtual_time(lose)()
    unresolved = kept[0].unresolved
    with pytest.raises(UsageError, match="by the event loop of the client"):
        unresolved.dismiss(next(iter(unresolved)))

    assert len(unresolved) == 1


# Other processes


def processes(*steps, seconds=0.0):
    """Create the clients of two processes that share a journal."""
    one, script, _, journal = shared(*steps, seconds=seconds)
    other = placing(script, state=Shared(Journal(journal.records, "two"), like=one._session._config.state))
    return one, other, script, journal.records


@in_virtual_time
async def test_what_another_process_does_not_know():
    """A call whose outcome another process does not know is unresolved here, and blocks the same call."""
    one, other, script, _ = processes(html(502), answer())
    async with one, other:
        intent = (await failure(one.trading.create_order(amount=3))).intent
        await settle()
        refused = await failure(other.trading.create_order(amount=3))
        (call,) = other.unresolved.values()

        assert (UnresolvedOutcome, intent, 1) == (type(refused), refused.intent, len(script.came))
        assert (Standing.UNKNOWN, intent, None, None) == (call.standing, call.intent, call.phase, call.error)
        assert (str(script.nonces[0]), one.unresolved[intent].ended_at) == (call.nonce, call.ended_at)


@in_virtual_time
async def test_what_another_process_still_does():
    """A call in flight in a living process is not unresolved here, and blocks nothing."""
    one, other, script, _ = processes(answer({"id": 1}), answer({"id": 2}), seconds=5)
    async with one, other:
        first = asyncio.create_task(one.trading.create_order(amount=3))
        await settle()
        unresolved = list(other.unresolved)
        await other.trading.create_order(amount=3)

        assert ([], 2, Thing(1)) == (unresolved, len(script.came), await first)


@in_virtual_time
async def test_the_oldest_first():
    """Calls of this process and of others are listed in the order in which they were sent."""
    one, other, _, _ = processes(html(502))
    async with one, other:
        intents = []
        for client, amount in ((other, 1), (one, 2), (other, 3)):
            intents.append((await failure(client.trading.create_order(amount=amount))).intent)
            await asyncio.sleep(1)

        assert intents == list(other.unresolved)


@in_virtual_time
async def test_dismissed_by_another_process():
    """A call of another process can be dismissed here, and then sent."""
    one, other, script, records = processes(html(502), answer())
    async with one, other:
        intent = (await failure(one.trading.create_order(amount=3))).intent
        await settle()
        other.unresolved.dismiss(intent)
        await other.trading.create_order(amount=3)
        await settle()

        assert (2, {}) == (len(script.came), records.rows)


@in_virtual_time
async def test_another_key():
    """Unresolved calls of one key do not affect another key."""
    one, _, script, records = processes(html(502), answer())
    other = placing(script, state=Shared(Journal(records, "two")), api_key="another", api_secret="s")
    async with one, other:
        await failure(one.trading.create_order(amount=3))
        await settle()
        await other.trading.create_order(amount=3)

        assert (2, 0) == (len(script.came), len(other.unresolved))
