"""Deadlines and silence of one connection."""

import asyncio

import pytest

from exchanges.http.answer import Evidence, Silent, TimedOut
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    SECONDS,
    Clock,
    busy,
    opened,
    turns,
    until,
)
from tests.support.raw_server import response
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


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


@kinds
async def test_a_deadline_of_its_own(kind):
    """A request has its own deadline, and not that of the request before on its connection."""

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER)
        await heard.request()
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        clock = Clock()
        await watch.send()
        clock.advance(SECONDS - 1)
        sending = asyncio.create_task(watch.send())
        await until(lambda: len(watch.server.requests) == 2)
        clock.advance(2)
        await turns(10)
        was_early = sending.done()
        clock.advance(SECONDS)

        assert (False, TimedOut) == (was_early, type(await failure_of(sending)))
