import asyncio
import gc
import math
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from exchanges.errors import StateError
from exchanges.limits.lockouts import Refusal
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state import FileState
from exchanges.state.file import seals
from exchanges.state.leases import LeaseWaiter
from tests.support.file_states import KEY, SERVER, Clock, call, enter, limit_of, shared_limiter_of

# Boots and dead processes


@pytest.fixture
def booted(tmp_path, monkeypatch):
    """Simulate a boot of the system; return a function that boots it again."""
    file = tmp_path / "boot_id"
    monkeypatch.setattr(seals, "BOOT", file)

    def boot(name):
        file.write_text(f"{name}\n")

    boot("first")
    return boot


@pytest.mark.parametrize("now", [3.0, 1000.0, 10**7])
async def test_another_boot(now, path, booted):
    """After another boot a cooling slot cools from the first opening on: W + 30 seconds at most, and no less."""
    with FileState(path, clock=Clock()) as state:
        await call(shared_limiter_of(state, (1, 10.0)))
    booted("second")
    with FileState(path, clock=Clock(now)) as state:
        wait = await call(shared_limiter_of(state, (1, 10.0)))

    assert pytest.approx(10 + LOST_SECONDS + MARGIN_SECONDS, abs=1e-6) == wait


async def test_the_same_boot(path, booted):
    """A state that is opened again in the same boot knows exactly how long slots cool down."""
    for _ in range(2):
        with FileState(path, clock=Clock(1000.0)) as state:
            wait = await call(shared_limiter_of(state, (1, 10.0)))

    assert pytest.approx(10 + MARGIN_SECONDS) == wait


async def test_boots_without_names(path, monkeypatch, tmp_path):
    """Where boots have no ids, a clock that started again frees nothing early, and little late."""
    monkeypatch.setattr(seals, "BOOT", tmp_path / "missing")
    with FileState(path, clock=Clock(10**6)) as state:
        await call(shared_limiter_of(state, (1, 10.0)))
    with FileState(path, clock=Clock(3.0)) as state:
        wait = await call(shared_limiter_of(state, (1, 10.0)))

    assert pytest.approx(10 + LOST_SECONDS + MARGIN_SECONDS) == wait


async def test_a_lockout_and_boots_without_names(path, monkeypatch, tmp_path):
    """Where boots have no ids, a lockout of a clock that started again lasts no longer than the exchange demanded."""
    monkeypatch.setattr(seals, "BOOT", tmp_path / "missing")
    with FileState(path, clock=Clock(10**6)) as state:
        await call(shared_limiter_of(state, (5, 1.0)), refusal=Refusal(60.0))
    with FileState(path, clock=Clock(3.0)) as state:
        wait = await call(shared_limiter_of(state, (5, 1.0)))

    assert 60.0 == wait


async def test_a_lockout_and_another_boot(path, booted):
    """After another boot a lockout lasts no longer than the exchange demanded."""
    with FileState(path, clock=Clock(10**6)) as state:
        await call(shared_limiter_of(state, (5, 1.0)), refusal=Refusal(60.0))
    booted("second")
    with FileState(path, clock=Clock(3.0)) as state:
        wait = await call(shared_limiter_of(state, (5, 1.0)))

    assert 60.0 == wait


async def test_a_lockout_outlives_its_process(path, clock):
    """The longest lockout holds for a process that starts meanwhile."""
    with FileState(path, clock=clock) as state:
        limiter = shared_limiter_of(state, (5, 1.0))
        slow = await enter(limiter)
        await call(limiter, refusal=Refusal(60.0))
        await slow.release(complete=True, refusal=Refusal(1.0))
    clock.now += 20
    with FileState(path, clock=clock) as state:
        wait = await call(shared_limiter_of(state, (5, 1.0)))

    assert 40.0 == wait


async def test_a_lockout_that_is_over_stays_over(path, booted, clock):
    """A lockout that ended does not come back with another boot."""
    with FileState(path, clock=clock) as state:
        await call(shared_limiter_of(state, (5, 1.0)), refusal=Refusal(60.0))
        clock.now += 61
        await call(shared_limiter_of(state, (5, 1.0)), is_judged=True)
    booted("second")
    with FileState(path, clock=Clock(3.0)) as state:
        wait = await call(shared_limiter_of(state, (5, 1.0)))

    assert wait is None


