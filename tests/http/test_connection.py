"""One connection of our own, over loopback."""

import asyncio
import io
import os
import socket
import ssl
import struct
from contextlib import suppress

import pytest

from exchanges.http.answer import BadAnswer, Evidence, Lost, Silent, TimedOut
from exchanges.http.request import Attachment
from exchanges.http.uploads import Upload
from exchanges.limits.limiter import Priority
from exchanges.version import __version__
from tests.support.own_connections import KINDS, SECONDS, Clock, by_records, get, lab, opened, order, post, turns, until
from tests.support.raw_server import answering, response, serving

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


def reset(heard):
    """Close with RST, and not with FIN."""
    linger = struct.pack("ii", 1, 0)
    heard.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    heard.writer.transport.abort()


def attached(size, *, opening=None):
    """Make a file of *size* bytes."""
    content = b"x" * size
    return Attachment(Upload("a.png", "image/png", size, opening or (lambda: io.BytesIO(content))), b"end")


def idle(watch):
    """Return the connections that wait for a request."""
    return [connection for pool in watch.pool._pools.values() for connection in pool._idle]


def busy(watch):
    """Return the connections that carry a request."""
    return [c for pool in watch.pool._pools.values() for c in pool.connections if c._reader is not None]


async def failure_of(sending):
    """Return what a request fails with."""
    with pytest.raises(Lost) as caught:
        await sending
    return caught.value


# What travels


@kinds
async def test_a_read_and_an_order(kind):
    """A request travels byte for byte, and its answer comes back."""
    async with opened(kind, answering(response(b"[1]", b"Retry-After: 7", status=b"429 Slow"))) as watch:
        answer = await watch.send()
        await watch.send(order(watch.server.origin), priority=Priority.MONEY)
        host = f"127.0.0.1:{watch.server.port}".encode()
        common = (
            b"Host: "
            + host
            + b"\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\nUser-Agent: aioexchanges/"
            + __version__.encode()
            + b"\r\n"
        )

        assert (429, "7", b"[1]") == (answer.status, answer.headers["retry-after"], answer.body)
        assert [
            b"GET /a HTTP/1.1\r\n" + common + b"\r\n",
            b"POST /buy/ HTTP/1.1\r\n" + common + b"Content-Type: text/plain\r\nContent-Length: 8\r\n\r\namount=1",
        ] == watch.server.requests


@kinds
async def test_the_evidence_of_an_answer(kind):
    """A request that was answered was sent, and all of it."""
    async with opened(kind, answering(ANSWER)) as watch:
        evidence = Evidence()
        await watch.send(evidence=evidence)

        assert (True, True, True, False) == (
            evidence.watched,
            evidence.started,
            evidence.finished,
            evidence.nothing_left,
        )


@kinds
async def test_an_answer_drip_by_drip(kind):
    """An answer that comes in single bytes, after interim answers, is read."""
    whole = b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"[1, 2]", zipped=True)

    async def talk(heard):
        while True:
            await heard.request()
            for at in range(len(whole)):
                await heard.say(whole[at : at + 1])
                await asyncio.sleep(0)

    async with opened(kind, talk) as watch:
        bodies = [(await watch.send()).body for _ in range(2)]

        assert ([b"[1, 2]"] * 2, 1) == (bodies, watch.server.connections)


@kinds
async def test_a_large_answer(kind):
    """An answer of megabytes is read whole."""
    body = os.urandom(3_000_000)
    async with opened(kind, answering(response(body))) as watch:
        answers = [await watch.send(max_bytes=len(body)) for _ in range(2)]

        assert ([body] * 2, 1) == ([answer.body for answer in answers], watch.server.connections)


@kinds
async def test_a_large_request(kind):
    """A request larger than every buffer on the way arrives whole."""
    body = b"x" * 3_000_000
    async with opened(kind, answering(ANSWER)) as watch:
        watch.server.requests.clear()

        async def talk(heard):
            head = await heard.reader.readuntil(b"\r\n\r\n")
            received = await heard.reader.readexactly(len(body))
            heard.server.requests.append(head + received)
            await heard.say(ANSWER)

        watch.server.talk = talk
        await watch.send(order(watch.server.origin, body), priority=Priority.MONEY)

        assert watch.server.requests[0].endswith(b"\r\n\r\n" + body)


