"""Acting a script out on a connection, step by step, as fast as the peer reads."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from exchanges.simulator.http.delivery import Script, Then

__all__ = ["Act", "reset"]

NO_LINGER = struct.pack("ii", 1, 0)
"""A socket that is closed resets the connection."""


def reset(transport: asyncio.WriteTransport) -> None:
    """Close a connection so that the peer sees it break, not end."""
    sock: socket.socket = transport.get_extra_info("socket")
    with suppress(OSError):  # it is closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


class Act:
    """One script on one connection.

    Args:
        script: What is done.
        transport: Where.
        go_on: Called when all is sent and the connection is to be used again.
    """

    def __init__(self, script: Script, transport: asyncio.Transport, go_on: Callable[[], None]) -> None:
        self._script = script
        self._pieces = iter(script.pieces)
        self._transport = transport
        self._go_on = go_on
        self._handle: asyncio.Handle | None = None
        self._choked = False

    @property
    def stays(self) -> bool:
        """Whether nothing more is done, and the connection left open, when all is sent."""
        return self._script.then is Then.STAY

    def step(self) -> None:
        """Send the next piece, and see to the one after that."""
        self._handle = None
        if self._choked or self._transport.is_closing():
            return
        piece = next(self._pieces, None)
        if piece is None:
            self._end()
            return
        self._transport.write(piece)
        loop, pause = asyncio.get_running_loop(), self._script.pause_seconds
        self._handle = loop.call_later(pause, self.step) if pause else loop.call_soon(self.step)

    def choke(self) -> None:
        """Wait until the peer has read."""
        self._choked = True

    def resume(self) -> None:
        """Go on where the peer made it wait."""
        self._choked = False
        if self._handle is None:
            self.step()

    def stop(self) -> None:
        """Do nothing more."""
        if self._handle is not None:
            self._handle.cancel()

    def _end(self) -> None:
        match self._script.then:
            case Then.GO_ON:
                self._go_on()
            case Then.CLOSE:
                self._transport.close()
            case Then.RESET:
                reset(self._transport)
            case Then.STAY:
                pass
