"""Calls of several processes that share a journal."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from exchanges import Ambiguous, Incomplete, NoTrace, Reconciled, Standing
from exchanges.errors import StateError
from tests.support.lagging_exchange import ANSWERED, CALLS, DONE, LOST, MEASURED, Fate, begin, lagging, lose, placing
from tests.support.shared_state import Journal, Records, Shared
from tests.support.virtual_time import in_virtual_time, settle


@asynccontextmanager
async def together(*fates, at=MEASURED, skew=0.0, dated=False, **options):
    """Yield clients in two processes that share a journal, what is in it, and their exchange."""
    records, exchange = Records(), lagging(*fates, skew=skew, dated=dated)
    first = Shared(Journal(records, "one"))
    second = Shared(Journal(records, "two"), like=first)
    one, two = (placing(exchange, state=state, **options) for state in (first, second))
    async with one, two:
        await begin(one, at=at)
        yield one, two, records, exchange


@in_virtual_time
async def test_a_call_of_a_process_that_died():
    """A call of a process that died is unresolved in the next one, and can be reconciled there."""
    async with together(DONE, at=400.0) as (one, two, records, _):
        task = asyncio.create_task(lose(one))
        await settle()
        (intent,) = one._session.calls.view.journal.intents()
        before = list(two.unresolved)
        records.dead.add("one")
        one._session.calls.view.journal.dead = True
        shown = two.unresolved[intent]
        verdict = await two.reconcile(intent)
        await task

        assert ([], Standing.UNKNOWN, None) == (before, shown.standing, shown.ended_at)
        assert (3, []) == (verdict.found.id, list(two.unresolved))


@in_virtual_time
async def test_a_rival_in_another_process():
    """While another process has the same call in flight, what is found may belong to that call."""
    call = CALLS["in any order"]
    async with together(LOST, Fate(answers=20.0)) as (one, two, *_):
        first, second = asyncio.create_task(lose(one, call)), asyncio.create_task(call(two))
        intent = await first
        early = await one.reconcile(intent, timeout_seconds=10)
        await second

        assert (Incomplete, True) == (type(early), "under way" in early.reason)
        assert NoTrace(intent) == await one.reconcile(intent)


@in_virtual_time
async def test_an_intent_that_is_under_way_in_another_process():
    """A call that another process still carries out is not judged."""
    async with together(Fate(arrives=20.0)) as (one, two, *_):
        task = asyncio.create_task(CALLS["in any order"](one))
        await settle()
        (intent,) = one._session.calls.view.journal.intents()
        verdict = await two.reconcile(intent)
        await task

        assert (Incomplete, True) == (type(verdict), "under way in another process" in verdict.reason)


@in_virtual_time
@pytest.mark.parametrize("at", [0.0, 1.0, 6.0, 20.0])
async def test_found_out_by_another_process_meanwhile(at):
    """What another process settles meanwhile is not attributed to a third party."""
    async with together(DONE, timeout_seconds=5) as (one, two, records, exchange):
        intent = await lose(one)
        records.dead.add("one")
        exchange.lag = lambda: 10.0
        slow = asyncio.create_task(two.reconcile(intent))
        await asyncio.sleep(at)
        await one._session.calls.view.journal.settle(intent.id, known="fourth.orders.buy:3")

        assert NoTrace is not type(await slow)


@in_virtual_time
async def test_found_out_by_a_living_process():
    """A call that another process reconciled stays unresolved here, and is not `NoTrace`."""
    async with together(DONE, at=4000.0) as (one, two, *_):
        intent = await lose(one)
        await settle()
        found = await two.reconcile(intent)
        await settle()
        verdict = await one.reconcile(intent)

        assert (Reconciled, Ambiguous, [intent]) == (type(found), type(verdict), list(one.unresolved))


@in_virtual_time
async def test_a_known_order_of_another_process():
    """An order of another process is not attributed to a call of this one, at any clock offset."""
    async with together(ANSWERED, LOST, skew=290, dated=True) as (one, two, *_):
        await one.orders.buy(amount=3, price=5)
        intent = await lose(two)

        assert NoTrace(intent) == await two.reconcile(intent)


@in_virtual_time
async def test_a_dismissed_call_of_another_process():
    """What a call of another process, dismissed here, may have created is not taken for the doing of its twin."""
    async with together(DONE, LOST, at=4000.0, dated=True) as (one, two, *_):
        intent = await lose(one)
        await settle()
        two.unresolved.dismiss(intent)
        await settle()
        verdict = await two.reconcile(await lose(two))

        assert (Ambiguous, [3]) == (type(verdict), [order.id for order in verdict.candidates])


@in_virtual_time
async def test_what_another_process_made_a_day_before():
    """An order that another process is known to have placed is no candidate, even if it is misdated by a day."""
    async with together(ANSWERED, LOST, dated=True) as (one, two, _, exchange):
        await one.orders.buy(amount=3, price=5)
        await asyncio.sleep(86000)
        exchange.shown = lambda at: at + 86000
        intent = await lose(two)

        assert NoTrace(intent) == await two.reconcile(intent)


@in_virtual_time
async def test_dismissed_in_another_process():
    """What a call dismissed by another process may have created is ambiguous here."""
    async with together(DONE, LOST) as (one, two, *_):
        one.unresolved.dismiss(await lose(one))
        await settle()
        intent = await lose(two)

        assert Ambiguous is type(await two.reconcile(intent))


@in_virtual_time
async def test_a_record_that_is_older_than_the_process():
    """With an older journal, a new process knows which orders are its own."""
    async with together(DONE, at=4000) as (_, two, *_):
        assert Reconciled is type(await two.reconcile(await lose(two)))


@in_virtual_time
async def test_a_journal_that_cannot_be_read():
    """If the journal cannot be read, reconciling raises."""
    async with together(DONE) as (one, *_):
        intent = await lose(one)
        one._session.calls.view.journal.unreadable = StateError("broken")
        with pytest.raises(StateError, match="broken"):
            await one.reconcile(intent)
        one._session.calls.view.journal.unreadable = None
