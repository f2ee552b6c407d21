"""Actions that run when simulated time reaches them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from exchanges.simulator.engine.snapshots import Shared

Action: TypeAlias = Callable[[int], object]
"""Called with its due time, in milliseconds since 1970."""


class Scheduler(Shared):
    """Actions ordered by due time; among equal due times, in the order in which they were scheduled."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, Action]] = []
        self._numbers = count()

    def at(self, due_ms: int, action: Action) -> None:
        """Schedule *action* for *due_ms*."""
        # The number breaks ties before heapq would compare two functions, which raises.
        heapq.heappush(self._entries, (due_ms, next(self._numbers), action))

    def run_until(self, now_ms: int) -> None:
        """Run everything due by *now_ms* in order, each action with its own due time."""
        while self._entries and self._entries[0][0] <= now_ms:
            due_ms, _, action = heapq.heappop(self._entries)
            action(due_ms)
