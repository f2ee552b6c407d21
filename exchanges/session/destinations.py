"""Where the calls of a client go, and what they are counted against."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import urlsplit

from attrs import frozen

from exchanges.endpoint import Access, Api, Endpoint
from exchanges.errors import UsageError
from exchanges.http.signing import Credentials, NoncePolicy
from exchanges.http.transport import HttpTransport
from exchanges.limits.limit import Limit
from exchanges.limits.limiter import Connections, KeyLock, Lane, Limiter
from exchanges.limits.nonces import Counter, MemoryCounter
from exchanges.outcomes.pending import JournalView, PendingCalls
from exchanges.outcomes.search import Searches
from exchanges.state.protocols import SharedLimiter, State
from exchanges.wire import Wire

__all__ = ["Destination", "Destinations", "SessionConfig"]


@frozen(eq=False, repr=False)
class SessionConfig:
    """What a session is made of; see `exchanges.client.Client` for the meaning of each."""

    transport: HttpTransport
    credentials: Credentials | None
    state: State
    server: str
    origin: str | None
    sandbox: bool
    limits: Mapping[str, Limit] | None
    timeout_seconds: float | None
    max_connections: int
    wall_clock: Callable[[], float]
    nonce_floor: int | None
    wire: Wire
    searches: Callable[[], Searches] = dict


@frozen(eq=False, repr=False)
class Destination:
    """Where the calls of one API generation go and what they are counted against."""

    base_url: str
    limiter: Limiter
    lane: Lane
    gate: SharedLimiter | None = None


@frozen(eq=False, repr=False)
class KeyState:
    """What all clients of one key at one server share, for all generations of its API."""

    key_lock: KeyLock
    counter: Counter
    calls: PendingCalls


class Destinations:
    """The routes of one client, made when they are first taken, and the ledgers on them."""

    def __init__(self, setup: SessionConfig) -> None:
        self._setup = setup
        self._connections = Connections(setup.max_connections)
        self._known: dict[tuple[str, bool], Destination] = {}
        self._limiters: set[Limiter] = set()
        self._book: PendingCalls | None = None

    def find(self, endpoint: Endpoint) -> Destination:
        """Find the route of a call.

        Raises:
            UsageError: The API has no server where the client is to go.
        """
        api, is_public = endpoint.api, endpoint.access is Access.PUBLIC
        route = self._known.get((api.base_url, is_public))
        if route is None:
            limit = self._kept(endpoint.limit)
            gate = self._setup.state.shared_limiter(limit, self._setup.server, self._key)
            route = Destination(self.base_url(api), self._ledger(limit), self._lane(api, is_public=is_public), gate)
            self._known[api.base_url, is_public] = route
        return route

    def require_credentials(self, endpoint: Endpoint) -> None:
        """Make sure that a private call can be signed.

        Raises:
            UsageError: Names the credentials that are missing, and where they are looked for.
        """
        credentials, exchange = self._setup.credentials, endpoint.api.exchange.upper()
        held = {
            "api_key": credentials is not None,
            "api_secret": credentials is not None and credentials.can_sign,
            "client_id": credentials is not None and credentials.client_id is not None,
        }
        if missing := [name for name in endpoint.api.scheme.needs if not held[name]]:
            names = ", ".join(f"{name} ({exchange}_{name.upper()})" for name in missing)
            raise UsageError(
                f"{endpoint.id} ({endpoint}) is private and needs {names}; nothing was sent", endpoint=endpoint.id
            )

    def counter(self) -> Counter:
        """Return the nonce counter of the client's key."""
        return self._shared.counter

    def open_book(self) -> PendingCalls:
        """Open the book of calls that are never repeated."""
        self._book = self._shared.calls
        self._book.users += 1
        return self._book

    def turn_away(self) -> None:
        """Let no call of this client wait any longer."""
        for limiter in self._limiters:
            limiter.turn_away(self._connections)

    def leave(self) -> None:
        """Use ledgers and book no more."""
        if self._book is not None:
            self._book.leave()
            self._book = None
        for limiter in self._limiters:
            limiter.users -= 1
            limiter.signers -= self._key is not None
        self._limiters.clear()

    def dropped(self) -> None:
        """Use the ledgers no more, as the session is gone and nobody closed it."""
        self.leave()
        if self._setup.transport.is_open:
            words = f"a client of {self._setup.server} was dropped without aclose(): its connections are still open"
            warnings.warn(words, ResourceWarning, stacklevel=2)

    @cached_property
    def _shared(self) -> KeyState:
        setup = self._setup
        # Without credentials there is no key to share by: two public clients have nothing in common but limits.
        return (
            self._new_shared() if self._key is None else setup.state.shared(setup.server, self._key, self._new_shared)
        )

    def _new_shared(self) -> KeyState:
        setup = self._setup
        view = JournalView(setup.state.journal, setup.server, self._key or "")
        calls = PendingCalls(view, setup.searches, lambda: datetime.fromtimestamp(setup.wall_clock(), UTC))
        return KeyState(KeyLock(), MemoryCounter(), calls)

    @property
    def _key(self) -> str | None:
        credentials = self._setup.credentials
        return None if credentials is None else credentials.fingerprint

    def _kept(self, limit: Limit) -> Limit:
        """Find what is kept in place of *limit*. Without limits there are still turns."""
        limits = self._setup.limits
        return Limit(limit.name, (), limit.scope) if limits is None else limits.get(limit.name, limit)

    def _ledger(self, limit: Limit) -> Limiter:
        limiter = self._setup.state.limiter(limit, self._setup.server, self._key)
        if limiter not in self._limiters:
            self._limiters.add(limiter)
            limiter.users += 1
            limiter.signers += self._key is not None
        return limiter

    def _lane(self, api: Api, *, is_public: bool) -> Lane:
        if is_public or self._key is None or api.scheme.policy is not NoncePolicy.STRICT:
            return Lane(self._connections)
        if self._setup.nonce_floor is not None:
            self._shared.counter.raise_to(self._setup.nonce_floor)
        return Lane(self._connections, self._shared.key_lock)

    def base_url(self, api: Api) -> str:
        """Find scheme, host and path prefix of *api*.

        Raises:
            UsageError: There is no such server.
        """
        if self._setup.origin is not None:
            return self._setup.origin + urlsplit(api.base_url).path
        if not self._setup.sandbox:
            return api.base_url
        if api.sandbox_url is None:
            raise UsageError(f"{api.name} has no sandbox; nothing was sent")
        return api.sandbox_url
