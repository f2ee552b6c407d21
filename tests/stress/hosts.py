"""Hosts with one key and one Redis server, which is killed and restarted, as the hosts are.

The hosts are processes, with networks of their own where the system allows it. The simulated exchange refuses every
nonce that does not increase, and counts what arrives in any window of time. The server writes to the disk before it
answers; one that does so every second is made to lose its last writes.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

from attrs import define, evolve, field, frozen

from exchanges.endpoint import Kind
from exchanges.errors import ExchangeError, RateLimitTimeout
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.waits import Wait
from exchanges.simulator import Deed, FaultPoint, Faults, Simulator, Venue, simulate
from exchanges.state import RedisState
from tests.stress.arrivals import largest
from tests.stress.children import SERVER, Child, Job, call_many, live, open_client, shared, spend
from tests.stress.figures import Figure, Mechanisms
from tests.stress.networks import are_available, relay
from tests.support.redis_servers import DURABLE, EVERY_SECOND, NOWHERE, RedisServer, executable, redis_server
from tests.support.redis_states import short_lease

PROMISES = (16,)
MECHANISMS: Mechanisms = SERVER
HOSTS, QUICK_HOSTS = 4, 2
CALLS, QUICK_CALLS = 2_500, 20
WIDE = Window(1_000, per_seconds=2.0)
TIGHT = Window(100, per_seconds=1.0)
KILLS, QUICK_KILLS = 100, 4
RESTARTS, QUICK_RESTARTS = 20, 2
PAUSES, QUICK_PAUSES = 10, 1
LOSSES, QUICK_LOSSES = 5, 1
LEASE_SECONDS = 0.6
"""Short, so that much happens in a minute: a host that is killed holds its key lock for so long."""
QUICK_LEASE_SECONDS = 2.0
"""Where no call may fail: long enough for a machine that is busy."""
DOWN_SECONDS = (0.05, 1.0)
SENT_SECONDS = 0.5
"""How long after the server was killed a call may still be sent, for which everything was granted before."""
LIFE_SECONDS = 3.0
QUICK_LIFE_SECONDS = 1.0
DELAY_SECONDS = (0.0, 0.003)
SLOW_SECONDS = (0.0, 0.03)
PATIENCE_SECONDS = 10.0
REFUSED = "wrong nonce"


@define(eq=False)
class Scene:
    """What hosts did at one exchange.

    Attributes:
        simulator: The exchange.
        job: What every host does.
        server: That of the state.
        failed: What calls raised.
        down: When the server was killed and when it was started again.
        listed: Nonces of unresolved calls afterwards.
        known: What the journal knows to be created.
        is_apart: Whether the hosts had networks of their own.
        last: The nonce of an order that was executed, and whose host was killed before the answer.
    """

    simulator: Simulator
    job: Job
    server: RedisServer
    is_apart: bool
    failed: list[str] = field(factory=list[str])
    down: list[tuple[float, float]] = field(factory=list[tuple[float, float]])
    listed: set[str] = field(factory=set[str])
    known: frozenset[str] = frozenset()
    last: str | None = None

    @property
    def refused(self) -> int:
        """Count the requests of which the exchange refused the nonce."""
        return sum(seen.outcome == REFUSED for seen in self.simulator.requests)

    @property
    def arrivals(self) -> array[float]:
        """Return when requests arrived."""
        return array("d", (seen.arrived_at for seen in self.simulator.requests))

    @property
    def without_server(self) -> int:
        """Count the requests that arrived while there was no server, and were not granted before."""
        return sum(killed + SENT_SECONDS < at < started for at in self.arrivals for killed, started in self.down)

    @property
    def orders(self) -> list[Deed]:
        """Return the executed calls that move money."""
        return [d for d in self.simulator.deeds if d.kind is Kind.MONEY]

    @property
    def missing(self) -> tuple[int, int]:
        """Count the executed orders that the journal does not know, and all of them."""
        lost = [d for d in self.orders if d.nonce not in self.listed and f"{d.endpoint}:{d.id}" not in self.known]
        return len(lost), len(self.orders)

    async def leave_one(self) -> None:
        """Kill a host whose order was executed and never answered."""
        before = len(self.orders)
        self.simulator.faults = Faults({FaultPoint.SILENT_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})
        child = Child.start(spend, evolve(self.job, number=KILLS))
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(self.orders) == before:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.005)
        await child.end()
        self.last = self.orders[-1].nonce if len(self.orders) > before else None

    async def look(self) -> None:
        """Read the journal as another host does."""
        with shared(self.job.path) as state:  # type: ignore[attr-defined]
            async with open_client(self.job, state) as client:
                view = client._session.calls.view
                await _rested(client)
                self.listed = {call.nonce for call in client.unresolved.values() if call.nonce is not None}
                names = {f"{d.endpoint}:{d.id}" for d in self.simulator.deeds}
                self.known = state.journal.known(view.server, view.key, names, "none")


async def _rested(client: object) -> None:
    """Wait until the journal can be read again."""
    while True:
        with suppress(ExchangeError):
            client.unresolved.values()  # type: ignore[attr-defined]
            return
        await asyncio.sleep(0.05)


class Stage(AsyncExitStack):
    """A server, an exchange, and what hosts need to reach both."""

    async def scene(
        self, seed: int, window: Window, without: str | None, delay: tuple[float, float] = DELAY_SECONDS
    ) -> Scene:
        """Open everything."""
        folder = Path(self.enter_context(tempfile.TemporaryDirectory()))
        server = self.enter_context(redis_server(folder, *DURABLE))
        simulator = await self.enter_async_context(
            simulate(Venue.BITSTAMP, seed=seed, delay_seconds=delay, limits=False)
        )
        is_apart = are_available()
        passage = str(folder / "exchange") if is_apart else ""
        if is_apart:
            await self.enter_async_context(relay(passage, urlsplit(simulator.base_url).port or 0))
        credentials = dict(simulator.account(Venue.BITSTAMP))
        job = Job("bitstamp", credentials, simulator.base_url, server.url, window, without, relay=passage)
        return Scene(simulator, job, server, is_apart)


async def play(hosts: int, calls: int, seed: int, without: str | None, *, quick: bool) -> Scene:
    """Run hosts that share a key."""
    async with Stage() as stage:
        scene = await stage.scene(seed, WIDE, without)
        job = evolve(scene.job, calls=calls, lease_seconds=QUICK_LEASE_SECONDS if quick else None)
        children = [Child.start(call_many, evolve(job, number=number)) for number in range(hosts)]
        for child in children:
            scene.failed += await child.end(kill=False)
    return scene


@frozen
class Deaths:
    """How often hosts are killed, the server is killed, and hosts stand still; how long a host lives at most."""

    kills: int
    restarts: int
    pauses: int
    life_seconds: float


DEATHS = Deaths(KILLS, RESTARTS, PAUSES, LIFE_SECONDS)
QUICK_DEATHS = Deaths(QUICK_KILLS, QUICK_RESTARTS, QUICK_PAUSES, QUICK_LIFE_SECONDS)


async def die(hosts: int, deaths: Deaths, seed: int, without: str | None) -> Scene:
    """Kill hosts and the server of their state in the middle of calls."""
    chance = random.Random(seed)
    async with Stage() as stage:
        stage.enter_context(short_lease(LEASE_SECONDS))
        scene = await stage.scene(seed, TIGHT, without, SLOW_SECONDS)
        scene.job = evolve(scene.job, lease_seconds=LEASE_SECONDS)
        each = [deaths.kills // hosts + (number < deaths.kills % hosts) for number in range(hosts)]
        lines = [asyncio.ensure_future(_line(scene, n, kills, deaths, chance)) for n, kills in enumerate(each)]
        for _ in range(deaths.restarts):
            await asyncio.sleep(chance.uniform(0.5, 1.0) + TIGHT.per_seconds)
            killed = time.monotonic()
            scene.server.kill()
            await asyncio.sleep(chance.uniform(*DOWN_SECONDS))
            started = time.monotonic()
            scene.server.start()
            scene.down.append((killed, started))
        await asyncio.gather(*lines)
        await scene.look()  # if no host outlived the last restart, the first to come after it notices
        await asyncio.sleep(TIGHT.per_seconds + 2 * LEASE_SECONDS)  # until nothing rests
        await scene.leave_one()
        await asyncio.sleep(2 * LEASE_SECONDS)  # until the last is taken for dead
        await scene.look()
    return scene


async def _line(scene: Scene, number: int, kills: int, deaths: Deaths, chance: random.Random) -> None:
    """Run hosts one after another, each until it is killed; some stand still for a time."""
    for life in range(kills):
        child = Child.start(live, evolve(scene.job, number=1 + number + life * HOSTS))
        await child.hear()
        await asyncio.sleep(chance.random() * deaths.life_seconds)
        if life < deaths.pauses:
            os.kill(child.process.pid or 0, signal.SIGSTOP)
            await asyncio.sleep(2 * LEASE_SECONDS)
            os.kill(child.process.pid or 0, signal.SIGCONT)
            await asyncio.sleep(chance.random() * deaths.life_seconds)
        scene.failed += [word for word in await child.end() if word != "ok"]


# The last second of everysec


async def lose(losses: int) -> tuple[int, int]:
    """Drop the last writes of a server again and again; count how often it was noticed, and nonces that were wrong."""
    noticed, wrong, window = 0, 0, Limit("everysec", (Window(50, per_seconds=1.0),), Scope.KEY)
    with ExitStack() as stack:
        stack.enter_context(short_lease(LEASE_SECONDS))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(redis_server(folder, *EVERY_SECOND))
        states = [stack.enter_context(RedisState(server.url)) for _ in range(2)]
        limiters = [state.shared_limiter(window, "everysec", "key") for state in states]
        last = [await _nonce(limiter) for limiter in limiters]
        for _ in range(losses):
            (file,) = [*folder.glob("*.aof"), *folder.rglob("*.incr.aof")]  # noqa: ASYNC240 - nothing else runs meanwhile
            safe = file.read_bytes()
            # An hour ahead, as from a host whose clock is wrong: the clock alone would not keep it from coming twice.
            last.append(await _nonce(limiters[0], ahead=3600_000))
            server.kill()
            file.write_bytes(safe)
            server.start()
            noticed += isinstance(await _asked(limiters[1]), Wait)
            last.append(await _nonce(limiters[1]))
            wrong += last[-1] <= max(last[:-1])
    return noticed, wrong


async def release_late(times: int, without: str | None) -> int:
    """Stop hosts that hold a key lock, and release it when another has it; count how often a third got it too."""
    found, none = 0, Limit("late", (), Scope.KEY)
    with ExitStack() as stack:
        stack.enter_context(short_lease(LEASE_SECONDS))
        if without:
            stack.enter_context(MECHANISMS[without]())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(redis_server(folder, *DURABLE))
        others = [stack.enter_context(RedisState(server.url)).shared_limiter(none, "late", "key") for _ in range(2)]
        await _nonce(others[0])
        for _ in range(times):
            with RedisState(server.url) as still:
                held = await _asked(still.shared_limiter(none, "late", "key"))
                still._store.host._beating.cancel()  # type: ignore[union-attr]
                lease = await _asked(others[0])
                await held.release(complete=True)  # type: ignore[attr-defined]
                await asyncio.sleep(LEASE_SECONDS / 4)
                with suppress(RateLimitTimeout):
                    await others[1].acquire(
                        in_order=True, leave_reserve=False, least_nonce=0, timeout_seconds=0.1, call_seconds=1.0
                    )
                    found += 1
                await lease.release(complete=True)  # type: ignore[attr-defined]
    return found


async def _asked(limiter: object, ahead: int = 0) -> object:
    while True:
        with suppress(ExchangeError):
            return await limiter.acquire(  # type: ignore[attr-defined]
                in_order=True,
                leave_reserve=False,
                least_nonce=int(time.time() * 1000) + ahead,
                timeout_seconds=10.0,
                call_seconds=10.0,
            )
        await asyncio.sleep(0.01)


async def _nonce(limiter: object, ahead: int = 0) -> int:
    while isinstance(lease := await _asked(limiter, ahead), Wait):  # noqa: ASYNC110 - as callers wait
        await asyncio.sleep(lease.seconds)
    nonce = int(lease.nonce)  # type: ignore[attr-defined]
    await lease.release(complete=True)  # type: ignore[attr-defined]
    return nonce


# Figures


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count refused nonces, full windows, what was sent without a server, and orders that the journal lacks."""
    if executable() is None:
        yield Figure("hosts share a key", f"not shown: {NOWHERE}")
        return
    hosts, calls = (QUICK_HOSTS, QUICK_CALLS) if quick else (HOSTS, CALLS)
    scene = asyncio.run(play(hosts, calls, seed, without, quick=quick))
    apart = ", each with a network of its own" if scene.is_apart else ""
    told = f"{hosts} hosts x {calls:,} calls with one key{apart}, one Redis with appendfsync always"
    arrived = len(scene.arrivals)
    yield Figure(
        f"{told}: nonces arrive increasing",
        f"{scene.refused} refused nonces in {arrived:,} requests, {len(scene.failed)} calls failed{_first(scene)}",
        "0 refused, 0 failed",
        (scene.refused, len(scene.failed), arrived) == (0, 0, hosts * calls),
    )
    yield _window(told, scene, WIDE)
    deaths = QUICK_DEATHS if quick else DEATHS
    scene = asyncio.run(die(hosts, deaths, seed, without))
    told = f"{deaths.kills} kill -9 of hosts, {deaths.restarts} of the server"
    yield Figure(
        f"{told}: nonces arrive increasing",
        f"{scene.refused} refused nonces in {len(scene.arrivals):,} requests",
        "0 refused",
        scene.refused == 0 and len(scene.arrivals) > 0,
    )
    yield _window(told, scene, TIGHT)
    yield Figure(
        f"{told}: nothing is sent without the server",
        f"{scene.without_server} requests",
        "0",
        scene.without_server == 0,
    )
    missing, orders = scene.missing
    yield Figure(
        f"{told}: the journal knows every order that was executed",
        f"{missing} of {orders} missing; {len(scene.listed)} listed as unresolved",
        "0 missing",
        missing == 0,
    )
    yield Figure(
        "an order whose host was killed before the answer is listed by another host",
        f"{int(scene.last in scene.listed)} of 1",
        "1",
        scene.last in scene.listed,
    )
    pauses = QUICK_PAUSES if quick else PAUSES
    found = asyncio.run(release_late(pauses, without))
    yield Figure(
        "a host stands still with the key lock, and releases it when another has it: a third gets no lease beside that",
        f"{found} of {pauses} did",
        "0",
        found == 0,
    )
    losses = QUICK_LOSSES if quick else LOSSES
    noticed, wrong = asyncio.run(lose(losses))
    yield Figure(
        "the last second of appendfsync everysec is lost with the power: noticed, and no nonce comes twice",
        f"{noticed} of {losses} noticed, {wrong} nonces not increasing",
        f"{losses} noticed, 0 not increasing",
        (noticed, wrong) == (losses, 0),
    )


def _window(told: str, scene: Scene, window: Window) -> Figure:
    fullest = largest(scene.arrivals, window.per_seconds)
    return Figure(
        f"{told}: a limit of {window} is kept",
        f"{fullest} in the fullest window",
        f"<= {window.slots}",
        fullest <= window.slots,
    )


def _first(scene: Scene) -> str:
    return f" (such as {scene.failed[0]})" if scene.failed else ""
