"""Slots of one window: taken before a call, free again a window after its end. Plain counting, no waiting."""

from __future__ import annotations

from collections import deque

from attrs import field

from exchanges.limits.limit import Window
from exchanges.values import define

MARGIN_SECONDS = 0.001
"""Added to each window: a timer may fire a clock tick early, and both ends of a window belong to it."""
LOST_SECONDS = 30.0
"""Added for a call without a complete answer: it may still be on its way to the exchange."""


@define(eq=False, repr=False)
class Slots:
    """The slots of one window.

    Attributes:
        window: What is counted.
        cooling: When the slots of ended calls become free, in order.
        lost: The same for calls without a complete answer.
        room: How many are free for certain; `free` counts those that have cooled since.
        reserve: Those that are kept for cancels.
        cools_for: How long the slot of an answered call cools, in seconds.
    """

    window: Window
    cooling: deque[float] = field(factory=deque[float])
    lost: deque[float] = field(factory=deque[float])
    room: int = field(init=False)
    reserve: int = field(init=False)
    cools_for: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Compute what each call needs."""
        self.room = self.window.slots - len(self.cooling) - len(self.lost)
        self.reserve = self.window.reserve
        self.cools_for = self.window.per_seconds + MARGIN_SECONDS

    @property
    def in_flight(self) -> int:
        """Slots of calls that have not ended: all that are neither free nor cooling."""
        return self.window.slots - self.room - len(self.cooling) - len(self.lost)

    def free(self, now: float) -> int:
        """Count the free slots; drop those that have cooled."""
        # Two queues, as each is in order by itself: a lost call cools longer than one that ended after it.
        for times in (self.cooling, self.lost):
            while times and times[0] <= now:
                times.popleft()
                self.room += 1
        return self.room

    def free_at_once(self, _: float) -> None:
        """Free the slot of a call that ended without sending anything."""
        self.room += 1

    def next_free(self, now: float) -> float:
        """Return the earliest moment at which one more slot can become free."""
        heads = [times[0] for times in (self.cooling, self.lost) if times]
        return min(heads, default=now + self.window.per_seconds)

    def lose(self, now: float) -> None:
        """Start cooling the slot of a call that ended now without a complete answer."""
        self.lost.append(now + self.cools_for + LOST_SECONDS)

    def resized(self, window: Window) -> Slots:
        """Return the slots of another window in which the ended calls of this one cool."""
        more = window.per_seconds - self.window.per_seconds
        return Slots(window, deque(t + more for t in self.cooling), deque(t + more for t in self.lost))
