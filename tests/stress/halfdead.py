"""Calls over connections that die in silence: the server swallows every second request of each connection.

Reads and cancels must be answered within their deadline all the same, and orders must not be sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.http.pool import ConnectionPool
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.raw_server import Heard, response, serving

PROMISES = (17,)
CLIENTS, QUICK_CLIENTS = 100, 20
CALLS, QUICK_CALLS = 10, 2
"""Of each client, one after the other, so that each meets the connection of the one before."""
TIMEOUT_SECONDS = 4.0
ORDER_SECONDS = 0.5

MECHANISMS: Mechanisms = {"silence": lambda: patch.object(ConnectionPool, "silence_seconds", lambda *_: None)}


@define
class Count:
    """The results of all calls.

    Attributes:
        calls: Reads and cancels.
        answered: How many of them were answered.
        orders: Orders.
        unknown: Of how many the outcome is unknown.
        swallowed: Requests that got no answer.
        longest_seconds: How long the longest read or cancel took.
    """

    calls: int = 0
    answered: int = 0
    orders: int = 0
    unknown: int = 0
    swallowed: int = 0
    longest_seconds: float = 0.0
    failures: list[str] = field(factory=list[str])

    async def swallow(self, heard: Heard) -> None:
        """Answer the first request of a connection, and no other."""
        await heard.request()
        await heard.say(response())
        await heard.request()
        self.swallowed += 1
        await heard.reader.read()

    async def call(self, call: Awaitable[Any]) -> None:
        """Send a read or a cancel."""
        loop = asyncio.get_running_loop()
        self.calls += 1
        began = loop.time()
        try:
            await call
            self.answered += 1
        except ExchangeError as error:
            self.failures.append(type(error).__name__)
        self.longest_seconds = max(self.longest_seconds, loop.time() - began)

    async def order(self, call: Awaitable[Any]) -> None:
        """Place an order."""
        self.orders += 1
        try:
            await call
        except OutcomeUnknown:
            self.unknown += 1


async def _trade(origin: str, count: Count, calls: int) -> None:
    options: Any = {"limits": None, "state": MemoryState(), "timeout_seconds": TIMEOUT_SECONDS}
    async with Fourth(base_url=origin, **CREDENTIALS, **options) as client:
        await client.market.thing()
        for number in range(calls):
            await count.call(client.trading.cancel(number) if number % 2 else client.market.thing())
        hurried = client.with_options(timeout_seconds=ORDER_SECONDS)
        await count.order(hurried.trading.create_order(amount=1))


async def _play(clients: int, calls: int) -> tuple[Count, int]:
    """Send all calls; return their results, and how many orders the server got."""
    count = Count()
    async with serving(count.swallow) as server:
        await asyncio.gather(*(_trade(server.origin, count, calls) for _ in range(clients)))
    return count, sum(request.startswith(b"POST /api/orders ") for request in server.requests)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the calls that are answered although their connection is dead."""
    count, came = asyncio.run(_play(*((QUICK_CLIENTS, QUICK_CALLS) if quick else (CLIENTS, CALLS))))
    words = f"{count.calls:,} reads and cancels, {count.swallowed:,} requests swallowed"
    failures = f" {sorted(set(count.failures))}" if count.failures else ""
    yield Figure(
        f"{words}: answered",
        f"{count.answered:,}{failures}",
        f"{count.calls:,}",
        count.answered == count.calls,
    )
    yield Figure(
        f"{words}: the longest",
        f"{count.longest_seconds:.1f} s",
        f"<= {TIMEOUT_SECONDS:.0f} s",
        count.longest_seconds <= TIMEOUT_SECONDS,
    )
    yield Figure(
        f"{count.orders:,} orders that were swallowed: unknown outcomes",
        f"{count.unknown:,}",
        f"{count.orders:,}",
        count.unknown == count.orders,
    )
    yield Figure("the same: sent", f"{came:,}", f"{count.orders:,}", came == count.orders)
