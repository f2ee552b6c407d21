import asyncio
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from exchanges.errors import RateLimitTimeout, StateError
from exchanges.state import FileState
from tests.support.file_states import KEY, SERVER, call, enter, shared_limiter_of


@pytest.fixture
async def states(path):
    """Open one file three times, as three processes do."""
    with FileState(path) as one, FileState(path) as two, FileState(path) as three:
        yield one, two, three


async def take(state, **options):
    """Acquire the key lock."""
    return await enter(shared_limiter_of(state), in_order=True, now_ms=1, **options)


async def settled(state):
    """Wait until the worker has run what was posted."""
    await asyncio.sleep(0)
    await state._store.worker.run(lambda: None)


async def waiting(state, **options):
    """Start a call that waits for the key lock."""
    task = asyncio.create_task(take(state, **options))
    await settled(state)
    return task


async def release(lease):
    """Release the lease of a call with a complete answer."""
    await lease.release(complete=True)


async def test_one_at_a_time(states):
    """A call of one process waits until that of another has ended."""
    one, two, _ = states
    first = await take(one)
    second = await waiting(two)
    waited = not second.done()
    await release(first)

    assert (True, 2) == (waited, (await second).nonce)


async def test_keys_do_not_wait_for_each_other(states):
    """Each key has a lock of its own."""
    one, two, _ = states
    held = await take(one)

    assert held.nonce == await call(shared_limiter_of(two, key="another"), in_order=True, now_ms=1)


async def test_calls_without_a_nonce_do_not_wait(states):
    """A call that needs no key lock does not wait for it."""
    one, two, _ = states
    held = await take(one)

    assert (1, None) == (held.nonce, await call(shared_limiter_of(two)))


async def test_no_room_no_key_lock(states):
    """A call that finds no room releases the key lock."""
    one, two, _ = states
    await call(shared_limiter_of(one, (1, 1000.0)))
    wait = await enter(shared_limiter_of(one, (1, 1000.0)), in_order=True)

    assert (True, 1) == (wait > 999, (await take(two)).nonce)


async def test_timeout(states):
    """A call that waits too long for another process gets an error that says so."""
    one, two, _ = states
    held = await take(one)
    with pytest.raises(RateLimitTimeout, match="another call held the lock of this key for more than"):
        await take(two, timeout_seconds=0.5)
    await release(held)

    assert 2 == (await take(two)).nonce


async def test_cancelled_while_waiting(states):
    """A call that is cancelled while it waits for another process neither keeps the key lock nor loses it."""
    one, two, three = states
    first = await take(one)
    second = await waiting(two)
    second.cancel()
    await asyncio.wait([second])
    await release(first)

    assert (True, 2, 3) == (
        second.cancelled(),
        await call(shared_limiter_of(three), in_order=True),
        await call(shared_limiter_of(two), in_order=True),
    )


async def test_handed_to_the_next_call(states):
    """The lock that a cancelled call waited for goes to the next waiting call of the process."""
    one, two, _ = states
    first = await take(one)
    second, third = await waiting(two), await waiting(two)
    second.cancel()
    await asyncio.wait([second])
    await release(first)

    assert 2 == (await third).nonce


async def test_cancelled_with_the_key_lock_in_hand(states):
    """A call that is cancelled just when it was answered releases everything."""
    one, two, _ = states
    limiter = shared_limiter_of(one, (1, 1000.0))
    task = asyncio.create_task(enter(limiter, in_order=True))
    await asyncio.sleep(0)
    one._store.worker.run_blocking(lambda: None)  # the answer is there, the loop has yet to deliver it
    task.cancel()
    await asyncio.wait([task])

    assert (True, 2) == (task.cancelled(), (await enter(shared_limiter_of(two, (1, 1000.0)), in_order=True)).nonce)


async def test_timeout_with_the_key_lock_in_hand(states):
    """An answer that has come counts, even if the time is up before the loop delivers it."""
    one, _, _ = states
    task = asyncio.create_task(take(one, timeout_seconds=0.0))
    await asyncio.sleep(0)
    one._store.worker.run_blocking(lambda: None)

    assert 1 == (await task).nonce


async def test_no_barging(states):
    """A process that releases the lock and wants it again at once is behind those that already wait."""
    one, two, _ = states
    first = await take(one)
    second = await waiting(two)
    key_lock, deadline = one._store._key_locks[SERVER, KEY], time.monotonic() + 60
    while key_lock._line.try_acquire() and time.monotonic() < deadline:  # until the thread of the other stands in line
        key_lock._line.release()
        await asyncio.sleep(0)
    key_lock._key_lock.release()
    barged = key_lock._try_acquire()
    await release(first)

    assert (False, 2) == (barged, (await second).nonce)


async def test_many_calls_in_each_process(states):
    """However many calls wait in however many processes, one holds the lock at a time, and all nonces increase."""
    inside, most, nonces = 0, 0, []

    async def one_call(state):
        nonlocal inside, most
        lease = await take(state)
        inside += 1
        most = max(most, inside)
        nonces.append(lease.nonce)
        await asyncio.sleep(0)
        inside -= 1
        await release(lease)

    await asyncio.gather(*(one_call(state) for state in states for _ in range(20)))

    assert (1, list(range(1, 61))) == (most, nonces)


async def test_closing_while_waiting(states):
    """A state can be closed while a call waits for another process; the lock is released when it is acquired."""
    one, two, three = states
    first = await take(one)
    second = await waiting(two)
    two.close()
    await release(first)
    nonce = await call(shared_limiter_of(three), in_order=True)
    second.cancel()
    await asyncio.wait([second])

    assert (2, True) == (nonce, second.cancelled())


