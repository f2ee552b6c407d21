import asyncio
from datetime import timedelta

import pytest

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.bitstamp import DOCUMENTED_LIMITS
from exchanges.errors import RateLimited, UsageError
from exchanges.limits.lockouts import Lockout
from exchanges.state.protocols import Headroom
from tests.support.fourth_calls import fourth
from tests.support.scripted_transport import Script, answer, html
from tests.support.shared_state import sharing
from tests.support.virtual_time import elapsed, in_virtual_time

NAMES = {
    Bitex: ["bitex"],
    Bitso: ["bitso public", "bitso private"],
    Bitstamp: ["bitstamp", "bitstamp v1"],
}


@in_virtual_time
@pytest.mark.parametrize("client", NAMES)
async def test_the_limits_of_a_client(client):
    """A client shows all limits that its calls count against, before its first call as well."""
    async with client(transport=Script.of(), api_key="k") as made:
        assert sorted(NAMES[client]) == sorted(made.limits)
        assert all(status.free == min(w.window.slots for w in status.windows) for status in made.limits.values())


@in_virtual_time
async def test_limits_by_key_need_a_key():
    """Without credentials there is no limit that is counted by key."""
    async with Bitso(transport=Script.of()) as bitso:
        assert ["bitso public"] == list(bitso.limits)


@in_virtual_time
async def test_todays_limits():
    """The documented limits of Bitstamp replace those of v2, and calls of v1 count in them."""
    async with Bitstamp(transport=Script.of(), limits=DOCUMENTED_LIMITS) as bitstamp:
        (first, second) = bitstamp.limits["bitstamp"].windows

        assert (10_000, 400, 600) == (first.free, second.free, bitstamp.limits["bitstamp v1"].free)


@in_virtual_time
async def test_calls_of_v1_count_in_both_limits():
    """A call of v1 takes a slot of its own limit and one of the limit of v2."""
    script = Script.of(answer({"error": "Missing key"}, 403))
    async with Bitstamp(transport=script, api_key="k", api_secret="s", client_id="1") as bitstamp:
        with pytest.raises(Exception, match="the exchange answered 403"):
            await bitstamp.v1.account.balance()
        status = bitstamp.limits

        assert (99, 7999, 599) == (
            status["bitstamp"].free,
            status["bitstamp"].windows[0].free,
            status["bitstamp v1"].free,
        )


@in_virtual_time
async def test_exempt_cancels_take_no_slot():
    """A cancel at Bitso takes no slot, and goes through where the limit is used up."""
    script = Script.of(answer("true"))
    async with Bitso(transport=script, api_key="k", api_secret="s", client_id="1") as bitso:
        await bitso.v2.trading.cancel_order("a" * 16)

        assert 300 == bitso.limits["bitso private"].free
        assert 0 == bitso.limits["bitso private"].windows[0].kept_for_cancels


@in_virtual_time
async def test_when_the_next_slot_comes_free(noon):
    """A window shows its free slots, those for cancels, and when the next one comes free."""
    async with fourth(Script.of(), limits=()) as client:
        await client.trading.order()
        (window,) = client.limits["fourth"].windows

        assert (4, 1, noon + timedelta(seconds=10.001)) == (window.free, window.kept_for_cancels, window.next_free_at)


@in_virtual_time
async def test_a_closed_limit_and_its_reopening(noon):
    """A limit that the exchange closed shows until when and why; reopened, it takes calls at once."""
    async with fourth(Script.of(html(429), answer()), limits=()) as client:
        with pytest.raises(RateLimited):
            await client.trading.create_order(amount=1)
        status = client.limits["fourth"]
        (closed,) = status.closed

        assert (noon + timedelta(seconds=20), "status 429", False) == (
            status.closed_until,
            closed.reason,
            closed.is_explicit,
        )
        assert "fourth: 4 free, closed" in repr(client.limits)

        client.limits.reopen("fourth")
        await client.trading.order()

        assert (0.0, None) == (elapsed(), client.limits["fourth"].closed_until)


@in_virtual_time
async def test_reopening_what_there_is_not():
    """A limit that does not exist cannot be reopened; the error lists those that do."""
    async with fourth(Script.of()) as client:
        with pytest.raises(UsageError, match=r"no limit 'x'; there are .*fourth"):
            client.limits.reopen("x")


@in_virtual_time
async def test_what_processes_share(noon):
    """With a shared state the slots and lockouts of all processes are shown, and reopened."""
    async with sharing(limits=()) as (client, _, limiter, _):
        now = asyncio.get_running_loop().time()
        await client.trading.order()
        limiter.left = Headroom((3,), (2.0,), (Lockout("", "status 420", True, now, now + 60, 1, now),))
        status = client.limits["fourth"]
        client.limits.reopen()

        assert (3, noon + timedelta(seconds=2)) == (status.free, status.windows[0].next_free_at)
        assert (noon + timedelta(seconds=60), True) == (status.closed_until, limiter.reopened)


@in_virtual_time
async def test_who_joins_a_shared_limiter():
    """A client registers once with each shared limiter that it uses, as one that cancels, until it is closed."""
    async with sharing() as (client, _, limiter, _):
        await client.trading.order()
        await client.trading.cancel(1)
        joined = list(limiter.joined)

    assert ([True], []) == (joined, limiter.joined)
