"""The transport: sends the bytes of a request and reads those of its answer. The only module that imports httpx.

httpx is used below its client: that would log URLs, follow redirects, store cookies and inflate bodies by itself, and
add a fifth to the cost of a call. Reads keep connections for a minute; money uses one that was idle for less than a
second, or a new one, as a server may close an idle connection just as we write to it. One pool cannot do both, so
there are two.

For a request that fails, its `Evidence` records whether any of it can have left this machine.

No answer takes more memory than the caller allows. An answer of ordinary size that would take tens of times as much
once it is parsed is rejected here too; a caller that allows a large answer accepts the memory that it takes.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import ssl
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import httpx

from exchanges.errors import UsageError, quotable
from exchanges.http.answer import ORDINARY_BYTES, Answer, BadAnswer, Evidence, Lost
from exchanges.http.tls import fault_of, shared_context
from exchanges.wire.codecs import is_heavy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exchanges.http.request import Attachment, Request

__all__ = ["HttpTransport", "Transport"]

Transport = httpx.AsyncBaseTransport

KEEP_FOR_READS_SECONDS = 60.0
KEEP_FOR_MONEY_SECONDS = 1.0
CONNECT_SECONDS = 10.0
URLS_REMEMBERED = 256
CHUNKS_AT_ONCE = 256
# Requires the header and the trailer of gzip, whose checksum shows an answer that was cut.
_GZIP_WBITS = 31
_LAYER_BELOW = logging.getLogger("httpcore.http11")
# Connecting alone has a limit of its own. The deadline of the call ends everything else: the timeouts of httpx begin
# again with every chunk, so a server that sends one byte at a time would never meet them.
_TIMEOUT = {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None}
_HEADERS = (
    (b"Accept", b"application/json"),
    (b"Accept-Encoding", b"gzip"),
    (b"User-Agent", b"aioexchanges"),
)


class HttpTransport:
    """Sends one request over pooled connections.

    Args:
        injected: A transport to use in place of our own.
        ssl_context: How to verify servers; default: the certificates of certifi.
        proxy: URL of a proxy; the environment is not read.
        max_connections: Largest number of connections per pool.

    Raises:
        UsageError: *proxy* cannot be used.
    """

    def __init__(
        self,
        *,
        injected: Transport | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        max_connections: int = 4,
    ) -> None:
        self._injected = injected
        self._ssl_context = ssl_context
        self._proxy = None if proxy is None else _proxy(proxy)
        self._max_connections = max_connections
        self._pools: dict[float, Transport] = {}
        self._url = functools.lru_cache(maxsize=URLS_REMEMBERED)(_url)

    async def send(self, request: Request, evidence: Evidence, *, max_bytes: int, careful: bool) -> Answer:
        """Send *request* and read the whole answer.

        Raises:
            Lost: No complete answer came; *evidence* records whether anything was sent.
            BadAnswer: More than *max_bytes*, or it cannot be inflated.
        """
        # An injected transport reports no events, and without them nothing proves that no byte was sent.
        evidence.watched = careful and self._injected is None
        extensions: dict[str, Any] = {"timeout": _TIMEOUT}
        # While httpcore logs, reads are traced too: `Evidence.trace` clears what the log would show.
        if evidence.watched or (self._injected is None and _LAYER_BELOW.isEnabledFor(logging.DEBUG)):
            extensions["trace"] = evidence.trace
        try:
            outgoing = self._outgoing(request, extensions)
        except Lost:
            evidence.refused = True
            raise
        try:
            response = await self._pool(request.origin, careful=careful).handle_async_request(outgoing)
            try:
                answer = await _read(response, max_bytes)
                # Bytes behind an answer would be taken for the answer to the next request of the connection.
                if self._injected is None and _has_more(response):
                    await response.extensions["network_stream"].aclose()
                return answer
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            evidence.refused = True
            words = "" if self._injected else f" ({quotable(str(error))})"  # an injected one may say anything
            raise Lost(type(error).__name__ + words) from None
        except Lost:
            raise
        except Exception as error:  # noqa: BLE001 - an injected transport may raise anything
            raise Lost(type(error).__name__) from None

    @property
    def is_open(self) -> bool:
        """Whether there are pools of our own that are not closed."""
        return bool(self._pools)

    @property
    def fault(self) -> str | None:
        """Check the SSL context again, as its owner may have changed it; return what is wrong."""
        fault = None if self._ssl_context is None else fault_of(self._ssl_context)
        return fault and f"ssl_context was changed: it {fault}"

    def _outgoing(self, request: Request, extensions: dict[str, Any]) -> _Outgoing:
        url, attachment, size = self._url(request.origin, request.target), request.attachment, len(request.body)
        stream: httpx.AsyncByteStream = httpx.ByteStream(request.body)
        if attachment is not None:
            stream, size = _Attached(request.body, attachment), size + attachment.size
        headers = [(b"Host", url.netloc), *_HEADERS, *((k.encode(), v.encode()) for k, v in request.headers)]
        # Stated even if it is 0, unless the verb gives a body no meaning (RFC 9110 section 8.6).
        if request.body or request.verb not in ("GET", "DELETE"):
            headers.append((b"Content-Length", b"%d" % size))
        return _Outgoing(request.verb, url, headers=headers, stream=stream, extensions=extensions)

    async def aclose(self) -> None:
        """Close all connections of our own pools; an injected transport belongs to its owner."""
        # Replaced before the first await: from here on `is_open` is false, and a second call has nothing to close.
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            with suppress(Exception):  # the connections of a closed loop are gone already
                await pool.aclose()

    def _pool(self, origin: str, *, careful: bool) -> Transport:
        if self._injected is not None:
            return self._injected
        keep = KEEP_FOR_MONEY_SECONDS if careful else KEEP_FOR_READS_SECONDS
        if keep not in self._pools:
            self._pools[keep] = httpx.AsyncHTTPTransport(
                verify=self._ssl_context or shared_context(secure=origin.startswith("https:")),
                trust_env=False,
                limits=httpx.Limits(
                    max_connections=self._max_connections,
                    max_keepalive_connections=self._max_connections,
                    keepalive_expiry=keep,
                ),
                proxy=self._proxy,
            )
        return self._pools[keep]


def _proxy(url: str) -> httpx.Proxy:
    try:
        proxy = httpx.Proxy(url, ssl_context=shared_context(secure=True) if url[:6].lower() == "https:" else None)
        if proxy.url.scheme.startswith("socks"):
            importlib.import_module("socksio")
    except (ImportError, TypeError, ValueError, httpx.InvalidURL):
        raise UsageError("proxy must be the URL of an http proxy, or of a socks5 proxy with httpx[socks]") from None
    return proxy


class _Outgoing(httpx.Request):
    """A request that does not print its URL, which may contain a key."""

    def __repr__(self) -> str:
        return f"<{self.method} request>"


class _Attached(httpx.AsyncByteStream):
    """A body whose file is read while it is sent."""

    def __init__(self, body: bytes, attachment: Attachment) -> None:
        self._body = body
        self._attachment = attachment

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        async for chunk in self._attachment.upload.chunks():
            yield chunk
        yield self._attachment.tail


def _url(origin: str, target: str) -> httpx.URL:
    try:
        url = httpx.URL(origin).copy_with(raw_path=target.encode("ascii"))
    except httpx.InvalidURL:
        raise Lost("the path is too long for a URL") from None
    if url.raw_path != target.encode("ascii"):
        raise Lost("the path would be sent otherwise than it was signed")
    return url


async def _read(response: httpx.Response, max_bytes: int) -> Answer:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise BadAnswer("an answer in an encoding that was not requested")
    inflater = zlib.decompressobj(_GZIP_WBITS) if encoding == "gzip" else None
    body = bytearray()  # not a list of chunks: a server may send one byte in each
    received = chunks = 0
    stream = cast("httpx.AsyncByteStream", response.stream)
    async for raw in stream:
        chunk = raw
        chunks += 1
        if chunks % CHUNKS_AT_ONCE == 0:  # thousands may be ready at once, and the deadline must not be missed
            await asyncio.sleep(0)
        if inflater is not None:
            try:
                chunk = inflater.decompress(raw, max_bytes + 1 - len(body))
            except zlib.error:
                raise BadAnswer("an answer that is not valid gzip") from None
            if inflater.unused_data:
                raise BadAnswer("an answer with bytes behind its gzip")
        body += chunk
        received += len(raw)
        if len(body) > max_bytes or received > 2 * max_bytes:  # gzip that inflates to nothing is endless too
            raise BadAnswer(f"an answer of more than {max_bytes} bytes")
    if inflater is not None and body and not inflater.eof:
        raise BadAnswer("an answer whose gzip is incomplete")
    if max_bytes <= ORDINARY_BYTES and is_heavy(body):
        raise BadAnswer(f"an answer with too many values for {len(body)} bytes")
    return Answer(response.status_code, response.headers, bytes(body))


def _has_more(response: httpx.Response) -> bool:
    """Whether bytes came behind the answer.

    httpcore keeps them, but has no public way to read them. If they cannot be read, the answer counts as followed by
    more, and the connection is not used again.
    """
    inside: Any = response.stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state", "trailing_data"):
        inside = getattr(inside, name, None)
    return inside is None or inside[0] != b""
