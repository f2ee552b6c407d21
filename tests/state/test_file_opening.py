import subprocess
import sys

import pytest

from exchanges.errors import StateError
from exchanges.state import FileState
from exchanges.state.file import schema
from exchanges.state.file.locks import Locks
from tests.support.damaged_states import use


def test_many_make_it(path):
    """A file that several processes create at the same time is created once."""
    code = "import sys; from exchanges.state import FileState; FileState(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(3)]

    assert [0] * 3 == [child.wait(60) for child in children]

    # Of those that close at the same moment none may be the last, which removes the log and its index.
    FileState(path).close()

    assert sorted(file.name for file in path.parent.iterdir()) == ["state", "state.locks"]


def test_a_maker_that_hangs(path, monkeypatch):
    """A process does not wait for ever for another one that never finishes creating the file."""
    monkeypatch.setattr(schema, "CREATING_SECONDS", 0.02)
    path.with_name("state.locks").mkdir()
    making = Locks(path.with_name("state.locks")).open("making")
    making.acquire()
    with pytest.raises(StateError, match="another process is creating the state"):
        FileState(path)
    making.close()


def test_a_maker_that_died(path):
    """What a process left behind that died while it created the file is replaced."""
    path.with_name("state.new").write_text("half")
    path.with_name("state.new-wal").write_text("half")
    use(path)

    assert not path.with_name("state.new").exists()


WITHOUT_POSIX = """
import sys
from exchanges.errors import StateError
from exchanges.state import FileState
sys.modules["fcntl"] = None
try:
    FileState(sys.argv[1])
except StateError as error:
    sys.exit(7 if "without them use MemoryState" in str(error) else str(error))
"""


def test_without_posix(path):
    """Without POSIX locks the message says so, and what to use instead."""
    ended = subprocess.run([sys.executable, "-c", WITHOUT_POSIX, path], check=False, timeout=60)

    assert 7 == ended.returncode


FORKED = """
import asyncio, os, sys
from exchanges.errors import StateError
from exchanges.limits.limit import Limit, Scope
from exchanges.state import FileState

async def call(state):
    limiter = state.shared_limiter(Limit("test", (), Scope.KEY), "server", "key")
    return await use(limiter)

async def use(limiter):
    lease = await limiter.acquire(in_order=True, leave_reserve=False, least_nonce=5, timeout_seconds=5, call_seconds=5)
    await lease.release(complete=True)
    return lease.nonce

async def settle():
    await state.journal.settle("any", known=None)

state = FileState(sys.argv[1])
limiter = state.shared_limiter(Limit("test", (), Scope.KEY), "server", "key")
asyncio.run(use(limiter))
child = os.fork()
if child == 0:
    for attempt in (
        lambda: state.shared_limiter(Limit("test", (), Scope.KEY), "server", "key"),
        lambda: state.journal.entries("server", "key"),
        lambda: asyncio.run(asyncio.wait_for(use(limiter), 5)),
        lambda: asyncio.run(asyncio.wait_for(settle(), 5)),
    ):
        try:
            attempt()
        except StateError as error:
            assert "belongs to the parent of this process" in str(error), error
        else:
            os._exit(1)  # it did not notice
    state.close()
    with FileState(sys.argv[1]) as own:
        assert asyncio.run(call(own)) == 6
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert asyncio.run(call(state)) == 7
sys.exit(7)
"""


def test_a_child_after_fork(path):
    """A forked child is told to open its own state, can do so, and closing the inherited one has no effect."""
    ended = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", FORKED, path], check=False, timeout=60
    )

    assert 7 == ended.returncode
