"""State in a file, shared by the processes of one host."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from exchanges.errors import StateError
from exchanges.limits.limit import Limit
from exchanges.state.limiter import LeasingLimiter
from exchanges.state.memory import MemoryState
from exchanges.state.protocols import Journal

if TYPE_CHECKING:
    from exchanges.state.file.store import Store


class FileState(MemoryState):
    """Nonces, limits and a journal in a file that outlives the process and that other processes share.

    All clients of a process use one instance. Every process creates its own, with the same path, and so does a child
    after ``fork``. It is for one host and for a local disk of that host. Beside the file there are others whose names
    begin with its name, and a folder of lock files: they belong together, and a file without them, a copy or an older
    one is refused.

    Calls of one process wait for each other as with `MemoryState`; then they wait for those of other processes. Keys
    are written as fingerprints only, secrets never.

    Args:
        path: Path of the file, which is created, for this user alone, if it is missing.
        clock: Monotonic clock in seconds, the same in all processes.
        adopt: Whether to accept a file that was copied, moved or restored, or that lost its last changes, and to go on
            from what it contains. Pass it once, when you have checked at the exchange what your last calls did, and
            when nothing uses another copy.

    Raises:
        StateError: The file cannot be used; the message says what to do.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.monotonic, adopt: bool = False
    ) -> None:
        self._path = _resolved(path)
        super().__init__()
        self._store = _open_store(self._path, clock, adopt=adopt)
        # The store must not refer to this object, or it would never be collected and so never be closed.
        self._finalize = weakref.finalize(self, self._store.close)

    def __repr__(self) -> str:
        """Show the path."""
        return f"FileState({str(self._path)!r})"

    def __enter__(self) -> Self:
        """Use it in a block that closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def shared_limiter(self, limit: Limit, server: str, key: str | None) -> LeasingLimiter:
        """Return the limiter that all processes share.

        Args:
            limit: What the calls are counted against.
            server: Where they go.
            key: Whose calls they are; None without credentials.

        Raises:
            StateError: The state is closed, or belongs to the parent of this process.
        """
        self._store.worker.require_running()
        return LeasingLimiter(self._store, limit, server, key, keep_alive=self)

    @property
    def journal(self) -> Journal:
        """The journal of calls that are never repeated."""
        return self._store.journal

    def close(self) -> None:
        """Close the file, after the clients that use it are closed. Without it nothing is lost."""
        self._finalize()


def _resolved(path: str | os.PathLike[str]) -> Path:
    """Return the one path that all processes agree on."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, TypeError, ValueError):
        raise StateError(f"FileState needs a file path, got {path!r}") from None


def _open_store(path: Path, clock: Callable[[], float], *, adopt: bool) -> Store:
    try:
        from exchanges.state.file.store import Store  # noqa: PLC0415 - programs without a file load no sqlite3 and fcntl
    except ImportError:
        raise StateError(
            "FileState needs POSIX file locks and the module sqlite3; without them use MemoryState, in one process at "
            "a time"
        ) from None
    return Store(path, clock, adopt=adopt)
