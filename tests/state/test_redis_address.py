"""What a URL of a state may be, and that nothing secret in it is shown."""

import importlib.util
import traceback

import pytest

from exchanges.errors import StateError, UsageError
from exchanges.state import FileState, MemoryState, RedisState
from exchanges.state.redis import link
from exchanges.state.redis.address import parse
from tests.support.file_states import KEY, SERVER

FORM = "RedisState needs a URL such as"


@pytest.mark.parametrize(
    ("url", "name", "options"),
    [
        ("redis://here", "redis://here:6379/0", {"host": "here", "port": 6379, "db": 0}),
        ("redis://here:1/2", "redis://here:1/2", {"host": "here", "port": 1, "db": 2}),
        ("redis://:p%40ss@here/", "redis://here:6379/0", {"password": "p@ss"}),
        ("redis://me:pass@[::1]:7/1", "redis://[::1]:7/1", {"host": "::1", "username": "me", "password": "pass"}),
        ("rediss://here?ssl_ca_certs=/a.pem", "rediss://here:6379/0", {"ssl_ca_certs": "/a.pem"}),
        ("rediss://here", "rediss://here:6379/0", {"ssl_cert_reqs": "required", "ssl_check_hostname": True}),
        ("unix://me:pass@/run/s", "unix:///run/s?db=0", {"username": "me", "password": "pass", "path": "/run/s"}),
        ("unix:///run/a%40b", "unix:///run/a%40b?db=0", {"path": "/run/a@b"}),
        ("redis://me:p@ss%2F@here", "redis://here:6379/0", {"username": "me", "password": "p@ss/"}),
        ("unix:///run/a%20b?db=3", "unix:///run/a%20b?db=3", {"path": "/run/a b", "db": 3}),
    ],
)
def test_urls(url, name, options):
    """Server, database, user and password are taken from the URL; messages name the server and the database."""
    address = parse(url)

    assert (name, options) == (address.name, {key: address.options()[key] for key in options})


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "here:6379",
            "http://here",
            "redis://",
            "redis:///0",
            "redis://:zQ7@",
            "redis://here:zQ7",
            "redis://here/zQ7",
        ),
        *(
            "redis://me:zQ7/x@here",
            "redis://me:zQ7#x@here",
            "redis://me:zQ7?x@here",
            "redis://me:1/zQ7@here",
            None,
            b"x",
        ),
        *("redis://here?ssl_cert_reqs=none", "rediss://here?ssl_cert_reqs=none", "redis://here?password=zQ7", 7, str),
        *(
            "unix://here/run",
            "unix://run",
            "unix:///run?db=zQ7",
            "unix:///run?decode=1",
            "redis://he re",
            "redis://here/-1",
        ),
        *("unix:///run/me:zQ7@here", "unix://me:1/zQ7@/run", "unix://:7/zQ7@/run", "unix://:7/zQ7", "unix://me:zQ7"),
        *("redis://me:zQ7@[::1", "redis://[zQ7]/0", "redis://me:zQ7@here?db=1", "unix:///run?password=zQ7"),
        "rediss://here?ssl_ca_certs=a&ssl_ca_certs=zQ7",
    ],
)
def test_what_is_no_url(url):
    """Anything else is refused, without a word of it: what is not encoded may be part of a password."""
    with pytest.raises(UsageError, match=FORM) as caught:
        RedisState(url)
    caught.value.__traceback__ = caught.value.__traceback__.tb_next  # without the frame of this test
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())

    assert ("zQ7" not in shown, "RedisState('')" in shown) == (True, True)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("prefix", ["", "a b", "a{b}", "a" * 65, None, 7])
def test_what_is_no_prefix(prefix):
    """A prefix is short and has no braces, which decide where a cluster keeps a key."""
    with pytest.raises(UsageError, match="prefix must be"):
        RedisState("redis://here", prefix=prefix)


@pytest.mark.parametrize("seconds", [0, -1, 61, True, "1", float("nan"), float("inf")])
def test_what_is_no_timeout(seconds):
    """A step ends in a minute at most."""
    with pytest.raises(UsageError, match="timeout_seconds of RedisState must be"):
        RedisState("redis://here", timeout_seconds=seconds)


def test_without_the_extra(monkeypatch):
    """Without redis-py the error names the extra."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"install aioexchanges\[redis\]"):
        RedisState("redis://here")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://zQ7:zQ7@here/4", "redis://here:6379/4"),
        ("rediss://:zQ7@[::1]:7?ssl_keyfile=/zQ7", "rediss://[::1]:7/0"),
        ("redis://z%517:%7aQ7@here", "redis://here:6379/0"),
        ("unix://zQ7:zQ7@/run/s", "unix:///run/s?db=0"),
    ],
)
def test_repr(url, name):
    """A state, its limiters and its journal show the server, and neither user nor password."""
    state = RedisState(url)

    assert (f"RedisState({name!r})", f"RedisJournal({name!r})") == (repr(state), repr(state.journal))
    assert "zQ7" not in repr([vars(state), vars(state._store), vars(state._store.host), state._store.host.link])


@pytest.mark.parametrize(
    ("kind", "shown"), [(RedisState, "RedisState('')"), (FileState, "FileState('')"), (MemoryState, "MemoryState([])")]
)
def test_repr_of_a_state_that_was_not_built(kind, shown):
    """A traceback may show a state whose constructor failed."""
    assert shown == repr(kind.__new__(kind))


def test_closed():
    """A state that was closed says so; closing one that was never used, or twice, does nothing."""
    with RedisState("redis://here") as state:
        pass
    state.close()
    with pytest.raises(StateError, match="the state at redis://here:6379/0 is closed"):
        state.journal.entries(SERVER, KEY)


GOOD = {"redis_version": "7.2.4", "role": "master", "run_id": "a"}


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, ""),
        ({"redis_version": "6.2.0"}, ""),
        ({"redis_version": "6.0.16"}, "has version 6.0.16"),
        ({"redis_version": ""}, "has version unknown"),
        ({"role": "slave"}, "is a replica"),
        ({"run_id": ""}, "does not show its run_id"),
    ],
)
def test_which_servers_will_do(facts, words):
    """A server is refused that is too old, a replica, or does not show its restarts."""
    lines = "".join(f"{name}:{value}\r\n" for name, value in (GOOD | facts).items())

    assert words in link._fault(b"# Server\r\n" + lines.encode(), ())
    assert bool(words) is bool(link._fault(lines.encode(), ()))
