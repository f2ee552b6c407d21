import asyncio
import socket

import httpx
import pytest

from exchanges import errors
from exchanges.bitex import Bitex
from exchanges.http.transport import HttpTransport
from exchanges.limits.limiter import Priority
from exchanges.state import MemoryState
from tests.support.own_connections import KINDS
from tests.support.raw_server import answering, once, response, serving
from tests.support.sending import BOMB, closed_port, error_of_sent, lost, send
from tests.support.tls_servers import served, trusting

kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("priority", [Priority.READ, Priority.MONEY])
async def test_nobody_listens(transport, priority):
    """Without a connection it is proven that nothing left."""
    error, evidence = await lost(transport, f"http://127.0.0.1:{closed_port()}", priority=priority)

    assert ("connecting failed", True) == (str(error).partition(" (")[0], evidence.nothing_left)


async def test_no_name(transport, monkeypatch):
    """A host that has no address proves that nothing left."""

    def unknown(*args, **options):
        raise socket.gaierror(-2, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error, evidence = await lost(transport, "http://nowhere.invalid")

    assert ("looking up the name failed ([Errno -2] no such name)", True) == (str(error), evidence.nothing_left)


async def test_a_handshake_that_fails():
    """If TLS fails, nothing of the request was sent."""

    async def talk(heard):
        await heard.reader.read(1)
        await heard.say(b"what?")

    transport = HttpTransport()
    async with serving(talk) as server:
        _, evidence = await lost(transport, server.origin.replace("http:", "https:"))
        await transport.aclose()

    assert evidence.nothing_left


@kinds
async def test_closed_after_the_request(transport, kind):
    """A server that hangs up without an answer may have executed the request."""
    async with served(kind, once()) as server:
        _, evidence = await lost(transport, server.origin)

    assert (True, False) == (evidence.started, evidence.nothing_left)


@kinds
async def test_closed_at_once(transport, kind):
    """A server that accepts and hangs up at once may have read what was sent."""

    async def talk(heard):
        return

    async with served(kind, talk) as server:
        _, evidence = await lost(transport, server.origin)

    assert (True, False) == (evidence.started, evidence.nothing_left)


@kinds
async def test_a_closed_connection_is_not_used(transport, kind):
    """If the server closed the idle connection, a request opens a new one and is answered."""
    closed = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await heard.say(response())
        heard.writer.close()
        await heard.writer.wait_closed()
        closed.set()

    async with served(kind, talk) as server:
        await send(transport, server.origin, priority=Priority.CANCEL)
        await closed.wait()
        answer = await send(transport, server.origin, priority=Priority.CANCEL)

        assert (200, 2) == (answer.status, server.connections)


async def test_a_proxy_that_refuses():
    """If the proxy refuses the tunnel, nothing of the request itself was sent."""
    async with serving(answering(response(status=b"407 No"))) as proxy:
        transport = HttpTransport(proxy=proxy.origin)
        _, evidence = await lost(transport, "https://exchange.example")
        await transport.aclose()

        assert (b"CONNECT", True) == (proxy.requests[0].split(b" ")[0], evidence.nothing_left)


async def test_an_injected_transport_proves_nothing():
    """An injected transport proves nothing."""

    def gone(request):
        raise httpx.ReadError("gone")

    _, evidence = await lost(HttpTransport(injected=httpx.MockTransport(gone)), "https://a.example")

    assert not evidence.nothing_left


async def test_an_injected_transport_without_a_connection():
    """An injected transport that reports no connection may have retried, and proves nothing."""

    def unreachable(request):
        raise httpx.ConnectError("no")

    _, evidence = await lost(HttpTransport(injected=httpx.MockTransport(unreachable)), "https://a.example")

    assert not evidence.nothing_left


BID = b'[1, 12345678, 946685400, 1, 100.0, 100.0, 1000.0, 1, 0, 0.0, "API", 1]'


async def bid_at(origin, **options):
    """Place a bid at a server of our own."""
    async with Bitex(api_key="k", base_url=origin, state=MemoryState(), ssl_context=trusting(), **options) as bitex:
        return await bitex.trading.create_bid(amount=100, price=1000)


async def test_an_order_that_found_nobody():
    """An order to a port where nobody listens was not sent, and may be placed again."""
    async with Bitex(api_key="k", base_url=f"http://127.0.0.1:{closed_port()}", state=MemoryState()) as bitex:
        for _ in range(2):
            with pytest.raises(errors.NotSent, match=r"connecting failed .*; nothing was sent, it is safe to repeat"):
                await bitex.trading.create_bid(amount=100, price=1000)

        assert 0 == len(bitex.unresolved)


@kinds
async def test_an_order_without_an_answer(kind):
    """An order whose connection was closed before the answer has an unknown outcome and was sent once."""
    async with served(kind, once()) as server:
        with pytest.raises(errors.OutcomeUnknown):
            await bid_at(server.origin)

        assert len(server.requests) == 1


@kinds
async def test_an_order_whose_deadline_passes(kind):
    """An order whose deadline passes has an unknown outcome, and its connection is closed."""
    gone = asyncio.Event()

    async def talk(heard):
        await heard.request()
        assert await heard.reader.read() == b""
        gone.set()

    async with served(kind, talk) as server:
        error = await error_of_sent(lambda seconds: bid_at(server.origin, timeout_seconds=seconds), 0.05)
        await asyncio.wait_for(gone.wait(), 60)

    assert (errors.OutcomeUnknown, True) == (type(error), "no answer before the deadline" in str(error))


@kinds
@pytest.mark.parametrize("said", [response(BOMB, b"Content-Encoding: gzip"), response(b"x" * 2**20 + b"x")])
async def test_an_order_with_a_hostile_answer(said, kind):
    """An order whose answer is too large has an unknown outcome."""
    async with served(kind, answering(said)) as server:
        with pytest.raises(errors.OutcomeUnknown):
            await bid_at(server.origin)


@kinds
@pytest.mark.parametrize("said", [response(BOMB, b"Content-Encoding: gzip"), response(b"x" * 2**20 + b"x")])
async def test_a_read_with_a_hostile_answer(said, kind):
    """A read whose answer is too large fails at once with `DecodeError`."""
    async with served(kind, answering(said)) as server:
        async with Bitex(base_url=server.origin, state=MemoryState(), ssl_context=trusting()) as bitex:
            with pytest.raises(errors.DecodeError):
                await bitex.market.ticker()

        assert len(server.requests) == 1


@kinds
async def test_a_cancelled_caller_does_not_poison_the_pool(kind):
    """After a caller is cancelled in the middle of its answer, that answer is read and the next calls succeed."""
    half, rest = asyncio.Event(), asyncio.Event()

    async def talk(heard):
        while True:
            await heard.request()
            body = response(b"[]")
            await heard.say(body[:20])
            half.set()
            await rest.wait()
            await heard.say(body[20:])

    async with (
        served(kind, talk) as server,
        Bitex(api_key="k", base_url=server.origin, limits=None, state=MemoryState(), ssl_context=trusting()) as bitex,
    ):
        call = asyncio.create_task(bitex.trading.orders())
        await half.wait()
        call.cancel()
        await asyncio.wait([call])
        rest.set()
        for _ in range(4):
            assert [] == await bitex.trading.orders()

        assert (2, 5) == (server.connections, len(server.requests))
