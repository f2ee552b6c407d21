"""Key locks and leases on a server: who holds them, who has lost them, and who comes next."""

import asyncio
import os
import signal

import pytest

from exchanges.errors import RateLimitTimeout, StateError
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state.limiter import _timed_out
from exchanges.state.redis import scripts
from exchanges.state.redis.journal import RedisJournal
from tests.support.file_states import KEY, SERVER, call, enter, entry, leave, settled, shared_limiter_of
from tests.support.redis_states import StillClock, beat, stop_clocks

KIND = "redis"
LEASE_SECONDS = 5.0


@pytest.fixture
def clock(shelf, monkeypatch):
    """Return a clock that stands still, of a server that takes hosts for dead after five seconds."""
    stop_clocks(monkeypatch, LEASE_SECONDS)
    shelf.settle()
    return StillClock(shelf.server, shelf.prefix)


async def test_the_next_is_woken(state, other, line):
    """A call that waits for a key lock is woken when the other host releases it."""
    held = await enter(shared_limiter_of(state), in_order=True)
    waiting = asyncio.ensure_future(enter(shared_limiter_of(other), in_order=True))
    await _until(line)
    await leave(held, complete=True)

    assert (await waiting).nonce == held.nonce + 1


@pytest.fixture
def line(shelf):
    """Return what counts the hosts that wait for the key lock."""
    return lambda: shelf.server.ask("HLEN", shelf.key(f"line:{KEY}"))


async def _until(condition):
    while not condition():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


