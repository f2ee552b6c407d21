"""Configuration: what a client is constructed with, checked, and what a session is made of.

Every option is checked here, before anything is opened. Messages name the option and never a value, which may be, or
contain, a secret.
"""

from __future__ import annotations

import math
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypedDict, cast

from attrs import field

from exchanges.endpoint import Access, Areas, Kind, endpoints_of
from exchanges.errors import UsageError, quotable
from exchanges.http.pool import MAX_CONNECTIONS
from exchanges.http.sender import Injected
from exchanges.http.signing import Credentials, Scheme
from exchanges.http.tls import fault_of, takes_anonymous_servers
from exchanges.http.transport import HttpTransport
from exchanges.instrumentation.hooks import HOOK_NAMES, Hooks
from exchanges.limits.limit import Limit
from exchanges.outcomes.search import Searches
from exchanges.session.clocks import WallClock
from exchanges.session.servers import is_local_proxy, origin_of, server_name
from exchanges.state import PROCESS, MemoryState, State
from exchanges.values import frozen
from exchanges.wire.converter import Wire, wire

__all__ = ["ClientOptions", "Options", "SessionConfig", "configure", "timeout_of"]

CREDENTIALS = ("api_key", "api_secret", "client_id")
# What other libraries call them.
OTHER_NAMES = {"testnet": "sandbox", "verify": "ssl_context", "session": "transport", "enableRateLimit": "limits"}
MAX_NONCE = 10**19
"""The largest nonces of the exchanges have 19 digits."""
_KEY = re.compile(r"[\x21-\x7e]{1,512}")


class ClientOptions(TypedDict, total=False):
    """Options of every client, beside its credentials.

    Attributes:
        base_url: Scheme, host and port in place of those of every generation; http only for loopback.
        sandbox: Use the exchange's own test server, if there is one.
        timeout_seconds: Total per call, waiting and retries included; default 30.
        send_within_seconds: How long a money call may wait before it is sent; default: as long as *timeout_seconds*.
            Later it raises `RateLimitTimeout`, and nothing was sent.
        transport: An `httpx.AsyncBaseTransport`, or one of httpx2, in place of our own connections. Such a client
            shares no state by default.
        ssl_context: How to verify the server; one that does not verify is rejected.
        proxy: URL of a proxy; the environment is never read.
        max_connections: To each server; default 16, of which the last two are for cancels.
        bypass_tracers: Use own connections even if httpx is patched, for tracers that only observe; mocks and recorders
            are passed over as well. Logged once, and shown in the `repr` of the client.
        limits: Limits in place of those of the same name; None: no limits, for servers of your own.
        clock: Wall clock in seconds since 1970; default `time.time`.
        state: Where nonces, limits and pending calls are kept; default: in this process, shared by its clients.
        nonce_floor: The largest nonce that was ever used with this key, if that was larger than the clock.
        strict: Raise on every deviation of an answer from the documents.
        hooks: Observers of calls and streams, such as `exchanges.instrumentation.otel.OpenTelemetry`.
    """

    base_url: str | None
    sandbox: bool
    timeout_seconds: float
    send_within_seconds: float
    transport: Injected | None
    ssl_context: ssl.SSLContext | None
    proxy: str | None
    max_connections: int
    bypass_tracers: bool
    limits: Sequence[Limit] | None
    clock: Callable[[], float]
    state: State | None
    nonce_floor: int | None
    strict: bool
    hooks: Sequence[Hooks]


def _held(proxy: str | None) -> Callable[[], str | None]:
    return lambda: proxy


