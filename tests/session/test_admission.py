import asyncio
import logging

import pytest

from exchanges.errors import (
    NonceRejected,
    NotSent,
    OutcomeUnknown,
    RateLimitTimeout,
    ReadFailed,
    StateError,
    UnresolvedOutcome,
    UsageError,
)
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.lockouts import Refusal
from exchanges.limits.waits import Wait
from tests.support.fourth import LIMIT, Thing
from tests.support.fourth_calls import CALLS
from tests.support.lagging_exchange import cancel_caller
from tests.support.scripted_transport import answer, html, refusal
from tests.support.shared_state import Lease, SharedLimiter, failure, is_free, shared, sharing
from tests.support.virtual_time import elapsed, in_virtual_time, settle

LEFT = {"complete": True, "sent": True, "floor": None, "refusal": None, "is_judged": True}
UNJUDGED = LEFT | {"is_judged": False}
NOT_SENT = {"complete": False, "sent": False, "floor": None, "refusal": None, "is_judged": False}
BROKEN = StateError("the disk is full")
BUY = {"amount": 3, "price": 5}


# The limiter


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
async def test_a_call_acquires_a_lease(kind):
    """Every call acquires one lease, uses its nonce, and releases it once with its answer."""
    async with sharing() as (client, script, limiter, _):
        await CALLS[kind](client)
        (lease,) = limiter.leases

        assert ([LEFT], script.nonces, 0) == (lease.left, [lease.nonce], limiter.inside)
        (asked,) = limiter.asked
        assert (True, kind != "idempotent", 30.0) == (
            asked["in_order"],
            asked["leave_reserve"],
            asked["timeout_seconds"],
        )
        assert is_free(client)


@in_virtual_time
async def test_the_shared_limiter_says_when():
    """If there is no room a call waits as long as the shared limiter asks, and its slot is free for others."""
    async with sharing(answers=[2.5, 1.0]) as (client, script, limiter, _):
        await client.trading.create_order(amount=3)

        assert ([3.5], 3, [30.0, 27.5, 26.5]) == (
            [round(c.at - 1e6, 3) for c in script.came],
            len(limiter.asked),
            [asked["timeout_seconds"] for asked in limiter.asked],
        )
        assert is_free(client)


@in_virtual_time
async def test_the_shared_limiter_may_say_zero():
    """No time at all is a time to wait like any other."""
    async with sharing(answers=[1.0, 0.0]) as (client, script, _, _):
        await client.trading.order()

    assert [1.0] == [c.at - 1e6 for c in script.came]


@in_virtual_time
async def test_how_long_there_is_no_room_is_not_certain():
    """Where nobody knows for how long there is no room, a call asks again and again until its deadline."""
    waits = [Wait(1.0, 0.0, reason="others use it")] * 10
    async with sharing(answers=[*waits[:3]], timeout_seconds=5) as (client, script, limiter, _):
        await client.trading.order()
        limiter.answers += waits
        begin = elapsed()
        error = await failure(client.trading.order())

        assert ([3.0], RateLimitTimeout, 5.0) == ([c.at - 1e6 for c in script.came], type(error), elapsed() - begin)
        assert "(others use it; 0 calls wait)" in str(error)
        assert is_free(client)


@in_virtual_time
async def test_first_come_first_served_while_others_use_the_limit():
    """Calls that ask again and again, several at once, are served in the order in which they came."""
    narrow = [Limit(LIMIT.name, (Window(2, 1.0),), Scope.KEY)]
    async with sharing(answers=[Wait(1.0, 0.0)] * 7, limits=narrow) as (client, _, limiter, _):
        served = []

        async def call(number):
            await client.trading.order()
            served.append(number)

        await asyncio.gather(*(call(number) for number in range(6)))

        assert (list(range(6)), 13) == (served, len(limiter.asked))
        assert is_free(client)


@in_virtual_time
async def test_the_shared_limiter_says_too_late():
    """A wait beyond the deadline ends the call at once, and nothing is sent."""
    async with sharing(answers=[40.0]) as (client, script, limiter, _):
        error = await failure(client.trading.create_order(amount=3))

        assert (RateLimitTimeout, 0.0, [], []) == (type(error), elapsed(), script.came, limiter.leases)
        assert is_free(client)


