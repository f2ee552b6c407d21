"""Where nonces, limits and the journal are kept.

`PROCESS` is shared by all clients of a process, so that clients that meet the same limit share one ledger and
clients that share a key share one turn and one counter. It is the only module-level state of the library, and it
knows keys by fingerprint only. `MemoryState` is the same for one client alone. `FileState` is for processes of one
host: it keeps nonces and limits across restarts, and a journal of the calls that are never repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchanges.state.memory import PROCESS, MemoryState
from exchanges.state.protocols import Entry, Gate, Journal, Passage, State

if TYPE_CHECKING:
    from exchanges.state.file.state import FileState

__all__ = ["PROCESS", "Entry", "FileState", "Gate", "Journal", "MemoryState", "Passage", "State"]


def __getattr__(name: str) -> object:
    """Load what needs a database when it is first asked for."""
    if name != "FileState":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from exchanges.state.file.state import FileState  # noqa: PLC0415 - most programs never need it

    return FileState