@frozen(eq=False, repr=False)
class SessionConfig:
    """What a session is made of; see `ClientOptions` for what comes from the caller.

    Attributes:
        server: Exchange and address, such as ``bitso production``: names what state is shared by; the same for all
            names of one server.
        origin: Scheme, host and port in place of those of every API.
        cancel_limits: What its cancels count against, so that other calls leave them a reserve there.
        send_within_seconds: How long a money call may wait before it is sent; None: until its deadline.
        schemes: Schemes in place of those of the API of that name.
        searches: Returns how what the calls make is found again; called when it is first needed.
        ssl_context: As the caller passed it.
        proxy: Returns the proxy as the caller passed it. A function, as the URL may hold a password.
        is_injected: Whether the caller passed a transport.
        hooks: Who observes calls and streams, beside the log.
    """

    transport: HttpTransport
    credentials: Credentials | None
    state: State
    server: str
    origin: str | None
    sandbox: bool
    limits: Mapping[str, Limit] | None
    timeout_seconds: float | None
    max_connections: int
    wall_clock: WallClock
    nonce_floor: int | None
    wire: Wire
    cancel_limits: tuple[Limit, ...] = ()
    send_within_seconds: float | None = None
    schemes: Mapping[str, Scheme] = field(factory=dict[str, Scheme])
    searches: Callable[[], Searches] = dict
    ssl_context: ssl.SSLContext | None = None
    proxy: Callable[[], str | None] = field(factory=lambda: _held(None))
    is_injected: bool = False
    hooks: tuple[Hooks, ...] = ()


@frozen(eq=False, repr=False)
class Options:
    """What differs between the views of one session.

    Attributes:
        timeout_seconds: Total per call, waiting included; None for the default of the endpoint or the session.
        send_within_seconds: How long a money call may wait before it is sent; None for the default of the session.
        private_fields: Added to every call whose access is PRIVATE.
        fresh: Whether each call is sent on a connection that carried none before.
    """

    timeout_seconds: float | None = None
    send_within_seconds: float | None = None
    private_fields: Mapping[str, str] = field(factory=dict[str, str])
    fresh: bool = False


def configure(
    client: type[Areas],
    exchange: str,
    keys: Mapping[str, str | None],
    options: ClientOptions,
    *,
    schemes: Mapping[str, Scheme],
    searches: Callable[[], Searches],
) -> SessionConfig:
    """Check credentials and options of a client, and return the configuration of its session.

    Args:
        client: Its class, whose endpoints decide what is needed.
        exchange: The name of the exchange.
        keys: Credentials by name; None for what the environment may hold.
        options: As the caller passed them.
        schemes: Schemes in place of those of the API of that name.
        searches: Returns how what the calls make is found again.

    Raises:
        UsageError: An option is wrong.
    """
    name = client.__name__
    _require_known(name, options)
    sandbox, origin = options.get("sandbox", False), _server(client, options)
    ssl_context = _context(name, options.get("ssl_context"))
    return SessionConfig(
        transport=_transport(name, options, ssl_context),
        credentials=_credentials(client, exchange, keys),
        state=_state(name, options),
        server=f"{exchange} {'sandbox' if sandbox else server_name(client, origin)}",
        origin=origin,
        sandbox=sandbox,
        limits=_limits(client, options.get("limits", ())),
        timeout_seconds=_seconds(options, "timeout_seconds"),
        max_connections=_max_connections(name, options),
        cancel_limits=_cancel_limits(client),
        send_within_seconds=_seconds(options, "send_within_seconds"),
        wall_clock=_clock(name, options.get("clock", time.time)),
        nonce_floor=_nonce_floor(options.get("nonce_floor")),
        wire=wire(strict=options.get("strict", False)),
        schemes=schemes,
        searches=searches,
        ssl_context=ssl_context,
        proxy=_held(options.get("proxy")),
        is_injected=options.get("transport") is not None,
        hooks=_hooks(name, options.get("hooks", ())),
    )


