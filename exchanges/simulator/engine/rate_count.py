"""Arrivals, counted as an exchange counts them: in every window of time, whoever sent them.

This is what the ledger of the client is checked against, so it shares nothing with it but the facts.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

from exchanges.limits.limit import Limit, Window

__all__ = ["Arrivals"]


@define
class _Sliding:
    """The arrivals of the last so many seconds: a window that ends with each arrival in turn."""

    window: Window
    times: deque[float] = field(factory=deque[float])
    most: int = 0

    def arrive(self, now: float) -> bool:
        """Count one; say whether it still was within the limit."""
        times = self.times
        times.append(now)
        start = now - self.window.per_seconds
        while times[0] <= start:
            times.popleft()
        self.most = max(self.most, len(times))
        return len(times) <= self.window.slots


class Arrivals:
    """Counts arrivals by limit and by who shares it. Refused ones count too."""

    def __init__(self) -> None:
        self._limits: dict[str, dict[str, list[_Sliding]]] = {}

    def arrive(self, limit: Limit, subject: str, now: float) -> bool:
        """Count one arrival of *subject*, an address or a key; say whether it is within all windows of *limit*."""
        subjects = self._limits.setdefault(limit.name, {})
        windows = subjects.get(subject)
        if windows is None:
            windows = subjects[subject] = [_Sliding(window) for window in limit.windows]
        within = True
        for sliding in windows:
            within &= sliding.arrive(now)
        return within

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that anything was counted against."""
        return tuple(self._limits)

    def busiest(self, limit: str) -> tuple[int, int]:
        """Give the largest number of arrivals in one window, and how many are allowed in it.

        Where a limit has several windows, it is the one that came closest to its end.
        """
        counts = [s for windows in self._limits.get(limit, {}).values() for s in windows]
        if not counts:
            raise KeyError(f"nothing was counted against {limit!r}; there are {sorted(self._limits)}")
        worst = max(counts, key=lambda s: s.most / s.window.slots)
        return worst.most, worst.window.slots
