"""A limit as the exchange counts it: arrivals at a server, after random latencies, in virtual time.

Each call is granted by a real `Limiter`, takes a random time to arrive and a random time to be answered. Some answers
are lost, some waiters give up or are cancelled, some permits are returned, priorities and key locks are mixed. What is
counted is the largest number of arrivals in any window, wherever it begins.
"""

from __future__ import annotations

import asyncio
import math
import random
from array import array
from collections.abc import Iterator
from contextlib import nullcontext
from unittest.mock import patch

from attrs import define, field, frozen

from exchanges.bitex.api import LIMIT as BITEX
from exchanges.bitso.api import PRIVATE_LIMIT as BITSO_PRIVATE
from exchanges.bitso.api import PUBLIC_LIMIT as BITSO_PUBLIC
from exchanges.bitstamp.api import LIMIT as BITSTAMP
from exchanges.bitstamp.api import V1_LIMIT as BITSTAMP_V1
from exchanges.errors import RateLimitTimeout
from exchanges.limits.limit import Limit, Window
from exchanges.limits.limiter import Connections, KeyLock, Lane, Limiter, Permit, Priority
from exchanges.limits.windows import LOST_SECONDS
from tests.stress.figures import Figure, Mechanisms
from tests.stress.tally import results
from tests.support.virtual_time import VirtualLoop

PROMISES = (8,)
LIMITS = (BITEX, BITSTAMP, BITSTAMP_V1, BITSO_PUBLIC, BITSO_PRIVATE)
CALLS = 1_000_000
QUICK_CALLS = 3_000
FEW = 5
"""Runs of reads alone, for comparison or without a mechanism are this many times shorter."""
CLIENTS = 3
CALLERS = 24
WAY_SECONDS = (0.005, 0.150)
LOST = 0.001
HASTY = 0.02
RETURNED = 0.005
SELDOM = 120
EFFICIENCY = 0.99


