"""A server that has lost writes: it is noticed, limits rest, nonces rise, and hosts report what they hold."""

import asyncio
import logging

import pytest

from exchanges.errors import StateError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.waits import Wait
from exchanges.limits.windows import MARGIN_SECONDS
from tests.support.file_states import KEY, SERVER, call, enter, entry, leave, shared_limiter_of
from tests.support.redis_losses import LEASE_SECONDS, LOSSES, emptied, restarted
from tests.support.redis_servers import EVERY_SECOND, redis_server
from tests.support.redis_states import Shelf, StillClock, beat, stop_clocks

KIND = "redis"
WINDOW = (3, 20.0)


@pytest.mark.parametrize("case", LOSSES)
async def test_a_loss_is_noticed(case, shelf, both, clock, caplog):
    """After a loss nothing is granted until hosts have reported, and for one window nothing that counts against it."""
    (lose, words), limiters = case, [shared_limiter_of(s, WINDOW) for s in both]
    for limiter in limiters:
        await call(limiter, in_order=True)
    lose(shelf, clock)
    waits = [await enter(limiter) for limiter in limiters]
    for seconds in (LEASE_SECONDS - 1, 20.0 - LEASE_SECONDS + 1):
        await clock.move(seconds, *both)
        waits.append(await enter(limiters[0]))
    await clock.move(2 * MARGIN_SECONDS, *both)

    assert [pytest.approx(w + MARGIN_SECONDS) for w in (20.0, 20.0, 16.0, 0.0)] == waits
    assert not isinstance(await enter(limiters[1]), float)
    assert 2 == sum(words in message for message in caplog.messages if "limits rest one window" in message)


@pytest.mark.parametrize(("lose", "_"), LOSSES)
async def test_what_living_hosts_report(lose, _, shelf, both, clock):
    """After a loss the calls of living hosts are counted, locked and listed as before, and no nonce comes twice."""
    state, other = both
    limiters = [shared_limiter_of(s, (3, 2.0)) for s in both]
    await call(limiters[1], in_order=True, now_ms=8 * 10**12)
    held = await enter(limiters[0], in_order=True, call_seconds=1000.0)
    await state.journal.begin(written := entry())
    lose(shelf, clock)
    await beat(other, state, other, state)
    await clock.move(LEASE_SECONDS - 0.5, other, state)
    await clock.move(2, other, state)
    asking = asyncio.ensure_future(enter(limiters[1], in_order=True))
    await _line(shelf, asking)
    locked, free = asking.done(), limiters[1].headroom().free
    (found,) = other.journal.entries(SERVER, KEY)
    held_before = held.is_held()
    await leave(held, complete=True)
    after = await asking

    assert (False, (2,), written.intent, True) == (locked, free, found.intent, found.is_under_way)
    assert (False, held.nonce + 1) == (held_before, after.nonce)


async def _line(shelf, asking):
    """Wait until a call waits for the key lock, or has it."""
    while not (asking.done() or shelf.server.ask("HLEN", shelf.key(f"line:{KEY}"))):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


async def test_an_empty_server_and_a_host_that_knows_nothing(shelf, state, clock, open_state):
    """A host that comes to an empty server waits for those that know better, and with them for a window."""
    known = shared_limiter_of(state, WINDOW)
    await call(known, in_order=True, now_ms=9 * 10**12)
    shelf.empty()
    with open_state() as fresh:
        limiter = shared_limiter_of(fresh, WINDOW)
        waits = [await enter(limiter)]
        await clock.move(4, state)
        waits.append(await enter(limiter))
        await clock.move(20 + 2 * MARGIN_SECONDS, state, fresh)
        nonce = await call(limiter, in_order=True)

    assert [5.0, 20.0 + MARGIN_SECONDS] == waits
    assert 9 * 10**12 + 1 == nonce


async def test_a_new_server(shelf, clock, open_state):
    """A server that was never used grants nothing for as long as hosts that know better may need to report."""
    shelf.empty()
    with open_state() as state:
        limiter = shared_limiter_of(state, WINDOW)
        wait = await limiter.acquire(
            in_order=False, leave_reserve=False, least_nonce=0, timeout_seconds=9.0, call_seconds=9.0
        )
        assert isinstance(wait, Wait)
        open_calls, free = state.journal.entries(SERVER, KEY), limiter.headroom()
        clock.now += LEASE_SECONDS
        granted = await call(limiter)

    assert (1.0, 5.0, (), (0,), (5.0,)) == (
        wait.seconds,
        wait.certain_seconds,
        open_calls,
        free.free,
        free.next_free_seconds,
    )
    assert "the state is new, or has lost writes, and grants nothing for 5.0 s" == wait.reason
    assert granted is None


async def test_a_host_that_reports_too_late(shelf, state, other, clock):
    """A host that was away while others reported gets its key lock back only if it is free, and releases no other's."""
    held = await enter(shared_limiter_of(state), in_order=True)
    emptied(shelf, clock)
    await enter(shared_limiter_of(other))
    await clock.move(LEASE_SECONDS, other)
    lease = await enter(shared_limiter_of(other), in_order=True)
    await beat(state, state)
    await leave(held, complete=True)
    holder = shelf.server.ask("HGET", shelf.key(f"lock:{KEY}"), "lease")

    assert holder in other._store.host.server(SERVER).held, lease


