"""Where nonces, limits and the journal are kept.

`PROCESS` is shared by all clients of a process, so that clients under the same limit share one limiter and clients with
the same key share one key lock and one nonce counter. It is the only module-level state of the library, and it knows
keys by fingerprint only. `MemoryState` is the same for selected clients. `FileState` is for processes of one host: it
keeps nonces and limits across restarts, and a journal of the calls that are never repeated. `RedisState` does the same
for several hosts, on a server that they share.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from exchanges import suggestions
from exchanges.state.memory import PROCESS, MemoryState
from exchanges.state.protocols import Entry, Journal, Lease, SharedLimiter, State

if TYPE_CHECKING:
    from exchanges.state.file.state import FileState
    from exchanges.state.redis.state import RedisState

__all__ = ["PROCESS", "Entry", "FileState", "Journal", "Lease", "MemoryState", "RedisState", "SharedLimiter", "State"]

_ON_USE = {"FileState": "file", "RedisState": "redis"}


if not TYPE_CHECKING:
    # A type checker that sees this function accepts every name, so a misspelled import would be no error.

    def __getattr__(name: str) -> object:
        """Load a state when it is first used: most programs need no database and no server."""
        if name not in _ON_USE:
            raise suggestions.no_attribute(__name__, name, __all__)
        return getattr(import_module(f"exchanges.state.{_ON_USE[name]}.state"), name)
