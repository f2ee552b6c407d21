"""A client as often written: a plain HTTP client that retries after any failure.

It sends the same bytes and holds one lock per key: only its handling of failures differs.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx

from exchanges.endpoint import Endpoint, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.http.signing import Credentials, Stamp
from exchanges.simulator import Venue
from tests.stress.orders import CLIENTS, Order

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""No server here speaks TLS, and loading certificates is slow."""


class Failed(Exception):
    """The order seems to have failed."""


class NaiveClient:
    """One account at one exchange.

    Args:
        venue: Which.
        base_url: Where it listens.
        timeout_seconds: How long to wait for an answer.
        credentials: Of the account.
        tries: How often it tries.
    """

    def __init__(
        self, venue: Venue, base_url: str, timeout_seconds: float, credentials: Mapping[str, str], tries: int = 3
    ) -> None:
        self._http = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False, verify=NO_CERTIFICATES)
        self._base_url = base_url
        self._tries = tries
        self._credentials = Credentials(**credentials)
        self._key_lock = asyncio.Lock()
        self._last = 0
        self._endpoints = {endpoint.id: endpoint for endpoint in endpoints_of(CLIENTS[venue])}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def place(self, order: Order) -> Any:
        """Place an order.

        Raises:
            Failed: The exchange refused it, or it failed too often.
        """
        endpoint = self._endpoints[order.endpoint]
        async with self._key_lock:
            for tried in range(1, self._tries + 1):
                try:
                    answer = await self._send(endpoint, order.arguments)
                except httpx.HTTPError as error:
                    if tried == self._tries:
                        raise Failed(repr(error)) from error
                    continue
                if answer.status_code < 500:
                    return _read(answer)
        raise Failed(str(answer.status_code))

    async def _send(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> httpx.Response:
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        path = httpx.URL(endpoint.api.base_url).path.rstrip("/")
        call = prepare(endpoint, arguments, self._base_url + path)
        request = endpoint.api.scheme.sign(call, self._credentials, Stamp(str(self._last), self._last))
        url, headers = request.origin + request.target, dict(request.headers)
        return await self._http.request(request.verb, url, headers=headers, content=request.body)


def _read(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise Failed(str(answer.status_code))
    try:
        value = answer.json()
    except ValueError as error:
        raise Failed("no JSON") from error
    if isinstance(value, dict) and "error" in value:
        raise Failed(str(value["error"]))
    return value
