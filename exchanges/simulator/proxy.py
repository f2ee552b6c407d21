"""A TCP proxy on loopback that simulates a bad connection: latency, jitter, resets and half-closed connections.

::

    async with simulate() as sim, proxy(to=sim.base_url, latency_seconds=(0.01, 0.05), cut=0.1) as line:
        async with Bitstamp(base_url=line.base_url, ...) as bitstamp:
            ...

The two directions of a connection are independent: each has its own latency and its own chance to be cut. Bytes keep
their order. What happens to a connection depends on the seed and on the number of connections before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Self, TypeAlias
from urllib.parse import urlsplit

from attrs import define, frozen

from exchanges.simulator.http.delivery import reset

READ_BYTES = 16 * 1024
CHUNKS = 64
"""Number of chunks in transit, per direction, above which no more are read."""


@frozen(kw_only=True)
class Line:
    """How bytes are transferred in one direction.

    Attributes:
        latency_seconds: Least and largest latency; drawn for each connection.
        jitter_seconds: Largest additional latency; drawn for each chunk.
        cut: Probability that a connection is reset on both sides after some bytes in this direction.
        half_close: Probability that this direction is closed after some bytes, and the other stays open.
        after_bytes: Least and largest number of bytes before a cut or a close; it does not happen if fewer are sent.

    Raises:
        ValueError: A range or a probability is invalid.
    """

    latency_seconds: tuple[float, float] = (0.0, 0.0)
    jitter_seconds: float = 0.0
    cut: float = 0.0
    half_close: float = 0.0
    after_bytes: tuple[int, int] = (0, 500)

    def __attrs_post_init__(self) -> None:
        """Validate ranges and probabilities."""
        for name in ("latency_seconds", "after_bytes"):
            least, largest = getattr(self, name)
            if not 0 <= least <= largest:
                raise ValueError(f"{name} must be the least and the largest value, got {(least, largest)}")
        if not (self.cut >= 0 and self.half_close >= 0 and self.cut + self.half_close <= 1):
            given = f"{self.cut:g} and {self.half_close:g}"
            raise ValueError(f"cut and half_close must be probabilities, together at most 1, got {given}")
        if not self.jitter_seconds >= 0:  # `not >=`: NaN is refused too
            raise ValueError(f"jitter_seconds must be at least 0, got {self.jitter_seconds:g}")


@define
class _Direction:
    """One direction of one connection: what was drawn for it, and its state.

    Attributes:
        latency_seconds: Latency of all bytes.
        jitter_seconds: Largest additional latency of a chunk.
        remaining: Number of bytes until the cut or the close; None: neither happens.
        cuts: Whether the connection is reset then; otherwise this direction is closed.
        random: Draws the jitter.
        last_arrival: When the chunk that was read last arrives.
    """

    latency_seconds: float
    jitter_seconds: float
    remaining: int | None
    cuts: bool
    random: Random
    last_arrival: float = 0.0

    @classmethod
    def draw(cls, line: Line, random: Random) -> Self:
        """Draw latency and end of a new connection."""
        latency_seconds, draw, remaining = random.uniform(*line.latency_seconds), random.random(), None
        if draw < line.cut + line.half_close:
            remaining = random.randint(*line.after_bytes)
        return cls(latency_seconds, line.jitter_seconds, remaining, draw < line.cut, random)

    def limit(self, chunk: bytes) -> bytes:
        """Return the part of *chunk* that is sent before the cut or the close."""
        if self.remaining is not None:
            chunk = chunk[: self.remaining]
            self.remaining -= len(chunk)
        return chunk

    def arrives_at(self, now: float) -> float:
        """Return when a chunk that is read *now* arrives."""
        jitter_seconds = self.random.uniform(0, self.jitter_seconds)
        # Never before the previous chunk: TCP does not reorder bytes.
        self.last_arrival = max(self.last_arrival, now + self.latency_seconds + jitter_seconds)
        return self.last_arrival


class _Cut(Exception):
    """Raised to reset the connection."""


Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
InTransit: TypeAlias = "asyncio.Queue[tuple[float, bytes]]"
"""Chunks with the time at which they arrive, on the clock of the event loop."""


class Proxy:
    """A running proxy; created by `proxy`.

    Attributes:
        base_url: URL at which it listens.
        connections: Number of connections that were opened.
        cuts: Number of connections that it reset.
        half_closes: Number of directions that it closed.
    """

    def __init__(self, to: str, *, upstream: Line, downstream: Line, seed: int) -> None:
        url = urlsplit(to)
        if url.hostname is None or url.port is None:
            raise ValueError(f"the proxy needs the URL of a server with host and port, got {to!r}")
        self.base_url = ""
        self.connections = self.cuts = self.half_closes = 0
        self._target = url.hostname, url.port
        self._lines = upstream, downstream
        self._seed = seed
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        """Show the URL and the counts."""
        return f"Proxy({self.base_url or 'closed'}: {self.connections} connections, {self.cuts} cut)"

    async def start(self) -> None:
        """Listen on loopback, at a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop accepting, and reset all connections."""
        if self._server is None:
            return
        self._server.close()
        # A loop: a connection that was accepted before `close` may add its task while the others are awaited.
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # Generators of its own: neither other connections nor the order of chunks change what is drawn for this one.
        random = Random(f"{self._seed} {self.connections}")
        directions = tuple(_Direction.draw(line, Random(random.getrandbits(32))) for line in self._lines)
        task = asyncio.get_running_loop().create_task(self._connect((reader, writer), *directions))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, client: Stream, up: _Direction, down: _Direction) -> None:
        """Forward one connection until it ends."""
        writers = [client[1]]
        try:
            server = await asyncio.open_connection(*self._target)
            writers.append(server[1])
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(client[0], server[1], up))
                group.create_task(self._forward(server[0], client[1], down))
            await _close(writers)
        except* _Cut:
            self.cuts += 1
        except* OSError:
            pass  # the server refused, or one side went away: the other side sees a reset
        finally:
            for writer in writers:
                reset(writer.transport)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: _Direction) -> None:
        """Read bytes on one side and write them on the other when they arrive."""
        # Two tasks: while one chunk is delayed, the next one is read and its own delay begins.
        in_transit: InTransit = asyncio.Queue(CHUNKS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(reader, direction, in_transit))
            group.create_task(self._write(writer, direction, in_transit))

    @staticmethod
    async def _read(reader: asyncio.StreamReader, direction: _Direction, in_transit: InTransit) -> None:
        loop = asyncio.get_running_loop()
        while direction.remaining != 0 and (chunk := await reader.read(READ_BYTES)):
            if sent := direction.limit(chunk):
                await in_transit.put((direction.arrives_at(loop.time()), sent))
        # An empty chunk is the end, and is delayed like the others.
        await in_transit.put((direction.arrives_at(loop.time()), b""))

    async def _write(self, writer: asyncio.StreamWriter, direction: _Direction, in_transit: InTransit) -> None:
        loop = asyncio.get_running_loop()
        while True:
            arrives_at, chunk = await in_transit.get()
            await asyncio.sleep(max(0.0, arrives_at - loop.time()))
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
        if direction.remaining == 0 and direction.cuts:
            raise _Cut
        self.half_closes += direction.remaining == 0
        with suppress(OSError):
            writer.write_eof()


async def _close(writers: Iterable[asyncio.StreamWriter]) -> None:
    """Close connections after everything that was written has been sent."""
    for writer in writers:  # all of them first: waiting for one side must not keep the other open
        writer.close()
    for writer in writers:
        await writer.wait_closed()


@asynccontextmanager
async def proxy(
    *,
    to: str,
    seed: int = 0,
    latency_seconds: tuple[float, float] = (0.0, 0.0),
    jitter_seconds: float = 0.0,
    cut: float = 0.0,
    half_close: float = 0.0,
    after_bytes: tuple[int, int] = (0, 500),
    upstream: Line | None = None,
    downstream: Line | None = None,
) -> AsyncGenerator[Proxy]:
    """Run a proxy between clients and a server while the block lasts.

    Args:
        to: URL of the server, such as ``Simulator.base_url``.
        seed: Seed of the random numbers.
        latency_seconds: As in `Line`, for both directions.
        jitter_seconds: As in `Line`, for both directions.
        cut: As in `Line`, for each direction.
        half_close: As in `Line`, for each direction.
        after_bytes: As in `Line`, for both directions.
        upstream: The direction to the server; None: as above.
        downstream: The direction from the server; None: as above.
    """
    both = Line(
        latency_seconds=latency_seconds,
        jitter_seconds=jitter_seconds,
        cut=cut,
        half_close=half_close,
        after_bytes=after_bytes,
    )
    running = Proxy(to, upstream=upstream or both, downstream=downstream or both, seed=seed)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()
