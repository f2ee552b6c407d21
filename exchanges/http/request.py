"""The bytes of one HTTP request."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import evolve, field, frozen

from exchanges.http.uploads import Upload

__all__ = ["FORM", "JSON", "MULTIPART", "Attachment", "Body", "Request"]


class Body(Enum):
    """How arguments travel when they are not in the query."""

    FORM = "application/x-www-form-urlencoded"
    JSON = "application/json"
    MULTIPART = "multipart/form-data"
    """A form that carries a file; the one argument that renders to an `Upload` goes last."""


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