@define(eq=False)
class Run:
    """Many callers against one limit.

    Attributes:
        limit: What is held.
        calls: How many arrive.
        mixed: Whether there are lost answers, cancelled waiters and all priorities; else reads alone.
        seed: Where chance begins.
    """

    limit: Limit
    calls: int
    mixed: bool
    seed: int = 0
    arrivals: array[float] = field(factory=lambda: array("d"))
    grants: array[float] = field(factory=lambda: array("d"))
    latency_seconds: float = 0.0
    in_flight: int = 0
    callers_gone: bool = False
    landed: asyncio.Event = field(factory=asyncio.Event)
    chance: random.Random = field(init=False)
    limiter: Limiter = field(init=False)
    loop: asyncio.AbstractEventLoop = field(init=False)

    @property
    def window(self) -> Window:
        """The window that decides how many calls a longer time admits."""
        return min(windows_of(self.limit), key=lambda window: window.slots / window.per_seconds)

    async def play(self) -> None:
        """Run all calls."""
        self.chance = random.Random(self.seed)
        self.loop = asyncio.get_running_loop()
        self.limiter = Limiter(self.limit)
        self.limiter.signers = 1
        await asyncio.gather(*(self._caller(lane) for lane in self._lanes()))
        self.callers_gone = True
        await self.landed.wait()

    def _lanes(self) -> Iterator[Lane]:
        """Return the lane of a caller: one caller in four signs."""
        clients, slots = [Connections(4) for _ in range(CLIENTS)], self.limiter.adopt(self.limit)
        public = [Lane(client, slots=slots) for client in clients]
        signed = [Lane(client, KeyLock(), slots) for client in clients]
        for number in range(CALLERS):
            yield (signed if self.mixed and number % 4 == 0 else public)[number % CLIENTS]

    async def _caller(self, lane: Lane) -> None:
        while len(self.grants) < self.calls:
            permit = await (self._varied(lane) if self.mixed else self.limiter.acquire(lane, Priority.READ))
            if permit is not None:
                self._send(permit)

    async def _varied(self, lane: Lane) -> Permit | None:
        """Wait with a random priority; at times give up, be cancelled or return the permit."""
        draw = self.chance.random()
        priority = Priority.READ
        if lane.key_lock is not None:
            priority = self.chance.choice((Priority.CANCEL, Priority.MONEY))
            await asyncio.sleep(self.chance.random() * self.window.per_seconds / self.window.slots * SELDOM)
        if draw > 2 * HASTY + RETURNED:
            return await self.limiter.acquire(lane, priority)
        patience = self.chance.random() * self.window.per_seconds / self.window.slots * CALLERS * 2
        if draw > HASTY + RETURNED:
            try:
                return await self.limiter.acquire(lane, priority, deadline=self.loop.time() + patience)
            except RateLimitTimeout:
                return None
        waiting = asyncio.create_task(self.limiter.acquire(lane, priority))
        if draw < RETURNED:
            (await waiting).end(sent=False)
            return None
        self.loop.call_later(patience, waiting.cancel)
        await asyncio.wait([waiting])
        return None if waiting.cancelled() else waiting.result()

    def _send(self, permit: Permit) -> None:
        now, way = self.loop.time(), self.chance.uniform(*WAY_SECONDS)
        self.grants.append(now)
        self.in_flight += 1
        if self.mixed and self.chance.random() < LOST:
            # Given up after a while, and by its deadline, the request may arrive long after that.
            after = min(self.chance.random() * 30, permit.until - now)
            self.arrivals.append(now + after + self.chance.random() * LOST_SECONDS)
            self.loop.call_later(after, self._end, permit, False)
            return
        latency = way + self.chance.uniform(*WAY_SECONDS)
        self.arrivals.append(now + way)
        self.latency_seconds += latency
        self.loop.call_later(latency, self._end, permit, True)

    def _end(self, permit: Permit, complete: bool) -> None:
        self.in_flight -= 1
        if self.callers_gone and not self.in_flight:
            self.landed.set()
        permit.end(sent=True, complete=complete)

    @property
    def efficiency(self) -> float:
        """Reads a second after the first windows, as a share of (N - reserve) / (W + mean latency)."""
        begin, end = self.grants[0] + 3 * self.window.per_seconds, self.grants[-1]
        cycle = self.window.per_seconds + self.latency_seconds / len(self.grants)
        cycles = int((end - begin) / cycle)
        if cycles < 1:  # a quick run does not fill a window of thousands
            return math.nan
        counted = sum(begin <= moment < begin + cycles * cycle for moment in self.grants)
        return counted / cycles / (self.window.slots - self.window.reserve)


@frozen
class Outcome:
    """The results of one run; *fullest* has the most arrivals in each window."""

    fullest: tuple[int, ...]
    arrived: int
    efficiency: float
    taken: str


def windows_of(limit: Limit) -> tuple[Window, ...]:
    """List the windows in which the calls of a limit count."""
    return tuple(window for part in limit.parts for window in part.windows)


def largest(arrivals: array[float], seconds: float) -> int:
    """Count the arrivals of the fullest window, both its ends included."""
    ordered, first, most = sorted(arrivals), 0, 0
    for number, moment in enumerate(ordered):
        while moment - ordered[first] > seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def _from_the_grant(limiter: Limiter, permit: Permit, *, sent: bool, complete: bool) -> None:
    """Cool the slot of a call that ended for a window that is counted from when the call began."""
    for counted in permit.slots:
        counted.cooling.append(permit.since + counted.cools_for if sent else -math.inf)
    limiter._held.discard(permit)
    permit.lane.connections.taken -= 1
    if permit.lane.key_lock is not None:
        permit.lane.key_lock.holder = None
    limiter.wake_waiters()


MECHANISMS: Mechanisms = {"cooling slots": lambda: patch.object(Limiter, "end", _from_the_grant)}


