"""Calls that wait in vain end at their own times, in whatever order they came and whoever has left before."""

import asyncio
import random

import pytest

from exchanges.errors import RateLimitTimeout
from exchanges.limits.expiries import FEWEST
from tests.support.limiters import READ, limiter_of, wide_lane
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time, settle


async def wait_in_vain(limiter, lane, seconds):
    """Return when the waiting of a call ended, whose deadline is in so many seconds."""
    with pytest.raises(RateLimitTimeout):
        await limiter.acquire(lane, READ, deadline=BEGIN + seconds)
    return elapsed()


@in_virtual_time
async def test_deadlines_in_any_order():
    """Each call ends at its own deadline, wherever it stands in the line, and whichever others are cancelled."""
    limiter, lane, chance = limiter_of((1, 1.0)), wide_lane(), random.Random(1)
    await limiter.acquire(lane, READ)
    deadlines = chance.choices(range(1, 50), k=3 * FEWEST)
    calls = [asyncio.create_task(wait_in_vain(limiter, lane, seconds)) for seconds in deadlines]
    await settle()
    gone = set(chance.sample(range(len(calls)), 2 * FEWEST))
    for number in gone:
        calls[number].cancel()
    # What makes room for those that come later finds those that are gone.
    calls += [asyncio.create_task(wait_in_vain(limiter, lane, 60)) for _ in range(FEWEST)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    left = [seconds for number, seconds in enumerate(deadlines) if number not in gone] + [60] * FEWEST

    assert left == [at for at in ended if not isinstance(at, asyncio.CancelledError)]
    assert 0 == limiter.waiting


@in_virtual_time
async def test_one_timer_for_all():
    """However many calls wait, the loop has one timer for their deadlines, and none is late for an earlier one."""
    limiter, lane, loop = limiter_of((1, 1.0)), wide_lane(), asyncio.get_running_loop()
    await limiter.acquire(lane, READ)
    calls = [asyncio.create_task(wait_in_vain(limiter, lane, seconds)) for seconds in (9, 5, 7, 3, 8)]
    await settle()
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]

    assert [1.0, 3.0] == sorted(timer.when() - BEGIN for timer in timers)  # the first is that of the window
    assert [9, 5, 7, 3, 8] == await asyncio.gather(*calls)


@in_virtual_time
async def test_who_is_served_does_not_expire():
    """The deadline of a call that was served, or that nobody waits for any more, ends nothing."""
    limiter, lane = limiter_of((1, 1.0)), wide_lane()
    held = await limiter.acquire(lane, READ)
    calls = [asyncio.create_task(limiter.acquire(lane, READ, deadline=BEGIN + 5)) for _ in range(2)]
    await settle()
    held.end(sent=False)
    permit = await calls[0]
    permit.end(sent=False)
    last = await calls[1]
    await asyncio.sleep(10)

    assert last.held
    assert 0 == limiter.waiting
