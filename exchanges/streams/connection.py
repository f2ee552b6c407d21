"""One connection to a server of streams. The only module that imports websockets.

Frames are handed over where they arrive, synchronously: no task is woken for a frame and nothing queues up here, so
that a reader can never make the connection wait. What is sent is written at once for the same reason, and is never a
local of a frame that waits: it may contain a token.

Most frames are texts in one piece, which are cut out of what was read right here. Everything else, and all that is
against the protocol, is read by the library, which gets whole frames alone or, of a long one, each part as it comes: so
at the end of a frame it has nothing, and the next text need not pass through it. Once the connection is no longer open
the library gets everything.

Rules for editors: websockets logs every frame at DEBUG, so it gets a logger that nobody can reach. Redirects are not
followed. Nothing of a foreign exception but its text leaves this module.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as opener
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as RawFrame
from websockets.protocol import State

from exchanges.errors import quotable
from exchanges.streams.opening import Connection, ConnectionFailed, Receiver
from exchanges.version import __version__

if TYPE_CHECKING:
    from websockets.protocol import Event

    from exchanges.streams.dialect import Frame
    from exchanges.streams.host import Address

__all__ = ["connect"]

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 0.5
MAX_FRAME = 512 * 1024
"""Eight times what the largest frame is expected to have; a book of that size takes twenty times as much to read."""
MAX_FRAGMENTS = 10_000
HAPPY_EYEBALLS_SECONDS = 0.25
TEXT, OPEN = Opcode.TEXT, State.OPEN  # members of an enum are slow to look up
BUFFER_BYTES = 64 * 1024
# Of the head of a frame (RFC 6455, section 5.2): a text in one piece, and what its second byte states.
WHOLE_TEXT, LENGTH_BITS, LONG, MASK_BYTES = 0x81, 0x7F, 126, 4


async def connect(address: Address, receiver: Receiver) -> Connection:
    """Open a connection.

    Raises:
        ConnectionFailed: It could not be opened.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return cast("_StreamConnection", await _opening(address, receiver))
    except TimeoutError:
        raise ConnectionFailed(f"no connection within {CONNECT_SECONDS:g} s") from None
    except InvalidStatus as error:
        raise ConnectionFailed(f"the server answered with status {error.response.status_code}") from None
    except (OSError, ValueError, EOFError, ImportError, WebSocketException) as error:
        raise ConnectionFailed(_reason(error)) from None


def _opening(address: Address, receiver: Receiver) -> _Opener:
    """Return what opens a connection when it is awaited. It knows the proxy's password: no frame may hold it."""
    more: dict[str, Any] = {} if address.ssl_context is None else {"ssl": address.ssl_context}
    loop = asyncio.get_running_loop()
    if isinstance(loop, asyncio.BaseEventLoop) and loop.get_task_factory() is None:
        # Other loops, such as uvloop's, do not know the argument; with eager tasks the race of CPython 3.12 to 3.13.0
        # fails with an AssertionError.
        more["happy_eyeballs_delay"] = HAPPY_EYEBALLS_SECONDS
    return _Opener(
        address.url,
        create_connection=cast("Any", partial(_StreamConnection, receiver)),
        compression=None,
        proxy=address.proxy(),
        open_timeout=None,
        ping_interval=None,
        close_timeout=CLOSE_SECONDS,
        max_size=MAX_FRAME,
        logger=_hidden_logger(),
        user_agent_header=f"aioexchanges/{__version__}",
        **more,
    )


def _hidden_logger() -> logging.Logger:
    """Return a logger that the program's logging does not know: it could else print the frames that bear tokens."""
    return logging.Logger("exchanges.streams.websockets", level=logging.CRITICAL + 1)  # noqa: LOG001 - as said


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {quotable(str(error))}"