# Cut connections


@kinds
@pytest.mark.parametrize("ending", ["orderly", "reset"])
async def test_an_answer_that_is_cut(kind, ending):
    """An answer that is cut at any byte is lost, and never told as not sent."""
    cuts = iter(range(len(ANSWER)))

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER[: next(cuts)])
        if ending == "reset":
            reset(heard)

    async with opened(kind, talk) as watch:
        for _ in ANSWER:
            evidence = Evidence()
            error = await failure_of(watch.send(priority=Priority.MONEY, evidence=evidence))

            assert (Lost, True, False) == (type(error), evidence.finished, evidence.nothing_left)
        assert len(watch.server.requests) == len(ANSWER)


async def test_records_that_are_cut():
    """Records that are cut at any byte are no answer, even of one that ends with its connection."""
    size = len(ANSWER) + 64

    def talk_to(cut):
        async def talk(heard, records):
            await records.request()
            whole = records.records(b"HTTP/1.1 200 OK\r\n\r\n123456789")
            await heard.say(whole[:cut])

        return by_records(talk)

    async with serving(talk_to(0)) as server, lab(server) as watch:
        for cut in range(size):
            server.talk, evidence = talk_to(cut), Evidence()
            request = get(f"https://127.0.0.1:{server.port}")
            error = await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))

            assert (Lost, False) == (type(error), evidence.nothing_left)


@kinds
async def test_a_request_that_is_cut(kind):
    """Who is told that nothing was sent can rely on it, at whatever byte the server stops reading."""
    read = []

    async def talk(heard):
        received = b""
        count = len(read)
        while len(received) < count:
            received += await heard.reader.read(count - len(received))
        read.append(received)
        reset(heard)

    async with opened(kind, talk) as watch:
        for _ in range(160):
            evidence, before = Evidence(), len(read)
            request = order(watch.server.origin)
            await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))
            await turns(3)

            assert not (evidence.nothing_left and any(read[before:]))


@kinds
@pytest.mark.parametrize("orderly", [True, False])
async def test_an_answer_that_ends_with_its_connection(kind, orderly):
    """An answer without a length is whole if the server ended the connection in order, and its connection is gone."""

    async def talk(heard):
        await heard.request()
        await heard.say(b"HTTP/1.0 200 OK\r\n\r\n123")
        if not orderly:
            await turns(5)  # until the client has read what came
            reset(heard)

    async with opened(kind, talk) as watch:
        if orderly:
            assert b"123" == (await watch.send()).body
        else:
            assert "the connection" in str(await failure_of(watch.send()))
        await turns(5)

        assert watch.open_sockets == 0


@pytest.mark.parametrize("announced", [True, False])
async def test_an_end_that_anybody_can_forge(announced):
    """Over TLS only the server's announcement ends an answer without a length; FIN is nobody's word."""

    async def talk(heard, records):
        await records.request()
        await heard.say(records.records(b"HTTP/1.1 200 OK\r\n\r\n123"))
        if announced:
            with suppress(ssl.SSLError):  # the client's own announcement is not waited for
                records.layer.unwrap()
            await records.flush()

    async with serving(by_records(talk)) as server, lab(server) as watch:
        request = get(f"https://127.0.0.1:{server.port}")
        if announced:
            assert b"123" == (await watch.send(request)).body
        else:
            assert "after 3 bytes" in str(await failure_of(watch.send(request)))


# More than an answer