def _require_known(name: str, options: ClientOptions) -> None:
    """Raise for options that there are not, and for switches that are neither on nor off."""
    known = ClientOptions.__annotations__.keys()
    if unknown := sorted(options.keys() - known):
        import difflib  # noqa: PLC0415 - for messages alone

        similar = [OTHER_NAMES[name] for name in unknown if name in OTHER_NAMES]
        similar = similar or difflib.get_close_matches(unknown[0], [*known, *CREDENTIALS], n=1, cutoff=0.5)
        hint = f"did you mean {similar[0]}?" if similar else f"there are {', '.join(sorted(known))}"
        raise UsageError(f"{name}: no such option: {', '.join(map(quotable, unknown))}; {hint}")
    # A text is true, whatever it says: "no" would choose the sandbox.
    for option in ("bypass_tracers", "sandbox", "strict"):
        if not isinstance(options.get(option, False), bool):
            raise UsageError(f"{name}: {option} must be True or False")


def _has(part: object, *names: str) -> bool:
    """Whether an object of the caller is none, or has what is needed of it."""
    try:
        return part is None or not (isinstance(part, type) or any(not hasattr(part, name) for name in names))
    except Exception:  # noqa: BLE001 - a property of the caller's own may raise anything
        return False


def _server(client: type[Areas], options: ClientOptions) -> str | None:
    """Check where the calls go; return the origin that replaces that of every API."""
    base_url, sandbox = options.get("base_url"), options.get("sandbox", False)
    if not issubclass(type(options.get("proxy")), str | None):
        raise UsageError(f"{client.__name__}: proxy must be the URL of an http proxy, as text")
    if base_url is not None and sandbox:
        raise UsageError(f"{client.__name__}: base_url and sandbox exclude each other")
    if sandbox and not any(e.api.sandbox_url for e in endpoints_of(client)):
        raise UsageError(f"{client.__name__}: this exchange has no sandbox")
    origin = None if base_url is None else origin_of(base_url)
    # Loopback needs no TLS, but a proxy elsewhere would read the key.
    if origin is not None and origin.startswith("http:") and not is_local_proxy(options.get("proxy")):
        raise UsageError(f"{client.__name__}: requests to a base_url without TLS may not go through a remote proxy")
    return origin


def _transport(name: str, options: ClientOptions, ssl_context: ssl.SSLContext | None) -> HttpTransport:
    injected, proxy, bypass = options.get("transport"), options.get("proxy"), options.get("bypass_tracers", False)
    if not _has(injected, "handle_async_request"):
        raise UsageError(f"{name}: transport must be an httpx.AsyncBaseTransport")
    if bypass and not (injected is None and proxy is None):
        raise UsageError(f"{name}: bypass_tracers is for own connections; transport= and proxy= use httpx")
    return HttpTransport(
        injected=injected,
        ssl_context=ssl_context,
        proxy=proxy,
        max_connections=_max_connections(name, options),
        bypass_tracers=bypass,
    )


def _max_connections(name: str, options: ClientOptions) -> int:
    most = options.get("max_connections", MAX_CONNECTIONS)
    if type(most) is not int or most < 1:
        raise UsageError(f"{name}: max_connections must be a whole number above zero")
    return most


def _state(name: str, options: ClientOptions) -> State:
    if not _has(state := options.get("state"), "limiter", "shared", "shared_limiter", "journal"):
        raise UsageError(
            f"{name}: state must be a MemoryState, a FileState(path) or a RedisState(url), of exchanges.state"
        )
    # What a scripted transport answers must not count against the limits of real servers.
    return state or (PROCESS if options.get("transport") is None else MemoryState())


def _clock(name: str, clock: Callable[[], float]) -> WallClock:
    if not callable(clock):
        raise UsageError(f"{name}: clock must be a function that returns seconds since 1970, such as time.time")
    return WallClock(clock)


def _seconds(options: ClientOptions, option: Literal["timeout_seconds", "send_within_seconds"]) -> float | None:
    """Return a timeout; None if it is not passed."""
    # Passed as None it is wrong, and not left out.
    return timeout_of(cast("float", options.get(option)), option) if option in options else None


