"""Permits of calls whose tasks died without ending them: others go on some seconds after the deadline."""

import asyncio

import pytest

from exchanges.limits.limiter import KeyLock, Priority
from exchanges.limits.permits import LATE_SECONDS
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from tests.support.limiters import limiter_of, wide_lane
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time


@in_virtual_time
@pytest.mark.parametrize("is_same_limit", [True, False])
async def test_a_key_lock_that_nobody_releases(is_same_limit):
    """A key lock is released some seconds after the deadline of the call that holds it, for calls of every limit."""
    limiter, lane = limiter_of((5, 1.0)), wide_lane(key_lock=KeyLock())
    dead = await limiter.acquire(lane, Priority.READ, deadline=BEGIN + 10.0)
    permit = await (limiter if is_same_limit else limiter_of((5, 1.0))).acquire(
        lane, Priority.READ, deadline=BEGIN + 100.0
    )
    granted = elapsed()
    dead.end(sent=True)  # it comes back after all

    assert (10.0 + LATE_SECONDS, True, False) == (granted, lane.key_lock.taken, dead.held)
    assert permit is lane.key_lock.holder


@in_virtual_time
async def test_an_end_that_was_interrupted():
    """A key lock is released, too, if what ended its task struck while the permit was being ended."""
    limiter, lane = limiter_of((5, 1.0)), wide_lane(key_lock=KeyLock())
    dead = await limiter.acquire(lane, Priority.READ, deadline=BEGIN + 10.0)
    dead.held = False
    await limiter.acquire(lane, Priority.READ, deadline=BEGIN + 100.0)

    assert 10.0 + LATE_SECONDS == elapsed()


@in_virtual_time
async def test_slots_that_nobody_frees():
    """A slot that nobody frees cools as that of a lost call once its call is late and another one wants it."""
    limiter, lane = limiter_of((1, 1.0)), wide_lane()
    dead = await limiter.acquire(lane, Priority.READ, deadline=BEGIN + 10.0)
    await asyncio.sleep(20.0)
    await limiter.acquire(lane, Priority.READ, deadline=BEGIN + 100.0)

    assert (False, pytest.approx(20 + 1 + LOST_SECONDS + MARGIN_SECONDS)) == (dead.held, elapsed())


@in_virtual_time
async def test_calls_within_their_deadline_keep_everything():
    """Nothing is taken from a call before it is late."""
    limiter, lane = limiter_of((5, 1.0)), wide_lane(key_lock=KeyLock())
    slow = await limiter.acquire(lane, Priority.READ, deadline=BEGIN + 10.0)
    waits = asyncio.create_task(limiter.acquire(lane, Priority.READ, deadline=BEGIN + 100.0))
    await asyncio.sleep(10.0 + LATE_SECONDS - 0.001)
    waited = not waits.done()
    slow.end(sent=True, complete=True)
    await waits

    assert (True, pytest.approx(10.0 + LATE_SECONDS - 0.001)) == (waited, elapsed())
