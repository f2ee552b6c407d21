"""Large lists are cut while they arrive; what arrives faster than it is read is read in slices."""

import asyncio
import functools
import gzip
import itertools
from collections.abc import Sequence

import httpx
import pytest

from exchanges.bitex import Transaction
from exchanges.http.answer import ORDINARY_BYTES, BadAnswer, TimedOut
from exchanges.http.bodies import BodyDecoder
from exchanges.http.slices import in_slices
from exchanges.http.transport import HttpTransport
from exchanges.wire import Wire, decode
from exchanges.wire.large_lists import cutter_of
from exchanges.wire.row_cutter import LARGE_BYTES
from tests.support.large_lists import ARCHIVE, listed
from tests.support.raw_server import answering, response, serving
from tests.support.sending import send
from tests.support.virtual_time import in_virtual_time

packed = functools.partial(gzip.compress, compresslevel=1, mtime=0)

MIB = 1024 * 1024
BODY = listed(ARCHIVE)
ROWS = decode(BODY, list[Transaction])
OBJECT = b'{"a": "%b"}' % (b"x" * (LARGE_BYTES + 1))


def cutter():
    """Return what reads a large archive."""
    return cutter_of(Wire(), Sequence[Transaction], "it")


def chunked(body, size):
    """Return an answer in chunks of *size* bytes."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


async def answer_to(transport, body, status=b"200 OK"):
    """Send one request for which a large list is expected, and return its answer."""
    async with serving(answering(body if body.startswith(b"HTTP/") else response(body, status=status))) as server:
        return await send(transport, server.origin, max_bytes=64 * MIB, cutter=cutter())


@pytest.mark.parametrize("how", [response, lambda b: response(b, zipped=True), lambda b: chunked(b, 10_000)])
async def test_a_large_list(transport, how):
    """The rows of a large list are checked when its last byte has arrived, however it travels."""
    answer = await answer_to(transport, how(BODY))

    assert (ROWS, b"") == (answer.rows.result(), answer.body)


async def test_a_connection_after_a_large_list(transport):
    """A connection is used again after a large list."""
    async with serving(answering(response(BODY))) as server:
        for _ in range(2):
            answer = await send(transport, server.origin, max_bytes=64 * MIB, cutter=cutter())
            assert ROWS == answer.rows.result()

    assert server.connections == 1


@pytest.mark.parametrize("body", [listed(ARCHIVE[:100]), OBJECT, b"<html>" + b"x" * LARGE_BYTES])
async def test_what_is_no_large_list(transport, body):
    """A small list, and everything that is no list, is read like the answer to any other call."""
    answer = await answer_to(transport, body)

    assert (None, body) == (answer.rows, answer.body)


async def test_an_error(transport):
    """The body of an error is not cut."""
    answer = await answer_to(transport, BODY, b"500 No")

    assert (None, BODY) == (answer.rows, answer.body)


@pytest.mark.parametrize("status", [b"200 OK", b"500 No"])
async def test_the_bound_of_what_is_no_list(transport, status):
    """Where a large list is allowed, everything else has the ordinary bound."""
    body = b'"%b"' % (b"x" * ORDINARY_BYTES)
    with pytest.raises(BadAnswer, match=f"more than {ORDINARY_BYTES} bytes"):
        await answer_to(transport, body, status)


async def test_the_bound_of_a_list():
    """A list that is larger than allowed is refused."""
    for body in (BODY, packed(BODY)):
        decoder = BodyDecoder("" if body is BODY else "gzip", len(BODY) - 1, cutter())
        with pytest.raises(BadAnswer, match="more than"):  # noqa: PT012 - it may come with the chunk or with a step
            decoder.add(body)
            list(decoder.steps())


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_each_step_is_bounded(encoding):
    """However far a body inflates, and however much of it comes at once, no call reads more than a slice."""
    body = listed(ARCHIVE * 8)
    decoder = BodyDecoder(encoding, 64 * MIB, cutter())
    sizes = [0]
    decoder.add(packed(body) if encoding else body)
    sizes.append(len(decoder))
    sizes.extend(len(decoder) for _ in decoder.steps())

    assert (len(body), b"") == (sizes[-1], decoder.end())
    assert max(after - before for before, after in itertools.pairwise(sizes)) <= 256 * 1024
    assert len(decoder.rows.result()) == 8 * len(ARCHIVE)


@pytest.mark.parametrize("cut", [1, 8, 20, 50_000])
def test_gzip_that_ends_early(cut):
    """A large list in gzip that is incomplete is refused."""
    decoder = BodyDecoder("gzip", 64 * MIB, cutter())
    decoder.add(packed(BODY)[:-cut])
    list(decoder.steps())
    with pytest.raises(BadAnswer, match="gzip is incomplete"):
        decoder.end()


def test_gzip_in_members():
    """A large list in several members of gzip, in chunks of any size, is inflated whole."""
    whole = packed(BODY[:100_000]) + packed(BODY[100_000:]) + b"\0" * 100
    for size in (1000, 70_000, len(whole)):
        decoder = BodyDecoder("gzip", 64 * MIB, cutter())
        for start in range(0, len(whole), size):
            decoder.add(whole[start : start + size])
        list(decoder.steps())

        assert (b"", ROWS) == (decoder.end(), decoder.rows.result())


class Ready(httpx.AsyncByteStream):
    """A body whose chunks are all there at once."""

    def __init__(self, body, size):
        self._chunks = [body[start : start + size] for start in range(0, len(body), size)]

    async def __aiter__(self):
        for chunk in self._chunks:
            yield chunk


@pytest.mark.parametrize("size", [10_000, 1 << 40])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_others_run_meanwhile(size, encoding):
    """While a large answer is read that an injected transport has at once, other tasks run."""
    body = listed(ARCHIVE * 8)
    sent, turns = packed(body) if encoding == "gzip" else body, 0

    async def others():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def respond(_):
        return httpx.Response(200, stream=Ready(sent, size), headers={"content-encoding": encoding})

    task = asyncio.create_task(others())
    answer = await send(
        HttpTransport(injected=httpx.MockTransport(respond)), "http://127.0.0.1", max_bytes=64 * MIB, cutter=cutter()
    )
    task.cancel()

    assert len(answer.rows.result()) == 8 * len(ARCHIVE)
    assert turns > len(body) / (256 * 1024)


@in_virtual_time
async def test_the_deadline_passes_between_two_steps():
    """Between two steps the deadline is looked at: the rest is not read."""
    loop, done = asyncio.get_running_loop(), []

    def steps():
        for number in range(10):
            done.append(number)
            yield

    await in_slices(steps(), loop.time() + 1)
    with pytest.raises(TimedOut, match="decoding the answer"):
        await in_slices(steps(), loop.time())

    assert done == [*range(10), 0]
