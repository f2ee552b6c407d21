"""State in a file, shared by the processes of one host."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from exchanges.errors import StateError
from exchanges.limits.limit import Limit
from exchanges.limits.limiter import Limiter
from exchanges.state.file.limiter import SharedFileLimiter
from exchanges.state.memory import MemoryState
from exchanges.state.protocols import Journal

if TYPE_CHECKING:
    from exchanges.state.file.store import Store

__all__ = ["FileState"]

T = TypeVar("T")


class FileState:
    """Nonces, limits and a journal in a file that outlives the process and that other processes share.

    All clients of a process use one. Every process makes its own, with the same path; a child after ``fork`` too.
    It is for one host and for a disk of that host. Beside the file there are others with the same beginning, and a
    folder of lock files: they belong together.

    Calls of one process wait for each other as with `MemoryState`; then they pass a gate where processes wait for each
    other. Keys are written as fingerprints only, secrets never.

    Args:
        path: Where it is; made, for this user alone, if it is missing.
        clock: Monotonic clock in seconds, the same in all processes.

    Raises:
        StateError: The file cannot be used: see the message for what to do.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = _real(path)
        self._memory = MemoryState()
        self._store = _open_store(self._path, clock)
        self._end = weakref.finalize(self, self._store.close)

    def __repr__(self) -> str:
        """Show where it is."""
        return f"FileState({str(self._path)!r})"

    def __enter__(self) -> Self:
        """Use it in a block that closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def limiter(self, limit: Limit, server: str, key: str | None) -> Limiter:
        """Find the ledger of *limit* at *server*, for the calls of this process."""
        return self._memory.limiter(limit, server, key)

    def shared(self, server: str, key: str, make: Callable[[], T]) -> T:
        """Return what all clients of *key* at *server* share in this process, created by the first of them."""
        return self._memory.shared(server, key, make)

    def shared_limiter(self, limit: Limit, server: str, key: str | None) -> SharedFileLimiter:
        """Find what the calls of all processes pass.

        Args:
            limit: What the calls are counted against.
            server: Where they go.
            key: Whose calls they are; None without credentials.

        Raises:
            StateError: The state is closed, or belongs to the parent of this process.
        """
        self._store.worker.require_running()
        return SharedFileLimiter(self, self._store, limit, server, key)

    @property
    def journal(self) -> Journal:
        """The record of calls that are never repeated."""
        return self._store.journal

    def close(self) -> None:
        """Let go of the file, after the clients that use it are closed. Not closing it loses nothing."""
        self._end()


def _real(path: str | os.PathLike[str]) -> Path:
    """Name the file by the one name that all processes agree on."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, TypeError, ValueError):
        raise StateError(f"a state needs the path of a file, and {path!r} is none") from None


def _open_store(path: Path, clock: Callable[[], float]) -> Store:
    try:
        from exchanges.state.file.store import Store  # noqa: PLC0415 - who uses no file loads neither sqlite3 nor fcntl
    except ImportError:
        raise StateError(
            "a state in a file needs the file locks of POSIX and the module sqlite3; without them use MemoryState, in "
            "one process at a time"
        ) from None
    return Store(path, clock)
