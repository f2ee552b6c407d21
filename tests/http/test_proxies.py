"""Requests through a proxy."""

import asyncio

import httpx
import pytest

from exchanges.errors import UsageError
from exchanges.http.answer import Evidence, ProxyRefused, TimedOut
from exchanges.http.httpx_sender import HttpxSender
from tests.support.own_connections import KINDS, Clock, get, order
from tests.support.raw_server import answering, response, serving
from tests.support.sending import SECONDS, closed_port, failure_of, send_by
from tests.support.tls_servers import served, trusting

ANSWER = response(b'{"id": 1}')


async def test_a_proxy():
    """A proxy is asked, and no connection is kept: httpx cannot tell what came behind an answer."""
    async with serving(answering(ANSWER + ANSWER)) as proxy:
        sender = HttpxSender(proxy=proxy.origin)
        answers = [(await send_by(sender, get("http://127.0.0.1:9"))).body for _ in range(2)]
        await sender.aclose()

        assert ([b'{"id": 1}'] * 2, 2, False) == (answers, proxy.connections, sender.is_open)
        assert proxy.requests[0].startswith(b"GET http://127.0.0.1:9/a HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("said", "status", "hint"),
    [
        (b"407 Proxy Authentication Required", 407, "requires a user and a password"),
        (b"502 Bad Gateway", 502, "status 502"),
        (b"302 Found", 302, "status 302"),
    ],
)
async def test_a_proxy_that_refuses(said, status, hint):
    """The status of a proxy is named, and nothing was sent to the server."""
    async with serving(answering(response(b"", status=said))) as proxy:
        evidence = Evidence()
        sender = HttpxSender(proxy=proxy.origin, ssl_context=trusting())
        lost = await failure_of(send_by(sender, order("https://127.0.0.1:9"), evidence=evidence), ProxyRefused)

        assert (status, True, True) == (lost.status, hint in str(lost), evidence.nothing_left)


@pytest.mark.parametrize("patched", ["never", "throughout", "at the start", "at the end"])
async def test_a_proxy_that_cannot_be_reached(monkeypatch, patched):
    """A failure to connect proves that nothing was sent, unless httpx was patched at the start or at the end."""
    evidence, original = Evidence(), httpx.AsyncHTTPTransport.handle_async_request
    patch = httpx.AsyncClient

    async def send_wrapped(self, *args, **kwargs):
        raise AssertionError

    if patched in ("throughout", "at the start"):

        async def wrapper(self, request):
            if patched == "at the start":
                httpx.AsyncHTTPTransport.handle_async_request = original
            return await original(self, request)

        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", wrapper)
    sender = HttpxSender(proxy=f"http://127.0.0.1:{closed_port()}")
    if patched == "at the end":
        opening = sender._transport

        def open_then_patch(**options):
            transport = opening(**options)
            monkeypatch.setattr(patch, "send", send_wrapped)
            return transport

        monkeypatch.setattr(sender, "_transport", open_then_patch)
    await failure_of(send_by(sender, order("http://127.0.0.1:9"), evidence=evidence))

    assert (patched == "never") is evidence.nothing_left


OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX", b"\0\0\0\0", OPENED, OPENED + b"no TLS"])
async def test_a_proxy_that_closes_before_the_tunnel_is_open(said):
    """A proxy that closes before there is a tunnel has seen nothing of the request."""

    async def talk(heard):
        await heard.request()
        await heard.say(said)

    async with serving(talk) as proxy:
        evidence = Evidence()
        sender = HttpxSender(proxy=proxy.origin, ssl_context=trusting())
        await failure_of(send_by(sender, order("https://127.0.0.1:9"), evidence=evidence))

        assert (True, b"CONNECT") == (evidence.nothing_left, proxy.requests[0][:7])


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_proxy_that_never_opens_the_tunnel(is_cancelled):
    """A proxy that does not answer until the deadline, or until the task is cancelled, has seen nothing either."""
    hangs = asyncio.Event()

    async def talk(heard):
        await heard.request()
        hangs.set()
        await asyncio.Event().wait()

    async with serving(talk) as proxy:
        evidence = Evidence()
        sender = HttpxSender(proxy=proxy.origin, ssl_context=trusting())
        # Once it waits for the proxy, the deadline may come: before, nothing would be shown.
        sending = asyncio.create_task(send_by(sender, order("https://127.0.0.1:9"), evidence=evidence))
        await hangs.wait()
        if is_cancelled:
            sending.cancel()
            await asyncio.wait((sending,))
        else:
            Clock().advance(SECONDS)
            lost = await failure_of(sending, TimedOut)

            assert "waiting for the proxy" == lost.phase
        assert evidence.nothing_left


@pytest.mark.parametrize("kind", KINDS)
async def test_what_went_through_a_proxy(kind):
    """What a proxy passed on, or was asked to, may have arrived when the connection ends."""

    async def pass_on(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)

    async def talk(heard):
        asked = await heard.request()
        if not asked.startswith(b"CONNECT"):
            return
        await heard.say(OPENED)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        passing = asyncio.create_task(pass_on(heard.reader, writer))
        try:
            await pass_on(reader, heard.writer)
        finally:
            passing.cancel()
            writer.close()

    async def close(heard):
        await heard.request()

    async with served(kind, close) as server, serving(talk) as proxy:
        evidence = Evidence()
        sender = HttpxSender(proxy=proxy.origin, ssl_context=trusting())
        await failure_of(send_by(sender, order(server.origin), evidence=evidence))

        assert (False, kind == "tls") == (evidence.nothing_left, bool(server.requests))


async def test_a_patched_httpx_that_asks_a_proxy(monkeypatch):
    """A patch may have sent the request by other means, whatever a proxy did."""

    async def talk(heard):
        await heard.request()

    async def wrapper(self, request):
        return await original(self, request)

    original = httpx.AsyncHTTPTransport.handle_async_request
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", wrapper)
    async with serving(talk) as proxy:
        evidence = Evidence()
        sender = HttpxSender(proxy=proxy.origin, ssl_context=trusting())
        await failure_of(send_by(sender, order("https://127.0.0.1:9"), evidence=evidence))

        assert not evidence.nothing_left


@pytest.mark.parametrize("proxy", ["ftp://a", "", 7, "socks6://a"])
def test_a_proxy_that_is_none(proxy):
    """What cannot be a proxy is refused at once."""
    with pytest.raises(UsageError, match="proxy must be"):
        HttpxSender(proxy=proxy)
