"""One SQLite file that several processes use: created whole, checked when opened, each failure raised as `StateError`.

No process sees a half-created file: it is written under another name and then renamed, so an empty one is damaged. It
is in WAL mode, where one process writes, readers never wait, and only durable transactions wait for the disk. A process
that is killed loses nothing; a power failure can lose the last moments, but nothing that was written with `durable` and
nothing before it.

What must not change unnoticed is stored twice, in a table and an index, which SQLite compares when the file is opened,
or has a checksum (the columns ``seal``). What must not be lost unnoticed is counted: see `exchanges.state.file.seals`.
A log or an index of it that was removed or replaced would split the processes into two camps, so every transaction
checks that all files are the ones that were opened. One that was overwritten in place is still the same file, but its
content is not, which is compared whenever the file was written to: by a checkpoint, now and then, or by somebody else.

Rules for editors: never open the file except through SQLite, not even to read its first bytes. When a process closes
any of its descriptors of the file, POSIX drops all locks that the process has on it. Open connections under the locks
alone that a fork waits for: see `exchanges.state.file.forks`.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from exchanges.errors import StateError
from exchanges.state.file import forks
from exchanges.state.file.locks import Locks
from exchanges.state.file.schema import APPLICATION_ID, VERSION, create
from exchanges.state.file.seals import Generations, Identity, Unsealed

BUSY_SECONDS = 5.0
"""How long another program may lock the file."""
BUSY_AGAIN_SECONDS = 0.1
"""The same while it is known to be locked: what queues up must not wait so long one after the other."""
READ_SECONDS = 0.25
"""The same for readers, which stop the event loop; they wait only for a program that locks the whole file."""
LEAST_BYTES = 512
"""Less is no page; SQLite would treat it as a new file."""

MAKE_WRITABLE = "make the file, those beside it, and their folder readable and writable for this user"
ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program; stop that program",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full; make room",
    sqlite3.SQLITE_READONLY: f"cannot be written; {MAKE_WRITABLE}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened; {MAKE_WRITABLE}",
    sqlite3.SQLITE_PERM: f"cannot be opened; {MAKE_WRITABLE}",
}
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
REPLACED = (
    "was deleted or replaced while in use; restore the files, or stop all processes that use it, then start them again"
)
LOST = "lost its last changes: its -wal file was removed or altered, or an older copy was put back"


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
    except Unsealed as error:
        raise StateError(
            f"the state in {path} {error}; restore the file, its -wal file and its folder {path.name}.locks as they "
            "were last. If that is impossible, check at the exchange what your last calls did, and open the file once "
            "with FileState(path, adopt=True)"
        ) from error
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
        adopt: Whether to accept a file that was copied, restored, or lost its last changes.

    Raises:
        StateError: It was not created by this library, or cannot be used.
    """

    def __init__(self, path: Path, locks: Locks, *, adopt: bool = False) -> None:
        self.path = path
        self._is_slow = False
        with translated_errors(path):
            if not path.exists():
                create(path, locks)
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise StateError(f"{path} is not a file; pass a file of its own for the state")
            if not os.access(path, os.R_OK | os.W_OK):
                # SQLite would open it all the same, and leave an index of the log behind that nobody can write to.
                raise StateError(f"the state in {path} cannot be opened; {MAKE_WRITABLE}")
            if found.st_size < LEAST_BYTES:
                raise damaged(path, "is empty or truncated")
            self._read_lock, self._write_lock, self._check_lock = threading.RLock(), threading.RLock(), threading.Lock()
            self._checked: tuple[int, ...] = ()
            self._stored = 0
            self._writer: sqlite3.Connection | None = None
            self._reader: sqlite3.Connection | None = None
            with ExitStack() as stack:
                self._record = Generations(stack.enter_context(closing(locks.open("generations"))))
                self._opened = {path: found, self._record.file.path: self._record.file.path.stat()}
                stack.callback(self._disconnect)
                forks.watch(self)
                with self._write_lock:
                    data = self._open_writer(adopt=adopt)
                    self._name, self._generation = _identity(data)
                    self._require_place()
                self._stack = stack.pop_all()

    @contextmanager
    def writing(
        self,
        *,
        durable: bool = False,
        before_commit: Callable[[], object] | None = None,
        after_commit: Callable[[], object] | None = None,
    ) -> Generator[sqlite3.Connection]:
        """Commit what the block writes as one transaction, or none of it; no other process writes meanwhile.

        Args:
            durable: Whether it must survive a power failure once this returns.
            before_commit: Called when there is nothing left to do but to wait for the disk.
            after_commit: Called once it is written, even if this raises because others may not see it.

        Raises:
            StateError: It cannot be written, or others may not see it; nothing may be sent.
        """
        with self._write_lock, translated_errors(self.path):
            self._require_place()
            data = self._open_writer()
            if durable:
                data.execute("PRAGMA synchronous = FULL")
            try:
                # Immediate: a transaction that only starts to write after it has read may fail and cannot be resumed.
                self._begin(data)
                generation, changes = self._current(data), data.total_changes
                yield data
                if data.total_changes > changes:
                    generation += 1
                    data.execute("UPDATE generations SET generation = ?", (generation,))
                if before_commit is not None:
                    before_commit()
                data.execute("COMMIT")
                if after_commit is not None:
                    after_commit()
            finally:
                if data.in_transaction:
                    with suppress(sqlite3.Error):
                        data.execute("ROLLBACK")
                if durable:
                    data.execute("PRAGMA synchronous = NORMAL")
            # Again: what was committed to a log that was removed meanwhile is seen by nobody.
            self._require_place()
            if generation > self._generation:
                self._record.add(generation, durable=durable)
            self._generation = generation

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Read in any thread, without waiting for writers.

        Raises:
            StateError: It cannot be read.
        """
        with self._read_lock, translated_errors(self.path):
            # A connection of its own: readers in other threads must not see, or end, a transaction of the writer.
            yield self._open_reader()
            self._require_place()

    def close(self) -> None:
        """Close the file."""
        with self._write_lock, self._read_lock:
            self._stack.close()

    def before_fork(self) -> None:
        """Wait for what is being written or read, and close the connections."""
        self._write_lock.acquire()
        self._read_lock.acquire()
        self._disconnect()

    def after_fork(self) -> None:
        """Release what `before_fork` acquired; the next use opens the file again."""
        self._read_lock.release()
        self._write_lock.release()

    def _disconnect(self) -> None:
        for data in (self._reader, self._writer):
            if data is not None:
                with suppress(sqlite3.Error):
                    data.close()
        self._reader = self._writer = None
        # With its last connection SQLite removes the log and its index.
        self._opened = {path: self._opened[path] for path in (self.path, self._record.file.path)}

    def _open_writer(self, *, adopt: bool = False) -> sqlite3.Connection:
        if self._writer is None:
            with ExitStack() as stack:
                data = stack.enter_context(closing(_connect(self.path, BUSY_SECONDS)))
                self._check(data, adopt=adopt)
                stack.pop_all()
            self._writer = data
        return self._writer

    def _open_reader(self) -> sqlite3.Connection:
        if self._reader is None:
            with ExitStack() as stack:
                data = stack.enter_context(closing(_connect(self.path, READ_SECONDS)))
                self._current(data)
                self._add_opened()
                stack.pop_all()
            self._reader = data
        return self._reader

    def _add_opened(self) -> None:
        """Remember the log and its index: from the first read to the end of a connection SQLite keeps both open."""
        paths = (self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))
        # Assigned as a whole: another thread may be comparing.
        self._opened = {path: path.stat() for path in paths} | self._opened

    def _begin(self, data: sqlite3.Connection) -> None:
        try:
            data.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            data.execute(f"PRAGMA busy_timeout = {BUSY_AGAIN_SECONDS * 1000:.0f}")
            self._is_slow = True
            raise
        if self._is_slow:
            data.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
            self._is_slow = False

    def _current(self, data: sqlite3.Connection) -> int:
        """Return the generation, which never goes back while the file is open."""
        generation = _generation(data)
        if generation < self._generation:
            raise Unsealed(LOST)
        return generation

    def _require_place(self) -> None:
        """Raise unless all files are those that were opened, and the first still has what was written to it."""
        with suppress(FileNotFoundError):
            found = {path: path.stat() for path in self._opened}
            if all(os.path.samestat(found[path], opened) for path, opened in self._opened.items()):
                self._require_content(found[self.path])
                return
        raise StateError(f"the state in {self.path}, or a file beside it, {REPLACED}")

    def _require_content(self, found: os.stat_result) -> None:
        """Raise if another file, or an older copy, was written over this one; only checkpoints write to it."""
        written = found.st_size, found.st_mtime_ns, found.st_ctime_ns
        with self._check_lock:
            if written == self._checked:
                return
            # A checkpoint of another process may write what is being read: what is wrong then is right a moment later.
            for is_last in (False, False, True):
                with suppress(sqlite3.DatabaseError):
                    name, stored = _stored_identity(self.path)
                    if name == self._name and stored >= self._stored:
                        self._checked, self._stored = written, stored
                        return
                if is_last:
                    raise StateError(f"the state in {self.path} {REPLACED}")

    def _check(self, data: sqlite3.Connection, *, adopt: bool) -> None:
        """Raise unless the file was created by this library, is whole, and is the one that was written last."""
        (application,) = data.execute("PRAGMA application_id").fetchone()
        (version,) = data.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StateError(f"{self.path} is the database of another program; pass a file of its own for the state")
        if version != VERSION:
            raise StateError(
                f"the state in {self.path} was written by another version of this library (format {version}, not "
                f"{VERSION}); pass a file of its own for this version"
            )
        data.execute("PRAGMA journal_mode = WAL").fetchone()  # another program may have changed it
        (result,) = data.execute("PRAGMA integrity_check(1)").fetchone()
        if result != "ok":
            raise damaged(self.path, f"is damaged ({result})")
        self._add_opened()
        self._check_seal(data, adopt=adopt)

    def _check_seal(self, data: sqlite3.Connection, *, adopt: bool) -> None:
        row = data.execute("SELECT name FROM generations").fetchone()
        if row is None:
            raise damaged(self.path, "is damaged (it has no generation)")
        identity = Identity(row[0], self._opened[self.path].st_ino)
        if adopt:
            self._record.create(identity, _generation(data))
        # The record first: other processes may go on meanwhile.
        elif self._record.least(identity) > _generation(data):
            raise Unsealed(LOST)


def _identity(data: sqlite3.Connection) -> tuple[int, int]:
    """Return the name of the file, and its generation."""
    name, generation = data.execute("SELECT name, generation FROM generations").fetchone()
    return int(name), int(generation)


def _generation(data: sqlite3.Connection) -> int:
    return _identity(data)[1]


def _stored_identity(path: Path) -> tuple[int, int]:
    """Return what the file itself contains, without what is still in its log."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as data:
        return _identity(data)


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open an existing file; never create one."""
    # mode=rw: if the file was deleted a moment ago, SQLite must fail instead of creating an empty one.
    data = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    try:
        data.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        data.close()
        raise
    return data
