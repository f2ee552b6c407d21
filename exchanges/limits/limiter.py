"""The limiter: waits until a limit has room.

Theory. An exchange counts *arrivals*; a client only knows when it sent and when the answer came. A token bucket lets
2N - 1 calls through in one window, a log of send times is wrong by the jitter of the network. So the limiter counts
slots: a slot is taken before sending and becomes free W seconds after the call *ended*. Between two arrivals through
one slot there is then at least W, whatever the delays, and N arrivals are never exceeded in any window. A call that
was given up without an answer may still be on its way: its slot cools 30 seconds longer.

Everything that a call needs is granted together by one queue: a slot in every window, the key lock if nonces must
arrive in order, a connection of its client. So no slot is held while waiting for a key lock, and no key lock while
waiting for a slot. Waiters are served by priority (cancel, money, read), first come first served within one; a waiter
whose key lock or connection is taken does not block the others.

Cancels get through. While a client that can cancel uses the limit, no other call is granted a slot of the reserve. A
client's last two connections are for cancels alone. A cancel waits three seconds for a key lock and then passes it. In
a lockout (see `exchanges.limits.lockouts`) one cancel at a time may probe.

No permit is granted with less time left than an answer takes: the call would be cut off, and its slot lost for long.

Clients in several event loops, each in a thread of its own, share one limiter: a lock guards it, and a waiter is woken
in its own loop. It is held for some microseconds and never while anything waits.

Rules for editors:

1. Nothing here polls. Each loop has one timer for the next moment at which something can change, and one for deadlines.
2. A permit is ended on every path; a second time does nothing.
3. All times are those of the event loop; the loops of a process have one clock.
"""

from __future__ import annotations

import asyncio
import math
import threading
from itertools import count
from threading import get_ident

from exchanges.errors import RateLimited, RateLimitTimeout, UsageError
from exchanges.limits.capacity import LATENCY_MEMORY, NONE, Capacity
from exchanges.limits.expiries import Expiries
from exchanges.limits.limit import Limit
from exchanges.limits.lockouts import Refusal
from exchanges.limits.permits import CANCEL, IN_ORDER, LATE_SECONDS, Connections, KeyLock, Lane, Permit, Priority
from exchanges.limits.reasons import timeout_error, warn_closed
from exchanges.limits.timers import FORKS, Timers
from exchanges.limits.waiters import OVERTAKE_SECONDS, Waiter, WaiterQueue
from exchanges.limits.waits import Wait
from exchanges.limits.windows import Slots

__all__ = ["Connections", "KeyLock", "Lane", "Limiter", "Permit", "Priority"]