class _Opener(opener):
    """As its base, but a redirect is an error."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _StreamConnection(ClientConnection, asyncio.BufferedProtocol):
    """A connection that hands frames over where they arrive."""

    def __init__(self, receiver: Receiver, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(*args, **kwargs)
        self._receiver = receiver
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        # Of a message in fragments.
        self._parts: list[bytes] = []
        self._is_binary = False
        # What of a frame has come whose head is not whole, and how many bytes of one the library has still to get.
        self._head = b""
        self._owed = 0

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the signature is that of asyncio
        """Return the buffer for the next read: a new one for each read costs as much as all that is done with it."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand whole text frames over; the library reads all else, and has nothing of the frame that comes next."""
        data, at = bytes(self._buffer[:nbytes]), 0
        if self._head or self._owed or self.response is None or self.protocol.state is not OPEN:
            data = self._go_on(data)
        while len(data) - at > 1:
            second, begin = data[at + 1], at + 2
            length = second & LENGTH_BITS
            if length >= LONG:
                begin += 2 if length == LONG else 8
                if begin > len(data):
                    break
                length = int.from_bytes(data[at + 2 : begin], "big")
            end = begin + length
            if data[at] == WHOLE_TEXT and second <= LONG and end <= len(data) and not self._parts:
                # By far the most frequent. The receiver notes itself that it lives.
                self._receiver.received(data[begin:end])
            else:
                end += MASK_BYTES if second > LENGTH_BITS else 0
                self.data_received(data[at:end])
                self._owed = max(0, end - len(data))
                if self.protocol.state is not OPEN:
                    self.data_received(data[end:])
                    return
            at = end
        self._head = data[at:]

    def _go_on(self, data: bytes) -> bytes:
        """Pass to the library what it must get of *data*, and return what remains: it begins with a frame."""
        at = 0
        while self.response is None and at < len(data):
            # Line by line, as frames may follow the answer to the request.
            end = data.find(b"\n", at) + 1 or len(data)
            self.data_received(data[at:end])
            at = end
        data, self._head = self._head + data[at:], b""
        if self._owed and self.protocol.state is OPEN:
            owed = data[: self._owed]
            self._owed -= len(owed)
            self.data_received(owed)
            data = data[len(owed) :]
        # What was owed may have ended the connection.
        if self.protocol.state is not OPEN:
            self.data_received(data)
            return b""
        return data

    def process_event(self, event: Event) -> None:
        """Handle a frame; the answer to the request goes to the base class."""
        if not isinstance(event, RawFrame):
            super().process_event(event)
            return
        opcode = event.opcode
        self._receiver.alive()
        if opcode is Opcode.CLOSE:
            self._receiver.closed(f"the server closed {self._closing}")
        elif opcode in (TEXT, Opcode.BINARY, Opcode.CONT):
            self._data(opcode, bytes(event.data), is_last=event.fin)

    def _data(self, opcode: Opcode, data: bytes, *, is_last: bool) -> None:
        if opcode is not Opcode.CONT:
            self._parts, self._is_binary = [], opcode is Opcode.BINARY
        if self._parts or not is_last:
            self._parts.append(data)
            # The bound of bytes does not count empty fragments.
            if len(self._parts) > MAX_FRAGMENTS:
                self._parts.clear()
                # The library passes over what is behind: the last fragment alone would be read as a text.
                self.protocol.fail(CloseCode.MESSAGE_TOO_BIG)
                self.transport.abort()
                return
            if not is_last:
                return
            data, self._parts = b"".join(self._parts), []
        if self._is_binary:
            self._receiver.garbled("a binary frame")
        else:
            self._receiver.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        super().connection_lost(exc)
        self._receiver.closed("the connection was lost" if exc is None else _reason(exc))

    @property
    def _closing(self) -> str:
        received = self.protocol.close_rcvd
        if received is None:
            return "without a code"
        return f"with code {received.code}" + (f" ({quotable(received.reason)})" if received.reason else "")

    def write(self, frame: Frame) -> None:
        """Write a frame, unless the connection is closing."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(frame.text)
            self.send_data()

    def write_ping(self) -> None:
        """Write a ping."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_ping(b"")
            self.send_data()

    async def leave(self) -> None:
        """Send a close frame, wait half a second for the answer, then abort."""
        try:
            if self.protocol.state is State.OPEN:
                self.protocol.send_close(1000)
                self.send_data()
            await asyncio.wait((self.connection_lost_waiter,), timeout=CLOSE_SECONDS)
        finally:
            self.transport.abort()