async def test_closing_with_the_key_lock(states):
    """A state that is closed releases the key lock."""
    one, two, _ = states
    held = await take(one)
    one.close()

    assert (1, 2) == (held.nonce, (await take(two)).nonce)


async def test_threads_end(path):
    """The thread that waits for a key lock ends with its state."""
    with FileState(path) as one, FileState(path) as two:
        first = await take(one)
        second = await waiting(two)
        await release(first)
        await release(await second)
    for thread in threading.enumerate():
        if thread.name.startswith("exchanges-"):
            thread.join(10)

    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("exchanges-")]


CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.intents import Intent
from exchanges.state import Entry, FileState

async def hold():
    state = FileState(sys.argv[1])
    limiter = state.shared_limiter(Limit("test", (Window(1, 10.0),), Scope.KEY), sys.argv[2], sys.argv[3])
    if sys.argv[4] == "wait":
        asyncio.get_running_loop().call_later(0.2, sys.exit, 7)
        print("ready", flush=True)
    held = await limiter.acquire(in_order=True, leave_reserve=False, least_nonce=5, timeout_seconds=60, call_seconds=60)
    intent = Intent("fourth.trading.create_order", {"amount": "1"}, datetime.now(UTC))
    await state.journal.begin(Entry(sys.argv[2], sys.argv[3], intent, str(held.nonce), "same"))
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(hold())
"""


def child(path, what, code=CHILD):
    """Start a process that acquires everything and holds it, or waits for it; return it once it does."""
    command = [sys.executable, "-c", code, path, SERVER, KEY, what]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


async def test_a_killed_process(path):
    """A killed process releases the key lock; its slot cools down and its call stays in the journal."""
    now = time.monotonic()
    with FileState(path, clock=lambda: now) as state, child(path, "hold") as process:
        waits = await waiting(state)
        (listed,) = state.journal.entries(SERVER, KEY)
        process.kill()
        process.wait()
        nonce = (await waits).nonce
        (left,) = state.journal.entries(SERVER, KEY)
        room = await enter(shared_limiter_of(state, (1, 10.0)))

    assert (True, False, 6, "5", None, True) == (
        listed.is_under_way,
        left.is_under_way,
        nonce,
        left.nonce,
        left.ended_at,
        room > 35,
    )


FORKING = """
import asyncio, os, sys
from exchanges.limits.limit import Limit, Scope
from exchanges.state import FileState

async def hold():
    state = FileState(sys.argv[1])
    limiter = state.shared_limiter(Limit("test", (), Scope.KEY), sys.argv[2], sys.argv[3])
    held = await limiter.acquire(in_order=True, leave_reserve=False, least_nonce=5, timeout_seconds=60, call_seconds=60)
    if os.fork() == 0:
        print("ready", flush=True)
        sys.stdin.read()
    os._exit(held.nonce)

asyncio.run(hold())
"""


async def test_a_child_holds_nothing(path):
    """A forked child does not keep the locks of its parent when the parent dies."""
    with child(path, "fork", FORKING) as process:
        process.wait()
        with FileState(path) as state:
            nonce = (await take(state, timeout_seconds=60.0)).nonce
            signs = list(path.parent.glob("state.locks/alive-*"))

    assert (5, 6, 1) == (process.returncode, nonce, len(signs))


def test_a_loop_that_is_closed_while_waiting(path):
    """A call whose loop is closed while it waits does not keep the lock that it is granted."""

    async def end(held):
        await release(held)
        return await call(shared_limiter_of(one), in_order=True)

    with FileState(path) as one, FileState(path) as two, closing(asyncio.new_event_loop()) as open_loop:
        held = open_loop.run_until_complete(take(one))
        loop = asyncio.new_event_loop()
        task = loop.create_task(take(two))
        loop.run_until_complete(settled(two))
        loop.close()

        assert (False, 2) == (task.done(), open_loop.run_until_complete(end(held)))


async def test_exit_while_waiting(path):
    """A process that waits for the key lock of another one can exit at any time."""
    with FileState(path) as state:
        held = await take(state)
        with child(path, "wait") as process:
            ended = process.wait(60)

    assert (1, 7) == (held.nonce, ended)


async def test_a_state_of_its_own_kind_of_error(states):
    """An error of the file reaches a call that waited for the key lock."""
    one, two, _ = states
    first = await take(one)
    second = await waiting(two)
    two._store.path.rename(two._store.path.with_name("away"))
    await release(first)
    with pytest.raises(StateError, match="was deleted or replaced"):
        await second


# Cancels pass


async def test_a_cancel_passes_the_key_lock(states):
    """A cancel that has waited long enough is granted a lease without the key lock, with a nonce of its own."""
    one, two, three = states
    held = await take(one)
    waits = await waiting(three)
    cancel = await take(two, is_cancel=True, overtake_seconds=0.0)
    await release(cancel)
    blocked = not waits.done()
    await release(held)

    assert (1, 2, True, 3) == (held.nonce, cancel.nonce, blocked, (await waits).nonce)


async def test_a_cancel_passes_within_a_process(states):
    """It passes the calls of its own process, too, and those go on in their order."""
    one, _, _ = states
    held = await take(one)
    waits = await waiting(one)
    cancel = await take(one, is_cancel=True, overtake_seconds=0.0)
    await release(held)
    nonce = (await waits).nonce
    await release(cancel)

    assert (2, 3) == (cancel.nonce, nonce)


async def test_a_cancel_that_gets_the_key_lock_keeps_it(states):
    """A cancel that got the key lock in time does not pass anything."""
    one, two, _ = states
    cancel = await take(one, is_cancel=True, overtake_seconds=0.0)
    await settled(one)
    waits = await waiting(two)
    blocked = not waits.done()
    await release(cancel)

    assert (True, 2) == (blocked, (await waits).nonce)