@kinds
@pytest.mark.parametrize("surplus", [response(b"surplus"), b"\r\n", b"x"])
@pytest.mark.parametrize("segments", [1, 2])
async def test_more_than_an_answer(kind, surplus, segments):
    """What comes beyond an answer is not taken for the next one, in the same segment or behind it."""
    count = 0

    async def talk(heard):
        nonlocal count
        while True:
            await heard.request()
            count += 1
            whole = response(b"%d" % count)
            await heard.say(*([whole + surplus] if segments == 1 else [whole, surplus]))

    async with opened(kind, talk) as watch:
        bodies = [(await watch.send(priority=Priority.MONEY)).body for _ in range(10)]

        assert [b"%d" % number for number in range(1, 11)] == bodies


@pytest.mark.parametrize("layout", ["one record", "two records", "two segments", 3, 9])
async def test_more_than_an_answer_in_records(layout):
    """Nor does it matter how the surplus lies in TLS: a part of a record is the start of something."""
    count = 0

    async def talk(heard, records):
        nonlocal count
        while True:
            await records.request()
            count += 1
            whole = response(b"%d" % count)
            if layout == "one record":
                await heard.say(records.records(whole + whole))
            elif layout == "two records":
                await heard.say(records.records(whole, whole))
            elif layout == "two segments":
                await heard.say(records.records(whole), records.records(whole))
            else:
                first, second = records.records(whole), records.records(whole)
                await heard.say(first + second[:layout])  # cut within, and behind, the head of a record
                await turns(20)
                await heard.say(second[layout:])

    async with serving(by_records(talk)) as server, lab(server) as watch:
        request = get(f"https://127.0.0.1:{server.port}")
        bodies = [(await watch.send(request)).body for _ in range(10)]

        assert ([b"%d" % number for number in range(1, 11)], 10) == (bodies, server.connections)


@kinds
async def test_an_answer_before_its_request(kind):
    """What a server says before it was asked is no answer, on a new connection too."""

    async def talk(heard):
        await heard.say(response(b"early"))
        await heard.request()
        await heard.say(response(b"late"))

    async with opened(kind, talk) as watch:
        evidence = Evidence()
        try:
            body = (await watch.send(priority=Priority.MONEY, evidence=evidence)).body
        except Lost:
            body = None

        # On a new connection the early bytes may come after the request has gone out; then nobody can know.
        assert body is None or evidence.started


@kinds
async def test_more_on_an_idle_connection(kind):
    """A connection on which something comes while nobody asks is closed at once."""
    late = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await heard.say(response(b"1"))
        if heard.server.connections == 1:
            await late.wait()
            await heard.say(response(b"late"))
        await heard.reader.read()

    async with opened(kind, talk) as watch:
        await watch.send()
        before = watch.open_sockets
        late.set()
        await turns(20)
        after = watch.open_sockets

        assert ((1, 0), b"1") == ((before, after), (await watch.send()).body)


@kinds
async def test_more_that_the_loop_has_not_read(kind):
    """What waits in the socket when a request begins is seen before the request is written."""
    ready = asyncio.Event()

    async def talk(heard):
        number = heard.server.connections
        await heard.request()
        await heard.say(response(b"%d" % number))
        await ready.wait()
        await heard.say(response(b"late"))
        await heard.reader.read()

    async with opened(kind, talk) as watch:
        await watch.send()
        ready.set()
        await turns(1)  # the server has written, the client has not read
        second = await watch.send(priority=Priority.MONEY)

        assert (b"2", 2) == (second.body, watch.server.connections)


# Idle connections


@kinds
async def test_a_closed_idle_connection(kind):
    """A connection that the server closes is gone at once, and the next request opens another."""

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER)

    async with opened(kind, talk) as watch:
        await watch.send()
        await turns(20)
        closed = watch.open_sockets
        await watch.send(priority=Priority.MONEY)

        assert (0, 2) == (closed, watch.server.connections)


@kinds
@pytest.mark.parametrize("header", [b"Connection: close", b"Keep-Alive: timeout=0", b"Keep-Alive: timeout=1"])
async def test_a_connection_that_is_not_to_be_kept(kind, header):
    """A connection that the server will close is closed with its answer."""
    async with opened(kind, answering(response(b"1", header))) as watch:
        for _ in range(3):
            await watch.send()
            await turns(3)

            assert watch.open_sockets == 0
        assert watch.server.connections == 3


