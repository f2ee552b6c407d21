import subprocess
import sys

import pytest

SETUP = """
import asyncio, os, sys, threading
from exchanges.errors import StateError
from exchanges.limits.limit import Limit, Scope
from exchanges.state import FileState

def nonce(state):
    async def use():
        limiter = state.shared_limiter(Limit("test", (), Scope.KEY), "server", "key")
        lease = await limiter.acquire(
            in_order=True, leave_reserve=False, least_nonce=5, timeout_seconds=5, call_seconds=5
        )
        await lease.release(complete=True)
        return lease.nonce
    return asyncio.run(use())

def run_in_child(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child

def require_success(child):
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

state = FileState(sys.argv[1])
assert nonce(state) == 5
"""

CHILD_OUTLIVES = """
used, parent_may_close = os.pipe()
closed, child_may_go_on = os.pipe()

def child():
    with FileState(sys.argv[1]) as own:
        assert nonce(own) == 6
        os.write(parent_may_close, b"x")
        os.read(closed, 1)
        assert nonce(own) == 7

process = run_in_child(child)
os.read(used, 1)
state.close()
os.write(child_may_go_on, b"x")
require_success(process)
assert nonce(FileState(sys.argv[1])) == 8
"""

FORK_IN_A_TRANSACTION = """
database = state._store._database
writes, forks = threading.Event(), threading.Event()
before_fork = database.before_fork

def announce():
    forks.set()
    before_fork()

def write():
    with database.writing() as data:
        data.execute("UPDATE generations SET generation = generation")
        writes.set()
        forks.wait(30)

def child():
    with FileState(sys.argv[1]) as own:
        assert nonce(own) == 6

database.before_fork = announce
writer = threading.Thread(target=write)
writer.start()
writes.wait()
require_success(run_in_child(child))
writer.join()
assert nonce(state) == 7
"""

LOST_MEANWHILE = """
import shutil
shutil.copy(sys.argv[1], sys.argv[1] + ".older")
assert nonce(state) == 6
child = run_in_child(lambda: None)
require_success(child)
os.replace(sys.argv[1] + ".older", sys.argv[1])
try:
    nonce(state)
except StateError as error:
    assert "deleted or replaced" in str(error), error
else:
    sys.exit("not noticed")
"""

READ_FIRST = """
require_success(run_in_child(lambda: None))
assert not state.journal.entries("server", "key")
assert nonce(state) == 6
"""


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(CHILD_OUTLIVES, id="the child writes after its parent has closed"),
        pytest.param(FORK_IN_A_TRANSACTION, id="the fork comes in the middle of a transaction"),
        pytest.param(LOST_MEANWHILE, id="the file is replaced after the fork"),
        pytest.param(READ_FIRST, id="the parent reads before it writes"),
    ],
)
def test_forks(path, steps):
    """Parent and child use the file after a fork like two processes that never knew each other."""
    ended = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", SETUP + steps, path],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )

    assert (0, "") == (ended.returncode, ended.stderr)
