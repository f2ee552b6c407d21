"""One connection of our own, over loopback: what travels, and what becomes of it."""

import asyncio
import os

import pytest

from exchanges.http.answer import BadAnswer, Evidence
from exchanges.limits.limiter import Priority
from exchanges.version import __version__
from tests.support.own_connections import (
    KINDS,
    idle,
    opened,
    order,
    turns,
)
from tests.support.raw_server import answering, response
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


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
