import asyncio
import math

import pytest

from exchanges.errors import RateLimitTimeout
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, KeyLock, Lane, Limiter, Priority
from exchanges.limits.waits import Wait
from exchanges.limits.windows import MARGIN_SECONDS
from tests.support.limiters import CANCEL, MANY, MONEY, READ, limiter_of, note_permits, taken_key_lock, wide_lane
from tests.support.virtual_time import elapsed, in_virtual_time, settle


@in_virtual_time
async def test_first_come_first_served():
    """Waiters of one priority are served in order of arrival."""
    limiter, noted = limiter_of((3, 1.0)), []
    lanes = [wide_lane(), wide_lane()]
    await asyncio.gather(*(note_permits(limiter, lanes[i % 2], name=i, into=noted) for i in range(20)))

    assert list(range(20)) == [name for name, _ in noted]


@in_virtual_time
async def test_first_come_first_served_among_markets():
    """Calls of many markets are served in order of arrival, in whatever order the markets come."""
    limiter, lane, noted = limiter_of((3, 1.0)), wide_lane(), []
    scopes = "aabacabbbcdacd"
    await asyncio.gather(
        *(note_permits(limiter, lane, name=i, scope=scope, into=noted) for i, scope in enumerate(scopes))
    )

    assert list(range(len(scopes))) == [name for name, _ in noted]


@pytest.mark.sweep
@in_virtual_time
@pytest.mark.parametrize("is_shared", [False, True])
async def test_many_markets(is_shared):
    """A call that begins to wait, or is served, has not all the others looked at, of however many markets they are."""
    looked = []

    class Counting(Limiter):
        def _earliest(self, waiter, now):
            looked.append(waiter)
            return super()._earliest(waiter, now)

    limiter, noted = Counting(Limit("test", (Window(50, 1.0),), Scope.ADDRESS)), []
    lanes = Lane(Connections(20)), Lane(Connections(20), KeyLock())
    if is_shared:
        permit = await limiter.acquire(lanes[0], READ)
        limiter.hold_up(permit, READ, Wait(1.0, 0.0), deadline=math.inf, send_by=math.inf)
        permit.end(sent=False)
    calls = [note_permits(limiter, lanes[i % 2], scope=f"m{i}", name=i, into=noted, hold=0.01) for i in range(300)]
    await settle()
    waiting = len(looked)
    await asyncio.gather(*calls)

    assert (True, True) == (waiting < 2 * 300, len(looked) < 8 * 300), (waiting, len(looked))


@in_virtual_time
async def test_cancels_before_money_before_reads():
    """A free slot goes to a cancel first, then to money, then to reads, in whatever order they arrived."""
    limiter, lane, noted = limiter_of((1, 1.0)), wide_lane(), []
    await note_permits(limiter, lane, into=[])
    waiting = [note_permits(limiter, lane, p, name=p.name, into=noted) for p in (READ, MONEY, READ, CANCEL)]
    await asyncio.gather(*waiting)

    assert ["CANCEL", "MONEY", "READ", "READ"] == [name for name, _ in noted]


@in_virtual_time
async def test_a_newcomer_does_not_overtake():
    """A call that arrives in the instant in which a slot is freed queues behind those that wait for it."""
    limiter, lane, noted = limiter_of((1, 1.0)), wide_lane(), []
    await note_permits(limiter, lane, into=[])
    first = note_permits(limiter, lane, name="first", into=noted)
    await asyncio.sleep(1 + MARGIN_SECONDS)
    await asyncio.gather(first, note_permits(limiter, lane, name="late", into=noted))

    assert ["first", "late"] == [name for name, _ in noted]


@in_virtual_time
async def test_a_key_lock_is_acquired_with_the_slot():
    """Of calls that share a key lock one is in flight at a time, and the others hold no slot while they wait."""
    limiter, noted = limiter_of((10, 1.0)), []
    lane = wide_lane(key_lock=KeyLock())
    calls = [note_permits(limiter, lane, name=i, into=noted, hold=0.1) for i in range(3)]
    await settle()

    assert repr(limiter) == "Limiter(test: 1 of 10 in 1 s; 2 waiting)"

    await asyncio.gather(*calls)

    assert [(0, 0.0), (1, 0.1), (2, 0.2)] == noted


@in_virtual_time
async def test_a_taken_key_lock_blocks_no_other_call():
    """A waiter whose key lock is taken does not block calls that need none, or another one."""
    limiter, noted = limiter_of((10, 1.0)), []
    signed = wide_lane(key_lock=KeyLock())
    calls = [
        note_permits(limiter, signed, MONEY, name="holder", into=noted, hold=5),
        note_permits(limiter, signed, MONEY, name="waiter", into=noted),
        note_permits(limiter, wide_lane(), name="public", into=noted),
        note_permits(limiter, wide_lane(key_lock=KeyLock()), name="other key", into=noted),
    ]
    await asyncio.gather(*calls)

    assert [("holder", 0.0), ("public", 0.0), ("other key", 0.0), ("waiter", 5.0)] == noted


@in_virtual_time
async def test_a_taken_connection_blocks_no_other_client():
    """A waiter whose client has no free connection does not block other clients."""
    limiter, noted = limiter_of((10, 1.0)), []
    narrow = Lane(Connections(1))
    calls = [
        note_permits(limiter, narrow, name="holder", into=noted, hold=5),
        note_permits(limiter, narrow, name="waiter", into=noted),
        note_permits(limiter, wide_lane(), name="other client", into=noted),
    ]
    await asyncio.gather(*calls)

    assert [("holder", 0.0), ("other client", 0.0), ("waiter", 5.0)] == noted


