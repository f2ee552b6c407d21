"""Rendering of request heads, and parsing of origins."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from attrs import evolve

from exchanges.http.answer import Lost
from exchanges.http.request import Request
from exchanges.values import frozen
from exchanges.version import __version__

__all__ = ["Origin", "header_pairs", "render_head", "with_head"]

MAX_TARGET_BYTES = 65_536
_PORTS = {"http": 80, "https": 443}
# What RFC 3986 allows in a path and a query. Proxies and servers may rewrite anything else, and the signature would not
# match what arrives.
_TARGET = re.compile(r"/[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~\[\]]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OWN = (("Accept", "application/json"), ("Accept-Encoding", "gzip"), ("User-Agent", f"aioexchanges/{__version__}"))
_OWN_LINES = "".join(f"{name}: {value}\r\n" for name, value in _OWN)


@frozen
class Origin:
    """The server of a request.

    Attributes:
        host: Name or address, without brackets.
        port: TCP port.
        is_secure: Whether TLS is used.
        authority: Value of ``Host``: without the default port.
    """

    host: str
    port: int
    is_secure: bool
    authority: str

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Parse ``https://host:port``.

        Raises:
            Lost: It is not an HTTP origin.
        """
        try:
            parts = urlsplit(text)
            port, host = parts.port, (parts.hostname or "").encode("idna").decode("ascii")
        except ValueError:
            raise Lost("the address of the server is malformed") from None
        if parts.scheme not in _PORTS or not host:
            raise Lost("the address of the server is malformed")
        shown = f"[{host}]" if ":" in host else host
        if port is None or port == _PORTS[parts.scheme]:
            return cls(host, _PORTS[parts.scheme], parts.scheme == "https", shown)
        return cls(host, port, parts.scheme == "https", f"{shown}:{port}")


def render_head(request: Request, authority: str) -> bytes:
    """Return the head of *request* as bytes.

    Raises:
        Lost: A target or header that would not arrive as it was signed.
    """
    if len(request.target) > MAX_TARGET_BYTES:
        raise Lost("the path is too long for a URL")
    if _TARGET.fullmatch(request.target) is None:
        raise Lost("the path would be sent otherwise than it was signed")
    lines = [f"{request.verb} {request.target} HTTP/1.1\r\nHost: {authority}\r\n{_OWN_LINES}"]
    for name, value in request.headers:
        # A line break in a value would start another header, or another request. Most values are long signatures, of
        # which the pattern would look at every character for much longer.
        if _NAME.fullmatch(name) is None or not (value.isprintable() or _VALUE.fullmatch(value)):
            raise Lost("a header would be sent otherwise than it was signed")
        lines.append(f"{name}: {value}\r\n")
    if (length := _length(request)) is not None:
        lines.append(f"Content-Length: {length}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode()


def with_head(request: Request) -> Request:
    """Return *request* with its head as bytes, if that can be sent."""
    try:
        return evolve(request, head=render_head(request, Origin.parse(request.origin).authority))
    except Lost:  # as whoever sends it will raise
        return request


def header_pairs(request: Request, authority: str) -> list[tuple[str, str]]:
    """Return the same headers as names and values, for httpx."""
    length = _length(request)
    pairs = [("Host", authority), *_OWN, *request.headers]
    return pairs if length is None else [*pairs, ("Content-Length", str(length))]


def _length(request: Request) -> int | None:
    """Return the bytes of the body; None where the verb gives an empty one no meaning (RFC 9110 8.6)."""
    size = len(request.body) + (0 if request.attachment is None else request.attachment.size)
    return size if size or request.verb not in ("GET", "DELETE") else None
