"""Locks on files, which the kernel releases when a process dies, however it dies.

Each is an open file of its own, so that two states in one process exclude each other like two processes. A forked child
shares the open files of its parent, and with them the locks: it closes its copies before it does anything else, or a
lock would outlive the process that holds it.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex

from attrs import define, field

from exchanges.errors import StateError


@define(eq=False)
class Locks:
    """The folder of the lock files of one state, and which of them are open."""

    folder: Path
    opened: set[int] = field(factory=set[int], repr=False)

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        os.register_at_fork(after_in_child=partial(_forget, weakref.ref(self)))

    def open(self, name: str, flags: int = os.O_CREAT) -> LockFile:
        """Open the file *name*, created if it is missing."""
        number = os.open(self.folder / name, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
        self.opened.add(number)
        return LockFile(self, self.folder / name, number)

    def close(self, number: int) -> None:
        """Close an open file."""
        self.opened.discard(number)  # first: a child that is forked in between must not close what took its number
        os.close(number)


def _forget(reference: weakref.ref[Locks]) -> None:
    locks = reference()
    if locks is not None:
        for number in locks.opened:
            with suppress(OSError):
                os.close(number)
        locks.opened.clear()


@define(eq=False)
class LockFile:
    """One open file that one holder at a time can lock."""

    locks: Locks = field(repr=False)
    path: Path
    number: int

    def acquire(self) -> None:
        """Wait for the lock, without a limit."""
        fcntl.flock(self.number, fcntl.LOCK_EX)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Acquire the lock if it is free; return whether it was."""
        try:
            fcntl.flock(self.number, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Release the lock."""
        try:
            fcntl.flock(self.number, fcntl.LOCK_UN)
        except OSError:
            # Closing releases it for certain, and nobody else may wait for a lock that nobody needs.
            self.close()
            self.number = self.locks.open(self.path.name).number

    def is_in_place(self) -> bool:
        """Whether others who open the same name get the same lock."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(self.number))

    def require_place(self) -> None:
        """Raise unless the lock excludes others.

        Raises:
            StateError: The file was removed.
        """
        if not self.is_in_place():
            raise StateError(
                f"the lock files in {self.path.parent} were removed while in use; stop all processes that use this "
                "state, then start them again"
            )

    def close(self) -> None:
        """Release the lock and close the file."""
        self.locks.close(self.number)


class ProcessMarker:
    """The marker of a process that uses a state: a file that is locked as long as the process lives.

    The name is written to the database only when the file is locked. Another process that finds the lock free in
    between takes the file for that of a dead process and removes it; then another name is chosen.
    """

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        while True:
            self.name = token_hex(8)
            self._file = locks.open(f"alive-{self.name}", os.O_CREAT | os.O_EXCL)
            # Still in place, or another process removed it between open and lock.
            if self._file.try_acquire() and self._file.is_in_place():
                break
            self._file.close()

    def remove_stale(self) -> None:
        """Remove the markers of dead processes."""
        for path in self._locks.folder.glob("alive-*"):
            self.is_dead(path.name.removeprefix("alive-"))

    def require_place(self) -> None:
        """Raise unless others see the marker.

        Raises:
            StateError: The file was removed.
        """
        self._file.require_place()

    def is_dead(self, name: str) -> bool:
        """Whether the process with the marker *name* is gone; if so, its file is removed."""
        if name == self.name:
            return False
        try:
            marker = self._locks.open(f"alive-{name}", 0)
        except FileNotFoundError:
            return True
        try:
            dead = marker.try_acquire(shared=True)  # shared: of two processes that look at once, both see it
            if dead:
                marker.path.unlink(missing_ok=True)
            return dead
        finally:
            marker.close()

    def remove(self) -> None:
        """Remove the marker of this process."""
        self._file.path.unlink(missing_ok=True)
        self._file.close()