async def test_a_dead_process(state, path, clock):
    """The calls of a dead process end as lost when another process notices."""
    with FileState(path, clock=clock) as dead:
        held = await enter(shared_limiter_of(dead, (1, 10.0)))
    clock.now += 5

    assert pytest.approx(10 + LOST_SECONDS + MARGIN_SECONDS) == await enter(shared_limiter_of(state, (1, 10.0))), held


async def test_a_living_process(state, other, clock):
    """The slots of a call in flight in a living process are not freed before its deadline, however far that is."""
    held = await enter(shared_limiter_of(other, (1, 10.0)), timeout_seconds=math.inf)
    clock.now += 10**6

    assert 1.0 == await enter(shared_limiter_of(state, (1, 10.0))), held


# Ends


async def test_leaving_twice(state):
    """Releasing a second time does nothing."""
    limiter = shared_limiter_of(state, (1, 10.0))
    lease = await enter(limiter)
    await lease.release(complete=True)
    await lease.release(complete=True, sent=False)

    assert isinstance(await enter(limiter), float)


async def test_a_passage_that_is_forgotten(state):
    """A lease that nobody releases ends as lost when it is collected, and the key lock is released."""
    limiter = shared_limiter_of(state, (2, 10.0))
    lease = await enter(limiter, in_order=True, now_ms=5)
    del lease
    gc.collect()

    assert 6 == (await enter(limiter, in_order=True)).nonce


def test_a_loop_that_is_gone(path):
    """A lease whose loop was closed ends as lost when a call of another loop arrives."""
    kept = []

    async def use(limiter):
        kept.append(await enter(limiter, in_order=True, now_ms=5))
        return kept[-1].nonce

    with FileState(path) as state:
        nonces = [asyncio.run(use(shared_limiter_of(state, (5, 10.0)))) for _ in range(2)]

    assert [5, 6] == nonces


async def test_an_answer_that_nobody_waits_for(state):
    """A lease that is granted after its caller was cancelled is released."""
    limiter, loop = shared_limiter_of(state, (1, 10.0)), asyncio.get_running_loop()
    waiter = LeaseWaiter(
        limiter._request,
        loop,
        loop.create_future(),
    )
    state._store.worker.post(waiter.cancel)
    state._store.worker.post(lambda: state._store.acquire(waiter))

    assert (None, False) == (await call(limiter), waiter.future.done())


async def test_a_fault_of_our_own(state, monkeypatch, caplog):
    """An internal error of the state reaches the caller, and the state continues."""
    limiter, acquire = shared_limiter_of(state), state._store._slots.acquire
    monkeypatch.setattr(state._store._slots, "acquire", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await enter(limiter, in_order=True, now_ms=5)
    monkeypatch.setattr(state._store._slots, "acquire", acquire)
    state._store.worker.post(lambda: 1 / 0)

    assert (5, "internal error in the state") == (await call(limiter, in_order=True, now_ms=5), caplog.messages[-1])


async def test_leaving_while_the_caller_is_cancelled(state):
    """A release is written even if the caller is cancelled meanwhile."""
    limiter = shared_limiter_of(state, (1, 10.0))
    lease = await enter(limiter)
    leaving = asyncio.ensure_future(lease.release(complete=True))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])

    assert 10.0 < await enter(limiter) < 11.0


def _open_files():
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_closing_leaves_nothing(path):
    """After closing there are no threads, no open files and no process marker."""
    before = _open_files(), threading.active_count()
    state = FileState(path)
    asyncio.run(call(shared_limiter_of(state), in_order=True))
    state.close()
    state.close()

    assert (*before, []) == (_open_files(), threading.active_count(), list(path.parent.glob("state.locks/alive-*")))


