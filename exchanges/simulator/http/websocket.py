"""One WebSocket of a client, over the connection that asked for it.

The protocol is that of `websockets`, without its input and output; this module moves bytes, and can be told to break:
to stop reading and writing, to leave pings unanswered, to cut a frame, to reset the connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, SEND_EOF
from websockets.server import ServerProtocol

from exchanges.simulator.http.delivery import reset
from exchanges.simulator.http.messages import HttpAnswer

MAX_MESSAGE_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 64 * 1024 * 1024
"""A peer that leaves more than this unread is cut off."""
GOING_AWAY = 1001

# Frames hold tokens: nothing is logged, whatever the level of the root logger.
_SILENT = logging.getLogger("exchanges.simulator.frames")
_SILENT.setLevel(logging.CRITICAL + 1)


class Receiver(Protocol):
    """What is told of the sockets of all clients."""

    def refusal(self, target: str) -> HttpAnswer | None:
        """Return the answer to a request for a socket that is refused; None: it is not."""
        ...

    @property
    def delay_seconds(self) -> float:
        """How long the handshake of the socket takes about which `refusal` was asked."""
        ...

    def opened(self, socket: Socket) -> None:
        """Record a socket whose handshake is complete."""
        ...

    def received(self, socket: Socket, message: str | bytes) -> None:
        """Handle a message."""
        ...

    def closed(self, socket: Socket) -> None:
        """Forget a socket."""
        ...


class _Protocol(ServerProtocol):
    """The server's side, which can be told to leave pings unanswered."""

    ignores_pings = False

    def send_frame(self, frame: Frame) -> None:
        """Send a frame unless it answers a ping that is to be ignored."""
        if not (self.ignores_pings and frame.opcode is Opcode.PONG):
            super().send_frame(frame)


class Socket(asyncio.Protocol):
    """One client's socket.

    Args:
        receiver: Told what arrives.
        transport: Of the connection.
        target: Path and query of the request.
        address: Address of the peer.
        lost: Called once the connection is closed.
    """

    def __init__(
        self,
        receiver: Receiver,
        transport: asyncio.Transport,
        target: str,
        address: str,
        lost: Callable[[Socket], None],
    ) -> None:
        self.target = target
        self.address = address
        self._receiver = receiver
        self._transport = transport
        self._lost = lost
        self._protocol = _Protocol(max_size=MAX_MESSAGE_BYTES, logger=_SILENT)
        self._parts: list[bytes] = []
        self._opcode = Opcode.TEXT
        self._open = False
        self._frozen = False

    def start(self, head: bytes, more: bytes) -> None:
        """Answer the request for an upgrade; *more* bytes may have come behind its *head*."""
        self._transport.set_protocol(self)
        self._protocol.receive_data(head)
        self._read()
        if more:
            self.data_received(more)

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._open and self._protocol.state is OPEN and not self._transport.is_closing()

    @property
    def is_frozen(self) -> bool:
        """Whether it neither reads nor writes any more."""
        return self._frozen

    # Sending

    def send(self, text: str | bytes, *, binary: bool = False, pieces: int = 1) -> None:
        """Send a message, in *pieces* fragments; nothing once the socket is closing."""
        if not self.is_open:
            return
        data = text.encode() if isinstance(text, str) else text
        size = -(-len(data) // pieces) or 1
        parts = [data[n : n + size] for n in range(0, len(data), size)] or [b""]
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            if number:
                self._protocol.send_continuation(part, is_last)
            elif binary:
                self._protocol.send_binary(part, is_last)
            else:
                self._protocol.send_text(part, is_last)
        self._flush()

    def write(self, data: bytes) -> None:
        """Write bytes as they are, whole frames or not."""
        if not (self._frozen or self._transport.is_closing()):
            self._transport.write(data)

    def ping(self) -> None:
        """Send a ping."""
        if self.is_open:
            self._protocol.send_ping(b"")
            self._flush()

    # Ending

    def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Close the socket as the protocol has it: with a frame, which the peer answers."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()

    def end(self) -> None:
        """Close the socket because the server stops."""
        if self._frozen or not self.is_open:
            self.abort()
        else:
            self.close()

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self._transport.close()

    def reset(self) -> None:
        """Break the connection."""
        reset(self._transport)

    def abort(self) -> None:
        """Close the connection without sending what is buffered."""
        self._transport.abort()

    def freeze(self) -> None:
        """Neither read nor write any more, and leave the connection open."""
        if not self._frozen and not self._transport.is_closing():
            self._frozen = True
            self._transport.pause_reading()

    def ignore_pings(self) -> None:
        """Leave pings unanswered from now on."""
        self._protocol.ignores_pings = True

    # Called by the event loop

    def data_received(self, data: bytes) -> None:
        """Handle bytes of the peer."""
        self._protocol.receive_data(data)
        self._read()

    def eof_received(self) -> None:
        """Handle the end of what the peer sends; the transport closes."""
        self._protocol.receive_eof()
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the connection is gone either way
        """Forget the socket."""
        was_open, self._open = self._open, False
        if was_open:
            self._receiver.closed(self)
        self._lost(self)

    # Within

    def _read(self) -> None:
        """Handle what the protocol has parsed."""
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                response = self._protocol.accept(event)
                self._protocol.send_response(response)
                self._flush()
                if self._protocol.state is OPEN:
                    self._open = True
                    self._receiver.opened(self)
            elif isinstance(event, Frame):
                self._assemble(event)
        self._flush()

    def _assemble(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._opcode, self._parts = frame.opcode, []
        self._parts.append(bytes(frame.data))
        if frame.fin:
            data, self._parts = b"".join(self._parts), []
            is_text = self._opcode is Opcode.TEXT
            self._receiver.received(self, data.decode(errors="replace") if is_text else data)

    def _flush(self) -> None:
        """Write what the protocol wants to send."""
        for data in self._protocol.data_to_send():
            if self._frozen or self._transport.is_closing():
                continue
            if data is SEND_EOF or not data:
                self._transport.close()
            else:
                self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._transport.abort()
