"""An open state file: everything in it, and how calls acquire and release their leases.

Rules for editors: what begins with an underscore runs in the worker's thread, and so do `acquire` and `release`. A
lease that was granted is released once: by its holder, by a caller that was cancelled with it, or here, if nobody was
left to receive it, its loop is closed, or its holder is late: an exception in any line can end a task for which nobody
releases anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from exchanges.errors import StateError
from exchanges.instrumentation.lines import Log
from exchanges.limits.waits import Wait
from exchanges.state.file.database import Database, translated_errors
from exchanges.state.file.journal import FileJournal
from exchanges.state.file.key_lock import SharedKeyLock
from exchanges.state.file.locks import Locks, ProcessMarker
from exchanges.state.file.slots import SlotTable
from exchanges.state.file.worker import Worker
from exchanges.state.leases import LeaseEnd, LeaseRecord, LeaseRequest, LeaseWaiter
from exchanges.state.protocols import Headroom

logger = Log(__name__)

SWEEP_SECONDS = 1.0
"""How often late holders are looked for, and what could not be written is tried again."""


class Store:
    """One open state.

    Args:
        path: Path of the database.
        clock: Monotonic clock in seconds, the same in all processes.
        adopt: See `FileState`.

    Raises:
        StateError: It cannot be used.
    """

    _locks: Locks
    _marker: ProcessMarker
    _database: Database
    _slots: SlotTable
    journal: FileJournal

    def __init__(self, path: Path, clock: Callable[[], float], *, adopt: bool) -> None:
        self.path = path
        self.slow = (
            f"the state in {_escaped(path)} could not be written within {{}}; look for another program that locks the "
            "file, or a disk that hangs"
        )
        self._clock = clock
        self._key_locks: dict[tuple[str, str], SharedKeyLock] = {}
        self._leases: dict[LeaseRecord, tuple[LeaseWaiter, SharedKeyLock | None, float]] = {}  # and until when
        self._owes = False
        self._sweep_at = -math.inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self.worker = Worker("exchanges-state", f"the state in {path}", self._sweep)
        try:
            self.worker.run_blocking(partial(self._open, adopt=adopt))
        except BaseException:
            self.worker.stop(lambda: None)  # `_open` has closed what it had opened
            raise

    def close(self) -> None:
        """Close everything, after what was posted is written."""
        self.worker.stop(self._close)

    def acquire(self, waiter: LeaseWaiter) -> None:
        """Answer *waiter*, after it has acquired the key lock if it needs one."""
        if not waiter.is_waiting:
            return
        if waiter.loop is not self._loop:
            self._loop, self._sweep_at = waiter.loop, -math.inf
            self._sweep()
        try:
            with translated_errors(self.path):
                if waiter.request.in_order:
                    self._key_lock(waiter.request.account).acquire(waiter)
                else:
                    self._serve(waiter, None)
        except StateError as error:
            waiter.answer(error)

    def release(self, end: LeaseEnd) -> None:
        """Release a lease and its key lock; a second time does nothing. What cannot be written now is written later."""
        if end.record not in self._leases:
            return
        _, key_lock, _ = self._leases.pop(end.record)
        self._slots.add_end(end)
        self._write()
        if key_lock is not None:
            key_lock.release()

    def overtake(self, waiter: LeaseWaiter) -> None:
        """Serve a call that has waited long enough for the key lock, without it."""
        if waiter.is_waiting:
            self._serve(waiter, None)

    def give_up(self, waiter: LeaseWaiter) -> None:
        """Do nothing: one that waits no more is passed over when it would be served."""

    def holds(self, record: LeaseRecord) -> bool:
        """Whether a lease is held."""
        return record in self._leases

    def add_signers(self, request: LeaseRequest, number: int) -> None:
        """Count clients of this process that can cancel."""
        self._slots.add_signers(request.place, number)
        self._write()

    def reopen(self, request: LeaseRequest) -> None:
        """Forget the lockouts of a limit."""
        try:
            self._slots.reopen(request.place)
        except StateError as error:
            logger.error("%s; the limit was not reopened", error)  # noqa: TRY400 - a traceback shows locals

    def headroom(self, request: LeaseRequest) -> Headroom:
        """Return what is left, from any thread."""
        self.worker.require_running()
        return self._slots.headroom(request)

    def _write(self) -> None:
        try:
            self._slots.write()
        except StateError as error:
            if not self._owes:
                logger.error("%s; what has ended will be written later", error)  # noqa: TRY400 - a traceback shows locals
            self._owes = True
        else:
            self._owes = False

    def _serve(self, waiter: LeaseWaiter, key_lock: SharedKeyLock | None) -> None:
        answer: LeaseRecord | Wait | Exception
        try:
            # A caller who hears of the nonce before the entry is on the disk signs meanwhile.
            answer = self._slots.acquire(waiter.request, waiter.draft, waiter.answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not wait for ever
            answer = error
            waiter.finish(error)
            self._owes = self._owes or self._slots.owes  # a lease that was committed, but reached nobody
        if isinstance(answer, LeaseRecord):
            # Recorded before the caller hears of it: a caller that is gone by now cannot release it.
            self._leases[answer] = (waiter, key_lock, self._clock() + waiter.request.lease_seconds)
            if answer.entry is not None:
                self.journal.add_loop(answer.entry.intent.id, waiter.loop)
                waiter.finish()
            if not waiter.answer(answer):
                self.release(LeaseEnd(answer, complete=True, sent=False))
            return
        waiter.answer(answer)
        if key_lock is not None:
            key_lock.release()

    def _key_lock(self, account: tuple[str, str]) -> SharedKeyLock:
        if account not in self._key_locks:
            # Hashed, as the name of a server may contain what a file name must not.
            name = hashlib.sha256("\n".join(account).encode()).hexdigest()[:32]
            self._key_locks[account] = SharedKeyLock(self._locks, name, self.worker.post, self._serve)
        return self._key_locks[account]

    def _sweep(self) -> float | None:
        """Release leases that nobody else will, and write what was not; return when to look again."""
        if not self._leases and not self._owes:
            return None
        if (now := self._clock()) >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            for record, (waiter, _, until) in list(self._leases.items()):
                if now >= until or waiter.loop.is_closed():
                    self.release(LeaseEnd(record, complete=False))
            if self._owes:
                self._write()
        return SWEEP_SECONDS

    def _open(self, *, adopt: bool) -> None:
        path = self.path
        with translated_errors(path):
            if not path.parent.is_dir():
                raise StateError(f"the folder {path.parent} is missing; create it for the state in {path.name}")
            self._locks = Locks(path.with_name(f"{path.name}.locks"))
            self._marker = ProcessMarker(self._locks)
        try:
            with translated_errors(path):
                self._marker.remove_stale()
            self._database = Database(path, self._locks, adopt=adopt)
            try:
                self.journal = FileJournal(self.worker, self._database, self._marker)
                self._slots = SlotTable(self._database, self._marker, self.journal, self._clock)
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


def _escaped(path: Path) -> str:
    return str(path).replace("{", "{{").replace("}", "}}")
