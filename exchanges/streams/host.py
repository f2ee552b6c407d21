"""The host: what live channels need of the client that they belong to."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from attrs import field, frozen

from exchanges.endpoint import Endpoint
from exchanges.streams.channel import StreamApi
from exchanges.wire import Wire

__all__ = ["Address", "Host"]


@frozen
class Address:
    """How a server of streams is reached.

    Attributes:
        url: Where it is; never with a secret.
        ssl_context: How to verify it; None without TLS.
        proxy: Returns the URL of the proxy, which may hold a password; None without one.
    """

    url: str
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)
    proxy: Callable[[], str | None] = field(default=lambda: None, repr=False)


class Host(Protocol):
    """A client, as its live channels see it."""

    @property
    def wire(self) -> Wire:
        """What converts JSON to models."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """How long entering a stream may take, if the caller does not say."""
        ...

    def check(self) -> None:
        """Raise if the client is closed, belongs to another event loop, or cannot have live channels."""
        ...

    async def address(self, api: StreamApi) -> Address:
        """Return how the server of *api* is reached."""
        ...

    def call(self, endpoint: Endpoint, arguments: Mapping[str, Any], timeout_seconds: float) -> Awaitable[Any]:
        """Call an endpoint as any other caller of the client does."""
        ...

    def per_second(self, endpoint: Endpoint) -> float | None:
        """Return how many calls a second the limit of *endpoint* sustains; None without a limit."""
        ...

    def now(self) -> datetime:
        """Return the present by the client's wall clock (UTC)."""
        ...

    def settle(self, client_id: str) -> None:
        """Resolve the call whose client's id an event of the account has named, if its outcome is unknown."""
        ...

    def made(self, endpoint: str, made: str) -> bool:
        """Whether a call of this account is known to have made something: id of the endpoint, id of what it made."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear in messages."""
        ...
