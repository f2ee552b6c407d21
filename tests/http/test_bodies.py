import gzip
import tracemalloc
import zlib

import httpx
import pytest

from exchanges.endpoint.tracebacks import strip
from exchanges.http.answer import BadAnswer, Lost
from exchanges.http.transport import HttpTransport
from exchanges.limits.limiter import Priority
from tests.support.raw_server import answering, response, serving
from tests.support.sending import BOMB, MAX_BYTES, lost, send


async def test_gzip(transport):
    """An answer in gzip is inflated."""
    async with serving(answering(response(b"[1, 2, 3]" * 1000, zipped=True))) as server:
        answer = await send(transport, server.origin)

    assert b"[1, 2, 3]" * 1000 == answer.body


async def test_gzip_in_small_pieces(transport):
    """An answer in gzip that comes byte by byte is inflated whole."""
    body = gzip.compress(b"[1, 2, 3]" * 100)

    async def talk(heard):
        await heard.request()
        await heard.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        await heard.say(*(b"1\r\n%c\r\n" % byte for byte in body), b"0\r\n\r\n")

    async with serving(talk) as server:
        answer = await send(transport, server.origin)

    assert b"[1, 2, 3]" * 100 == answer.body


@pytest.mark.parametrize("size", [MAX_BYTES, MAX_BYTES + 1])
@pytest.mark.parametrize("zipped", [False, True])
async def test_the_largest_answer(transport, size, zipped):
    """An answer of exactly the largest size is read, a byte more is refused."""
    async with serving(answering(response(b"x" * size, zipped=zipped))) as server:
        try:
            seen = len((await send(transport, server.origin)).body)
        except BadAnswer as error:
            seen = str(error)

    assert seen == (size if size == MAX_BYTES else f"an answer of more than {MAX_BYTES} bytes")


async def test_a_bomb(transport):
    """Fifty kilobytes that would inflate to fifty megabytes are refused before they do."""
    body = response(BOMB, b"Content-Encoding: gzip")
    async with serving(answering(body)) as server:
        tracemalloc.start()
        with pytest.raises(BadAnswer, match="more than"):
            await send(transport, server.origin)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < 3_000_000


async def test_too_many_values(transport):
    """An answer that would take many times its size once it is read is refused, however it travels."""
    body = b"[" + b"{}," * 33_000 + b"1]"
    for zipped in (True, False):
        async with serving(answering(response(body, zipped=zipped))) as server:
            with pytest.raises(BadAnswer, match="too many values for 99003 bytes"):
                await send(transport, server.origin)


EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


@pytest.mark.parametrize(
    ("first", "piece", "headers", "said"),
    [
        (b"", b"x" * 1000, (), "more than"),
        (gzip.compress(b"{}"), b"x" * 1000, (b"Content-Encoding: gzip",), "bytes behind its gzip"),
        (GZIP_HEAD, EMPTY_BLOCK * 500, (b"Content-Encoding: gzip",), "more than"),
    ],
    ids=["plain", "after the gzip", "gzip of nothing"],
)
async def test_an_endless_answer(transport, first, piece, headers, said):
    """An answer that never ends is refused, in gzip that ended or inflates to nothing too."""

    async def talk(heard):
        await heard.request()
        await heard.say(b"\r\n".join([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", *headers, b"", b""]))
        if first:
            await heard.say(b"%x\r\n%s\r\n" % (len(first), first))
        while True:
            await heard.say(b"%x\r\n%s\r\n" % (len(piece), piece))

    async with serving(talk) as server:
        with pytest.raises(BadAnswer, match=said):
            await send(transport, server.origin)


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"zstd", b"gzip, gzip", b"\xff"])
async def test_an_encoding_that_was_not_asked_for(transport, encoding):
    """An answer in any encoding but gzip is refused."""
    body = response(zlib.compress(b"{}"), b"Content-Encoding: " + encoding)
    async with serving(answering(body)) as server:
        with pytest.raises(BadAnswer, match="was not requested"):
            await send(transport, server.origin)


@pytest.mark.parametrize("encoding", [b"identity", b"", b"GZip"])
async def test_an_encoding_by_another_name(transport, encoding):
    """No encoding may be named too, and names come in any case."""
    body = gzip.compress(b"{}") if encoding == b"GZip" else b"{}"
    async with serving(answering(response(body, b"Content-Encoding: " + encoding))) as server:
        answer = await send(transport, server.origin)

    assert b"{}" == answer.body


async def test_gzip_that_is_none(transport):
    """An answer that declares gzip and is not gzip is refused."""
    async with serving(answering(response(b"{}", b"Content-Encoding: gzip"))) as server:
        with pytest.raises(BadAnswer, match="not valid gzip"):
            await send(transport, server.origin)


@pytest.mark.parametrize("cut", [1, 8, 20])
async def test_gzip_that_ends_early(transport, cut):
    """An answer whose gzip is incomplete is refused, however little is missing."""
    body = gzip.compress(b"[1, 2, 3]" * 100)[:-cut]
    async with serving(answering(response(body, b"Content-Encoding: gzip"))) as server:
        with pytest.raises(BadAnswer, match="gzip is incomplete"):
            await send(transport, server.origin)


async def test_nothing_in_gzip(transport):
    """An answer without a body may declare gzip."""
    async with serving(answering(response(b"", b"Content-Encoding: gzip"))) as server:
        answer = await send(transport, server.origin)

    assert b"" == answer.body


@pytest.mark.parametrize(
    "said",
    [
        response(b"{}", length=10),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 2",
        b"\x00\x01\x02",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=["too short", "half a chunk", "half a line", "no HTTP", "negative length", "endless header"],
)
async def test_an_answer_that_breaks_off(transport, said):
    """An incomplete HTTP answer raises `Lost`, and the next call succeeds."""

    async def talk(heard):
        number = len(heard.server.requests)
        await heard.request()
        await heard.say(said if number == 0 else response())

    async with serving(talk) as server:
        error, evidence = await lost(transport, server.origin)
        answer = await send(transport, server.origin, priority=Priority.MONEY)

    assert (True, False, 200) == (isinstance(error, Lost), evidence.nothing_left, answer.status)


async def test_nothing_is_behind_a_loss():
    """A loss has no cause, and once it is stripped no context: the errors of httpx hold URLs and headers."""

    def gone(request):
        raise httpx.ReadError("gone")

    error, _ = await lost(HttpTransport(injected=httpx.MockTransport(gone)), "https://a.example")
    bare = strip(error)

    assert (None, None, None) == (bare.__cause__, bare.__context__, bare.__traceback__)
