"""Liveness: whether a connection is alive, and when to try the next. Pure.

Any frame is a sign of life of the connection, and of its server only one with content: a balancer may answer pings for
a server that is gone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from enum import Enum, auto

from attrs import frozen

__all__ = ["Backoff", "Liveness", "Step", "Watchdog"]

LATE_SECONDS = 1.0
"""A check that is so late says that this process was held up, and nothing about the connection."""
LIVED_SECONDS = 10.0
"""How long a connection must have lived before the waits between attempts begin anew."""
MOST_SHORT_LIVES = 5


@frozen
class Liveness:
    """When a connection of an exchange counts as dead.

    Attributes:
        ping_seconds: From one ping to the next; each must be answered, or followed by another frame, within that time.
        heartbeat_seconds: Silence after which the exchange's own heartbeat is sent, to be answered within that time;
            None if it has none.
        silence_seconds: Silence after which the connection is dead, if the exchange sends signs of life by itself;
            None if it does not.
    """

    ping_seconds: float = 5.0
    heartbeat_seconds: float | None = None
    silence_seconds: float | None = None


class Step(Enum):
    """What a watchdog wants to be done."""

    PING = auto()
    HEARTBEAT = auto()


class Watchdog:
    """Watches one connection.

    Args:
        liveness: When it counts as dead.
        now: When it was opened.
    """

    def __init__(self, liveness: Liveness, now: float) -> None:
        self._facts = liveness
        self.heard_at = self.spoken_at = now
        self._ping_at = now + liveness.ping_seconds
        self._pinged_at: float | None = None
        self._beat_at: float | None = None
        self.death: str | None = None

    def hear(self, now: float) -> None:
        """Record a frame of any kind."""
        self.heard_at = now

    def listen(self, now: float) -> None:
        """Record a frame with content."""
        self.heard_at = self.spoken_at = now
        self._beat_at = None

    def tick(self, now: float) -> list[Step]:
        """Return what to send; sets `death` if the connection is dead."""
        late = now - self.next_tick
        if late < 0:
            return []
        if late > LATE_SECONDS:
            self._forgive(late + LATE_SECONDS / 2)
            return []
        facts, steps = self._facts, list[Step]()
        if now >= self._ping_at:
            if self._pinged_at is not None and self.heard_at < self._pinged_at:
                self.death = f"no answer to a ping within {facts.ping_seconds:g} s"
            self._pinged_at, self._ping_at = now, now + facts.ping_seconds
            steps.append(Step.PING)
        if facts.heartbeat_seconds is not None and now >= self._beat_due:
            if self._beat_at is not None:
                self.death = f"no answer to a heartbeat within {facts.heartbeat_seconds:g} s"
            self._beat_at = now
            steps.append(Step.HEARTBEAT)
        if facts.silence_seconds is not None and now >= self.spoken_at + facts.silence_seconds:
            self.death = f"nothing with content for {facts.silence_seconds:g} s"
        return [] if self.death else steps

    def _forgive(self, seconds: float) -> None:
        """Move what is due: this process was held up, and has not read yet what arrived meanwhile."""
        self._ping_at += seconds
        self.spoken_at += seconds
        if self._beat_at is not None:
            self._beat_at += seconds

    @property
    def _beat_due(self) -> float:
        seconds = self._facts.heartbeat_seconds
        return math.inf if seconds is None else (self.spoken_at if self._beat_at is None else self._beat_at) + seconds

    @property
    def next_tick(self) -> float:
        """When `tick` is to be called at the latest."""
        silence = self._facts.silence_seconds
        return min(self._ping_at, self._beat_due, math.inf if silence is None else self.spoken_at + silence)


class Backoff:
    """Waits between attempts to connect: none before the first, then with full jitter up to a growing bound.

    A connection must have lived some time before the waits begin anew: else a server that accepts and closes would be
    called without pause. After several that did not, each wait is at least as long as the largest bound.

    Args:
        cap_seconds: The largest bound.
        draw: Returns a random number between its two arguments.
    """

    def __init__(self, cap_seconds: float = 30.0, draw: Callable[[float, float], float] = random.uniform) -> None:
        self.cap_seconds = cap_seconds
        self._draw = draw
        self._attempts = self._short_lives = 0

    def next_wait(self) -> float:
        """Return the seconds to wait before the next attempt."""
        self._attempts += 1
        if self._short_lives > MOST_SHORT_LIVES:
            return self._draw(self.cap_seconds, 1.5 * self.cap_seconds)
        if self._attempts == 1:
            return 0.0
        return self._draw(0.0, min(self.cap_seconds, 2.0 ** min(self._attempts - 2, 16)))

    def lived(self, seconds: float) -> None:
        """Record how long a connection lived."""
        self._short_lives += 1
        if seconds >= LIVED_SECONDS:
            self._attempts = self._short_lives = 0
