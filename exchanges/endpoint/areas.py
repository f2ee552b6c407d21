"""Areas: classes whose declared methods become calls when the class is created."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from types import NoneType
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
    get_type_hints,
)

from exchanges.endpoint.arguments import converter_of
from exchanges.endpoint.definition import READ, VERBS, Access, Api, Argument, Before, Endpoint, Kind, Param
from exchanges.endpoint.paths import register
from exchanges.endpoint.tracebacks import strip
from exchanges.errors import ExchangeError, Problem, UsageError
from exchanges.http.request import Body
from exchanges.suggestions import hint
from exchanges.wire import Json

_PLACEHOLDER = re.compile(r"{(\w+)}")


class Caller(Protocol):
    """What an area needs of a session: a function that makes one call."""

    def __call__(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Awaitable[Any]:
        """Call an endpoint."""
        ...


Via = Callable[[Any, Endpoint, Mapping[str, Any]], Awaitable[Any]]
"""Makes a call of an area with the `caller` of that area, and maybe others around it."""


class Area:
    """A group of endpoints: an attribute of the client.

    A subclass names its `Api`; its own name in lower case is the name of the attribute. An area of many calls may
    inherit a part of them from another class, which then names the *area* that it is a part of.

    Attributes:
        endpoints: What is declared, in order.
        caller: Makes the calls.
        shared: What the areas of one client, and of its views, know in common, such as bounds of orders that were read.
    """

    __slots__ = ("caller", "shared")

    endpoints: ClassVar[tuple[Endpoint, ...]] = ()

    def __init__(self, caller: Caller, shared: dict[str, Any] | None = None) -> None:
        self.caller = caller
        self.shared = {} if shared is None else shared

    def __repr__(self) -> str:
        """List the calls."""
        return f"{type(self).__name__}({', '.join(_calls_of(type(self)))})"

    if not TYPE_CHECKING:
        # A checker that sees this would accept every name.

        def __getattr__(self, name: str) -> object:
            """Raise: the class has what there is; say what that is."""
            raise _no_attribute(self, name, _calls_of(type(self)), "calls")

    def __init_subclass__(cls, *, api: Api, area: str | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        declared = [(name, f) for name, f in vars(cls).items() if hasattr(f, "__declaration__")]
        hints = _Hints()
        for name, function in declared:
            endpoint = _read(function, f"{api.name}.{area or cls.__name__.lower()}.{name}", api, hints)
            register(endpoint)
            setattr(cls, name, _method(endpoint, function))
            cls.endpoints = (*cls.endpoints, endpoint)


F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


class Declared(TypedDict, total=False):
    """What a declaration may contain beside its route; see `Endpoint`.

    Attributes:
        api: The generation of this call, where it is not that of its area.
        kind: Whether it may be repeated; mandatory except on GET, which is a `READ`.
        body: How arguments travel, if not as everywhere in the API.
        text: Whether the answer is plain text, not JSON.
        check: Returns what is wrong with the arguments together; None if nothing is. Pure.
        before: Raises if a call with these arguments must not be made at this moment. Pure.
        notice: What a call does beside its purpose, logged as a warning when it was executed.
        max_bytes: The largest answer that is read.
        timeout_seconds: Its own default deadline.
        echoes: Values that fields of the answer must have, whatever the arguments, such as the side of an order.
        read_problem: Reads a refusal that this endpoint alone answers with; None for every other answer. Pure.
        fault: Returns what was expected of an answer that contradicts itself; None if nothing is wrong with it. Pure.
        single: Whether a list travels where one object is meant, which is the answer.
        exempt: Whether the exchange does not count it against any limit.
        shows_ids: The fields of what it shows with the exchange's id and the client's id of one thing.
        via: Makes the call in place of the area's `Caller`, for a call that is more than one request.
    """

    api: Api
    kind: Kind
    body: Body
    text: bool
    check: Callable[[Mapping[str, Any]], str | None]
    before: Before
    notice: str
    max_bytes: int
    timeout_seconds: float
    echoes: Mapping[str, Any]
    read_problem: Callable[[Json], Problem | None]
    fault: Callable[[Any, Mapping[str, Any]], str | None]
    single: bool
    exempt: bool
    shows_ids: tuple[str, str]
    via: Via


def public(route: str, **declared: Unpack[Declared]) -> Callable[[F], F]:
    """Declare a call that needs no credentials. *route*: verb and path as documented, placeholders in braces."""
    return _mark(route, Access.PUBLIC, declared)


def private(route: str, *, access: Access = Access.PRIVATE, **declared: Unpack[Declared]) -> Callable[[F], F]:
    """Declare a call that is signed; *access* is RESELLER where the exchange separates that."""
    return _mark(route, access, declared)


def _mark(route: str, access: Access, declared: Declared) -> Callable[[F], F]:
    def mark(function: F) -> F:
        cast("Any", function).__declaration__ = route, access, declared
        return function

    return mark


def _read(function: Any, endpoint_id: str, api: Api, evaluated: _Hints) -> Endpoint:
    documented, access, declared = function.__declaration__
    verb, _, route = documented.partition(" ")
    api = declared.get("api", api)
    # `via` is how the method makes the call, not what the call is.
    facts: dict[str, Any] = {
        "body": api.body,
        **{name: fact for name, fact in declared.items() if name not in ("via", "api")},
    }
    # A POST that only reads exists too, so no other verb decides the kind.
    if facts.setdefault("kind", READ if verb == "GET" else None) is None:
        raise TypeError(f"{endpoint_id}: a {verb} must declare its kind")
    if verb not in VERBS or not route.startswith("/"):
        raise TypeError(f"{endpoint_id}: {documented!r} is not 'VERB /path'")
    placeholders = set(_PLACEHOLDER.findall(route))
    # Here and not on the first call: what a declaration lacks must fail at import.
    hints, (_, *parameters) = _expanded(function, evaluated)
    if untyped := {"return", *(p.name for p in parameters)} - hints.keys():
        raise TypeError(f"{endpoint_id}: no annotation for {sorted(untyped)}")
    arguments = tuple(_argument(p, hints[p.name], placeholders, endpoint_id) for p in parameters)
    if missing := placeholders - {a.name for a in arguments}:
        raise TypeError(f"{endpoint_id}: {documented} has no argument for {sorted(missing)}")
    positional = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    # Two amounts by position are easily exchanged for one another.
    if len(positional) > 1:
        raise TypeError(f"{endpoint_id}: more than one positional argument")
    return Endpoint(
        id=endpoint_id,
        verb=verb,
        route=route,
        access=access,
        arguments=arguments,
        answer=hints["return"],
        api=api,
        positional=positional[0] if positional else None,
        doc=function.__doc__ or "",
        **facts,
    )


class _Hints:
    """Evaluates annotations, each once: an area repeats few of them many times."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def of(self, function: Any) -> dict[str, Any]:
        """Return the type hints of *function*."""
        annotations = {name: (function.__module__, hint) for name, hint in function.__annotations__.items()}
        unknown = {key: key[1] for key in annotations.values() if key not in self._known}
        # Not `get_type_hints`, which takes three times as long to find the same.
        found = inspect.get_annotations(_annotated(unknown), globals=function.__globals__, eval_str=True)
        self._known |= {key: NoneType if hint is None else hint for key, hint in found.items()}
        return {name: self._known[key] for name, key in annotations.items()}