@in_virtual_time
async def test_a_connection_freed_by_another_limit():
    """A connection that is freed under one limit goes to a call of that client that waits under another."""
    public, private, noted = limiter_of((10, 1.0)), limiter_of((10, 1.0)), []
    connections = Connections(1)
    calls = [
        note_permits(public, Lane(connections), name="public", into=noted, hold=5),
        note_permits(private, Lane(connections), name="private", into=noted),
    ]
    await asyncio.gather(*calls)

    assert [("public", 0.0), ("private", 5.0)] == noted


@in_virtual_time
async def test_two_connections_are_for_cancels():
    """Of four connections reads take two; a cancel has the third at once."""
    limiter, lane, noted = limiter_of((10, 1.0)), Lane(Connections(4)), []
    calls = [note_permits(limiter, lane, name=f"read {i}", into=noted, hold=5) for i in range(4)]
    calls.append(note_permits(limiter, lane, CANCEL, name="cancel", into=noted))
    await asyncio.gather(*calls)

    assert ["read 0", "read 1", "cancel", "read 2", "read 3"] == [name for name, _ in noted]


@in_virtual_time
async def test_a_read_may_take_an_only_connection():
    """A client with a single connection reads with it."""
    limiter = limiter_of((10, 1.0))
    await limiter.acquire(Lane(Connections(1)), READ)

    assert elapsed() == 0.0


@in_virtual_time
async def test_a_cancelled_waiter_gives_back_its_place():
    """A waiter that is cancelled leaves the queue; those behind move up."""
    limiter, lane, noted = limiter_of((1, 1.0)), wide_lane(), []
    await note_permits(limiter, lane, into=[])
    first, second, third = (note_permits(limiter, lane, name=i, into=noted) for i in range(3))
    await settle()
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)

    assert ([(0, 1.001), (2, 2.002)], 0) == (noted, limiter.waiting)


@in_virtual_time
async def test_a_waiter_cancelled_in_the_tick_of_its_permit():
    """A waiter that is cancelled after its permit was granted releases everything, and the next gets it at once."""
    limiter, noted = limiter_of((1, 100.0)), []
    lane = Lane(Connections(1), KeyLock())
    holder = await limiter.acquire(lane, MONEY)
    unlucky = note_permits(limiter, lane, MONEY, name="unlucky", into=noted)
    lucky = note_permits(limiter, lane, MONEY, name="lucky", into=noted)
    await settle()
    holder.end(sent=False)  # grants to the first waiter, whose task has not yet run
    unlucky.cancel()
    await asyncio.wait([unlucky, lucky])

    assert (True, [("lucky", 0.0)]) == (unlucky.cancelled(), noted)


@in_virtual_time
async def test_many_cancelled_waiters():
    """Of a thousand waiters half are cancelled; the others are served, and no slot stays in use."""
    limiter, lane, noted = limiter_of((10, 1.0)), wide_lane(), []
    tasks = [note_permits(limiter, lane, Priority(i % 3), name=i, into=noted) for i in range(MANY)]
    for number, task in enumerate(tasks[::2]):
        asyncio.get_running_loop().call_later(number * 0.05, task.cancel)
    await asyncio.wait(tasks)
    await asyncio.sleep(1 + MARGIN_SECONDS)

    assert repr(limiter) == "Limiter(test: 0 of 10 in 1 s; 0 waiting)"


@in_virtual_time
async def test_one_key_lock_in_two_limiters():
    """Clients of one key under different limits share the key lock, and wake each other."""
    key_lock, noted = KeyLock(), []
    one, two = (limiter_of((10, 1.0)) for _ in range(2))
    tasks = [
        note_permits(one, wide_lane(key_lock=key_lock), name="one", into=noted, hold=3.0),
        note_permits(two, wide_lane(key_lock=key_lock), name="two", into=noted, hold=3.0),
    ]
    await asyncio.wait(tasks)

    assert [("one", 0.0), ("two", 3.0)] == noted


@in_virtual_time
async def test_giving_up_at_the_deadline():
    """A call that waits for a key lock in vain gets `RateLimitTimeout` at the deadline, not later."""
    limiter, lane = limiter_of((10, 1.0)), wide_lane(key_lock=taken_key_lock())
    with pytest.raises(RateLimitTimeout, match="nothing was sent"):
        await limiter.acquire(lane, READ, deadline=asyncio.get_running_loop().time() + 7)

    assert elapsed() == 7.0


@in_virtual_time
async def test_giving_up_at_once():
    """If no slot can be free before the deadline, the call fails without waiting."""
    limiter, lane = limiter_of((1, 100.0)), wide_lane()
    (await limiter.acquire(lane, READ)).end(sent=True, complete=True)
    with pytest.raises(RateLimitTimeout, match="the limit test"):
        await limiter.acquire(lane, READ, deadline=asyncio.get_running_loop().time() + 99)

    assert (0.0, 0) == (elapsed(), limiter.waiting)


@in_virtual_time
async def test_a_permit_before_the_deadline():
    """If the slot is free before the deadline, the call goes."""
    limiter, lane = limiter_of((1, 100.0)), wide_lane()
    (await limiter.acquire(lane, READ)).end(sent=True, complete=True)
    await limiter.acquire(lane, READ, deadline=asyncio.get_running_loop().time() + 101)

    assert elapsed() == pytest.approx(100 + MARGIN_SECONDS)


@in_virtual_time
async def test_cancelled_in_the_tick_of_giving_up():
    """A waiter that is cancelled as the deadline passes is cancelled, and holds nothing."""
    limiter, lane = limiter_of((10, 1.0)), wide_lane(key_lock=taken_key_lock())
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(limiter.acquire(lane, READ, deadline=loop.time() + 7))
    await settle()
    loop.call_at(loop.time() + 7, task.cancel)
    await asyncio.wait([task])

    assert (True, 0) == (task.cancelled(), limiter.waiting)
