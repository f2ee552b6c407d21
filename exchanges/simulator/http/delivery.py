"""How an answer goes out: whole, or as a fault has it.

The server acts a `Sending` out on its connection, by the script that is made here. Whoever calls `Simulator.receive`
without a socket reads it off the answer and does what a client would have seen: an exception where the connection is
closed, nothing where it is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum, StrEnum
from itertools import chain, repeat
from typing import TypeAlias

from attrs import frozen

__all__ = ["WHOLE", "Manner", "Script", "Sending", "Then", "script_of"]

PADDING = b" " * 16 * 1024
SURPLUS = 7
"""By how many bytes a wrong length is wrong, unless the body is shorter."""


class Manner(StrEnum):
    """What comes of an answer on its connection."""

    WHOLE = "whole"
    CLOSED = "closed"
    """Nothing is sent, and the connection is closed."""
    SILENT = "silent"
    """Nothing is sent, and the connection stays open."""
    CUT_IN_HEAD = "cut in the head"
    CUT_IN_BODY = "cut in the body"
    TWICE = "twice"
    DRIPPED = "dripped"
    ENDLESS = "endless"
    """In chunks, and white space after it for ever."""
    LENGTH_TOO_LARGE = "length too large"
    """More is announced than there is, then the connection is closed."""
    LENGTH_TOO_SMALL = "length too small"
    """Less is announced than there is, and the connection stays open."""


@frozen
class Sending:
    """How one answer goes out.

    Attributes:
        manner: What comes of it.
        share: How much of the head or the body is sent before it is cut, from 0 to 1.
        abrupt: Whether a connection that is closed is reset, not ended.
        pause_seconds: Before each byte of what is dripped.
    """

    manner: Manner = Manner.WHOLE
    share: float = 0.0
    abrupt: bool = False
    pause_seconds: float = 0.0


WHOLE = Sending()


class Then(Enum):
    """What becomes of a connection afterwards."""

    GO_ON = "go on"
    CLOSE = "close"
    RESET = "reset"
    STAY = "stay"
    """Open, and neither read nor written any more."""


@frozen
class Script:
    """What a connection does with an answer.

    Attributes:
        pieces: What is sent, one after the other.
        then: What happens when all is sent.
        pause_seconds: Before each piece.
    """

    pieces: Iterable[bytes] = ()
    then: Then = Then.GO_ON
    pause_seconds: float = 0.0


def script_of(sending: Sending, head: bytes, body: bytes) -> Script:
    """Write the script for an answer whose *head* announces the length of its *body*."""
    then = _AFTERWARDS.get(sending.manner, Then.GO_ON)
    if then is Then.CLOSE and sending.abrupt:
        then = Then.RESET
    return Script(_PIECES[sending.manner](sending, head, body), then, sending.pause_seconds)


def _cut(whole: bytes, share: float) -> int:
    """Say how much of *whole* is sent: at least one byte, and never the last."""
    return max(1, min(len(whole) - 1, round(len(whole) * share)))


def _bytes_of(whole: bytes) -> Iterator[bytes]:
    return (whole[i : i + 1] for i in range(len(whole)))


def _announcing(head: bytes, body: bytes, length: int) -> bytes:
    return head.replace(b"Content-Length: %d\r\n" % len(body), b"Content-Length: %d\r\n" % length)


def _endless(head: bytes, body: bytes) -> Iterator[bytes]:
    chunked = head.replace(b"Content-Length: %d\r\n" % len(body), b"Transfer-Encoding: chunked\r\n")
    return chain((chunked + _chunk(body or PADDING),), repeat(_chunk(PADDING)))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


Pieces: TypeAlias = Callable[[Sending, bytes, bytes], Iterable[bytes]]

_PIECES: dict[Manner, Pieces] = {
    Manner.WHOLE: lambda _, head, body: (head + body,),
    Manner.CLOSED: lambda _, __, ___: (),
    Manner.SILENT: lambda _, __, ___: (),
    Manner.CUT_IN_HEAD: lambda sending, head, _: (head[: _cut(head, sending.share)],),
    Manner.CUT_IN_BODY: lambda sending, head, body: (head + body[: _cut(body, sending.share)],),
    Manner.TWICE: lambda _, head, body: ((head + body) * 2,),
    Manner.DRIPPED: lambda _, head, body: _bytes_of(head + body),
    Manner.ENDLESS: lambda _, head, body: _endless(head, body),
    Manner.LENGTH_TOO_LARGE: lambda _, head, body: (_announcing(head, body, len(body) + SURPLUS) + body,),
    Manner.LENGTH_TOO_SMALL: lambda _, head, body: (_announcing(head, body, max(0, len(body) - SURPLUS)) + body,),
}
_AFTERWARDS = {
    Manner.CLOSED: Then.CLOSE,
    Manner.SILENT: Then.STAY,
    Manner.CUT_IN_HEAD: Then.CLOSE,
    Manner.CUT_IN_BODY: Then.CLOSE,
    Manner.LENGTH_TOO_LARGE: Then.CLOSE,
}
