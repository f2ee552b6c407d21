import asyncio
import os
import subprocess
import sys
import time

import pytest

import exchanges.state as state_package
from exchanges.errors import RateLimitTimeout, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, Lane, Priority
from exchanges.limits.lockouts import Refusal
from exchanges.state import PROCESS, MemoryState
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time, run

ADDRESS = Limit("by address", (Window(5, 1.0),), Scope.ADDRESS)
KEY = Limit("by key", (Window(5, 1.0),), Scope.KEY)
SERVER = "fourth production"


@pytest.mark.parametrize(
    ("limit", "server", "key", "shared"),
    [
        (ADDRESS, SERVER, "b", True),
        (ADDRESS, SERVER, None, True),
        (ADDRESS, "fourth https://elsewhere.example", "a", False),
    ],
)
def test_who_shares_a_limit_of_the_address(limit, server, key, shared):
    """All keys share the limiter of an address at one server, under one limit."""
    state = MemoryState()
    limiter = state.limiter(ADDRESS, SERVER, "a")
    limiter.users = 1

    assert shared is (limiter is state.limiter(limit, server, key))


@pytest.mark.parametrize(("key", "shared"), [("a", True), ("b", False), (None, False)])
def test_who_shares_a_limit_of_the_key(key, shared):
    """A limiter of the key is shared by clients with that key."""
    state = MemoryState()
    limiter = state.limiter(KEY, SERVER, "a")
    limiter.users = 1

    assert shared is (limiter is state.limiter(KEY, SERVER, key))


@pytest.mark.parametrize(
    ("server", "key", "shared"), [(SERVER, "a", True), (SERVER, "b", False), ("bitso production", "a", False)]
)
def test_who_shares_what_belongs_to_a_key(server, key, shared):
    """Clients with the same key at the same server share one object."""
    state = MemoryState()

    assert shared is (state.shared(SERVER, "a", object) is state.shared(server, key, object))


@pytest.mark.parametrize(
    "other", [Limit("by address", (Window(6, 1.0),), Scope.ADDRESS), Limit("by address", (), Scope.ADDRESS)]
)
def test_different_limits_of_one_name(other):
    """While a client uses a limit, another one of the same name is refused, with the way out."""
    state = MemoryState()
    state.limiter(ADDRESS, SERVER, None).users = 1
    with pytest.raises(UsageError, match=r"in use with other windows \(5 in 1 s, not .*a state= of its own"):
        state.limiter(other, SERVER, None)


def test_a_limit_that_is_changed_between_clients(monkeypatch):
    """The calls of a client that is closed count in the windows of the next one, even if those are others."""
    state, now, other = MemoryState(), time.monotonic(), Limit("by address", (Window(2, 3.0),), Scope.ADDRESS)

    async def use():
        limiter = state.limiter(ADDRESS, SERVER, None)
        (await limiter.acquire(Lane(Connections(4)), Priority.READ)).end(sent=True, complete=True)

    run(use(), begin=now)
    monkeypatch.setattr(time, "monotonic", lambda: now + 0.5)
    counted = state.limiter(other, SERVER, None)._counts[0]

    assert [1, 2] == [counted.free(now + 2.9), counted.free(now + 3.1)]


def test_an_idle_limiter_is_forgotten():
    """A limiter that nobody uses and that has no slot in use is deleted when another is requested."""
    state = MemoryState()
    limiter = state.limiter(ADDRESS, SERVER, None)
    state.limiter(KEY, SERVER, "a")

    assert limiter not in state._limiters.values()


def test_a_limiter_in_use_is_kept():
    """A limiter that a client uses is kept even if no slot is in use."""
    state = MemoryState()
    limiter = state.limiter(ADDRESS, SERVER, None)
    limiter.users = 1
    state.limiter(KEY, SERVER, "a")

    assert limiter in state._limiters.values()


@pytest.mark.parametrize(("later", "kept"), [(0.9, True), (1.1, False)])
def test_a_limiter_outlives_its_clients_by_a_window(later, kept, monkeypatch):
    """A limiter that nobody uses any more is kept until its last slot is free."""
    state, now = MemoryState(), time.monotonic()

    async def use():
        limiter = state.limiter(ADDRESS, SERVER, None)
        (await limiter.acquire(Lane(Connections(4)), Priority.READ)).end(sent=True, complete=True)

    run(use(), begin=now)
    (limiter,) = state._limiters.values()
    monkeypatch.setattr(time, "monotonic", lambda: now + later)

    assert kept is (limiter is state.limiter(ADDRESS, SERVER, None))


async def refuse(limiter):
    """Close a limiter for a minute as the exchange."""
    permit = await limiter.acquire(Lane(Connections(4)), Priority.READ)
    limiter.refuse(permit, Refusal(60.0))
    permit.end(sent=False)


