"""Arguments as they arrive: read from query or body, then compared with what the endpoint declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from attrs import frozen

from exchanges.endpoint import JSON, MULTIPART, Argument, Endpoint
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.messages import HttpRequest
from exchanges.simulator.http.multipart import read_multipart
from exchanges.wire import Deviation, Json, OpenStrEnum, loads

__all__ = ["Arguments", "read_fields"]

MAX_TEXT = 1000
_DECIMAL = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_IN_QUERY = ("GET", "DELETE", "HEAD")


def read_fields(endpoint: Endpoint, request: HttpRequest) -> dict[str, Json]:
    """Read what travels in the query (GET, DELETE) or in the body.

    Raises:
        Refused: Not in the form that the endpoint takes, or something is said twice or in the wrong place.
    """
    if endpoint.verb in _IN_QUERY:
        if request.body:
            raise Refused(Reason.UNREADABLE, text="a body was not expected")
        return _form(request.query)
    if request.query:
        raise Refused(Reason.UNREADABLE, text="a query was not expected")
    if not request.body:
        return {}
    if request.header("content-type").partition(";")[0].strip().lower() != endpoint.body.value:
        raise Refused(Reason.UNREADABLE, text=f"the content type must be {endpoint.body.value}")
    if endpoint.body is MULTIPART:
        return read_multipart(request.header("content-type"), request.body)
    return _object(request.body) if endpoint.body is JSON else _form(request.body.decode("ascii", "replace"))


def _form(text: str) -> dict[str, Json]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise Refused(Reason.UNREADABLE) from None
    fields: dict[str, Json] = dict(pairs)
    if len(fields) < len(pairs):
        raise Refused(Reason.UNREADABLE, text="an argument was given twice")
    return fields


def _object(body: bytes) -> dict[str, Json]:
    try:
        value = loads(body)
    except Deviation:
        raise Refused(Reason.UNREADABLE) from None
    if not isinstance(value, dict):
        raise Refused(Reason.UNREADABLE)
    return value


@frozen
class Arguments:
    """The arguments of a call by name, checked: those that were not given are not there."""

    values: Mapping[str, Json]

    @classmethod
    def check(cls, endpoint: Endpoint, in_path: Mapping[str, str], fields: Mapping[str, Json]) -> Arguments:
        """Compare what arrived with what *endpoint* declares.

        Raises:
            Refused: Something is missing, unknown, or not of the declared type.
        """
        values: dict[str, Json] = {}
        left = set(fields)
        for argument in endpoint.arguments:
            given = in_path.get(argument.name) if argument.in_path else fields.get(argument.wire)
            left.discard(argument.wire)
            if given is not None:
                values[argument.name] = _value(argument, given)
            elif argument.required:
                raise Refused(Reason.MISSING_ARGUMENT, argument.wire)
        if left:
            raise Refused(Reason.UNKNOWN_ARGUMENT, min(left))
        return cls(values)

    def decimal(self, name: str) -> Decimal:
        """Give a number that must be there."""
        value = self.values[name]
        if not isinstance(value, Decimal):
            raise TypeError(f"{name} is not declared as a decimal")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """Give a whole number."""
        value = self.values[name] if default is None else self.values.get(name, default)
        if not isinstance(value, int):
            raise TypeError(f"{name} is not declared as an int")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Give true or false."""
        return self.values.get(name, default) is True

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text."""
        return str(self.values[name] if default is None else self.values.get(name, default))

    def words(self, name: str) -> str | None:
        """Give a text, or None where there is none."""
        return self.text(name) if name in self.values else None

    def fields(self, name: str) -> dict[str, Json]:
        """Give an object."""
        value = self.values[name]
        if not isinstance(value, dict):
            raise TypeError(f"{name} is not declared as an object or a file")
        return value

    def objects(self, name: str) -> list[dict[str, Json]]:
        """Give a list of objects; an empty one where there is none."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise TypeError(f"{name} is not declared as a list")
        return [item for item in value if isinstance(item, dict)]


def _value(argument: Argument, given: Json) -> Json:
    match argument.type:
        case "decimal":
            return _decimal(argument, given)
        case "int":
            if not _WHOLE.fullmatch(_word(given)):
                raise Refused(Reason.WRONG_ARGUMENT, argument.wire)
            return int(_word(given))
        case "bool":
            if _word(given) not in _FLAGS:
                raise Refused(Reason.WRONG_ARGUMENT, argument.wire)
            return _FLAGS[_word(given)]
        case "date":
            return _date(argument, given)
        case "object" | "file" | "list":
            return _structure(argument, given)
        case _:
            return _words(argument, given)


def _decimal(argument: Argument, given: Json) -> Decimal:
    may_be_zero = argument.param.render is not None  # a percentage, which has a rendering of its own
    if not _DECIMAL.fullmatch(_word(given)) or not (may_be_zero or Decimal(_word(given))):
        raise Refused(Reason.WRONG_NUMBER, argument.wire)
    return Decimal(_word(given))


def _date(argument: Argument, given: Json) -> str:
    try:
        datetime.strptime(_word(given), "%Y/%m/%d").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(Reason.WRONG_ARGUMENT, argument.wire) from None
    return _word(given)


def _structure(argument: Argument, given: Json) -> Json:
    """Read an object or a list, which in a form is JSON as text; what is known of a file is an object already."""
    if isinstance(given, str) and argument.type == "object":
        try:
            given = loads(given.encode())
        except Deviation:
            raise Refused(Reason.WRONG_ARGUMENT, argument.wire) from None
    if argument.type == "list":
        right = isinstance(given, list) and all(isinstance(item, dict) for item in given)
    else:
        right = isinstance(given, dict)
    if not right:
        raise Refused(Reason.WRONG_ARGUMENT, argument.wire)
    return given


def _words(argument: Argument, given: Json) -> Json:
    """Read a text, or several where they are declared."""
    if isinstance(given, list) and argument.type == "str-or-list":
        return [_text(argument, item) for item in given]
    return _text(argument, given)


def _text(argument: Argument, given: Json) -> str:
    declared: Any = argument.annotation
    words = {m.value for m in declared} if isinstance(declared, type) and issubclass(declared, OpenStrEnum) else None
    if not isinstance(given, str) or not 0 < len(given) <= MAX_TEXT or not given.isprintable():
        raise Refused(Reason.WRONG_ARGUMENT, argument.wire)
    if words is not None and given not in words:
        raise Refused(Reason.WRONG_ARGUMENT, argument.wire)
    return given


def _word(given: Json) -> str:
    """Write a single value as it would stand in a form; nothing for an object or a list."""
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(given) if isinstance(given, str | int | Decimal) else ""