class Limiter(Capacity):
    """The slots of one limit, and the calls that wait for them.

    Args:
        limit: What is kept.
        lock: Guards it; one for all limiters of a state, as some share key locks.
    """

    def __init__(self, limit: Limit, lock: threading.RLock | None = None) -> None:
        super().__init__(limit, lock or threading.RLock())
        self.demand: dict[object, float] = {}  # calls per second, by polled source
        self._queue = WaiterQueue()
        self._held: set[Permit] = set()
        self._look_at = -math.inf  # for permits that nobody has ended
        self._numbers = count()  # order of arrival, across lanes
        self._timers = Timers(self.wake_waiters)
        self._expiries = Expiries(self._lock, self.wake_waiters)
        self._wakes_at = math.inf  # for when the timers are set
        self._entered: asyncio.AbstractEventLoop | None = None  # the last that did: most programs have a single one
        self._thread = 0  # that runs it
        self._forks: int | None = None  # that led to the process whose loops it serves

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._queue.count

    def now(self) -> float:
        """Return the time on the clock of the event loops; minus infinity before the first call."""
        return self._timers.now()

    # Acquiring

    async def acquire(
        self,
        lane: Lane,
        priority: Priority,
        deadline: float = math.inf,
        send_by: float = math.inf,
        scope: str = "",
        *,
        is_spare: bool = False,
        number: int | None = None,
    ) -> Permit:
        """Wait for a slot in every window, the key lock and a connection, and take all of them at once.

        Args:
            lane: What is needed beside slots, and where slots are needed.
            priority: In which order it is served.
            deadline: When the call must have been answered.
            send_by: When it must have been sent.
            scope: The part of the limit that it belongs to, such as a market.
            is_spare: Whether to leave the reserve even where nobody can cancel.
            number: Its place in the order of arrival, if it has waited before: that of its permit.

        Raises:
            RateLimitTimeout: They are not free before *deadline* or *send_by*.
            RateLimited: The exchange has closed the limit and named the end.
            UsageError: The limit belongs to the parent of this process.
        """
        if not self._queue.count:  # else it waits behind the others
            permit = self.acquire_now(lane, priority, deadline, send_by, scope, is_spare=is_spare, number=number)
            if permit is not None:
                return permit
        self._lock.acquire()
        try:
            if (loop := asyncio.get_running_loop()) is not self._entered or self._forks != FORKS.count:
                self._enter(loop)
            slots = self._counts if lane.slots is None else lane.slots
            future, place = loop.create_future(), next(self._numbers) if number is None else number
            waiter = Waiter(lane, slots, priority, future, loop, deadline, send_by, scope, is_spare, place)
            self._enqueue(waiter, loop.time())
        finally:
            self._lock.release()
        try:
            granted = await waiter.future
        except BaseException:
            self._give_up(waiter)
            raise
        if granted is None:
            raise self._end_of_waiting(waiter)
        return granted

    def acquire_now(
        self,
        lane: Lane,
        priority: Priority,
        deadline: float = math.inf,
        send_by: float = math.inf,
        scope: str = "",
        *,
        is_spare: bool = False,
        number: int | None = None,
    ) -> Permit | None:
        """Return a permit as `acquire` does, if nothing has to wait; else None."""
        loop, lock, connections, key_lock = self._entered, self._lock, lane.connections, lane.key_lock
        # Written out, without a block: each of these things takes a thirtieth of all that a free permit takes.
        lock.acquire()
        try:
            # A thread runs one loop at a time. To ask for it takes a system call, as asyncio looks for forks.
            if loop is None or get_ident() != self._thread or not loop.is_running() or self._forks != FORKS.count:
                loop = self._enter(asyncio.get_running_loop())
            # Nobody is overtaken: with waiters in the queue even a call that could go now waits behind them.
            if self._queue.count or self.lockouts.by_scope:
                return None
            if connections.taken >= (connections.most if priority is CANCEL else connections.for_all):
                return None
            if key_lock is not None and key_lock.taken:
                return None
            now, slots = loop.time(), self._counts if lane.slots is None else lane.slots
            is_short: object = self._waits.heard
            for counted in slots:
                is_short = is_short or counted.room <= counted.reserve
            if is_short and not self._has_room(slots, priority, now, scope, is_spare=is_spare):
                return None
            if (now > send_by or now + self.mean_latency_seconds > deadline) and self._is_late(now, deadline, send_by):
                return None
            place = next(self._numbers) if number is None else number
            permit = Permit(self, lane, now, loop, deadline + LATE_SECONDS, slots, place)
            self._held.add(permit)
            connections.taken += 1
            for counted in slots:
                counted.room -= 1
            if key_lock is not None:
                key_lock.pass_to(permit)
            return permit
        finally:
            lock.release()

    def _enqueue(self, waiter: Waiter, now: float) -> None:
        if self._timers.is_shared:
            self._drop_closed_loops(now)
        if now >= self._look_at:
            self._end_late(now)
        full = self._full(waiter, now)
        is_tight = now > waiter.send_by or now + self.mean_latency_seconds > waiter.deadline
        # Most calls have time, and find the limit open and with slots: only the others are looked at closely.
        if (full or is_tight or self.lockouts.by_scope) and self._is_hopeless(waiter, full, now):
            raise self._in_vain(waiter, now)
        lane = waiter.lane
        if lane.key_lock is not None:
            lane.key_lock.limiters.add(self)
            if waiter.priority is CANCEL:
                waiter.passes_at = now + OVERTAKE_SECONDS
        lane.connections.limiters.add(self)
        is_first = self._queue.add(waiter)
        if (expires_at := self._expires_at(waiter, now)) < math.inf:
            self._expiries.add(waiter, expires_at)
        if full:
            self._warn_soon(full, waiter, now)
        if is_first:  # behind another it changes nothing: what the first of the line waits for is looked at
            self._wake_for(waiter, now)

    def _end_late(self, now: float) -> None:
        self._look_at = now + LATE_SECONDS
        for permit in [permit for permit in self._held if now >= permit.until]:
            permit.end(sent=True)

    def _give_up(self, waiter: Waiter) -> None:
        """Leave the queue, and end the permit that was granted meanwhile: the task of the call was cancelled."""
        with self._lock:
            self._queue.remove(waiter)
        # It may have been granted in the same turn of the loop in which the task was cancelled.
        is_answered = waiter.future.done() and not waiter.future.cancelled()
        granted = waiter.future.result() if is_answered else None
        if granted is not None:
            granted.end(sent=False)

    def _end_of_waiting(self, waiter: Waiter) -> RateLimitTimeout | RateLimited:
        """Return why a call has waited in vain."""
        with self._lock:
            self._queue.remove(waiter)
            now = waiter.loop.time()
            self._wake(now)  # others may have waited behind this one
            return self._in_vain(waiter, now)

    def hold_up(self, permit: Permit, priority: Priority, wait: Wait, *, deadline: float, send_by: float) -> None:
        """Hold back calls like that of *permit*, which is too early by what other processes use; end it afterwards.

        Raises:
            RateLimitTimeout: They leave no room before *deadline* or *send_by*.
        """
        with self._lock:
            now, slots = permit.loop.time(), permit.slots
            moment = now + wait.certain_seconds
            is_late = self._is_late(moment, deadline, send_by)
            # Only what was heard just now ends a call; where the one that heard it ends, the next one asks at once.
            self._waits.add(wait, slots, priority, now, holds=not is_late)
            for waiter in self._queue:
                is_alike = waiter.slots == slots and waiter.priority >= priority and wait.scope in ("", waiter.scope)
                if is_alike and self._is_late(moment, waiter.deadline, waiter.send_by):
                    waiter.expire()
            if is_late:
                raise timeout_error((wait.reason, f"{self.waiting} calls wait"), self.limit.name, moment, now)

    def refuse(self, permit: Permit, refusal: Refusal) -> None:
        """Close the limit, or a part of it, because the exchange refused the call of *permit*."""
        with self._lock:
            now = permit.loop.time()
            lockout, is_longer = self.lockouts.refuse(refusal, now, permit.since)
            if is_longer:
                warn_closed(self.limit.name, lockout, now)
            for waiter in list(self._queue):
                if self._is_hopeless(waiter, self._full(waiter, now), now):
                    waiter.expire()
            self._wake(now)

    def reopen(self) -> None:
        """Forget every lockout: the caller knows that the exchange takes calls."""
        with self._lock:
            self.lockouts.clear()
            self._waits.clear()
            self._wake(self.now())

    def turn_away(self, connections: Connections) -> None:
        """End the waiting of all calls of a client that closes."""
        with self._lock:
            for waiter in self._queue:
                if waiter.lane.connections is connections:
                    waiter.expire()

    # Releasing

    def end(self, permit: Permit, *, sent: bool, complete: bool) -> None:
        """Release what *permit* holds; see `Permit.end`."""
        lane, lock, others = permit.lane, self._lock, permit.lane.connections.limiters
        lock.acquire()
        try:
            now = permit.loop.time()
            self._held.discard(permit)
            if sent and complete:
                for counted in permit.slots:
                    counted.cooling.append(now + counted.cools_for)
                self._answered_at = now
                self.mean_latency_seconds += (now - permit.since - self.mean_latency_seconds) / LATENCY_MEMORY
            else:
                give_back = Slots.lose if sent else Slots.free_at_once
                for counted in permit.slots:
                    give_back(counted, now)
            if self.lockouts.by_scope:
                self.lockouts.settle(
                    permit.scope, permit.tries, now, sent_at=permit.since, sent=sent, is_judged=permit.is_judged
                )
            lane.connections.taken -= 1
            if lane.key_lock is not None and lane.key_lock.holder is permit:
                lane.key_lock.holder = None
                others = others | lane.key_lock.limiters
            if self._queue.count:
                self._wake(now)
        finally:
            lock.release()
        # Calls of the same client, or with the same key, may wait for other limits, which do not see this one.
        if others:
            for limiter in others:
                if limiter is not self:
                    limiter.wake_waiters()

    def wake_waiters(self) -> None:
        """Grant everything that can be granted now; set the timers for the rest."""
        with self._lock:
            if self.waiting:
                self._wake(self.now())

    # Within; called with the lock held

    def _wake(self, now: float) -> None:
        """Grant what can be granted now, in one pass, as a grant makes room for nobody; set the timers for the rest."""
        self._wakes_at = math.inf
        blocked = NONE
        for waiter in self._queue.heads(self._order(now) if self.lockouts.by_scope else IN_ORDER):
            # Those of one kind wait for the same; the first of them is the next to pass.
            if blocked and (waiter.lane, waiter.is_spare, waiter.priority) in blocked:
                continue
            if waiter.finds_lane(now):
                moment = self._earliest(waiter, now)
            elif waiter.lane.key_lock is not None and waiter.lane.end_late(now):
                self._wake(now)
                return
            else:
                moment = self._lane_at(waiter, now)
            if moment <= now:
                self._serve(waiter, now)
                continue
            if waiter.scope:
                blocked |= self._alike(waiter)
            if moment < math.inf:
                self._wakes_at = min(self._wakes_at, moment)
        if self._wakes_at < math.inf:
            self._timers.arm(self._wakes_at)
        if not self._queue.count:
            self._expiries.clear()
            self._congestion.end(now)

    def _serve(self, waiter: Waiter, now: float) -> None:
        self._queue.remove(waiter)
        lane, slots, deadline, send_by = waiter.lane, waiter.slots, waiter.deadline, waiter.send_by
        if (now > send_by or now + self.mean_latency_seconds > deadline) and self._is_late(now, deadline, send_by):
            waiter.expire()
            return
        until = deadline + LATE_SECONDS
        permit = Permit(self, lane, now, waiter.loop, until, slots, waiter.number, waiter.scope)
        self._held.add(permit)
        lane.connections.taken += 1
        for counted in slots:
            counted.room -= 1
        if lane.key_lock is not None:
            lane.key_lock.pass_to(permit)
        if self.lockouts.by_scope:
            is_cancel = waiter.priority is CANCEL
            permit.tries = self.lockouts.try_(waiter.scope, now, permit.until, is_cancel=is_cancel)
        waiter.grant(permit)

    def _wake_for(self, waiter: Waiter, now: float) -> None:
        """Look at a waiter that is the first of its line: as long as it cannot go, nobody else can because of it."""
        moment = self._earliest(waiter, now) if waiter.finds_lane(now) else self._lane_at(waiter, now)
        self._wakes_at = min(self._wakes_at, moment)
        if min(self._wakes_at, waiter.lane.late_at) <= now:
            self._wake(now)
        elif self._wakes_at < math.inf:
            self._timers.arm(self._wakes_at)

    # Loops

    def _enter(self, loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
        """Serve *loop*, and return it; what closed loops have left behind counts as lost."""
        if self._forks not in (None, FORKS.count):
            raise UsageError(
                f"the limit {self.limit.name} belongs to the parent of this process; start processes with spawn, or "
                "pass the clients of this one a state= of their own and their part of the limit with limits="
            )
        self._forks, self._entered, self._thread = FORKS.count, loop, get_ident()
        if loop not in self._timers:
            self._timers.enter(loop)
            self._drop_closed_loops(loop.time())
        return loop

    def _drop_closed_loops(self, now: float) -> None:
        for loop in self._timers.drop_closed():
            self._expiries.forget(loop)
            for permit in [p for p in self._held if p.loop is loop]:
                self._held.discard(permit)
                self.lockouts.settle(permit.scope, permit.tries, now, sent_at=permit.since, sent=True, is_judged=False)
                for counted in permit.slots:
                    counted.lose(now)  # their outcome will never be known here
            for waiter in [w for w in self._queue if w.loop is loop]:
                self._queue.remove(waiter)
