"""Arguments of a request: read from query or body, then checked against the declaration of the endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar, cast
from urllib.parse import parse_qsl

from attrs import frozen

from exchanges.endpoint import FORM, JSON, MULTIPART, Argument, Body, Endpoint
from exchanges.endpoint.arguments import enum_of
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.http.messages import HttpRequest
from exchanges.simulator.http.multipart import read_multipart
from exchanges.wire import Deviation, Json, loads

V = TypeVar("V")

MAX_TEXT = 1000
_DECIMAL = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
# How clients in Python write 1 and 0 for the grouping of an order book.
_FLAG_NUMBERS = {"True": "1", "False": "0"}
_MARKETS = ("book", "market")
_IN_QUERY = ("GET", "DELETE", "HEAD")
# What HTTP libraries call a body of which they were told nothing.
_UNTOLD = ("", "text/plain", "application/octet-stream")


def read_fields(
    endpoint: Endpoint, request: HttpRequest, *, takes_json: bool = False, strict: bool = False
) -> dict[str, Json]:
    """Read the arguments from the query (GET, DELETE, HEAD) or from the body.

    Args:
        endpoint: What is called.
        request: What was received.
        takes_json: Whether the exchange takes JSON where a form is declared.
        strict: Whether a body must have a content type.

    Raises:
        Refused: In a format that the endpoint does not accept, given twice, or in the wrong place.
    """
    if endpoint.verb in _IN_QUERY:
        refuse_if(request.body, Reason.UNREADABLE, text="a body was not expected")
        return _form(request.query)
    in_query = {argument.wire for argument in endpoint.arguments if argument.param.in_query}
    query = _form(request.query)
    refuse_if(query.keys() - in_query, Reason.UNREADABLE, text="a query was not expected")
    if not request.body:
        return query
    kind = _body_of(endpoint, request, takes_json=takes_json, strict=strict)
    if kind is MULTIPART:
        return read_multipart(request.header("content-type"), request.body)
    body = _object(request.body) if kind is JSON else _form(request.body.decode("ascii", "replace"))
    refuse_if(in_query & body.keys(), Reason.UNREADABLE, text="an argument of the query was not expected in the body")
    return {**query, **body}


def _body_of(endpoint: Endpoint, request: HttpRequest, *, takes_json: bool, strict: bool) -> Body:
    """Return how the body of a request is to be read.

    Raises:
        Refused: The endpoint does not take its content type.
    """
    accepted = (endpoint.body, JSON) if takes_json and endpoint.body is FORM else (endpoint.body,)
    named = request.header("content-type").partition(";")[0].strip().lower()
    if named in _UNTOLD and not strict:
        # A real server that has only one way to read a body does not ask what it is called.
        return JSON if request.body.lstrip().startswith(b"{") and JSON in accepted else endpoint.body
    for kind in accepted:
        if kind.value == named:
            return kind
    raise Refused(Reason.UNREADABLE, text=f"the content type must be {' or '.join(kind.value for kind in accepted)}")


def _form(text: str) -> dict[str, Json]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise Refused(Reason.UNREADABLE) from None
    # A real exchange would take the first or the last of two values; a client must not depend on which.
    fields: dict[str, Json] = dict(pairs)
    refuse_if(len(fields) < len(pairs), Reason.UNREADABLE, text="an argument was given twice")
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
    """The checked arguments of a call by name; arguments that were not given are absent."""

    values: Mapping[str, Json]

    @classmethod
    def check(
        cls, endpoint: Endpoint, in_path: Mapping[str, str], fields: Mapping[str, Json], *, strict: bool = False
    ) -> Arguments:
        """Check what was received against the arguments that *endpoint* declares.

        Args:
            endpoint: What is called.
            in_path: Arguments in the path.
            fields: All others.
            strict: Whether an unknown argument is refused, and a word in other letters than the declared ones.

        Raises:
            Refused: An argument is missing, or not of the declared type; if strict, it is unknown.
        """
        values: dict[str, Json] = {}
        unknown = set(fields)
        spread = next((argument for argument in endpoint.arguments if argument.param.is_spread), None)
        for argument in endpoint.arguments:
            if argument.param.is_spread:
                continue
            given = in_path.get(argument.name) if argument.in_path else fields.get(argument.wire)
            unknown.discard(argument.wire)
            if given is not None:
                values[argument.name] = _value(argument, given if strict else _folded(argument, given))
            elif argument.required:
                raise Refused(Reason.MISSING_ARGUMENT, argument.wire)
        if spread is not None and unknown:
            values[spread.name] = {name: fields[name] for name in unknown}
        elif spread is not None and spread.required:
            raise Refused(Reason.MISSING_ARGUMENT, spread.wire)
        elif unknown and strict:
            # Stricter than an exchange, which ignores it: a misspelled optional argument shows up here.
            raise Refused(Reason.UNKNOWN_ARGUMENT, min(unknown))
        return cls(values)

    def decimal(self, name: str) -> Decimal:
        """Return a decimal argument."""
        return _typed(name, self.values[name], Decimal)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return an integer argument, or *default* if it was not given."""
        return _typed(name, self.values[name] if default is None else self.values.get(name, default), int)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a flag, or *default* if it was not given."""
        return self.values.get(name, default) is True

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text argument, or *default* if it was not given."""
        return str(self.values[name] if default is None else self.values.get(name, default))

    def words(self, name: str) -> str | None:
        """Return a text argument, or None if it was not given."""
        return self.text(name) if name in self.values else None

    def fields(self, name: str) -> dict[str, Json]:
        """Return an object, or what is known of a file."""
        return cast("dict[str, Json]", _typed(name, self.values[name], dict))

    def objects(self, name: str) -> list[dict[str, Json]]:
        """Return a list of objects; empty if it was not given."""
        return cast("list[dict[str, Json]]", _typed(name, self.values.get(name, []), list))


