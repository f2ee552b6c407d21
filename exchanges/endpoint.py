"""What one remote call is, read from its declaration.

An endpoint is declared once, as a method of an `Area`::

    class Trading(Area, api=V1):
        @private("POST /private/bids", kind=MONEY)
        async def create_bid(self, *, amount: Amount, price: Amount, orderbook: int = 1) -> Bid: ...

The decorator only marks the method. When the class is made, the signature, the route and the facts of the `Api` are
read into one frozen `Endpoint`, and the method becomes the call. A route whose placeholders and arguments do not fit
together, or an argument of a type that nothing can render, fails here, at import.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_args,
    get_origin,
)
from typing import get_type_hints as hints_of

from attrs import field, frozen

from exchanges.errors import UsageError
from exchanges.wire import Amount, Json, OpenIntEnum, OpenStrEnum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exchanges.errors import Problem
    from exchanges.limits import Limit
    from exchanges.signing import Scheme
    from exchanges.upload import Upload

__all__ = [
    "FORM",
    "IDEMPOTENT",
    "JSON",
    "MONEY",
    "MULTIPART",
    "READ",
    "WRITE",
    "Access",
    "Api",
    "Area",
    "Areas",
    "Argument",
    "Body",
    "Caller",
    "Endpoint",
    "Kind",
    "Param",
    "areas_of",
    "endpoints_of",
    "private",
    "public",
]

MIB = 1024 * 1024
_PLACEHOLDER = re.compile(r"{(\w+)}")
_READING_VERBS = ("GET",)
_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_TYPE_NAMES: dict[Any, str] = {str: "str", int: "int", bool: "bool", Decimal: "decimal"}


class Kind(StrEnum):
    """What a call does at the exchange, and so whether it may be repeated."""

    READ = "read"
    """Changes nothing: repeated within a budget."""
    IDEMPOTENT = "idempotent"
    """A cancel or an update: doing it twice is doing it once, so it is repeated like a read, before everything else."""
    WRITE = "write"
    """Creates something: never repeated."""
    MONEY = "money"
    """Moves or commits money: never repeated."""


READ, IDEMPOTENT, WRITE, MONEY = Kind.READ, Kind.IDEMPOTENT, Kind.WRITE, Kind.MONEY


class Access(StrEnum):
    """Who may make a call."""

    PUBLIC = "public"
    PRIVATE = "private"
    RESELLER = "reseller"


class Body(Enum):
    """How arguments travel when they are not in the query."""

    FORM = "application/x-www-form-urlencoded"
    JSON = "application/json"
    MULTIPART = "multipart/form-data"
    """A form that carries a file; the one argument that renders to an `Upload` goes last."""


FORM, JSON, MULTIPART = Body.FORM, Body.JSON, Body.MULTIPART


@frozen(eq=False, repr=False)
class Param:
    """What a declaration says of one argument beside its name and type: ``Annotated[str, Param(...)]``.

    Attributes:
        wire: Its name on the wire, where that is no name in Python.
        check: Says what is wrong with a value that has the right type; None if nothing is.
        render: Makes the value for the wire; for types without a rendering of their own, or to replace it.
        type: What lists of endpoints call its type.
        secret: Whether its value must show nowhere.
    """

    wire: str | None = None
    check: Callable[[Any], str | None] | None = None
    render: Callable[[Any], Json | Upload] | None = None
    type: str | None = None
    secret: bool = False


@frozen(eq=False, repr=False)
class Argument:
    """One argument of an endpoint, as declared."""

    name: str
    wire: str
    annotation: Any
    type: str
    default: Any
    in_path: bool
    param: Param

    @property
    def required(self) -> bool:
        """Whether the caller must give it."""
        return self.default is inspect.Parameter.empty


@frozen(eq=False, repr=False)
class Api:
    """One generation of an exchange's API: the facts that its endpoints share.

    Attributes:
        name: The attribute path of its areas, such as ``bitstamp.v1``.
        base_url: Scheme, host and path prefix of the production server.
        sandbox_url: The same for the exchange's own test server; None where there is none.
        scheme: How private calls are signed.
        public_limit: What public calls are counted against.
        private_limit: What private calls are counted against.
        read_problem: Reads the exchange's error shapes; None for an answer that is no error. Pure.
        payload: Takes the envelope off an answer that is no error. Pure.
        body: How arguments travel in POST, PUT and PATCH.
        lockout_seconds: How long to wait after a refusal for too many requests that names no time.
    """

    name: str
    base_url: str
    scheme: Scheme
    public_limit: Limit
    private_limit: Limit
    read_problem: Callable[[int, Json], Problem | None]
    lockout_seconds: float
    sandbox_url: str | None = None
    payload: Callable[[Json], Json] = lambda value: value
    body: Body = FORM

    @property
    def exchange(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


@frozen(eq=False)
class Endpoint:
    """One remote call.

    Attributes:
        id: Its attribute path on the client, such as ``bitex.trading.create_bid``.
        verb: HTTP verb.
        route: Path below the base, placeholders in braces, as documented.
        kind: Whether it may be repeated.
        access: Who may call it.
        arguments: In the order of the signature.
        answer: The annotation of what comes back.
        text: Whether what comes back is plain text, not JSON.
        api: The generation it belongs to.
        cost: Slots of the limit that one call takes.
        max_bytes: The largest answer that is read.
        timeout_seconds: Its own default deadline; None for the client's.
        check: Says what is wrong with the arguments together; None if nothing is. Pure.
        positional: The one argument that may be given without its name.
        doc: The docstring of the declaration.
    """

    id: str
    verb: str
    route: str
    kind: Kind
    access: Access
    arguments: tuple[Argument, ...]
    answer: Any
    text: bool
    api: Api = field(repr=False)
    body: Body
    cost: int
    max_bytes: int
    timeout_seconds: float | None
    check: Callable[[Mapping[str, Any]], str | None] | None
    positional: str | None
    doc: str = field(repr=False)

    def __str__(self) -> str:
        """Print as it is documented: ``POST /private/bids``."""
        return f"{self.verb} {self.route}"

    @property
    def limit(self) -> Limit:
        """What this call is counted against."""
        return self.api.public_limit if self.access is Access.PUBLIC else self.api.private_limit


class Caller(Protocol):
    """What an area needs of a session."""

    def call(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Awaitable[Any]:
        """Carry one call through."""
        ...


class Area:
    """A group of endpoints: an attribute of the client.

    A subclass names its `Api`; its own name in lower case is the name of the attribute.
    """

    __slots__ = ("_caller",)

    endpoints: ClassVar[tuple[Endpoint, ...]] = ()

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __init_subclass__(cls, *, api: Api, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        declared = [(name, f) for name, f in vars(cls).items() if hasattr(f, "__declaration__")]
        for name, function in declared:
            endpoint = _read(function, f"{api.name}.{cls.__name__.lower()}.{name}", api)
            setattr(cls, name, _method(endpoint, function))
            cls.endpoints = (*cls.endpoints, endpoint)


F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


class Declared(TypedDict, total=False):
    """What a declaration says beside its route.

    Attributes:
        kind: Whether it may be repeated; mandatory except on GET, which is a `READ`.
        body: How arguments travel, where it differs from the API's habit.
        check: Says what is wrong with all arguments together; None if nothing is. Pure.
        cost: Slots of the limit that one call takes.
        max_bytes: The largest answer that is read.
        timeout_seconds: A default deadline of its own.
        text: Whether what comes back is plain text, not JSON.
    """

    kind: Kind
    body: Body
    text: bool
    check: Callable[[Mapping[str, Any]], str | None]
    cost: int
    max_bytes: int
    timeout_seconds: float


@frozen(eq=False, repr=False)
class _Declaration:
    route: str
    access: Access
    kind: Kind | None = None
    body: Body | None = None
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    cost: int = 1
    max_bytes: int = MIB
    timeout_seconds: float | None = None
    text: bool = False


def public(route: str, **declared: Unpack[Declared]) -> Callable[[F], F]:
    """Declare a call that needs no credentials. *route*: verb and path as documented, placeholders in braces."""
    return _mark(_Declaration(route, Access.PUBLIC, **declared))


def private(route: str, *, access: Access = Access.PRIVATE, **declared: Unpack[Declared]) -> Callable[[F], F]:
    """Declare a call that is signed; *access* is RESELLER where the exchange keeps that apart."""
    return _mark(_Declaration(route, access, **declared))


def _mark(declaration: _Declaration) -> Callable[[F], F]:
    def mark(function: F) -> F:
        cast("Any", function).__declaration__ = declaration
        return function

    return mark


def _read(function: Any, endpoint_id: str, api: Api) -> Endpoint:
    declared: _Declaration = function.__declaration__
    verb, _, route = declared.route.partition(" ")
    kind = declared.kind or (READ if verb in _READING_VERBS else None)
    if kind is None:
        raise TypeError(f"{endpoint_id}: a {verb} says its kind")
    if verb not in _VERBS or not route.startswith("/"):
        raise TypeError(f"{endpoint_id}: {declared.route!r} is no verb and path")
    placeholders = set(_PLACEHOLDER.findall(route))
    hints = hints_of(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if untyped := {"return", *(p.name for p in parameters)} - hints.keys():
        raise TypeError(f"{endpoint_id}: no annotation for {sorted(untyped)}")
    arguments = tuple(_argument(p, hints[p.name], placeholders, endpoint_id) for p in parameters)
    if missing := placeholders - {a.name for a in arguments}:
        raise TypeError(f"{endpoint_id}: {declared.route} has no argument for {sorted(missing)}")
    positional = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    if len(positional) > 1:
        raise TypeError(f"{endpoint_id}: more than one positional argument")
    return Endpoint(
        id=endpoint_id,
        verb=verb,
        route=route,
        kind=kind,
        access=declared.access,
        arguments=arguments,
        answer=hints["return"],
        text=declared.text,
        api=api,
        body=declared.body or api.body,
        cost=declared.cost,
        max_bytes=declared.max_bytes,
        timeout_seconds=declared.timeout_seconds,
        check=declared.check,
        positional=positional[0] if positional else None,
        doc=inspect.getdoc(function) or "",
    )


def _argument(parameter: inspect.Parameter, annotation: Any, placeholders: set[str], endpoint_id: str) -> Argument:
    param = Param()
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        param = next((e for e in extras if isinstance(e, Param)), param)
    bare = _without_none(annotation)
    type_name = param.type or _type_name(bare)
    if type_name is None:
        raise TypeError(f"{endpoint_id}: nothing renders {parameter.name}: {annotation}")
    return Argument(
        name=parameter.name,
        wire=param.wire or parameter.name,
        annotation=bare,
        type=type_name,
        default=parameter.default,
        in_path=parameter.name in placeholders,
        param=param,
    )


def _without_none(annotation: Any) -> Any:
    members = tuple(a for a in get_args(annotation) if a is not type(None))
    if annotation != Amount and len(members) < len(get_args(annotation)):
        return members[0] if len(members) == 1 else functools.reduce(lambda a, b: a | b, members)
    return annotation


def _type_name(annotation: Any) -> str | None:
    if annotation == Amount:
        return "decimal"
    if isinstance(annotation, type) and issubclass(annotation, OpenStrEnum | OpenIntEnum):
        return "str" if issubclass(annotation, OpenStrEnum) else "int"
    return _TYPE_NAMES.get(annotation)


def _method(endpoint: Endpoint, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        for value in args:
            if len(args) > 1 or endpoint.positional is None or endpoint.positional in kwargs:
                raise UsageError(f"{endpoint.id}: arguments are given by name; nothing was sent", endpoint=endpoint.id)
            kwargs[endpoint.positional] = value
        return await self._caller.call(endpoint, kwargs)

    cast("Any", call).endpoint = endpoint
    return call


class Areas:
    """A bundle of areas: a client, or an older generation of an API under it.

    The annotations of a subclass say which areas there are; nothing else lists them.
    """

    def _bind(self, caller: Caller) -> None:
        for name, kind in areas_of(type(self)).items():
            if issubclass(kind, Area):
                setattr(self, name, kind(caller))
            else:
                bundle = kind()
                bundle._bind(caller)  # noqa: SLF001 - one of us
                setattr(self, name, bundle)


def areas_of(bundle: type[Areas]) -> dict[str, type[Area | Areas]]:
    """Find the areas, and bundles of areas, that the annotations of *bundle* name."""
    hints = hints_of(bundle)
    return {n: h for n, h in hints.items() if isinstance(h, type) and issubclass(h, Area | Areas)}


def endpoints_of(bundle: type[Areas]) -> Iterator[Endpoint]:
    """Walk all endpoints of a client class, in order of declaration."""
    for kind in areas_of(bundle).values():
        if issubclass(kind, Area):
            yield from kind.endpoints
        else:
            yield from endpoints_of(kind)
