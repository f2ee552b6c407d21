"""A pool over loopback, plain and TLS, whose sockets and tasks are counted; and TLS servers that place every record."""

from __future__ import annotations

import asyncio
import io
import math
import socket
import ssl
import struct
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from attrs import define, field

from exchanges.http import addresses
from exchanges.http.answer import Evidence
from exchanges.http.pool import ConnectionPool
from exchanges.http.request import Attachment, Request
from exchanges.http.uploads import Upload
from exchanges.limits.limiter import Priority
from tests.support.raw_server import serving
from tests.support.tls_servers import presenting, secured, trusting

KINDS = ("plain", "tls")
MAX_BYTES = 100_000
SECONDS = 30.0  # a deadline that no test is to meet


@define(eq=False)
class Watch:
    """What a pool opened.

    Attributes:
        pool: The pool.
        server: Whom it talks to.
        sockets: All that were created.
        others: The tasks that were there before.
    """

    pool: ConnectionPool
    server: object
    sockets: list[socket.socket] = field(factory=list)
    others: frozenset = frozenset()

    @property
    def open_sockets(self) -> int:
        """How many are not closed."""
        return sum(opened.fileno() != -1 for opened in self.sockets)

    @property
    def own_tasks(self) -> set:
        """Tasks that neither the test nor its server made."""
        return asyncio.all_tasks() - self.others - set(self.server.tasks) - {asyncio.current_task()}

    async def send(self, request=None, *, priority=Priority.READ, evidence=None, seconds=SECONDS, **options):
        """Send one request to the server."""
        return await self.pool.send(
            request or get(self.server.origin),
            evidence if evidence is not None else Evidence(),
            max_bytes=options.pop("max_bytes", MAX_BYTES),
            priority=priority,
            deadline=asyncio.get_running_loop().time() + seconds,
            **options,
        )


def get(origin, target="/a"):
    """Send a read."""
    return Request("GET", origin, target, (), b"")


def order(origin, body=b"amount=1"):
    """Send an order."""
    return Request("POST", origin, "/buy/", (("Content-Type", "text/plain"),), body)


def post(origin, attachment):
    """Send a request that carries a file."""
    return Request("POST", origin, "/file", (), b"begin", attachment=attachment)


@asynccontextmanager
async def opened(kind, talk, **options):
    """Serve *talk* plainly or over TLS, with a pool for it; nothing may be left of the pool behind."""
    context = secured(talk=talk) if kind == "tls" else serving(talk)
    options.setdefault("keeps_ready", False)
    async with context as server, lab(server, **options) as watch:
        yield watch


@asynccontextmanager
async def lab(server, **options):
    """Create a pool for a server that runs."""
    watch = Watch(ConnectionPool(ssl_context=trusting(), **options), server, others=frozenset(asyncio.all_tasks()))

    class Recorded(socket.socket):
        def __init__(self, *args):
            super().__init__(*args)
            watch.sockets.append(self)

    addresses.socket = SimpleNamespace(**{**vars(socket), "socket": Recorded})  # the server's sockets are its own
    try:
        yield watch
    finally:
        addresses.socket = socket
        await watch.pool.aclose()
    await turns(4)

    assert (0, set()) == (watch.open_sockets, watch.own_tasks)


async def turns(count):
    """Run some turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


class Clock:
    """The clock of the loop, standing still unless it is advanced: no test depends on how busy the machine is."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.BaseEventLoop):
            pytest.skip("the clock of this loop cannot be set")
        self.now = float(math.ceil(loop.time()))  # whole seconds, so that sums and differences are exact
        loop.time = lambda: self.now

    def advance(self, seconds):
        """Advance the clock at once."""
        self.now += seconds


async def until(condition):
    """Run turns of the loop until *condition* holds."""
    while not condition():
        await turns(1)


@define(eq=False)
class Records:
    """The server's side of TLS, record by record."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    incoming: ssl.MemoryBIO = field(factory=ssl.MemoryBIO)
    outgoing: ssl.MemoryBIO = field(factory=ssl.MemoryBIO)
    layer: ssl.SSLObject = None

    async def shake_hands(self, context):
        """Accept one connection."""
        self.layer = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                self.layer.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.flush()
                await self.fill()
        await self.flush()

    async def request(self):
        """Read one request without a body."""
        received = b""
        while b"\r\n\r\n" not in received:
            try:
                data = self.layer.read(65_536)
            except ssl.SSLWantReadError:
                await self.fill()
                continue
            if not data:  # the client has announced its end
                raise ConnectionError
            received += data
        return received

    def records(self, *parts):
        """Return one record for each part."""
        for part in parts:
            self.layer.write(part)
        return self.outgoing.read()

    async def fill(self):
        """Read what the client sent."""
        data = await self.reader.read(65_536)
        if not data:
            raise ConnectionError
        self.incoming.write(data)

    async def flush(self):
        """Send what waits."""
        self.writer.write(self.outgoing.read())
        await self.writer.drain()


def by_records(talk):
    """Build a `Talk` whose TLS is done record by record: *talk* gets the connection and its records."""
    context = presenting("here")

    async def wrapped(heard):
        records = Records(heard.reader, heard.writer)
        await records.shake_hands(context)
        await talk(heard, records)

    return wrapped


def reset(heard):
    """Close with RST, and not with FIN."""
    linger = struct.pack("ii", 1, 0)
    heard.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    heard.writer.transport.abort()


def attached(size, *, opening=None):
    """Create a file of *size* bytes."""
    content = b"x" * size
    return Attachment(Upload("a.png", "image/png", size, opening or (lambda: io.BytesIO(content))), b"end")


def idle(watch):
    """Return the connections that wait for a request."""
    return [connection for pool in watch.pool._pools.values() for connection in pool._idle]


def busy(watch):
    """Return the connections that carry a request."""
    return [c for pool in watch.pool._pools.values() for c in pool.connections if c._reader is not None]


def ready_of(watch):
    """Return the connection that is kept ready."""
    pools = list(watch.pool._pools.values())
    return pools[0]._ready if pools else None


def literal(*places):
    """Build a look-up that finds these places."""

    def look_up(*_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in places]

    return look_up
