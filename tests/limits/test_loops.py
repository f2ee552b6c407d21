import asyncio
import subprocess
import sys
import threading
import time

import pytest

from exchanges.errors import UsageError
from exchanges.limits.limiter import KeyLock
from exchanges.limits.timers import FORKS
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from tests.support.limiters import MONEY, READ, limiter_of, wide_lane
from tests.support.virtual_time import BEGIN, VirtualLoop, elapsed, run, settle


def test_loops_in_several_threads():
    """Clients in several threads share the slots: no window has more arrivals than slots, and none is lost."""
    limiter, arrivals = limiter_of((50, 0.1)), []

    async def call(lane):
        permit = await limiter.acquire(lane, READ)
        arrivals.append(time.monotonic())
        await asyncio.sleep(0)
        permit.end(sent=True, complete=True)

    def client():
        async def calls():
            lane = wide_lane()
            await asyncio.gather(*(call(lane) for _ in range(50)))

        asyncio.run(calls())

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arrivals.sort()

    assert 200 == len(arrivals)
    assert min(later - sooner for sooner, later in zip(arrivals, arrivals[50:], strict=False)) > 0.1
    assert not limiter.waiting


def test_a_key_lock_in_two_threads():
    """A call that waits for a key lock which another thread holds is woken when that call ends."""
    limiter, key_lock, held, waited = limiter_of((50, 0.1)), KeyLock(), threading.Event(), []

    async def hold():
        permit = await limiter.acquire(wide_lane(key_lock=key_lock), MONEY)
        held.set()
        while not limiter.waiting:
            await asyncio.to_thread(time.sleep, 0)
        permit.end(sent=True, complete=True)

    async def wait():
        await asyncio.to_thread(held.wait)
        (await limiter.acquire(wide_lane(key_lock=key_lock), MONEY)).end(sent=True, complete=True)
        waited.append(True)

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    asyncio.run(wait())
    thread.join()

    assert [True] == waited


def test_a_loop_that_is_closed_beside_another():
    """What a loop that was closed has left behind is lost for the loops that go on, and holds up none of them."""
    limiter, key_lock, first, second = limiter_of((2, 10.0)), KeyLock(), VirtualLoop(), VirtualLoop()
    second.run_until_complete(limiter.acquire(wide_lane(), READ))
    first.run_until_complete(limiter.acquire(wide_lane(key_lock=key_lock), MONEY))
    first.close()
    second.run_until_complete(limiter.acquire(wide_lane(key_lock=key_lock), MONEY))
    now = second.time()
    second.close()

    assert pytest.approx(BEGIN + 10 + LOST_SECONDS + MARGIN_SECONDS) == now


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


def test_waiters_of_a_loop_that_was_stopped():
    """A waiter that was never told anything before its loop was closed is not granted the slot of another."""
    limiter, lane, kept = limiter_of((1, 10.0)), wide_lane(), []

    async def leave():
        (await limiter.acquire(lane, READ)).end(sent=True, complete=True)
        kept.append(asyncio.create_task(limiter.acquire(lane, READ)))
        await settle()

    async def go_on():
        await limiter.acquire(lane, READ, deadline=asyncio.get_running_loop().time() + 11)
        return limiter.waiting

    loop = VirtualLoop()
    loop.run_until_complete(leave())
    now = loop.time()
    loop.close()

    assert 0 == run(go_on(), begin=now)

    kept[0].get_coro().close()
    kept[0]._log_destroy_pending = False


def test_before_the_first_call(monkeypatch):
    """A limiter that was created before a fork, and that no call has used yet, serves the calls of the child."""
    limiter = limiter_of((5, 1.0))
    monkeypatch.setattr(FORKS, "count", FORKS.count + 1)

    assert run(limiter.acquire(wide_lane(), READ)).held


def test_after_fork(monkeypatch):
    """A child that uses its parent's limiter is refused with advice."""
    limiter = limiter_of((5, 1.0))
    run(limiter.acquire(wide_lane(), READ))
    monkeypatch.setattr(FORKS, "count", FORKS.count + 1)

    with pytest.raises(UsageError, match="belongs to the parent of this process"):
        run(limiter.acquire(wide_lane(), READ))


FORK = """
import os
from exchanges.limits.timers import FORKS

child = os.fork()
if child:
    os.waitpid(child, 0)
print(FORKS.count)
"""


def test_forks_are_counted():
    """A child knows that it is another process than the one whose limiters it has inherited."""
    result = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)

    assert ["1", "0"] == result.stdout.split()


@pytest.mark.parametrize("in_thread", [False, True])
def test_each_permit_belongs_to_the_loop_that_runs(in_thread):
    """A loop that stands still, or runs in another thread, is not taken for the one in which a call is made."""
    limiter, lane = limiter_of((50, 10.0)), wide_lane()
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def acquire(*, now):
        permit = limiter.acquire_now(lane, READ) if now else await limiter.acquire(lane, READ)
        return permit.loop

    def found(loop, *, now):
        return loop.run_until_complete(acquire(now=now))

    async def from_within():
        return await asyncio.to_thread(found, second, now=True)

    loops = [found(first, now=True)]
    loops.append(first.run_until_complete(from_within()) if in_thread else found(second, now=True))
    loops += [found(first, now=False), found(second, now=False)]
    first.run_until_complete(first.shutdown_default_executor())
    first.close()
    second.close()

    assert [first, second, first, second] == loops
