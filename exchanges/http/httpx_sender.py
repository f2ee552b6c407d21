"""Sending through httpx: transports of the caller, proxies, and a patched httpx.

Nothing that httpx reports proves that a request was not sent: a transport of the caller may retry, and a patch may send
by other means. The one exception is a transport that was created here and not patched before or after: nothing was sent
if it failed to connect, or while a proxy was asked to open a tunnel (`Progress`).

A patched httpx gets requests as most programs send them, by a client that chooses its own transport, as patches may be
made anywhere on that way. Such a request shows its URL to mocks, recorders and tracers. Secrets in it are replaced, and
restored below httpx (`Restoring`), so that no key gets into a cassette or a span.

Connections are not reused here: httpx cannot tell whether bytes came behind an answer.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import re
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing, suppress
from types import ModuleType
from typing import Any, cast
from urllib.parse import quote

import httpx

from exchanges.errors import UsageError, quotable
from exchanges.http.answer import Answer, BadAnswer, Evidence, Lost, ProxyRefused, TimedOut
from exchanges.http.bodies import BodyDecoder, body_decoder
from exchanges.http.inside_httpx import Progress, Restoring
from exchanges.http.patches import PatchDetector
from exchanges.http.request import Attachment, Request
from exchanges.http.request_head import Origin, header_pairs
from exchanges.http.sender import Injected
from exchanges.http.slices import in_slices
from exchanges.http.tls import shared_context
from exchanges.limits.limiter import Priority
from exchanges.redaction import redacted
from exchanges.wire.row_cutter import RowCutter

__all__ = ["HttpxSender"]

CHUNKS_AT_ONCE = 256
BYTES_AT_ONCE = 64 * 1024
HIDDEN = "hidden"
_TARGET = "exchanges_target"
_STATUS = re.compile(r"([1-5][0-9]{2})\b")
# Errors of the network, by the package that raises them. Everything else that an injected transport or a mock raises is
# an error in its code.
_NETWORK = frozenset({"anyio", "h11", "h2", "httpcore", "httpcore2", "httpx", "httpx2", "socket", "socksio", "ssl"})

Decoder = Callable[[int, Mapping[str, str]], BodyDecoder]


class HttpxSender:
    """Sends requests through httpx; a `Sender`.

    Args:
        injected: A transport of the caller.
        ssl_context: How to verify servers; default: the context that all clients share.
        proxy: URL of a proxy.
        detector: What detects patches.

    Raises:
        UsageError: *proxy* cannot be used.
    """

    def __init__(
        self,
        *,
        injected: Injected | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        detector: PatchDetector | None = None,
    ) -> None:
        self._injected, self._ssl_context = injected, ssl_context
        self._proxy = None if proxy is None else _parse_proxy(proxy)
        self._detector = detector or PatchDetector()
        self._package = httpx if injected is None else _package_of(injected)

    async def send(
        self,
        request: Request,
        evidence: Evidence,
        *,
        max_bytes: int,
        priority: Priority,
        deadline: float,
        silent_after: float | None = None,
        fresh: bool = False,
        cutter: RowCutter | None = None,
    ) -> Answer:
        """Send *request* and return its answer, decoded; see `Sender`.

        Raises:
            ProxyRefused: With the status of the proxy.
        """
        _ = priority, silent_after, fresh  # every connection is a new one
        replaced = () if self._injected is not None else self._detector.replaced()
        try:
            hidden = _hide(request) if replaced else None
            outgoing = _outgoing(self._package, request, hidden)
            progress = Progress()
            if self._injected is None:
                outgoing.extensions["trace"] = progress
        except Lost:
            evidence.refused = True
            raise
        if asyncio.get_running_loop().time() >= deadline:
            # A deadline that has passed would cancel the sending only at its first wait, behind the first byte.
            evidence.refused = True
            raise TimedOut("waiting to be sent")
        evidence.require_caller()
        decoder = functools.partial(body_decoder, max_bytes=max_bytes, cutter=cutter)
        limit = asyncio.timeout_at(deadline)
        try:
            async with limit:
                return await self._send(outgoing, replaced, decoder)
        except Lost:
            raise
        except BaseException as error:
            is_own = self._injected is None and not replaced and not self._detector.replaced()
            evidence.refused = is_own and progress.awaits_tunnel
            if not isinstance(error, Exception):
                raise
            if limit.expired() and isinstance(error, TimeoutError):
                raise TimedOut("waiting for the proxy" if evidence.refused else "waiting for the answer") from None
            if not is_own and not _is_of_network(error):
                raise  # an error in the code of somebody else, which its author wants to see
            raise _lost(error, evidence, is_own=is_own) from None
        finally:
            if isinstance(outgoing.stream, _Attached):
                await outgoing.stream.aclose()

    @property
    def is_open(self) -> bool:
        """Whether any connection is open: none is kept."""
        return False

    async def aclose(self) -> None:
        """Do nothing: no connection is kept, and an injected transport belongs to its owner."""

    async def _send(self, outgoing: httpx.Request, replaced: tuple[str, ...], decoder: Decoder) -> Answer:
        if self._injected is not None:
            return await _read(await self._injected.handle_async_request(outgoing), decoder)
        options = self._options(secure=outgoing.url.scheme == "https")
        if replaced:
            return await _send_patched(replaced, outgoing, options, decoder)
        transport = self._transport(options)
        try:
            return await _read(await transport.handle_async_request(outgoing), decoder)
        finally:
            await transport.aclose()

    def _options(self, *, secure: bool) -> dict[str, Any]:
        return {
            "verify": self._ssl_context or shared_context(secure=secure),
            "trust_env": False,
            "limits": httpx.Limits(max_keepalive_connections=0),
            "proxy": self._proxy,
        }

    def _transport(self, options: dict[str, Any]) -> httpx.AsyncHTTPTransport:
        # A repetition that we do not know of would be no proof of anything.
        return httpx.AsyncHTTPTransport(**options, retries=0)


async def _send_patched(
    replaced: tuple[str, ...], outgoing: httpx.Request, options: dict[str, Any], decoder: Decoder
) -> Answer:
    package = sys.modules.get("httpx", httpx)  # somebody may have put another module there
    if "httpx.AsyncHTTPTransport" in replaced and hasattr(
        package, "AsyncHTTPTransport"
    ):  # a client uses that of its own module
        options = {"transport": package.AsyncHTTPTransport(**options), "trust_env": False}
    async with package.AsyncClient(**options, timeout=None, follow_redirects=False) as client:
        if (target := outgoing.extensions.pop(_TARGET, None)) is not None:
            _restore_target(client, outgoing.url.raw_path, target)
        # Mocks of these methods are honoured only if they are called.
        methods = (outgoing.method.lower(), "request", "stream")
        method = next((name for name in methods if f"httpx.AsyncClient.{name}" in replaced), None)
        if method is None:
            return await _read(await client.send(outgoing, stream=True, auth=None), decoder)
        return await _send_by_method(client, method, outgoing, decoder)


def _restore_target(client: Any, hidden: bytes, target: bytes) -> None:  # noqa: ANN401 - httpx's, or what replaced it
    """Restore the secrets in a URL below *client*; there is no public way below httpx."""
    mounts: Any = getattr(client, "_mounts", {})
    for transport in (getattr(client, "_transport", None), *mounts.values()):
        pool: Any = getattr(transport, "_pool", None)
        if (backend := getattr(pool, "_network_backend", None)) is not None:
            pool._network_backend = Restoring(backend, hidden, target)  # noqa: SLF001


async def _send_by_method(
    client: Any,  # noqa: ANN401 - as above
    method: str,
    outgoing: httpx.Request,
    decoder: Decoder,
) -> Answer:
    """Send by the *method* of `httpx.AsyncClient` that was replaced; httpx decodes its answer."""
    content = b"".join([chunk async for chunk in cast("AsyncIterable[bytes]", outgoing.stream)])
    arguments: dict[str, Any] = {"headers": outgoing.headers.multi_items(), "extensions": outgoing.extensions}
    if content:
        arguments["content"] = content
    if method == "stream":
        async with client.stream(outgoing.method, outgoing.url, **arguments) as response:
            return await _read(response, decoder)
    if method == "request":
        response = await client.request(outgoing.method, outgoing.url, **arguments)
    else:
        response = await getattr(client, method)(outgoing.url, **arguments)
    body = decoder(response.status_code, {})
    body.add(response.content)
    return await _answer(response, body)


class _Attached:
    """A body whose file is read while it is sent."""

    def __init__(self, body: bytes, attachment: Attachment) -> None:
        self._body, self._attachment = body, attachment
        self._running: list[AsyncGenerator[bytes, None]] = []

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        self._running.append(self._parts())
        return self._running[-1]

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        yield self._body
        async with aclosing(self._attachment.upload.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk
        yield self._attachment.tail

    async def aclose(self) -> None:
        """Close the file, which stays open if the answer came before its end."""
        for parts in self._running:
            with suppress(RuntimeError):  # a transport of the caller still reads it in a task of its own
                await parts.aclose()


def _shown(request: Any) -> str:  # noqa: ANN401 - of either package
    return f"<{request.method} request>"


@functools.cache
def _classes(package: ModuleType) -> tuple[type[Any], type[Any]]:
    """Return a request class that does not print its URL, and a stream class, both of *package*."""
    request = type("Request", (package.Request,), {"__repr__": _shown})
    return request, type("Attached", (_Attached, package.AsyncByteStream), {})


def _outgoing(package: ModuleType, request: Request, hidden: str | None) -> httpx.Request:
    request_class, attached_class = _classes(package)
    try:
        url = package.URL(request.origin).copy_with(raw_path=request.target.encode("ascii"))
    except (package.InvalidURL, UnicodeEncodeError):
        raise Lost("the path is too long for a URL") from None
    if url.raw_path != request.target.encode("ascii"):
        raise Lost("the path would be sent otherwise than it was signed")
    extensions: dict[str, Any] = {"timeout": {"connect": None, "read": None, "write": None, "pool": None}}
    if hidden is not None:
        extensions[_TARGET] = url.raw_path
        url = url.copy_with(raw_path=hidden.encode("ascii"))
    body = package.ByteStream(request.body)
    if request.attachment is not None:
        body = attached_class(request.body, request.attachment)
    pairs = header_pairs(request, Origin.parse(request.origin).authority)
    headers = [(name.encode(), value.encode()) for name, value in pairs]
    return cast(
        "httpx.Request",
        request_class(request.verb, url, headers=headers, stream=body, extensions=extensions),
    )


def _hide(request: Request) -> str | None:
    """Return the target without secrets; None if it has none."""
    if redacted(request.target, request.secrets) == request.target:
        return None
    hidden = request.target
    for secret in request.secrets:
        for written in {secret, quote(secret, safe="")} - {""}:
            hidden = hidden.replace(written, HIDDEN)
    # Written in a way that is not known here, a secret costs the whole query.
    return hidden if redacted(hidden, request.secrets) == hidden else f"{hidden.partition('?')[0]}?{HIDDEN}"


def _fault_of_response(response: Any) -> str | None:  # noqa: ANN401 - of a transport of somebody else
    """Return what is wrong with what a transport returned; None if it is a response."""
    has_parts = isinstance(getattr(response, "status_code", None), int) and hasattr(response, "aclose")
    has_parts = has_parts and hasattr(getattr(response, "headers", None), "items")
    if has_parts and hasattr(getattr(response, "stream", None), "__aiter__"):
        return None
    return f"the transport returned {type(response).__name__}, not a response that can be read asynchronously"


async def _read(response: Any, decoder: Decoder) -> Answer:  # noqa: ANN401 - of either package
    if fault := _fault_of_response(response):
        raise BadAnswer(fault)
    try:
        body = decoder(response.status_code, response.headers)
        chunks = size = 0
        async for chunk in response.stream:
            if not isinstance(chunk, bytes | bytearray):
                raise BadAnswer(f"the transport returned a body of {type(chunk).__name__}, not of bytes")
            piece = cast("bytes", chunk)  # of whatever dimensions: only its bytes count
            body.add(piece)
            chunks, size = chunks + 1, size + len(piece)
            # Thousands may be ready at once, and neither the deadline nor others must wait for all of them.
            if chunks >= CHUNKS_AT_ONCE or size >= BYTES_AT_ONCE:
                await asyncio.sleep(0)
                chunks = size = 0
        return await _answer(response, body)
    finally:
        await response.aclose()


async def _answer(response: Any, body: BodyDecoder) -> Answer:  # noqa: ANN401 - of either package
    await in_slices(body.steps())
    return Answer(response.status_code, _headers(response), body.end(), body.rows)


def _headers(response: Any) -> dict[str, str]:  # noqa: ANN401 - of either package
    return {name.lower(): value for name, value in response.headers.items()}


def _lost(error: Exception, evidence: Evidence, *, is_own: bool) -> Lost:
    if isinstance(error, httpx.ProxyError):
        evidence.refused = is_own  # the tunnel was never open
        if (status := _STATUS.match(str(error))) is not None:
            return ProxyRefused(int(status[1]))
    if is_own and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        evidence.refused = True
        return Lost(f"{type(error).__name__} ({quotable(str(error))})")
    return Lost(type(error).__name__)  # its text may be anybody's


def _is_of_network(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return all(map(_is_of_network, cast("ExceptionGroup[Exception]", error).exceptions))
    if isinstance(error, OSError):
        return error.filename is None  # a file of a recorder is not the network
    roots = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    return not _NETWORK.isdisjoint(roots)


def _package_of(injected: object) -> ModuleType:
    """Return the package whose requests a transport takes: httpx, or httpx2 without depending on it."""
    roots = {base.__module__.partition(".")[0] for base in type(injected).__mro__}
    return sys.modules["httpx2"] if "httpx2" in roots else httpx


def _parse_proxy(url: str) -> httpx.Proxy:
    try:
        proxy = httpx.Proxy(url, ssl_context=shared_context(secure=True) if url[:6].lower() == "https:" else None)
        if proxy.url.scheme.startswith("socks"):
            importlib.import_module("socksio")
    except (ImportError, TypeError, ValueError, httpx.InvalidURL):
        raise UsageError("proxy must be the URL of an http proxy, or of a socks5 proxy with httpx[socks]") from None
    return proxy
