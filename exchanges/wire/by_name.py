"""Models by the names of their fields: what programs pass on, and not what the exchanges send.

Amounts are decimal text with every digit, moments ISO 8601, enums the names of their members. A row that may
stand among rows of other classes has the name of its class under ``class``, which no field can have. JSON that a model
only keeps has its decimal numbers as ``{"$decimal": "1.50"}``, so that they differ from texts; keys that begin with
``$`` get one more. `from_dict` returns an equal model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints, overload

import attrs
from attrs import frozen

from exchanges.errors import DecodeError, UsageError, quotable
from exchanges.wire.codecs import PLAIN_NUMBER, Anything, Deviation, Json, bounded, plain
from exchanges.wire.models import Model, TaggedRow, UnknownRow
from exchanges.wire.rows import Rows

if TYPE_CHECKING:
    Named = None | bool | int | str | list["Named"] | dict[str, "Named"]
else:
    Named = None | bool | int | str | list | dict

__all__ = ["Named", "from_dict", "to_dict", "to_json"]

T = TypeVar("T")

CLASS, DECIMAL, UNKNOWN = "class", "$decimal", "UNKNOWN_"


@overload
def to_dict(model: Model) -> dict[str, Named]: ...
@overload
def to_dict(model: Sequence[Model]) -> list[Named]: ...
def to_dict(model: Model | Sequence[Model]) -> Named:
    """Return a model by the names of its fields, as values that every writer of JSON takes.

    Args:
        model: A model of an exchange; a list of models returns a list.

    Returns:
        Amounts as decimal text, moments as ISO 8601, enums by the name of the member; None where a model has None.

    Raises:
        UsageError: It is no model.
    """
    if attrs.has(type(model)):  # asked first: some models are sequences themselves
        return cast("dict[str, Named]", _form(cast("Any", type(model))).write(model))
    if isinstance(model, Sequence) and not isinstance(model, str | bytes):
        return [to_dict(item) for item in model]
    raise UsageError(f"to_dict needs a model or a list of models, got {type(model).__name__}")


def to_json(model: Model | Sequence[Model]) -> str:
    """Return a model, or a list of models, as JSON by the names of its fields; see `to_dict`."""
    return json.dumps(to_dict(cast("Model", model)), ensure_ascii=False, separators=(",", ":"))


def from_dict(annotation: type[T], value: object) -> T:
    """Return the model that `to_dict` has returned *value* for.

    Args:
        annotation: The model's class, or a list of models such as ``list[Trade]``.
        value: Of `to_dict`, or `to_json` after it was parsed.

    Raises:
        DecodeError: A field is missing, unknown or of another form; names it, and never the value.
        UsageError: *annotation* is no model, nor a list of models.
    """
    if not isinstance(annotation, Hashable):  # such as the value, where the two are in the wrong order
        raise UsageError(f"from_dict needs a model's class and then the value, got {type(annotation).__name__}")
    try:
        return cast("T", _form(cast("Any", annotation)).read(value))
    except Deviation as deviation:
        where = getattr(annotation, "__name__", "value")
        words = f"{where}{quotable(deviation.place)}: expected {deviation.expected}"
        raise DecodeError(words, endpoint=where) from None


@frozen(eq=False)
class _Form:
    """Both directions of one annotation."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


@cache
def _form(annotation: Any) -> _Form:
    """Build both directions of an annotation."""
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin is Annotated:
        is_raw = any(isinstance(mark, Anything) for mark in arguments[1:])
        return _RAW if is_raw else _form(arguments[0])
    if origin is not None:
        return _container(origin, arguments)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _Form(_name_of, lambda value: _member(annotation, value))
    if isinstance(annotation, type) and attrs.has(annotation):
        return _object(annotation)
    if annotation not in _VALUES:
        raise UsageError(f"{getattr(annotation, '__name__', annotation)} is no model")
    return _VALUES[annotation]


def _container(origin: Any, arguments: tuple[Any, ...]) -> _Form:
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin in (list, tuple, Sequence):
        return _list(_form(arguments[0]), origin)
    if issubclass(origin, Mapping):
        return _mapping(_form(arguments[0]), _form(arguments[1]), keys_are_text=arguments[0] is str)
    raise UsageError(f"{origin.__name__} is no model")


# Values


def _read_decimal(value: Any) -> Decimal:
    # Text alone: a JSON number would have gone through a `float` on its way.
    if type(value) is not str or not PLAIN_NUMBER.fullmatch(value):
        raise Deviation("a decimal number as text")
    return bounded(Decimal(value))


def _read_moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Deviation("a moment in ISO 8601") from None
    if moment.tzinfo is None:  # nobody knows which moment that is
        raise Deviation("a moment in ISO 8601, with its offset")
    return moment


def _plain(kind: type, words: str) -> _Form:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise Deviation(words)
        return value

    return _Form(lambda value: value, read)


_VALUES: dict[Any, _Form] = {
    Decimal: _Form(plain, _read_decimal),
    datetime: _Form(datetime.isoformat, _read_moment),
    bool: _plain(bool, "true or false"),
    int: _plain(int, "a whole number"),
    str: _plain(str, "a text"),
}


