"""Servers that are gone, slow, full, read-only or cut off: nothing is sent, and nothing is wrong after."""

import asyncio
import signal

import pytest
from redis.exceptions import ClusterDownError, MovedError, ResponseError

from exchanges.errors import StateError
from exchanges.limits.windows import MARGIN_SECONDS
from exchanges.state.redis import link as link_module
from exchanges.state.redis import scripts
from tests.support.cutting_proxy import cutting_proxy
from tests.support.file_states import KEY, SERVER, call, enter, entry, leave, settled, shared_limiter_of
from tests.support.redis_states import LEASE_SECONDS, beat

WINDOW = (2, 10.0)


@pytest.fixture
def state(own):
    """Open a state on it."""
    with own.open() as state:
        yield state


async def refusals(state, *names):
    """Return what the ways to use the state raise."""
    limiter, journal, found = shared_limiter_of(state, WINDOW), state.journal, []
    ways = {
        "acquire": lambda: enter(limiter, in_order=True),
        "begin": lambda: journal.begin(entry()),
        "settle": lambda: _settle(journal),
        "entries": lambda: asyncio.to_thread(journal.entries, SERVER, KEY),
        "headroom": lambda: asyncio.to_thread(limiter.headroom),
    }
    for name in names or ways:
        with pytest.raises(StateError) as caught:
            await ways[name]()
        found.append(str(caught.value))
    return found


async def _settle(journal):
    journal._accounts["known"] = SERVER, KEY
    await journal.settle("known", known=None)


async def test_a_server_that_is_gone(own, state):
    """Without its server nothing is granted, recorded or shown; what has ended meanwhile is written when it is back."""
    limiter = shared_limiter_of(state, WINDOW)
    held = await enter(limiter, in_order=True)
    own.server.kill()
    found = await refusals(state)
    await held.release(complete=True)
    await settled(held)
    own.server.start()
    while await _again(limiter) is None:
        pass
    await own.options["clock"].move(LEASE_SECONDS + 10, state)
    nonce = await call(limiter, in_order=True)

    assert all("cannot be reached" in words and "check that the server runs" in words for words in found)
    assert [True, True] == [words.endswith("nothing was sent") for words in found[:2]]
    assert nonce > held.nonce
    assert 0 == own.server.ask("HLEN", own.key("held"))


async def _again(limiter):
    try:
        return await call(limiter, in_order=True)
    except StateError:
        return None


@pytest.mark.parametrize("stop", ["signal", "pause"])
async def test_a_server_that_does_not_answer(stop, own):
    """A server that stands still fails calls when a step has taken too long, and others at once for a moment."""
    with own.open(timeout_seconds=0.05) as state:
        state._store.host.link._seconds = 60.0
        await call(shared_limiter_of(state, WINDOW))
        state._store.host.link._seconds = 0.05
        if stop == "signal":
            own.server.signal(signal.SIGSTOP)
        else:
            own.server.ask("CLIENT", "PAUSE", 3_600_000, "WRITE")
        with pytest.raises(StateError, match=r"did not answer within 0\.05 s; nothing was sent"):
            await enter(shared_limiter_of(state, WINDOW), in_order=True)
        link = state._store.host.link
        link._pause_until, link._seconds = float("inf"), 60.0
        with pytest.raises(StateError, match=r"did not answer within 0\.05 s"):
            await enter(shared_limiter_of(state, WINDOW))
        with pytest.raises(StateError, match=r"did not answer within 0\.05 s"):
            state.journal.entries(SERVER, KEY)
        link._pause_until = 0.0
        if stop == "signal":
            own.server.signal(signal.SIGCONT)
        else:
            own.server.ask("CLIENT", "UNPAUSE")

        # What the server did when it went on, without anybody to hear of it, is released again.
        await _reported(state)
        assert not isinstance(await enter(shared_limiter_of(state, WINDOW), in_order=True), float)


