"""Destinations: where the calls of a client are sent, and what they count against.

Limiters, key locks, counters and pending calls belong to the state and are shared by clients. A client registers with
those it uses, and unregisters when it is closed or dropped: a limiter keeps a reserve only while a client with
credentials uses it, and a state forgets limiters without users. With the limits of its cancels a client with
credentials registers when it is created: its first call may be a cancel, and finds its reserve.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import urlsplit

from attrs import evolve

from exchanges.endpoint import Api, Endpoint
from exchanges.endpoint.definition import PUBLIC
from exchanges.errors import UsageError
from exchanges.http.signing import STRICT, Scheme
from exchanges.limits.limit import Limit
from exchanges.limits.limiter import Limiter
from exchanges.limits.nonces import Counter
from exchanges.limits.permits import Connections, KeyLock, Lane
from exchanges.limits.windows import Slots
from exchanges.outcomes.journal_view import JournalView
from exchanges.outcomes.pending import PendingCalls
from exchanges.session.config import SessionConfig
from exchanges.state.protocols import SharedLimiter
from exchanges.values import frozen

__all__ = ["Destination", "Destinations"]


@frozen(eq=False, repr=False)
class Destination:
    """Where the public or the private calls of one API are sent, and what they need and count against.

    Attributes:
        base_url: Scheme, host and path prefix.
        scheme: How they are signed; None for public calls.
        limiter: Of this process.
        lane: Key lock and connections.
        calls: The pending calls of the client's key.
        counter: Its nonces.
        shared_limiter: Of all processes that share the state; None if none does.
    """

    base_url: str
    scheme: Scheme | None
    limiter: Limiter
    lane: Lane
    calls: PendingCalls
    counter: Counter
    shared_limiter: SharedLimiter | None = None


@frozen(eq=False, repr=False)
class KeyState:
    """What all clients of one key at one server share, for all generations of its API."""

    key_lock: KeyLock
    counter: Counter
    calls: PendingCalls


class Destinations:
    """The destinations of one client, created when they are first used."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._connections: dict[str, Connections] = {}  # by server, as own connections are counted
        self._known: dict[tuple[str, bool, bool], Destination] = {}
        self._limiters: dict[Limiter, bool] = {}  # and whether this client can cancel under it
        self._shared_limiters: dict[str, SharedLimiter] = {}  # by name of the widest limit
        self._calls: PendingCalls | None = None
        self._left = False
        self._keep_reserve()

    def _keep_reserve(self) -> None:
        if self._key is None:
            return
        for declared in self._config.cancel_limits:
            # What is wrong with a state, whoever wrote it, or with limits that differ is raised by each call.
            with suppress(Exception):
                limit = self.limit(declared)
                self._shared_limiter(limit, self._limiter(limit))

    def find(self, endpoint: Endpoint) -> Destination:
        """Return the destination of a call.

        Raises:
            UsageError: A private call lacks credentials, or the API has no server of the kind that was asked for.
        """
        api, is_public = endpoint.api, endpoint.access is PUBLIC
        destination = self._known.get((api.base_url, is_public, endpoint.exempt))
        return destination or self._create(endpoint, api, is_public=is_public)

    def _create(self, endpoint: Endpoint, api: Api, *, is_public: bool) -> Destination:
        scheme = None if is_public else self._config.schemes.get(api.name, api.scheme)
        if scheme is not None:
            self._require_credentials(endpoint, scheme)
        base_url, limit = self.base_url(api), self.limit(endpoint.limit)
        limiter, counter = self._limiter(limit), self._shared.counter
        lane = self._lane(scheme, base_url, () if endpoint.exempt else limiter.adopt(limit))
        shared = self._shared_limiter(limit.without_windows() if endpoint.exempt else limit, limiter)
        destination = Destination(base_url, scheme, limiter, lane, self.calls, counter, shared)
        self._known[api.base_url, is_public, endpoint.exempt] = destination
        return destination

    def base_url(self, api: Api) -> str:
        """Return scheme, host and path prefix of *api*.

        Raises:
            UsageError: There is no such server.
        """
        if self._config.origin is not None:
            return self._config.origin + urlsplit(api.base_url).path
        if not self._config.sandbox:
            return api.base_url
        if api.sandbox_url is None:
            raise UsageError(f"{api.name} has no sandbox; nothing was sent")
        return api.sandbox_url

    @property
    def calls(self) -> PendingCalls:
        """The pending calls of the client's key."""
        if self._calls is None:
            self._calls = self._shared.calls
            # A client that was closed may still be asked what is unresolved, but keeps no history alive.
            self._calls.users += not self._left
        return self._calls

    def limiters(self, limit: Limit) -> tuple[Limiter, SharedLimiter | None]:
        """Return who keeps *limit*, without registering with them."""
        state, server = self._config.state, self._config.server
        return state.limiter(limit, server, self._key), state.shared_limiter(limit, server, self._key)

    def turn_away(self) -> None:
        """End the waiting of all calls of this client."""
        for limiter in self._limiters:
            for connections in self._connections.values():
                limiter.turn_away(connections)

    async def close(self) -> None:
        """Wait until the journal is written, then unregister."""
        if self._calls is not None:
            await self._calls.written()
        self.leave()

    def leave(self) -> None:
        """Unregister this client everywhere."""
        if self._calls is not None and not self._left:
            self._calls.leave()
        self._left = True
        for limiter, signs in self._limiters.items():
            limiter.leave(signs=signs)
            if (shared := self._shared_limiters.get(limiter.limit.name)) is not None:
                shared.leave(signs=signs)
        self._limiters.clear()
        self._shared_limiters.clear()

    def dropped(self) -> None:
        """Unregister a client that was garbage collected; warn if it was not closed."""
        self.leave()
        self._config.transport.abandon()
        if self._config.transport.is_open:
            words = f"a client of {self._config.server} was dropped without aclose(): its connections are still open"
            warnings.warn(words, ResourceWarning, stacklevel=2)

    def _require_credentials(self, endpoint: Endpoint, scheme: Scheme) -> None:
        credentials, exchange = self._config.credentials, endpoint.api.exchange.upper()
        held = {
            "api_key": credentials is not None,
            "api_secret": credentials is not None and credentials.can_sign,
            "client_id": credentials is not None and credentials.client_id is not None,
        }
        if missing := [name for name in scheme.needs if not held[name]]:
            names = ", ".join(f"{name} ({exchange}_{name.upper()})" for name in missing)
            raise UsageError(
                f"{endpoint.id} ({endpoint}) is private and needs {names}; nothing was sent", endpoint=endpoint.id
            )

    @cached_property
    def _shared(self) -> KeyState:
        # Without credentials there is no key to share by: two public clients have nothing in common but limits.
        if self._key is None:
            return self._new_shared()
        return self._config.state.shared(self._config.server, self._key, self._new_shared)

    def _new_shared(self) -> KeyState:
        config = self._config
        view = JournalView(config.state.journal, config.server, self._key or "")
        calls = PendingCalls(view, config.searches, lambda: datetime.fromtimestamp(config.wall_clock(), UTC))
        return KeyState(KeyLock(), Counter(), calls)

    @property
    def _key(self) -> str | None:
        credentials = self._config.credentials
        return None if credentials is None else credentials.fingerprint

    def limit(self, limit: Limit) -> Limit:
        """Return what is kept in place of *limit*."""
        limits = self._config.limits
        if limits is None:
            # Without limits there are still key locks and connections, which a limiter grants.
            return limit.without_windows()
        mine = limits.get(limit.name, limit)
        # What the exchange counts together stays so, whatever numbers are passed for either.
        return evolve(mine, within=None if limit.within is None else self.limit(limit.within))

    def _limiter(self, limit: Limit) -> Limiter:
        # Two APIs of an exchange may share one limit: it counts this client once.
        limiter = self._config.state.limiter(limit, self._config.server, self._key)
        if limiter not in self._limiters:
            signs = self._key is not None and bool(self._config.cancel_limits)
            self._limiters[limiter] = signs
            limiter.join(signs=signs)
        return limiter

    def _shared_limiter(self, limit: Limit, limiter: Limiter) -> SharedLimiter | None:
        shared = self._config.state.shared_limiter(limit, self._config.server, self._key)
        if shared is not None and limit.widest.name not in self._shared_limiters:
            self._shared_limiters[limit.widest.name] = shared
            shared.join(signs=self._limiters[limiter])
        return shared

    def _lane(self, scheme: Scheme | None, base_url: str, slots: tuple[Slots, ...] | None = None) -> Lane:
        server = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
        connections = self._connections.setdefault(server, Connections(self._config.max_connections))
        if scheme is None or scheme.policy is not STRICT:
            return Lane(connections, slots=slots)
        if self._config.nonce_floor is not None:
            self._shared.counter.raise_to(self._config.nonce_floor)
        return Lane(connections, self._shared.key_lock, slots)
