"""Connections of streams are killed in every way; each comes back, with what was subscribed to, once.

Clients follow a short and a whole order book, trades and their own orders at Bitstamp, and a book at Bitso. In each
round every socket is killed in a way of its own. Then the server's list of subscriptions is compared with what is
wanted, and the time is taken from each confirmed subscription to a book that can be read.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from math import inf
from statistics import median
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.simulator import Simulator
from exchanges.simulator.venues.stream_faults import Client
from exchanges.streams.happenings import Event, Subscribed
from exchanges.streams.hub import Hub
from exchanges.streams.liveness import Watchdog
from tests.stress.figures import Figure, Mechanisms
from tests.support.hasty_loop import run_hasty
from tests.support.streamed import (
    BOOK,
    FULL,
    MARKET,
    TOP,
    TRADES,
    bitso,
    bitstamp,
    clients_of,
    exchange_world,
    is_good,
    subscriptions_of,
    until,
)

PROMISES = ("S2",)
CLIENTS, QUICK_CLIENTS = 8, 2
KILLS, QUICK_KILLS = 1_000, 30
BACK_SECONDS = 60.0
"""How long a round waits for everything to be back: a dead peer is noticed, the backoff ends, books are joined."""
ALIVE_SECONDS = 10.5
"""After this time the backoff begins anew."""
SLOW_SECONDS = 1.0

MECHANISMS: Mechanisms = {
    "watchdog": lambda: patch.multiple(Watchdog, tick=lambda *_: [], next_tick=inf),
}


def _cut(client: Client) -> None:
    client.socket.write(b"\x81\x7f" + (1000).to_bytes(8, "big") + b"{")
    client.socket.hang_up()


def _mute(client: Client) -> None:
    client.is_mute = True


WAYS: dict[str, Callable[[Client], None]] = {
    "reset": lambda client: client.socket.reset(),
    "ended": lambda client: client.socket.hang_up(),
    "closed": lambda client: client.socket.close(),
    "closed with an error": lambda client: client.socket.close(1011),
    "cut in a frame": _cut,
    "frozen": lambda client: client.socket.freeze(),
    "mute": _mute,
    "asked to move": lambda client: None,  # of a whole exchange; see `Kills.round`
}


@define
class Kills:
    """What became of all kills.

    Attributes:
        ways: How many connections were killed in each way.
        lost: Rounds after which a subscription was missing.
        doubled: Rounds after which one was there twice.
        unreadable: Books that could not be read in time.
        top_seconds: From a confirmed subscription to a readable book.
        full_seconds: The same for whole books.
        ended: Streams that ended with an error.
    """

    chance: random.Random
    wanted: int
    ways: Counter[str] = field(factory=Counter[str])
    lost: int = 0
    doubled: int = 0
    unreadable: int = 0
    top_seconds: list[float] = field(factory=list[float])
    full_seconds: list[float] = field(factory=list[float])
    ended: list[str] = field(factory=list[str])

    @property
    def count(self) -> int:
        """How many connections were killed."""
        return self.ways.total()

    async def round(self, sim: Simulator, expected: Counter[str], books: dict[str, list[Any]]) -> None:
        """Kill every connection, and wait until everything is back."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(ALIVE_SECONDS)
        if self.chance.random() < 1 / len(WAYS):
            self.ways["asked to move"] += sim.bitstamp.sockets.count
            sim.bitstamp.sockets.ask_to_move(SLOW_SECONDS)
            await asyncio.sleep(2 * SLOW_SECONDS)
        else:
            for client in clients_of(sim):
                way = self.chance.choice([way for way in WAYS if way != "asked to move"])
                self.ways[way] += 1
                WAYS[way](client)
        if self.chance.random() < 1 / 4:
            # The first attempt to come back is refused too.
            sim.bitstamp.sockets.refuse(503)
            loop.call_later(SLOW_SECONDS, sim.bitstamp.sockets.refuse, None)
        everything = [book for kind in books.values() for book in kind]
        back = await until(lambda: subscriptions_of(sim) == expected and all(map(is_good, everything)), BACK_SECONDS)
        now = subscriptions_of(sim)
        self.lost += bool(expected - now)
        self.doubled += bool(now - expected)
        self.unreadable += 0 if back else sum(not is_good(book) for book in everything)


