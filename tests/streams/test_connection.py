"""How a connection for streams is opened, and how it cuts what it reads into frames."""

import asyncio
import random

import pytest
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from exchanges.streams import connection
from exchanges.streams.connection import _StreamConnection
from exchanges.streams.host import Address

TEXT, BINARY, CONT, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
LONG = b'"' + b"x" * 70_000 + b'"'
MOST_PIECES = 400


@pytest.mark.parametrize("is_own", [True, False])
async def test_loops_of_others(is_own, monkeypatch):
    """Addresses are tried side by side where the loop can do that; uvloop's raises at the argument."""
    with monkeypatch.context() as patched:
        if not is_own:
            patched.setattr(asyncio, "get_running_loop", object)
        opening = connection._opening(Address("ws://127.0.0.1:1"), None)

    assert is_own is ("happy_eyeballs_delay" in opening.create_connection_kwargs)


async def test_a_loop_with_a_task_factory():
    """Where tasks may be eager, addresses are not raced: asyncio's own race asserts that they are not."""
    asyncio.get_running_loop().set_task_factory(lambda loop, coro, **options: asyncio.Task(coro, loop=loop, **options))

    assert "happy_eyeballs_delay" not in connection._opening(Address("ws://127.0.0.1:1"), None).create_connection_kwargs


class Received:
    """What a receiver was told."""

    def __init__(self):
        self.texts = []
        self.garbled_ones = 0
        self.ends = []
        self.signs = 0

    def received(self, frame):
        """Note a text."""
        assert type(frame) is bytes

        self.texts.append(frame)

    def alive(self):
        """Note a frame of any kind."""
        self.signs += 1

    def garbled(self, reason):
        """Note what is no text."""
        self.garbled_ones += 1

    def closed(self, reason):
        """Note the end."""
        self.ends.append(reason)


