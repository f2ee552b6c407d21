"""Streams without sockets: a host and a server in virtual time, played by the test step by step."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from exchanges.streams.host import Address
from exchanges.streams.hub import Hub
from exchanges.streams.opening import ConnectionFailed
from exchanges.wire.converter import wire
from tests.support.virtual_time import BEGIN, settle

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
URL = "ws://127.0.0.1:1/"


def moment(seconds):
    """The moment so many seconds after the start of a test."""
    return START + timedelta(seconds=seconds)


class PlayedConnection:
    """One connection, as the server sees it.

    Attributes:
        sent: What the client has sent, as JSON.
        pings: How many pings came.
        is_open: Whether neither side has closed it.
        answers_pings: Whether pings are answered.
    """

    def __init__(self, receiver):
        self.receiver = receiver
        self.sent = []
        self.pings = 0
        self.is_open = True
        self.answers_pings = True
        self.on_frame = None

    def write(self, frame):
        """Receive a frame of the client."""
        if self.is_open:
            self.sent.append(json.loads(frame.text))
            if self.on_frame is not None:
                asyncio.get_running_loop().call_soon(self.on_frame, self, self.sent[-1])

    def write_ping(self):
        """Receive a ping."""
        self.pings += 1
        if self.answers_pings and self.is_open:
            asyncio.get_running_loop().call_soon(self.receiver.alive)

    async def leave(self):
        """Note that the client has left."""
        self.is_open = False

    def send(self, frame):
        """Send a frame to the client: JSON, or bytes as they are."""
        if self.is_open:
            self.receiver.alive()
            self.receiver.received(frame if isinstance(frame, bytes) else json.dumps(frame).encode())

    def drop(self, reason="the connection was lost"):
        """Close the connection."""
        self.is_open = False
        self.receiver.closed(reason)


class PlayedServer:
    """What connections lead to.

    Attributes:
        connections: All that were opened.
        refusals: How many of the next connections fail; infinite for all.
        on_frame: Answers frames by itself: it is called with connection and frame.
    """

    def __init__(self, on_frame=None):
        self.connections = []
        self.attempts = []
        self.refusals = 0
        self.on_frame = on_frame

    async def connect(self, address, receiver):
        """Open a connection."""
        self.attempts.append(asyncio.get_running_loop().time() - BEGIN)
        await asyncio.sleep(0)
        if self.refusals > 0:
            self.refusals -= 1
            raise ConnectionFailed("the server answered with status 503")
        connection = PlayedConnection(receiver)
        connection.on_frame = self.on_frame
        self.connections.append(connection)
        return connection

    @property
    def last(self):
        """The newest connection."""
        return self.connections[-1]

    @property
    def open(self):
        """The connections that are open."""
        return [c for c in self.connections if c.is_open]


class PlayedHost:
    """A client.

    Attributes:
        answers: Functions by endpoint id, which are called with the arguments and return an answer, or raise.
        calls: What was called: endpoint id and arguments.
    """

    def __init__(self):
        self.wire = wire()
        self.timeout_seconds = 30.0
        self.answers = {}
        self.calls = []
        self.settled = []
        self.own = set()
        self.rate = None
        self.call_seconds = 0.0

    def check(self):
        """Nothing is wrong."""

    async def address(self, api):
        """One address for all."""
        return Address(URL)

    async def call(self, endpoint, arguments, timeout_seconds):
        """Answer a call."""
        self.calls.append((endpoint.id, dict(arguments)))
        await asyncio.sleep(self.call_seconds)
        return self.answers[endpoint.id](**arguments)

    def per_second(self, endpoint):
        """The rate of the limit."""
        return self.rate

    def now(self):
        """The wall clock moves with the loop."""
        return moment(asyncio.get_running_loop().time() - BEGIN)

    def settle(self, client_id):
        """Record a client's id."""
        self.settled.append(client_id)

    def made(self, endpoint, made):
        """Whether the test says so."""
        return made in self.own

    def secrets(self):
        """None are known."""
        return ()


@asynccontextmanager
async def played(channels, *, on_frame=None, host=None):
    """Open the channels of a class at a played server; yields them, the server and the host."""
    host, server = host or PlayedHost(), PlayedServer(on_frame)
    hub = Hub(host, server.connect)
    try:
        yield channels(hub), server, host
    finally:
        await hub.aclose()


def confirms(connection, frame):
    """Confirm every subscription to Bitstamp."""
    word = frame["event"].removeprefix("bts:")
    if word in ("subscribe", "unsubscribe"):
        name = {"subscribe": "subscription", "unsubscribe": "unsubscription"}[word]
        connection.send({"event": f"bts:{name}_succeeded", "channel": frame["data"]["channel"], "data": {}})
    elif word == "heartbeat":
        connection.send({"event": "bts:heartbeat", "channel": "", "data": {"status": "success"}})


async def enter(stream):
    """Enter a stream in a task of its own; returns it once everything that can happen has happened."""
    entering = asyncio.create_task(stream.__aenter__())
    await settle()
    return entering


async def items(stream, count):
    """The next items of a stream."""
    async with asyncio.timeout(600):
        return [await anext(stream) for _ in range(count)]


def confirms_at_bitso(connection, frame):
    """Confirm every subscription to Bitso."""
    connection.send({**frame, "response": "ok", "time": 1789000300123})
