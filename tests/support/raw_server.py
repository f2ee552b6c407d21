"""A server on loopback that answers each connection by a function of its streams."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from attrs import define, field

Talk = Callable[["Heard"], Awaitable[None]]


def response(
    body: bytes = b'{"id": 1}',
    *headers: bytes,
    status: bytes = b"200 OK",
    length: int | None = None,
    zipped: bool = False,
) -> bytes:
    """Return the bytes of an answer."""
    if zipped:
        body, headers = gzip.compress(body), (b"Content-Encoding: gzip", *headers)
    size = b"Content-Length: %d" % (len(body) if length is None else length)
    return b"\r\n".join([b"HTTP/1.1 " + status, size, *headers, b"", body])


@define(eq=False)
class Heard:
    """One connection as the server sees it."""

    server: RawServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Read one request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next((int(v) for k, v in _headers(head) if k == b"content-length"), 0)
        whole = head + await self.reader.readexactly(length)
        self.server.requests.append(whole)
        return whole

    async def say(self, *parts: bytes) -> None:
        """Write bytes."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()


def _headers(head: bytes) -> list[tuple[bytes, bytes]]:
    lines = head.split(b"\r\n")[1:]
    pairs = [line.partition(b":")[::2] for line in lines if line]
    return [(name.lower(), value.strip()) for name, value in pairs]


@define(eq=False)
class RawServer:
    """The requests received, by connection."""

    talk: Talk
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(factory=list[bytes])
    tasks: set[asyncio.Task[None]] = field(factory=set["asyncio.Task[None]"])

    @property
    def origin(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def headers(self, number: int = -1) -> list[tuple[bytes, bytes]]:
        """The headers of a request, names in lower case."""
        return _headers(self.requests[number].partition(b"\r\n\r\n")[0])

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.talk(Heard(self, reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()


S = TypeVar("S", bound=RawServer)


@asynccontextmanager
async def listening(server: S, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> AsyncIterator[S]:
    """Accept connections while the block lasts, then cancel those that are left."""
    listener = await asyncio.start_server(server.take, host, 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        if server.tasks:
            await asyncio.wait(server.tasks)
        await listener.wait_closed()


def serving(talk: Talk) -> AbstractAsyncContextManager[RawServer]:
    """Serve every connection with *talk*."""
    return listening(RawServer(talk))


def once(*parts: bytes) -> Talk:
    """Answer one request with *parts* and close the connection."""

    async def talk(heard: Heard) -> None:
        await heard.request()
        await heard.say(*parts)

    return talk


def answering(*answers: bytes) -> Talk:
    """Answer the requests of a connection in order, and repeat the last answer."""

    async def talk(heard: Heard) -> None:
        while True:
            number = len(heard.server.requests)
            await heard.request()
            await heard.say(answers[min(number, len(answers) - 1)])

    return talk
