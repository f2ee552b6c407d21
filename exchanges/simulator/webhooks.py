"""What an exchange posts to its customers: recorded always, sent to this machine alone.

Each delivery is handed, one after the other, to a function that carries it and says how it was answered. The one used
unless another is given posts over a real socket, but only to ``http`` on a loopback address. Clients ask for callbacks
at ``https`` addresses elsewhere; a test lets these go to a server of its own::

    simulator.bitex.deliver = forward_to("http://127.0.0.1:8080")

or hands them to an application in the same process::

    async def deliver(delivery):
        return await call_my_app(delivery.url, delivery.headers, delivery.body)
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import h11
from attrs import define, field

from exchanges.simulator.engine.snapshots import Shared

__all__ = ["Deliver", "Delivery", "Poster", "forward_to", "is_loopback", "to_loopback"]

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
READ_BYTES = 64 * 1024


@define(eq=False)
class Delivery:
    """One thing that the exchange posts.

    Attributes:
        url: Where to, as the customer said it.
        headers: Those that the exchange sets.
        body: As it travels; may hold a key, and does not print.
        at_ms: When, in milliseconds since 1970 of the simulated clock.
        status: HTTP status of the answer; None until there is one, and for what was recorded only.
    """

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at_ms: int
    status: int | None = None


Deliver: TypeAlias = Callable[[Delivery], Awaitable[int | None]]
"""Carries a delivery; gives the HTTP status of the answer, or None where there was none."""


def is_loopback(url: SplitResult) -> bool:
    """Whether *url* leads to this machine, without TLS."""
    try:
        return url.scheme == "http" and (url.hostname == "localhost" or ip_address(url.hostname or "").is_loopback)
    except ValueError:
        return False


async def to_loopback(delivery: Delivery) -> int | None:
    """Post over a socket if the address is this machine's; do nothing otherwise."""
    url = urlsplit(delivery.url)
    return await _post(url, url, delivery) if is_loopback(url) else None


def forward_to(origin: str) -> Deliver:
    """Make what posts every delivery to a server on this machine, whatever host it is addressed to.

    Path and query stay; the header Host names the host of the address.

    Args:
        origin: Such as ``http://127.0.0.1:8080``.
    """
    server = urlsplit(origin)
    if not is_loopback(server):
        raise ValueError("deliveries are forwarded to http on a loopback address only")

    async def forward(delivery: Delivery) -> int | None:
        return await _post(server, urlsplit(delivery.url), delivery)

    return forward


async def _post(server: SplitResult, url: SplitResult, delivery: Delivery) -> int | None:
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
    """Read as much of the answer as tells its status."""
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
    """Hands deliveries on in the order in which they came about.

    Args:
        deliver: Carries one.
    """

    def __init__(self, deliver: Deliver = to_loopback) -> None:
        self.deliver = deliver
        self.deliveries: list[Delivery] = []
        self._waiting: deque[Delivery] = deque()
        self._task: asyncio.Task[None] | None = None

    def post(self, delivery: Delivery) -> None:
        """Record a delivery, and see to it that it goes out soon."""
        self.deliveries.append(delivery)
        self._waiting.append(delivery)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def delivered(self) -> None:
        """Wait until everything has been answered, or was not to be."""
        while self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Give up what is under way."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        try:
            while self._waiting:
                delivery = self._waiting.popleft()
                try:
                    delivery.status = await self.deliver(delivery)
                except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
                    logger.warning("a delivery was not answered: %s", type(error).__name__)
        finally:
            self._task = None
