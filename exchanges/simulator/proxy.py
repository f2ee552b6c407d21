"""A bad line: a TCP proxy on loopback that is slow, and now and then hangs up.

::

    async with simulate() as sim, proxy(to=sim.base_url, latency_seconds=(0.01, 0.05), cut=0.1) as line:
        async with Bitstamp(base_url=line.base_url, ...) as bitstamp:
            ...

What goes up and what comes down travels apart: each way of each connection has its own latency, and its own chance to
be cut. Bytes keep their order. What becomes of a connection depends on the seed and on how many came before it.
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

__all__ = ["Line", "Proxy", "proxy"]

READ_BYTES = 16 * 1024
CHUNKS = 64
"""How many chunks may be on their way, one way, before no more are taken."""


@frozen(kw_only=True)
class Line:
    """How bytes travel one way.

    Attributes:
        latency_seconds: Least and largest time that bytes take; drawn for each connection.
        jitter_seconds: By how much more, at most, each chunk takes.
        cut: Probability that a connection is reset on both sides, within the bytes that go this way.
        half_close: Probability that this way ends, within the bytes that go it, and the other does not.
        after_bytes: Least and largest number of bytes that still go before that; nothing happens if fewer do.

    Raises:
        ValueError: Not a range, or not a probability.
    """

    latency_seconds: tuple[float, float] = (0.0, 0.0)
    jitter_seconds: float = 0.0
    cut: float = 0.0
    half_close: float = 0.0
    after_bytes: tuple[int, int] = (0, 500)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in ("latency_seconds", "after_bytes"):
            least, largest = getattr(self, name)
            if not 0 <= least <= largest:
                raise ValueError(f"{name} must be the least and the largest")
        if not (self.cut >= 0 and self.half_close >= 0 and self.cut + self.half_close <= 1):
            raise ValueError("cut and half_close are probabilities, together at most 1")
        if not self.jitter_seconds >= 0:
            raise ValueError("jitter_seconds must not be below 0")


@define
class _Way:
    """One way of one connection: what was drawn for it, and how far it is.

    Attributes:
        latency_seconds: What all bytes take.
        jitter_seconds: By how much more, at most, each chunk takes.
        left: How many bytes still go; None: all.
        cuts: Whether the connection is reset then; else this way ends.
        chance: Draws the jitter.
        free_at: When what was taken last arrives.
    """

    latency_seconds: float
    jitter_seconds: float
    left: int | None
    cuts: bool
    chance: Random
    free_at: float = 0.0

    @classmethod
    def drawn(cls, line: Line, chance: Random) -> Self:
        latency_seconds, draw, left = chance.uniform(*line.latency_seconds), chance.random(), None
        if draw < line.cut + line.half_close:
            left = chance.randint(*line.after_bytes)
        return cls(latency_seconds, line.jitter_seconds, left, draw < line.cut, chance)

    def take(self, chunk: bytes) -> bytes:
        """Give as much of *chunk* as still goes."""
        if self.left is not None:
            chunk = chunk[: self.left]
            self.left -= len(chunk)
        return chunk

    def arrives_at(self, now: float) -> float:
        """Say when what is taken now arrives: not before what was taken earlier."""
        jitter_seconds = self.chance.uniform(0, self.jitter_seconds)
        self.free_at = max(self.free_at, now + self.latency_seconds + jitter_seconds)
        return self.free_at


class _Cut(Exception):
    """The connection is to be reset."""


Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """A proxy that runs; made by `proxy`.

    Attributes:
        base_url: Where it listens.
        connections: How many were made.
        cuts: How many of them it reset.
        half_closes: How many ways it ended.
    """

    def __init__(self, to: str, *, upstream: Line, downstream: Line, seed: int) -> None:
        url = urlsplit(to)
        if url.hostname is None or url.port is None:
            raise ValueError(f"{to} does not name a host and a port")
        self.base_url = ""
        self.connections = self.cuts = self.half_closes = 0
        self._target = url.hostname, url.port
        self._lines = upstream, downstream
        self._seed = seed
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        """Show where it listens and what happened."""
        return f"Proxy({self.base_url or 'closed'}: {self.connections} connections, {self.cuts} cut)"

    async def start(self) -> None:
        """Listen on loopback, where there is room."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Accept nothing more, and reset all connections."""
        if self._server is None:
            return
        self._server.close()
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        chance = Random(f"{self._seed} {self.connections}")
        ways = tuple(_Way.drawn(line, Random(chance.getrandbits(32))) for line in self._lines)
        task = asyncio.get_running_loop().create_task(self._connect((reader, writer), *ways))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, client: Stream, up: _Way, down: _Way) -> None:
        """Carry one connection to its end."""
        writers = [client[1]]
        try:
            server = await asyncio.open_connection(*self._target)
            writers.append(server[1])
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(client[0], server[1], up))
                ways.create_task(self._carry(server[0], client[1], down))
            await _close(writers)
        except* _Cut:
            self.cuts += 1
        except* OSError:
            pass
        finally:
            for writer in writers:
                reset(writer.transport)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Way) -> None:
        """Take bytes on one side, and give them on the other when their time has come."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS)
        async with asyncio.TaskGroup() as ends:
            ends.create_task(self._take(reader, way, under_way))
            ends.create_task(self._give(writer, way, under_way))

    @staticmethod
    async def _take(reader: asyncio.StreamReader, way: _Way, under_way: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        while way.left != 0 and (chunk := await reader.read(READ_BYTES)):
            if taken := way.take(chunk):
                await under_way.put((way.arrives_at(loop.time()), taken))
        await under_way.put((way.arrives_at(loop.time()), b""))

    async def _give(
        self, writer: asyncio.StreamWriter, way: _Way, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            arrives_at, chunk = await under_way.get()
            await asyncio.sleep(max(0.0, arrives_at - loop.time()))
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
        if way.left == 0 and way.cuts:
            raise _Cut
        self.half_closes += way.left == 0
        with suppress(OSError):
            writer.write_eof()


async def _close(writers: Iterable[asyncio.StreamWriter]) -> None:
    """End connections when all that was written has gone."""
    for writer in writers:
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
    """Stand between clients and a server while the block lasts.

    Args:
        to: The server, such as ``Simulator.base_url``.
        seed: Where chance begins.
        latency_seconds: As for `Line`, of both ways; so are those that follow.
        jitter_seconds: See there.
        cut: See there.
        half_close: See there.
        after_bytes: See there.
        upstream: What goes to the server, if it travels otherwise.
        downstream: What comes from the server, if it travels otherwise.
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
