"""Requests through a transport of the caller."""

import asyncio
import gzip
import io

import httpx
import pytest

from exchanges.http.answer import BadAnswer, Evidence, Lost, TimedOut
from exchanges.http.httpx_sender import HttpxSender
from exchanges.http.request import Attachment, Request
from exchanges.http.uploads import Upload
from exchanges.version import __version__
from tests.support.own_connections import get, order, until
from tests.support.raw_server import answering, response, serving
from tests.support.sending import failure_of, send_by

ANSWER = response(b'{"id": 1}')


async def test_a_transport_of_the_caller():
    """A transport of the caller gets the request as it is, and proves nothing."""
    came, evidence = [], Evidence()

    def answer(request):
        came.append((request.method, str(request.url), request.headers.raw, request.content, repr(request)))
        return httpx.Response(201, json=[1], headers={"X-A": "1"})

    sender = HttpxSender(injected=httpx.MockTransport(answer))
    answered = await send_by(sender, order("https://a.example"), evidence=evidence)
    headers = [
        (b"Host", b"a.example"),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"gzip"),
        (b"User-Agent", f"aioexchanges/{__version__}".encode()),
        (b"Content-Type", b"text/plain"),
        (b"Content-Length", b"8"),
    ]

    assert [("POST", "https://a.example/buy/", headers, b"amount=1", "<POST request>")] == came
    assert (201, b"[1]", "1", False) == (
        answered.status,
        answered.body,
        answered.headers["x-a"],
        evidence.nothing_left,
    )


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError(""),
        OSError("down"),
        TimeoutError(110, "late"),
        httpx.PoolTimeout(""),
    ],
)
async def test_a_failure_of_the_network(error):
    """A failure in a transport of the caller proves nothing, a failure to connect included: it may have retried."""
    evidence = Evidence()

    def fail(_):
        raise error

    lost = await failure_of(
        send_by(HttpxSender(injected=httpx.MockTransport(fail)), order("https://a.example"), evidence=evidence)
    )

    assert (Lost, type(error).__name__, False) == (type(lost), str(lost), evidence.nothing_left)


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyError, AttributeError])
async def test_an_error_in_the_code_of_the_caller(kind):
    """An error in the code of a transport of the caller reaches the caller."""

    def fail(_):
        raise kind("x")

    await failure_of(send_by(HttpxSender(injected=httpx.MockTransport(fail)), order("https://a.example")), kind)


async def test_a_file_that_a_transport_of_the_caller_misses():
    """An error of a file in the code of the caller is no error of the network."""

    def fail(_):
        open("/nowhere/cassette")  # noqa: PTH123, SIM115 - it does not exist

    await failure_of(
        send_by(HttpxSender(injected=httpx.MockTransport(fail)), order("https://a.example")), FileNotFoundError
    )


@pytest.mark.parametrize(("error", "kind"), [(httpx.ReadError(""), Lost), (KeyError("x"), ExceptionGroup)])
async def test_a_group_of_errors(error, kind):
    """A group of errors is one of the network if all of them are."""

    def fail(_):
        raise ExceptionGroup("tasks", [OSError("down"), error])

    await failure_of(send_by(HttpxSender(injected=httpx.MockTransport(fail)), order("https://a.example")), kind)


async def test_a_time_limit_of_the_caller():
    """A transport of the caller that gives up before the deadline has not met the deadline."""

    def fail(_):
        raise TimeoutError

    lost = await failure_of(send_by(HttpxSender(injected=httpx.MockTransport(fail)), order("https://a.example")))

    assert (Lost, "TimeoutError") == (type(lost), str(lost))


async def test_a_transport_that_hangs():
    """A transport of the caller is given up at the deadline."""

    class Hangs(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.Event().wait()

    evidence = Evidence()
    lost = await failure_of(
        send_by(HttpxSender(injected=Hangs()), get("https://a.example"), evidence=evidence, seconds=0.05)
    )

    assert (TimedOut, False) == (type(lost), evidence.nothing_left)


async def test_a_deadline_that_has_passed():
    """What comes too late is not passed to a transport of the caller, and nothing has left."""
    came, evidence = [], Evidence()
    sender = HttpxSender(injected=httpx.MockTransport(came.append))
    lost = await failure_of(send_by(sender, order("https://a.example"), evidence=evidence, seconds=0))

    assert (TimedOut, True, []) == (type(lost), evidence.nothing_left, came)


async def test_a_file():
    """A file is read while it is sent."""
    came = []

    async def answer(request):
        came.append(await request.aread())
        return httpx.Response(200)

    upload = Upload("a.png", "image/png", 9, lambda: io.BytesIO(b"x" * 9))
    request = Request("POST", "https://a.example", "/", (), b"<", attachment=Attachment(upload, b">"))
    await send_by(HttpxSender(injected=httpx.MockTransport(answer)), request)

    assert [b"<xxxxxxxxx>"] == came


@pytest.mark.parametrize("fails", [False, True])
async def test_a_file_that_is_not_read_to_its_end(fails):
    """A file is closed if a transport of the caller does not read all of it."""
    file = io.BytesIO(bytes(9))

    class Early(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            parts = aiter(request.stream)
            await anext(parts)
            await anext(parts)
            if fails:
                raise httpx.ReadError("")
            return httpx.Response(413)

    request = Request(
        "POST", "https://a.example", "/", (), b"<", attachment=Attachment(Upload("a", "a/b", 9, lambda: file), b">")
    )
    sending = send_by(HttpxSender(injected=Early()), request)
    if fails:
        await failure_of(sending)
    else:
        assert 413 == (await sending).status
    await until(lambda: file.closed)


async def test_the_bounds_of_a_body():
    """A body is decoded and bounded here too."""

    class Zipped(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            stream = httpx.ByteStream(gzip.compress(b"[1]") * 2)
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)

    sender = HttpxSender(injected=Zipped())
    answer = await send_by(sender, get("https://a.example"))
    await failure_of(send_by(sender, get("https://a.example"), max_bytes=5), BadAnswer)

    assert b"[1][1]" == answer.body


@pytest.mark.parametrize("target", ["/?a=" + "x" * 70_000, '/a"b'])
async def test_a_target_that_httpx_would_change(target):
    """What httpx would rewrite or refuses is not sent."""
    evidence, came = Evidence(), []
    sender = HttpxSender(injected=httpx.MockTransport(came.append))
    await failure_of(send_by(sender, get("https://a.example", target), evidence=evidence))

    assert ([], True) == (came, evidence.nothing_left)


@pytest.mark.interop
async def test_a_transport_of_httpx2():
    """A transport of httpx2 gets requests of httpx2, and its errors are errors of the network."""
    httpx2 = pytest.importorskip("httpx2")
    kinds = []

    def answer(request):
        kinds.append(isinstance(request, httpx2.Request))
        if request.url.path == "/fail":
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json=[1])

    sender = HttpxSender(injected=httpx2.MockTransport(answer))
    body = (await send_by(sender, order("https://a.example"))).body
    lost = await failure_of(send_by(sender, get("https://a.example", "/fail")))
    async with serving(answering(ANSWER)) as server, httpx2.AsyncHTTPTransport() as transport:
        real = (await send_by(HttpxSender(injected=transport), get(server.origin))).body

    assert ([True, True], b"[1]", "ConnectError", b'{"id": 1}') == (kinds, body, str(lost), real)