@in_virtual_time
@pytest.mark.parametrize("fault", [BROKEN, RateLimitTimeout("another process holds the key lock")])
@pytest.mark.parametrize("kind", CALLS)
async def test_the_shared_limiter_fails(kind, fault):
    """An error of the shared limiter ends the call before anything is sent, and names it."""
    async with sharing(answers=[fault]) as (client, script, _, journal):
        error = await failure(CALLS[kind](client))

        assert (type(fault), True, [], []) == (type(error), str(fault) in str(error), script.came, journal.records.log)
        assert (error.endpoint in str(error), 0, True) == (True, len(client.unresolved), is_free(client))


@in_virtual_time
async def test_cancelled_while_waiting_for_a_lease():
    """A caller that is cancelled while it waits for a lease returns at once, and releases everything."""
    async with sharing(entering=5.0) as (client, script, limiter, _):
        await cancel_caller(client.trading.create_order(amount=3))

        assert (1.0, 0, [], True) == (elapsed(), limiter.inside, script.came, is_free(client))


@in_virtual_time
async def test_closed_while_waiting_for_a_lease():
    """A call that gets its lease after its client was closed releases it and is not sent."""
    client, script, limiter, _ = shared(entering=5.0)
    task = asyncio.create_task(client.trading.create_order(amount=3))
    await asyncio.sleep(1)
    await client.aclose()
    error = await failure(task)

    assert (UsageError, [], [NOT_SENT], True) == (type(error), script.came, limiter.leases[0].left, is_free(client))


@in_virtual_time
@pytest.mark.parametrize("ticks", range(16))
async def test_closed_in_any_tick(ticks):
    """In whatever tick a client is closed, a read in flight releases its lease, once."""
    client, _, limiter, _ = shared()
    task = asyncio.create_task(client.trading.order())
    await settle(ticks)
    await client.aclose()
    await asyncio.gather(task, return_exceptions=True)

    assert ([1] * len(limiter.leases), True) == ([len(p.left) for p in limiter.leases], is_free(client))


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("ticks", range(20))
async def test_other_code_cancels_in_any_tick(ticks, kind):
    """In whatever tick other code cancels the session's task, the lease is released once and the outcome is right."""
    async with sharing() as (client, script, limiter, _):
        task = asyncio.create_task(CALLS[kind](client))
        await settle(ticks)
        for own in client._session._attempts.tasks:
            own.cancel()
        await asyncio.wait([task])
        await settle()
        error = task.exception()

        assert ([1] * len(limiter.leases), True) == ([len(p.left) for p in limiter.leases], is_free(client))
        assert kind == "read" or error is None or error.may_have_executed is bool(script.came)


@in_virtual_time
async def test_cancelled_while_leaving():
    """A known outcome reaches the caller, even if other code cancels the task while it releases its lease."""
    async with sharing(answers=[Lease(seconds=5.0)]) as (client, _, limiter, _):
        task = asyncio.create_task(client.trading.create_order(amount=3))
        await asyncio.sleep(1)
        for own in client._session._attempts.tasks:
            own.cancel()

        assert (Thing(1), 1, True) == (await task, len(limiter.leases[0].left), is_free(client))


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
async def test_a_lease_that_others_do_not_respect(kind):
    """A call whose lease was lost before its first byte is not sent; it releases the lease, and is not unresolved."""
    async with sharing(answers=[Lease(held=False)] * 9) as (client, script, limiter, _):
        error = await failure(CALLS[kind](client))
        left = [lease.left[0]["sent"] for lease in limiter.leases]

        assert (ReadFailed if kind == "read" else NotSent, []) == (type(error), script.came)
        assert ("its lease of the shared state ran out" in str(error), {False}) == (True, set(left))
        assert (0, True) == (len(client.unresolved), is_free(client))


@in_virtual_time
@pytest.mark.parametrize(("held", "expected"), [(True, NonceRejected), (False, OutcomeUnknown)])
async def test_a_nonce_of_a_lease_that_was_lost(held, expected):
    """A refused nonce proves nothing of an order whose lease was lost: it may have been sent twice on its way."""
    lease = Lease()

    def refuse(_):
        lease.held = held
        return refusal("nonce", 400, floor=10**18)

    async with sharing(refuse, answers=[lease]) as (client, _, _, _):
        error = await failure(client.trading.create_order(amount=3))

        assert expected is type(error)


