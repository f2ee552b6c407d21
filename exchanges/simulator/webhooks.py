"""Webhooks and callbacks: every delivery is recorded, and sent to loopback addresses only.

Deliveries are passed, one after the other, to a function that sends them and returns the status of the answer. The
default, `to_loopback`, posts over a socket, but only to ``http`` on a loopback address. Customers register ``https``
URLs on other hosts; a test redirects those to a server of its own::

    simulator.bitex.deliver = forward_to("http://127.0.0.1:8080")

or passes them to an application in the same process::

    async def deliver(delivery):
        return await call_my_app(delivery.url, delivery.headers, delivery.body)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import h11
from attrs import define, field

from exchanges.instrumentation.lines import Log
from exchanges.simulator.engine.snapshots import Shared

logger = Log(__name__)

TIMEOUT_SECONDS = 5.0
READ_BYTES = 64 * 1024


@define(eq=False)
class Delivery:
    """One request that the exchange posts to a customer.

    Attributes:
        url: URL, as the customer registered it.
        headers: The headers that the exchange sets.
        body: Exactly as posted; may hold a key, and is left out of the repr.
        at_ms: When it was posted, in milliseconds since 1970 on the simulated clock.
        status: HTTP status of the answer; None until it arrives, and for deliveries that are recorded only.
    """

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at_ms: int
    status: int | None = None


Deliver: TypeAlias = Callable[[Delivery], Awaitable[int | None]]
"""Sends a delivery and returns the HTTP status of the answer, or None if there was none."""


def is_loopback(url: SplitResult) -> bool:
    """Whether *url* is ``http`` on a loopback address."""
    try:
        return url.scheme == "http" and (url.hostname == "localhost" or ip_address(url.hostname or "").is_loopback)
    except ValueError:
        return False  # a host name: it may resolve to anything


async def to_loopback(delivery: Delivery) -> int | None:
    """Post over a socket if the URL is a loopback address; otherwise do nothing."""
    url = urlsplit(delivery.url)
    return await _post(url, url, delivery) if is_loopback(url) else None


def forward_to(origin: str) -> Deliver:
    """Return a function that posts every delivery to one server on loopback, whatever the host of its URL.

    Path and query are kept; the header Host contains the host of the URL.

    Args:
        origin: Such as ``http://127.0.0.1:8080``.
    """
    server = urlsplit(origin)
    if not is_loopback(server):
        raise ValueError(f"deliveries can be forwarded to http on a loopback address only, got {origin!r}")

    async def forward(delivery: Delivery) -> int | None:
        return await _post(server, urlsplit(delivery.url), delivery)

    return forward


async def _post(server: SplitResult, url: SplitResult, delivery: Delivery) -> int | None:
    # "localhost" may resolve to ::1 first, where a server on 127.0.0.1 does not listen.
    host = "127.0.0.1" if server.hostname in (None, "localhost") else server.hostname
    async with asyncio.timeout(TIMEOUT_SECONDS):
        reader, writer = await asyncio.open_connection(host, server.port or 80)
        try:
            writer.write(_request(url, delivery))
            return await _status(reader)
        finally:
            writer.close()


def _request(url: SplitResult, delivery: Delivery) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    own = {"Host": url.netloc, "Content-Length": str(len(delivery.body)), "Connection": "close"}
    head = [f"POST {target} HTTP/1.1", *(f"{k}: {v}" for k, v in {**own, **delivery.headers}.items()), "", ""]
    return "\r\n".join(head).encode() + delivery.body


async def _status(reader: asyncio.StreamReader) -> int | None:
    """Read the answer up to its status; None if the connection ends before."""
    # h11 reads an answer only after it has sent a request: any will do, as nothing of it is written.
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    http.send(h11.EndOfMessage())
    while True:
        event = http.next_event()
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(READ_BYTES))
        elif not isinstance(event, h11.InformationalResponse):
            return None


class Poster(Shared):
    """Records deliveries and sends them in their order.

    Args:
        deliver: Sends one delivery.
    """

    def __init__(self, deliver: Deliver = to_loopback) -> None:
        self.deliver = deliver
        self.deliveries: list[Delivery] = []
        self._waiting: deque[Delivery] = deque()
        self._task: asyncio.Task[None] | None = None

    def post(self, delivery: Delivery) -> None:
        """Record a delivery and schedule it."""
        self.deliveries.append(delivery)
        self._waiting.append(delivery)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send_all())

    async def delivered(self) -> None:
        """Wait until every delivery has been answered or has failed."""
        # Shielded: a test that gives up waiting must not cancel the deliveries.
        while self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Cancel the deliveries that have not been answered."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                delivery = self._waiting.popleft()
                try:
                    delivery.status = await self.deliver(delivery)
                except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
                    # No URL: customers may put a secret into its query.
                    logger.warning("a webhook delivery got no answer: %s", type(error).__name__)
        finally:
            self._task = None
