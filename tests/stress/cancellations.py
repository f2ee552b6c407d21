"""Many calls over real sockets, half of them cancelled at any moment in six ways; then ten calls that must go well.

Then everything is counted that a cancelled call could leave behind: slots, key locks, connections, tasks, sockets.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, field, frozen

from exchanges.bitex import Bitex
from exchanges.bitex.api import LIMIT as BITEX
from exchanges.bitso import Bitso
from exchanges.bitso.api import PRIVATE_LIMIT as BITSO_PRIVATE
from exchanges.bitso.api import PUBLIC_LIMIT as BITSO_PUBLIC
from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.api import V1_LIMIT as BITSTAMP
from exchanges.client import Client
from exchanges.endpoint.call import PreparedCall
from exchanges.limits.limit import Limit, Window
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.outcomes.attempt import Result
from exchanges.session.admission import admit
from exchanges.session.destinations import Destination
from exchanges.session.session import Session
from exchanges.simulator import Venue, simulate
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms
from tests.support.cancelling import WAYS, Call

PROMISES = (2,)
CALLS = 10_000
QUICK_CALLS = 200
SPOILT_CALLS = 1_000
"""Without its mechanism a client soon has no connection left, and the other calls would wait in vain."""
CALLERS = 24
PATIENCE_SECONDS = 0.03
PROBES = 10
WIDE = Window(1_000_000, per_seconds=0.5)
"""Enough slots for all calls; they are counted nevertheless."""
TICKS = 20


@frozen
class Left:
    """What is left after a run.

    Attributes:
        calls: How many calls were made.
        cancelled: How many of them were cancelled before they ended.
        flying: How many of those were under way; the others waited.
        probes: Of the calls afterwards, how many went well.
        refused: Requests that the server refused.
        tasks: Tasks that were not there before.
        slots: Slots, key locks and connections still taken, and calls still waiting.
        busy: Connections in a pool that are not idle.
        sockets: Sockets that were not there before, after closing.
    """

    calls: int
    cancelled: int
    in_flight: int
    probes: int
    refused: int
    tasks: int
    slots: int
    busy: int
    sockets: int


@define
class _Crowd:
    """Callers, every second of which cancels."""

    calls: tuple[Call, ...]
    wanted: int
    chance: random.Random
    made: int = 0
    cancelled: int = 0
    faults: list[BaseException] = field(factory=list[BaseException])

    async def caller(self) -> None:
        while self.made < self.wanted or self.cancelled < self.wanted // 2:
            self.made += 1
            call, seconds = self.chance.choice(self.calls), self.chance.random() ** 2 * PATIENCE_SECONDS
            try:
                if self.cancelled < self.wanted // 2 and self.chance.random() < 2 / 3:
                    was_cancelled = await self.chance.choice(WAYS)(call, seconds)
                    self.cancelled += was_cancelled
                else:
                    await call()
            except Exception as error:  # noqa: BLE001 - counted
                self.faults.append(error)


async def play(calls: int, seed: int) -> Left:
    """Cancel half of *calls*, then count what is left."""
    before = sockets()
    async with simulate(seed=seed, limits=False) as simulator:
        clients = _clients(simulator)
        bitstamp, bitso, bitex = clients
        try:
            asked = (
                bitstamp.v1.account.balance,
                bitso.v2.account.balance,
                partial(bitso.market.ticker, "btc_mxn"),
                bitex.trading.orders,
            )
            await asyncio.gather(*(call() for call in asked))
            tasks = len(_tasks())
            crowd = _Crowd(asked, calls, random.Random(seed))
            await asyncio.gather(*(crowd.caller() for _ in range(CALLERS)))
            ends = await asyncio.gather(*(asked[n % len(asked)]() for n in range(PROBES)), return_exceptions=True)
            probes = sum(not isinstance(end, BaseException) for end in ends)
            while under_way := [task for client in clients for task in client._session._attempts.tasks]:
                await asyncio.wait(under_way)
            left = len(_tasks()) - tasks
            slots = sum(taken(client) for client in clients)
            in_use = sum(busy(client) for client in clients)
        finally:
            for client in clients:
                await client.aclose()
        refused = simulator.errors
        in_flight = simulator.calls - len(asked) - PROBES - (crowd.made - crowd.cancelled)
    for _ in range(TICKS):  # sockets are closed in the ticks after
        await asyncio.sleep(0)
    return Left(
        calls=crowd.made,
        cancelled=crowd.cancelled,
        in_flight=in_flight,
        probes=probes,
        refused=refused + len(crowd.faults),
        tasks=max(left, 0),
        slots=slots,
        busy=in_use,
        sockets=max(sockets() - before, 0),
    )


def _clients(simulator: Any) -> tuple[Bitstamp, Bitso, Bitex]:
    def options(*limits: Limit) -> dict[str, Any]:
        wide = [Limit(part.name, (WIDE,), part.scope) for limit in limits for part in limit.parts]
        return {"base_url": simulator.base_url, "limits": wide, "state": MemoryState(), "timeout_seconds": 60.0}

    return (
        Bitstamp(**simulator.account(Venue.BITSTAMP), **options(BITSTAMP)),
        Bitso(**simulator.account(Venue.BITSO), **options(BITSO_PUBLIC, BITSO_PRIVATE)),
        Bitex(**simulator.account(Venue.BITEX), **options(BITEX)),
    )


def _tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if not task.done()}


def taken(client: Client, *, with_lost: bool = False) -> int:
    """Count what a client and its limiters will still hold when every slot has cooled down, those of lost calls too."""
    cooled = WIDE.per_seconds + MARGIN_SECONDS + (LOST_SECONDS if with_lost else 0.0)
    session, now = client._session, asyncio.get_running_loop().time() + cooled
    held = sum(c.taken for c in session._destinations._connections.values()) + session._attempts.in_flight
    held += sum(shared.key_lock.taken for shared in session._config.state._shared.values())
    for limiter in session._destinations._limiters:
        held += limiter.waiting
        held += sum(counted.window.slots - counted.free(now) for counted in limiter._counts)
    return held


def busy(client: Client) -> int:
    """Count the connections of a client that are neither idle nor kept ready."""
    pools = client._session._config.transport._pool._pools.values()
    return sum(p._in_use + len(p.connections) - len(p._idle) - (p._ready is not None) for p in pools)


def sockets() -> int:
    """Count the sockets of this process, where the system lists them."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return 0
    names = []
    for entry in os.listdir(folder):  # noqa: PTH208 - an entry may be gone before it is read
        try:
            names.append(os.readlink(folder / entry))  # noqa: PTH115 - what it names is no path
        except OSError:
            continue
    return sum(name.startswith("socket:") for name in names)


