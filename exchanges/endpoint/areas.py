"""Declarations: methods of an `Area` that become calls when their class is made."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from typing import (
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
    get_type_hints,
)

from attrs import field, frozen

from exchanges.endpoint.definition import MIB, READ, Access, Api, Argument, Endpoint, Kind, Param
from exchanges.errors import UsageError
from exchanges.http.request import Body
from exchanges.wire import Amount, OpenIntEnum, OpenStrEnum

__all__ = ["Area", "Areas", "Caller", "Declared", "areas_of", "endpoints_of", "private", "public"]

_PLACEHOLDER = re.compile(r"{(\w+)}")
_READING_VERBS = ("GET",)
_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_TYPE_NAMES: dict[Any, str] = {str: "str", int: "int", bool: "bool", Decimal: "decimal"}


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
        max_bytes: The largest answer that is read.
        timeout_seconds: A default deadline of its own.
        rarely_seconds: The exchange asks not to make this call again sooner; doing so logs a warning.
        text: Whether what comes back is plain text, not JSON.
        echoes: What fields of the answer must be, whatever the arguments, such as the side of an order.
    """

    kind: Kind
    body: Body
    text: bool
    check: Callable[[Mapping[str, Any]], str | None]
    max_bytes: int
    timeout_seconds: float
    rarely_seconds: float
    echoes: Mapping[str, Any]


@frozen(eq=False, repr=False)
class _Declaration:
    route: str
    access: Access
    kind: Kind | None = None
    body: Body | None = None
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    max_bytes: int = MIB
    timeout_seconds: float | None = None
    rarely_seconds: float | None = None
    text: bool = False
    echoes: Mapping[str, Any] = field(factory=dict[str, Any])


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
    hints = _expanded_hints(function)
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
        max_bytes=declared.max_bytes,
        timeout_seconds=declared.timeout_seconds,
        rarely_seconds=declared.rarely_seconds,
        check=declared.check,
        echoes=declared.echoes,
        positional=positional[0] if positional else None,
        doc=inspect.getdoc(function) or "",
    )


def _expanded_hints(function: Any) -> dict[str, Any]:
    """Return the type hints of *function* after expanding ``**fields: Unpack[...]`` in its signature."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    *parameters, last = signature.parameters.values()
    if last.kind is inspect.Parameter.VAR_KEYWORD and get_origin(hints.get(last.name)) is Unpack:
        (fields,) = get_args(hints[last.name])
        hints |= get_type_hints(fields, include_extras=True)
        for name, annotation in get_type_hints(fields).items():
            default = inspect.Parameter.empty if name in fields.__required_keys__ else None
            expanded = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            parameters.append(expanded)
        # `functools.wraps` hands it on to the method, so `help` shows the fields by name as well.
        function.__signature__ = signature.replace(parameters=parameters)
    return hints


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
        takes = endpoint.positional is not None and endpoint.positional not in kwargs
        is_wrong = len(args) > takes
        if takes and args:
            kwargs[str(endpoint.positional)] = args[0]
        answer = None if is_wrong else self._caller.call(endpoint, kwargs)
        del args, kwargs  # some are secrets, and a traceback may show locals
        if answer is None:
            raise UsageError(f"{endpoint.id}: arguments are given by name; nothing was sent", endpoint=endpoint.id)
        return await answer

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
    hints = get_type_hints(bundle)
    return {n: h for n, h in hints.items() if isinstance(h, type) and issubclass(h, Area | Areas)}


def endpoints_of(bundle: type[Areas]) -> Iterator[Endpoint]:
    """Walk all endpoints of a client class, in order of declaration."""
    for kind in areas_of(bundle).values():
        if issubclass(kind, Area):
            yield from kind.endpoints
        else:
            yield from endpoints_of(kind)