async def test_woken_by_the_clock(state, other, monkeypatch, line):
    """Without a subscription a call asks again by itself."""
    monkeypatch.setattr(scripts, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(other._store._wakes, "wake", lambda _: None)
    held = await enter(shared_limiter_of(state), in_order=True)
    waiting = asyncio.ensure_future(enter(shared_limiter_of(other), in_order=True))
    await _until(line)
    await leave(held, complete=True)

    assert (await waiting).nonce == held.nonce + 1


async def test_the_order_of_the_line(state, other, open_state, line):
    """Hosts get the key lock in the order in which they asked, and one that released it waits behind them."""
    order = []

    async def host(number, held):
        lease = await enter(shared_limiter_of(held), in_order=True)
        order.append(number)
        await lease.release(complete=True)

    with open_state() as third:
        first = await enter(shared_limiter_of(state), in_order=True)
        tasks = []
        for number, held in ((1, other), (2, third)):
            tasks.append(asyncio.ensure_future(host(number, held)))
            await _until(lambda n=number: line() == n)
        await first.release(complete=True)
        tasks.append(asyncio.ensure_future(host(0, state)))
        await asyncio.gather(*tasks)

    assert [1, 2, 0] == order


async def refused(limiter):
    """Ask for a lease until it is known that another call holds the key lock; return what is raised then."""
    asking = asyncio.ensure_future(enter(limiter, in_order=True))
    waiting = limiter._store._wakes._waiting
    await _until(lambda: any(waiter.waits_for_key for waiter in list(waiting)))
    for waiter in list(waiting):
        waiter.expire(lambda w=waiter: _timed_out(w, limiter._store.slow))
    with pytest.raises(RateLimitTimeout) as caught:
        await asking
    return str(caught.value)


async def test_a_key_lock_that_is_not_released(state, other):
    """A call that waits for longer than it may says who holds the lock."""
    held = await enter(shared_limiter_of(state), in_order=True)

    assert "another call held the lock of this key" in await refused(shared_limiter_of(other))
    assert held.is_held()


async def test_overtaking(state, other, shelf):
    """A cancel that has waited long enough passes the key lock, which its holder keeps."""
    held = await enter(shared_limiter_of(state), in_order=True)
    cancel = await enter(shared_limiter_of(other), in_order=True, is_cancel=True, overtake_seconds=0.01)
    await leave(cancel, complete=True)

    assert (True, held.nonce + 1) == (held.is_held(), cancel.nonce)
    assert 1 == shelf.server.ask("EXISTS", shelf.key(f"lock:{KEY}"))


async def test_a_call_that_waits_no_more(state, other, line):
    """A call that is cancelled in the line leaves it, so that nobody waits for it."""
    held = await enter(shared_limiter_of(state), in_order=True)
    waiting = asyncio.ensure_future(enter(shared_limiter_of(other), in_order=True))
    await _until(line)
    waiting.cancel()
    await asyncio.wait([waiting])
    await _until(lambda: not line())
    await leave(held, complete=True)

    assert await call(shared_limiter_of(state), in_order=True) == held.nonce + 1


async def test_a_lease_that_is_renewed(state, other, clock):
    """A host that reports keeps its leases, however long its calls take."""
    held = await enter(shared_limiter_of(state), in_order=True, call_seconds=1000.0)
    for _ in range(10):
        clock.now += LEASE_SECONDS - 1.5
        await beat(state)
    await refused(shared_limiter_of(other))

    assert held.is_held()


@pytest.mark.parametrize(("seconds", "is_held"), [(0.0, True), (3.9, True), (4.1, False), (100.0, False)])
async def test_a_host_that_stood_still(seconds, is_held, state, clock):
    """A host that was not heard of sends nothing any more, one second before others may take it for dead."""
    held = await enter(shared_limiter_of(state), in_order=True)
    clock.now += seconds

    assert is_held is held.is_held()


async def test_a_host_that_is_taken_for_dead(state, other, clock):
    """Its key lock goes to others, its slots count as lost, and what it does later changes nothing."""
    stale = await enter(shared_limiter_of(state, (2, 10.0)), in_order=True)
    clock.now += LEASE_SECONDS + 0.1
    lease = await enter(shared_limiter_of(other, (2, 10.0)), in_order=True)
    await beat(state)
    held = stale.is_held(), lease.is_held()
    await leave(stale, complete=True)
    await refused(shared_limiter_of(state))
    await leave(lease, complete=True)
    full = await call(shared_limiter_of(state, (2, 10.0)))
    clock.now += 10 + MARGIN_SECONDS
    free = shared_limiter_of(other, (2, 10.0)).headroom()

    assert ((False, True), pytest.approx(10 + MARGIN_SECONDS)) == (held, full)
    assert ((1,), (pytest.approx(LOST_SECONDS),)) == (free.free, free.next_free_seconds)


async def test_a_call_that_hangs(state, other, clock):
    """A key lock is released some seconds after the deadline of its call, even if the host lives."""
    held = await enter(shared_limiter_of(state), in_order=True, call_seconds=2.0)
    for _ in range(3):
        clock.now += 3
        await beat(state)

    assert await call(shared_limiter_of(other), in_order=True) > held.nonce
    assert not held.is_held()


async def test_a_lease_that_nobody_heard_of(state, other, clock, shelf):
    """A lease that was granted by a request which arrived late ends some seconds after the deadline of its call."""
    held = await enter(shared_limiter_of(state, (1, 10.0)), call_seconds=2.0)
    state._store.host.server(SERVER).held.clear()
    state._store._leases.clear()
    for _ in range(3):
        clock.now += 3
        await beat(state, other)

    assert 0 == shelf.server.ask("HLEN", shelf.key("held"))
    assert pytest.approx(10 - 2 + LOST_SECONDS, abs=3) == await enter(shared_limiter_of(other, (1, 10.0))), held


async def test_a_host_that_fails_within(state, monkeypatch, caplog):
    """An error of our own in one report is logged, and the next one is made all the same."""
    host, reported = state._store.host, asyncio.Event()
    monkeypatch.setattr(host, "_sweep", lambda _: (_ for _ in ()).throw(RuntimeError("own")))
    await call(shared_limiter_of(state))
    await _until(lambda: "internal error in the state" in caplog.text)
    monkeypatch.setattr(host, "_sweep", lambda _: host.thread and reported.set())
    host.thread.post(host._beat_now.set)
    await _until(reported.is_set)


async def test_the_calls_of_a_dead_host(state, other, clock):
    """The calls of a host that is taken for dead are listed as unresolved, and as under way if it comes back."""
    await state.journal.begin(entry())
    seen = [other.journal.entries(SERVER, KEY)[0].is_under_way]
    clock.now += LEASE_SECONDS + 0.1
    await beat(other)
    seen.append(other.journal.entries(SERVER, KEY)[0].is_under_way)
    await beat(state)
    seen.append(other.journal.entries(SERVER, KEY)[0].is_under_way)

    assert [True, False, True] == seen


def test_a_child_process(state):
    """A child after ``fork`` needs a state of its own."""
    asyncio.run(call(shared_limiter_of(state)))
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            shared_limiter_of(state)
        except StateError as error:
            os.write(writing, str(error).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    os.waitpid(child, 0)
    words = os.read(reading, 1000).decode()
    os.close(reading)

    assert "belongs to the parent of this process" in words


@pytest.mark.parametrize("fails", ["draft", "record"])
async def test_a_lease_of_a_call_that_cannot_be_recorded(state, monkeypatch, fails):
    """What the server has granted is given back if an error in our own code comes between it and the caller."""
    limiter = shared_limiter_of(state, (1, 10.0))
    with monkeypatch.context() as patch:
        if fails == "record":
            patch.setattr(RedisJournal, "record", _failing)
        with pytest.raises(StateError, match=r"failed \(RuntimeError\); nothing was sent"):
            await enter(limiter, in_order=True, draft=_failing if fails == "draft" else lambda _: entry())
    await settled(limiter)
    await beat(state)

    assert 7 == await call(limiter, in_order=True, now_ms=7)


def _failing(*_):
    raise RuntimeError("internal")
