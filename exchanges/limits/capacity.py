"""The capacity of a limit: its slots and lockouts, and whether a call may have a slot now. It neither queues nor waits.

Everything here is called with the lock of the limiter held.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator

from exchanges.errors import RateLimited, RateLimitTimeout
from exchanges.limits.limit import Limit, Window
from exchanges.limits.lockouts import Lockouts
from exchanges.limits.parts import Parts
from exchanges.limits.permits import CANCEL, IN_ORDER, MONEY, READ, Lane, Priority
from exchanges.limits.reasons import Congestion, closed_by, closed_error, held_by, timeout_error
from exchanges.limits.status import LimitStatus, closed_status, window_status
from exchanges.limits.waiters import Waiter
from exchanges.limits.waits import Waits
from exchanges.limits.windows import MARGIN_SECONDS, Slots

_READS_FIRST = (CANCEL, READ, MONEY)
SLACK = 0.99
NONE: frozenset[tuple[Lane, bool, Priority]] = frozenset()
LATENCY_MEMORY = 16
"""The mean latency follows about so many of the last calls."""
LATENCY_KNOWN_SECONDS = 60.0
"""How long after an answer the mean latency holds calls back: an old one must not keep all of them out for ever."""


class Capacity(ABC):
    """What a limit admits.

    Attributes:
        limit: What is kept; the widest, if there are limits within it.
        users: How many clients use it.
        signers: How many of them can cancel, so that a reserve is kept.
        mean_latency_seconds: How long an answer took lately.
        lockouts: What the exchange has closed.
    """

    def __init__(self, limit: Limit, lock: threading.RLock) -> None:
        self.limit = limit.widest
        self.users = 0
        self.signers = 0
        self.mean_latency_seconds: float = 0.0
        self.lockouts = Lockouts()
        self._lock = lock
        self._parts = Parts()
        self._counts = self._slots_of(self.limit)
        self._waits = Waits()  # for other processes
        self._congestion = Congestion()
        self._answered_at = self._reserved_until = -math.inf
        self.adopt(limit)

    def __repr__(self) -> str:
        """Show taken slots and waiting calls."""
        now = self.now()
        taken = ", ".join(f"{c.window.slots - c.free(now)} of {c.window}" for c in self._counts)
        return f"{type(self).__name__}({self.limit.name}: {taken or 'no limit'}; {self.waiting} waiting)"

    @abstractmethod
    def now(self) -> float:
        """Return the time on the clock of the event loops; minus infinity before the first call."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """How many calls wait."""

    @property
    def sustainable_per_second(self) -> float:
        """Reads per second that the limit sustains."""
        held = MARGIN_SECONDS + self.mean_latency_seconds
        windows = [c.window for c in self._counts]
        return min(((w.slots - self._reserve(w)) / (w.per_seconds + held) for w in windows), default=math.inf)

    @property
    def paced_per_second(self) -> float:
        """Reads per second that the limit sustains without one waiting for another."""
        return self.sustainable_per_second * SLACK

    def reserve_spot(self, calls: int) -> float:
        """Return the next moment at which so many paced calls fit between the others, and reserve it."""
        with self._lock:
            spot = max(self._reserved_until, self.now())
            self._reserved_until = spot + calls / self.paced_per_second
            return spot

    def is_idle(self, now: float) -> bool:
        """Whether no client uses it and no slot is taken, so that it can be forgotten."""
        cooled = all(c.free(now) == c.window.slots for c in self._parts)
        return cooled and not self.users and self.lockouts.is_over(now)

    def adopt(self, limit: Limit) -> tuple[Slots, ...]:
        """Keep *limit* and return where its calls need a slot: in its own windows and those it is within.

        Raises:
            UsageError: A client uses another limit of the same name.
        """
        with self._lock:
            return tuple(slots for part in limit.parts for slots in self._slots_of(part))

    def _slots_of(self, part: Limit) -> tuple[Slots, ...]:
        counts = self._parts.slots(part, in_use=self.users > 0)
        if part.name == self.limit.name:
            self.limit, self._counts = part, counts
        return counts

    def status(self, part: Limit) -> LimitStatus:
        """Return what is left of the limit, or of one within it."""
        with self._lock:
            now = self.now()
            counts = self._slots_of(part)
            windows = tuple(window_status(c, now, reserve=self._reserve(c.window)) for c in counts)
            closed = tuple(closed_status(lockout, now) for lockout in self.lockouts if not lockout.is_over(now))
            return LimitStatus(part.name, part.scope, windows, self.waiting, closed)

    def refusals(self, scope: str, sent_at: float) -> int:
        """Return how many refusals in a row there were before a call that was sent at *sent_at*."""
        return self.lockouts.refusals(scope, sent_at)

    def join(self, *, signs: bool) -> None:
        """Register a client; *signs*: whether it can cancel, so that a reserve is kept for it."""
        with self._lock:
            self.users += 1
            self.signers += signs

    def leave(self, *, signs: bool) -> None:
        """Unregister a client."""
        with self._lock:
            self.users -= 1
            self.signers -= signs

    def _has_room(
        self, slots: tuple[Slots, ...], priority: Priority, now: float, scope: str, *, is_spare: bool
    ) -> bool:
        if self._waits.heard and now < self._waits.until(slots, scope, priority):
            return False
        keeps = is_spare or (self.signers and priority is not CANCEL)
        for counted in slots:
            keep = counted.reserve if keeps else 0
            if counted.room <= keep and counted.free(now) <= keep:
                return False
        return True

    def _order(self, now: float) -> tuple[Priority, ...]:
        # A read costs nothing if the exchange refuses it once more, so after a lockout one goes first.
        return _READS_FIRST if self.lockouts.is_trial(now) else IN_ORDER

    def _alike(self, waiter: Waiter) -> set[tuple[Lane, bool, Priority]]:
        """Return of what kind those are that wait for the same as *waiter*, for whatever part of the limit."""
        by_part = self.lockouts.by_scope or self._waits.by_part
        return set() if by_part else {(waiter.lane, waiter.is_spare, waiter.priority)}

    def _earliest(self, waiter: Waiter, now: float) -> float:
        """Return when this waiter can be granted a permit, if nothing is heard before; *now* if it can be now."""
        moment = self._room_at(waiter, now) if self._waits.heard or self._full(waiter, now) else now
        if not self.lockouts.by_scope:
            return moment
        is_cancel = waiter.priority is CANCEL
        return max(moment, self.lockouts.opens_at(waiter.scope, now, is_cancel=is_cancel))

    def _lane_at(self, waiter: Waiter, now: float) -> float:
        """Return when a waiter whose lane is taken can go at the earliest, if nothing is heard before."""
        # The permit that holds the lane wakes it when it ends; these moments are for when it does not.
        if waiter.lane.key_lock is None:
            return math.inf
        moments = [m for m in (waiter.may_pass_at, waiter.lane.late_at) if m > now]
        return max(self._earliest(waiter, now), min(moments)) if moments else math.inf

    def _may_go_at(self, waiter: Waiter, full: list[Slots], now: float) -> float:
        """Return a moment before which this waiter, for which those windows are *full*, certainly gets nothing."""
        if not full and not self.lockouts.by_scope:
            return now
        is_cancel = waiter.priority is CANCEL
        # A call in flight of which nothing was sent gives its slot back at once.
        cooling = [c.next_free(now) for c in full if not c.in_flight]
        opened = self.lockouts.may_open_at(waiter.scope, now, is_cancel=is_cancel) if self.lockouts.by_scope else now
        return max([opened, *cooling])

    def _room_at(self, waiter: Waiter, now: float) -> float:
        """Return when there can be room for this waiter, for which there is none."""
        moments = [c.next_free(now) for c in self._full(waiter, now)]
        return max([now, self._waits.until(waiter.slots, waiter.scope, waiter.priority), *moments])

    def _full(self, waiter: Waiter, now: float) -> list[Slots]:
        """List the windows without a slot for this waiter."""
        keeps = waiter.is_spare or (self.signers and waiter.priority is not CANCEL)
        full: list[Slots] = []
        for counted in waiter.slots:
            keep = counted.reserve if keeps else 0
            if counted.room <= keep and counted.free(now) <= keep:
                full.append(counted)
        return full

    def _expires_at(self, waiter: Waiter, now: float) -> float:
        """Return when *waiter* has waited in vain; infinity for never."""
        known = now - self._answered_at < LATENCY_KNOWN_SECONDS
        moment = waiter.deadline - self.mean_latency_seconds if known else waiter.deadline
        return moment if waiter.send_by == math.inf else min(moment, waiter.send_by)

    def _is_hopeless(self, waiter: Waiter, full: list[Slots], now: float) -> bool:
        """Whether no permit can be granted in time, or the exchange has asked to be left alone for a time."""
        is_closed = bool(self.lockouts.by_scope)
        earliest = self._may_go_at(waiter, full, now) if full or is_closed else now
        is_late = self._is_late(earliest, waiter.deadline, waiter.send_by)
        return is_late or (is_closed and self.lockouts.named(waiter.scope, now) is not None)

    def _is_late(self, moment: float, deadline: float, send_by: float) -> bool:
        """Whether a call that is sent at *moment* comes too late."""
        known = moment - self._answered_at < LATENCY_KNOWN_SECONDS
        return moment > send_by or moment + (self.mean_latency_seconds if known else 0.0) > deadline

    def _in_vain(self, waiter: Waiter, now: float) -> RateLimitTimeout | RateLimited:
        named = self.lockouts.named(waiter.scope, now)
        if named is not None:
            return closed_error(self.limit.name, named, now)
        earliest = self._may_go_at(waiter, self._full(waiter, now), now)
        return timeout_error(self._reasons(waiter, now), self.limit.name, earliest, now)

    def _reasons(self, waiter: Waiter, now: float) -> Iterator[str]:
        is_cancel = waiter.priority is CANCEL
        yield from closed_by(self.lockouts.of(waiter.scope), now, is_cancel=is_cancel)
        yield from self._waits.reasons(waiter.slots, waiter.scope, waiter.priority, now)
        for counted in self._full(waiter, now):
            yield held_by(counted, now, reserve=0 if is_cancel else self._reserve(counted.window))
        if not waiter.lane.connections.has_room(waiter.priority):
            yield "all connections of the client are in use"
        elif not waiter.finds_lane(now):
            yield "another call holds the lock of the key"
        yield f"{self.waiting} calls wait"

    def _reserve(self, window: Window) -> int:
        return window.reserve if self.signers else 0

    def _warn_soon(self, full: list[Slots], waiter: Waiter, now: float) -> None:
        for counted in full:
            if self._congestion.begins(counted.window, now):
                # At the end of this turn of the loop it is known how many calls wait.
                waiter.loop.call_soon(self._warn, counted.window, waiter)

    def _warn(self, window: Window, waiter: Waiter) -> None:
        with self._lock:
            now, number = waiter.loop.time(), self.waiting
            expected = max(self._earliest(waiter, now) - now, (number - 1) / self.sustainable_per_second)
            self._congestion.warn(self.limit.name, window, number, expected)
