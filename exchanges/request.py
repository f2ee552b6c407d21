"""Endpoint and arguments to the exact bytes, once.

`check` turns the caller's arguments into wire values or a `UsageError`; `Draft.render` makes the bytes. A scheme
signs those bytes and nothing rewrites them afterwards.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, DecimalException
from typing import Any, cast
from urllib.parse import quote, quote_plus, urlencode
from uuid import uuid4

from attrs import evolve, field, frozen

from exchanges.endpoint import JSON, MULTIPART, Argument, Endpoint
from exchanges.errors import UsageError
from exchanges.intents import Intent
from exchanges.redaction import REDACTED
from exchanges.upload import Upload
from exchanges.wire import Amount, Json, OpenIntEnum, OpenStrEnum, dumps, plain
from exchanges.wire.codecs import BOUNDS, MAX_DIGITS

__all__ = ["Attachment", "Draft", "Request", "check", "draft"]

MAX_TEXT = 1000
MAX_INT = 2**63 - 1
_MONEY_TEXT = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_IN_QUERY = ("GET", "DELETE")


class _Wrong(ValueError):
    """An argument is wrong; the text says how."""


@frozen(eq=False)
class Attachment:
    """A file in the body of a request, and the bytes behind it."""

    upload: Upload
    tail: bytes

    @property
    def size(self) -> int:
        """Bytes of both."""
        return self.upload.size + len(self.tail)


@frozen(repr=False)
class Request:
    """The bytes of one HTTP request, ready to go.

    Attributes:
        verb: HTTP verb.
        origin: Scheme, host and port.
        target: Path and query exactly as they travel.
        headers: All headers that the exchange is to see beside Host, Content-Length and the connection's own.
        body: Exactly as it travels; what comes before the content of a file.
        attachment: A file whose content follows, and what comes behind it.
        secrets: Texts in this request that must not show in errors.
    """

    verb: str
    origin: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    attachment: Attachment | None = None

    @property
    def size(self) -> int:
        """Bytes of body and attachment together."""
        return len(self.body) + (self.attachment.size if self.attachment is not None else 0)

    def __repr__(self) -> str:
        """Show no query, header or body: each may hold a secret."""
        return f"Request({self.verb} {self.target.partition('?')[0]})"

    def adding(self, headers: Mapping[str, str], secrets: tuple[str, ...]) -> Request:
        """Put on *headers* that sign what is already rendered."""
        return evolve(self, headers=(*self.headers, *headers.items()), secrets=(*self.secrets, *secrets))


@frozen(eq=False, repr=False)
class Draft:
    """A checked call before it is signed.

    Attributes:
        endpoint: What is called.
        origin: Scheme, host and port.
        path: With prefix, placeholders filled in and escaped.
        fields: The other arguments by their names on the wire.
        in_path: The arguments that fill the placeholders, by name.
        upload: The file among the arguments, by its name on the wire.
        tag: The tag among the fields, by its name on the wire.
        acting: What a view put among the fields.
    """

    endpoint: Endpoint
    origin: str
    path: str
    fields: dict[str, Json] = field(factory=dict[str, Json], repr=False)
    in_path: dict[str, Json] = field(factory=dict[str, Json], repr=False)
    upload: tuple[str, Upload] | None = None
    tag: tuple[str, str] | None = None
    acting: Mapping[str, str] = field(factory=dict[str, str])

    def __repr__(self) -> str:
        """Show what is called, not with what."""
        return f"Draft({self.endpoint.id})"

    def __str__(self) -> str:
        """Name the call as messages begin."""
        return f"{self.endpoint.id} ({self.endpoint})"

    def adding(self, **fields: Json) -> Draft:
        """Put *fields* before the caller's own."""
        return evolve(self, fields={**fields, **self.fields})

    def render(self, *, secrets: tuple[str, ...] = ()) -> Request:
        """Make the bytes."""
        endpoint, target, body = self.endpoint, self.path, b""
        headers: tuple[tuple[str, str], ...] = ()
        hidden = [_text(self.fields[name]) for name in self._secret_names() if name in self.fields]
        secrets = (*secrets, *hidden, *map(quote_plus, hidden))
        if self.upload is not None:
            return self._multipart(*self.upload, secrets)
        if endpoint.verb in _IN_QUERY:
            if self.fields:
                target += "?" + urlencode(_texts(self.fields))
        elif self.fields or endpoint.body is JSON:
            body = dumps(self.fields) if endpoint.body is JSON else urlencode(_texts(self.fields)).encode()
            headers = (("Content-Type", endpoint.body.value),)
        return Request(endpoint.verb, self.origin, target, headers, body, secrets)

    def _multipart(self, name: str, upload: Upload, secrets: tuple[str, ...]) -> Request:
        """Lay out the fields, then the file."""
        boundary = uuid4().hex
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="%s"'
        fields = "".join(f"{part % field}\r\n\r\n{text}\r\n" for field, text in _texts(self.fields))
        opening = f'{part % name}; filename="{upload.name}"\r\nContent-Type: {upload.content_type}\r\n\r\n'
        return Request(
            self.endpoint.verb,
            self.origin,
            self.path,
            (("Content-Type", f"{MULTIPART.value}; boundary={boundary}"),),
            (fields + opening).encode(),
            secrets,
            Attachment(upload, f"\r\n--{boundary}--\r\n".encode()),
        )

    def _secret_names(self) -> set[str]:
        return {argument.wire for argument in self.endpoint.arguments if argument.param.secret}

    def acting_with(self, fields: Mapping[str, str]) -> Draft:
        """Put on what a view puts on every call."""
        return evolve(self.adding(**fields), acting=fields)

    def tagged(self, tag: str) -> Draft:
        """Put *tag* into the field that is made for it, where there is one and the caller left it empty."""
        for argument in self.endpoint.arguments:
            if argument.param.tag and argument.wire not in self.fields:
                return evolve(self, fields={**self.fields, argument.wire: tag}, tag=(argument.wire, tag))
        return self

    @property
    def digest(self) -> str:
        """The same for calls that would do the same, tags apart. Secrets are left out: a short one could be guessed."""
        hidden, amounts = self._secret_names(), {a.wire for a in self.endpoint.arguments if a.annotation == Amount}
        fields = sorted(
            (name, _shortest(_text(value)) if name in amounts else _text(value))
            for name, value in self.fields.items()
            if name not in hidden and not self._is_tag(name)
        )
        upload = () if self.upload is None else (self.upload[1].name, self.upload[1].size)
        return hashlib.sha256(repr((self.endpoint.id, self.path, fields, upload)).encode()).hexdigest()[:32]

    def intent(self, at: datetime) -> Intent:
        """Say what this call is to do, for errors and the journal; secrets stay out of it, and what a file holds."""
        names = {argument.wire: argument.name for argument in self.endpoint.arguments}
        secret = self._secret_names()
        fields = {
            names.get(name, name): REDACTED if name in secret else value
            for name, value in self.fields.items()
            if not self._is_tag(name) and name not in self.acting
        }
        if self.upload is not None:
            name, file = self.upload
            fields[names.get(name, name)] = {"content_type": file.content_type, "size": file.size}
        told = {name: _told(value) for name, value in {**self.in_path, **fields}.items()}
        return Intent(self.endpoint.id, told, at, self.tag and self.tag[1], dict(self.acting))

    def _is_tag(self, name: str) -> bool:
        return self.tag is not None and self.tag[0] == name


