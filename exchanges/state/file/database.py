"""One SQLite file that several processes use: made whole, checked when opened, every failure raised as a `StateError`.

The file is never seen half made: it is written under another name and then renamed, so an empty one is a damaged one.
It is in WAL mode, where one writes and nobody keeps readers waiting. A process that is killed loses nothing; a power
failure can lose the last moments, but nothing that was written with `durable` and nothing before it. What must not
change unseen stands twice, in a table and an index, which SQLite compares when the file is opened, or bears a seal.

Rules for editors: never open the file but through SQLite, not even to look at its first bytes. When any of a process's
file numbers on it is closed, POSIX drops all locks that the process has on it.
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

__all__ = ["BUSY_SECONDS", "Database", "damaged", "translated_errors"]

APPLICATION_ID = 0x61696F78
VERSION = 1
BUSY_SECONDS = 5.0
RETRY_SECONDS = 0.01
LEAST_BYTES = 512
"""Less is no page; SQLite would take it for a new file."""

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
    sqlite3.SQLITE_BUSY: "is locked by another program; find that out and end it",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full; make room",
    sqlite3.SQLITE_READONLY: "cannot be written; make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; make the file and its folder readable and writable for this user",
    sqlite3.SQLITE_PERM: "cannot be opened; make the file and its folder readable and writable for this user",
}
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damaged(path: Path, how: str) -> StateError:
    """Tell that the file cannot be trusted."""
    return StateError(
        f"the state in {path} {how}; bring back the file, or remove it to begin afresh when no call is open and the "
        "longest window of your limits has passed"
    )


@contextmanager
def translated_errors(path: Path) -> Generator[None]:
    """Translate what goes wrong with the file at *path*."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in DAMAGED:
            raise damaged(path, f"is no longer what was written ({error})") from error
        words = ADVICE.get(code, f"cannot be read or written ({error}); see to the disk")
        raise StateError(f"the state in {path} {words}") from error
    except (OSError, ValueError, OverflowError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise StateError(
            f"the state in {path} cannot be used ({words}); it needs a folder on a disk of this host that this user "
            "can write to"
        ) from error


class Database:
    """The file, open. All but `reading` is for one thread.

    Args:
        path: Where it is; made if it is missing.
        locks: The lock files beside it.

    Raises:
        StateError: It is none of ours, or cannot be used.
    """

    def __init__(self, path: Path, locks: Locks) -> None:
        self.path = path
        with translated_errors(path):
            if not path.exists():
                _make(path, locks)
            self._there = path.stat()
            if not stat.S_ISREG(self._there.st_mode):
                raise StateError(f"{path} is no file; give the state a file of its own")
            if self._there.st_size < LEAST_BYTES:
                raise damaged(path, "is empty or cut short, which it never is by itself")
            self._data = _connect(path)
            try:
                self._check()
                self._seen = _connect(path)
            except BaseException:
                self._data.close()
                raise
        self._reading = threading.Lock()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Generator[sqlite3.Connection]:
        """Do what the block does wholly or not at all, with nobody else writing meanwhile.

        Raises:
            StateError: It cannot be done; nothing was written.
        """
        with translated_errors(self.path):
            self._require_place()
            data = self._data
            if durable:
                data.execute("PRAGMA synchronous = FULL")
            try:
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
        """Read in any thread; nobody who writes is waited for.

        Raises:
            StateError: It cannot be read.
        """
        with translated_errors(self.path), self._reading:
            self._require_place()
            yield self._seen

    def close(self) -> None:
        """Close it."""
        with self._reading, suppress(sqlite3.Error):
            self._seen.close()
        with suppress(sqlite3.Error):
            self._data.close()

    def _require_place(self) -> None:
        try:
            if os.path.samestat(self.path.stat(), self._there):
                return
        except FileNotFoundError:
            pass
        raise StateError(
            f"the state in {self.path} was deleted or replaced while in use; bring back the file, or end all "
            "processes that use it, then start them again"
        )

    def _check(self) -> None:
        """Make sure that the file is ours and whole, and still the one that was looked at."""
        (application,) = self._data.execute("PRAGMA application_id").fetchone()
        (version,) = self._data.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StateError(f"{self.path} is the database of another program; give the state a file of its own")
        if version != VERSION:
            raise StateError(
                f"the state in {self.path} was written by another version of this library (form {version}, not "
                f"{VERSION}); give this version a file of its own"
            )
        (verdict,) = self._data.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(self.path, f"is no longer what was written ({verdict})")
        self._require_place()


def _connect(path: Path) -> sqlite3.Connection:
    """Open what is there; never make it."""
    data = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        data.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        data.close()
        raise
    return data


def _make(path: Path, locks: Locks) -> None:
    """Make the file, unless another process does or did."""
    making = locks.open("making")
    try:
        patience = time.monotonic() + BUSY_SECONDS
        while not making.try_acquire():
            if time.monotonic() > patience:
                raise StateError(f"another process is making the state in {path} and does not finish; end it")
            time.sleep(RETRY_SECONDS)
        if not path.exists():
            _write_new(path)
    finally:
        making.close()


def _write_new(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    for left in (new, *(file.with_name(file.name + end) for file in (new, path) for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)  # a log that was left behind would be read into the new file
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(new, isolation_level=None)) as data:
        data.executescript(SCHEMA)
    new.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