@pytest.mark.parametrize("seconds", [0.5, 3600.0])
async def test_a_clock_that_is_set_back(seconds, shelf, state, other, clock):
    """A clock that is set back goes on from the last moment: slots come free no earlier, and nothing is lost."""
    await clock.move(3600, state)
    limiter = shared_limiter_of(state, (1, 10.0))
    first = await call(limiter, in_order=True)
    clock.set_server(-seconds)
    wait = await enter(shared_limiter_of(other, (1, 10.0)))
    await clock.move(10 + MARGIN_SECONDS, state)
    second = await call(limiter, in_order=True)

    assert (pytest.approx(10 + MARGIN_SECONDS), True) == (wait, second > first)


async def test_nonces_of_a_clock_that_was_ahead(state, clock):
    """A clock that was set forward, and noticed, takes no nonces of the future: no other program could use the key."""
    await clock.move(4000, state)
    limiter = shared_limiter_of(state)
    first = await call(limiter, in_order=True)
    clock.set_server(10**8)
    await enter(limiter)
    await clock.move(LEASE_SECONDS, state)
    second = await call(limiter, in_order=True)

    assert first < second < first + 10_000


@pytest.mark.parametrize(("seconds", "is_noticed"), [(4.9, False), (5.1, True)])
async def test_how_far_a_clock_may_be_ahead(seconds, is_noticed, shelf, state, clock):
    """A clock that is five seconds ahead of what a host expects counts as set."""
    limiter = shared_limiter_of(state, (3, 10.0))
    await call(limiter)
    clock.set_server(seconds)

    assert is_noticed is isinstance(await enter(limiter), float)


async def test_slots_of_a_clock_that_was_ahead(shelf, state, clock, open_state):
    """What a host that knew nothing wrote while the clock was ahead holds nobody up for longer than a lost call."""
    limiter = shared_limiter_of(state, (1, 2.0))
    await call(limiter, sent=False)
    clock.set_server(3600.0)
    with open_state() as fresh:
        await call(shared_limiter_of(fresh, (1, 2.0)))
    wait = await enter(limiter)
    for _ in range(10):
        await clock.move(4, state)

    assert 5.0 == pytest.approx(wait)
    assert not isinstance(await enter(limiter), float)


async def test_limits_of_a_lost_server_rest_by_their_own_window(shelf, state, clock):
    """Each limit rests for its own longest window; a call that counts against none waits for the reports alone."""
    wide = Limit("wide", (Window(3, 60.0),), Scope.KEY)
    limiters = [state.shared_limiter(limit, SERVER, KEY) for limit in (wide, wide.without_windows())]
    await call(limiters[0])
    restarted(shelf, clock)
    await beat(state)
    await clock.move(LEASE_SECONDS, state)

    assert 55.0 + MARGIN_SECONDS == pytest.approx(await enter(limiters[0]))
    assert not isinstance(await enter(limiters[1]), float)


async def test_the_last_second_of_everysec(tmp_path, monkeypatch, caplog):
    """What ``appendfsync everysec`` loses with the power of its host is noticed, and every promise kept."""
    stop_clocks(monkeypatch, LEASE_SECONDS)
    with redis_server(tmp_path, *EVERY_SECOND) as server:
        shelf = Shelf(server)
        shelf.settle()
        clock = StillClock(server, shelf.prefix)
        with shelf.open(clock=clock) as state, shelf.open(clock=clock) as other:
            limiters = [shared_limiter_of(s, (2, 10.0)) for s in (state, other)]
            await call(limiters[1], in_order=True)
            (file,) = [*tmp_path.glob("*.aof"), *tmp_path.rglob("*.incr.aof")]  # the second since Redis 7
            safe = file.read_bytes()
            last = await call(limiters[0], in_order=True, now_ms=7 * 10**12)
            await state.journal.begin(written := entry())
            server.kill()
            file.write_bytes(safe)
            with pytest.raises(StateError, match="cannot be reached"):
                await enter(limiters[0])
            server.start()
            clock.now = clock.now
            await _noticed(other, limiters[1])
            waits = [await enter(limiters[1])]
            await beat(state, other)
            await clock.move(10 + 2 * MARGIN_SECONDS, state, other)
            nonce = await call(limiters[1], in_order=True)
            (found,) = other.journal.entries(SERVER, KEY)

    assert ([pytest.approx(10 + MARGIN_SECONDS)], last + 1, written.intent) == (waits, nonce, found.intent)
    assert 2 == sum("was restarted" in message for message in caplog.messages)
    assert logging.ERROR in {record.levelno for record in caplog.records}


async def _noticed(state, limiter):
    """Wait until the state is connected again."""
    while True:
        try:
            return await enter(limiter)
        except StateError:
            await asyncio.sleep(0.001)