def _credentials(client: type[Areas], exchange: str, keys: Mapping[str, str | None]) -> Credentials | None:
    """Return the credentials in *keys*, or else in the environment; reject what this exchange has no use for."""
    used = {name for e in endpoints_of(client) for name in e.api.scheme.needs}
    if surplus := [name for name, value in keys.items() if value is not None and name not in used]:
        raise UsageError(f"{client.__name__}: this exchange has no {', '.join(surplus)}")
    found: dict[str, str] = {}
    for name in sorted(used):
        source = name if keys[name] is not None else f"{exchange}_{name}".upper()
        value = keys[name] if keys[name] is not None else os.environ.get(source) or None
        if value is None:
            continue
        # By its type: an object may claim to be of any class.
        if not issubclass(type(value), str) or not _KEY.fullmatch(value):
            raise UsageError(f"{client.__name__}: {source} must be printable ASCII without blanks")
        found[name] = str.__str__(value)  # of a subclass, such as an enum, what was checked
    if "api_key" in found:
        return Credentials(**found)
    # Incomplete credentials in the environment are no error: public calls need none.
    if found and any(keys.values()):
        raise UsageError(f"{client.__name__}: credentials without an api_key")
    return None


def _context(name: str, context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    fault = None
    if context is None:
        return None
    if not isinstance(context, ssl.SSLContext):
        fault = "must be an ssl.SSLContext; nothing else says how servers are verified"
    elif takes_anonymous_servers(context):
        fault = "must not allow ciphers without certificates"
    if fault := fault or fault_of(context):
        raise UsageError(f"{name}: ssl_context {fault}")
    return context


def _hooks(name: str, hooks: Sequence[Hooks]) -> tuple[Hooks, ...]:
    given: object = hooks
    is_list = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    each: list[object] = list(hooks) if is_list else []
    if not is_list or not all(hook is not None and _has(hook, *HOOK_NAMES) for hook in each):
        raise UsageError(f"{name}: hooks must be a list of objects with the methods of exchanges.instrumentation.Hooks")
    return tuple(hooks)


def _limits(client: type[Areas], limits: Sequence[Limit] | None) -> Mapping[str, Limit] | None:
    if limits is None:
        return None
    is_list = isinstance(limits, Sequence) and not isinstance(limits, str | bytes)
    if not is_list or not all(isinstance(limit, Limit) for limit in limits):
        raise UsageError(f"{client.__name__}: limits must be a list of Limit, or None")
    known = {part.name for e in endpoints_of(client) for part in e.limit.parts}
    if unknown := {limit.name for limit in limits} - known:
        words = f"no such limit: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
        raise UsageError(f"{client.__name__}: {words}")
    replaced = {limit.name: limit for limit in limits}
    if len(replaced) < len(limits):
        raise UsageError(f"{client.__name__}: limits holds two of the same name")
    return replaced


def _cancel_limits(client: type[Areas]) -> tuple[Limit, ...]:
    """Return what cancels count against, the widest each; where one of them is exempt, none needs a slot."""
    cancels = [e for e in endpoints_of(client) if e.kind is Kind.CANCEL and e.access is not Access.PUBLIC]
    if any(e.exempt for e in cancels):
        return ()
    return tuple({e.limit.widest.name: e.limit.widest for e in cancels}.values())


def _nonce_floor(nonce: int | None) -> int | None:
    if nonce is not None and (type(nonce) is not int or not 0 <= nonce < MAX_NONCE):
        raise UsageError("nonce_floor must be a whole number of at most 19 digits")
    return nonce


def timeout_of(seconds: float, name: str = "timeout_seconds") -> float:
    """Return a timeout as a float; raise if it is none."""
    try:
        number = float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else 0.0
    except Exception:  # noqa: BLE001 - too large, or of a class that raises
        number = 0.0
    if not 0 < number < math.inf:
        raise UsageError(f"{name} must be a positive number")
    return number
