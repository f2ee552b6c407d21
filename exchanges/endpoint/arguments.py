"""Checks of the caller's arguments, and their conversion to values and texts of the wire."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from enum import Enum
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast, get_args

from exchanges.endpoint.definition import Argument, Endpoint
from exchanges.errors import ExchangeError, UsageError, quotable
from exchanges.http.uploads import Upload
from exchanges.suggestions import hint
from exchanges.wire import Amount, Json, OpenIntEnum, OpenStrEnum, dumps, plain
from exchanges.wire.codecs import bounds_of

P = ParamSpec("P")
T = TypeVar("T")

MAX_TEXT = 1000
MAX_DEPTH = 8
MAX_INT = 2**63 - 1
MAX_DIGITS = 30
_BOUNDS = bounds_of(MAX_DIGITS)
_BARE = frozenset((str, int, bool, Decimal, type(None)))
_MONEY_TEXT = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


class _ArgumentError(ValueError):
    """An argument is wrong; the text is the reason."""


def check(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Json | Upload]:
    """Convert the caller's arguments to values of the wire, by name.

    An optional argument that is None, or renders as None, is left out.

    Raises:
        UsageError: Names the argument that is wrong, and the reason.
    """
    given = {
        name: value if type(value) in _BARE else _guarded(endpoint, name, partial(_bare, value))
        for name, value in arguments.items()
    }
    # First, as a misspelled name makes the right one missing.
    if unknown := given.keys() - endpoint.names:
        raise _usage(endpoint, _unknown_names(endpoint, sorted(map(quotable, unknown))))
    values: dict[str, Json | Upload] = {}
    for argument in endpoint.arguments:
        value = given.get(argument.name, argument.default)
        if value is None and not argument.required and not argument.in_path:
            continue
        if argument.name not in given and argument.required:
            raise _usage(endpoint, f"{argument.name} is missing")
        try:
            rendered = _render(argument, value)
        except Exception as error:  # noqa: BLE001 - an object of the caller's own may raise anything
            raise _usage(endpoint, _fault_of(argument.name, error)) from None
        if rendered is not None:
            values[argument.name] = rendered
        if argument.param.is_spread and (doubled := _names(endpoint) & cast("dict[str, Json]", rendered).keys()):
            names = ", ".join(sorted(doubled))
            raise _usage(endpoint, f"{argument.name} must not hold {names}: give it as an argument of its own")
    # Last, so that it may rely on each argument being right by itself.
    if endpoint.check is not None:
        fault = _guarded(endpoint, "one of the arguments", partial(endpoint.check, given))
        if fault:
            raise _usage(endpoint, fault)
    return values


def _unknown_names(endpoint: Endpoint, unknown: list[str]) -> str:
    """Return that there are no such arguments, and what was meant: also by the name on the wire, as in documents."""
    fault, names = f"no such argument: {', '.join(unknown)}", {a.wire: a.name for a in endpoint.arguments}
    meant = next((names[word] for word in unknown if word in names), None)
    if meant is not None:
        return f"{fault}; did you mean {meant}?"
    return hint(fault, unknown[0], names.values(), lists_all=True)


def _guarded(endpoint: Endpoint, name: str, step: Callable[[], T]) -> T:
    """Return what a step returns that looks at an argument; raise `UsageError` whatever it raises."""
    try:
        return step()
    except Exception as error:  # noqa: BLE001 - as above
        raise _usage(endpoint, _fault_of(name, error)) from None


def _fault_of(name: str, error: Exception) -> str:
    """Return the fault of an argument that made *error*; not its text, unless it is ours: that may be a secret."""
    if isinstance(error, _ArgumentError):
        return f"{quotable(name)} {error}"
    reason = "contains itself" if isinstance(error, RecursionError) else f"cannot be read: {type(error).__name__}"
    return f"{quotable(name)} {reason}"


def _bare(value: Any) -> Any:
    """Return the value of a subclass of text or number as that type.

    What is checked must be what is sent, and not what the methods of a subclass say: ``str()`` of an enum with text for
    values is its name.
    """
    bare = value
    if isinstance(value, str):
        bare = str.__str__(value)
    elif isinstance(value, Decimal):
        bare = Decimal(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        bare = int.__int__(value)
    if isinstance(value, Enum) and bare is not value and value.value != bare:
        raise _ArgumentError("must not be an enum whose text or number is not its value")
    return bare


def _names(endpoint: Endpoint) -> set[str]:
    """Return the names that the arguments have on the wire."""
    return {argument.wire for argument in endpoint.arguments}


def _usage(endpoint: Endpoint, fault: str) -> UsageError:
    return UsageError(f"{endpoint.id} ({endpoint}): {fault}; nothing was sent", endpoint=endpoint.id)


def _render(argument: Argument, value: Any) -> Json | Upload:
    param = argument.param
    # A renderer of its own takes values that no annotation describes, so the check comes before it.
    if param.render is None:
        value = argument.convert(value)
    if param.check is not None and (fault := param.check(value)):
        raise _ArgumentError(fault)
    if param.render is not None:
        try:
            value = param.render(value)
        except (TypeError, ValueError) as error:
            raise _ArgumentError(str(error)) from error
    # A server may take such a segment for a step within the path, and so for another endpoint.
    if argument.in_path and value in ("", ".", ".."):
        raise _ArgumentError("must not be empty or dots: it is part of the path")
    return cast("Json | Upload", value)


def _word(words: type[OpenStrEnum], value: Any) -> str:
    word = _string(value.value if isinstance(value, words) else value)
    if word not in (known := {m.value for m in words}):
        raise _ArgumentError(f"must be one of {', '.join(sorted(known))}")
    return word


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _ArgumentError(f"must be a bool, not {type(value).__name__}")
    return value


def digit(value: Any) -> int:
    """Convert a bool to 0 or 1."""
    return int(_boolean(value))


def money(value: Any) -> str:
    """Return an amount in plain notation with every digit.

    Raises:
        _ArgumentError: Not a `Decimal`, `int` or plain decimal `str`; not a finite number above zero; too long.
    """
    # By its type: an object may claim to be of any class.
    if isinstance(value, bool) or not issubclass(type(value), Decimal | int | str):
        hint = " (a float has lost digits already)" if isinstance(value, float) else ""
        raise _ArgumentError(f"must be a Decimal, an int or a decimal str, not {type(value).__name__}{hint}")
    if isinstance(value, str) and not _MONEY_TEXT.fullmatch(value):
        raise _ArgumentError("must be written in plain decimal digits, such as '10000.05'")
    # The bounds raise where the default context would round.
    try:
        number = _BOUNDS.create_decimal(value)
    except (DecimalException, ValueError):
        raise _ArgumentError(f"must have at most {MAX_DIGITS} digits") from None
    if not number.is_finite() or number <= 0:
        raise _ArgumentError("must be a finite number above zero")
    return format(number, "f")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _ArgumentError(f"must be an int, not {type(value).__name__}")
    number = int.__int__(value)
    if not 0 <= number <= MAX_INT:
        raise _ArgumentError(f"must lie between 0 and {MAX_INT}")
    return number


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _ArgumentError(f"must be a str, not {type(value).__name__}")
    words = str.__str__(value)
    if len(words) > MAX_TEXT:
        raise _ArgumentError(f"must have at most {MAX_TEXT} characters")
    if not words.isprintable():
        raise _ArgumentError("must not hold control characters")
    return words


def tag(value: object) -> str:
    """Render what a network demands beside an address, a number or text: 0 and leading zeros are a part of it."""
    text = str(value) if type(value) is int else value
    # An empty one would be dropped without a word, and the coins lost.
    if not isinstance(text, str) or not text.isprintable() or text != text.strip() or not text:
        raise ValueError("must be a number or text, not empty, without blanks around it")
    return text


def json_object(value: object) -> Json:
    """Convert a mapping of text, numbers, lists and mappings to an object of JSON; amounts become text.

    Raises:
        TypeError: A key or a value of another type.
        ValueError: A text that no argument may be, or more than `MAX_DEPTH` levels.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a mapping, not {type(value).__name__}")
    return _json(cast("Mapping[object, object]", value), MAX_DEPTH)