def outcome(limit: Limit, calls: int, mixed: bool, seed: int, without: str | None = None) -> Outcome:
    """Run one limit."""
    with MECHANISMS[without]() if without else nullcontext():
        return _outcome(limit, calls, mixed, seed)


def _outcome(limit: Limit, calls: int, mixed: bool, seed: int) -> Outcome:
    run = Run(limit, calls, mixed, seed)
    loop = VirtualLoop()
    try:
        loop.run_until_complete(run.play())
        # Afterwards every slot comes free again, and nobody waits.
        loop.run_until_complete(asyncio.sleep(run.window.per_seconds + LOST_SECONDS + 1))
        taken = repr(run.limiter)
    finally:
        loop.close()
    fullest = tuple(largest(run.arrivals, window.per_seconds) for window in windows_of(limit))
    return Outcome(fullest, len(run.arrivals), run.efficiency, taken)


def bucket_largest(window: Window, calls: int, seed: int) -> int:
    """Count the fullest window behind a token bucket that holds N and gains N every W seconds."""
    chance, arrivals, tokens, now = random.Random(seed), array("d"), float(window.slots), 0.0
    rate = window.slots / window.per_seconds
    for _ in range(calls):
        if tokens < 1:
            now += (1 - tokens) / rate
            tokens = 1.0
        tokens -= 1
        arrivals.append(now + chance.uniform(*WAY_SECONDS))
    return largest(arrivals, window.per_seconds)


def log_largest(window: Window, calls: int, seed: int) -> int:
    """Count the fullest window behind a log of send times."""
    chance, arrivals, sent = random.Random(seed), array("d"), array("d")
    for number in range(calls):
        free = sent[number - window.slots] + window.per_seconds + 0.001 if number >= window.slots else 0.0
        sent.append(max(free, sent[-1] if sent else 0.0))
        arrivals.append(sent[-1] + chance.uniform(*WAY_SECONDS))
    return largest(arrivals, window.per_seconds)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Measure each limit with mixed calls, with reads alone, and with naive limiters."""
    few = QUICK_CALLS if quick else CALLS // FEW
    calls = CALLS if not (quick or without) else few
    runs = [(limit, calls if mixed else few, mixed, seed, without) for limit in LIMITS for mixed in (True, False)]
    outcomes = results(outcome, runs, spread=not quick)
    for limit, mixed, reads in zip(LIMITS, outcomes, outcomes, strict=True):
        yield from _figures_of(limit, mixed, reads)
        for name, peer in (("a token bucket", bucket_largest), ("a log of send times", log_largest)):
            fullest = peer(limit.windows[-1], few, seed)
            yield Figure(f"{limit.name}: {few:,} arrivals behind {name}", f"{fullest} in the fullest window")


def _figures_of(limit: Limit, mixed: Outcome, reads: Outcome) -> Iterator[Figure]:
    windows = windows_of(limit)
    for name, seen in (("mixed calls", mixed), ("reads alone", reads)):
        for window, fullest in zip(windows, seen.fullest, strict=True):
            yield Figure(
                f"{limit.name}: {seen.arrived:,} arrivals, {name}, are never above the limit",
                f"{fullest} in the fullest window of {window.per_seconds:g} s",
                f"<= {window.slots}",
                fullest <= window.slots,
            )
    if not math.isnan(reads.efficiency):
        yield Figure(
            f"{limit.name}: reads use what the limit allows",
            f"{reads.efficiency:.2%} of (N - reserve) / (W + mean latency)",
            f">= {EFFICIENCY:.0%}",
            reads.efficiency >= EFFICIENCY,
        )
    clean = f"Limiter({limit.widest.name}: {', '.join(f'0 of {w}' for w in limit.widest.windows)}; 0 waiting)"
    yield Figure(f"{limit.name}: no slot is lost", mixed.taken, clean, mixed.taken == reads.taken == clean)