def _annotated(annotations: dict[Any, Any]) -> Callable[[], None]:
    def function() -> None: ...

    function.__annotations__ = annotations
    return function


@functools.cache
def _fields_of(unpacked: Any) -> tuple[dict[str, Any], Sequence[inspect.Parameter]]:
    """Return the type hints of what is unpacked in a signature, and its fields as parameters."""
    required = unpacked.__required_keys__
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if name in required else None,
            annotation=hint,
        )
        for name, hint in get_type_hints(unpacked).items()
    ]
    return get_type_hints(unpacked, include_extras=True), parameters


def _expanded(function: Any, evaluated: _Hints) -> tuple[dict[str, Any], Sequence[inspect.Parameter]]:
    """Return the type hints and parameters of *function* after expanding ``**fields: Unpack[...]`` in its signature."""
    hints = evaluated.of(function)
    signature = inspect.signature(function)
    *parameters, last = signature.parameters.values()
    if last.kind is not inspect.Parameter.VAR_KEYWORD or get_origin(hints.get(last.name)) is not Unpack:
        return hints, [*parameters, last]
    (unpacked,) = get_args(hints[last.name])
    fields, expanded = _fields_of(unpacked)
    # `functools.wraps` hands it on to the method, so `help` shows the fields by name as well.
    function.__signature__ = signature.replace(parameters=[*parameters, *expanded])
    return hints | fields, [*parameters, *expanded]


