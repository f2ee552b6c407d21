"""Where nonces and limits are kept.

`PROCESS` is shared by all clients of a process, so that clients that meet the same limit share one ledger and
clients that share a key share one turn and one counter. It is the only module-level state of the library, and it
knows keys by fingerprint only. `MemoryState` is the same for one client alone.
"""

from exchanges.state.memory import PROCESS, MemoryState, State

__all__ = ["PROCESS", "MemoryState", "State"]
