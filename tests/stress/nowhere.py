"""Addresses at which no byte of a request can arrive, and the errors of orders sent there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from exchanges import Bitex
from exchanges.errors import NotSent, RateLimitTimeout
from exchanges.simulator import simulate
from exchanges.state import MemoryState
from tests.stress.tally import Tally

PEERS = 4


@asynccontextmanager
async def nobody_listens() -> AsyncIterator[str]:
    """Return an address where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@asynccontextmanager
async def no_tls() -> AsyncIterator[str]:
    """Return an address for TLS whose server does not speak it."""
    async with simulate() as simulator:
        yield simulator.base_url.replace("http:", "https:")


@asynccontextmanager
async def nobody_accepts() -> AsyncIterator[str]:
    """Return an address with a full queue of connections that are never accepted."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(PEERS)]
        for peer in waiting:
            peer.setblocking(False)
            peer.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for peer in waiting:
            peer.close()


PLACES: tuple[Callable[[], AbstractAsyncContextManager[str]], ...] = (nobody_listens, no_tls, nobody_accepts)


async def sent_nowhere(orders: int, timeout_seconds: float) -> Tally:
    """Place *orders* where none can arrive: no error may say that one may have been executed."""
    tally = Tally()
    options: Any = {"limits": None, "state": MemoryState(), "timeout_seconds": timeout_seconds}
    for number, address in enumerate(PLACES, start=1):
        async with address() as url, Bitex(base_url=url, api_key="a-key", **options) as client:
            bids = [client.trading.create_bid(amount=n, price=number) for n in range(1, orders // len(PLACES) + 2)]
            for end in await asyncio.gather(*bids, return_exceptions=True):
                tally.note("nowhere")
                if not isinstance(end, NotSent | RateLimitTimeout):
                    tally.note("doubted nowhere", f"{address.__name__}: {end!r}")
    return tally
