"""Requests and answers, as the simulator handles them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeAlias

from attrs import field, frozen

from exchanges.simulator.http.delivery import WHOLE, Sending

_KNOWN = frozenset(HTTPStatus)


@frozen(repr=False)
class HttpRequest:
    """One complete request.

    Attributes:
        verb: HTTP verb.
        target: Path and query, exactly as received.
        headers: Values by name in lower case.
        body: Exactly as received.
        address: Address of the peer.
        path: Part of the target before the question mark.
        query: Part of the target after the question mark.
    """

    verb: str
    target: str
    headers: dict[bytes, bytes]
    body: bytes
    address: str
    path: str = field(init=False)
    query: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        path, _, query = self.target.partition("?")
        # The class is frozen; derived fields are set past that once.
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "query", query)

    def __repr__(self) -> str:
        """Show no query, header or body: each may hold a key."""
        return f"HttpRequest({self.verb} {self.path})"

    def header(self, name: str) -> str:
        """Return the value of a header; empty if it was not sent."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


@frozen
class HttpAnswer:
    """One answer.

    Attributes:
        status: HTTP status; 0: no answer is sent.
        body: The body before the server compresses it.
        content_type: Media type of the body.
        headers: Further headers. A body with a `Content-Encoding` is sent as it is.
        sending: How it is sent.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    sending: Sending = WHOLE

    @property
    def compressed(self) -> bool:
        """Whether the body is compressed already."""
        return any(name == "Content-Encoding" for name, _ in self.headers)

    @property
    def reason(self) -> bytes:
        """The reason phrase of the status."""
        # Bitso rejects with 420, which is not a registered status: httpx has no phrase for it either.
        return (HTTPStatus(self.status).phrase if self.status in _KNOWN else "Enhance Your Calm").encode()


Reply: TypeAlias = Callable[[HttpAnswer], None]