def test_a_state_that_is_forgotten(path):
    """A state that is garbage collected closes itself."""
    threads = threading.active_count()
    asyncio.run(call(shared_limiter_of(FileState(path)), in_order=True))
    gc.collect()

    assert threads == threading.active_count()


@pytest.mark.parametrize(
    "use",
    [
        lambda state, limiter, lease: shared_limiter_of(state),
        lambda state, limiter, lease: enter(limiter),
        lambda state, limiter, lease: lease.release(complete=True),
        lambda state, limiter, lease: state.journal.entries(SERVER, KEY),
        lambda state, limiter, lease: state.journal.settle("any", known=None),
    ],
    ids=["limiter", "enter", "leave", "entries", "settle"],
)
async def test_after_closing(use, path):
    """A closed state raises an error that says so."""
    state = FileState(path)
    limiter = shared_limiter_of(state)
    lease = await enter(limiter)
    state.close()
    with pytest.raises(StateError, match="is closed; open it again"):
        await use(state, limiter, lease)


def test_repr(path):
    """A state shows only its path."""
    with FileState(path) as state:
        shown = [repr(state), repr(shared_limiter_of(state)), repr(state.journal)]

    assert [
        f"FileState('{path}')",
        f"LeasingLimiter(test: FileState('{path}'))",
        f"FileJournal('{path}')",
    ] == shown


def test_limiters_are_those_of_the_process(path):
    """Within the process a state shares limiters, and what belongs to a key, like one in memory."""
    with FileState(path) as state:
        limit = limit_of((1, 1.0))
        limiter = state.limiter(limit, SERVER, KEY)
        limiter.users = 1

        assert (limiter, state.shared(SERVER, KEY, object)) == (
            state.limiter(limit, SERVER, KEY),
            state.shared(SERVER, KEY, object),
        )


async def test_files_are_for_this_user_alone(path, clock):
    """The files can be read by this user only."""
    before = os.umask(0)
    try:
        with FileState(path, clock=clock) as state:
            await call(shared_limiter_of(state, (1, 1.0)), in_order=True)
            files = [file for file in path.parent.rglob("*") if file.is_file()]
            modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
    finally:
        os.umask(before)

    assert ({0o600}, True) == (modes, len(files) > 5)


def test_any_name(tmp_path):
    """The name of the file may contain any character."""
    path = tmp_path / "sta te?mode=ro#%41é"
    with FileState(path) as state:
        nonce = asyncio.run(call(shared_limiter_of(state), in_order=True, now_ms=5))

    assert (5, True) == (nonce, path.is_file())


def test_two_names_of_one_file(path, tmp_path):
    """A link to the file leads to the same locks."""
    FileState(path).close()
    link = tmp_path / "link"
    link.symlink_to(path)
    with FileState(link) as state:
        assert f"FileState('{path}')" == repr(state)


LAZY = """
import sys
import exchanges
from exchanges.state import FileState
database = "exchanges.state.file.database"
assert database not in sys.modules, "loaded too early"
FileState(sys.argv[1]).close()
assert database in sys.modules
"""


def test_what_is_loaded(path):
    """`sqlite3` is imported by the first `FileState`, and by nothing else."""
    ended = subprocess.run([sys.executable, "-c", LAZY, path], check=False, timeout=60)

    assert 0 == ended.returncode


async def test_slots_are_forgotten(state, clock):
    """A slot that has cooled down in the longest window is deleted."""
    limiter = shared_limiter_of(state, (5, 1.0))
    for _ in range(20):
        await call(limiter)
        clock.now += 1
    with state._store._database.reading() as data:
        (left,) = data.execute("SELECT count(*) FROM slots").fetchone()

    assert 2 == left


async def test_who_waited_and_died(state, path, clock):
    """A process that died while it waited leaves no place in the line."""
    limiter = shared_limiter_of(state, (1, 10.0))
    await call(limiter)
    with FileState(path, clock=clock) as dead:
        await call(shared_limiter_of(dead, (1, 10.0)))
    clock.now += 2
    await call(limiter)
    with state._store._database.reading() as data:
        holders = data.execute("SELECT holder FROM waits").fetchall()

    assert [(state._store._marker.name,)] == holders
