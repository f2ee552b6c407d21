"""What the clients of all exchanges share: the constructor, views, the end."""

from __future__ import annotations

import asyncio
import functools
import math
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from types import TracebackType
from typing import Any, ClassVar, NoReturn, ParamSpec, Self, TypedDict, Unpack
from urllib.parse import urlsplit

from attrs import evolve

from exchanges.endpoint import Areas, endpoints_of
from exchanges.errors import UsageError
from exchanges.http.signing import Credentials, NoncePolicy
from exchanges.http.tls import fault_of, takes_anonymous_servers
from exchanges.http.transport import HttpTransport, Transport
from exchanges.intents import Intent
from exchanges.limits.limit import Limit
from exchanges.outcomes.reconcile import Reconciler, Verdict
from exchanges.outcomes.search import Searches
from exchanges.outcomes.unresolved import Unresolved
from exchanges.session.destinations import SessionConfig
from exchanges.session.session import Options, Session, View
from exchanges.state import PROCESS, MemoryState, State
from exchanges.wire.converter import wire

__all__ = ["Client", "ClientOptions"]

P = ParamSpec("P")

MAX_CONNECTIONS = 4
RECONCILE_SECONDS = 90.0
MAX_NONCE = 10**19
_KEY = re.compile(r"[\x21-\x7e]{1,512}")
_HOST = re.compile(r"[0-9A-Za-z._:-]+")


class ClientOptions(TypedDict, total=False):
    """What every client takes beside its credentials.

    Attributes:
        base_url: Scheme, host and port in place of those of every generation; http only for loopback.
        sandbox: Use the exchange's own test server, where there is one.
        timeout_seconds: Total per call, waiting and retries included; default 30.
        transport: An `httpx.AsyncBaseTransport` in place of our own pools. Such a client shares no state.
        ssl_context: How to verify the server; one that does not verify is refused.
        proxy: URL of a proxy; the environment is never asked.
        max_connections: Default 4; reads never take the last.
        limits: Limits in place of those of the same name; None: no limits, for servers of one's own.
        clock: Wall clock in seconds since 1970; default `time.time`.
        state: Where nonces and limits are kept; default: in this process, shared by its clients.
        nonce_floor: For a key that was once used with larger nonces: the largest.
        strict: Raise on every deviation of an answer from the documents.
    """

    base_url: str | None
    sandbox: bool
    timeout_seconds: float
    transport: Transport | None
    ssl_context: ssl.SSLContext | None
    proxy: str | None
    max_connections: int
    limits: Sequence[Limit] | None
    clock: Callable[[], float]
    state: State | None
    nonce_floor: int | None
    strict: bool


