"""Where the worker works: everything of one state that is open, and how a call gets and ends its record.

Rules for editors: what begins with an underscore runs in the worker's thread, and so do `acquire` and `release`. A
record is released once: by its lease, by a caller that was cancelled, or here, where nobody was left to take it or its
loop is closed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from exchanges.errors import StateError
from exchanges.state.file.database import Database, translated_errors
from exchanges.state.file.journal import FileJournal
from exchanges.state.file.key_lock import SharedKeyLock
from exchanges.state.file.leases import LeaseEnd, LeaseRecord, LeaseWaiter
from exchanges.state.file.locks import Locks, ProcessMarker
from exchanges.state.file.slots import SlotTable
from exchanges.state.file.worker import Worker

__all__ = ["Store"]


class Store:
    """One open state.

    Args:
        path: Of the database.
        clock: Monotonic, in seconds, the same in all processes.

    Raises:
        StateError: It cannot be used.
    """

    _locks: Locks
    _marker: ProcessMarker
    _database: Database
    _slots: SlotTable
    journal: FileJournal

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._key_locks: dict[tuple[str, str], SharedKeyLock] = {}
        self._leases: dict[LeaseRecord, tuple[LeaseWaiter, SharedKeyLock | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.worker = Worker("exchanges-state", f"the state in {path}")
        try:
            self.worker.run_blocking(self._open)
        except BaseException:
            self.worker.stop(_nothing)
            raise

    def close(self) -> None:
        """Let go of everything; what was begun is written first."""
        self.worker.stop(self._close)

    def acquire(self, waiter: LeaseWaiter) -> None:
        """Let *waiter* wait for its turn, if it needs one, and then answer it."""
        try:
            with translated_errors(self._path):
                self._end_lost(waiter.loop)
                if waiter.request.in_order:
                    self._key_lock(waiter.request.account).acquire(waiter)
                else:
                    self._serve(waiter, None)
        except StateError as error:
            waiter.answer(error)

    def release(self, end: LeaseEnd) -> None:
        """End a call and let go of its turn; a second time does nothing.

        Raises:
            StateError: It cannot be written now; it will be, together with what is written next.
        """
        if end.record not in self._leases:
            return
        _, key_lock = self._leases.pop(end.record)
        try:
            self._slots.release(end)
        finally:
            if key_lock is not None:
                key_lock.release()

    def _serve(self, waiter: LeaseWaiter, key_lock: SharedKeyLock | None) -> None:
        found: LeaseRecord | float | Exception
        try:
            found = self._slots.acquire(waiter.request)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not wait for ever
            found = error
        if isinstance(found, LeaseRecord):
            self._leases[found] = (waiter, key_lock)
            if not waiter.answer(found):
                with suppress(StateError):
                    self.release(LeaseEnd(found, complete=True, sent=False))
            return
        waiter.answer(found)
        if key_lock is not None:
            key_lock.release()

    def _key_lock(self, account: tuple[str, str]) -> SharedKeyLock:
        if account not in self._key_locks:
            name = hashlib.sha256("\n".join(account).encode()).hexdigest()[:32]
            self._key_locks[account] = SharedKeyLock(self._locks, name, self.worker.post, self._serve)
        return self._key_locks[account]

    def _end_lost(self, loop: asyncio.AbstractEventLoop) -> None:
        """With a new loop, look for calls of closed ones: nobody is left to end them."""
        if loop is self._loop:
            return
        self._loop = loop
        for record, (waiter, _) in list(self._leases.items()):
            if waiter.loop.is_closed():
                with suppress(StateError):
                    self.release(LeaseEnd(record, complete=False))

    def _open(self) -> None:
        path = self._path
        with translated_errors(path):
            if not path.parent.is_dir():
                raise StateError(f"the folder {path.parent} is missing; make it for the state in {path.name}")
            self._locks = Locks(path.with_name(f"{path.name}.locks"))
            self._marker = ProcessMarker(self._locks)
        try:
            with translated_errors(path):
                self._marker.remove_stale()
            self._database = Database(path, self._locks)
            try:
                self._slots = SlotTable(self._database, self._marker, self._clock)
                self.journal = FileJournal(self.worker, self._database, self._marker)
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._marker.remove()
            raise

    def _close(self) -> None:
        for key_lock in self._key_locks.values():
            key_lock.close()
        self._marker.remove()
        self._database.close()


def _nothing() -> None:
    """Do nothing."""
