import asyncio
import os
import random
import sqlite3
from contextlib import closing

import pytest

from exchanges.errors import ExchangeError, StateError
from exchanges.state import FileState
from exchanges.state.file import database as database_module
from tests.support.damaged_states import use
from tests.support.file_states import KEY, SERVER, call, enter, entry, leave, shared_limiter_of


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the bytes of a state that was used and closed."""

    async def use(state):
        for number in range(20):
            await call(shared_limiter_of(state, (100, 600.0)), in_order=True, now_ms=number)
        for number in range(5):
            await state.journal.begin(entry(amount=str(number)))

    path = tmp_path_factory.mktemp("written") / "state"
    with FileState(path) as state:
        asyncio.run(use(state))
    return path.read_bytes()


def message_of(path):
    """Use the file at *path*; return the message of the error that it raises."""
    with pytest.raises(StateError) as caught:
        use(path)
    return str(caught.value)


def test_a_whole_file(path, written):
    """The bytes that the tests below damage are valid unchanged."""
    path.write_bytes(written)
    use(path)

    assert path.stat().st_size >= len(written)


@pytest.mark.parametrize("kept", [0, 1, 50, 99, 100, 600, 4000, 4096, 5000, 8192, -4096, -1024])
def test_a_file_cut_short(kept, path, written):
    """A truncated file is refused, wherever it was cut."""
    path.write_bytes(written[:kept])

    assert f"the state in {path} is " in message_of(path)


def test_a_file_without_its_last_byte(path, written):
    """A file whose last page is cut short, which SQLite accepts, is refused because of what that page contains."""
    path.write_bytes(written[:-1])

    assert f"the state in {path} contains a call that was changed" in message_of(path)


def test_a_garbled_file(path, written):
    """Whatever byte is garbled, the only error is a `StateError`."""
    chance, foreign = random.Random(1), []
    for _ in range(60):
        garbled = bytearray(written)
        for _ in range(20):
            garbled[chance.randrange(len(garbled))] ^= 1 << chance.randrange(8)
        path.write_bytes(garbled)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        try:
            use(path)
        except StateError:
            continue
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            foreign.append(error)

    assert [] == foreign


def change(path, *statements):
    """Change the file without regard for its meaning."""
    with closing(sqlite3.connect(path)) as data:
        for statement in statements:
            data.execute(statement)
        data.commit()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE nonces SET last = '3'", "nonce"),
        ("UPDATE nonces SET key = 'another'", "nonce"),
        ("UPDATE calls SET body = replace(body, 'amount', 'omount')", "call"),
        ("UPDATE calls SET holder = 'another'", "call"),
        ("UPDATE calls SET key = 'another'", "call"),
    ],
)
def test_a_changed_value(statement, what, path, written):
    """Nonces and calls have checksums: one that was changed is refused."""
    path.write_bytes(written)
    change(path, statement)

    assert f"the state in {path} contains a {what} that was changed" in message_of(path)


def test_a_nonce_changed_while_in_use(path):
    """A nonce that is changed while the state is open is refused when the next is drawn."""
    with FileState(path) as state:
        asyncio.run(call(shared_limiter_of(state), in_order=True))
        change(path, "UPDATE nonces SET last = '3'")
        with pytest.raises(StateError, match="contains a nonce"):
            asyncio.run(call(shared_limiter_of(state), in_order=True))


def test_another_program(path):
    """The database of another program is refused and not changed."""
    change(path, "CREATE TABLE theirs (id)")
    before = path.read_bytes()

    assert f"{path} is the database of another program; pass a file of its own for the state" == message_of(path)
    assert before == path.read_bytes()


def test_another_version(path, written):
    """A file of another version of the library is refused."""
    path.write_bytes(written)
    change(path, "PRAGMA user_version = 1")

    assert "was written by another version of this library (format 1, not 3)" in message_of(path)


def test_something_else(path):
    """A file that is no database is refused and not changed."""
    path.write_text("dear diary\n" * 1000)

    assert "is damaged (file is not a database)" in message_of(path)
    assert path.read_text().startswith("dear diary")


def test_a_folder(path):
    """A folder is refused."""
    path.mkdir()

    assert f"{path} is not a file; pass a file of its own for the state" == message_of(path)


def test_no_folder(path):
    """The folder of a state is not created."""
    assert f"the folder {path} is missing; create it for the state in state" == message_of(path / "state")


@pytest.mark.parametrize("wrong", [None, 5, "a\0b", b"bytes\xff"])
def test_no_path(wrong):
    """What is no path is refused, and the message shows it."""
    with pytest.raises(StateError, match="FileState needs a file path"):
        FileState(wrong)


def test_not_writable(path, monkeypatch):
    """The message for a file that cannot be written says so."""
    FileState(path).close()
    connect = database_module._connect

    def read_only(path, busy_seconds):
        data = connect(path, busy_seconds)
        data.execute("PRAGMA query_only = ON")
        return data

    monkeypatch.setattr(database_module, "_connect", read_only)

    assert f"the state in {path} cannot be written; make the file, those beside it, and their folder" in message_of(
        path
    )


def test_a_file_that_is_not_ours(path, written, monkeypatch):
    """A file that this user may not write is not touched."""
    path.write_bytes(written)
    monkeypatch.setattr(database_module.os, "access", lambda *_: False)

    assert f"the state in {path} cannot be opened; make the file, those beside it, and their folder" in message_of(path)
    assert {"state", "state.locks"} == {file.name for file in path.parent.iterdir()}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours(path):
    """The message for a folder in which no file can be created says so."""
    path.parent.chmod(0o500)
    try:
        assert "cannot be used (Permission denied)" in message_of(path)
    finally:
        path.parent.chmod(0o700)


# While in use


def test_deleted_while_in_use(path, state):
    """The next call notices that the file was deleted while in use."""
    path.unlink()
    with pytest.raises(StateError, match=r"was deleted or replaced while in use.*; nothing was sent$"):
        asyncio.run(call(shared_limiter_of(state)))


def test_replaced_while_in_use(path, state, written):
    """The next call notices that the file was replaced while in use."""
    new = path.with_name("new")
    new.write_bytes(written)
    new.rename(path)
    with pytest.raises(StateError, match="was deleted or replaced while in use"):
        state.journal.entries(SERVER, KEY)


def _checkpoint(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as data:
        data.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("is_older", [True, False])
def test_overwritten_in_place_while_in_use(is_older, path, state, written):
    """The next call notices that another valid file, or an older copy of this one, was written over it in place."""
    _checkpoint(path)
    other = path.read_bytes() if is_older else written
    asyncio.run(call(shared_limiter_of(state), in_order=True))
    _checkpoint(path)
    assert () == state.journal.entries(SERVER, KEY)
    path.write_bytes(other)
    with pytest.raises(StateError, match=r"was deleted or replaced while in use.*; nothing was sent$"):
        asyncio.run(call(shared_limiter_of(state), in_order=True))
    with pytest.raises(StateError, match="was deleted or replaced while in use"):
        state.journal.entries(SERVER, KEY)


def test_a_checkpoint_while_in_use(path, state):
    """What another process writes to the file itself, now and then, is no other file; its lock on it stays."""
    for number in range(3):
        asyncio.run(call(shared_limiter_of(state), in_order=True, now_ms=number))
        _checkpoint(path)
        assert () == state.journal.entries(SERVER, KEY)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as data:
        data.execute("PRAGMA locking_mode = EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            data.execute("PRAGMA journal_mode = DELETE")


@pytest.mark.parametrize("name", ["alive-*", "turn-*", "line-*"])
def test_locks_deleted_while_in_use(name, path, state):
    """The next call notices that lock files were deleted while in use: others would not get the same lock."""
    asyncio.run(call(shared_limiter_of(state), in_order=True))
    for file in path.parent.glob(f"state.locks/{name}"):
        file.unlink()
    with pytest.raises(StateError, match=r"were removed while in use.*; nothing was sent$"):
        asyncio.run(call(shared_limiter_of(state), in_order=True))


def test_after_a_deletion(path, written):
    """A file that was deleted by hand is created again, whatever log it left behind."""
    with FileState(path) as state:
        asyncio.run(call(shared_limiter_of(state), in_order=True, now_ms=5000))
        log = path.with_name("state-wal").read_bytes()
    path.unlink()
    path.with_name("state-wal").write_bytes(log)
    with FileState(path) as state:
        assert 7 == asyncio.run(call(shared_limiter_of(state), in_order=True, now_ms=7))


def test_locked_by_another_program(path, state, monkeypatch):
    """The message for a file that another program locks says so; it is used again when it is free."""
    with closing(sqlite3.connect(path, isolation_level=None)) as data:
        data.execute("BEGIN IMMEDIATE")
        state._store._database._writer.execute("PRAGMA busy_timeout = 20")
        with pytest.raises(StateError, match="is locked by another program; stop that program"):
            asyncio.run(call(shared_limiter_of(state)))
        data.execute("ROLLBACK")

    assert asyncio.run(call(shared_limiter_of(state))) is None


def _full(state):
    """Simulate a full disk; return a function that frees space."""
    data = state._store._database._writer
    (pages,) = data.execute("PRAGMA page_count").fetchone()
    data.execute(f"PRAGMA max_page_count = {pages}")
    return lambda: data.execute("PRAGMA max_page_count = 100000")


async def _fill(state):
    """Write until the disk is full."""
    while True:
        await state.journal.begin(entry(amount="1" * 3000))


def test_a_full_disk(state):
    """On a full disk no call can begin; when there is space again, calls continue."""
    make_room = _full(state)
    with pytest.raises(StateError, match="cannot be written: the disk is full; make room"):
        asyncio.run(_fill(state))
    make_room()
    asyncio.run(state.journal.begin(entry()))

    assert asyncio.run(call(shared_limiter_of(state))) is None


async def test_an_end_that_could_not_be_written(path, state, caplog):
    """The end of a call that could not be written is written with the next change; the key lock is released at once."""
    limiter = shared_limiter_of(state, (2, 1000.0))
    lease = await enter(limiter, in_order=True, now_ms=5)
    away = path.with_name("away")
    path.rename(away)
    await leave(lease, complete=True, floor=70)
    away.rename(path)
    nonce = await call(limiter, in_order=True)

    assert (71, True) == (nonce, 999.0 < await call(limiter) < 1000.01)
    assert caplog.messages[0].endswith("what has ended will be written later")


async def test_a_file_that_comes_back(path, state):
    """A call that was refused because the file was moved away has left nothing in it."""
    limiter, away = shared_limiter_of(state, (1, 1000.0)), path.with_name("away")
    path.rename(away)
    with pytest.raises(StateError, match="deleted or replaced"):
        await enter(limiter)
    away.rename(path)

    assert await call(limiter) is None


async def test_ends_are_written_without_another_call(path, state, other, clock):
    """The end of a call that could not be written is tried again as long as the state is open."""
    lease = await enter(shared_limiter_of(state, (1, 10.0)))
    away = path.with_name("away")
    path.rename(away)
    await leave(lease, complete=True)
    away.rename(path)
    clock.now += 5
    for _ in range(2):  # what runs after the first is done before the second
        await state._store.worker.run(lambda: None)
    waits = await enter(shared_limiter_of(other, (1, 10.0)))

    assert pytest.approx(10.001) == waits
    assert state._store._sweep() is None


def test_all_are_ours():
    """The errors of a state belong to the one tree of errors."""
    assert issubclass(StateError, ExchangeError)
