"""How long an order takes at an injected round trip, after its client was idle, with the state in a file.

A relay holds every piece of TLS back for half a round trip, in either direction, so that a handshake costs a whole one.
Only the connecting itself is free, as the relay runs on loopback. Wall clock: it means nothing on a busy machine.

The idle times are such that each age of a connection is met: an order uses one that was idle for less than a second
(0 s), or the unused one that is kept ready (5 s), which is renewed every 15 s (60 s).
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from rounds import Figure, Target, Wanted
from server import relaying, serving

from exchanges import Bitstamp, Limit, Scope, Window
from exchanges.state import FileState

ROUND_TRIP_SECONDS = 0.080
IDLE_SECONDS = {"order-latency": (0.0, 5.0), "order-after-a-minute": (60.0,)}
CLIENTS = 40
STAGGER_SECONDS = 0.25
WIDE = (Window(10**6, 600.0),)
BITSTAMP = Limit("bitstamp", WIDE, Scope.KEY)
LIMITS = [BITSTAMP, Limit("bitstamp v1", WIDE, Scope.KEY, within=BITSTAMP)]
CERTIFICATES = Path(__file__).parent.parent / "tests" / "certificates"


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure all rows, with all clients in each round."""
    with serving(secure=True) as base_url, relaying(base_url, ROUND_TRIP_SECONDS / 2) as relayed:
        times = [(idle, rounds) for row, rounds in wanted.items() for idle in IDLE_SECONDS[row]]
        for idle, seconds in asyncio.run(_orders(relayed, times)):
            name = f"order at a round trip of {ROUND_TRIP_SECONDS * 1e3:.0f} ms, FileState, {idle:.0f} s idle"
            beyond = tuple((s - ROUND_TRIP_SECONDS) * 1e3 for s in seconds)
            yield Figure(f"{name}: median - round trip", beyond, Target(3.0), unit="ms")
            slowest = statistics.quantiles(seconds, n=100)[98] / ROUND_TRIP_SECONDS
            yield Figure(f"{name}: p99 / round trip", (slowest,) * 2, Target(1.2))


async def _orders(base_url: str, times: list[tuple[float, int]]) -> list[tuple[float, list[float]]]:
    """Return the seconds that orders took, by idle time, in as many rounds as stand beside it in *times*."""
    context = ssl.create_default_context(cafile=CERTIFICATES / "authority.pem")
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        state = stack.enter_context(FileState(Path(folder) / "state"))
        clients = [
            await stack.enter_async_context(
                Bitstamp(
                    base_url=base_url, ssl_context=context, state=state, limits=LIMITS,
                    api_key=f"key{number}", api_secret="s" * 32, client_id="123456",
                )
            )
            for number in range(CLIENTS)
        ]  # fmt: skip
        await asyncio.gather(*(_order(client, number, 0.0) for number, client in enumerate(clients)))
        taken: list[tuple[float, list[float]]] = []
        for idle, rounds in times:
            results: list[float] = []
            for _ in range(rounds):
                # The first order opens what the idle time is counted from.
                results += await asyncio.gather(*(_order(client, n, idle) for n, client in enumerate(clients)))
            taken.append((idle, results))
        return taken


async def _order(client: Bitstamp, number: int, idle: float) -> float:
    """Place an order, wait, and return the seconds that the next one takes."""
    # One after the other: what is measured is an order, not a crowd.
    await asyncio.sleep(number * STAGGER_SECONDS)
    await client.v1.trading.buy(amount=1, price=1)
    await asyncio.sleep(idle)
    began = time.monotonic()
    await client.v1.trading.buy(amount=1, price=1)
    return time.monotonic() - began