async def test_a_reader_that_waits(own, state, monkeypatch):
    """A reader gives up sooner than a call, and leaves the connection to the others."""
    await call(shared_limiter_of(state, WINDOW))
    monkeypatch.setattr("exchanges.state.redis.host.READ_SECONDS", 0.05)
    own.server.signal(signal.SIGSTOP)
    with pytest.raises(StateError, match=r"did not answer within 0\.05 s"):
        state.journal.entries(SERVER, KEY)
    wire = state._store.host.link._wire
    own.server.signal(signal.SIGCONT)
    await call(shared_limiter_of(state, WINDOW))

    assert wire is state._store.host.link._wire
    assert () == state.journal.entries(SERVER, KEY)


async def test_readers_of_a_server_that_is_late(own, state, monkeypatch):
    """After a reader has waited in vain the next ones fail at once: each of them stops the event loop."""
    await call(shared_limiter_of(state, WINDOW))
    monkeypatch.setattr("exchanges.state.redis.host.READ_SECONDS", 0.05)
    monkeypatch.setattr("exchanges.state.redis.host.PAUSE_SECONDS", 10.0**6)
    own.server.signal(signal.SIGSTOP)
    with pytest.raises(StateError, match=r"did not answer within 0\.05 s"):
        state.journal.matching(SERVER, KEY, digest="same")
    for read in (lambda: state.journal.entries(SERVER, KEY), shared_limiter_of(state, WINDOW).headroom):
        with pytest.raises(StateError, match="did not answer a moment ago; call again"):
            read()
    own.server.signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "is out of memory"),
        ("MISCONF Redis is configured to save RDB snapshots, but", "cannot save its data"),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas follow it"),
        ("READONLY You can't write against a read only replica.", "is a replica"),
        ("NOPERM this user has no permissions", "does not permit this user"),
        ("The user executing the script can't run this command or subcommand", "does not permit this user"),
        ("ERR something new", "answered an error (FAILED a:{b}:c : ERR something new)"),
    ],
)
def test_what_a_script_meets(error, words):
    """What a server says to a command of a script is no sign that its data cannot be read."""
    assert words in link_module._problem(ResponseError(f"FAILED a:{{b}}:c : {error}"), ())


@pytest.mark.parametrize("error", [MovedError("1 here:1"), ClusterDownError("Hash slot not served")])
def test_a_node_of_a_cluster(error):
    """A node of a cluster that keeps other keys is none for a state."""
    assert "is a node of a cluster" in link_module._problem(error, ())


async def test_a_replica(own, state):
    """A replica takes no writes, whether it was one from the beginning or has become one."""
    await call(shared_limiter_of(state, WINDOW))
    own.server.ask("REPLICAOF", "127.0.0.1", "1")
    words = await refusals(state)
    with own.open() as other:
        words += await refusals(other)

    assert ["is a replica and takes no writes; use the URL of the primary" in w for w in words] == [True] * 10


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_server_that_deletes_keys(policy, own):
    """A server that may delete nonces and orders when its memory is full is none for a state."""
    own.server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    with own.open() as state:
        words = await refusals(state)

    assert [True] * 5 == [f"maxmemory-policy {policy}); set maxmemory-policy noeviction" in w for w in words]


async def test_a_server_that_begins_to_delete_keys(own, state, caplog):
    """A policy that is changed while hosts are connected is noticed within a second, and counts as a loss of writes."""
    limiter, clock = shared_limiter_of(state, WINDOW), own.options["clock"]
    await call(limiter, in_order=True)
    own.server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    clock.now += 0.9
    early = await call(limiter)
    clock.now += 0.2
    words = await refusals(state)
    own.server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")

    assert early is None
    assert [True] * 5 == ["maxmemory-policy allkeys-random)" in w for w in words]
    assert isinstance(await enter(limiter), float)
    assert 1 == sum("was one that may delete keys" in message for message in caplog.messages)


async def test_a_policy_and_a_clock_that_was_ahead(own, state):
    """A clock that was set forward for a while does not put off the next look at the policy."""
    limiter, clock = shared_limiter_of(state, WINDOW), own.options["clock"]
    await call(limiter, in_order=True)
    clock.set_server(3600.0)
    with own.open() as fresh:
        await call(shared_limiter_of(fresh, WINDOW))
    own.server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with pytest.raises(StateError, match="maxmemory-policy allkeys-lru"):
        await enter(limiter)


