"""What a client makes of transports that are not its own connections: patches of httpx, mocks, proxies."""

import asyncio

import httpx
import pytest
import respx

from exchanges import errors
from exchanges.state import MemoryState
from tests.support.connected import client_of
from tests.support.fourth import CREDENTIALS, Fourth, Thing
from tests.support.fourth_calls import CALLS
from tests.support.raw_server import answering, response, serving
from tests.support.sending import closed_port

ANSWER = response()


@pytest.fixture
def recorder(monkeypatch):
    """Replace the method with which httpx sends by one that sends by other means, as recorders do."""
    ends = []

    async def forward(_, request):
        host, port = request.url.host, request.url.port
        reader, writer = await asyncio.open_connection(host, port)
        body = b"".join([chunk async for chunk in request.stream])
        head = f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        content = (await reader.readuntil(b"}")).partition(b"\r\n\r\n")[2]
        writer.close()
        if ends:
            raise ends[0]
        return httpx.Response(200, content=content)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", forward)
    return ends


@pytest.mark.usefixtures("recorder")
async def test_a_recorder(caplog):
    """Calls go through a patched httpx, which is logged once, and are answered."""
    async with serving(answering(ANSWER)) as server, client_of(server.origin) as client:
        things = [await CALLS[name](client) for name in ("read", "money")]

        assert ([Thing(1)] * 2, 2) == (things, len(server.requests))
    assert 1 == sum("is patched: requests go through httpx" in message for message in caplog.messages)


@pytest.mark.parametrize("end", [httpx.ConnectError("no"), httpx.ProxyError("no"), OSError("no")])
async def test_a_recorder_that_fails(recorder, end):
    """However a patched httpx fails, it is no proof that an order was not sent."""
    recorder.append(end)
    async with serving(answering(ANSWER)) as server, client_of(server.origin) as client:
        with pytest.raises(errors.OutcomeUnknown):
            await CALLS["money"](client)

        assert (1, 1) == (len(server.requests), len(client.unresolved))


@pytest.mark.parametrize("end", [KeyError("x"), AssertionError("x"), pytest.fail.Exception("x")])
@pytest.mark.parametrize("name", ["read", "idempotent", "money"])
async def test_a_mock_with_an_error_in_its_code(recorder, end, name):
    """An error in the code of a mock reaches the caller after one attempt, once a money call is recorded as open."""
    recorder.append(end)
    async with serving(answering(ANSWER)) as server, client_of(server.origin) as client:
        with pytest.raises(type(end)) as caught:
            await CALLS[name](client)

        assert (end, 1, name == "money") == (caught.value, len(server.requests), bool(client.unresolved))


@respx.mock
async def test_a_mock_of_respx_without_a_route():
    """What respx has no route for is told in its own words."""
    respx.get("https://fourth.example/elsewhere")
    async with Fourth(state=MemoryState(), **CREDENTIALS) as client:
        for name in ("read", "money"):
            with pytest.raises(AssertionError, match="not mocked"):
                await CALLS[name](client)

        assert 1 == len(client.unresolved)


async def test_a_mock_of_respx():
    """A mock of respx answers the calls of a client that was used before, and no order leaves the test."""
    async with serving(answering(response(b'{"id": 2}'))) as server, client_of(server.origin) as client:
        things = [await client.market.thing()]
        with respx.mock() as router:
            router.route(host="127.0.0.1").respond(200, json={"id": 1})
            things += [await client.market.thing(), await CALLS["money"](client)]
        things.append(await client.market.thing())

        assert ([2, 1, 1, 2], 2) == ([thing.id for thing in things], len(server.requests))


@respx.mock
async def test_a_client_within_a_mock_of_respx():
    """A client that is opened within a mock gets its answers."""
    respx.get("https://fourth.example/api/things/a").respond(200, json={"id": 7})
    async with Fourth(state=MemoryState()) as client:
        assert 7 == (await client.market.thing()).id


async def test_a_tracer_that_is_bypassed(recorder, caplog):
    """A client that bypasses tracers uses its own connections, says so once, and shows it."""
    recorder.append(ZeroDivisionError("traced"))
    async with (
        serving(answering(ANSWER)) as server,
        client_of(server.origin, bypass_tracers=True) as client,
        client_of(server.origin) as other,
    ):
        things = [await CALLS[name](client) for name in ("read", "money", "read")]

        assert ([Thing(1)] * 3, 3, True, False) == (
            things,
            len(server.requests),
            "tracers bypassed" in repr(client),
            "bypassed" in repr(other),
        )
    assert 1 == sum("passed over by bypass_tracers" in message for message in caplog.messages)


@pytest.mark.parametrize(
    "options",
    [
        {"bypass_tracers": 1},
        {"bypass_tracers": True, "proxy": "http://127.0.0.1:9"},
        {"bypass_tracers": True, "transport": httpx.MockTransport(len)},
    ],
)
def test_what_cannot_bypass_tracers(options):
    """Where httpx is used in any case, its tracers cannot be bypassed."""
    with pytest.raises(errors.UsageError, match="bypass_tracers"):
        Fourth(**options)


async def test_a_patch_that_comes_under_way(monkeypatch):
    """A patch that appears while an own connection waits changes nothing about what that connection sent."""

    async def talk(heard):
        await heard.request()
        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", None)

    async with serving(talk) as server, client_of(server.origin) as client:
        with pytest.raises(errors.OutcomeUnknown, match="all of it was handed to the connection"):
            await CALLS["money"](client)


async def test_a_transport_by_its_method():
    """A transport is whatever has the method of one."""

    class Odd:
        async def handle_async_request(self, request):
            return httpx.Response(200, json={"id": len(request.url.path)})

    async with Fourth(transport=Odd()) as client:
        assert Thing(len("/api/things/a")) == await client.market.thing()


@pytest.mark.interop
async def test_a_transport_of_httpx2():
    """A transport of httpx2 serves a client."""
    httpx2 = pytest.importorskip("httpx2")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"id": 1}))
    async with Fourth(transport=transport) as client:
        assert Thing(1) == await client.market.thing()


@pytest.mark.parametrize(
    ("status", "attempts"), [(b"407 Proxy Authentication Required", 1), (b"502 Bad Gateway", 3), (b"302 Found", 3)]
)
async def test_a_proxy_that_refuses(monkeypatch, status, attempts):
    """The status of a proxy is in the error, and a password that is missing is not asked for again."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    options = {"limits": None, "state": MemoryState(), **CREDENTIALS}
    async with (
        serving(answering(response(b"", status=status))) as proxy,
        Fourth(proxy=proxy.origin, **options) as client,
    ):
        with pytest.raises(errors.ReadFailed, match=f"the proxy refused .* status {status[:3].decode()}"):
            await CALLS["read"](client)
        assert attempts == len(proxy.requests)
        with pytest.raises(errors.NotSent):
            await CALLS["money"](client)


async def test_a_proxy_that_is_not_there():
    """Where our own transport to a proxy finds nobody, an order was not sent."""
    origin = f"http://127.0.0.1:{closed_port()}"
    async with Fourth(proxy=origin, limits=None, state=MemoryState(), **CREDENTIALS) as client:
        with pytest.raises(errors.NotSent, match="ConnectError"):
            await CALLS["money"](client)
