"""State in a file, shared by the processes of one host."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from exchanges.errors import StateError
from exchanges.state.shared import SharedState

if TYPE_CHECKING:
    from exchanges.state.file.store import Store


class FileState(SharedState):
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
        whole = _resolved(path)
        super().__init__(str(whole), _open_store(whole, clock, adopt=adopt))


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