def _argument(parameter: inspect.Parameter, annotation: Any, placeholders: set[str], endpoint_id: str) -> Argument:
    param = Param()
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        param = next((e for e in extras if isinstance(e, Param)), param)
    bare = _without_none(annotation)
    type_name, convert = converter_of(bare)
    type_name = param.type or type_name
    if type_name is None:
        raise TypeError(f"{endpoint_id}: no rendering for {parameter.name}: {annotation}")
    return Argument(
        name=parameter.name,
        wire=param.wire or parameter.name,
        annotation=bare,
        convert=param.render or convert,
        type=type_name,
        default=parameter.default,
        required=parameter.default is inspect.Parameter.empty,
        in_path=parameter.name in placeholders,
        # A secret is not compared unless its declaration says so: answers may show it in part.
        echo=None if param.secret and param.echo == "=" else parameter.name if param.echo == "=" else param.echo,
        param=param,
    )


def _without_none(annotation: Any) -> Any:
    members = get_args(annotation)
    if NoneType not in members:
        return annotation
    return functools.reduce(lambda a, b: a | b, (member for member in members if member is not NoneType))


def _method(endpoint: Endpoint, function: Callable[..., Any]) -> Callable[..., Any]:
    via: Via | None = cast("Any", function).__declaration__[2].get("via")

    @functools.wraps(function)
    async def call(self: Area, /, *args: Any, **kwargs: Any) -> Any:
        try:
            if len(args) > (endpoint.positional is not None and endpoint.positional not in kwargs):
                fault = f"{endpoint.id}: arguments are passed by name: {_call_of(endpoint)}; nothing was sent"
                raise UsageError(fault, endpoint=endpoint.id)
            if args:  # one, and the endpoint has a name for it
                kwargs[str(endpoint.positional)] = args[0]
            answer = self.caller(endpoint, kwargs) if via is None else via(self, endpoint, kwargs)
            # A task that waits shows the locals of its frames, and some arguments are secrets. Assigned, not deleted:
            # reporters such as cgitb look up every parameter of a frame.
            args, kwargs = (), {}
            return await answer
        except ExchangeError as error:
            # The frames behind it hold arguments and credentials. Raised again, it gets the caller's frames alone.
            strip(error)
            raise

    cast("Any", call).endpoint = endpoint
    return call


class Areas:
    """A bundle of areas: a client, or an older generation of an API under it.

    The annotations of a subclass are the list of its areas; there is no other.
    """

    __areas__: ClassVar[Mapping[str, type[Area | Areas]]]

    def __repr__(self) -> str:
        """List the areas."""
        return f"{type(self).__name__}({', '.join(areas_of(type(self)))})"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Raise: the class has what there is; say what that is."""
            views = (view for view, value in vars(type(self)).items() if isinstance(value, property))
            raise _no_attribute(self, name, [*areas_of(type(self)), *views], "areas")

    def _bind(self, caller: Caller, shared: dict[str, Any] | None = None) -> None:
        for name, kind in areas_of(type(self)).items():
            if issubclass(kind, Area):
                setattr(self, name, kind(caller, shared))
            else:
                bundle = kind()
                bundle._bind(caller, shared)  # noqa: SLF001 - same class
                setattr(self, name, bundle)


def _call_of(endpoint: Endpoint) -> str:
    """Return a call with the arguments that it must have; if it must have none, with those that it may have."""
    names = [a.name for a in endpoint.arguments if a.required] or [a.name for a in endpoint.arguments]
    return f"{endpoint.id.rpartition('.')[2]}({', '.join(f'{name}=...' for name in names)})"


def _calls_of(area: type[Area]) -> list[str]:
    return [endpoint.id.rpartition(".")[2] for endpoint in area.endpoints]


def _no_attribute(owner: object, name: str, known: Sequence[str], what: str) -> AttributeError:
    """Build the error for an attribute that there is not."""
    words = f"{type(owner).__name__} has no {name}"
    # What begins with an underscore is asked for by the interpreter, not by people.
    if not name.startswith("_"):
        words = f"{hint(words, name, [*known, *dir(type(owner))])}; {what}: {', '.join(known)}"
    return AttributeError(words, name=name)


def areas_of(bundle: type[Areas]) -> Mapping[str, type[Area | Areas]]:
    """Return the areas, and bundles of areas, that *bundle* annotates, by name."""
    # Kept with the class: every client that is built reads this several times, and evaluating annotations takes most of
    # its time. Not that of a base, which has other areas.
    if "__areas__" not in vars(bundle):
        hints = get_type_hints(bundle)
        bundle.__areas__ = {n: h for n, h in hints.items() if isinstance(h, type) and issubclass(h, Area | Areas)}
    return bundle.__areas__


def endpoints_of(bundle: type[Areas]) -> Iterator[Endpoint]:
    """Iterate over all endpoints of a client class, in order of declaration."""
    for kind in areas_of(bundle).values():
        if issubclass(kind, Area):
            yield from kind.endpoints
        else:
            yield from endpoints_of(kind)