@pytest.mark.parametrize(("later", "kept"), [(59.0, True), (61.0, False)])
def test_a_closed_limiter_is_kept(later, kept, monkeypatch):
    """A limiter that the exchange closed is kept until it opens."""
    state, now = MemoryState(), time.monotonic()
    limiter = state.limiter(ADDRESS, SERVER, None)
    run(refuse(limiter), begin=now)
    monkeypatch.setattr(time, "monotonic", lambda: now + later)

    assert kept is (limiter is state.limiter(ADDRESS, SERVER, None))


def test_repr():
    """A state shows its limiters, and neither keys nor fingerprints."""
    state = MemoryState()
    state.limiter(KEY, SERVER, "fingerprint")
    state.shared(SERVER, "fingerprint", object)

    assert repr(state) == "MemoryState([Limiter(by key: 0 of 5 in 1 s; 0 waiting)])"


def test_a_state_of_one_process():
    """A state in memory has neither a shared limiter nor a journal."""
    state = MemoryState()

    assert (None, None) == (state.shared_limiter(KEY, SERVER, "a"), state.journal)


@pytest.mark.parametrize("name", state_package.__all__)
def test_names(name):
    """All names of a state can be imported from one module."""
    assert getattr(state_package, name) is not None


def test_no_such_name():
    """An unknown name raises `AttributeError`."""
    with pytest.raises(AttributeError, match="has no attribute 'SqlState'"):
        _ = state_package.SqlState


def narrow(**options):
    """Build a client whose limit has one slot per hour."""
    limits = [Limit(LIMIT.name, (Window(1, 3600.0),), Scope.KEY)]
    return Fourth(transport=Script.of(), **{**CREDENTIALS, "limits": limits, **options})


def test_two_runs_remember_used_slots():
    """A second `asyncio.run` does not forget the slots that the first one used."""
    state = MemoryState()

    async def use():
        async with narrow(state=state) as client:
            await client.trading.cancel(1)

    asyncio.run(use())
    with pytest.raises(RateLimitTimeout):
        asyncio.run(use())


@in_virtual_time
async def test_clients_with_a_transport_share_nothing():
    """Clients with a transport of their own have a state of their own."""
    before = set(PROCESS._limiters)
    for _ in range(2):
        async with narrow() as client:
            await client.trading.cancel(1)

    assert before == set(PROCESS._limiters)


@in_virtual_time
async def test_clients_of_one_key_share_the_key_lock():
    """Two clients with one key and one state draw from one counter, one call at a time."""
    state, script = MemoryState(), Script.of(seconds=0.01)
    clients = [Fourth(transport=script, state=state, limits=None, **CREDENTIALS) for _ in range(2)]
    await asyncio.gather(*(client.trading.order() for _ in range(10) for client in clients))
    for client in clients:
        await client.aclose()

    assert (1, 20, script.nonces) == (script.most_inside, len(set(script.nonces)), sorted(script.nonces))


@in_virtual_time
async def test_clients_of_two_keys_share_no_key_lock():
    """Clients with different keys do not wait for each other's key locks."""
    state, script = MemoryState(), Script.of(seconds=0.01)
    clients = [Fourth(transport=script, state=state, api_key=key, api_secret="s") for key in "ab"]
    await asyncio.gather(*(client.trading.order() for client in clients))
    for client in clients:
        await client.aclose()

    assert script.most_inside == 2


def test_clients_with_sockets_share_the_process():
    """Clients without a transport of their own share the state of the process, by server."""
    clients = [Fourth(), Fourth(base_url="http://127.0.0.1:1"), Fourth(sandbox=True)]

    assert [
        (PROCESS, "fourth production"),
        (PROCESS, "fourth loopback:1"),
        (PROCESS, "fourth sandbox"),
    ] == [(c._session._config.state, c._session._config.server) for c in clients]


CHILD = """
import asyncio, os, sys
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.scripted_transport import Script
from exchanges.errors import UsageError
from exchanges.state import MemoryState

state = MemoryState()
clients = [Fourth(transport=Script.of(), state=state, **CREDENTIALS) for _ in range(2)]
asyncio.run(clients[0].trading.cancel(1))
child = os.fork()
if child == 0:
    try:
        asyncio.run(clients[1].trading.cancel(1))
    except UsageError as error:
        os._exit(7 if "belongs to the parent of this process" in str(error) else 1)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_after_fork():
    """A child that uses its parent's clients gets an error that says what to do."""
    ended = subprocess.run([sys.executable, "-c", CHILD], check=False, timeout=60)

    assert 7 == ended.returncode


def test_a_child_with_a_state_of_its_own(monkeypatch):
    """A child that creates clients with a state of their own can call."""
    monkeypatch.setattr(os, "getpid", lambda: -1)

    async def use():
        async with Fourth(transport=Script.of(answer()), state=MemoryState(), **CREDENTIALS) as client:
            return await client.trading.cancel(1)

    assert 1 == run(use()).id


def test_usage_error_of_a_second_loop_is_a_value_error():
    """The error of a second loop, or of a child, can be caught as `ValueError`."""
    assert issubclass(UsageError, ValueError)
