"""What comes of one request: its answer, or why none came, and the evidence of how far the request got."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from exchanges.values import define
from exchanges.wire.row_cutter import RowCutter

__all__ = [
    "ORDINARY_BYTES",
    "Answer",
    "BadAnswer",
    "Evidence",
    "GivenUp",
    "Lapsed",
    "Lost",
    "ProxyRefused",
    "Silent",
    "TimedOut",
    "Unwanted",
]

ORDINARY_BYTES = 1024 * 1024


class Answer(NamedTuple):
    """One whole HTTP answer, decompressed.

    Attributes:
        status: HTTP status.
        headers: By lower-case name.
        body: The bytes; empty if *rows* has them.
        rows: What cut and checked the body while it arrived; None if nothing did.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    rows: RowCutter | None = None

    def __repr__(self) -> str:
        """Show no header and no body: each may hold a secret."""
        return f"Answer({self.status})"


class Lost(Exception):
    """No complete answer arrived; see the `Evidence` for what can have been sent.

    It has no cause: the errors of httpx hold URLs and headers.
    """


class BadAnswer(Lost):
    """The answer is too large or cannot be decoded."""


class TimedOut(Lost):
    """The deadline passed.

    Attributes:
        phase: What the request was waiting for.
    """

    def __init__(self, phase: str) -> None:
        super().__init__(f"no answer before the deadline; {phase}")
        self.phase = phase


class Silent(Lost):
    """No byte came on a reused connection, which is probably dead; a read may be repeated on a new connection."""


class GivenUp(Lost):
    """Whoever sent the request does not wait for its answer any more."""


class Unwanted(Lost):
    """The caller was cancelled before the first byte was sent."""


class Late(Lost):
    """The moment by which the request must have been sent has passed."""


class Lapsed(Lost):
    """What the call held of a shared state was lost before the first byte was sent."""


class ProxyRefused(Lost):
    """A proxy refused the connection.

    Attributes:
        status: HTTP status of its answer; 407 needs a user and a password, and is not worth repeating.
    """

    def __init__(self, status: int) -> None:
        hint = "; it requires a user and a password in the URL of the proxy" if status == 407 else ""
        super().__init__(f"the proxy refused the connection with status {status}{hint}")
        self.status = status


@define(eq=False)
class Evidence:
    """What is known about how far a request came.

    Attributes:
        watched: Whether whoever sends it sets *started* together with its first byte.
        started: Whether the first byte was sent.
        finished: Whether all of the request was handed to the connection.
        refused: Whether there was never a connection.
        caller_gone: Whether the caller was cancelled; nothing is sent then, if nothing was sent yet.
        send_by: When the first byte must have been sent, on the clock of the loop; nothing is sent later.
        is_late: Whether nothing was sent because that moment has passed.
        was_reset: Whether our own connection was reset by the server, so that nothing of the request can still arrive.
        is_held: Whether what the call holds of a shared state is respected by others; nothing is sent otherwise.
        give_up: Closes the connection of our own that it was sent on, unless another request is on it by now.
    """

    watched: bool = False
    started: bool = False
    finished: bool = False
    refused: bool = False
    caller_gone: bool = False
    send_by: float = math.inf
    is_late: bool = False
    was_reset: bool = False
    is_held: Callable[[], bool] | None = None
    give_up: Callable[[], None] | None = None

    def require_caller(self) -> None:
        """Check, immediately before the first byte, that somebody still waits for the answer.

        Raises:
            Unwanted: The caller was cancelled.
            Late: It must have been sent before.
            Lapsed: Others do not respect the lease of the call any more.
        """
        if self.send_by < math.inf and asyncio.get_running_loop().time() > self.send_by:
            self.refused = self.is_late = True
            raise Late("it was not sent in time")
        if self.caller_gone:
            self.refused = True
            raise Unwanted("its caller was cancelled")
        if self.is_held is not None and not self.is_held():
            self.refused = True
            raise Lapsed("its lease of the shared state ran out, as this process or the state stood still for too long")

    @property
    def nothing_left(self) -> bool:
        """Whether it is proven that not one byte of the request was sent."""
        return self.refused or (self.watched and not self.started)
