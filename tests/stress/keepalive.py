"""Orders with pauses, over real sockets, to a server that closes idle connections: none may be sent on a closing one.

A server that closes a connection does so unseen for the latency of the network. Pauses are drawn around that moment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from attrs import frozen

from exchanges import Bitex
from exchanges.client import Client
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.simulator import Faults, Venue, simulate
from exchanges.simulator.proxy import proxy
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms
from tests.stress.naive import Failed, NaiveClient
from tests.stress.orders import Order, place

PROMISES = (9,)
WAY_SECONDS = 0.025
CALM = 0.5
"""Share of pauses that do not depend on the server."""


@frozen
class Size:
    """How much of it.

    Attributes:
        clients: How many at once.
        orders: Of each.
        idle_seconds: After which the server closes. It lies so far above what a client of ours keeps that even a loop
            that stands still for a while on a busy machine does not make up for it.
        begin_seconds: Within which they begin.
    """

    clients: int
    orders: int
    idle_seconds: float
    begin_seconds: float


FULL, PLAIN = Size(200, 5, 4.0, 2.0), Size(40, 5, 4.0, 2.0)
QUICK, QUICK_PLAIN = Size(40, 2, 1.8, 0.2), Size(20, 2, 1.8, 0.2)


@frozen
class Count:
    """The results of the orders of one run.

    Attributes:
        orders: How many there were.
        lost: Of how many the outcome is unknown.
        failed: How many failed otherwise.
        executed: How many the exchange executed.
        connections: How many were made.
    """

    orders: int
    lost: int
    failed: int
    executed: int
    connections: int


async def _trade(size: Size, chance: random.Random, number: int, client: Client | NaiveClient) -> list[BaseException]:
    """Place orders with pauses between them."""
    failures = list[BaseException]()
    await asyncio.sleep(chance.random() * size.begin_seconds)
    for n in range(size.orders):
        amount = Decimal(number * size.orders + n + 100) / 100
        order = Order("bitex.trading.create_bid", {"amount": amount, "price": Decimal(30_000)})
        try:
            await (client.place(order) if isinstance(client, NaiveClient) else place(client, order))
        except (ExchangeError, Failed) as failure:
            failures.append(failure)
        if n < size.orders - 1:
            near = size.idle_seconds - chance.random() * 3 * WAY_SECONDS
            await asyncio.sleep(chance.random() ** 2 * size.idle_seconds if chance.random() < CALM else near)
    return failures


async def _played(size: Size, seed: int, *, naive: bool) -> Count:
    """Place orders with many clients at once."""
    chance, faults = random.Random(seed), Faults(idle_seconds=size.idle_seconds)
    async with (
        simulate(Venue.BITEX, seed=seed, limits=False, faults=faults) as simulator,
        proxy(to=simulator.base_url, seed=seed, latency_seconds=(WAY_SECONDS, WAY_SECONDS)) as line,
        AsyncExitStack() as stack,
    ):
        clients = [_client(line.base_url, simulator.account(Venue.BITEX), naive=naive) for _ in range(size.clients)]
        for client in clients:
            await stack.enter_async_context(client)
        ends = await asyncio.gather(*(_trade(size, chance, number, client) for number, client in enumerate(clients)))
        failures = [failure for end in ends for failure in end]
        lost = sum(isinstance(failure, OutcomeUnknown | Failed) for failure in failures)
        orders = size.clients * size.orders
        return Count(orders, lost, len(failures) - lost, len(simulator.deeds), line.connections)


def _client(url: str, account: Any, *, naive: bool) -> Any:
    if naive:
        return NaiveClient(Venue.BITEX, url, 30.0, account, tries=1)
    return Bitex(base_url=url, limits=None, state=MemoryState(), **account)


MECHANISMS: Mechanisms = {"careful pool": lambda: patch("exchanges.http.origin_pool.KEEP_FOR_MONEY_SECONDS", 60.0)}


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the orders lost on connections that the server was closing."""
    size, plain_size = (QUICK, QUICK_PLAIN) if quick else (FULL, PLAIN)
    ours, plain = asyncio.run(_both(size, plain_size, seed))
    words = f"{ours.orders:,} orders on {ours.connections:,} connections, of which the server closes what is idle"
    yield Figure(f"{words}: unknown outcomes", str(ours.lost), "0", ours.lost == 0)
    yield Figure(f"{words}: executed", f"{ours.executed:,}", f"{ours.orders:,}", ours.executed == ours.orders)
    shown = f"{plain.lost:,} of {plain.orders:,} on {plain.connections:,} connections"
    yield Figure("the same with a plain client: unknown outcomes", shown)


async def _both(size: Size, plain: Size, seed: int) -> tuple[Count, Count]:
    return await asyncio.gather(_played(size, seed, naive=False), _played(plain, seed, naive=True))
