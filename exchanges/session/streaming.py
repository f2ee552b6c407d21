"""What a client hands to its live channels: the server's address, endpoint calls, the clock.

Live channels know neither sessions nor outcomes; see `exchanges.streams.host`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from exchanges.endpoint import Endpoint
from exchanges.errors import UsageError
from exchanges.http.tls import shared_context
from exchanges.instrumentation.hooks import Hooks, notify
from exchanges.limits.limit import Limit
from exchanges.outcomes.history import name_of
from exchanges.outcomes.named import NamedCalls
from exchanges.outcomes.pending import PendingCalls
from exchanges.session.config import Options, SessionConfig
from exchanges.session.session import TIMEOUT_SECONDS
from exchanges.streams.channel import StreamApi
from exchanges.streams.happenings import Event
from exchanges.streams.host import Address
from exchanges.wire import Wire

__all__ = ["EventObserver", "StreamHost"]

SHARE = 0.9
"""Of what a limit sustains: a slot comes free only some time after its call has ended."""


class StreamHost:
    """A client as its live channels see it.

    Args:
        config: Of its session.
        call: Makes a call in the session.

    Attributes:
        calls: The pending calls of the account; None without credentials.
        named: Resolves unresolved calls whose client's id an event names; None without credentials.
        observer: Hands events to hooks; None if there are none. The hub holds it weakly.
    """

    def __init__(
        self,
        config: SessionConfig,
        call: Callable[[Endpoint, Mapping[str, Any], Options], Awaitable[Any]],
    ) -> None:
        self._config, self._call = config, call
        self.calls: PendingCalls | None = None
        self.named: NamedCalls | None = None
        self.observer: EventObserver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def wire(self) -> Wire:
        """What converts JSON to models."""
        return self._config.wire

    @property
    def timeout_seconds(self) -> float:
        """How long entering a stream may take, if the caller does not say."""
        return self._config.timeout_seconds or TIMEOUT_SECONDS

    def check(self) -> None:
        """Raise if the client cannot have live channels in this event loop.

        Raises:
            UsageError: It has a transport of the caller's, or belongs to another loop.
        """
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise UsageError("the streams of this client belong to another event loop; create one client per loop")
        if self._config.is_injected:
            # A test that mocks the calls must not reach a real server in another way.
            raise UsageError("streams need connections of their own, which transport= cannot carry; nothing was sent")

    async def address(self, api: StreamApi) -> Address:
        """Return how the server of *api* is reached.

        Raises:
            UsageError: There is no such server.
        """
        config = self._config
        url = api.url if not config.sandbox else api.sandbox_url
        if config.origin is not None:
            url = "ws" + config.origin.removeprefix("http") + "/"
        if url is None:
            raise UsageError(f"{api.name} has no sandbox; nothing was sent")
        if url.startswith("ws:"):
            return Address(url, proxy=config.proxy)
        context = config.ssl_context
        if context is None:
            # Loading the certificates would block the loop for 15 ms.
            build = functools.partial(shared_context, secure=True)
            context = await asyncio.get_running_loop().run_in_executor(None, build)
        if fault := config.transport.fault:
            raise UsageError(f"{api.name}: {fault}; nothing was sent")
        return Address(url, context, config.proxy)

    def call(self, endpoint: Endpoint, arguments: Mapping[str, Any], timeout_seconds: float) -> Awaitable[Any]:
        """Call an endpoint as any other caller of the client does."""
        return self._call(endpoint, arguments, Options(timeout_seconds=timeout_seconds))

    def per_second(self, endpoint: Endpoint) -> float | None:
        """Return how many calls a second the limit of *endpoint* sustains; None without a limit."""
        limits = self._config.limits
        if limits is None or endpoint.exempt:
            return None
        rates = [
            window.slots / window.per_seconds
            for part in endpoint.limit.parts
            for window in _replaced(part, limits).windows
        ]
        return min(rates, default=0.0) * SHARE or None

    def now(self) -> datetime:
        """Return the present by the client's wall clock (UTC)."""
        return datetime.fromtimestamp(self._config.wall_clock(), UTC)

    def settle(self, client_id: str) -> None:
        """Resolve the call whose client's id an event of the account has named, if its outcome is unknown."""
        if self.named is not None:
            self.named.name(client_id)

    def made(self, endpoint: str, made: str) -> bool:
        """Whether a call of this account is known to have made something."""
        return self.calls is not None and name_of(endpoint, made) in self.calls.history

    def secrets(self) -> tuple[str, ...]:
        """Return what must not appear in messages."""
        credentials = self._config.credentials
        return () if credentials is None else credentials.secrets


def _replaced(limit: Limit, limits: Mapping[str, Limit]) -> Limit:
    return limits.get(limit.name, limit)


class EventObserver:
    """Hands the events of streams to the hooks of a client.

    Args:
        hooks: Whom to notify.
        exchange: The name of the exchange.
    """

    def __init__(self, hooks: tuple[Hooks, ...], exchange: str) -> None:
        self._hooks, self._exchange = hooks, exchange

    def put(self, event: Event) -> None:
        """Notify of an event."""
        notify(self._hooks, "stream_event", self._exchange, event)

    def end(self) -> None:
        """Do nothing: hooks have no end."""