def _name_of(member: Any) -> str:
    # The name of an unknown member is made fit to be shown, so it is not always all of the value.
    documented: Any = cast("Any", type(member)).__members__
    return member.name if member.name in documented else f"{UNKNOWN}{member.value}"


def _member(members: type[Enum], value: Any) -> Enum:
    documented = cast("Mapping[str, Enum]", cast("Any", members).__members__)
    if type(value) is str and value in documented:
        return documented[value]
    if type(value) is str and value.startswith(UNKNOWN):
        code = value.removeprefix(UNKNOWN)
        kind: Any = cast("Any", members)._member_type_
        try:
            return members(kind(code))
        except ValueError:
            pass
    raise Deviation(f"the name of a {members.__name__}")


def _write_raw(value: Json) -> Named:
    """Return JSON that a model only keeps."""
    if isinstance(value, Decimal):
        return {DECIMAL: plain(value)}
    if isinstance(value, Mapping):
        return {f"${key}" if key.startswith("$") or key == CLASS else key: _write_raw(v) for key, v in value.items()}
    return [_write_raw(item) for item in value] if isinstance(value, list | tuple) else value


def _read_raw(value: Any) -> Json:
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if found.keys() == {DECIMAL}:
            return _read_decimal(found[DECIMAL])
        return {key.removeprefix("$"): _read_raw(item) for key, item in found.items()}
    if isinstance(value, list):
        return [_read_raw(item) for item in cast("Sequence[Any]", value)]
    if value is not None and type(value) not in (bool, int, str):
        raise Deviation("JSON without fractions")
    return cast("Json", value)


_RAW = _Form(_write_raw, _read_raw)


# Containers and models


def _list(inner: _Form, origin: Any) -> _Form:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise Deviation("a list")
        items: list[Any] = []
        for item in cast("Sequence[Any]", value):
            with _Inside(f"[{len(items)}]"):
                items.append(inner.read(item))
        return items if origin is list else tuple(items) if origin is tuple else Rows[Any].of(items)

    return _Form(lambda items: [inner.write(item) for item in items], read)


def _mapping(keys: _Form, values: _Form, *, keys_are_text: bool) -> _Form:
    """Build an object; a list of pairs where keys are no texts."""

    def write(mapping: Any) -> Any:
        pairs = [(keys.write(key), values.write(item)) for key, item in mapping.items()]
        return dict(pairs) if keys_are_text else [list(pair) for pair in pairs]

    def read(value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict if keys_are_text else list):
            raise Deviation("an object" if keys_are_text else "a list of pairs")
        pairs = cast("Mapping[Any, Any]", value).items() if keys_are_text else cast("Sequence[Any]", value)
        return {keys.read(key): values.read(item) for key, item in pairs}

    return _Form(write, read)


def _object(cls: type) -> _Form:
    hints = get_type_hints(cls, include_extras=True)
    forms = {a.name: _form(hints[a.name]) for a in attrs.fields(cls)}
    required = {a.name for a in attrs.fields(cls) if a.default is attrs.NOTHING}

    mark = {CLASS: cls.__name__} if issubclass(cls, TaggedRow | UnknownRow) else {}

    def write(model: Any) -> dict[str, Any]:
        return {**mark, **{name: form.write(getattr(model, name)) for name, form in forms.items()}}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Deviation("an object")
        given = {key: item for key, item in cast("dict[str, Any]", value).items() if key != CLASS}
        if cast("dict[str, Any]", value).get(CLASS, cls.__name__) != cls.__name__:
            raise Deviation(f"class {cls.__name__}")
        if missing := sorted(required - given.keys()):
            raise Deviation("a value, found none", f".{missing[0]}")
        if unknown := sorted(given.keys() - forms.keys()):
            raise Deviation("no such field", f".{unknown[0]}")
        attributes: dict[str, Any] = {}
        for name, item in given.items():
            with _Inside(f".{name}"):
                attributes[name] = forms[name].read(item)
        return cls(**attributes)

    return _Form(write, read)


def _union(members: Sequence[Any]) -> _Form:
    """Build the form of one of several annotations, None among them."""
    members = [member for member in members if member is not NoneType]
    if len(members) == 1:
        single = _form(members[0])
        return _Form(
            lambda value: None if value is None else single.write(value),
            lambda value: None if value is None else single.read(value),
        )
    classes = {member.__name__: member for member in members if isinstance(member, type) and attrs.has(member)}
    rest = _AMOUNT if Decimal in members and dict not in members else _RAW

    def write(value: Any) -> Any:
        name = type(value).__name__
        return {CLASS: name, **_form(classes[name]).write(value)} if name in classes else rest.write(value)

    def read(value: Any) -> Any:
        name = cast("dict[str, Any]", value).get(CLASS) if isinstance(value, dict) else None
        if name in classes:
            return _form(classes[name]).read(value)
        if len(classes) == len(members):
            raise Deviation(f"an object of class {' or '.join(classes)}")
        return rest.read(value)

    return _Form(write, read)


_AMOUNT = _Form(
    lambda amount: plain(amount) if isinstance(amount, Decimal) else amount,
    lambda value: value if type(value) is int or value is None else _read_decimal(value),
)
"""Money that a caller passed: `Decimal`, a whole number or text; text comes back as a `Decimal`."""


class _Inside:
    """Adds the place to a deviation."""

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Deviation):
            error.inside(self._place)
