"""Requests through a patched httpx: who is honoured, and who sees a key."""

import asyncio

import httpcore
import httpx
import pytest

from exchanges.http.answer import Evidence, Unwanted
from exchanges.http.httpx_sender import HttpxSender
from exchanges.http.request import Request
from tests.support.own_connections import get, order
from tests.support.raw_server import answering, response, serving
from tests.support.sending import failure_of, send_by
from tests.support.tls_servers import secured, trusting

ANSWER = response(b'{"id": 1}')
KEY = "THE/KEY=of this"


def secret(origin):
    """Send a read with a key in its query."""
    return Request("GET", origin, "/profile?api_key=THE%2FKEY%3Dof%20this&page=2", (), b"", (KEY,))


async def forwards(self, request):
    """Stand for a recorder that sends by other means, and returns a response without extensions."""
    reader, writer = await asyncio.open_connection(request.url.host, request.url.port)
    body = b"".join([chunk async for chunk in request.stream])
    writer.write(b"POST /forwarded HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    head = await reader.readuntil(b"\r\n\r\n")
    content = await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
    writer.close()
    return httpx.Response(200, content=content)


async def test_a_recorder(monkeypatch):
    """A recorder that really sends gets the request, and its answer is the answer."""
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", forwards)
    async with serving(answering(ANSWER)) as server:
        evidence = Evidence()
        answer = await send_by(HttpxSender(), order(server.origin), evidence=evidence)

        assert (b'{"id": 1}', 1, False) == (answer.body, len(server.requests), evidence.nothing_left)


async def test_a_recorder_that_fails(monkeypatch):
    """A recorder that fails to connect may have sent before: that proves nothing."""

    async def fails(self, request):
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", fails)
    evidence = Evidence()
    await failure_of(send_by(HttpxSender(), order("https://a.example"), evidence=evidence))

    assert not evidence.nothing_left


@pytest.mark.parametrize("kind", [AssertionError, ZeroDivisionError, KeyError])
async def test_an_error_in_the_code_of_a_mock(monkeypatch, kind):
    """An error in the code of a mock of httpx reaches the caller."""

    async def fails(self, request):
        raise kind("x")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", fails)
    await failure_of(send_by(HttpxSender(), order("https://a.example")), kind)


@pytest.mark.parametrize("injected", [True, False])
async def test_a_caller_who_is_gone(monkeypatch, injected):
    """A request whose caller was cancelled is not passed to httpx, and nothing has left."""
    came, evidence = [], Evidence(caller_gone=True)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", came.append)
    sender = HttpxSender(injected=httpx.MockTransport(came.append) if injected else None)
    lost = await failure_of(send_by(sender, order("https://a.example"), evidence=evidence))

    assert (Unwanted, True, []) == (type(lost), evidence.nothing_left, came)


@pytest.mark.parametrize("name", ["send", "_send_single_request", "_send_handling_auth", "_transport_for_url"])
async def test_a_tracer_of_the_client(monkeypatch, name):
    """A tracer that wraps a method of the client is called, sees no key, and the server gets the true one."""
    original, urls = getattr(httpx.AsyncClient, name), []

    def traced(self, request, *args, **kwargs):
        urls.append(str(getattr(request, "url", request)))
        return original(self, request, *args, **kwargs)

    monkeypatch.setattr(httpx.AsyncClient, name, traced)
    async with serving(answering(ANSWER)) as server:
        request = secret(server.origin)
        answer = await send_by(HttpxSender(), request)

        assert (b'{"id": 1}', [f"{server.origin}/profile?api_key=hidden&page=2"]) == (answer.body, urls)
        assert server.requests[0].startswith(f"GET {request.target} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (httpx.AsyncHTTPTransport, "handle_async_request"),
        (httpcore.AsyncConnectionPool, "handle_async_request"),
        (httpcore.AsyncHTTPConnection, "handle_async_request"),
        (httpcore.AsyncHTTP11Connection, "_send_request_headers"),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "tls", "proxy"])
