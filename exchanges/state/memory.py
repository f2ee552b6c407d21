"""State that lives as long as the process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exchanges.limits.limit import Limit, Scope
from exchanges.limits.limiter import Ledger, Turn
from exchanges.limits.nonces import MemoryCounter

if TYPE_CHECKING:
    from exchanges.outcomes.pending import Calls
    from exchanges.state.protocols import Gate, Journal

__all__ = ["PROCESS", "MemoryState"]


class MemoryState:
    """Ledgers and counters in memory."""

    def __init__(self) -> None:
        self._ledgers: dict[tuple[Limit, str, str | None], Ledger] = {}
        self._turns: dict[tuple[str, str], Turn] = {}
        self._counters: dict[tuple[str, str], MemoryCounter] = {}
        self._calls: dict[tuple[str, str], Calls] = {}

    def __repr__(self) -> str:
        """Show the ledgers."""
        return f"MemoryState({list(self._ledgers.values())})"

    def ledger(self, limit: Limit, server: str, key: str | None) -> Ledger:
        """Find the ledger of *limit* at *server*, and of *key* where the limit's scope is the key.

        Ledgers that nobody uses are forgotten once they have no taken slot left to remember.
        """
        now = time.monotonic()
        self._ledgers = {place: ledger for place, ledger in self._ledgers.items() if not ledger.is_idle(now)}
        place = (limit, server, key if limit.scope is Scope.KEY else None)
        return self._ledgers.setdefault(place, Ledger(limit))

    def turn(self, server: str, key: str) -> Turn:
        """Find the turn of *key* at *server*."""
        return self._turns.setdefault((server, key), Turn())

    def counter(self, server: str, key: str) -> MemoryCounter:
        """Find the nonces of *key* at *server*."""
        return self._counters.setdefault((server, key), MemoryCounter())

    def calls(self, server: str, key: str, fresh: Calls) -> Calls:
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
