import asyncio
import os

import pytest

from exchanges.errors import UsageError
from exchanges.limits.limiter import KeyLock
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from tests.support.limiters import MONEY, READ, limiter_of, wide_lane
from tests.support.virtual_time import VirtualLoop, elapsed, run, settle


def test_a_second_open_loop():
    """A limit in use by one open loop refuses another with advice."""
    limiter, first, second = limiter_of((5, 1.0)), VirtualLoop(), VirtualLoop()
    first.run_until_complete(limiter.acquire(wide_lane(), READ))
    with pytest.raises(UsageError, match="use one loop for all clients"):
        second.run_until_complete(limiter.acquire(wide_lane(), READ))
    first.close()
    second.close()

    assert repr(limiter) == "Limiter(test: 1 of 5 in 1 s; 0 waiting)"


def two_loops(first, second, *, pause=0.0):
    """Run two coroutine functions in two loops, one after the other, on one clock."""
    loop = VirtualLoop()
    loop.run_until_complete(first())
    now = loop.time()
    loop.close()
    run(second(), begin=now + pause)


def test_a_closed_loop_is_taken_over():
    """Slots that a closed loop used stay in use for the next loop until they have cooled down."""
    limiter, lane, ends = limiter_of((1, 10.0)), wide_lane(), []

    async def use():
        (await limiter.acquire(lane, READ)).end(sent=True, complete=True)
        ends.append(elapsed())

    two_loops(use, use, pause=4.0)

    assert [0.0, pytest.approx(10 + MARGIN_SECONDS)] == ends


def test_calls_in_flight_when_a_loop_was_closed():
    """Calls that a closed loop left in flight count as lost: their slots cool down, their key lock is free."""
    limiter, ends = limiter_of((1, 10.0)), []
    key_lock = KeyLock()

    async def leave():
        await limiter.acquire(wide_lane(key_lock=key_lock), MONEY)

    async def go_on():
        await limiter.acquire(wide_lane(key_lock=key_lock), MONEY)
        ends.append(elapsed())

    two_loops(leave, go_on, pause=1.0)

    assert [pytest.approx(1 + 10 + LOST_SECONDS + MARGIN_SECONDS)] == ends


@pytest.mark.parametrize("end", [{"sent": False}, {"sent": True, "complete": True}])
def test_a_late_end_from_a_closed_loop(end):
    """A call of a closed loop that ends after the next loop took over changes nothing: its slot is counted already."""
    limiter, kept, shown = limiter_of((2, 10.0)), [], []
    key_lock = KeyLock()

    async def leave():
        kept.append(await limiter.acquire(wide_lane(key_lock=key_lock), MONEY))

    async def go_on():
        await limiter.acquire(wide_lane(key_lock=key_lock), MONEY)
        kept[0].end(**end)
        shown.append((repr(limiter), key_lock.taken))

    two_loops(leave, go_on)

    assert [("Limiter(test: 2 of 2 in 10 s; 0 waiting)", True)] == shown


def test_waiters_of_a_closed_loop_are_forgotten():
    """A waiter whose loop is closed blocks no other."""
    limiter, lane, ends = limiter_of((1, 10.0)), wide_lane(), []
    kept = []

    async def leave():
        (await limiter.acquire(lane, READ)).end(sent=True, complete=True)
        kept.append(asyncio.create_task(limiter.acquire(lane, READ)))
        await settle()
        kept[0].cancel()  # its loop ends before it hears of it

    async def go_on():
        await limiter.acquire(lane, READ)
        ends.append((elapsed(), limiter.waiting))

    two_loops(leave, go_on)

    assert [(pytest.approx(10 + MARGIN_SECONDS), 0)] == ends


def test_after_fork(monkeypatch):
    """A child that uses its parent's limiter is refused with advice."""
    limiter = limiter_of((5, 1.0))
    run(limiter.acquire(wide_lane(), READ))
    monkeypatch.setattr(os, "getpid", lambda: -1)

    with pytest.raises(UsageError, match="belongs to the parent of this process"):
        run(limiter.acquire(wide_lane(), READ))
