"""How an answer is sent: complete, or in the way that a fault prescribes.

An answer carries a `Sending`. `script_of` turns it into a `Script`, the bytes to write and what to do with the
connection afterwards, and `ScriptRunner` executes that script on a connection. A caller of `Simulator.receive`, who has
no connection, reads the `Sending` and does what a client would have seen: raise an exception where the connection is
closed, wait forever where nothing is sent.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum, StrEnum
from itertools import chain, repeat
from typing import TypeAlias

from attrs import frozen

PADDING = b" " * 16 * 1024
WRONG_LENGTH_BYTES = 7
"""Difference between a wrong `Content-Length` and the true one, unless the body is shorter."""
NO_LINGER = struct.pack("ii", 1, 0)
"""Socket option under which closing the socket resets the connection."""


class SendMode(StrEnum):
    """What is sent of an answer, and what happens to its connection."""

    WHOLE = "whole"
    CLOSED = "closed"
    """Nothing is sent, and the connection is closed."""
    SILENT = "silent"
    """Nothing is sent, and the connection stays open."""
    CUT_IN_HEAD = "cut in the head"
    CUT_IN_BODY = "cut in the body"
    TWICE = "twice"
    DRIPPED = "dripped"
    """One byte at a time."""
    ENDLESS = "endless"
    """In chunks, followed by white space without end."""
    LENGTH_TOO_LARGE = "length too large"
    """The announced length exceeds the body, then the connection is closed."""
    LENGTH_TOO_SMALL = "length too small"
    """The announced length is less than the body, and the connection stays open."""


@frozen
class Sending:
    """How one answer is sent.

    Attributes:
        mode: What is sent.
        share: Fraction of the head or the body that is sent before it is cut, from 0 to 1.
        abrupt: Whether a connection that is closed is reset instead of ended.
        pause_seconds: Pause before each byte when the answer is sent byte by byte.
    """

    mode: SendMode = SendMode.WHOLE
    share: float = 0.0
    abrupt: bool = False
    pause_seconds: float = 0.0


WHOLE = Sending()


class Ending(Enum):
    """What happens to a connection after an answer."""

    CONTINUE = "continue"
    """The next request is read."""
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"
    """The connection stays open, and is neither read nor written any more."""


@frozen
class Script:
    """The steps by which a connection sends an answer.

    Attributes:
        pieces: The bytes to write, in order.
        ending: What happens after the last piece.
        pause_seconds: Pause before each piece.
    """

    pieces: Iterable[bytes] = ()
    ending: Ending = Ending.CONTINUE
    pause_seconds: float = 0.0


def script_of(sending: Sending, head: bytes, body: bytes) -> Script:
    """Build the script for an answer whose *head* announces the length of its *body*."""
    pieces, ending = _MODES[sending.mode]
    if ending is Ending.CLOSE and sending.abrupt:
        ending = Ending.RESET
    return Script(pieces(sending, head, body), ending, sending.pause_seconds)


def reset(transport: asyncio.WriteTransport) -> None:
    """Close a connection so that the peer sees it break instead of end."""
    sock: socket.socket = transport.get_extra_info("socket")
    with suppress(OSError):  # the socket may be closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


class ScriptRunner:
    """Executes one script on one connection, as fast as the peer reads.

    Args:
        script: The script.
        transport: The connection.
        on_sent: Called after the last piece if the connection is to be used again.
    """

    def __init__(self, script: Script, transport: asyncio.Transport, on_sent: Callable[[], None]) -> None:
        self._script = script
        self._pieces = iter(script.pieces)
        self._transport = transport
        self._on_sent = on_sent
        self._handle: asyncio.Handle | None = None
        self._paused = False

    @property
    def hangs(self) -> bool:
        """Whether the connection is left open and unused after the last piece."""
        return self._script.ending is Ending.HANG

    def step(self) -> None:
        """Write the next piece and schedule the one after it."""
        self._handle = None
        if self._paused or self._transport.is_closing():
            return
        piece = next(self._pieces, None)
        if piece is None:
            self._end()
            return
        self._transport.write(piece)
        # Each piece is a step of its own even without a pause: an endless answer would block the event loop, and
        # `pause_writing` must get its turn between two pieces.
        loop, pause = asyncio.get_running_loop(), self._script.pause_seconds
        self._handle = loop.call_later(pause, self.step) if pause else loop.call_soon(self.step)

    def pause(self) -> None:
        """Write nothing until the peer has read."""
        self._paused = True

    def resume(self) -> None:
        """Continue after `pause`."""
        self._paused = False
        # A step that is still scheduled continues by itself; a second one would write two pieces at once.
        if self._handle is None:
            self.step()

    def stop(self) -> None:
        """Cancel the remaining steps."""
        if self._handle is not None:
            self._handle.cancel()

    def _end(self) -> None:
        match self._script.ending:
            case Ending.CONTINUE:
                self._on_sent()
            case Ending.CLOSE:
                self._transport.close()
            case Ending.RESET:
                reset(self._transport)
            case Ending.HANG:
                pass


def _cut(whole: bytes, share: float) -> int:
    """Return how many bytes of *whole* are sent: at least one, and never all of them."""
    return max(1, min(len(whole) - 1, round(len(whole) * share)))


def _announcing(head: bytes, body: bytes, more: int) -> tuple[bytes]:
    """Return an answer whose head announces *more* bytes than its body has."""
    length = max(0, len(body) + more)
    return (head.replace(b"Content-Length: %d\r\n" % len(body), b"Content-Length: %d\r\n" % length) + body,)


def _endless(head: bytes, body: bytes) -> Iterator[bytes]:
    chunked = head.replace(b"Content-Length: %d\r\n" % len(body), b"Transfer-Encoding: chunked\r\n")
    # An empty chunk would end the body (RFC 9112 section 7.1), so an empty body starts with padding.
    return chain((chunked + _chunk(body or PADDING),), repeat(_chunk(PADDING)))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


Pieces: TypeAlias = Callable[[Sending, bytes, bytes], Iterable[bytes]]

_MODES: dict[SendMode, tuple[Pieces, Ending]] = {
    SendMode.WHOLE: (lambda _, head, body: (head + body,), Ending.CONTINUE),
    SendMode.CLOSED: (lambda _, __, ___: (), Ending.CLOSE),
    SendMode.SILENT: (lambda _, __, ___: (), Ending.HANG),
    SendMode.CUT_IN_HEAD: (lambda sending, head, _: (head[: _cut(head, sending.share)],), Ending.CLOSE),
    SendMode.CUT_IN_BODY: (lambda sending, head, body: (head + body[: _cut(body, sending.share)],), Ending.CLOSE),
    SendMode.TWICE: (lambda _, head, body: ((head + body) * 2,), Ending.CONTINUE),
    SendMode.DRIPPED: (lambda _, head, body: (bytes([byte]) for byte in head + body), Ending.CONTINUE),
    SendMode.ENDLESS: (lambda _, head, body: _endless(head, body), Ending.CONTINUE),
    SendMode.LENGTH_TOO_LARGE: (lambda _, head, body: _announcing(head, body, WRONG_LENGTH_BYTES), Ending.CLOSE),
    SendMode.LENGTH_TOO_SMALL: (lambda _, head, body: _announcing(head, body, -WRONG_LENGTH_BYTES), Ending.CONTINUE),
}
