"""The limiter: waits until a limit has room.

Theory. An exchange counts *arrivals*; a client only knows when it sent and when the answer came. A token bucket lets
2N - 1 calls through in one window, a log of send times is wrong by the jitter of the network. So the limiter counts
slots: a slot is taken before sending and becomes free W seconds after the call *ended*. Between two arrivals through
one slot there is then at least W, whatever the delays, and N arrivals are never exceeded in any window. A call that
ended without a complete answer may still be on its way: its slot cools 30 seconds longer.

Everything that a call needs is granted together by one queue: a slot in every window, the key lock if nonces must
arrive in order, a connection of its client. So no slot is held while waiting for a key lock, and no key lock while
waiting for a slot. Waiters are served by priority (cancel, money, read), first come first served within one; a waiter
whose key lock or connection is taken does not block the others. In long windows reads leave a reserve to cancels and
money while a client with credentials exists. A client's last two connections are for cancels alone.

Rules for editors:

1. Nothing here polls. There is one timer, set for the next moment at which something can change.
2. A permit is ended on every path; a second time does nothing.
3. All times are those of the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections import deque
from enum import IntEnum
from itertools import count

from attrs import define, field, frozen

from exchanges.errors import RateLimitTimeout, UsageError
from exchanges.limits.limit import Limit, Window
from exchanges.limits.windows import MARGIN_SECONDS, Slots

logger = logging.getLogger(__name__)

SLACK = 0.99
WARN_SECONDS = 1.0
RESERVED_CONNECTIONS = 2
LATENCY_MEMORY = 16
"""The mean latency follows about so many of the last calls."""


class Priority(IntEnum):
    """Order in which waiters are served."""

    CANCEL = 0
    MONEY = 1
    READ = 2


IN_ORDER = tuple(Priority)


@define(eq=False, repr=False)
class KeyLock:
    """Allows one signed request in flight per key, whatever limiters its clients use."""

    holder: Permit | None = None
    limiters: set[Limiter] = field(factory=set["Limiter"])

    @property
    def taken(self) -> bool:
        """Whether a call holds it. A permit that outlived its event loop does not count."""
        return self.holder is not None and not self.holder.loop.is_closed()


def reserved_connections(most: int) -> int:
    """Return how many of *most* connections only cancels take; at least one is left for other calls."""
    return min(RESERVED_CONNECTIONS, most - 1)


@define(eq=False)
class Connections:
    """The connections of one client."""

    most: int
    taken: int = 0
    limiters: set[Limiter] = field(factory=set["Limiter"], repr=False)

    def has_room(self, priority: Priority) -> bool:
        """Whether a call may take one now; the reserved ones are for cancels."""
        return self.taken < self.most - (0 if priority is Priority.CANCEL else reserved_connections(self.most))


@frozen(eq=False, repr=False)
class Lane:
    """What a call needs beside slots."""

    connections: Connections
    key_lock: KeyLock | None = None

    def is_open(self, priority: Priority) -> bool:
        """Whether all of it is free now."""
        return self.connections.has_room(priority) and (self.key_lock is None or not self.key_lock.taken)


@define(eq=False)
class Permit:
    """A slot in every window, a key lock if needed and a connection, held until `end`."""

    limiter: Limiter = field(repr=False)
    lane: Lane = field(repr=False)
    since: float
    loop: asyncio.AbstractEventLoop = field(repr=False)
    held: bool = True

    def end(self, *, sent: bool, complete: bool = False) -> None:
        """Release everything, once.

        Args:
            sent: Whether anything may have been sent; otherwise the slots are free at once.
            complete: Whether a complete answer came; otherwise the slots cool longer.
        """
        held, self.held = self.held, False
        # One that outlived its event loop releases nothing: the loop that took the limiter over counted it as lost.
        if held and not self.loop.is_closed():
            self.limiter.end(self, sent=sent, complete=complete)


@define(eq=False, repr=False)
class _Waiter:
    lane: Lane
    priority: Priority
    number: int
    future: asyncio.Future[Permit | None]


class Limiter:
    """The slots of one limit, and the calls that wait for them.

    Args:
        limit: What is kept.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.users = 0
        self.signers = 0
        self.waiting = 0  # calls
        self.demand: dict[object, float] = {}  # calls per second, by polled source
        self.mean_latency_seconds = 0.0
        self._counts = tuple(Slots(window) for window in limit.windows)
        self._lines: dict[Lane, tuple[deque[_Waiter], deque[_Waiter], deque[_Waiter]]] = {}
        self._numbers = count()  # order of arrival, across lanes
        self._closed_until = [-math.inf for _ in IN_ORDER]  # by priority: the lowest is closed longest
        self._reserved_until = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._warned = False

    def __repr__(self) -> str:
        """Show taken slots and waiting calls."""
        now = self._loop.time() if self._loop else -math.inf
        taken = ", ".join(f"{c.window.slots - c.free(now)} of {c.window}" for c in self._counts)
        return f"Limiter({self.limit.name}: {taken or 'no limit'}; {self.waiting} waiting)"

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

    def is_idle(self, now: float) -> bool:
        """Whether no client uses it and no slot is taken, so that it can be forgotten."""
        cooled = all(c.free(now) == c.window.slots for c in self._counts)
        return cooled and not self.users and now >= self._closed_until[Priority.READ]

    # Acquiring

    async def acquire(self, lane: Lane, priority: Priority, *, deadline: float = math.inf) -> Permit:
        """Wait for a slot in every window, the key lock and a connection, and take all of them at once.

        Raises:
            RateLimitTimeout: They are not free before *deadline*.
            UsageError: Another open event loop, or the parent of this process, uses the limit.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._process != os.getpid():
            self._move_to(loop)
        now = loop.time()
        # Nobody is overtaken: with waiters in the queue even a call that could go now waits behind them.
        if not self.waiting and self._has_room(priority, now) and lane.is_open(priority):
            return self._take(lane, now, loop)
        return await self._wait(_Waiter(lane, priority, next(self._numbers), loop.create_future()), now, deadline)

    async def _wait(self, waiter: _Waiter, now: float, deadline: float) -> Permit:
        if self._earliest(waiter, now) > deadline:
            raise self._too_late(waiter, now)
        lines = self._lines.setdefault(waiter.lane, (deque(), deque(), deque()))
        lines[waiter.priority].append(waiter)
        waiter.lane.connections.limiters.add(self)
        if waiter.lane.key_lock is not None:
            waiter.lane.key_lock.limiters.add(self)
        self.waiting += 1
        self._warn(waiter, now)
        expiry = None
        if deadline < math.inf:
            expiry = waiter.future.get_loop().call_at(deadline, _expire, waiter)
        if waiter.lane.is_open(waiter.priority):  # otherwise the permit that holds the lane wakes it when it ends
            self._wake_waiters()
        try:
            permit = await waiter.future
        except asyncio.CancelledError:
            # The permit may have been granted in the same turn of the loop in which the task was cancelled.
            granted = None if waiter.future.cancelled() else waiter.future.result()
            if granted is None:
                self._wake_waiters()  # others may have waited behind this one
            else:
                granted.end(sent=False)
            raise
        finally:
            self.waiting -= waiter.future.get_loop() is self._loop  # a new loop starts to count at zero
            if expiry is not None:
                expiry.cancel()
        if permit is None:
            self._wake_waiters()  # as above
            raise self._too_late(waiter, waiter.future.get_loop().time())
        return permit

    def close(self, until: float, above: Priority = Priority.CANCEL) -> None:
        """Grant nothing before *until* to calls of the priority *above* or a lower one."""
        for priority in IN_ORDER[above:]:
            self._closed_until[priority] = max(self._closed_until[priority], until)
        self._wake_waiters()

    def reserve_spot(self, calls: int) -> float:
        """Return the next moment at which so many paced calls fit between the others, and reserve it."""
        spot = max(self._reserved_until, self._loop.time() if self._loop else -math.inf)
        self._reserved_until = spot + calls / self.paced_per_second
        return spot

    def turn_away(self, connections: Connections) -> None:
        """End the waiting of all calls of a client that closes."""
        for lane, lines in self._lines.items():
            if lane.connections is connections:
                for waiter in (w for line in lines for w in line):
                    _expire(waiter)

    # Releasing

    def end(self, permit: Permit, *, sent: bool, complete: bool) -> None:
        """Release what *permit* holds; see `Permit.end`."""
        now = permit.loop.time()
        for counted in self._counts:
            if sent:
                counted.cool(now, complete=complete)
            else:
                counted.in_flight -= 1
        if sent:
            self.mean_latency_seconds += (now - permit.since - self.mean_latency_seconds) / LATENCY_MEMORY
        self._leave(permit)

    def _leave(self, permit: Permit) -> None:
        lane = permit.lane
        lane.connections.taken -= 1
        # Calls of the same client, or with the same key, may wait for other limits, which do not see this one.
        others = lane.connections.limiters
        if lane.key_lock is not None and lane.key_lock.holder is permit:
            lane.key_lock.holder = None
            others = others | lane.key_lock.limiters
        if self.waiting:
            self._wake_waiters()
        for limiter in others:
            if limiter is not self and limiter.waiting:
                limiter._wake_waiters()  # noqa: SLF001 - same class

    # Within

    def _reserve(self, window: Window) -> int:
        return window.reserve if self.signers else 0

    def _has_room(self, priority: Priority, now: float) -> bool:
        if now < self._closed_until[priority]:
            return False
        for counted in self._counts:  # noqa: SIM110 - `all` costs twice as much, and every call passes here
            if self._spare(counted, priority, now) < 1:
                return False
        return True

    def _spare(self, counted: Slots, priority: Priority, now: float) -> int:
        spare = counted.free(now)
        return spare - counted.window.reserve if self.signers and priority is Priority.READ else spare

    def _take(self, lane: Lane, now: float, loop: asyncio.AbstractEventLoop) -> Permit:
        for counted in self._counts:
            counted.in_flight += 1
        lane.connections.taken += 1
        permit = Permit(self, lane, now, loop)
        if lane.key_lock is not None:
            lane.key_lock.holder = permit
        return permit

    def _wake_waiters(self) -> None:
        """Grant everything that can be granted now; set the timer for the rest."""
        if self._loop is None:
            return
        now = self._loop.time()
        while (waiter := self._next()) is not None:
            if not self._has_room(waiter.priority, now):
                self._arm(self._earliest(waiter, now))
                return
            self._lines[waiter.lane][waiter.priority].popleft()
            waiter.future.set_result(self._take(waiter.lane, now, self._loop))

    def _next(self) -> _Waiter | None:
        """Return the waiter that is served next, among those whose lane is open."""
        best: _Waiter | None = None
        for priority in IN_ORDER:
            for lane, lines in self._lines.items():
                line = lines[priority]
                while line and line[0].future.done():  # timed out or cancelled
                    line.popleft()
                if line and lane.is_open(priority) and (best is None or line[0].number < best.number):
                    best = line[0]
            if best is not None:
                return best
        for lane in [lane for lane, lines in self._lines.items() if not any(lines)]:
            del self._lines[lane]
        self._warned = self._warned and bool(self._lines)
        return None

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._wake_waiters) if self._loop is not None else None

    def _earliest(self, waiter: _Waiter, now: float) -> float:
        """Return a moment before which this waiter certainly gets nothing."""
        short = [c.next_free(now) for c in self._counts if self._spare(c, waiter.priority, now) < 1]
        return max([self._closed_until[waiter.priority], now, *short])

    def _too_late(self, waiter: _Waiter, now: float) -> RateLimitTimeout:
        whole, closed = (self._closed_until[p] - now for p in (Priority.CANCEL, waiter.priority))
        reason = f"{self.waiting} calls wait"
        if closed > 0:
            who = "the exchange closed it" if whole > 0 else "other processes use all of it"
            reason = f"{who} for {closed:.1f} s more"
        return RateLimitTimeout(
            f"the limit {self.limit.name} has no room before the deadline of the call ({reason}); nothing was sent. "
            "Call less often, or pass a larger timeout_seconds"
        )

    def _warn(self, waiter: _Waiter, now: float) -> None:
        if self._warned:
            return
        expected = self._earliest(waiter, now) - now
        rate = self.sustainable_per_second
        if rate < math.inf:
            expected = max(expected, (self.waiting - 1) / rate)
        if expected > WARN_SECONDS:
            self._warned = True
            logger.warning("limit %s: calls wait, about %.1f s expected", self.limit.name, expected)

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Move to a new event loop if the old one is closed; raise otherwise."""
        if self._process != os.getpid():
            raise UsageError(
                f"the limit {self.limit.name} belongs to the parent of this process; start processes with spawn, or "
                "pass the clients of this one a state= of their own and their part of the limit with limits="
            )
        if self._loop is not None and not self._loop.is_closed():
            raise UsageError(
                f"the limit {self.limit.name} is in use by another open event loop of this process; "
                "use one loop for all clients that count against the same limit"
            )
        now = loop.time()
        for counted in self._counts:
            for _ in range(counted.in_flight):
                counted.cool(now, complete=False)  # their outcome will never be known here
        self._lines.clear()
        self.waiting, self._timer, self._loop = 0, None, loop


def _expire(waiter: _Waiter) -> None:
    if not waiter.future.done():
        waiter.future.set_result(None)
