import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from exchanges import Ambiguous, Incomplete, NoTrace, Reconciled
from exchanges.intents import Intent
from tests.support.lagging_exchange import (
    ANSWERED,
    CALLS,
    DONE,
    LOST,
    MEASURED,
    Fate,
    Lagging,
    begin,
    begun,
    lagging,
    lose,
    placing,
)
from tests.support.virtual_time import elapsed, in_virtual_time


@in_virtual_time
@pytest.mark.parametrize(
    ("skew", "at", "expected"),
    [(299, 28.0, Ambiguous), (299, 35.0, Reconciled), (-299, 625.0, Ambiguous), (-299, 635.0, Reconciled)],
)
async def test_an_unmeasured_clock(skew, at, expected):
    """Until an answer shows the time, an order counts as ours only if it is younger than the record by any clock."""
    exchange = Lagging([Fate(arrives=None, breaks=0.0), DONE], skew=skew)
    async with placing(exchange) as client:
        await lose(client, amount=9)
        await asyncio.sleep(at - elapsed())
        verdict = await client.reconcile(await lose(client))

        assert expected is type(verdict)


@in_virtual_time
@pytest.mark.parametrize(("at", "expected"), [(29.0, Ambiguous), (MEASURED, Reconciled)])
async def test_the_first_half_minute(at, expected):
    """An order of the first 30 seconds of a client may be from an earlier user of the key."""
    async with begun(DONE, at=at) as (client, _):
        verdict = await client.reconcile(await lose(client))

        assert expected is type(verdict)


@in_virtual_time
async def test_an_order_from_before_the_record():
    """An equal order from before the client's first call makes the verdict ambiguous, whatever is ours."""
    exchange = Lagging([ANSWERED, LOST])
    exchange.do("bought", {"amount": "3", "price": "5"})
    async with placing(exchange) as client:
        await client.orders.buy(amount=7, price=7)
        intent = await lose(client)
        verdict = await client.reconcile(intent)

        assert (Ambiguous, [1], {intent}) == (type(verdict), [o.id for o in verdict.candidates], set(client.unresolved))


@in_virtual_time
async def test_what_known_calls_made_is_theirs():
    """What a successful call created is not attributed to an unknown one."""
    async with begun(ANSWERED, LOST) as (client, _):
        await client.orders.buy(amount=3, price=5)
        intent = await lose(client)

        assert NoTrace(intent) == await client.reconcile(intent)


@in_virtual_time
async def test_two_unknown_calls_that_would_do_the_same():
    """If one of two unknown calls with the same arguments was executed, both are ambiguous."""
    note = lambda c: c.orders.note(amount=3, price=5)  # noqa: E731 - a write: the same may be made again
    async with begun(LOST, DONE) as (client, _):
        intents = {await lose(client, note), await lose(client, note)}
        verdicts = [await client.reconcile(intent) for intent in intents]

        assert ([Ambiguous, Ambiguous], intents) == ([type(v) for v in verdicts], set(client.unresolved))


@in_virtual_time
async def test_a_rival_that_is_under_way():
    """While another call with the same arguments is in flight nothing is decided; afterwards it is."""
    call = CALLS["in any order"]
    async with begun(LOST, Fate(arrives=0.0, breaks=25.0)) as (client, _):
        first, second = asyncio.create_task(lose(client, call)), asyncio.create_task(lose(client, call))
        intent = await first
        early = await client.reconcile(intent, timeout_seconds=10)
        await second

        assert (Incomplete, True) == (type(early), "under way" in early.reason)
        assert Ambiguous is type(await client.reconcile(intent))


@in_virtual_time
async def test_a_rival_that_gets_its_answer():
    """An order that proves to belong to another call in flight is no trace of this one."""
    call = CALLS["in any order"]
    async with begun(LOST, Fate(arrives=20.0)) as (client, _):
        first, second = asyncio.create_task(lose(client, call)), asyncio.create_task(call(client))
        intent = await first
        verdict = await client.reconcile(intent)

        assert (3, NoTrace(intent)) == ((await second).id, verdict)


@in_virtual_time
async def test_orders_without_ids():
    """After a successful call with the same arguments and no id in its answer, what is found may belong to it."""
    async with begun(ANSWERED, DONE, priceless=True) as (client, _):
        await client.orders.tip(amount=3)
        intent = await lose(client, lambda c: c.orders.tip(amount=3))
        verdict = await client.reconcile(intent)

        assert (Ambiguous, 2) == (type(verdict), len(verdict.candidates))


@in_virtual_time
async def test_a_single_order_without_an_id():
    """Without such a call, the only order that is found belongs to the unknown one."""
    async with begun(DONE) as (client, _):
        verdict = await client.reconcile(await lose(client, lambda c: c.orders.tip(amount=3)))

        assert Reconciled is type(verdict)


@in_virtual_time
async def test_what_was_known_two_days_ago():
    """For a call from before all records nothing is certain."""
    note = lambda c: c.orders.note(amount=3, price=5)  # noqa: E731 - a write: the same may be made again
    async with begun(LOST) as (client, _):
        intent = await lose(client, note)
        await note(client)
        await asyncio.sleep(2 * 86400.0)
        await client.orders.buy(amount=7, price=7)

        assert Ambiguous is type(await client.reconcile(intent))