@in_virtual_time
@pytest.mark.parametrize("fault", [BROKEN, ValueError("internal error in the state")])
async def test_leaving_fails(fault, caplog):
    """If the state cannot be written after the answer, the outcome reaches the caller, and the fault is logged."""
    async with sharing(answers=[Lease(fault=fault)]) as (client, _, _, _):
        thing = await client.trading.create_order(amount=3)
        errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]

        assert (Thing(1), True, 0) == (thing, is_free(client), len(client.unresolved))
        assert [f"fourth.trading.create_order (POST /orders at fourth.example): {fault}"] == errors


@in_virtual_time
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (html(502), UNJUDGED),
        (refusal("funds"), LEFT),
        (OSError("gone"), UNJUDGED | {"complete": False}),
        (html(429), UNJUDGED | {"refusal": Refusal(20.0, reason="status 429")}),
        (refusal("nonce", floor=99), LEFT | {"floor": 99}),
    ],
)
async def test_how_the_lease_is_released(step, expected):
    """A release states whether the answer was complete, how long the exchange is closed, and which nonce it saw."""
    async with sharing(step) as (client, _, limiter, _):
        await failure(client.trading.create_order(amount=3))

        assert [[expected]] == [lease.left for lease in limiter.leases]


@in_virtual_time
async def test_the_guard_after_the_lease():
    """If the same call becomes unresolved while this one waits for a lease, this one is refused and releases it."""
    async with sharing(html(502), entering=1.0, seconds=0.5) as (client, script, limiter, _):
        first = asyncio.create_task(client.v9.neworders.buy(**BUY))
        await settle()
        limiter.seconds = 3.0
        second = asyncio.create_task(client.v9.neworders.buy(**BUY))
        await asyncio.wait([first, second])

        assert (OutcomeUnknown, UnresolvedOutcome, 1, 3.0) == (
            type(first.exception()),
            type(second.exception()),
            len(script.came),
            elapsed(),
        )
        assert ([[UNJUDGED], [NOT_SENT]], True) == ([p.left for p in limiter.leases], is_free(client))


@in_virtual_time
async def test_money_is_not_held_up_by_reads():
    """If there is no room for reads, cancels and money calls still get a lease."""
    async with sharing(answers=[10.0]) as (client, script, _, _):
        read = asyncio.create_task(client.trading.order())
        await asyncio.sleep(1)
        await client.trading.cancel(1)
        await client.trading.create_order(amount=3)
        await read

    assert [1.0, 1.0, 10.0] == [c.at - 1e6 for c in script.came]


@in_virtual_time
async def test_our_clock_was_set_and_no_time_is_left(monkeypatch):
    """An order whose lease came at the last moment, after our clock was set, is not asked for again, nor sent."""
    set_by = [0.0]
    loop = asyncio.get_running_loop()
    async with sharing(clock=lambda: 1e9 + loop.time() + set_by[0], timeout_seconds=5) as (client, script, limiter, _):

        async def acquire(limiter, *, draft, ask=SharedLimiter.acquire, **wishes):
            lease = await ask(limiter, draft=draft, **wishes)
            lease.entry = draft(lease.nonce)
            set_by[0] = 60.0
            return lease

        monkeypatch.setattr(SharedLimiter, "acquire", acquire)
        limiter.seconds = 5.0
        error = await failure(client.trading.create_order(amount=3))

        assert (NotSent, [], 1, is_free(client)) == (type(error), script.came, len(limiter.asked), True)
        assert [[NOT_SENT | {"complete": True}]] == [lease.left for lease in limiter.leases]


# The limiter itself


@in_virtual_time
async def test_slots_are_given_back_on_every_path():
    """After a hundred calls of all kinds and outcomes nothing is held."""
    narrow = [Limit(LIMIT.name, (Window(3, 1.0),), Scope.KEY)]
    steps = [answer(), html(502), refusal("funds"), OSError("gone"), refusal("nonce"), html(429)]
    client, _, limiter, _ = shared(*steps * 20, seconds=0.3, limits=narrow, timeout_seconds=60)
    limiter.answers = [0.5, BROKEN, Lease(), Lease(fault=BROKEN), 80.0, Lease(seconds=1.0)] * 10
    async with client:
        tasks = [asyncio.create_task(CALLS[kind](client)) for kind in list(CALLS) * 25]
        for number, task in enumerate(tasks[::3]):
            asyncio.get_running_loop().call_later(number * 0.7, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(5)

        assert ({1}, True) == ({len(p.left) for p in limiter.leases}, is_free(client))
