"""State that lives as long as the process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exchanges.limits.limit import Limit, Scope
from exchanges.limits.limiter import KeyLock, Limiter
from exchanges.limits.nonces import MemoryCounter

if TYPE_CHECKING:
    from exchanges.outcomes.pending import PendingCalls
    from exchanges.state.protocols import Gate, Journal

__all__ = ["PROCESS", "MemoryState"]


class MemoryState:
    """Ledgers and counters in memory."""

    def __init__(self) -> None:
        self._limiters: dict[tuple[Limit, str, str | None], Limiter] = {}
        self._key_locks: dict[tuple[str, str], KeyLock] = {}
        self._counters: dict[tuple[str, str], MemoryCounter] = {}
        self._calls: dict[tuple[str, str], PendingCalls] = {}

    def __repr__(self) -> str:
        """Show the ledgers."""
        return f"MemoryState({list(self._limiters.values())})"

    def limiter(self, limit: Limit, server: str, key: str | None) -> Limiter:
        """Find the ledger of *limit* at *server*, and of *key* where the limit's scope is the key.

        Ledgers that nobody uses are forgotten once they have no taken slot left to remember.
        """
        now = time.monotonic()
        self._limiters = {place: limiter for place, limiter in self._limiters.items() if not limiter.is_idle(now)}
        place = (limit, server, key if limit.scope is Scope.KEY else None)
        return self._limiters.setdefault(place, Limiter(limit))

    def key_lock(self, server: str, key: str) -> KeyLock:
        """Find the turn of *key* at *server*."""
        return self._key_locks.setdefault((server, key), KeyLock())

    def counter(self, server: str, key: str) -> MemoryCounter:
        """Find the nonces of *key* at *server*."""
        return self._counters.setdefault((server, key), MemoryCounter())

    def calls(self, server: str, key: str, fresh: PendingCalls) -> PendingCalls:
        """Find the book of the calls of *key* at *server* that are never repeated; *fresh* where there is none yet."""
        return self._calls.setdefault((server, key), fresh) if key else fresh

    def gate(self, limit: Limit, server: str, key: str | None) -> Gate | None:  # noqa: ARG002 - as declared
        """Nobody else shares it."""
        return None

    @property
    def journal(self) -> Journal | None:
        """Nothing outlives the process."""
        return None


PROCESS = MemoryState()
"""Shared by all clients of this process that do not bring a state or a transport of their own."""
