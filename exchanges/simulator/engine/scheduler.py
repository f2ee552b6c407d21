"""What is to happen later: when simulated time has come that far."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from exchanges.simulator.engine.snapshots import Shared

__all__ = ["Action", "Diary"]

Action: TypeAlias = Callable[[int], object]
"""Happens; is told the moment, in milliseconds since 1970."""


class Diary(Shared):
    """Actions by the moment at which they are due; of equal moments the one written down first comes first."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, Action]] = []
        self._numbers = count()

    def at(self, due_ms: int, action: Action) -> None:
        """Write down that *action* happens at *due_ms*."""
        heapq.heappush(self._entries, (due_ms, next(self._numbers), action))

    def pass_until(self, now_ms: int) -> None:
        """Let everything happen that is due by *now_ms*, each at its own moment, in order."""
        while self._entries and self._entries[0][0] <= now_ms:
            due_ms, _, action = heapq.heappop(self._entries)
            action(due_ms)
