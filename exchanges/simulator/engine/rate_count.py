"""Arrivals counted as an exchange counts them: in every window of time, whoever sent them.

The client's limiter is checked against this, so it shares nothing with it but the declared limits.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

from exchanges.limits.limit import Limit, Window


@define
class _Sliding:
    """The arrivals of one sliding window, which ends with the latest arrival."""

    window: Window
    times: deque[float] = field(factory=deque[float])
    most: int = 0

    def arrive(self, now: float) -> bool:
        """Count one; return whether it is within the window."""
        times = self.times
        times.append(now)
        start = now - self.window.per_seconds
        while times[0] <= start:
            times.popleft()
        self.most = max(self.most, len(times))
        return len(times) <= self.window.slots


class Arrivals:
    """Arrivals by limit and by who shares it. Rejected ones count too."""

    def __init__(self) -> None:
        self._limits: dict[str, dict[str, list[_Sliding]]] = {}

    def arrive(self, limit: Limit, subject: str, now: float) -> bool:
        """Count one arrival of *subject*, an address or a key; return whether it is within all windows of *limit*."""
        subjects = self._limits.setdefault(limit.name, {})
        windows = subjects.get(subject)
        if windows is None:
            windows = subjects[subject] = [_Sliding(window) for window in limit.windows]
        within = True
        # No early exit: every window must count the arrival, even one that an earlier window rejects.
        for sliding in windows:
            within &= sliding.arrive(now)
        return within

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that requests were counted against."""
        return tuple(self._limits)

    def busiest(self, limit: str) -> tuple[int, int]:
        """Return the largest number of arrivals in one window, and how many are allowed in it.

        Of several windows, it is the one that came closest to its limit.
        """
        counts = [s for windows in self._limits.get(limit, {}).values() for s in windows]
        if not counts:
            raise KeyError(f"no request was counted against {limit!r}; counted limits: {sorted(self._limits)}")
        worst = max(counts, key=lambda s: s.most / s.window.slots)
        return worst.most, worst.window.slots