async def test_a_policy_that_is_not_shown(own, monkeypatch):
    """A server that does not show whether it deletes keys is refused."""
    monkeypatch.setattr(scripts, "constants", lambda before=scripts.constants: before() + NO_POLICY)
    with own.open() as state, pytest.raises(StateError, match=r"\(maxmemory-policy unknown\); set"):
        await enter(shared_limiter_of(state, WINDOW))


NO_POLICY = (
    "local server = { call = function(name, ...) return name == 'INFO' and 'x:y' or server.call(name, ...) end }\n"
)


async def test_a_server_without_memory(own, state):
    """A server that is full says so, and nothing is half done."""
    await call(shared_limiter_of(state, WINDOW))
    own.server.ask("CONFIG", "SET", "maxmemory", "1")
    words = await refusals(state, "acquire", "begin")
    own.server.ask("CONFIG", "SET", "maxmemory", "0")

    assert [True, True] == ["is out of memory (maxmemory); give it more" in w for w in words]
    assert not isinstance(await enter(shared_limiter_of(state, WINDOW), in_order=True), float)


async def test_forgotten_scripts(own, state):
    """A server that has forgotten the scripts is sent them again."""
    await call(shared_limiter_of(state, WINDOW))
    own.server.ask("SCRIPT", "FLUSH")

    assert await call(shared_limiter_of(state, WINDOW)) is None


@pytest.mark.parametrize("cut", [0, 1, 20])
async def test_an_answer_that_is_cut(cut, own, tmp_path):
    """A lease that was granted by an answer that never came is released as soon as the server can be asked again."""
    with cutting_proxy(own.server.path) as proxy, own.open(url=f"redis://127.0.0.1:{proxy.port}") as state:
        limiter = shared_limiter_of(state, (1, 10.0))
        await call(limiter, sent=False, in_order=True)
        await _quiet(own, state)
        proxy.cut = cut
        with pytest.raises(StateError, match=r"cannot be reached .*; nothing was sent"):
            await enter(limiter, in_order=True)
        held = own.server.ask("HLEN", own.key("held"))
        await _reported(state)

        assert (1, 0) == (held, own.server.ask("HLEN", own.key("held")))
        assert not isinstance(await enter(limiter, in_order=True), float)


async def _quiet(own, state):
    """Wait until nothing is under way but what the test asks for, whose answer is the one to cut."""
    while not own.server.ask("PUBSUB", "CHANNELS", f"{own.prefix}:*"):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)
    await beat(state)


async def _reported(state):
    host = state._store.host
    while host._owed[host.server(SERVER)]:
        await asyncio.wrap_future(host.thread.ask(lambda: host.report(host.server(SERVER))))


@pytest.mark.parametrize("cut", [0, 20])
async def test_a_record_that_is_cut(cut, own):
    """A call whose record may have been written, but is not sent, leaves no unresolved call."""
    with cutting_proxy(own.server.path) as proxy, own.open(url=f"redis://127.0.0.1:{proxy.port}") as state:
        await call(shared_limiter_of(state, WINDOW), in_order=True)
        await _quiet(own, state)
        proxy.cut = cut
        with pytest.raises(StateError, match="nothing was sent"):
            await state.journal.begin(entry())
        await _reported(state)

        assert () == state.journal.entries(SERVER, KEY)


async def test_an_end_that_is_cut(own):
    """An end whose answer never came is written again, and counts once."""
    with cutting_proxy(own.server.path) as proxy, own.open(url=f"redis://127.0.0.1:{proxy.port}") as state:
        limiter = shared_limiter_of(state, (1, 10.0))
        held = await enter(limiter, in_order=True)
        await _quiet(own, state)
        proxy.cut = 0
        await leave(held, complete=True)
        await _reported(state)

        assert 10 + MARGIN_SECONDS == pytest.approx(await enter(limiter))


async def test_calls_without_a_server_leave_nothing(own, state):
    """Calls that never reached the server owe it nothing: a long outage fills no memory."""
    await call(shared_limiter_of(state, WINDOW))
    own.server.kill()
    host, found = state._store.host, []
    for _ in range(3):
        await refusals(state, "acquire", "begin")
        found.append(len(host._owed[host.server(SERVER)]))

    assert [found[0]] * 3 == found
