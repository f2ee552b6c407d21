"""Locks on files, which the kernel lets go of when a process dies, however it dies.

Each is an open file of its own, so that two states in one process keep each other out like two processes. A forked
child shares the open files of its parent, and with them the locks: it closes its copies before it does anything else,
or a lock would outlive the process that holds it.
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

__all__ = ["LockFile", "Locks", "ProcessMarker"]


@define(eq=False)
class Locks:
    """The folder of the lock files of one state, and which of them are open."""

    folder: Path
    opened: set[int] = field(factory=set[int], repr=False)

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        os.register_at_fork(after_in_child=partial(_forget, weakref.ref(self)))

    def open(self, name: str, flags: int = os.O_CREAT) -> LockFile:
        """Open the file *name*, made where it is missing."""
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
    """One open file that can be locked, by one at a time."""

    locks: Locks = field(repr=False)
    path: Path
    number: int

    def acquire(self) -> None:
        """Wait for the lock, however long that takes."""
        fcntl.flock(self.number, fcntl.LOCK_EX)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if nobody has it."""
        try:
            fcntl.flock(self.number, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go of the lock."""
        fcntl.flock(self.number, fcntl.LOCK_UN)

    def is_in_place(self) -> bool:
        """Whether others who open the same name meet the same lock."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self.number))

    def require_place(self) -> None:
        """Make sure that the lock keeps others out.

        Raises:
            StateError: Somebody removed the file.
        """
        if not self.is_in_place():
            raise StateError(
                f"the lock files in {self.path.parent} were removed while in use; end all processes that use this "
                "state, then start them again"
            )

    def close(self) -> None:
        """Let go and close."""
        self.locks.close(self.number)


class ProcessMarker:
    """The sign that a state is in use: a file that is locked as long as its process lives.

    The name goes into the database only when the file is locked. Who finds the lock free in between takes the file for
    the trace of a dead process and removes it; then another name is taken.
    """

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        while True:
            self.name = token_hex(8)
            self._file = locks.open(f"alive-{self.name}", os.O_CREAT | os.O_EXCL)
            if self._file.try_acquire() and self._file.is_in_place():
                break
            self._file.close()

    def remove_stale(self) -> None:
        """Remove the signs of the dead."""
        for path in self._locks.folder.glob("alive-*"):
            self.is_dead(path.name.removeprefix("alive-"))

    def require_place(self) -> None:
        """Make sure that others see the sign.

        Raises:
            StateError: Somebody removed it.
        """
        self._file.require_place()

    def is_dead(self, name: str) -> bool:
        """Whether the process of the state *name* is gone; if so, its file is removed."""
        if name == self.name:
            return False
        try:
            sign = self._locks.open(f"alive-{name}", 0)
        except FileNotFoundError:
            return True
        try:
            dead = sign.try_acquire(shared=True)  # shared: of two that look at once, both see it
            if dead:
                sign.path.unlink(missing_ok=True)
            return dead
        finally:
            sign.close()

    def remove(self) -> None:
        """Take the sign away."""
        self._file.path.unlink(missing_ok=True)
        self._file.close()