def draft(endpoint: Endpoint, arguments: Mapping[str, Any], base_url: str) -> Draft:
    """Check *arguments* and lay out the call below *base_url*.

    Raises:
        UsageError: An argument is missing, unknown or wrong; nothing is sent.
    """
    values = check(endpoint, arguments)
    scheme, _, rest = base_url.partition("://")
    host, slash, prefix = rest.partition("/")
    path = endpoint.route
    in_path: dict[str, Json] = {}
    fields: dict[str, Json] = {}
    upload: tuple[str, Upload] | None = None
    for argument in (a for a in endpoint.arguments if a.name in values):
        value = values[argument.name]
        if isinstance(value, Upload):
            upload = (argument.wire, value)
        elif argument.in_path:
            in_path[argument.name] = value
        else:
            fields[argument.wire] = value
    for name, value in in_path.items():
        path = path.replace("{" + name + "}", quote(_text(value), safe=""))
    return Draft(endpoint, f"{scheme}://{host}", slash + prefix + path, fields, in_path, upload)


def check(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Json | Upload]:
    """Turn the caller's arguments into wire values by name; an optional one that is, or renders as, None is left out.

    Raises:
        UsageError: Says which argument is wrong and how.
    """
    values: dict[str, Json | Upload] = {}
    for argument in endpoint.arguments:
        given = arguments.get(argument.name, argument.default)
        if given is None and not argument.required and not argument.in_path:
            continue
        if argument.name not in arguments and argument.required:
            raise _usage(endpoint, f"{argument.name} is missing")
        try:
            rendered = _render(argument, given)
        except _Wrong as wrong:
            raise _usage(endpoint, f"{argument.name} {wrong}") from None
        if rendered is not None:
            values[argument.name] = rendered
    if unknown := arguments.keys() - {a.name for a in endpoint.arguments} - endpoint.local:
        raise _usage(endpoint, f"no such argument: {', '.join(sorted(unknown))}")
    if endpoint.check is not None and (fault := endpoint.check(arguments)):
        raise _usage(endpoint, fault)
    return values


