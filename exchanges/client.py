"""The client: what those of all exchanges share: the constructor, views, reconciling, closing."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self, Unpack, cast

from attrs import evolve

from exchanges.endpoint import Access, Areas, Kind, endpoints_of
from exchanges.endpoint.tracebacks import discreet, strip
from exchanges.errors import ExchangeError, UsageError
from exchanges.http.signing import NoncePolicy, Scheme
from exchanges.intents import Intent, is_intent
from exchanges.outcomes.search import Searches
from exchanges.outcomes.unresolved import Unresolved
from exchanges.session.config import ClientOptions, Options, configure, timeout_of
from exchanges.session.headroom import Limits
from exchanges.session.loading import loading
from exchanges.session.raw import RawAnswer, recording
from exchanges.session.session import Session
from exchanges.wire import Json

if TYPE_CHECKING:
    from exchanges.outcomes.verdicts import Verdict
    from exchanges.streams.hub import Hub

__all__ = ["Client", "ClientOptions"]

RECONCILE_SECONDS = 90.0
STREAMS = "streams"
VIEWS = (STREAMS, "spot")
NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


class _Unset:
    """What an option is that is not passed, in signatures."""

    def __repr__(self) -> str:
        """Show dots, as ``Ellipsis`` reads like a value."""
        return "..."


class _VisibleSignature:
    """The signature of a client with each of its options by name, for `help` and completion."""

    def __get__(self, client: object, kind: type[Client]) -> inspect.Signature:
        """Return it."""
        signature = inspect.signature(kind.__init__)
        parameters = [p for p in signature.parameters.values() if p.name not in ("self", "options")]
        parameters += [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=_Unset(), annotation=annotation.__forward_arg__
            )
            for name, annotation in ClientOptions.__annotations__.items()
        ]
        return signature.replace(parameters=parameters, return_annotation=kind)


class Client(Areas):
    """One account at one exchange. Create one per account, use it from one event loop, close it.

    Public calls need no credentials. Credentials that are not passed are read from the environment, such as
    ``BITSO_API_KEY``.

    Args:
        api_key: The key.
        api_secret: Its secret.
        client_id: The account's id, if the exchange signs with it.
        options: See `ClientOptions`.

    Raises:
        UsageError: An option is wrong.
    """

    exchange: ClassVar[str]
    __signature__: ClassVar[object] = _VisibleSignature()

    def __init_subclass__(cls, **rest: Any) -> None:  # noqa: ANN401 - as its base
        super().__init_subclass__(**rest)
        # By their names alone: evaluating the annotations would take time that an import has not.
        areas = [name for name in inspect.get_annotations(cls) if not name.startswith("_") and name != "exchange"]
        areas += [name for name in VIEWS if name in vars(cls)]
        if cls.__doc__ is not None and areas:
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\nAreas, each with its calls: {', '.join(areas)}.\n"
        for name in {"__init__"} & vars(cls).keys():
            # The frames of a constructor hold the credentials, so even errors that are bugs must not keep them.
            setattr(cls, name, discreet(vars(cls)[name]))

    @discreet
    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_secret: str | None = None,
        client_id: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        keys = {"api_key": api_key, "api_secret": api_secret, "client_id": client_id}
        schemes, searches = self._schemes(), type(self).searches
        config = configure(type(self), self.exchange, keys, options, schemes=schemes, searches=searches)
        self._session, self._config = Session(config), config
        self._shared = dict[str, Any]()
        self._use(Options())
        if config.credentials is not None:
            self._load()

    def _load(self) -> None:
        """Load what a call may need once its first byte was sent; a client without credentials changes nothing."""
        with loading(type(self).__name__):
            # Not at the head: an import of the package has no time for it.
            importlib.import_module("exchanges.session.needed")
            type(self).searches()

    def _schemes(self) -> Mapping[str, Scheme]:
        """Return the schemes that this client signs with in place of those of an API, by its name."""
        return {}

    def _use(self, options: Options) -> None:
        self._options = options
        self._bind(functools.partial(self._session.call, options=options), self._shared)

    def __repr__(self) -> str:
        """Show the exchange and the state of the session, no secrets."""
        session = vars(self).get("_session", "")  # a traceback may show a client whose constructor failed
        return f"{type(self).__name__}({session!r})"

    def __copy__(self) -> Self:
        """Return a view of the same session."""
        return self._view(self._options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a view of the same session: a second one would count and number its calls separately."""
        return self._view(self._options)

    def __reduce__(self) -> NoReturn:
        """Raise: a client is not pickled."""
        raise TypeError("a client is not pickled: it holds credentials and connections")

    async def __aenter__(self) -> Self:
        """Return the client; leaving the block closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.aclose()

    async def aclose(self) -> None:
        """Refuse new calls, await money and writes to their deadline, cancel reads, close the connections.

        Closing is completed even if the caller is cancelled.
        """
        # Shielded: a session that is half closed would leave sockets, and journal entries that are not written.
        await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _close(self) -> None:
        if (hub := self._shared.get(STREAMS)) is not None:
            await hub.aclose()
        await self._session.aclose()

    def _hub(self) -> Hub:
        """Return what the live channels of this client, and of its views, share."""
        hub: Hub | None = self._shared.get(STREAMS)
        if hub is None:
            with loading(f"{self.exchange}.streams"):
                from exchanges.session.streaming import EventObserver, StreamHost  # noqa: PLC0415 - many use no streams
                from exchanges.streams.hub import Hub  # noqa: PLC0415 - as above

            host = StreamHost(self._config, self._session.call)
            hub = self._shared[STREAMS] = Hub(host)
            if self._config.hooks:
                host.observer = EventObserver(self._config.hooks, self.exchange)
                hub.listen(host.observer)
            if self._session.credentials is not None:
                from exchanges.outcomes.named import NamedCalls  # noqa: PLC0415 - loaded already, as there is a key

                host.calls = self._session.calls
                host.named = NamedCalls(host.calls, self.reconcile, hub.spawn)
        return hub

    @property
    def unresolved(self) -> Unresolved:
        """The calls that are never repeated and whose callers do not know their outcome; shared by all views."""
        calls = self._session.calls
        return Unresolved(calls.open_calls, calls.dismiss, calls.view.require_own, calls.kinship.commitment)

    @property
    def limits(self) -> Limits:
        """What is left of the limits that the calls of this client count against, by name, and how to reopen one."""
        return self._session.limits(endpoint.limit for endpoint in endpoints_of(type(self)))

    def raw(self) -> AbstractContextManager[list[RawAnswer]]:
        """Record the answers to the calls of a block as they came: ``with client.raw() as seen: ...``.

        Returns:
            A context manager; its value is a list to which each answer is added: status, headers, bytes and time. Calls
            in tasks that the block starts are among them, those of other tasks and clients are not.
        """
        return recording(self._config)

    async def request(
        self,
        verb: str,
        path: str,
        *,
        kind: Kind | Literal["read", "idempotent", "cancel", "write", "money"],
        arguments: Mapping[str, Any] = NO_ARGUMENTS,
        signed: bool = True,
    ) -> Json:
        """Call an endpoint that this package does not declare.

        It is signed, limited, journaled and judged like the others. Nothing is known of its answer: of a call that is
        never repeated anything but an object or a list that holds something, and no sign of failure, is
        `OutcomeUnknown`. `reconcile` cannot find what it did. While that is unknown, the same call is refused.

        Args:
            verb: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
            path: Below the base URL of the exchange's current API, such as ``/open_orders/``; without a query.
            kind: What the call does, which decides whether it may be repeated. If in doubt, the stricter one.
            arguments: By the names of the exchange; amounts as `Decimal` or text.
            signed: Whether it needs credentials.

        Returns:
            Plain JSON without the exchange's envelope; numbers with fractions are `Decimal`.

        Raises:
            UsageError: An argument is wrong, or the call is declared; nothing was sent.
            UnresolvedOutcome: The same call is unresolved, whatever its kind; nothing was sent.
        """
        with loading(f"{self.exchange}.request"):
            from exchanges.endpoint.undeclared import undeclared  # noqa: PLC0415 - most programs call what is declared

        access = Access.PRIVATE if signed else Access.PUBLIC
        try:
            endpoint, values = undeclared(
                type(self), self.exchange, verb, path, kind=kind, arguments=arguments, access=access
            )
            answer = self._session.call(endpoint, values, self._options)
            # A task that waits shows the locals of its frames, and some arguments may be secrets.
            arguments, values = {}, {}
            return cast("Json", await answer)
        except ExchangeError as error:
            strip(error)
            raise

    async def reconcile(self, intent: Intent, *, timeout_seconds: float = RECONCILE_SECONDS) -> Verdict:
        """Determine the outcome of a call: read what the exchange shows until it is certain. Nothing is sent again.

        Of a cancel it reads the order: `Reconciled` if that is cancelled, whoever did it, `NoTrace` if it is not.

        That a call left no trace is certain only when it cannot arrive any more, and would show if it had: after about
        25 seconds if nonces are in order, otherwise 55; of an order with a client's id after minutes, as its exchange
        requires. If *timeout_seconds* does not reach that far, it returns `Incomplete` with the moment to ask again.
        `Reconciled` and `NoTrace` resolve it.

        Args:
            intent: Of an `OutcomeUnknown`, or from `unresolved`.
            timeout_seconds: How long to read.

        Raises:
            UsageError: This client has no such call that is never repeated, or it was sent with another key or to
                another server.
            StateError: The journal cannot be read.
        """
        if not is_intent(intent):
            raise UsageError("reconcile needs the intent of a call, such as that of an OutcomeUnknown")
        endpoints = {e.id: e for e in endpoints_of(type(self))}
        endpoint = endpoints.get(intent.endpoint)
        is_found = endpoint is not None and (endpoint.kind.is_once or intent.endpoint in type(self).searches())
        if not (is_found or intent.is_undeclared):
            words = "has no such call that is never repeated, nor reads what it names; read it, or call it again"
            raise UsageError(f"{intent.endpoint}: {type(self).__name__} {words}")
        self._session.calls.view.require_own(intent)
        # A copy of an older answer that comes late, such as one of an empty list, must be no evidence.
        options = evolve(self._options, private_fields=intent.acting, fresh=True)
        with loading(f"{self.exchange}.reconcile"):
            from exchanges.outcomes.reconcile import Reconciler  # noqa: PLC0415 - most programs never reconcile

        reconciler = Reconciler(
            self._session.calls, lambda reading: self._session.call(reading.endpoint, dict(reading.arguments), options)
        )
        in_order = endpoint is not None and self._session.scheme(endpoint.api).policy is NoncePolicy.STRICT
        return await reconciler.reconcile(intent, in_order=in_order, timeout_seconds=timeout_of(timeout_seconds))

    @classmethod
    def searches(cls) -> Searches:
        """Return how what the calls make is found again; see `exchanges.outcomes.search`."""
        return {}

    def with_options(self, *, timeout_seconds: float | None = None, send_within_seconds: float | None = None) -> Self:
        """Return a view of the same session with other deadlines per call.

        Args:
            timeout_seconds: Total per call, waiting and retries included; None: as before.
            send_within_seconds: How long a money call may wait before it is sent; None: as before. Later it raises
                `RateLimitTimeout`, and nothing was sent.
        """
        options = self._options
        if timeout_seconds is not None:
            options = evolve(options, timeout_seconds=timeout_of(timeout_seconds))
        if send_within_seconds is not None:
            options = evolve(options, send_within_seconds=timeout_of(send_within_seconds, "send_within_seconds"))
        return self._view(options)

    def _view(self, options: Options) -> Self:
        # Not through the constructor: a second session would count and number its calls separately.
        view = object.__new__(type(self))
        vars(view).update(vars(self))
        view._use(options)
        return view
