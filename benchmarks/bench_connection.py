"""One GET over our own connections against one over bare httpx."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx
from data import TICKER
from rounds import Figure, Target, Wanted, of, rounds
from server import serving

from exchanges.http.answer import Evidence
from exchanges.http.patches import PatchDetector
from exchanges.http.pool import ConnectionPool
from exchanges.http.request import Request
from exchanges.limits.limiter import Priority

PATH = "/api/v2/ticker/btcusd/"
CALLS = 500
MAX_BYTES = 1024 * 1024

Call = Callable[[], Awaitable[bytes]]


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the row."""
    with serving() as base_url, asyncio.Runner() as runner:
        bare, pool = httpx.AsyncClient(), ConnectionPool()
        loop, detector = runner.get_loop(), PatchDetector()

        async def ours() -> bytes:
            assert not detector.replaced()
            request = Request("GET", base_url, PATH, (), b"")
            deadline = loop.time() + 30.0
            sending = pool.send(request, Evidence(), max_bytes=MAX_BYTES, priority=Priority.READ, deadline=deadline)
            return (await sending).body

        async def theirs() -> bytes:
            return (await bare.get(base_url + PATH)).content

        try:
            assert TICKER == runner.run(ours()) == runner.run(theirs())
            results = rounds(wanted["own-connection"], _side(runner, ours), _side(runner, theirs))
        finally:
            runner.run(pool.aclose())
            runner.run(bare.aclose())
    yield Figure("own connection, looking for patches included / bare httpx get", of(results, 0, 1), Target(0.25))
    yield Figure("own connection", tuple(result[0] / CALLS * 1e6 for result in results), unit="us")
    yield Figure("bare httpx get", tuple(result[1] / CALLS * 1e6 for result in results), unit="us")


def _side(runner: asyncio.Runner, call: Call) -> Callable[[], float]:
    async def run() -> float:
        began = time.process_time()
        for _ in range(CALLS):
            await call()
        return time.process_time() - began

    return lambda: runner.run(run())
