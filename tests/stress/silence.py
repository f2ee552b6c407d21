"""Connections of streams that fall silent in seven ways: each is noticed, and what it feeds is unreadable until then.

The connection freezes; the server answers nothing but pings; one channel dies alone; Bitso's signs of life stop while
its market is quiet; every socket is dead and refused, and REST alone answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from math import inf
from typing import Any
from unittest.mock import patch

from attrs import define

from exchanges.simulator import Cut, Simulator, Venue
from exchanges.streams.keepers.kept import Kept
from exchanges.streams.liveness import Watchdog
from tests.stress.figures import Figure, Mechanisms
from tests.support.hasty_loop import run_hasty
from tests.support.streamed import BOOK, FULL, MARKET, TOP, bitso, bitstamp, exchange_world, is_good, until

PROMISES = ("S4",)
RUNS, QUICK_RUNS = 8, 1
DEAD_SECONDS = 12.0
SOCKET_SECONDS = 60.0
AUDIT_SECONDS = 30.0
TOP_AUDIT_SECONDS = 60.0
PATIENCE_SECONDS = 150.0
STEP_SECONDS = 0.05
WAIT_SECONDS = 5.0
"""How long a book of Bitso waits for the frames up to the number that REST shows."""
MARGIN_SECONDS = 5.0
"""How much later than its moment an audit may end: its read takes time, and a cache may have answered it."""

MECHANISMS: Mechanisms = {
    "watchdog": lambda: patch.multiple(Watchdog, tick=lambda *_: [], next_tick=inf),
    "audit": lambda: patch.multiple(Kept, tick=lambda *_: (), next_tick=None),
}


@define
class Silence:
    """One way to fall silent, and how long it took to be noticed, over all runs.

    Attributes:
        words: The way.
        bound: Within how many seconds it must be noticed.
        worst: The longest; infinite if it was not.
    """

    words: str
    bound: float
    worst: float = 0.0


async def _noticed(condition: Callable[[], object]) -> float:
    """Return how long it takes until something is noticed; infinity if it is not."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    seen = await until(condition, PATIENCE_SECONDS, every=STEP_SECONDS)
    return loop.time() - began if seen else inf


async def _dead(sim: Simulator, stop: Callable[[], object], *, refused: bool = False) -> float:
    """Return how long a top and a whole book stay readable on a connection that is dead."""
    async with (
        bitstamp(sim) as client,
        client.streams.order_book(MARKET, timeout_seconds=60.0) as top,
        client.streams.order_book(MARKET, depth=None, timeout_seconds=60.0) as full,
    ):
        if refused:
            sim.bitstamp.sockets.refuse(503)
        opened = sim.bitstamp.sockets.opened
        stop()
        # A new connection says so as well: it may be there before anybody looks at the books.
        noticed = await _noticed(lambda: sim.bitstamp.sockets.opened > opened or not (is_good(top) or is_good(full)))
        return noticed if not refused or not (is_good(top) or is_good(full)) else inf


async def _frozen(sim: Simulator) -> float:
    return await _dead(sim, lambda: sim.bitstamp.sockets.cut(Cut.FREEZE))


async def _mute(sim: Simulator) -> float:
    return await _dead(sim, sim.bitstamp.sockets.mute)


async def _rest_alone(sim: Simulator) -> float:
    """All sockets freeze and new ones are refused; books of REST are as good as ever."""
    return await _dead(sim, lambda: sim.bitstamp.sockets.cut(Cut.FREEZE), refused=True)


async def _dead_channel(sim: Simulator, depth: int | None, name: str) -> float:
    async with bitstamp(sim) as client, client.streams.order_book(MARKET, depth=depth, timeout_seconds=60.0) as book:
        asked = sim.bitstamp.sockets.asked[name]
        sim.bitstamp.sockets.kill_channel(name)
        return await _noticed(lambda: sim.bitstamp.sockets.asked[name] > asked or not is_good(book))


async def _dead_channel_of_bitso(sim: Simulator) -> float:
    """Return how long it takes until a dead channel is subscribed to anew."""
    async with bitso(sim) as client, client.streams.order_book(BOOK, audit_seconds=AUDIT_SECONDS):
        asked = sim.bitso.sockets.asked.total()
        sim.bitso.sockets.kill_channel(f"diff-orders:{BOOK}")
        return await _noticed(lambda: sim.bitso.sockets.asked.total() > asked)


async def _no_beats(sim: Simulator) -> float:
    """Return how long it takes until a quiet connection without signs of life is replaced."""
    async with bitso(sim) as client, client.streams.trades(BOOK) as _:
        opened = sim.bitso.sockets.opened
        sim.bitso.sockets.stop_beats()
        return await _noticed(lambda: sim.bitso.sockets.opened > opened)


WAYS: dict[str, tuple[Callable[[Simulator], Awaitable[float]], float]] = {
    "connection frozen": (_frozen, DEAD_SECONDS),
    "server answers nothing but pings": (_mute, DEAD_SECONDS),
    "sockets dead and refused, REST alive": (_rest_alone, DEAD_SECONDS),
    "channel of the whole book dead alone": (
        lambda sim: _dead_channel(sim, None, FULL),
        AUDIT_SECONDS + MARGIN_SECONDS,
    ),
    "channel of the best levels dead alone": (
        lambda sim: _dead_channel(sim, 100, TOP),
        TOP_AUDIT_SECONDS + MARGIN_SECONDS,
    ),
    "channel of Bitso's book dead alone, audits every 30 s": (
        _dead_channel_of_bitso,
        AUDIT_SECONDS + WAIT_SECONDS + MARGIN_SECONDS,
    ),
    "no signs of life, quiet market": (_no_beats, SOCKET_SECONDS),
}


async def _run(seed: int, play: Callable[[Simulator], Awaitable[float]]) -> float:
    async with exchange_world(seed) as sim:
        # Nobody trades while the quiet connection is watched.
        sim._exchanges[Venue.BITSO].engine.market(BOOK).trade_ms = 10**9
        return await play(sim)


async def _play(seed: int, runs: int) -> list[Silence]:
    found = [Silence(words, bound) for words, (_, bound) in WAYS.items()]
    for number in range(runs):
        results: list[Any] = await asyncio.gather(*(_run(seed + number, play) for play, _ in WAYS.values()))
        for silence, seconds in zip(found, results, strict=True):
            silence.worst = max(silence.worst, seconds)
    return found


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Fall silent in every way, and take the time until it is noticed."""
    runs = QUICK_RUNS if quick else RUNS
    for silence in run_hasty(_play(seed, runs)):
        yield Figure(
            f"{silence.words}: noticed after, worst of {runs}",
            f"{silence.worst:.1f} s",
            f"<= {silence.bound:g} s",
            silence.worst <= silence.bound,
        )
