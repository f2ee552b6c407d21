"""Calls that wait for other processes: which wait with one that heard so, and when one of them asks again."""

import asyncio
import math

import pytest

from exchanges.errors import RateLimitTimeout
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Lane
from exchanges.limits.permits import Connections
from exchanges.limits.waits import Wait
from tests.support.limiters import CANCEL, MONEY, READ, limiter_of, note_permits, wide_lane
from tests.support.virtual_time import elapsed, in_virtual_time, settle


async def hold_up(
    limiter, seconds, *, certain=0.0, scope="", priority=CANCEL, lane=None, deadline=math.inf, send_by=math.inf
):
    """Report to a call that other processes leave it no room."""
    permit = await limiter.acquire(lane or wide_lane(), priority)
    wait = Wait(seconds, certain, scope, "others use it")
    try:
        limiter.hold_up(permit, priority, wait, deadline=deadline, send_by=send_by)
    finally:
        permit.end(sent=False)


def within(seconds):
    """Return the deadline in so many seconds."""
    return asyncio.get_running_loop().time() + seconds


@in_virtual_time
@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        (CANCEL, [("cancel", 5.0), ("money", 5.0), ("read", 5.0)]),
        (MONEY, [("cancel", 0.0), ("money", 5.0), ("read", 5.0)]),
        (READ, [("cancel", 0.0), ("money", 0.0), ("read", 5.0)]),
    ],
)
async def test_higher_priorities_pass(priority, expected):
    """Where one call has to wait, calls of a higher priority do not."""
    limiter, noted = limiter_of((100, 1.0)), []
    await hold_up(limiter, 5.0, priority=priority)
    calls = [("read", READ), ("money", MONEY), ("cancel", CANCEL)]
    await asyncio.gather(*(note_permits(limiter, wide_lane(), p, name=name, into=noted) for name, p in calls))

    assert expected == sorted(noted)


@in_virtual_time
async def test_other_parts_pass():
    """Where the exchange has closed one market, the calls of others and those without one do not wait."""
    limiter, noted = limiter_of((100, 1.0)), []
    await hold_up(limiter, 5.0, scope="btcusd")
    scopes = ("btcusd", "ethusd", "")
    await asyncio.gather(*(note_permits(limiter, wide_lane(), scope=s, name=s, into=noted) for s in scopes))

    assert [("ethusd", 0.0), ("", 0.0), ("btcusd", 5.0)] == noted


@in_virtual_time
async def test_calls_that_are_counted_otherwise_pass():
    """Where a narrower limit is used up, calls that it does not count do not wait, nor do exempt ones."""
    limiter = limiter_of((100, 1.0))
    narrow = limiter.adopt(Limit("narrow", (Window(5, 8.0),), Scope.ADDRESS, limiter.limit))
    slots = {"narrow": narrow, "wide": None, "exempt": ()}
    lanes = {name: Lane(Connections(9), None, counted) for name, counted in slots.items()}
    for name, lane in lanes.items():
        noted, begin = [], elapsed()
        await hold_up(limiter, 5.0, lane=lane)
        await asyncio.gather(*(note_permits(limiter, lanes[n], name=n, into=noted) for n in lanes))

        assert [name] == [n for n, at in noted if at > begin], noted
        limiter.reopen()


@in_virtual_time
async def test_those_who_wait_are_held_up():
    """Waiting reads wait on when one has heard that there is no room; a later cancel is admitted."""
    limiter, noted = limiter_of((2, 2.0)), []
    await note_permits(limiter, wide_lane(), READ, name="a", into=noted)
    permit = await limiter.acquire(wide_lane(), READ)
    reads = [note_permits(limiter, wide_lane(), READ, name="b", into=noted)]
    await settle()
    limiter.hold_up(permit, READ, Wait(10.0, 0.0), deadline=math.inf, send_by=math.inf)
    permit.end(sent=False)
    await asyncio.gather(*reads, note_permits(limiter, wide_lane(), CANCEL, name="c", into=noted))

    assert [("a", 0.0), ("c", 0.0), ("b", 10.0)] == noted


@in_virtual_time
@pytest.mark.parametrize("bound", ["deadline", "send_by"])
async def test_what_is_certain_ends_calls_at_once(bound):
    """A call that hears that there is no room in its time fails, and so do those that wait beside it; no other does."""
    limiter, noted = limiter_of((2, 1.0)), []
    permit = await limiter.acquire(wide_lane(), READ)
    await note_permits(limiter, wide_lane(), into=[])
    waits = [note_permits(limiter, wide_lane(), into=noted, **{bound: within(s)}) for s in (50.0, 70.0)]
    other = note_permits(limiter, wide_lane(), into=noted, scope="ethusd", **{bound: within(50.0)})
    await settle()
    times = {"deadline": math.inf, "send_by": math.inf, bound: within(50.0)}
    with pytest.raises(RateLimitTimeout, match=r"deadline of the call \(others use it; 3 calls wait\)") as caught:
        limiter.hold_up(permit, READ, Wait(1.0, 60.0, "", "others use it"), **times)
    permit.end(sent=False)
    with pytest.raises(RateLimitTimeout, match="others use it"):
        await waits[0]
    ended = elapsed()
    with pytest.raises(RateLimitTimeout, match="others use it"):
        await other
    await waits[1]

    assert (0.0, True, 1) == (ended, caught.value.retry_at is not None, len(noted))


@in_virtual_time
async def test_what_was_heard_before_ends_no_call():
    """A call does not fail for what another heard before, but asks in time: the limit may have been reopened since."""
    limiter, noted = limiter_of((2, 1.0)), []
    await hold_up(limiter, 1.0, certain=600.0)
    await note_permits(limiter, wide_lane(), into=noted, deadline=within(5.0))
    with pytest.raises(RateLimitTimeout):
        await hold_up(limiter, 1.0, certain=600.0, deadline=within(5.0))
    await note_permits(limiter, wide_lane(), into=noted, deadline=within(5.0))

    assert [(None, 1.0), (None, 1.0)] == noted


@in_virtual_time
async def test_reopening():
    """Where the limit is reopened, the next call asks at once."""
    limiter, noted = limiter_of((2, 1.0)), []
    await hold_up(limiter, 1.0)
    waiting = note_permits(limiter, wide_lane(), into=noted)
    await asyncio.sleep(0.25)
    limiter.reopen()
    await waiting

    assert [(None, 0.25)] == noted
