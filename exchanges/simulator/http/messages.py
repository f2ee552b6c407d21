"""What goes over a connection: requests and answers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeAlias

from attrs import field, frozen

from exchanges.simulator.faults.plan import Fate
from exchanges.simulator.http.delivery import WHOLE, Sending

__all__ = ["HttpAnswer", "HttpRequest", "Reply"]

_KNOWN = frozenset(HTTPStatus)


@frozen(repr=False)
class HttpRequest:
    """One complete request.

    Attributes:
        verb: HTTP verb.
        path: Of the target, before the question mark, as it travelled.
        query: Of the target, after the question mark, as it travelled.
        target: Path and query exactly as they travelled.
        headers: By name in lower case.
        body: Exactly as it travelled.
        address: Where it came from.
        fate: What becomes of it, if that was decided when its head arrived.
    """

    verb: str
    target: str
    headers: dict[bytes, bytes]
    body: bytes
    address: str
    fate: Fate | None = None
    path: str = field(init=False)
    query: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        path, _, query = self.target.partition("?")
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "query", query)

    def __repr__(self) -> str:
        """Show no query, header or body: each may hold a key."""
        return f"HttpRequest({self.verb} {self.path})"

    def header(self, name: str) -> str:
        """Give the value of a header; empty if there is none."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


@frozen
class HttpAnswer:
    """What goes back.

    Attributes:
        status: HTTP status; 0 for no answer at all.
        body: As it is before it is packed for the way.
        content_type: What the body is.
        headers: What else is said of it. A body with a `Content-Encoding` goes out as it is.
        sending: How it goes out.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    sending: Sending = WHOLE

    @property
    def packed(self) -> bool:
        """Whether the body is packed already."""
        return any(name == "Content-Encoding" for name, _ in self.headers)

    @property
    def reason(self) -> bytes:
        """The words that go with the status."""
        return (HTTPStatus(self.status).phrase if self.status in _KNOWN else "Enhance Your Calm").encode()


Reply: TypeAlias = Callable[[HttpAnswer], None]
