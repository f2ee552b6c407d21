"""One SQLite file that several processes use: created whole, checked when opened, each failure raised as `StateError`.

No process sees a half-created file: it is written under another name and then renamed, so an empty one is damaged. It
is in WAL mode, where one process writes and readers never wait. A process that is killed loses nothing; a power failure
can lose the last moments, but nothing that was written with `durable` and nothing before it. What must not change
unnoticed is stored twice, in a table and an index, which SQLite compares when the file is opened, or has a checksum
(the columns ``seal``).

Rules for editors: never open the file except through SQLite, not even to read its first bytes. When a process closes
any of its descriptors of the file, POSIX drops all locks that the process has on it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from exchanges.errors import StateError
from exchanges.state.file.locks import Locks

APPLICATION_ID = 0x61696F78
VERSION = 1
BUSY_SECONDS = 5.0
RETRY_SECONDS = 0.01
LEAST_BYTES = 512
"""Less is no page; SQLite would treat it as a new file."""

SCHEMA = f"""
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE boots (id TEXT NOT NULL);
CREATE TABLE limits (
    place INTEGER PRIMARY KEY,
    longest_seconds REAL NOT NULL,
    closed_until REAL NOT NULL DEFAULT 0,
    closed_seconds REAL NOT NULL DEFAULT 0,
    asked_until REAL NOT NULL DEFAULT 0,
    asked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE slots (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    since REAL NOT NULL,
    cost INTEGER NOT NULL,
    holder TEXT NOT NULL
);
CREATE INDEX slots_by_time ON slots (place, since, cost);
CREATE TABLE nonces (
    server TEXT NOT NULL,
    key TEXT NOT NULL,
    last TEXT NOT NULL,
    seal INTEGER NOT NULL,
    PRIMARY KEY (server, key)
) WITHOUT ROWID;
CREATE TABLE calls (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    server TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    ended_at TEXT,
    holder TEXT NOT NULL,
    seal INTEGER NOT NULL
);
CREATE TABLE made (
    server TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (server, key, id)
) WITHOUT ROWID;
CREATE INDEX made_by_time ON made (server, key, at, id);
CREATE TABLE records (
    server TEXT NOT NULL,
    key TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (server, key)
) WITHOUT ROWID;
CREATE INDEX records_by_time ON records (since);
COMMIT;
PRAGMA journal_mode = WAL;
"""

ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program; stop that program",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full; make room",
    sqlite3.SQLITE_READONLY: "cannot be written; make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; make the file and its folder readable and writable for this user",
    sqlite3.SQLITE_PERM: "cannot be opened; make the file and its folder readable and writable for this user",
}
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damaged(path: Path, how: str) -> StateError:
    """Build the error of a file that cannot be trusted."""
    return StateError(
        f"the state in {path} {how}; restore the file, or delete it to start again when no call is pending and the "
        "longest window of your limits has passed"
    )


@contextmanager
def translated_errors(path: Path) -> Generator[None]:
    """Raise what SQLite and the system report about the file at *path* as `StateError`."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code; the extended ones add details that the advice does not depend on.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in DAMAGED:
            raise damaged(path, f"is damaged ({error})") from error
        problem = ADVICE.get(code, f"cannot be read or written ({error}); check the disk")
        raise StateError(f"the state in {path} {problem}") from error
    except (OSError, ValueError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StateError(
            f"the state in {path} cannot be used ({reason}); it needs a folder on a disk of this host that this user "
            "can write to"
        ) from error


class Database:
    """The open file. Everything except `reading` is for one thread.

    Args:
        path: Path of the file, which is created if it is missing.
        locks: The lock files beside it.

    Raises:
        StateError: It was not created by this library, or cannot be used.
    """

    def __init__(self, path: Path, locks: Locks) -> None:
        self.path = path
        with translated_errors(path):
            if not path.exists():
                _create(path, locks)
            self._stat = path.stat()
            if not stat.S_ISREG(self._stat.st_mode):
                raise StateError(f"{path} is not a file; pass a file of its own for the state")
            if self._stat.st_size < LEAST_BYTES:
                raise damaged(path, "is empty or truncated")
            self._writer = _connect(path)
            try:
                self._check()
                # A connection of its own: readers in other threads must not see, or end, a transaction of the writer.
                self._reader = _connect(path)
            except BaseException:
                self._writer.close()
                raise
        self._read_lock = threading.Lock()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Generator[sqlite3.Connection]:
        """Commit what the block writes as one transaction, or none of it; no other process writes meanwhile.

        Args:
            durable: Whether it must survive a power failure once this returns.

        Raises:
            StateError: It cannot be written; nothing was.
        """
        with translated_errors(self.path):
            self._require_place()
            data = self._writer
            if durable:
                data.execute("PRAGMA synchronous = FULL")
            try:
                # Immediate: a transaction that only starts to write after it has read may fail and cannot be resumed.
                data.execute("BEGIN IMMEDIATE")
                yield data
                data.execute("COMMIT")
            finally:
                if data.in_transaction:
                    with suppress(sqlite3.Error):
                        data.execute("ROLLBACK")
                if durable:
                    data.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Read in any thread, without waiting for writers.

        Raises:
            StateError: It cannot be read.
        """
        with translated_errors(self.path), self._read_lock:
            self._require_place()
            yield self._reader

    def close(self) -> None:
        """Close the file."""
        with self._read_lock, suppress(sqlite3.Error):
            self._reader.close()
        with suppress(sqlite3.Error):
            self._writer.close()

    def _require_place(self) -> None:
        try:
            if os.path.samestat(self.path.stat(), self._stat):
                return
        except FileNotFoundError:
            pass
        raise StateError(
            f"the state in {self.path} was deleted or replaced while in use; restore the file, or stop all "
            "processes that use it, then start them again"
        )

    def _check(self) -> None:
        """Raise unless the file was created by this library, is whole, and is still the one that was opened."""
        (application,) = self._writer.execute("PRAGMA application_id").fetchone()
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StateError(f"{self.path} is the database of another program; pass a file of its own for the state")
        if version != VERSION:
            raise StateError(
                f"the state in {self.path} was written by another version of this library (format {version}, not "
                f"{VERSION}); pass a file of its own for this version"
            )
        (result,) = self._writer.execute("PRAGMA integrity_check(1)").fetchone()
        if result != "ok":
            raise damaged(self.path, f"is damaged ({result})")
        self._require_place()


def _connect(path: Path) -> sqlite3.Connection:
    """Open an existing file; never create one."""
    # mode=rw: if the file was deleted a moment ago, SQLite must fail instead of creating an empty one.
    data = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        data.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        data.close()
        raise
    return data


def _create(path: Path, locks: Locks) -> None:
    """Create the file, unless another process does or did."""
    lock = locks.open("making")
    try:
        deadline = time.monotonic() + BUSY_SECONDS
        while not lock.try_acquire():
            if time.monotonic() > deadline:
                raise StateError(f"another process is creating the state in {path} and does not finish; stop it")
            time.sleep(RETRY_SECONDS)
        if not path.exists():
            _write_new(path)
    finally:
        lock.close()


def _write_new(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    for left in (new, *(file.with_name(file.name + end) for file in (new, path) for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)  # a log that was left behind would be read into the new file
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(new, isolation_level=None)) as data:
        data.executescript(SCHEMA)
    new.rename(path)
    # The rename too must be on the disk before the first durable write is: it would have no name after a power failure.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
