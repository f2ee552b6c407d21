"""Clients that follow the simulated exchanges over real sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from exchanges import MarketOrderBook
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.market_data import BookStatus
from exchanges.simulator import Simulator, Venue, simulate
from exchanges.simulator.venues.stream_faults import Client
from exchanges.state import MemoryState

START = 1_700_000_000.0
MARKET, BOOK = "btcusd", "btc_mxn"
TOP, FULL = "order_book_btcusd", "diff_order_book_btcusd"
TRADES = "live_trades_btcusd"


@asynccontextmanager
async def exchange_world(seed: int, **options: Any) -> AsyncIterator[Simulator]:
    """Simulate Bitstamp and Bitso by the clock of the loop."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    clock: Callable[[], float] = lambda: START + loop.time() - began  # noqa: E731 - a clock is a function of nothing
    async with simulate(
        Venue.BITSTAMP, Venue.BITSO, seed=seed, clock=clock, delay_seconds=(0, 0), limits=False, **options
    ) as sim:
        yield sim


def bitstamp(sim: Simulator, number: int = 0, **options: Any) -> Bitstamp:
    """Return a client of Bitstamp that waits for no limit."""
    return Bitstamp(
        base_url=sim.base_url,
        limits=None,
        state=MemoryState(),
        clock=lambda: sim.now,
        **sim.account(Venue.BITSTAMP, number),
        **options,
    )


def bitso(sim: Simulator, **options: Any) -> Bitso:
    """Return a client of Bitso that waits for no limit."""
    return Bitso(
        base_url=sim.base_url,
        limits=None,
        state=MemoryState(),
        clock=lambda: sim.now,
        **sim.account(Venue.BITSO),
        **options,
    )


def clients_of(sim: Simulator) -> list[Client]:
    """Return the sockets of all clients, as the server knows them."""
    return [
        client
        for exchange in sim._exchanges.values()
        if exchange.streams is not None
        for client in exchange.streams.clients.values()
    ]


def subscriptions_of(sim: Simulator) -> Counter[str]:
    """Return how often each channel is subscribed to, on all sockets that are not frozen."""
    counts: Counter[str] = Counter()
    for client in clients_of(sim):
        if client.socket.is_open and not client.socket.is_frozen and not client.is_mute:
            counts.update(client.names)
    return counts


def is_good(book: Any) -> bool:
    """Return whether a kept book can be read."""
    return bool(book.status is BookStatus.GOOD)


async def until(condition: Callable[[], object], seconds: float, every: float = 0.1) -> bool:
    """Look now and then whether *condition* holds; return whether it did within *seconds*."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        if loop.time() > end:
            return False
        await asyncio.sleep(every)
    return True


def prices(book: MarketOrderBook) -> tuple[object, object]:
    """Return the best prices."""
    return book.bids[0].price, book.asks[0].price
