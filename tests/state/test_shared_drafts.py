"""Calls that are recorded in the journal with their lease: both at once, or neither."""

import asyncio

import pytest

from exchanges.errors import StateError
from tests.support.file_states import KEY, SERVER, call, enter, entry, leave, settled, shared_limiter_of


@pytest.fixture(params=["file", "redis"])
def kind(request):
    """Run each test with either."""
    return request.param


@pytest.fixture
def drafted():
    """Return a draft, and the nonces that it was given."""
    written, nonces = entry(named="#id:1"), list[int | None]()

    def draft(nonce):
        nonces.append(nonce)
        return written

    return draft, written, nonces


def listed(state):
    """List the ids of the open calls."""
    return [found.intent.id for found in state.journal.entries(SERVER, KEY)]


async def test_both_at_once(state, other, drafted):
    """A lease that is granted is recorded for others, with its nonce; the end of the lease leaves the entry alone."""
    draft, written, nonces = drafted
    lease = await enter(shared_limiter_of(state), in_order=True, now_ms=5, draft=draft)
    await lease.recorded()
    (seen,) = other.journal.entries(SERVER, KEY)
    await leave(lease, complete=True)

    assert (written, [5], written.intent, True) == (lease.entry, nonces, seen.intent, seen.is_under_way)
    assert [written.intent.id] == listed(other)


async def test_nothing_was_sent(state, other, drafted):
    """An entry goes with its lease if nothing was sent."""
    lease = await enter(shared_limiter_of(state), draft=drafted[0])
    await leave(lease, complete=True, sent=False)
    await settled(lease)

    assert [] == listed(other)


async def test_no_room(state, other, drafted):
    """A call that has to wait is not recorded."""
    limiter = shared_limiter_of(state, (1, 10.0))
    await call(limiter)

    assert (10.0, [], []) == (pytest.approx(await enter(limiter, draft=drafted[0]), abs=1), drafted[2], listed(other))


async def test_a_caller_that_is_cancelled(state, other, drafted):
    """A call that was cancelled before it heard of its lease is not recorded any more, and the next one gets in."""
    limiter, granted = shared_limiter_of(state, (1, 10.0)), asyncio.Event()
    loop = asyncio.get_running_loop()

    def draft(_):
        loop.call_soon_threadsafe(granted.set)
        return drafted[1]

    calling = asyncio.create_task(enter(limiter, in_order=True, draft=draft))
    await granted.wait()
    calling.cancel()
    await asyncio.wait([calling])
    await settled(limiter)
    await settled(limiter)

    assert (True, []) == (calling.cancelled(), listed(other))
    assert 7 == await call(limiter, in_order=True, now_ms=7)


async def test_too_many_are_open(open_state, drafted, monkeypatch):
    """If the call cannot be recorded no lease is granted, and nothing is held."""
    for module in ("file.journal", "redis.scripts", "entries"):
        monkeypatch.setattr(f"exchanges.state.{module}.MOST_OPEN", 1)
    with open_state() as state:
        limiter = shared_limiter_of(state, (1, 10.0))
        await state.journal.begin(first := entry(digest="another"))
        with pytest.raises(StateError, match=r"1 calls of this key .*; nothing was sent"):
            await enter(limiter, in_order=True, draft=drafted[0])
        await settled(limiter)

        assert (7, [first.intent.id]) == (await call(limiter, in_order=True, now_ms=7), listed(state))
