"""The transport of a client: chooses for every request what sends it.

Own connections are the default: only they prove what was sent. A transport of the caller, a proxy and a patched httpx
are honoured by `HttpxSender`. Patches come and go while a client is open, so the choice is made before every request; a
patch that appears while an own connection is in use changes nothing about the evidence of that request.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from exchanges.http.answer import Answer, Evidence, Lost
from exchanges.http.patches import PatchDetector
from exchanges.http.pool import MAX_CONNECTIONS, ConnectionPool
from exchanges.http.request import Request
from exchanges.http.sender import Injected, Sender
from exchanges.http.tls import fault_of
from exchanges.instrumentation.lines import Log
from exchanges.limits.permits import MONEY, READ, Priority
from exchanges.wire.row_cutter import RowCutter

if TYPE_CHECKING:
    from exchanges.http.httpx_sender import HttpxSender

__all__ = ["HttpTransport"]

logger = Log(__name__)


class HttpTransport:
    """Sends one request, over what is right for it now.

    Args:
        injected: A transport of the caller, in place of own connections.
        ssl_context: How to verify servers; default: the certificates of certifi.
        proxy: URL of a proxy; the environment is not read.
        max_connections: Largest number of connections to one server.
        bypass_tracers: Whether own connections are used even where httpx is patched.

    Raises:
        UsageError: *proxy* cannot be used.
    """

    def __init__(
        self,
        *,
        injected: Injected | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        max_connections: int = MAX_CONNECTIONS,
        bypass_tracers: bool = False,
    ) -> None:
        self.bypasses_tracers, self._is_bypass_logged = bypass_tracers, False
        self._ssl_context = ssl_context
        self._pool = ConnectionPool(ssl_context=ssl_context, max_connections=max_connections)
        self._detector = PatchDetector()
        self._patched: HttpxSender | None = None
        self._external = None if injected is None and proxy is None else self._httpx(injected, proxy)

    def send(
        self,
        request: Request,
        evidence: Evidence,
        *,
        max_bytes: int,
        priority: Priority,
        deadline: float,
        fresh: bool = False,
        cutter: RowCutter | None = None,
    ) -> Coroutine[Any, Any, Answer]:
        """Send *request* and return its answer, decoded.

        Args:
            evidence: Records how far the request came.
            max_bytes: Largest size of the decoded body.
            priority: Order of waiting requests, and age limit of the connection.
            deadline: On the clock of the loop.
            fresh: Whether to open a new connection.
            cutter: Reads the body, if that is a large list; a new one for each request.

        Raises:
            Lost: No complete answer came; *evidence* records whether anything was sent.
            Silent: A reused connection is given up early, to ask again with *fresh*; never for orders.
        """
        silent_after = None
        # No answer is due before the end of an upload, which may take long, and an order is never asked again.
        if request.attachment is None and priority is not MONEY:
            seconds_left = deadline - asyncio.get_running_loop().time()
            silent_after = self._pool.silence_seconds(request.origin, priority, seconds_left)
        try:
            sender = self._sender(thorough=priority is not READ)
        except Exception as fault:  # noqa: BLE001 - whatever it is, nothing was sent
            evidence.refused = True
            raise Lost(f"httpx, which is patched, could not be loaded ({type(fault).__name__})") from None
        return sender.send(
            request,
            evidence,
            max_bytes=max_bytes,
            priority=priority,
            deadline=deadline,
            silent_after=silent_after,
            fresh=fresh,
            cutter=cutter,
        )

    def send_now(
        self,
        request: Request,
        evidence: Evidence,
        *,
        max_bytes: int,
        began: float,
        deadline: float,
        on_end: Callable[[Answer | Lost], None],
    ) -> Callable[[Lost], None] | None:
        """Send a read over an idle connection of our own, if that is possible; see `ConnectionPool.send_now`."""
        if request.attachment is not None or self._sender(thorough=False) is not self._pool:
            return None
        return self._pool.send_now(
            request, evidence, max_bytes=max_bytes, began=began, deadline=deadline, on_end=on_end
        )

    @property
    def is_open(self) -> bool:
        """Whether any connection of our own is open."""
        return self._pool.is_open

    @property
    def fault(self) -> str | None:
        """Check the SSL context again, as its owner may have changed it; return what is wrong."""
        fault = None if self._ssl_context is None else fault_of(self._ssl_context)
        return fault and f"ssl_context was changed: it {fault}"

    def abandon(self) -> None:
        """Open no further connections that no request needs: the client was dropped."""
        self._pool.abandon()

    async def aclose(self) -> None:
        """Close all connections of our own; an injected transport belongs to its owner."""
        await self._pool.aclose()

    def _sender(self, *, thorough: bool) -> Sender:
        if self._external is not None:
            return self._external
        if self._is_bypass_logged:
            return self._pool
        replaced = self._detector.replaced(thorough=thorough)
        if not replaced:
            return self._pool
        if self.bypasses_tracers:
            self._is_bypass_logged = True
            logger.warning("%s is patched, and passed over by bypass_tracers: nothing sees the requests", replaced[0])
            return self._pool
        if self._patched is None:
            logger.warning(
                "%s is patched: requests go through httpx, where nothing proves that an order was not sent",
                replaced[0],
            )
            self._patched = self._httpx()
        return self._patched

    def _httpx(self, injected: Injected | None = None, proxy: str | None = None) -> HttpxSender:
        # httpx takes longer to import than all of this package, and most clients never use it.
        from exchanges.http.httpx_sender import HttpxSender  # noqa: PLC0415

        return HttpxSender(injected=injected, ssl_context=self._ssl_context, proxy=proxy, detector=self._detector)
