"""What sends requests: the common interface of own connections and httpx, and that of transports of the caller."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from exchanges.http.answer import Answer, Evidence
from exchanges.http.request import Request
from exchanges.limits.limiter import Priority
from exchanges.wire.row_cutter import RowCutter

__all__ = ["Injected", "Sender"]


class Injected(Protocol):
    """A transport of httpx or httpx2, or anything that behaves like one."""

    async def handle_async_request(self, request: Any, /) -> Any:  # noqa: ANN401 - of either package
        """Return the response to *request*."""
        ...


class Sender(Protocol):
    """Sends one request and reads the whole answer."""

    def send(
        self,
        request: Request,
        evidence: Evidence,
        *,
        max_bytes: int,
        priority: Priority,
        deadline: float,
        silent_after: float | None = None,
        fresh: bool = False,
        cutter: RowCutter | None = None,
    ) -> Coroutine[Any, Any, Answer]:
        """Send *request* and return its answer, decoded.

        Args:
            evidence: Records how far the request came.
            max_bytes: Largest size of the decoded body.
            priority: Order of waiting requests, and age limit of the connection.
            deadline: On the clock of the loop.
            silent_after: Seconds without a byte after which a reused connection counts as dead; ignored for orders.
            fresh: Whether to open a new connection.
            cutter: Reads the body, if that is a large list; a new one for each request.

        Raises:
            Lost: No complete answer came; *evidence* records whether anything was sent.
            BadAnswer: Too large, or it cannot be decoded.
            TimedOut: The deadline passed.
            Silent: No byte came within *silent_after*.
        """
        ...