# Uploads


@kinds
async def test_a_file(kind):
    """A file travels between what stands before and behind it."""
    async with opened(kind, answering(ANSWER)) as watch:
        evidence = Evidence()
        await watch.send(post(watch.server.origin, attached(500_000)), priority=Priority.MONEY, evidence=evidence)

        assert (b"begin" + b"x" * 500_000 + b"end", True) == (
            watch.server.requests[0].partition(b"\r\n\r\n")[2],
            evidence.finished,
        )


@kinds
@pytest.mark.parametrize("reads", [0, 100_000])
async def test_an_answer_before_the_end_of_its_file(kind, reads):
    """A server may refuse a file that it has not read; the rest is not sent, and the connection is closed."""

    async def talk(heard):
        await heard.reader.readuntil(b"\r\n\r\n")
        await heard.reader.readexactly(reads)
        await heard.say(response(b"too large", status=b"413 Content Too Large"))
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        evidence = Evidence()
        request = post(watch.server.origin, attached(50_000_000))
        answer = await watch.send(request, priority=Priority.MONEY, evidence=evidence)
        await turns(3)

        assert (413, b"too large", True, False, 0) == (
            answer.status,
            answer.body,
            evidence.started,
            evidence.finished,
            watch.open_sockets,
        )


@kinds
async def test_an_answer_before_the_end_of_its_request(kind):
    """A connection on which a part of the request still waits to be sent is closed with the answer."""

    async def talk(heard):
        await heard.reader.readuntil(b"\r\n\r\n")
        heard.writer.transport.pause_reading()
        await heard.say(response(b"too large", status=b"413 Content Too Large"))
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        answer = await watch.send(order(watch.server.origin, b"x" * 50_000_000), priority=Priority.MONEY)
        await turns(3)

        assert (413, 0) == (answer.status, watch.open_sockets)


@kinds
async def test_a_file_that_cannot_be_read(kind):
    """A file that fails while it is sent ends the request, and the server sees no whole one."""

    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 100_000:
                raise OSError("the disk is gone")
            return super().read(size)

    async with opened(kind, answering(ANSWER)) as watch:
        evidence = Evidence()
        request = post(watch.server.origin, attached(200_000, opening=lambda: Broken(b"x" * 200_000)))
        error = await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))

        assert (True, False, []) == (evidence.started, evidence.finished, watch.server.requests)
        assert "the file could not be read" in str(error)


@kinds
async def test_a_deadline_within_a_file(kind):
    """A server that does not read a file ends its request at the deadline."""

    async def talk(heard):
        await heard.reader.readuntil(b"\r\n\r\n")
        heard.writer.transport.pause_reading()
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        clock, evidence = Clock(), Evidence()
        request = post(watch.server.origin, attached(50_000_000))
        sending = asyncio.create_task(watch.send(request, priority=Priority.MONEY, evidence=evidence))
        await until(lambda: busy(watch) and busy(watch)[0]._writable is not None)
        clock.advance(SECONDS)
        error = await failure_of(sending)

        assert (TimedOut, "sending the request", False) == (type(error), error.phase, evidence.nothing_left)


# Time


@kinds
@pytest.mark.parametrize(
    ("part", "phase"),
    [
        (b"", "waiting for the answer"),
        (ANSWER[:9], "reading the answer"),
        (ANSWER[:-1], "reading the answer"),
    ],
)
async def test_a_deadline(kind, part, phase):
    """A deadline names what was waited for, and costs the connection."""

    async def talk(heard):
        await heard.request()
        await heard.say(part)
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        clock, evidence = Clock(), Evidence()
        sending = asyncio.create_task(watch.send(evidence=evidence))
        await until(lambda: watch.server.requests and (not part or busy(watch)[0]._reader.has_begun))
        clock.advance(SECONDS)
        error = await failure_of(sending)
        await turns(3)

        assert (TimedOut, phase, False, 0) == (type(error), error.phase, evidence.nothing_left, watch.open_sockets)


