"""What a client makes of its connections: dead ones, surplus, patches, proxies, names, and what servers send beside."""

import asyncio
import gzip
import socket
import threading

import httpx
import pytest
import respx

from exchanges import errors
from exchanges.http import pool
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, Fourth, Thing
from tests.support.fourth_calls import CALLS
from tests.support.own_connections import KINDS, by_records, turns, until
from tests.support.raw_server import answering, response, serving
from tests.support.sending import closed_port
from tests.support.tls_servers import served, trusting

ANSWER = response()
kinds = pytest.mark.parametrize("kind", KINDS)


def client_of(origin, **options):
    """Create a client of the fourth exchange without limits."""
    options = {"limits": None, "state": MemoryState(), "timeout_seconds": 20.0, **options}
    return Fourth(base_url=origin, **CREDENTIALS, **options)


def swallowing(answers):
    """Answer so many requests of each connection, and leave the next one without an answer."""

    async def talk(heard):
        for _ in range(answers):
            await heard.request()
            await heard.say(ANSWER)
        await heard.request()
        await heard.reader.read()

    return talk


# Dead connections


@pytest.fixture
def impatient(monkeypatch):
    """Shorten the silence after which a reused connection counts as dead."""
    monkeypatch.setattr(pool, "SILENT_READ_SECONDS", 0.05)
    monkeypatch.setattr(pool, "SILENT_READ_SHARE", 0.0)
    monkeypatch.setattr(pool, "SILENT_CANCEL_SECONDS", 0.05)


@kinds
@pytest.mark.parametrize("name", ["read", "idempotent"])
@pytest.mark.usefixtures("impatient")
async def test_a_connection_that_died_in_silence(kind, name):
    """A read, and a cancel, on a connection that is dead is answered on a new one, before the deadline."""
    async with served(kind, swallowing(1)) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await CALLS["read"](client)
        await CALLS[name](client)

        assert (2, 3) == (server.connections, len(server.requests))


@kinds
@pytest.mark.usefixtures("impatient")
async def test_an_order_on_a_connection_that_died_in_silence(kind):
    """An order is never sent again, however long no answer comes."""
    async with served(kind, swallowing(1)) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await CALLS["read"](client)
        with pytest.raises(errors.OutcomeUnknown, match="no answer before the deadline; waiting for the answer"):
            await CALLS["money"](client.with_options(timeout_seconds=0.3))

        assert (2, 1) == (len(server.requests), len(client.unresolved))


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_is_silent():
    """A read is asked again once because of silence: a new connection is not given up before the deadline."""
    async with serving(swallowing(0)) as server, client_of(server.origin) as client:
        with pytest.raises(errors.ReadFailed, match="no answer before the deadline; waiting for the answer"):
            await CALLS["read"](client.with_options(timeout_seconds=0.3))

        assert 1 == len(server.requests)


@pytest.mark.usefixtures("impatient")
async def test_silence_is_no_attempt():
    """A read that met a dead connection is still repeated where the server is unavailable for a moment."""
    steps = iter([ANSWER, None, response(status=b"503 Later"), response(status=b"503 Later"), ANSWER])

    async def talk(heard):
        while True:
            await heard.request()
            said = next(steps)
            await (heard.say(said) if said is not None else heard.reader.read())

    async with serving(talk) as server, client_of(server.origin) as client:
        await CALLS["read"](client)

        assert (Thing(1), 5) == (await CALLS["read"](client), len(server.requests))


@pytest.mark.usefixtures("impatient")
async def test_not_found_after_silence():
    """A cancel whose first attempt was not answered may have done what the second one does not find."""
    steps = iter([ANSWER, None, response(b'{"error": "no", "code": "missing"}', status=b"404 Gone")])

    async def talk(heard):
        while True:
            await heard.request()
            said = next(steps)
            await (heard.say(said) if said is not None else heard.reader.read())

    async with serving(talk) as server, client_of(server.origin) as client:
        await CALLS["read"](client)
        with pytest.raises(errors.OutcomeUnknown, match="an earlier attempt may have done it") as caught:
            await CALLS["idempotent"](client)

    assert caught.value.intent.account == client._session.credentials.fingerprint


@kinds
async def test_a_connection_is_ready_for_orders(kind):
    """After the first order an unused connection is kept, on which the next one goes."""
    async with served(kind, answering(ANSWER)) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await client.trading.create_order(amount=1)
        await until(lambda: server.connections == 2)
        await turns(20)

        assert (2, 1) == (server.connections, len(server.requests))


async def test_tasks_that_are_cancelled_from_outside():
    """Whoever cancels the tasks of the library costs the calls their connections, and later calls nothing."""
    asked = asyncio.Event()

    async def talk(heard):
        while True:
            await heard.request()
            if not asked.is_set():
                asked.set()
                await heard.reader.read()
            await heard.say(ANSWER)

    async with serving(talk) as server, client_of(server.origin) as client:
        call = asyncio.create_task(client.market.thing())
        await asked.wait()
        for task in list(client._session._tasks):
            task.cancel()
        with pytest.raises(errors.ReadFailed):
            await call

        assert [Thing(1)] * 9 == [await client.market.thing() for _ in range(9)]


# Surplus


async def test_two_answers_in_one_segment():
    """Over TLS a second answer that comes together with the first is not taken for that to the next call."""

    async def talk(heard, records):
        while True:
            number = len(heard.server.requests) + 1
            heard.server.requests.append(await records.request())
            first, second = (response(b'{"id": %d}' % n) for n in (number, 1000 + number))
            heard.writer.write(records.records(first, second))
            await heard.writer.drain()

    async with serving(by_records(talk)) as server:
        origin = server.origin.replace("http:", "https:")
        async with client_of(origin, ssl_context=trusting()) as client:
            things = [await client.market.thing() for _ in range(20)]

        assert ([Thing(n) for n in range(1, 21)], 20) == (things, server.connections)


# Patches


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


# Transports of the caller


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


# Proxies


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


# Names


@pytest.mark.parametrize(("name", "kind"), [("read", errors.ReadFailed), ("money", errors.NotSent)])
async def test_a_name_that_is_not_found_in_time(monkeypatch, name, kind):
    """An error names what the call was waiting for."""
    found = threading.Event()

    def hang(*_, **__):
        found.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    async with Fourth(timeout_seconds=0.1, limits=None, state=MemoryState(), **CREDENTIALS) as client:
        try:
            with pytest.raises(kind, match="no answer before the deadline; looking up the name"):
                await CALLS[name](client)
        finally:
            found.set()


# Answers


@kinds
@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip"])
@pytest.mark.parametrize("padding", [b"", b"\0" * 9])
async def test_several_members_of_gzip(kind, coding, padding):
    """A body in several members of gzip, padded or not, is read whole."""
    body = gzip.compress(b'{"id"') + gzip.compress(b": 1}") + padding
    talk = answering(response(body, b"Content-Encoding: " + coding))
    async with served(kind, talk) as server, client_of(server.origin, ssl_context=trusting()) as client:
        assert Thing(1) == await client.market.thing()


@pytest.mark.parametrize("line", [b"X-Odd : a", b"garbage", b": a", b"Set-Cookie: a\n b", b"X: \x01", b"X: \xe9"])
async def test_header_lines_that_are_none(line):
    """A malformed line among the headers costs no answer."""
    async with serving(answering(response(b'{"id": 1}', line))) as server, client_of(server.origin) as client:
        assert [Thing(1)] * 2 == [await CALLS[name](client) for name in ("read", "money")]
