"""A server between a state and its server, which cuts a connection in the middle of an answer; with TLS if asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from attrs import define, field


@define(eq=False)
class CuttingProxy:
    """Passes bytes on.

    Attributes:
        path: The socket of the server.
        cut: How many bytes of answers are passed on before the connection is closed; None: all of them.
        port: Where it listens.
    """

    path: Path
    cut: int | None = None
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        theirs, ours = await asyncio.open_unix_connection(str(self.path))
        passing = [asyncio.ensure_future(w) for w in (self._pass(reader, ours, cuts=False), self._pass(theirs, writer))]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for task in passing:
            task.cancel()
        await asyncio.wait(passing)
        for end in (ours, writer):
            end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cuts: bool = True) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(65536):
                if cuts and self.cut is not None:
                    data, self.cut = data[: self.cut], max(self.cut - len(data), 0)
                    if not self.cut:
                        self.cut = None
                        writer.write(data)
                        await writer.drain()
                        return
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def cutting_proxy(path: Path, context: ssl.SSLContext | None = None) -> AsyncIterator[CuttingProxy]:
    """Run a proxy in the block."""
    proxy = CuttingProxy(path)
    connected: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        connected.add(task)
        task.add_done_callback(connected.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in connected:
            task.cancel()
        if connected:
            await asyncio.wait(connected)