class _Timer:
    """Takes the time from each confirmed subscription to a readable book."""

    def __init__(self) -> None:
        self._books: dict[tuple[int, str], tuple[Any, list[float]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, hub: object, name: str, book: Any, seconds: list[float]) -> None:
        """Watch a book of one client; what it takes is added to *seconds*."""
        self._books[id(hub), name] = book, seconds

    def listening(self) -> AbstractContextManager[object]:
        """Hear what all clients report, while the block lasts."""
        publish = Hub.publish

        def listen(hub: Hub, event: Event) -> None:
            self._heard(hub, event)
            publish(hub, event)

        return patch.object(Hub, "publish", listen)

    def _heard(self, hub: Hub, event: Event) -> None:
        """Begin to take the time of a book that was subscribed to, unless it is good already."""
        found = self._books.get((id(hub), event.channel)) if isinstance(event, Subscribed) else None
        if found is not None and not is_good(found[0]):
            task = asyncio.create_task(_time(*found))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _time(book: Any, seconds: list[float]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    if await until(lambda: is_good(book), BACK_SECONDS, every=0.02):
        seconds.append(loop.time() - began)


async def _read(stream: Any, ended: list[str]) -> None:
    """Read a stream to its end, which must not come."""
    try:
        async for _ in stream:
            pass
    except Exception as error:  # noqa: BLE001 - counted
        ended.append(type(error).__name__)


async def _play(seed: int, clients: int, kills: Kills) -> None:
    timer = _Timer()
    async with AsyncExitStack() as stack:
        stack.enter_context(timer.listening())
        sim = await stack.enter_async_context(exchange_world(seed))
        expected: Counter[str] = Counter()
        books: dict[str, list[Any]] = {"top": [], "full": [], "bitso": []}
        tasks = list[asyncio.Task[None]]()
        for number in range(clients):
            stamp = await stack.enter_async_context(bitstamp(sim, number % 2))
            mex = await stack.enter_async_context(bitso(sim))
            uid = (await stamp.account.websockets_token()).user_id
            top = await stack.enter_async_context(stamp.streams.order_book(MARKET, timeout_seconds=60.0))
            full = await stack.enter_async_context(stamp.streams.order_book(MARKET, depth=None, timeout_seconds=60.0))
            book = await stack.enter_async_context(mex.streams.order_book(BOOK, timeout_seconds=60.0))
            streams = [
                await stack.enter_async_context(stamp.streams.trades(MARKET)),
                await stack.enter_async_context(stamp.streams.my_orders(MARKET)),
            ]
            tasks += [asyncio.create_task(_read(stream, kills.ended)) for stream in streams]
            timer.watch(stamp.streams.hub, TOP, top, kills.top_seconds)
            timer.watch(stamp.streams.hub, FULL, full, kills.full_seconds)
            for kind, one in (("top", top), ("full", full), ("bitso", book)):
                books[kind].append(one)
            names = (TOP, FULL, TRADES, f"private-my_orders_{MARKET}-{uid}", f"diff-orders:{BOOK}")
            expected.update(names)
        while kills.count < kills.wanted:
            await kills.round(sim, expected, books)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Kill connections, and count what came back."""
    kills = Kills(random.Random(seed), QUICK_KILLS if quick else KILLS)
    run_hasty(_play(seed, QUICK_CLIENTS if quick else CLIENTS, kills))
    words = f"{kills.count:,} connections killed in {len(kills.ways)} ways"
    yield Figure(
        f"{words}: subscriptions missing or doubled afterwards",
        f"{kills.lost}, {kills.doubled}",
        "0, 0",
        not (kills.lost or kills.doubled),
    )
    yield Figure(
        "the same: streams that ended, books that stayed unreadable",
        f"{len(kills.ended)}, {kills.unreadable}",
        "0, 0",
        not (kills.ended or kills.unreadable),
    )
    for name, seconds, bar in (("100 best levels", kills.top_seconds, 1.0), ("whole", kills.full_seconds, 3.0)):
        middle = median(seconds) if seconds else float("nan")
        yield Figure(
            f"from the confirmed subscription to a readable book, {name}: median, worst",
            f"{middle:.1f} s, {max(seconds, default=0):.1f} s",
            f"median <= {bar:g} s",
            middle <= bar,
        )
