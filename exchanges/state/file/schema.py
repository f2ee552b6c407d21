"""The tables of a state file, and how the file is created: under another name, so that nobody sees half of it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from exchanges.errors import StateError
from exchanges.state.file.locks import Locks
from exchanges.state.file.seals import Generations, Identity

APPLICATION_ID = 0x61696F78
VERSION = 3
CREATING_SECONDS = 5.0
"""How long another process may take to create the file."""
RETRY_SECONDS = 0.01

# Small pages: each that a transaction touches is written to the log as a whole, and a call waits for that.
SCHEMA = f"""
PRAGMA page_size = 1024;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE boots (id TEXT NOT NULL);
CREATE TABLE generations (name INTEGER NOT NULL, generation INTEGER NOT NULL);
CREATE TABLE limits (
    place INTEGER PRIMARY KEY,
    longest_seconds REAL NOT NULL
);
CREATE TABLE slots (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    since REAL NOT NULL,
    holder TEXT NOT NULL
);
CREATE INDEX slots_by_time ON slots (place, since);
CREATE TABLE waits (
    place INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    holder TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (place, rank, holder)
) WITHOUT ROWID;
CREATE TABLE signers (
    place INTEGER NOT NULL,
    holder TEXT NOT NULL,
    PRIMARY KEY (place, holder)
) WITHOUT ROWID;
CREATE TABLE lockouts (
    place INTEGER NOT NULL,
    scope TEXT NOT NULL,
    body TEXT NOT NULL,
    holder TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (place, scope)
) WITHOUT ROWID;
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
    digest TEXT NOT NULL,
    named TEXT NOT NULL,
    body TEXT NOT NULL,
    ended_at TEXT,
    holder TEXT NOT NULL,
    seal INTEGER NOT NULL
);
CREATE INDEX calls_by_digest ON calls (server, key, digest);
CREATE INDEX calls_by_name ON calls (server, key, named);
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


def create(path: Path, locks: Locks) -> None:
    """Create the file, unless another process does or did."""
    lock = locks.open("making")
    try:
        deadline = time.monotonic() + CREATING_SECONDS
        while not lock.try_acquire():
            if time.monotonic() > deadline:
                raise StateError(f"another process is creating the state in {path} and does not finish; stop it")
            time.sleep(RETRY_SECONDS)
        if not path.exists():
            _write_new(path, locks)
    finally:
        lock.close()


def _write_new(path: Path, locks: Locks) -> None:
    new = path.with_name(f"{path.name}.new")
    for left in (new, *(file.with_name(file.name + end) for file in (new, path) for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)  # a log that was left behind would be read into the new file
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(new, isolation_level=None)) as data:
        data.executescript(SCHEMA)
        name = secrets.randbits(63)
        data.execute("INSERT INTO generations (name, generation) VALUES (?, 0)", (name,))
    record = locks.open("generations")
    try:
        # Before the rename: no process may meet a database without its record.
        Generations(record).create(Identity(name, new.stat().st_ino), 0)
    finally:
        record.close()
    new.rename(path)
    # The rename too must be on the disk before the first durable write is: it would have no name after a power failure.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