def _folded(argument: Argument, given: Json) -> Json:
    """Return a market or a flag in lower case, and a flag as a number: real servers take BTC_MXN and True as well."""
    if not isinstance(given, str):
        return given
    if argument.type == "int":
        return _FLAG_NUMBERS.get(given, given)
    return given.lower() if argument.name in _MARKETS or argument.type == "bool" else given


def _typed(name: str, value: Json, kind: type[V]) -> V:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is not declared as {kind.__name__}")
    return value


def _value(argument: Argument, given: Json) -> Json:
    match argument.type:
        case "decimal":
            return _decimal(argument, given)
        case "int":
            refuse_if(not _WHOLE.fullmatch(_word(given)), Reason.WRONG_ARGUMENT, argument.wire)
            return int(_word(given))
        case "bool":
            refuse_if(_word(given) not in _FLAGS, Reason.WRONG_ARGUMENT, argument.wire)
            return _FLAGS[_word(given)]
        case "date":
            return _date(argument, given)
        case "object" | "file" | "list":
            return _structure(argument, given)
        case _:
            return _words(argument, given)


def _decimal(argument: Argument, given: Json) -> Decimal:
    may_be_zero = argument.param.render is not None  # a percentage: only these have a rendering of their own
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
    """Validate an object or a list. In a form an object is JSON text; a file is an object already."""
    if isinstance(given, str) and argument.type == "list":
        return _text(argument, given)  # in a query a list of ids is one text
    if isinstance(given, str) and argument.type == "object":
        try:
            given = loads(given.encode())
        except Deviation:
            raise Refused(Reason.WRONG_ARGUMENT, argument.wire) from None
    if argument.type == "list":
        valid = isinstance(given, list) and all(isinstance(item, dict) for item in given)
    else:
        valid = isinstance(given, dict)
    refuse_if(not valid, Reason.WRONG_ARGUMENT, argument.wire)
    return given


def _words(argument: Argument, given: Json) -> Json:
    """Validate a text, or a list of texts if that is declared."""
    if isinstance(given, list) and argument.type == "str-or-list":
        return [_text(argument, item) for item in given]
    return _text(argument, given)


def _text(argument: Argument, given: Json) -> str:
    # The enum is open for answers only: an exchange adds values, but does not accept ones that it never defined.
    declared = enum_of(argument.annotation)
    words = None if declared is None else {member.value for member in declared}
    if not isinstance(given, str) or not 0 < len(given) <= MAX_TEXT or not given.isprintable():
        raise Refused(Reason.WRONG_ARGUMENT, argument.wire)
    refuse_if(words is not None and given not in words, Reason.WRONG_ARGUMENT, argument.wire)
    return given


def _word(given: Json) -> str:
    """Return a single value as the text that a form would hold; empty for an object or a list."""
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(given) if isinstance(given, str | int | Decimal) else ""