@in_virtual_time
async def test_a_tag_is_proof():
    """An order with the tag is found at once, among any number of equal ones, and from any time."""
    exchange = Lagging([DONE])
    for _ in range(3):
        exchange.do("placed", {"amount": "3", "price": "5"})
    async with placing(exchange) as client:
        intent = await lose(client, lambda c: c.orders.place(amount=3, price=5))
        verdict = await client.reconcile(intent)

        assert (Reconciled, intent.tag, 1.0) == (type(verdict), verdict.found.label, elapsed())


@in_virtual_time
async def test_a_tag_of_the_callers_own():
    """If the caller filled the field there is no tag: equal orders are ambiguous."""
    exchange = Lagging([DONE])
    exchange.do("placed", {"amount": "3", "price": "5", "label": "mine"})
    async with placing(exchange) as client:
        intent = await lose(client, lambda c: c.orders.place(amount=3, price=5, label="mine"))
        verdict = await client.reconcile(intent)

        assert (None, Ambiguous, 2) == (intent.tag, type(verdict), len(verdict.candidates))


@in_virtual_time
async def test_reconciling_twice():
    """Reconciling again gives the same: an executed call stays executed, and its order stays its own."""
    async with begun(DONE) as (client, _):
        intent = await lose(client)

        assert [3, 3] == [(await client.reconcile(intent)).found.id for _ in range(2)]


@in_virtual_time
async def test_reconciling_twice_at_once():
    """Two tasks that reconcile at the same time get the same verdict."""
    async with begun(DONE, lag=lambda: 5.0) as (client, _):
        intent = await lose(client)
        verdicts = await asyncio.gather(client.reconcile(intent), client.reconcile(intent))

        assert [3, 3] == [v.found.id for v in verdicts]


@in_virtual_time
async def test_reconciled_and_no_longer_shown():
    """A call that was executed stays executed when the reads no longer show its order."""
    async with begun(DONE) as (client, exchange):
        intent = await lose(client)
        await client.reconcile(intent)
        exchange.deeds.clear()
        verdict = await client.reconcile(intent)

        assert (Incomplete, True) == (type(verdict), "it was executed" in verdict.reason)


@in_virtual_time
async def test_after_dismissing():
    """What a dismissed call may have created is not attributed to a later call with the same arguments."""
    async with begun(DONE, LOST) as (client, _):
        client.unresolved.dismiss(await lose(client))
        intent = await lose(client)
        verdict = await client.reconcile(intent)

        assert (Ambiguous, [3]) == (type(verdict), [o.id for o in verdict.candidates])


@in_virtual_time
async def test_a_dismissed_call():
    """A dismissed call can be reconciled: an order that is found is ambiguous, and none is `NoTrace`."""
    async with begun(DONE, LOST) as (client, _):
        executed, lost = await lose(client), await lose(client, amount=4)
        for intent in (executed, lost):
            client.unresolved.dismiss(intent)

        assert [Ambiguous, NoTrace] == [type(await client.reconcile(i)) for i in (executed, lost)]


@in_virtual_time
async def test_an_intent_of_another_day():
    """For an intent without a record only its tag is proof: it may have ended just now, at any setting of our clock."""
    exchange = lagging()
    exchange.do("bought", {"amount": "3", "price": "5"})
    async with placing(exchange) as client:
        await begin(client)
        found = Intent("fourth.orders.buy", {"amount": "3", "price": "5"}, client._session.calls.now())
        found = evolve(found, at=found.at - timedelta(seconds=50))
        lost = evolve(found, arguments={"amount": "4", "price": "5"}, id="lost")

        assert [Ambiguous, Incomplete] == [type(await client.reconcile(intent)) for intent in (found, lost)]
        assert elapsed() - MEASURED > 42


@in_virtual_time
@pytest.mark.parametrize("step", [-86400.0, -3600.0, 3600.0, 86400.0])
@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_our_clock_is_set(when, step):
    """An order is found although our own clock is set, before it is sent, while it is under way, or afterwards."""
    async with begun(Fate(arrives=0.5, breaks=2.0), skew=100, at=4000.0) as (client, exchange):
        loop = asyncio.get_running_loop()
        loop.call_later({"before": 0.1, "during": 1.2, "after": 2.2}[when], setattr, exchange, "step", step)
        await asyncio.sleep(0.2)
        verdict = await client.reconcile(await lose(client, CALLS["in any order"]), timeout_seconds=120)

        # Set back by a day, everything seems to be from before the record: that is no reason to be wrong.
        expected = {Reconciled, Ambiguous} if abs(step) > 80000 else {Reconciled}
        assert type(verdict) in expected


@in_virtual_time
async def test_zones_of_generations():
    """The clock offset of one generation is not applied to another, which may use another time zone."""
    async with begun(ANSWERED, DONE) as (client, exchange):
        exchange.skew = -6 * 3600.0
        await client.v9.neworders.buy(amount=7, price=7)
        exchange.skew = 0.0

        assert Reconciled is type(await client.reconcile(await lose(client)))


@in_virtual_time
async def test_a_generation_that_never_showed_the_time():
    """If one generation's clock is hours off, another's is not assumed to be right."""
    exchange = Lagging([ANSWERED, DONE], skew=-6 * 3600.0)
    async with placing(exchange) as client:
        await client.orders.buy(amount=7, price=7)
        await asyncio.sleep(1000)

        assert NoTrace is not type(await client.reconcile(await lose(client, CALLS["in any order"])))