@kinds
@pytest.mark.parametrize(
    ("priority", "expected"), [(Priority.READ, Silent), (Priority.CANCEL, Silent), (Priority.MONEY, TimedOut)]
)
async def test_a_connection_that_died_in_silence(kind, priority, expected):
    """A used connection without a byte is given up early, never for money; a new one is asked with success."""

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER)
        await heard.request()
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        clock = Clock()
        await watch.send(priority=priority)
        sending = asyncio.create_task(watch.send(priority=priority, silent_after=2.0))
        await until(lambda: len(watch.server.requests) == 2)
        clock.advance(2.0)
        await turns(10)
        given_up = sending.done()
        clock.advance(SECONDS)
        error = await failure_of(sending)
        answer = await watch.send(priority=priority, silent_after=2.0, fresh=True)

        assert (expected, expected is Silent, 200) == (type(error), given_up, answer.status)
        assert watch.server.connections == 2


@kinds
@pytest.mark.parametrize("has_begun", [False, True])
async def test_what_is_not_silent(kind, has_begun):
    """A new connection is not given up early, nor one on which a byte of the answer came."""
    go_on = asyncio.Event()

    async def talk(heard):
        if has_begun:
            await heard.request()
            await heard.say(ANSWER)
        await heard.request()
        await heard.say(ANSWER[:1] if has_begun else b"")
        await go_on.wait()
        await heard.say(ANSWER[1:] if has_begun else ANSWER)

    async with opened(kind, talk) as watch:
        clock = Clock()
        if has_begun:
            await watch.send()
        sending = asyncio.create_task(watch.send(silent_after=2.0))
        expected = 2 if has_begun else 1
        await until(lambda: len(watch.server.requests) == expected)
        await until(lambda: not has_begun or busy(watch)[0]._reader.has_begun)
        clock.advance(SECONDS - 1)
        await turns(10)
        go_on.set()

        assert ((await sending).status, watch.server.connections) == (200, 1)


# What is refused


@kinds
@pytest.mark.parametrize(
    "said",
    [
        response(b"x" * 100_001),
        response(b"{}", b"Content-Encoding: br"),
        response(b"{}", b"Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
    ],
)
async def test_an_answer_that_is_refused(kind, said):
    """A refused answer is no sign that nothing was sent, and its connection is closed if it was cut short."""
    async with opened(kind, answering(said)) as watch:
        evidence = Evidence()
        error = await failure_of(watch.send(evidence=evidence))

        assert (BadAnswer, False) == (type(error), evidence.nothing_left)


# Cancellation


@kinds
@pytest.mark.parametrize("warm", [False, True])
async def test_cancellation_at_every_step(kind, warm):
    """A task that is cancelled at any step costs its connection and nothing else."""
    async with opened(kind, answering(ANSWER)) as watch:
        finished = 0
        for step in range(200):
            if warm:
                await watch.send()
            evidence = Evidence()
            request = order(watch.server.origin)
            task = asyncio.create_task(watch.send(request, priority=Priority.MONEY, evidence=evidence))
            await turns(step)
            task.cancel()
            await asyncio.wait((task,))
            await turns(5)
            finished += not task.cancelled()

            assert (set(), watch.open_sockets) == (watch.own_tasks, len(idle(watch)))
            if finished > 3:
                break
        assert (await watch.send()).status == 200
        assert finished > 3


@kinds
async def test_cancellation_within_a_file(kind):
    """A task that is cancelled while it sends a file leaves nothing behind."""
    async with opened(kind, answering(ANSWER)) as watch:
        for step in range(0, 60, 3):
            request = post(watch.server.origin, attached(3_000_000))
            task = asyncio.create_task(watch.send(request, priority=Priority.MONEY))
            await turns(step)
            task.cancel()
            await asyncio.wait((task,))
            await turns(5)

            assert (set(), 0) == (watch.own_tasks, watch.open_sockets)
