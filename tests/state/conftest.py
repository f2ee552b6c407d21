"""What keeps the states of a test, a clock that stands still, and states that share what is kept."""

import os

import pytest

from exchanges.state import FileState
from tests.support.file_states import SERVER, Clock
from tests.support.redis_servers import NOWHERE, executable, redis_server
from tests.support.redis_states import LEASE_SECONDS, Shelf, StillClock, stop_clocks

# The locks of a file are those of POSIX; without them there is nothing to test but the refusal.
collect_ignore_glob = [] if os.name == "posix" else ["test_file_*.py", "test_shared_*.py"]


@pytest.fixture
def kind(request):
    """Return what keeps the state: a file, unless a module states its `KIND` or asks for more."""
    return getattr(request.module, "KIND", "file")


@pytest.fixture
def path(tmp_path):
    """Return the path of a file that does not exist yet."""
    return tmp_path / "state"


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    """Run a server for all tests that do not break it."""
    if executable() is None:
        pytest.skip(NOWHERE)
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def shelf(redis):
    """Return where the states of a test are on the server."""
    return Shelf(redis)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Run a server of its own, whose clock stands still."""
    if executable() is None:
        pytest.skip(NOWHERE)
    stop_clocks(monkeypatch)
    monkeypatch.setattr("exchanges.state.redis.link.PAUSE_SECONDS", 0.0)
    with redis_server(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        shelf = Shelf(server)
        shelf.settle(SERVER)
        shelf.options["clock"] = StillClock(server, shelf.prefix)
        yield shelf


@pytest.fixture
def lease_seconds(request):
    """Return after how long a server takes hosts for dead: the module's `LEASE_SECONDS`, or long."""
    return getattr(request.module, "LEASE_SECONDS", LEASE_SECONDS)


@pytest.fixture
def clock(kind, lease_seconds, request, monkeypatch):
    """Return a clock that stands still."""
    if kind == "file":
        return Clock()
    shelf = request.getfixturevalue("shelf")
    stop_clocks(monkeypatch, lease_seconds)
    shelf.settle()
    return StillClock(shelf.server, shelf.prefix)


@pytest.fixture
def open_state(kind, path, clock, request):
    """Return what opens the state, each time as another process does."""
    if kind == "file":
        return lambda: FileState(path, clock=clock)
    shelf = request.getfixturevalue("shelf")
    return lambda: shelf.open(clock=clock)


@pytest.fixture
def state(open_state):
    """Open a state."""
    with open_state() as state:
        yield state


@pytest.fixture
def other(state, open_state):
    """Open the same a second time, as another process does."""
    with open_state() as other:
        yield other


@pytest.fixture
def both(state, other):
    """Return two hosts."""
    return state, other