async def test_a_tracer_of_httpcore(monkeypatch, owner, name, kind):
    """Wherever a tracer sits, it sees no key, and the server gets the true one."""
    original, urls = getattr(owner, name), []

    async def traced(self, request):
        urls.append(bytes(getattr(request.url, "raw_path", b"") or request.url.target))
        return await original(self, request)

    monkeypatch.setattr(owner, name, traced)
    async with secured(talk=answering(ANSWER)) if kind == "tls" else serving(answering(ANSWER)) as server:
        request = secret("http://127.0.0.1:9" if kind == "proxy" else server.origin)
        sender = HttpxSender(ssl_context=trusting(), proxy=server.origin if kind == "proxy" else None)
        await send_by(sender, request)

        assert request.target.encode() in server.requests[0]
    assert [True] == [url.endswith(b"/profile?api_key=hidden&page=2") for url in urls if b"profile" in url]


@pytest.mark.parametrize("name", ["get", "request", "post"])
async def test_a_mock_of_a_verb(monkeypatch, name):
    """A mock of a method for one verb is called for that verb."""
    calls = []

    async def mocked(self, *args, **kwargs):
        calls.append((args, kwargs.get("content")))
        return httpx.Response(200, json=[name])

    monkeypatch.setattr(httpx.AsyncClient, name, mocked)
    request = order("https://a.example") if name == "post" else get("https://a.example")
    answer = await send_by(HttpxSender(), request)

    assert (f'["{name}"]'.encode(), 1) == (answer.body, len(calls))
    assert (b"amount=1" if name == "post" else None) == calls[0][1]


@pytest.mark.interop
@pytest.mark.parametrize("using", ["httpx", "httpcore"])
async def test_respx(using):
    """A mock of respx answers, at either layer; nothing leaves."""
    respx = pytest.importorskip("respx")
    with respx.mock(using=using) as router:
        route = router.post("https://a.example/buy/").respond(200, json={"id": 7})
        answer = await send_by(HttpxSender(), order("https://a.example"))

    assert (b'{"id":7}', b"amount=1") == (answer.body.replace(b" ", b""), route.calls.last.request.content)


@pytest.mark.interop
async def test_vcrpy(tmp_path):
    """A recorder of vcrpy records and replays an order, and no key is in its cassette."""
    vcr = pytest.importorskip("vcr")
    cassette = tmp_path / "cassette.yaml"
    async with serving(answering(ANSWER)) as server:
        bodies, request = [], secret(server.origin)
        for _ in range(2):
            with vcr.use_cassette(str(cassette)):
                bodies.append((await send_by(HttpxSender(), request)).body)

        assert ([b'{"id": 1}'] * 2, 1) == (bodies, len(server.requests))
        assert request.target.encode() in server.requests[0]
    assert "THE" not in cassette.read_text()


@pytest.mark.interop
async def test_pytest_httpx(request):
    """A mock of pytest-httpx answers; nothing leaves."""
    pytest.importorskip("pytest_httpx")
    httpx_mock = request.getfixturevalue("httpx_mock")
    httpx_mock.add_response(url="https://a.example/buy/", json={"id": 7})
    answer = await send_by(HttpxSender(), order("https://a.example"))

    assert b'{"id":7}' == answer.body.replace(b" ", b"")


@pytest.mark.interop
async def test_opentelemetry():
    """The spans of OpenTelemetry hold no key, and the server gets it."""
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    spans, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(spans))
    instrumentor = instrumentation.HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        async with secured(talk=answering(ANSWER)) as server:
            request = secret(server.origin)
            await send_by(HttpxSender(ssl_context=trusting()), request)

            assert request.target.encode() in server.requests[0]
    finally:
        instrumentor.uninstrument()
    shown = "".join(span.to_json() for span in spans.get_finished_spans())

    assert ("hidden" in shown, "THE" in shown) == (True, False)


async def test_a_secret_in_a_form_that_is_not_known(monkeypatch):
    """A secret that is written in a form that cannot be replaced costs the whole query."""
    urls = []

    async def recorded(self, request):
        urls.append(str(request.url))
        return httpx.Response(200)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", recorded)
    await send_by(HttpxSender(), Request("GET", "https://a.example", "/a?x=%54HE%2fKEY%3dof%20this", (), b"", (KEY,)))

    assert ["https://a.example/a?hidden"] == urls