def _discreet(init: Callable[P, None]) -> Callable[P, None]:
    """Let no frame that *init* ran in stay behind an error: each of them holds the credentials."""

    @functools.wraps(init)
    def discreet(*args: P.args, **kwargs: P.kwargs) -> None:
        failure: Exception | None = None
        try:
            init(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again below, without its frames
            failure = error.with_traceback(None)
            failure.__cause__ = failure.__context__ = None
        del args, kwargs
        if failure is not None:
            raise failure

    return discreet


class Client(Areas):
    """One account at one exchange. Make one per account, use it from one event loop, close it.

    Public calls need no credentials. What is not given is read from the environment, such as ``BITSO_API_KEY``.

    Args:
        api_key: The key.
        api_secret: Its secret.
        client_id: The account's id, where the exchange signs with it.
        options: See `ClientOptions`.

    Raises:
        UsageError: An option is wrong.
    """

    exchange: ClassVar[str]

    def __init_subclass__(cls, **rest: Any) -> None:  # noqa: ANN401 - as its base
        super().__init_subclass__(**rest)
        for name in {"__init__"} & vars(cls).keys():
            setattr(cls, name, _discreet(vars(cls)[name]))

    @_discreet
    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_secret: str | None = None,
        client_id: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        if unknown := options.keys() - ClientOptions.__annotations__.keys():
            raise UsageError(f"{type(self).__name__}: no such option: {', '.join(sorted(unknown))}")
        credentials = _credentials(type(self), api_key=api_key, api_secret=api_secret, client_id=client_id)
        self._session = Session(_setup(type(self), credentials, options))
        self._show(Options())

    def _show(self, options: Options) -> None:
        self._options = options
        self._bind(View(self._session, options))

    def __repr__(self) -> str:
        """Show the exchange and the state of the session, no secrets."""
        session = vars(self).get("_session", "")  # a traceback may show one that was never made
        return f"{type(self).__name__}({session!r})"

    def __copy__(self) -> Self:
        """Make a view of the same session."""
        return self._view(self._options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Make a view of the same session: another one would count and number its calls apart."""
        return self._view(self._options)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a client is not pickled: it holds credentials and connections")

    async def __aenter__(self) -> Self:
        """Use it in a block that closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Refuse new calls, await money and writes to their deadline, end reads, close the connections.

        Closing goes on to its end even if the caller is cancelled.
        """
        await asyncio.shield(asyncio.ensure_future(self._session.aclose()))

    @property
    def unresolved(self) -> Unresolved:
        """The calls that are never repeated and whose callers do not know what became of them; shared by all views."""
        calls = self._session.calls
        return Unresolved(calls.open_calls, calls.dismiss)

    async def reconcile(self, intent: Intent, *, timeout_seconds: float = RECONCILE_SECONDS) -> Verdict:
        """Find out what became of a call: read what the exchange shows, as often as it takes. Nothing is ever resent.

        That a call left no trace is known only when it cannot arrive any more and could no longer be hidden: after
        about 25 seconds where nonces are in order, 55 elsewhere. `Reconciled` and `NoTrace` resolve it.

        Args:
            intent: Of an `OutcomeUnknown`, or from `unresolved`.
            timeout_seconds: How long to look.

        Raises:
            UsageError: It is no intent of a call of this client that is never repeated.
            StateError: The journal cannot be read.
        """
        if not isinstance(intent, Intent):
            raise UsageError("reconcile takes the intent of a call, such as that of an OutcomeUnknown")
        endpoints = {e.id: e for e in endpoints_of(type(self))}
        endpoint = endpoints.get(intent.endpoint)
        if endpoint is None or not endpoint.kind.is_once:
            raise UsageError(f"{intent.endpoint}: {type(self).__name__} has no such call that is never repeated")
        options = evolve(self._options, private_fields=intent.acting)
        reconciler = Reconciler(
            self._session.calls, lambda reading: self._session.call(reading.endpoint, dict(reading.arguments), options)
        )
        in_order = endpoint.api.scheme.policy is NoncePolicy.STRICT
        return await reconciler.reconcile(intent, in_order=in_order, timeout_seconds=_timeout(timeout_seconds))

    @classmethod
    def searches(cls) -> Searches:
        """Say how what its calls make is found again; see `exchanges.outcomes.search`."""
        return {}

    def with_options(self, *, timeout_seconds: float) -> Self:
        """Make a view of the same session with another deadline per call.

        Args:
            timeout_seconds: Total per call, waiting and retries included.
        """
        return self._view(evolve(self._options, timeout_seconds=_timeout(timeout_seconds)))

    def _view(self, options: Options) -> Self:
        view = object.__new__(type(self))
        vars(view).update(vars(self))
        view._show(options)
        return view


def _setup(client: type[Client], credentials: Credentials | None, options: ClientOptions) -> SessionConfig:
    base_url, sandbox, transport = options.get("base_url"), options.get("sandbox", False), options.get("transport")
    if base_url is not None and sandbox:
        raise UsageError(f"{client.__name__}: base_url and sandbox exclude each other")
    if sandbox and not any(e.api.sandbox_url for e in endpoints_of(client)):
        raise UsageError(f"{client.__name__}: this exchange has no sandbox")
    if transport is not None and not isinstance(transport, Transport):
        raise UsageError(f"{client.__name__}: transport must be an httpx.AsyncBaseTransport")
    context = options.get("ssl_context")
    if context is not None and (fault := _fault_of_context(context)):
        raise UsageError(f"{client.__name__}: ssl_context {fault}")
    origin = None if base_url is None else _origin(base_url)
    if origin is not None and origin.startswith("http:") and not _stays_here(options.get("proxy")):
        raise UsageError(f"{client.__name__}: what goes to a base_url without TLS may not go through a proxy elsewhere")
    max_connections = options.get("max_connections", MAX_CONNECTIONS)
    if type(max_connections) is not int or max_connections < 1:
        raise UsageError(f"{client.__name__}: max_connections must be a whole number above zero")
    return SessionConfig(
        transport=HttpTransport(
            injected=transport,
            ssl_context=context,
            proxy=options.get("proxy"),
            max_connections=max_connections,
        ),
        credentials=credentials,
        state=options.get("state") or (PROCESS if transport is None else MemoryState()),
        server=f"{client.exchange} {origin or ('sandbox' if sandbox else 'production')}",
        origin=origin,
        sandbox=sandbox,
        limits=_limits(client, options.get("limits", ())),
        timeout_seconds=_timeout(options["timeout_seconds"]) if "timeout_seconds" in options else None,
        max_connections=max_connections,
        wall_clock=options.get("clock", time.time),
        nonce_floor=_floor(options.get("nonce_floor")),
        wire=wire(strict=options.get("strict", False)),
        searches=client.searches,
    )


def _credentials(client: type[Client], **given: str | None) -> Credentials | None:
    """Take what is *given*, or else what the environment holds; refuse what this exchange has no use for."""
    used = {name for e in endpoints_of(client) for name in e.api.scheme.needs}
    if surplus := [name for name, value in given.items() if value is not None and name not in used]:
        raise UsageError(f"{client.__name__}: this exchange has no {', '.join(surplus)}")
    found: dict[str, str] = {}
    for name in sorted(used):
        source = name if given[name] is not None else f"{client.exchange}_{name}".upper()
        value = given[name] if given[name] is not None else os.environ.get(source) or None
        if value is None:
            continue
        if not isinstance(value, str) or not _KEY.fullmatch(value):
            raise UsageError(f"{client.__name__}: {source} must be printable ASCII without blanks")
        found[name] = value
    if "api_key" in found:
        return Credentials(**found)
    if found and any(given.values()):
        raise UsageError(f"{client.__name__}: credentials without an api_key")
    return None


def _origin(base_url: str) -> str:
    """Check scheme, host and port; refuse everything else in *base_url*."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except (AttributeError, TypeError, ValueError):
        raise UsageError("base_url is not a URL") from None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(host):
        raise UsageError("base_url must begin with https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise UsageError("base_url is scheme, host and port alone; each generation keeps its own path")
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError("base_url may use http for loopback only")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    if netloc != parts.netloc.lower():
        raise UsageError("base_url must be written plainly, such as https://127.0.0.1:8443")
    return f"{parts.scheme}://{netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _stays_here(proxy: str | None) -> bool:
    """Whether there is no proxy, or one on this machine; one that is no text is refused elsewhere."""
    if not isinstance(proxy, str):
        return True
    try:
        return _is_loopback(urlsplit(proxy).hostname or "")
    except ValueError:
        return False


def _fault_of_context(context: ssl.SSLContext) -> str | None:
    if not isinstance(context, ssl.SSLContext):
        return "must be an ssl.SSLContext; there is no other way to say how servers are verified"
    if takes_anonymous_servers(context):
        return "must know no ciphers without certificates"
    return fault_of(context)


def _limits(client: type[Client], limits: Sequence[Limit] | None) -> Mapping[str, Limit] | None:
    if limits is None:
        return None
    if not isinstance(limits, Sequence) or not all(isinstance(limit, Limit) for limit in limits):
        raise UsageError(f"{client.__name__}: limits must be a list of Limit, or None")
    known = {limit.name for e in endpoints_of(client) for limit in (e.api.public_limit, e.api.private_limit)}
    if unknown := {limit.name for limit in limits} - known:
        raise UsageError(f"{client.__name__}: no such limit: {', '.join(sorted(unknown))}; there are {sorted(known)}")
    return {limit.name: limit for limit in limits}


def _floor(nonce: int | None) -> int | None:
    if nonce is not None and (type(nonce) is not int or not 0 <= nonce < MAX_NONCE):
        raise UsageError("nonce_floor must be a whole number of at most 19 digits")
    return nonce


def _timeout(seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise UsageError("timeout_seconds must be a positive number")
    return float(seconds)
