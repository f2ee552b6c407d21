"""What the tests of faults share: connections and clients of a simulator with faults."""

import asyncio
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlencode

from exchanges.simulator import FaultPoint, Faults
from tests.support.simulator_calls import Wired, bitstamp_v1, plain_http, simulated

PATIENCE_SECONDS = 60.0
FORM = "Content-Type: application/x-www-form-urlencoded"
TICKER = "GET /api/ticker/ HTTP/1.1"


@asynccontextmanager
async def wired(at: dict[str, float], seed: int = 0, **faults):
    """Start a simulator with faults, and open a bare connection to it."""
    async with simulated(seed=seed, faults=Faults(at, **faults)) as sim, await Wired.to(sim) as wire:
        yield sim, wire


def sell(wire: Wired, nonce: int = 1) -> None:
    """Send an order to sell to Bitstamp."""
    body = urlencode({**bitstamp_v1(nonce), "amount": "0.01", "price": "1000000"}).encode()
    wire.send("POST /api/sell/ HTTP/1.1", FORM, f"Content-Length: {len(body)}", body=body)


async def rest(wire: Wired) -> bytes:
    """Read until the connection ends or breaks."""
    received = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while part := await wire.reader.read(1 << 16):
                received += part
    return received


async def answered(wire: Wired) -> tuple[int, bytes]:
    """Read one answer."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await wire.status(), wire.body


async def whole(target: str = TICKER, seed: int = 0) -> tuple[bytes, bytes]:
    """Return head and body of an answer without a fault."""
    async with wired({}, seed=seed) as (_, wire):
        wire.send(target, "Connection: close")
        head, _, body = (await rest(wire)).partition(b"\r\n\r\n")
    return head, body


@asynccontextmanager
async def asked(point: FaultPoint | str, **faults):
    """Start a simulator with one fault that hits every request, and an HTTP client for it."""
    async with (
        simulated(faults=Faults({point: 1}, **faults)) as sim,
        plain_http(sim.base_url) as http,
    ):
        yield sim, http
