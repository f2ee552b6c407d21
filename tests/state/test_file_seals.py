"""A file that is not the one that was written last, or that others do not see, is refused before anything is sent."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from exchanges.errors import StateError
from exchanges.state import FileState
from exchanges.state.file import seals
from tests.support.file_states import KEY, SERVER, call, enter, entry, shared_limiter_of

KILLED = """
import asyncio, os, signal, sys
from exchanges.state import FileState
from tests.support.file_states import call, entry, shared_limiter_of

async def use(state):
    for number in range(30):
        await call(shared_limiter_of(state, (100, 600.0)), in_order=True, now_ms=number)
        await state.journal.begin(entry(amount=str(number)))

state = FileState(sys.argv[1])
asyncio.run(use(state))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return the folder of a state whose process was killed: most of it is in the log alone."""
    folder = tmp_path_factory.mktemp("killed")
    ended = subprocess.run([sys.executable, "-c", KILLED, folder / "state"], check=False, timeout=60)
    assert -signal.SIGKILL == ended.returncode
    return folder


@pytest.fixture
def left(killed, tmp_path):
    """Return the path of the state that was left, in a folder of its own, for the inode of the copy."""
    path = tmp_path / "left" / "state"
    shutil.copytree(killed, path.parent)
    record = path.parent / "state.locks" / "generations"
    content = bytearray(record.read_bytes())
    content[16:32] = seals._pack(path.stat().st_ino, 0)
    record.write_bytes(content)
    return path


def beside(path, end):
    """Return the path of the log, or of its index."""
    return path.with_name(path.name + end)


def refusal(path):
    """Open the file; return the message of the error that it raises."""
    with pytest.raises(StateError) as caught:
        FileState(path).close()
    return str(caught.value)


def unresolved(path, **options):
    """Open the file; return how many calls it knows, and the next nonce."""
    with FileState(path, **options) as state:
        return len(state.journal.entries(SERVER, KEY)), asyncio.run(call(shared_limiter_of(state), in_order=True))


def test_after_a_kill(left):
    """What a killed process had written is there, whether the index of the log is or not."""
    beside(left, "-shm").unlink()

    assert (30, 31) == unresolved(left)


def _remove(path):
    path.unlink()


def _cut(path):
    os.truncate(path, path.stat().st_size * 2 // 3)


def _cut_the_last_frame(path):
    os.truncate(path, path.stat().st_size - 100)


def _empty(path):
    os.truncate(path, 0)


def _alter(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [_remove, _cut, _cut_the_last_frame, _empty, _alter])
def test_a_log_that_is_harmed(harm, left):
    """A log that was removed, cut short or altered after a kill is noticed."""
    harm(beside(left, "-wal"))

    assert "lost its last changes: its -wal file was removed or altered" in refusal(left)


def test_what_is_accepted_on_demand(left):
    """A state that lost its last changes is used again when its user says so, and from then on as usual."""
    _cut(beside(left, "-wal"))
    known, nonce = unresolved(left, adopt=True)

    assert (True, (known, nonce + 1)) == (0 < known < 30, unresolved(left))


def test_a_copy_without_what_is_beside_it(left, tmp_path):
    """A file that was copied without its log and its folder of lock files is refused."""
    path = tmp_path / "copy"
    shutil.copy(left, path)

    assert "was copied or moved without its folder of lock files" in refusal(path)


def test_a_copy_of_everything(left, tmp_path):
    """A copy of all files is refused: nobody knows which of the two is used."""
    shutil.copytree(left.parent, tmp_path / "copy")

    assert "was copied, restored or replaced" in refusal(tmp_path / "copy" / "state")


def test_a_move(left, tmp_path):
    """All files may move together, on the same disk."""
    left.parent.rename(tmp_path / "moved")

    assert (30, 31) == unresolved(tmp_path / "moved" / "state")


def test_an_older_file(path):
    """An older copy that is put back into the same file is refused, if the file was closed in between or not."""
    asyncio.run(_use(path))
    backup = path.read_bytes()
    asyncio.run(_use(path))
    path.write_bytes(backup)

    assert "an older copy was put back" in refusal(path)


async def _use(path):
    with FileState(path) as state:
        await call(shared_limiter_of(state), in_order=True)


def test_another_file(path, tmp_path):
    """The file of another state is refused in place of this one."""
    asyncio.run(_use(path))
    other = tmp_path / "other"
    for _ in range(3):
        asyncio.run(_use(other))
    path.write_bytes(other.read_bytes())

    assert "was copied, restored or replaced" in refusal(path)


@pytest.mark.parametrize(
    ("harm", "words"),
    [(_remove, "without its folder"), (_empty, "without its folder"), (_cut, "was altered"), (_alter, "was altered")],
)
def test_a_record_that_is_harmed(harm, words, left):
    """A record of generations that was removed, cut short or altered proves nothing."""
    record = left.parent / "state.locks" / "generations"
    content = record.read_bytes()
    harm(record)
    if harm is _alter:  # where something is written: an empty place says nothing
        record.write_bytes(bytes([content[0] ^ 1]) + content[1:])

    assert words in refusal(left)


def test_a_database_without_a_generation(left):
    """A database without its generation is damaged."""
    with closing(sqlite3.connect(left)) as data:
        data.execute("DELETE FROM generations")
        data.commit()

    assert "is damaged (it has no generation)" in refusal(left)


@pytest.mark.parametrize(("boot", "is_refused"), [("first", True), ("second", False), (None, False)])
def test_a_power_failure(boot, is_refused, path, tmp_path, monkeypatch):
    """After another boot, or one without an id, the loss of what was not durable is no fault."""
    file = tmp_path / "boot"
    file.write_text("first")
    monkeypatch.setattr(seals, "BOOT", file)
    asyncio.run(_use(path))
    backup = path.read_bytes()
    asyncio.run(_use(path))
    path.write_bytes(backup)
    monkeypatch.setattr(seals, "BOOT", tmp_path / "missing") if boot is None else file.write_text(boot)
    try:
        FileState(path).close()
    except StateError:
        refused = True
    else:
        refused = False

    assert is_refused == refused


def test_a_durable_change_and_a_power_failure(path, tmp_path, monkeypatch):
    """After another boot the loss of a durable change is noticed."""
    file = tmp_path / "boot"
    file.write_text("first")
    monkeypatch.setattr(seals, "BOOT", file)
    asyncio.run(_use(path))
    backup = path.read_bytes()
    with FileState(path) as state:
        asyncio.run(state.journal.begin(entry()))
    path.write_bytes(backup)
    file.write_text("second")

    assert "lost its last changes" in refusal(path)


def test_many_processes_at_once(state, other):
    """However their transactions alternate, the record follows the last one."""
    for _ in range(100):
        asyncio.run(call(shared_limiter_of(state), in_order=True))
        asyncio.run(call(shared_limiter_of(other), in_order=True))
    database = state._store._database
    identity = seals.Identity(*_name(database), database.path.stat().st_ino)

    assert database._record.least(identity) == other._store._database._generation


def _name(database):
    with database.reading() as data:
        return data.execute("SELECT name FROM generations").fetchone()


# While in use


def _replace(path):
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [_remove, _replace])
@pytest.mark.parametrize("name", ["state-wal", "state-shm", "state.locks/generations"])
def test_files_that_go_while_in_use(name, harm, path, state):
    """A file beside the database that is removed or replaced stops its processes: others do not see what they write."""
    asyncio.run(call(shared_limiter_of(state), in_order=True))
    harm(path.parent / name)
    with pytest.raises(StateError, match=r"or a file beside it, was deleted or replaced while in use.*; nothing was"):
        asyncio.run(call(shared_limiter_of(state), in_order=True))
    with pytest.raises(StateError, match="or a file beside it, was deleted or replaced"):
        state.journal.entries(SERVER, KEY)


def test_a_log_that_goes_during_a_transaction(path, state):
    """What was committed to a log that was removed before the end is not acknowledged."""
    with pytest.raises(StateError, match="was deleted or replaced"), state._store._database.writing():
        beside(path, "-wal").unlink()


def test_a_file_that_goes_back_while_in_use(path, state):
    """A database that is set back while it is open is noticed with the next call."""
    asyncio.run(call(shared_limiter_of(state), in_order=True))
    state._store._database._generation += 1
    with pytest.raises(StateError, match="an older copy was put back"):
        asyncio.run(enter(shared_limiter_of(state)))


def test_reading_writes_nothing(state):
    """A transaction that changes nothing is no generation."""
    before = state._store._database._generation
    with state._store._database.writing():
        pass

    assert before == state._store._database._generation
