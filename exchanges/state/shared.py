"""What the states have in common that processes share, wherever they keep it."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import Protocol, Self

from exchanges.limits.limit import Limit
from exchanges.state.limiter import LeaseStore, LeasingLimiter, Poster
from exchanges.state.memory import MemoryState
from exchanges.state.protocols import Journal


class Worker(Poster, Protocol):
    """The thread of a store that can be closed."""

    def require_running(self) -> None:
        """Raise `StateError` if it has stopped, or belongs to the parent of this process."""
        ...


class Store(LeaseStore, Protocol):
    """Keeps what processes share."""

    @property
    def worker(self) -> Worker:
        """Its thread."""
        ...

    @property
    def journal(self) -> Journal:
        """The journal of calls that are never repeated."""
        ...

    def close(self) -> None:
        """Stop the thread, and close what it has opened."""
        ...


class SharedState(MemoryState):
    """A state in a store; what belongs to one process alone stays in memory.

    Args:
        place: Where the store is, as the state shows it: without secrets.
        store: The store, which must not refer to this object: it would never be collected then, and so never be closed.
    """

    def __init__(self, place: str, store: Store) -> None:
        super().__init__()
        self._place, self._store = place, store
        self._finalize = weakref.finalize(self, store.close)

    def __repr__(self) -> str:
        """Show where the store is."""
        place = vars(self).get("_place", "")  # a traceback may show a state whose constructor failed
        return f"{type(self).__name__}({place!r})"

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
        """Close the store, after the clients that use it are closed. Without it nothing is lost."""
        self._finalize()