def _usage(endpoint: Endpoint, fault: str) -> UsageError:
    return UsageError(f"{endpoint.id} ({endpoint}): {fault}; nothing was sent", endpoint=endpoint.id)


def _render(argument: Argument, value: Any) -> Json | Upload:
    param, annotation = argument.param, argument.annotation
    if param.render is None:
        value = _typed(annotation, value)
    fault = param.check(value) if param.check is not None else None
    if fault:
        raise _Wrong(fault)
    if param.render is not None:
        try:
            value = param.render(value)
        except (TypeError, ValueError) as error:
            raise _Wrong(str(error)) from error
    if argument.in_path and _text(value) in ("", ".", ".."):
        raise _Wrong("must not be empty or dots: it is part of the path")
    return cast("Json | Upload", value)


def _typed(annotation: Any, value: Any) -> Json:
    if annotation == Amount:
        return money(value)
    if annotation is bool:
        if type(value) is not bool:
            raise _Wrong(f"must be a bool, not {type(value).__name__}")
        return value
    if annotation is int or (isinstance(annotation, type) and issubclass(annotation, OpenIntEnum)):
        return _whole(value)
    if isinstance(annotation, type) and issubclass(annotation, OpenStrEnum):
        value = _words(value.value if isinstance(value, annotation) else value)
        if value not in {m.value for m in annotation}:
            raise _Wrong(f"must be one of {', '.join(sorted(m.value for m in annotation))}")
    return _words(value)


def money(value: Any) -> str:
    """Write an amount in plain notation with every digit.

    Raises:
        _Wrong: Not a `Decimal`, `int` or plain decimal `str`; not a finite number above zero; too long.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        hint = " (a float has lost digits already)" if isinstance(value, float) else ""
        raise _Wrong(f"must be a Decimal, an int or a decimal str, not {type(value).__name__}{hint}")
    if isinstance(value, str) and not _MONEY_TEXT.fullmatch(value):
        raise _Wrong("must be written in plain decimal digits, such as '10000.05'")
    try:
        number = BOUNDS.create_decimal(value)
    except (DecimalException, ValueError):
        raise _Wrong(f"must have at most {MAX_DIGITS} digits") from None
    if not number.is_finite() or number <= 0:
        raise _Wrong("must be a finite number above zero")
    return plain(number)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong(f"must be an int, not {type(value).__name__}")
    if not 0 <= value <= MAX_INT:
        raise _Wrong(f"must lie between 0 and {MAX_INT}")
    return int(value)


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"must be a str, not {type(value).__name__}")
    if len(value) > MAX_TEXT:
        raise _Wrong(f"must have at most {MAX_TEXT} characters")
    if any(not c.isprintable() for c in value):
        raise _Wrong("must not hold control characters")
    return str(value)


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value) if isinstance(value, Decimal) else str(value)


def _shortest(amount: str) -> str:
    """Drop the zeros behind which nothing comes: 3.0 is 3."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


def _told(value: Json) -> str:
    """Write a value as it travels in a form, and one that would not fit into one as JSON."""
    return dumps(value).decode() if isinstance(value, list | dict) else _text(value)


def _texts(fields: Mapping[str, Json]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in fields.items()]
