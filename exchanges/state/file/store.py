"""Where the clerk works: everything of one state that is open, and how a call gets and ends its ticket.

Rules for editors: what begins with an underscore runs in the clerk's thread, and so do `admit` and `end`. A ticket that
was made is ended once: by its passage, by a caller that went away with it, or here, where nobody was left to take it or
where its loop is closed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from exchanges.errors import StateError
from exchanges.state.file.database import Database, told
from exchanges.state.file.journal import FileJournal
from exchanges.state.file.key_lock import SharedKeyLock
from exchanges.state.file.leases import End, Ticket, Visit
from exchanges.state.file.locks import Alive, Locks
from exchanges.state.file.slots import Book
from exchanges.state.file.worker import Clerk

__all__ = ["Desk"]


class Desk:
    """One open state.

    Args:
        path: Of the database.
        clock: Monotonic, in seconds, the same in all processes.

    Raises:
        StateError: It cannot be used.
    """

    _locks: Locks
    _alive: Alive
    _database: Database
    _book: Book
    journal: FileJournal

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._key_locks: dict[tuple[str, str], SharedKeyLock] = {}
        self._tickets: dict[Ticket, tuple[Visit, SharedKeyLock | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.clerk = Clerk("exchanges-state", f"the state in {path}")
        try:
            self.clerk.do_now(self._open)
        except BaseException:
            self.clerk.stop(_nothing)
            raise

    def close(self) -> None:
        """Let go of everything; what was begun is written first."""
        self.clerk.stop(self._close)

    def admit(self, visit: Visit) -> None:
        """Let *visit* wait for its turn, if it needs one, and then answer it."""
        try:
            with told(self._path):
                self._end_lost(visit.loop)
                if visit.want.in_order:
                    self._key_lock(visit.want.account).ask(visit)
                else:
                    self._serve(visit, None)
        except StateError as error:
            visit.answer(error)

    def end(self, end: End) -> None:
        """End a call and let go of its turn; a second time does nothing.

        Raises:
            StateError: It cannot be written now; it will be, together with what is written next.
        """
        if end.ticket not in self._tickets:
            return
        _, key_lock = self._tickets.pop(end.ticket)
        try:
            self._book.end(end)
        finally:
            if key_lock is not None:
                key_lock.let_go()

    def _serve(self, visit: Visit, key_lock: SharedKeyLock | None) -> None:
        found: Ticket | float | Exception
        try:
            found = self._book.take(visit.want)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not wait for ever
            found = error
        if isinstance(found, Ticket):
            self._tickets[found] = (visit, key_lock)
            if not visit.answer(found):
                with suppress(StateError):
                    self.end(End(found, complete=True, sent=False))
            return
        visit.answer(found)
        if key_lock is not None:
            key_lock.let_go()

    def _key_lock(self, account: tuple[str, str]) -> SharedKeyLock:
        if account not in self._key_locks:
            name = hashlib.sha256("\n".join(account).encode()).hexdigest()[:32]
            self._key_locks[account] = SharedKeyLock(self._locks, name, self.clerk.post, self._serve)
        return self._key_locks[account]

    def _end_lost(self, loop: asyncio.AbstractEventLoop) -> None:
        """With a new loop, look for calls of closed ones: nobody is left to end them."""
        if loop is self._loop:
            return
        self._loop = loop
        for ticket, (visit, _) in list(self._tickets.items()):
            if visit.loop.is_closed():
                with suppress(StateError):
                    self.end(End(ticket, complete=False))

    def _open(self) -> None:
        path = self._path
        with told(path):
            if not path.parent.is_dir():
                raise StateError(f"the folder {path.parent} is missing; make it for the state in {path.name}")
            self._locks = Locks(path.with_name(f"{path.name}.locks"))
            self._alive = Alive(self._locks)
        try:
            with told(path):
                self._alive.tidy()
            self._database = Database(path, self._locks)
            try:
                self._book = Book(self._database, self._alive, self._clock)
                self.journal = FileJournal(self.clerk, self._database, self._alive)
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._alive.end()
            raise

    def _close(self) -> None:
        for key_lock in self._key_locks.values():
            key_lock.close()
        self._alive.end()
        self._database.close()


def _nothing() -> None:
    """Do nothing."""
