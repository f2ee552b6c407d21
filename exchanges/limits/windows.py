"""Slots of one window: taken before a call, free again a window after its end. Plain counting, no waiting."""

from __future__ import annotations

from collections import deque

from attrs import define, field

from exchanges.limits.limit import Window

__all__ = ["LOST_SECONDS", "MARGIN_SECONDS", "Slots"]

MARGIN_SECONDS = 0.001
"""Kept on top of each window: timers may fire a clock tick early, and a window has two closed ends."""
LOST_SECONDS = 30.0


@define(eq=False, repr=False)
class Slots:
    """What is taken of one window.

    Attributes:
        window: What is counted.
        flying: Slots of calls on their way.
        resting: When the slots of ended calls come free, in order.
        lost: The same for calls without a complete answer.
    """

    window: Window
    in_flight: int = 0
    cooling: deque[float] = field(factory=deque[float])
    lost: deque[float] = field(factory=deque[float])

    def free(self, now: float) -> int:
        """Count what is free, and forget what rested long enough."""
        cooling, lost = self.cooling, self.lost
        while cooling and cooling[0] <= now:
            cooling.popleft()
        while lost and lost[0] <= now:
            lost.popleft()
        return self.window.slots - self.in_flight - len(cooling) - len(lost)

    def next_free(self, now: float) -> float:
        """Find the earliest moment at which one more slot can come free."""
        heads = [times[0] for times in (self.cooling, self.lost) if times]
        return min(heads, default=now + self.window.per_seconds)

    def cool(self, cost: int, now: float, *, complete: bool) -> None:
        """Let the slots of a call that ended rest for a window."""
        self.in_flight -= cost
        until = now + self.window.per_seconds + MARGIN_SECONDS
        if complete:
            self.cooling.extend((until,) * cost)
        else:
            self.lost.extend((until + LOST_SECONDS,) * cost)
