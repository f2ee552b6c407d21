"""The journal of a server that has lost writes: hosts report their calls, and none is open or settled for ever."""

import pytest

from exchanges.errors import StateError
from tests.support.file_states import KEY, SERVER, call, enter, entry, shared_limiter_of
from tests.support.redis_losses import LEASE_SECONDS, emptied, older, restarted
from tests.support.redis_states import beat

KIND = "redis"


@pytest.mark.parametrize("lose", [emptied, restarted, older])
async def test_the_journal_after_a_loss(lose, shelf, state, clock):
    """While hosts report, nobody reads a journal that may lack calls, and nothing is begun."""
    await call(shared_limiter_of(state))
    lose(shelf, clock)
    for read in (
        lambda: state.journal.entries(SERVER, KEY),
        lambda: state.journal.known(SERVER, KEY, {"a"}, "none"),
        lambda: state.journal.since(SERVER, KEY),
    ):
        with pytest.raises(StateError, match="has lost writes; what hosts that live report"):
            read()
    with pytest.raises(StateError, match=r"takes no calls for some seconds; call again then; nothing was sent$"):
        await state.journal.begin(entry())


async def test_a_call_in_doubt_after_a_loss(shelf, state, other, clock):
    """A call that has ended with an unknown outcome is listed so after a loss, too, though its host lives."""
    await state.journal.begin(written := entry())
    ended_at = written.intent.at
    await state.journal.doubt(written.intent.id, ended_at)
    emptied(shelf, clock)
    await beat(state, state)
    await clock.move(LEASE_SECONDS, state)
    (found,) = other.journal.entries(SERVER, KEY)

    assert (written.intent, ended_at, False) == (found.intent, found.ended_at, found.is_under_way)


def copied(shelf):
    """Copy all keys; return what puts them back, as a restart with an older file does."""
    from redis import Redis

    with Redis(unix_socket_path=str(shelf.server.path)) as client:
        kept = [(key, client.dump(key)) for key in client.keys(f"{shelf.prefix}:{{*")]

    def restore():
        shelf.empty()
        with Redis(unix_socket_path=str(shelf.server.path)) as client:
            for key, value in kept:
                client.restore(key, 0, value)
        restarted(shelf, None)

    return restore


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("settler", ["itself", "another"])
async def test_a_settled_call_in_an_older_copy(settler, is_first, shelf, both, clock):
    """A call that an older copy shows as open is settled again by the host that settled it, with what it made."""
    state, other = both
    await call(shared_limiter_of(other))
    await state.journal.begin(written := entry())
    await state.journal.doubt(written.intent.id, written.intent.at)
    restore = copied(shelf)
    journal = state.journal if settler == "itself" else other.journal
    journal.entries(SERVER, KEY)
    await journal.settle(written.intent.id, known="made")
    restore()
    for host in (state, other) if is_first else (other, state):
        await beat(host, host)
    await clock.move(LEASE_SECONDS, state, other)

    assert [()] * 2 == [s.journal.entries(SERVER, KEY) for s in (state, other)]
    assert [{"made"}] * 2 == [s.journal.known(SERVER, KEY, {"made"}, "none") for s in (state, other)]


async def test_a_call_that_a_dead_host_has_settled(shelf, state, open_state, clock):
    """A call that another host has settled is not reported as open after a loss, when that host is gone."""
    await state.journal.begin(written := entry())
    await state.journal.doubt(written.intent.id, written.intent.at)
    listed = len(state.journal.entries(SERVER, KEY))
    with open_state() as gone:
        gone.journal.entries(SERVER, KEY)
        await gone.journal.settle(written.intent.id, known=None)
    left = state.journal.entries(SERVER, KEY)
    emptied(shelf, clock)
    await beat(state, state)
    await clock.move(LEASE_SECONDS, state)

    assert (1, (), ()) == (listed, left, state.journal.entries(SERVER, KEY))


async def test_an_older_copy_of_calls_that_nobody_remembers(shelf, state, other, clock, monkeypatch):
    """A call that its host does not carry out is unresolved after a loss, not under way for ever; a new one is."""
    monkeypatch.setattr("exchanges.state.redis.servers.MOST_SETTLED", 1)
    await call(shared_limiter_of(other))
    old = [entry(), entry()]
    for written in old:
        await state.journal.begin(written)
    restore = copied(shelf)
    for written in old:
        await state.journal.settle(written.intent.id, known=None)
    await state.journal.begin(current := entry())
    restore()
    await beat(state, other, state, other)
    await clock.move(LEASE_SECONDS, state, other)
    found = {e.intent: e.is_under_way for e in other.journal.entries(SERVER, KEY)}
    await other.journal.settle(old[0].intent.id, known="made")

    assert {old[0].intent: False, current.intent: True} == found
    assert [current.intent] == [e.intent for e in state.journal.entries(SERVER, KEY)]


async def test_an_older_copy_and_hosts_that_start_later(shelf, state, clock, open_state):
    """Who starts after an older copy was put back finds its calls unresolved, once their host is dead."""
    await state.journal.begin(written := entry())
    restore = copied(shelf)
    await state.journal.settle(written.intent.id, known=None)
    state.close()
    restore()
    with open_state() as fresh:
        wait = await enter(shared_limiter_of(fresh))
        await clock.move(LEASE_SECONDS + 1, fresh)
        (found,) = fresh.journal.entries(SERVER, KEY)
        await fresh.journal.settle(found.intent.id, known=None)

        assert (True, written.intent, False) == (isinstance(wait, float), found.intent, found.is_under_way)
        assert () == fresh.journal.entries(SERVER, KEY)


async def test_since_when_calls_are_recorded_after_a_loss(shelf, state, clock):
    """After a loss the record of calls begins anew: a call of before may be missing in it."""
    await state.journal.begin(entry())
    before = state.journal.since(SERVER, KEY)
    await clock.move(4000, state)
    restarted(shelf, clock)
    await beat(state)
    await clock.move(LEASE_SECONDS, state)

    assert (before.timestamp() > 4000, 4000.0) == (True, state.journal.since(SERVER, KEY).timestamp())
