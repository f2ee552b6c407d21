"""A file, a clock that stands still, and the states that share the file."""

import os

import pytest

from exchanges.state import FileState
from tests.support.file_states import Clock

# The locks of a file are those of POSIX; without them there is nothing to test but the refusal.
collect_ignore_glob = [] if os.name == "posix" else ["test_file_*.py"]


@pytest.fixture
def path(tmp_path):
    """Return the path of a file that does not exist yet."""
    return tmp_path / "state"


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
def state(path, clock):
    """Open a state."""
    with FileState(path, clock=clock) as state:
        yield state


@pytest.fixture
def other(state, path, clock):
    """Open the same file a second time, as another process does."""
    with FileState(path, clock=clock) as other:
        yield other
