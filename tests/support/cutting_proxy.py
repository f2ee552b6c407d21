"""A server between a state and its server, which cuts a connection in the middle of an answer; with TLS if asked."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define


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

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        theirs, ours = await asyncio.open_unix_connection(str(self.path))
        passing = [asyncio.ensure_future(w) for w in (self._pass(reader, ours, cuts=False), self._pass(theirs, writer))]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passing:
                task.cancel()
            for end in (ours, writer):
                end.transport.abort()
            await asyncio.wait(passing)

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


@contextmanager
def cutting_proxy(path: Path, context: ssl.SSLContext | None = None) -> Iterator[CuttingProxy]:
    """Run a proxy in a thread of its own: readers of a state stop the loop of the test."""
    proxy, ready = CuttingProxy(path), threading.Event()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        connected: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(proxy.serve(reader, writer))
            connected.add(task)
            task.add_done_callback(connected.discard)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        server.close()
        for task in connected:
            task.cancel()
        if connected:
            await asyncio.wait(connected)
        await server.wait_closed()
        for _ in range(200):  # closed transports are gone some turns later, with TLS
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
