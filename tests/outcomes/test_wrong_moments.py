"""Moments that are wrong, of the exchange or ours, never lead to a verdict that is."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import evolve

from exchanges import Ambiguous, Incomplete, NoTrace, Reconciled
from exchanges.errors import OutcomeUnknown
from exchanges.outcomes.clocks import REMEMBERED
from exchanges.state import MemoryState
from tests.support.lagging_exchange import (
    ANSWERED,
    CALLS,
    DONE,
    LOST,
    Lagging,
    begin,
    begun,
    lagging,
    lose,
    placing,
)
from tests.support.shared_state import Journal, Records, Shared
from tests.support.virtual_time import elapsed, in_virtual_time, settle

WRONG = {
    "null": lambda at: None,
    "next to zero": lambda at: 1,
    "yesterday": lambda at: at - 86400,
    "earlier": lambda at: at - 700,
    "within the skew": lambda at: at - 200,
    "another zone": lambda at: at - 6 * 3600,
    "summer time": lambda at: at + 3600,
    "tomorrow": lambda at: at + 86400,
    "far future": lambda at: at + 4_000_000_000,
    "years ago": lambda at: at - 3 * 365 * 86400,
}
MOVING = {"moving": lambda at: at - int(elapsed() * 100)}
ALL = pytest.mark.parametrize("wrong", (WRONG | MOVING).values(), ids=WRONG | MOVING)
NOTHING_FALSE = {Reconciled, Ambiguous, Incomplete}


@in_virtual_time
@ALL
@pytest.mark.parametrize("dated", [False, True])
async def test_an_answer_with_a_wrong_moment(dated, wrong):
    """After an answer with a wrong moment an executed order is not told to be absent."""
    async with begun(DONE, dated=dated, told=wrong) as (client, _):
        verdict = await client.reconcile(await lose(client, CALLS["in order" if dated else "in any order"]))

        assert type(verdict) in NOTHING_FALSE


@in_virtual_time
@ALL
@pytest.mark.parametrize("after", [1, 90000])
async def test_one_answer_with_a_wrong_moment(after, wrong):
    """One wrong answer among right ones makes no verdict wrong, and is forgotten after a day at the earliest."""
    exchange = lagging(ANSWERED, ANSWERED, DONE)
    async with placing(exchange) as client:
        await begin(client)
        exchange.told = wrong
        with suppress(OutcomeUnknown):  # of what is years off
            await client.orders.buy(amount=8, price=8)
        exchange.told = int
        await asyncio.sleep(after)
        await client.orders.buy(amount=9, price=9)
        verdict = await client.reconcile(await lose(client))

        assert type(verdict) in NOTHING_FALSE


YEARS = 1000 * 86400


@in_virtual_time
@pytest.mark.parametrize(
    ("off", "facts", "is_taken"),
    [
        (-86400, {"dated": True}, True),  # a zone, or a day
        (86400, {"dated": True}, True),
        (-90000, {"dated": True}, False),
        (90000, {"dated": True}, False),
        (-90000, {}, True),  # nobody but our clock says so
        (YEARS, {"dated": True, "step": YEARS}, True),  # the header is wrong, such as that of a cache
        (0, {"dated": True, "step": YEARS}, True),  # our clock is wrong
    ],
)
async def test_an_order_of_another_day(off, facts, is_taken):
    """An order that its answer dates more than a day from its Date and our clock may be another one."""
    async with placing(Lagging([ANSWERED], told=lambda at: at + off, **facts)) as client:
        error = None
        try:
            await client.orders.buy(amount=3, price=5)
        except OutcomeUnknown as unknown:
            error = str(unknown)

        assert (is_taken, 0 if is_taken else 1) == (error is None, len(client.unresolved))
        assert is_taken or "shows what was made at another time" in error


@in_virtual_time
@pytest.mark.parametrize("first", [0, YEARS])
async def test_an_order_of_another_day_than_those_before(first):
    """Without any header, orders before whose moments agreed with our clock are the witness; samples are none."""
    exchange = Lagging([ANSWERED, ANSWERED], told=lambda at: at + first)
    async with placing(exchange) as client:
        await client.orders.buy(amount=3, price=5)
        exchange.told = lambda at: at + YEARS
        error = None
        try:
            await client.orders.buy(amount=4, price=5)
        except OutcomeUnknown as unknown:
            error = unknown

        assert bool(first) is (error is None)


@pytest.mark.sweep
@in_virtual_time
@ALL
@pytest.mark.parametrize("dated", [False, True])
async def test_a_list_with_wrong_moments(dated, wrong):
    """An executed order that every list shows with a wrong moment is not told to be absent."""
    years = wrong is WRONG["years ago"]
    async with begun(DONE, dated=dated, shown=wrong, told=wrong if years else int) as (client, _):
        verdict = await client.reconcile(await lose(client))

        assert type(verdict) in NOTHING_FALSE


@in_virtual_time
@pytest.mark.parametrize("by", [-700, -3600, 86400, 4_000_000_000])
async def test_a_header_with_a_wrong_moment(by):
    """A header that is far from our clock makes absence doubtful, until a day after it was last seen."""
    async with begun(LOST, LOST, dated=True) as (client, exchange):
        exchange.skew = by
        intent = await lose(client)
        verdict = await client.reconcile(intent, timeout_seconds=200)
        seen, exchange.skew = elapsed(), 0.0
        soon = await client.reconcile(intent, timeout_seconds=200)
        left = verdict.ask_again_at - client._session.calls.now()
        await asyncio.sleep(left.total_seconds() + 1)
        later = await client.reconcile(intent, timeout_seconds=200)

        assert (Incomplete, Incomplete, NoTrace) == (type(verdict), type(soon), type(later))
        assert "may be shown with another moment" in verdict.reason
        assert REMEMBERED - timedelta(seconds=200) < left <= REMEMBERED
        assert elapsed() - seen > 80000


@in_virtual_time
async def test_a_clock_that_nobody_showed():
    """Without a moment of the exchange absence proves nothing: our own clock may be wrong."""
    async with placing(Lagging([LOST])) as client:
        verdict = await client.reconcile(await lose(client))

        assert (Incomplete, None) == (type(verdict), verdict.ask_again_at)
        assert "no answer has shown the exchange's clock" in verdict.reason


@in_virtual_time
async def test_a_clock_that_only_headers_showed():
    """A header of the reads that look for the call is enough to know that our clock is right."""
    async with placing(Lagging([LOST], dated=True)) as client:
        intent = await lose(client)

        assert NoTrace(intent) == await client.reconcile(intent)


@in_virtual_time
async def test_an_order_of_the_day_before():
    """What matches but for its moment leaves doubt, and keeps nobody from finding the order of the call."""
    async with begun(LOST, DONE) as (client, exchange):
        exchange.do("bought", {"amount": "3", "price": "5"})
        exchange.do("bought", {"amount": "4", "price": "5"})
        await asyncio.sleep(6000)
        lost, executed = await lose(client), await lose(client, amount=4)
        verdicts = [await client.reconcile(intent) for intent in (lost, executed)]

        assert ([Ambiguous, Reconciled], 5) == ([type(v) for v in verdicts], verdicts[1].found.id)


@in_virtual_time
@pytest.mark.parametrize("less", [{}, {"price": None}, {"created_at": 1}])
@pytest.mark.parametrize("first", [True, False])
async def test_a_row_that_is_shown_twice(first, less):
    """An order that a list shows twice is one order, and what the fuller row shows of it counts."""

    class Doubling(Lagging):
        async def _read(self, request):
            response = await super()._read(request)
            rows, others = response.json(), [row | less for row in response.json()]
            return type(response)(response.status_code, json=[*rows, *others] if first else [*others, *rows])

    exchange = Doubling([ANSWERED, ANSWERED, DONE])
    async with placing(exchange) as client:
        await begin(client)

        assert Reconciled is type(await client.reconcile(await lose(client)))


@in_virtual_time
async def test_another_server_at_the_same_address():
    """What answers have shown is forgotten when the last client is closed: the next may use another server."""
    state, exchange = MemoryState(), Lagging([ANSWERED, LOST])
    async with placing(exchange, state=state) as client:
        await client.orders.buy(amount=7, price=7)
    async with placing(exchange, state=state) as client:
        verdict = await client.reconcile(await lose(client))

        assert (Incomplete, True) == (type(verdict), "no answer has shown" in verdict.reason)


# Our own clock, and other processes


async def restarted(step, later, fate, *, dated=True, shows=True, dead=False):
    """Lose a call while our clock is *step* seconds off, and reconcile it in a process where it is *later* off."""
    records, exchange = Records(), lagging(fate, dated=dated, step=step)
    if not shows:
        exchange.told = WRONG["null"]
    first = Shared(Journal(records, "one"))
    async with placing(exchange, state=first) as one:
        await begin(one, at=400.0)
        intent = await lose(one)
        await settle()
    if dead:
        entry, process = records.rows[intent.id]
        records.rows[intent.id] = evolve(entry, ended_at=None), process
        records.dead.add("one")
    exchange.step = later
    async with placing(exchange, state=Shared(Journal(records, "two"), like=first)) as two:
        return await two.reconcile(intent, timeout_seconds=120), intent, two


STEPS = [-7200.0, 0.0, 700.0]


@in_virtual_time
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("later", STEPS)
@pytest.mark.parametrize("dead", [False, True])
async def test_our_clock_is_set_before_a_restart(step, later, dead):
    """An executed order is not told to be absent if our clock is set between the call and the restart."""
    verdict, _, _ = await restarted(step, later, DONE, dead=dead)

    assert type(verdict) in NOTHING_FALSE
    assert step or later or type(verdict) is Reconciled


@in_virtual_time
@pytest.mark.parametrize(
    ("step", "later", "shows", "expected"),
    [
        (0.0, 0.0, True, NoTrace),
        (250.0, -250.0, True, NoTrace),
        (0.0, 700.0, True, Incomplete),
        (700.0, 0.0, True, Incomplete),
        (0.0, 0.0, False, Incomplete),
    ],
)
async def test_absence_after_a_restart(step, later, shows, expected):
    """It is proven if the clock was compared before the call and after the restart, and agreed both times."""
    verdict, intent, two = await restarted(step, later, LOST, dated=shows, shows=shows)

    assert (expected, expected is not NoTrace) == (type(verdict), intent in two.unresolved)


@in_virtual_time
async def test_a_clock_of_which_two_answers_differ():
    """A clock that two answers showed differently attributes an order by what either has shown."""
    async with begun(ANSWERED, DONE, at=4000.0) as (client, exchange):
        exchange.told = WRONG["within the skew"]
        await client.orders.buy(amount=8, price=8)
        exchange.told = int

        assert Reconciled is type(await client.reconcile(await lose(client)))
