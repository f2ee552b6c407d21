"""Files that are sent while they are read."""

import asyncio
import io
import threading

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


class Recorded(io.BytesIO):
    """A file whose reads hang after the first, until they may go on."""

    def __init__(self, content, *, hangs):
        super().__init__(content)
        self.may_go_on = threading.Event()
        self.hangs = hangs

    def read(self, size=-1):
        """Read at once if it is the first time."""
        if self.hangs and self.tell():
            self.may_go_on.wait()
        return super().read(size)


@kinds
@pytest.mark.parametrize("hangs", [False, True])
async def test_the_file_of_a_request_that_was_answered_early(kind, hangs):
    """An answer before the end of a file is returned even if the file hangs, and the file is closed."""
    file = Recorded(bytes(50_000_000), hangs=hangs)

    async def talk(heard):
        await heard.reader.readuntil(b"\r\n\r\n")
        await heard.reader.readexactly(100)
        await heard.say(response(b"too large", status=b"413 Content Too Large"))
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        Clock()  # the answer comes although no time passes
        evidence = Evidence()
        request = post(watch.server.origin, attached(50_000_000, opening=lambda: file))
        answer = await watch.send(request, priority=Priority.MONEY, evidence=evidence)
        file.may_go_on.set()
        await until(lambda: file.closed)

        assert (413, False, False) == (answer.status, evidence.finished, evidence.nothing_left)


@kinds
async def test_a_file_that_hangs_until_the_deadline(kind):
    """A file that hangs costs its request at the deadline, and nothing else stands still."""
    file = Recorded(bytes(1_000_000), hangs=True)
    async with opened(kind, answering(ANSWER)) as watch:
        clock, evidence = Clock(), Evidence()
        request = post(watch.server.origin, attached(1_000_000, opening=lambda: file))
        sending = asyncio.create_task(watch.send(request, priority=Priority.MONEY, evidence=evidence))
        await until(lambda: evidence.started and file.tell())
        clock.advance(SECONDS)
        error = await failure_of(sending)
        answer = await watch.send()
        file.may_go_on.set()
        await until(lambda: file.closed)

        assert (TimedOut, "sending the request", 200) == (type(error), error.phase, answer.status)


@kinds
async def test_a_file_that_its_owner_closed(kind):
    """A file that its owner closes while it is sent fails the request like one that cannot be read."""
    file = io.BytesIO(b"x" * 10)
    async with opened(kind, answering(ANSWER)) as watch:
        evidence = Evidence()
        request = post(watch.server.origin, attached(10, opening=lambda: file))
        file.close()
        error = await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))

        assert ("the file could not be read: ValueError", False) == (str(error), evidence.nothing_left)