class Sink(asyncio.Transport):
    """A transport that notes what is written."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.is_aborted = False

    def write(self, data):
        """Note bytes."""
        self.written += data

    def write_eof(self):
        """Do nothing."""

    def can_write_eof(self):
        """Half a connection can be closed."""
        return True

    def set_write_buffer_limits(self, high=None, low=None):
        """There is no buffer."""

    def abort(self):
        """Note the end."""
        self.is_aborted = True


class Opened:
    """A connection whose request was sent, the bytes that answer it, and what came of them."""

    def __init__(self):
        self.received, self.transport = Received(), Sink()
        client = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=connection.MAX_FRAME)
        self.connection = _StreamConnection(self.received, client, close_timeout=None)
        self.connection.connection_made(self.transport)
        client.send_request(client.connect())
        server = ServerProtocol()
        server.receive_data(b"".join(client.data_to_send()))
        server.send_response(server.accept(server.events_received()[0]))
        self.answer = b"".join(server.data_to_send())

    def read(self, data, lengths):
        """Read bytes in pieces of some lengths, the rest in pieces as large as the buffer."""
        while data:
            buffer = self.connection.get_buffer(-1)
            size = min(next(lengths, len(buffer)), len(buffer), len(data))
            buffer[:size] = data[:size]
            self.connection.buffer_updated(size)
            data = data[size:]

    @property
    def sent(self):
        """The opcodes of the frames that were sent; the masks are of chance."""
        server = ServerProtocol(state=State.OPEN)
        server.receive_data(self.transport.written)
        return [(event.opcode, bytes(event.data)) for event in server.events_received()]


def frame(opcode, data=b"", *, fin=True, reserved=0, mask=False, spare=False):
    """A frame as bytes (RFC 6455 section 5.2); *spare* states its length in more bytes than it needs."""
    size, head = len(data), bytes([fin << 7 | reserved | opcode])
    if size < 126 and not spare:
        head += bytes([mask << 7 | size])
    elif size < 65_536:
        head += bytes([mask << 7 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask << 7 | 127]) + size.to_bytes(8, "big")
    return head + bytes(4) * mask + data


GOOD = (
    frame(TEXT, b'{"a":1}'),
    frame(PING, b"1"),
    frame(TEXT, b"x" * 125) + frame(TEXT, b"x" * 126) + frame(TEXT),
    frame(TEXT, LONG),
    frame(TEXT, b"spare", spare=True),
    frame(PONG),
    frame(TEXT, b"in ", fin=False) + frame(PING, b"2") + frame(CONT, b"two ", fin=False) + frame(CONT, b"pieces"),
    frame(TEXT, b"x" * 65_535),
    frame(BINARY, b"\x81\x02{}"),
    frame(TEXT, b'{"b":2}'),
)
GOOD_TEXTS = [*(b'{"a":1}', b"x" * 125, b"x" * 126, b"", LONG, b"spare", b"in two pieces", b"x" * 65_535, b'{"b":2}')]
TRAILING = frame(TEXT, b"what comes after the end") * 3
ENDS = {
    "a close": (frame(CLOSE, (1001).to_bytes(2, "big") + b"bye"), 1001, ["the server closed with code 1001 (bye)"]),
    "a text within fragments": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002, []),
    "a mask": (frame(TEXT, b"masked", mask=True), 1002, []),
    "a mask, and a long text": (frame(TEXT, b"x" * 300, mask=True), 1002, []),
    "a compressed text": (frame(TEXT, b"deflated", reserved=0x40), 1002, []),
    "an unknown frame": (frame(0x3, b"?"), 1002, []),
    "a fragmented ping": (frame(PING, b"?", fin=False), 1002, []),
    "a continuation of nothing": (frame(CONT, b"and on"), 1002, []),
    "a giant text": (frame(TEXT, b"x" * (connection.MAX_FRAME + 1)), 1009, []),
}


def pieces(way, chance):
    """Lengths of reads: all that there is, byte by byte, or by chance."""
    if way == "whole":
        return iter(())
    if way == "byte by byte":
        return iter([1] * MOST_PIECES)
    return iter([chance.choice((1, 2, 3, 5, 100, 4_000)) for _ in range(MOST_PIECES)])


@pytest.mark.parametrize("way", ["whole", "byte by byte", *range(8)])
async def test_frames_are_cut_wherever_reads_end(way):
    """Each text comes once and whole, pings are answered, and what follows the answer to the request is not lost."""
    opened, chance = Opened(), random.Random(way)
    frames = list(GOOD)
    opened.read(opened.answer + b"".join(frames), pieces(way, chance))

    assert GOOD_TEXTS == opened.received.texts
    assert 1 == opened.received.garbled_ones
    assert [(PONG, b"1"), (PONG, b"2")] == opened.sent
    assert [] == opened.received.ends


@pytest.mark.parametrize("way", ["whole", "byte by byte", 1, 2])
@pytest.mark.parametrize("end", ENDS)
async def test_nothing_is_read_after_the_end(end, way):
    """The connection is closed with the code for it, and what was sent behind is no text of ours."""
    opened, chance = Opened(), random.Random(way)
    last, code, ends = ENDS[end]
    opened.read(opened.answer + GOOD[0] + last + TRAILING, pieces(way, chance))

    assert [b'{"a":1}'] == opened.received.texts
    assert [(CLOSE, code)] == [(opcode, int.from_bytes(data[:2], "big")) for opcode, data in opened.sent]
    assert ends == opened.received.ends
    assert opened.connection.protocol.state is State.CLOSING


@pytest.mark.parametrize("end", ENDS)
async def test_nothing_is_read_behind_an_end_that_a_read_cut(end):
    """Of one read, the end of the last frame and what is behind it: the same as if nothing had been cut."""
    opened = Opened()
    last, code, ends = ENDS[end]
    opened.read(opened.answer + last[:-1], iter(()))
    opened.read(last[-1:] + TRAILING, iter(()))

    assert [] == opened.received.texts
    assert [(CLOSE, code)] == [(opcode, int.from_bytes(data[:2], "big")) for opcode, data in opened.sent]
    assert ends == opened.received.ends


@pytest.mark.parametrize("way", ["whole", "byte by byte", 1])
async def test_an_answer_that_opens_nothing(way):
    """What comes with it is never taken for frames."""
    opened = Opened()
    refusal = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    opened.read(refusal + TRAILING, pieces(way, random.Random(way)))

    assert [] == opened.received.texts
    assert opened.connection.protocol.handshake_exc is not None


async def test_frames_behind_a_close_of_ours():
    """They are read by the library, from where a frame begins, until the server has answered."""
    opened = Opened()
    opened.read(opened.answer + GOOD[0][:1], iter(()))
    opened.connection.protocol.send_close(1000)
    opened.connection.send_data()
    opened.read(GOOD[0][1:] + frame(CLOSE, (1000).to_bytes(2, "big")), iter(()))

    assert [b'{"a":1}'] == opened.received.texts
    assert ["the server closed with code 1000"] == opened.received.ends


async def test_fragments_without_end():
    """So many are too many, however small they are."""
    opened = Opened()
    opened.read(opened.answer + frame(TEXT, b"{", fin=False) + frame(CONT, fin=False) * 10_001, iter(()))
    opened.read(frame(CONT, b"the last alone") + TRAILING, iter(()))

    assert opened.transport.is_aborted
    assert [] == opened.received.texts