def _json(value: object, depth: int) -> Json:
    if depth == 0:
        raise ValueError(f"must not be nested more than {MAX_DEPTH} deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {_string(name): _json(item, depth - 1) for name, item in items}
    if isinstance(value, list | tuple):
        return [_json(item, depth - 1) for item in cast("list[object]", value)]
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("must hold finite numbers")
        return plain(value)
    return _integer(value) if isinstance(value, int) else _string(value)


_CONVERTERS: dict[Any, tuple[str | None, Callable[[Any], Json]]] = {
    Amount: ("decimal", money),
    Decimal: ("decimal", _string),
    bool: ("bool", _boolean),
    int: ("int", _integer),
    str: ("str", _string),
}


def enum_of(annotation: Any) -> type[OpenStrEnum] | None:
    """Return the enum of a closed set of words, which may be given as text too; None for all else."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, OpenStrEnum)), None)


def converter_of(annotation: Any) -> tuple[str | None, Callable[[Any], Json]]:
    """Return the name of a type, and the function that checks a value of it and converts it to one of the wire.

    The name is None for a type that needs a renderer of its own.
    """
    if (words := enum_of(annotation)) is not None:
        return "str", partial(_word, words)
    if isinstance(annotation, type) and issubclass(annotation, OpenIntEnum):
        annotation = int
    return _CONVERTERS.get(annotation, (None, _string))


def text(value: Json) -> str:
    """Return a value as it travels in a form, a query or a path; lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return dumps(value).decode()
    return plain(value) if isinstance(value, Decimal) else str(value)


def refusing(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that computes without a call: what an odd argument raises becomes a `UsageError`."""

    @functools.wraps(function)
    def refuses(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except ExchangeError:
            raise
        except Exception as error:  # noqa: BLE001 - as in `check`
            fault = f"{function.__name__}: an argument cannot be read: {type(error).__name__}"
            raise UsageError(fault) from None

    return refuses
