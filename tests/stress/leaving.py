"""Streams that are left at any moment: cancelled while they are entered, read or left, on a server that fails.

Callers share one client of Bitstamp and one of Bitso. One stream at each stays open all the time, so that whatever the
others leave behind on its connection is seen: subscriptions, sockets, tasks. Then everything is counted. At the end the
server freezes, and streams are left all the same.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from attrs import define

from exchanges.errors import ExchangeError
from exchanges.simulator import Cut, Faults, Simulator, StreamFault
from exchanges.streams.subscriptions import Subscriptions
from tests.stress.figures import Figure, Mechanisms
from tests.support.hasty_loop import run_hasty
from tests.support.streamed import BOOK, MARKET, bitso, bitstamp, clients_of, exchange_world, subscriptions_of, until

PROMISES = ("S5",)
CANCELS, QUICK_CANCELS = 10_000, 1_000
CALLERS = 40
TURNS = 60
PATIENCE_SECONDS = 6.0
BACK_SECONDS = 120.0
REST_SECONDS = 5.0
"""How long the exchange has for what trails the end of subscriptions."""
LEAVE_SECONDS = 1.0
ANCHORS = Counter(("live_trades_ethusd", "trades:eth_mxn"))
FAULTS = {
    StreamFault.LATE_ACK: 0.05,
    StreamFault.NO_ACK: 0.03,
    StreamFault.NAMELESS_ERROR: 0.02,
    StreamFault.SLOW_UPGRADE: 0.1,
    StreamFault.REFUSE_UPGRADE: 0.1,
    StreamFault.RESET_LINE: 0.002,
    StreamFault.DROP_FRAME: 0.01,
}

MECHANISMS: Mechanisms = {"reference count": lambda: patch.object(Subscriptions, "release", lambda *_: None)}


@define
class Left:
    """What was left, and what is left of it.

    Attributes:
        entered: How often a stream was entered.
        cancelled: How many of the callers were cancelled.
        subscriptions: Those at the server that nobody wants.
        sockets: Those that nobody wants.
        tasks: The same of tasks, once the clients are closed.
        after: Sockets once the clients are closed.
        slowest_seconds: The longest that leaving took with a dead peer.
    """

    entered: int = 0
    cancelled: int = 0
    subscriptions: int = 0
    sockets: int = 0
    tasks: int = 0
    after: int = 0
    slowest_seconds: float = 0.0


def _streams(stamp: Any, mex: Any) -> list[Callable[[], Any]]:
    return [
        lambda: stamp.streams.trades(MARKET),
        lambda: stamp.streams.order_book(MARKET),
        lambda: stamp.streams.order_book(MARKET, depth=None),
        lambda: stamp.streams.live_orders(MARKET),
        lambda: stamp.streams.my_orders(MARKET),
        lambda: mex.streams.order_book(BOOK),
        lambda: mex.streams.trades(BOOK),
    ]


async def _follow(stream: Any, left: Left, items: int) -> None:
    """Enter a stream, read some of it, leave it."""
    with suppress(ExchangeError):  # of a server that fails
        async with stream:
            left.entered += 1
            async for _ in stream:
                items -= 1
                if items <= 0:
                    break


async def _caller(streams: list[Callable[[], Any]], left: Left, wanted: int, chance: random.Random) -> None:
    """Follow one stream after the other, each for a random time."""
    while left.cancelled < wanted:
        task = asyncio.create_task(_follow(chance.choice(streams)(), left, chance.randrange(1, 50)))
        if chance.random() < 1 / 2:
            for _ in range(chance.randrange(TURNS)):
                await asyncio.sleep(0)
        else:
            await asyncio.sleep(chance.random() ** 2 * PATIENCE_SECONDS)
        left.cancelled += not task.done()
        task.cancel()
        await asyncio.wait((task,))
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _chaos(sim: Simulator, chance: random.Random) -> None:
    """Cut all sockets now and then."""
    while True:
        await asyncio.sleep(chance.uniform(5.0, 30.0))
        for sockets in (sim.bitstamp.sockets, sim.bitso.sockets):
            sockets.cut(chance.choice([Cut.RESET, Cut.HANG_UP, Cut.CLOSE]))


async def _leave_dead_peer(streams: list[Callable[[], Any]], sim: Simulator, left: Left) -> None:
    loop = asyncio.get_running_loop()
    for create in streams:
        stream = create()
        await stream.__aenter__()
        for sockets in (sim.bitstamp.sockets, sim.bitso.sockets):
            sockets.cut(Cut.FREEZE)
        began = loop.time()
        await stream.__aexit__(None, None, None)
        left.slowest_seconds = max(left.slowest_seconds, loop.time() - began)
        for sockets in (sim.bitstamp.sockets, sim.bitso.sockets):
            sockets.cut(Cut.RESET)


async def _play(seed: int, wanted: int, left: Left) -> None:
    chance = random.Random(seed)
    async with exchange_world(seed) as sim:
        before = asyncio.all_tasks()
        async with bitstamp(sim) as stamp, bitso(sim) as mex:
            streams = _streams(stamp, mex)
            async with stamp.streams.trades("ethusd"), mex.streams.trades("eth_mxn"):
                sim.faults = Faults(streams=FAULTS)
                chaos = asyncio.create_task(_chaos(sim, chance))
                try:
                    callers = [_caller(streams, left, wanted, random.Random(chance.random())) for _ in range(CALLERS)]
                    await asyncio.gather(*callers)
                finally:
                    chaos.cancel()
                    await asyncio.wait((chaos,))
                sim.faults = Faults()
                # The waits between attempts may have grown while the server failed.
                await until(lambda: not ANCHORS - subscriptions_of(sim), BACK_SECONDS)
                # Each once more, on connections that live on: a cut gives up what nobody wants, too.
                for create in streams:
                    with suppress(ExchangeError):
                        async with create():
                            pass
                await asyncio.sleep(REST_SECONDS)
                await until(lambda: not ANCHORS - subscriptions_of(sim), BACK_SECONDS)
                left.subscriptions = (subscriptions_of(sim) - ANCHORS).total() + len(ANCHORS - subscriptions_of(sim))
                left.sockets = len(clients_of(sim)) - len(ANCHORS)
            await _leave_dead_peer(streams, sim, left)
        await asyncio.sleep(1.0)
        left.after = len(clients_of(sim))
        left.tasks = len(asyncio.all_tasks() - before)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Cancel, and count what is left."""
    left = Left()
    run_hasty(_play(seed, QUICK_CANCELS if quick else CANCELS, left))
    words = f"{left.cancelled:,} cancels of streams, {left.entered:,} of which were entered"
    yield Figure(
        f"{words}: subscriptions, sockets that nobody wants",
        f"{left.subscriptions}, {left.sockets}",
        "0, 0",
        not (left.subscriptions or left.sockets),
    )
    yield Figure(
        "after the clients were closed: sockets, tasks",
        f"{left.after}, {left.tasks}",
        "0, 0",
        not (left.after or left.tasks),
    )
    yield Figure(
        "leaving a stream whose server does not answer: the longest",
        f"{left.slowest_seconds:.2f} s",
        f"<= {LEAVE_SECONDS:g} s",
        left.slowest_seconds <= LEAVE_SECONDS,
    )
