"""Endpoint and arguments to the exact bytes, once.

`check` turns the caller's arguments into wire values or a `UsageError`; `Draft.render` makes the bytes. A scheme
signs those bytes and nothing rewrites them afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlencode
from uuid import uuid4

from attrs import evolve, field, frozen

from exchanges.endpoint.arguments import check, text
from exchanges.endpoint.definition import Endpoint
from exchanges.http.request import JSON, MULTIPART, Attachment, Request
from exchanges.http.uploads import Upload
from exchanges.intents import Intent
from exchanges.redaction import REDACTED
from exchanges.wire import Amount, Json, dumps

__all__ = ["PreparedCall", "prepare"]

_IN_QUERY = ("GET", "DELETE")


@frozen(eq=False, repr=False)
class PreparedCall:
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

    def adding(self, **fields: Json) -> PreparedCall:
        """Put *fields* before the caller's own."""
        return evolve(self, fields={**fields, **self.fields})

    def render(self, *, secrets: tuple[str, ...] = ()) -> Request:
        """Make the bytes."""
        endpoint, target, body = self.endpoint, self.path, b""
        headers: tuple[tuple[str, str], ...] = ()
        hidden = [text(self.fields[name]) for name in self._secret_names() if name in self.fields]
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

    def acting_with(self, fields: Mapping[str, str]) -> PreparedCall:
        """Put on what a view puts on every call."""
        return evolve(self.adding(**fields), acting=fields)

    def tagged(self, tag: str) -> PreparedCall:
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
            (name, _shortest(text(value)) if name in amounts else text(value))
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


def prepare(endpoint: Endpoint, arguments: Mapping[str, Any], base_url: str) -> PreparedCall:
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
        path = path.replace("{" + name + "}", quote(text(value), safe=""))
    return PreparedCall(endpoint, f"{scheme}://{host}", slash + prefix + path, fields, in_path, upload)


def _shortest(amount: str) -> str:
    """Drop the zeros behind which nothing comes: 3.0 is 3."""
    return amount.rstrip("0").rstrip(".") if "." in amount else amount


def _told(value: Json) -> str:
    """Write a value as it travels in a form, and one that would not fit into one as JSON."""
    return dumps(value).decode() if isinstance(value, list | dict) else text(value)


def _texts(fields: Mapping[str, Json]) -> list[tuple[str, str]]:
    return [(name, text(value)) for name, value in fields.items()]
