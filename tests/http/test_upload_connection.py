"""Files that are sent while they are read."""

import asyncio
import io

import pytest

from exchanges.http.answer import Evidence, TimedOut
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    SECONDS,
    Clock,
    attached,
    busy,
    opened,
    order,
    post,
    turns,
    until,
)
from tests.support.raw_server import answering, response
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


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
