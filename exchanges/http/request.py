"""One HTTP request: what is to travel, and the bytes of it.

An `Unsigned` is what a signing scheme gets. Its `render` builds the bytes once; those bytes are signed, and those are
sent. Nothing here knows an endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import cast
from urllib.parse import urlencode
from uuid import uuid4

from attrs import field

from exchanges.http.uploads import Upload
from exchanges.values import frozen
from exchanges.wire import Json, dumps

__all__ = ["FORM", "JSON", "MULTIPART", "Attachment", "Body", "Request", "Unsigned", "url_encoded"]

NOTHING: Mapping[str, Json] = MappingProxyType({})
VERBS_WITHOUT_BODY = ("GET", "DELETE")
_UNRESERVED = re.compile(r"[0-9A-Za-z_.~-]*")


def url_encoded(fields: Mapping[str, Json]) -> str:
    """Return *fields* as they travel in a query or a form."""
    try:
        # Most are words and numbers, of which `urlencode` would look at every character to change none.
        if _UNRESERVED.fullmatch("".join((*fields, *cast("Iterable[str]", fields.values())))) is not None:
            return "&".join(map("=".join, cast("Iterable[tuple[str, str]]", fields.items())))
    except TypeError:  # a value that is no text
        pass
    return urlencode(fields)


class Body(Enum):
    """How arguments travel when they are not in the query."""

    FORM = "application/x-www-form-urlencoded"
    JSON = "application/json"
    MULTIPART = "multipart/form-data"
    """A form with a file; the one argument that renders to an `Upload` goes last."""


FORM, JSON, MULTIPART = Body.FORM, Body.JSON, Body.MULTIPART


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
    """The bytes of one HTTP request, ready to be sent.

    Attributes:
        verb: HTTP verb.
        origin: Scheme, host and port.
        target: Path and query exactly as they travel.
        headers: All headers for the exchange but Host, Content-Length and those of the connection.
        body: Exactly as it travels; with a file, what comes before its content.
        attachment: The file whose content follows, and what comes behind it.
        secrets: Texts in this request that must not appear in errors.
        head: Its head as bytes, if it is known already.
    """

    verb: str
    origin: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    attachment: Attachment | None = None
    head: bytes | None = field(default=None, eq=False, repr=False)

    def __repr__(self) -> str:
        """Show no query, header or body: each may hold a secret."""
        return f"Request({self.verb} {self.target.partition('?')[0]})"

    def adding(self, headers: Mapping[str, str], secrets: tuple[str, ...]) -> Request:
        """Return the same request with *headers* that sign what is already rendered."""
        return Request(
            self.verb,
            self.origin,
            self.target,
            (*self.headers, *headers.items()),
            self.body,
            (*self.secrets, *secrets),
            self.attachment,
        )


# With slots attrs finds what is cached by a `__getattr__`, which makes every look-up of an attribute slow.
@frozen(eq=False, repr=False, kw_only=True, slots=False)
class Unsigned:
    """A request before it is signed.

    Attributes:
        verb: HTTP verb.
        origin: Scheme, host and port.
        path: With prefix, placeholders filled in and escaped.
        body: How the fields travel if the verb has a body.
        fields: Names and values on the wire: values of JSON in a JSON body, texts everywhere else.
        upload: The file among the arguments, by its name on the wire.
        secrets: Texts among the fields, and others, that must not appear in errors.
    """

    verb: str
    origin: str
    path: str
    body: Body = FORM
    fields: dict[str, Json] = field(factory=dict[str, Json], repr=False)
    upload: tuple[str, Upload] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        """Show no fields: each may hold a secret."""
        return f"{type(self).__name__}({self.verb} {self.path})"

    def render(self, added: Mapping[str, Json] = NOTHING, *, secrets: tuple[str, ...] = ()) -> Request:
        """Build the bytes.

        Args:
            added: Fields of a signature, which go before the others.
            secrets: Texts among them that must not appear in errors.
        """
        target, body = self.path, b""
        # Its own win: what a scheme adds must not replace an argument of the caller.
        fields = {**added, **self.fields}
        headers: tuple[tuple[str, str], ...] = ()
        secrets = (*self.secrets, *secrets)
        # The content of a file is read while it is sent, so it is not part of the bytes that are built here.
        if self.upload is not None:
            return self._multipart(fields, *self.upload, secrets)
        if self.verb in VERBS_WITHOUT_BODY:
            if fields:
                target += "?" + url_encoded(fields)
        # JSON without fields is an empty object; a form without fields is no body, and has no content type to sign.
        elif fields or self.body is JSON:
            body = dumps(fields) if self.body is JSON else url_encoded(fields).encode()
            headers = (("Content-Type", self.body.value),)
        return Request(self.verb, self.origin, target, headers, body, secrets)

    @cached_property
    def bare(self) -> Request:
        """The request without a signature, which is the same each time; without the secrets of credentials."""
        return Unsigned.render(self)

    def _multipart(self, fields: dict[str, Json], name: str, upload: Upload, secrets: tuple[str, ...]) -> Request:
        """Build the parts of the fields, then the head of the file's part."""
        boundary = uuid4().hex  # random, so that no content can contain it
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="%s"'
        before = "".join(f"{part % field}\r\n\r\n{text}\r\n" for field, text in fields.items())
        opening = f'{part % name}; filename="{upload.name}"\r\nContent-Type: {upload.content_type}\r\n\r\n'
        return Request(
            self.verb,
            self.origin,
            self.path,
            (("Content-Type", f"{MULTIPART.value}; boundary={boundary}"),),
            (before + opening).encode(),
            secrets,
            Attachment(upload, f"\r\n--{boundary}--\r\n".encode()),
        )
