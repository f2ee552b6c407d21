"""A file that is locked, a lock that is refused, a holder that is late: nobody waits longer than their deadline."""

import asyncio
import errno
import fcntl
import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

from exchanges.errors import RateLimitTimeout, StateError
from exchanges.limits.lockouts import Refusal
from exchanges.state import FileState
from exchanges.state import leases as leases_module
from exchanges.state.file import key_lock as key_lock_module
from exchanges.state.file import store as store_module
from tests.support.file_states import call, enter, leave, settled, shared_limiter_of


@contextmanager
def locked(path):
    """Lock the file as another program does."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as data:
        data.execute("BEGIN IMMEDIATE")
        yield data


@contextmanager
def stuck(state):
    """Stop the worker, as a file that is locked or a disk that hangs does, until the block ends."""
    free = threading.Event()
    state._store.worker.post(free.wait)
    try:
        yield
    finally:
        free.set()


async def test_an_answer_does_not_wait_for_the_file(path, state, other):
    """The end of a call is written while its caller goes on, however long the file is locked."""
    lease = await enter(shared_limiter_of(state, (1, 1000.0)))
    with stuck(state):
        await lease.release(complete=True, sent=False)
    await state._store.worker.run(lambda: None)

    assert await call(shared_limiter_of(other, (1, 1000.0))) is None


async def test_what_a_call_waits_for_is_named(path, state):
    """A call that the file kept waiting until its deadline says so, and blames no other call."""
    with stuck(state), pytest.raises(StateError, match=r"could not be written within 0\.0 s; look for another program"):
        await enter(shared_limiter_of(state), in_order=True, timeout_seconds=0.01)
    held = await enter(shared_limiter_of(state), in_order=True)
    with pytest.raises(RateLimitTimeout, match="another call held the lock of this key"):
        await enter(shared_limiter_of(state), in_order=True, timeout_seconds=0.5)

    assert held.nonce == 1


async def test_who_is_gone_is_not_served(state):
    """A call whose deadline passed while the file was locked does not wait for it afterwards."""
    with stuck(state), pytest.raises(StateError):
        await enter(shared_limiter_of(state, (5, 1.0)), timeout_seconds=0.01)
    generation = state._store._database._generation
    await state._store.worker.run(lambda: None)

    assert generation == state._store._database._generation


async def test_a_queue_waits_for_a_locked_file_once(path, state):
    """While the file is known to be locked, what queues up fails soon, and waits as usual afterwards."""
    writer = state._store._database._writer
    writer.execute("PRAGMA busy_timeout = 1")
    seen = []
    with locked(path) as data:
        for _ in range(2):
            with pytest.raises(StateError, match="is locked by another program"):
                await call(shared_limiter_of(state))
            seen += writer.execute("PRAGMA busy_timeout").fetchone()
        data.execute("ROLLBACK")
    await call(shared_limiter_of(state))
    seen += writer.execute("PRAGMA busy_timeout").fetchone()

    assert [100, 100, 5000] == seen


# Locks that the system refuses


class Refusing:
    """The lock calls of the system, some of which fail."""

    LOCK_EX, LOCK_SH, LOCK_NB, LOCK_UN = fcntl.LOCK_EX, fcntl.LOCK_SH, fcntl.LOCK_NB, fcntl.LOCK_UN

    def __init__(self):
        self.refused = set()
        self.passes = 0  # so many before the first that is refused

    def flock(self, number, operation):
        """Lock, or fail."""
        if operation in self.refused:
            self.passes -= 1
            if self.passes < 0:
                raise OSError(errno.ENOLCK, "No locks available")
        fcntl.flock(number, operation)


@pytest.fixture
def system(monkeypatch):
    """Return the lock calls of the system."""
    refusing = Refusing()
    monkeypatch.setattr("exchanges.state.file.locks.fcntl", refusing)
    return refusing


REFUSED = r"could not be locked in .*state\.locks \(No locks available\); call again; nothing was sent"


async def test_a_lock_that_is_refused(system, state, other):
    """A call that is refused the lock of its key says so; the next one gets it."""
    system.refused.add(fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(StateError, match=REFUSED):
        await enter(shared_limiter_of(state), in_order=True)
    system.refused.clear()

    assert [1, 2] == [await call(shared_limiter_of(s), in_order=True) for s in (other, state)]


@pytest.mark.parametrize("passes", [0, 1])
async def test_a_lock_that_is_refused_while_waiting(passes, system, state, other):
    """All that wait for a lock get the error of the thread that waits; the next one gets the lock, in any process."""
    held = await enter(shared_limiter_of(other), in_order=True)
    system.passes = passes  # the place at the head of the line, then the lock of the key
    system.refused.add(fcntl.LOCK_EX)
    waits = [enter(shared_limiter_of(state), in_order=True) for _ in range(3)]
    answers = await asyncio.gather(*waits, return_exceptions=True)
    system.refused.clear()
    await leave(held, complete=True)
    nonces = [await call(shared_limiter_of(s), in_order=True) for s in (other, state)]

    assert ([StateError] * 3, [2, 3]) == ([type(answer) for answer in answers], nonces)


async def test_a_thread_that_cannot_start(state, other, monkeypatch):
    """Where no thread can be started to wait, the call says so, and the key is not lost."""
    held = await enter(shared_limiter_of(other), in_order=True)

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(key_lock_module.threading.Thread, "start", refuse)
        with pytest.raises(StateError, match=r"could not be locked.*can't start new thread"):
            await enter(shared_limiter_of(state), in_order=True)
    await leave(held, complete=True)

    assert 2 == await call(shared_limiter_of(state), in_order=True)


async def test_an_unlock_that_is_refused(system, state, other):
    """A lock that the system does not release is released all the same."""
    system.refused.add(fcntl.LOCK_UN)
    nonces = [await call(shared_limiter_of(s), in_order=True) for s in (state, other, state)]

    assert [1, 2, 3] == nonces


# Holders that are late


async def test_a_late_holder(state, other, clock):
    """A lease that nobody released ends as lost some seconds after the deadline of its call, for all processes."""
    held = await enter(shared_limiter_of(state, (2, 10.0)), in_order=True, timeout_seconds=2.0)
    second = asyncio.create_task(enter(shared_limiter_of(other, (2, 10.0)), in_order=True))
    seen = []
    for seconds in (0.0, 6.0, 1.1):
        clock.now += seconds
        for _ in range(2):  # what runs after the first is done before the second
            await state._store.worker.run(lambda: None)
        seen.append(held._record in state._store._leases)
    nonce = (await second).nonce
    await leave(held, complete=True, sent=False, floor=1000)  # it comes back after all

    assert ([True, True, False], 2) == (seen, nonce)
    assert (pytest.approx(40.001),) == shared_limiter_of(other, (2, 10.0)).headroom().next_free_seconds


async def test_a_call_that_had_to_be_sent_soon(state, clock):
    """A lease lasts as long as its call may take, however soon that had to be sent."""
    limiter = shared_limiter_of(state, (2, 10.0))
    held = await enter(limiter, in_order=True, timeout_seconds=2.0, call_seconds=30.0)
    seen = []
    for seconds in (20.0, 15.1):
        clock.now += seconds
        for _ in range(2):  # what runs after the first is done before the second
            await settled(limiter)
        seen.append(held._record in state._store._leases)

    assert [True, False] == seen


async def test_a_try_of_a_process_that_is_stopped(state, other, clock):
    """The call that goes first after a lockout holds the others up until some seconds after its deadline at most."""
    one, two = (shared_limiter_of(s, (50, 1.0)) for s in (state, other))
    await call(one, refusal=Refusal(60.0))
    clock.now += 60
    first = await enter(one, timeout_seconds=2.0)
    with stuck(state):
        clock.now += 6.0
        before = await enter(two)
        clock.now += 1.1
        second = await enter(two, timeout_seconds=2.0)

    assert (0.5, 1, 1) == (before, first.refusals, second.refusals)


async def test_the_sweep_needs_no_call(path, monkeypatch):
    """A late holder is found although no call of its process follows."""
    monkeypatch.setattr(store_module, "SWEEP_SECONDS", 0.001)
    monkeypatch.setattr(leases_module, "LATE_SECONDS", -30.0)
    with FileState(path) as state, FileState(path) as other:
        held = await enter(shared_limiter_of(state), in_order=True, timeout_seconds=30.0)

        assert (1, 2) == (held.nonce, await call(shared_limiter_of(other), in_order=True))
