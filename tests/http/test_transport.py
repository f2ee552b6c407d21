import asyncio

import httpx
import pytest

from exchanges.http.answer import Evidence, Lost
from exchanges.http.connection import BUFFER_BYTES
from exchanges.http.transport import HttpTransport
from exchanges.limits.limiter import Priority
from exchanges.version import __version__
from tests.support.own_connections import KINDS
from tests.support.raw_server import answering, response, serving
from tests.support.sending import send
from tests.support.tls_servers import served, trusting

kinds = pytest.mark.parametrize("kind", KINDS)


async def test_the_headers_of_a_read(transport):
    """A read carries these headers and no others."""
    async with serving(answering(response())) as server:
        await send(transport, server.origin, headers=(("X-Key", "k"),))

        assert [
            (b"host", f"127.0.0.1:{server.port}".encode()),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"gzip"),
            (b"user-agent", f"aioexchanges/{__version__}".encode()),
            (b"x-key", b"k"),
        ] == server.headers()


@pytest.mark.parametrize(
    ("verb", "body", "length"),
    [("POST", b"a=1", b"3"), ("POST", b"", b"0"), ("PUT", b"", b"0"), ("DELETE", b"", None), ("GET", b"", None)],
)
async def test_the_length_of_a_body(transport, verb, body, length):
    """A body is sent unchanged with its length; POST and PUT without a body have the length zero."""
    async with serving(answering(response())) as server:
        await send(transport, server.origin, verb=verb, body=body)
        whole = server.requests[0]

        assert (length, body) == (dict(server.headers()).get(b"content-length"), whole.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("target", ["/a%2Fb/%20/%C3%A9?x=1%2B1&y=%3D&z=a+b", "/a//b/", "/?a=b%26c", "/x'(),;:@!$*~"])
async def test_the_target_travels_as_it_was_signed(transport, target):
    """Path and query arrive byte for byte as they were signed."""
    async with serving(answering(response())) as server:
        await send(transport, server.origin, target=target)

        assert target.encode() == server.requests[0].split(b" ")[1]


@pytest.mark.parametrize("priority", [Priority.READ, Priority.MONEY])
async def test_a_target_that_would_be_rewritten(transport, priority):
    """A path that the layer below would rewrite is not sent at all, and that is known."""
    async with serving(answering(response())) as server:
        evidence = Evidence()
        with pytest.raises(Lost, match="would be sent otherwise than it was signed"):
            await send(transport, server.origin, target='/a"b', priority=priority, evidence=evidence)

        assert ([], True) == (server.requests, evidence.nothing_left)


@pytest.mark.parametrize("target", ["/?a=" + "x" * 70_000, "/" + "x" * 70_000])
async def test_a_target_that_is_too_long(target):
    """A path that is too long for the HTTP client is not sent by any transport, and raises an error of the library."""
    evidence, came = Evidence(), []
    transport = HttpTransport(injected=httpx.MockTransport(came.append))
    with pytest.raises(Lost, match="too long for a URL"):
        await send(transport, "https://a.example", target=target, priority=Priority.MONEY, evidence=evidence)

    assert ([], True) == (came, evidence.nothing_left)


@kinds
async def test_an_answer(transport, kind):
    """An answer is its status, its headers and its body."""
    async with served(kind, answering(response(b"[1]", b"Retry-After: 7", status=b"429 Slow"))) as server:
        answer = await send(transport, server.origin)

    assert (429, "7", b"[1]") == (answer.status, answer.headers.get("retry-after"), answer.body)


@kinds
async def test_no_cookie_is_kept(transport, kind):
    """A cookie that a server sets is not sent back."""
    async with served(kind, answering(response(b"{}", b"Set-Cookie: session=1; Path=/"))) as server:
        for _ in range(2):
            await send(transport, server.origin)

        assert b"cookie" not in dict(server.headers())


@kinds
@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 Other", b"307 Temporary", b"308 Permanent"])
async def test_redirects_are_not_followed(transport, status, kind):
    """A redirect is an answer like any other."""
    async with served(kind, answering(response(b"", b"Location: /b", status=status))) as server:
        answer = await send(transport, server.origin)

        assert (int(status[:3]), 1) == (answer.status, len(server.requests))


async def test_the_environment_is_not_asked(transport, monkeypatch):
    """Proxies and credentials of the environment are ignored."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(answering(response())) as server:
        answer = await send(transport, server.origin)

        assert (200, b"authorization" in dict(server.headers())) == (answer.status, False)


async def test_a_proxy():
    """A given proxy gets the request in place of the server."""
    async with serving(answering(response())) as proxy:
        transport = HttpTransport(proxy=proxy.origin)
        await send(transport, "http://127.0.0.1:9")
        await transport.aclose()

        assert b"GET http://127.0.0.1:9/a HTTP/1.1" == proxy.requests[0].partition(b"\r\n")[0]


@kinds
async def test_connections_are_kept(transport, kind):
    """One connection serves one call after the other."""
    async with served(kind, answering(response())) as server:
        for _ in range(5):
            await send(transport, server.origin)

        assert (1, 5) == (server.connections, len(server.requests))


@kinds
@pytest.mark.parametrize("priority", [Priority.CANCEL, Priority.READ])
@pytest.mark.parametrize("surplus", [response(b'{"id": 9}'), b"\r\n", b"x"])
async def test_more_than_an_answer(transport, priority, surplus, kind):
    """Bytes after an answer are not read as the answer to the next request."""
    async with served(kind, answering(response(b"1") + surplus, response(b"2"))) as server:
        bodies = [(await send(transport, server.origin, priority=priority)).body for _ in range(2)]

        assert ([b"1", b"2"], 2) == (bodies, server.connections)


@kinds
async def test_more_that_comes_later(transport, kind):
    """Bytes that arrive without a request are not read as the answer to the next one."""
    late = asyncio.Event()

    async def talk(heard):
        number = len(heard.server.requests)
        await heard.request()
        await heard.say(response(b"%d" % number))
        if number == 0:
            await heard.say(response(b"late"))
            late.set()
            await heard.reader.read()

    async with served(kind, talk) as server:
        first = await send(transport, server.origin, priority=Priority.MONEY)
        await late.wait()
        second = await send(transport, server.origin, priority=Priority.MONEY)

    assert (b"0", b"1") == (first.body, second.body)


@kinds
async def test_others_go_on_while_chunks_rain(transport, kind):
    """While an answer of thousands of chunks arrives at once, other tasks and the deadline still run."""
    rain = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n1\r\n" * 90_000 + b"0\r\n\r\n"
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with served(kind, answering(rain)) as server:
        task = asyncio.create_task(others())
        turns = 0
        await send(transport, server.origin)
        task.cancel()

    assert turns >= len(rain) // BUFFER_BYTES


@kinds
async def test_closing_closes_the_connections(kind):
    """After closing no connection is open."""
    gone = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await heard.say(response())
        assert await heard.reader.read() == b""
        gone.set()

    transport = HttpTransport(ssl_context=trusting())
    async with served(kind, talk) as server:
        await send(transport, server.origin)
        await transport.aclose()
        await asyncio.wait_for(gone.wait(), 60)