NAMES = {
    "refused": "refused requests and failed calls",
    "tasks": "tasks left",
    "slots": "slots, key locks and connections taken",
    "busy": "connections not idle",
    "sockets": "sockets left",
}


async def _in_the_callers_task(
    session: Session, call: PreparedCall, destination: Destination, deadline: float, *, fresh: bool
) -> Result:
    """Exchange a call for its result in the task of the caller, so that who is cancelled cancels it."""
    session._check(call, destination)
    attempt = await admit(call, destination, deadline, check=session._check, wall_clock=session._config.wall_clock)
    attempt.fresh = fresh
    return await session._attempts._exchange(attempt, destination)


MECHANISMS: Mechanisms = {"own task": lambda: patch.object(Session, "_attempt", _in_the_callers_task)}


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count what is left after many cancelled calls."""
    calls = QUICK_CALLS if quick else SPOILT_CALLS if without else CALLS
    left = asyncio.run(play(calls, seed))
    crowd = f"{left.cancelled:,} of {left.calls:,} calls cancelled, {left.in_flight:,} of them under way"
    yield Figure(f"{crowd}: the next calls go well", f"{left.probes} of {PROBES}", f"{PROBES}", left.probes == PROBES)
    for what in ("refused", "tasks", "slots", "busy", "sockets"):
        number = getattr(left, what)
        yield Figure(f"{crowd}: {NAMES[what]}", str(number), "0", number == 0)
