"""How long an order takes at an injected round trip, after its client was idle, with the state in a file.

A relay holds every piece of TLS back for half a round trip, in either direction, so that a handshake costs a whole one.
Only the connecting itself is free, as the relay runs on loopback. Wall clock: it means nothing on a busy machine.

Beside each order stands what no client can save: a bare request on a TLS connection that was idle as long, through the
same relay, and a commit that waits for the same disk, as an order is safe on it before its first byte is sent.

The idle times are such that each age of a connection is met: an order uses one that was idle for less than a second
(0 s), or the unused one that is kept ready (5 s), which is renewed every 15 s (60 s).
"""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from attrs import frozen
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
BODY = b"key=key0&nonce=1700000000000000&signature=" + b"0" * 64 + b"&amount=1&price=1"
REQUEST = b"POST /api/balance/ HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
CERTIFICATES = Path(__file__).parent.parent / "tests" / "certificates"


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure all rows, with all clients in each round."""
    with serving(secure=True) as base_url, relaying(base_url, ROUND_TRIP_SECONDS / 2) as relayed:
        times = [(idle, rounds) for row, rounds in wanted.items() for idle in IDLE_SECONDS[row]]
        for idle, times_taken in asyncio.run(_orders(relayed, times)):
            name = f"order at a round trip of {ROUND_TRIP_SECONDS * 1e3:.0f} ms, FileState, {idle:.0f} s idle"
            seconds = [taken.order for taken in times_taken]
            yield Figure(f"{name}: median - round trip", _beyond(seconds), Target(3.0), unit="ms")
            slowest = statistics.quantiles(seconds, n=100)[98] / ROUND_TRIP_SECONDS
            yield Figure(f"{name}: p99 / round trip", (slowest,) * 2, Target(1.2))
            yield Figure(
                "a bare TLS request, as idle: median - round trip", _beyond([t.bare for t in times_taken]), unit="ms"
            )
            yield Figure("a commit that waits for the disk", tuple(t.commit * 1e3 for t in times_taken), unit="ms")
            own = [taken.order - taken.bare - taken.commit for taken in times_taken]
            yield Figure("an order beyond both", tuple(s * 1e3 for s in own), unit="ms")


def _beyond(seconds: list[float]) -> tuple[float, ...]:
    return tuple((s - ROUND_TRIP_SECONDS) * 1e3 for s in seconds)


@frozen
class Taken:
    """The seconds that an order took, and what no client can save."""

    order: float
    bare: float
    commit: float


class Bare:
    """A TLS connection without a client, and a database of one table beside the state."""

    def __init__(self, folder: Path, number: int) -> None:
        self._data = sqlite3.connect(folder / f"bare{number}", isolation_level=None, check_same_thread=False)
        self._data.execute("PRAGMA journal_mode = WAL").fetchone()
        self._data.execute("PRAGMA synchronous = FULL")
        self._data.execute("CREATE TABLE calls (body TEXT)")

    async def open(self, base_url: str, context: ssl.SSLContext) -> Self:
        """Connect."""
        address = urlsplit(base_url)
        self._reader, self._writer = await asyncio.open_connection(address.hostname, address.port, ssl=context)
        return self

    async def request(self) -> float:
        """Send a request; return the seconds until its answer is there."""
        began = time.monotonic()
        self._writer.write(REQUEST)
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(int(head.rpartition(b":")[2]))
        return time.monotonic() - began

    def commit(self) -> float:
        """Write as much as an order does; return the seconds until it is on the disk."""
        began = time.monotonic()
        self._data.execute("INSERT INTO calls VALUES (?)", ("x" * 300,))
        return time.monotonic() - began

    def close(self) -> None:
        """Close both."""
        self._writer.close()
        self._data.close()


async def _orders(base_url: str, times: list[tuple[float, int]]) -> list[tuple[float, list[Taken]]]:
    """Return what orders took, by idle time, in as many rounds as stand beside it in *times*."""
    context = ssl.create_default_context(cafile=CERTIFICATES / "authority.pem")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        state = stack.enter_context(FileState(folder / "state"))
        clients = [
            await stack.enter_async_context(
                Bitstamp(
                    base_url=base_url, ssl_context=context, state=state, limits=LIMITS,
                    api_key=f"key{number}", api_secret="s" * 32, client_id="123456",
                )
            )
            for number in range(CLIENTS)
        ]  # fmt: skip
        bares = [await Bare(folder, number).open(base_url, context) for number in range(CLIENTS)]
        for bare in bares:
            stack.callback(bare.close)
        pairs = list(zip(clients, bares, strict=True))
        await asyncio.gather(*(_order(*pair, number, 0.0) for number, pair in enumerate(pairs)))
        taken: list[tuple[float, list[Taken]]] = []
        for idle, rounds in times:
            results: list[Taken] = []
            for _ in range(rounds):
                # The first order opens what the idle time is counted from.
                results += await asyncio.gather(*(_order(*pair, n, idle) for n, pair in enumerate(pairs)))
            taken.append((idle, results))
        return taken


async def _order(client: Bitstamp, bare: Bare, number: int, idle: float) -> Taken:
    """Place an order, wait, and return what the next one takes."""
    # One after the other: what is measured is an order, not a crowd.
    await asyncio.sleep(number * STAGGER_SECONDS)
    await client.v1.trading.buy(amount=1, price=1)
    await bare.request()
    await asyncio.sleep(idle)
    began = time.monotonic()
    await client.v1.trading.buy(amount=1, price=1)
    seconds = time.monotonic() - began
    commit = await asyncio.to_thread(bare.commit)
    return Taken(seconds, await bare.request(), commit)
