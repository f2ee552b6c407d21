"""Connections that died without a word."""

import asyncio

import pytest

from exchanges.http import pool
from exchanges.http.answer import Evidence
from exchanges.http.pool import ConnectionPool
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    SECONDS,
    Clock,
    get,
    opened,
    until,
)
from tests.support.raw_server import response
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


@pytest.mark.parametrize(
    ("priority", "left", "answers", "expected"),
    [
        (Priority.READ, 30.0, [], 10.0),
        (Priority.READ, 3.0, [9.0], 2.0),
        (Priority.READ, 1e308, [], 28_800.0),
        (Priority.CANCEL, 30.0, [], 1.0),
        (Priority.CANCEL, 30.0, [0.1, 0.1, 9.0], 1.0),
        (Priority.CANCEL, 30.0, [0.1, 0.4, 9.0], 2.0),
        (Priority.MONEY, 30.0, [0.1], None),
    ],
)
async def test_how_long_a_silence_is(priority, left, answers, expected):
    """A read waits for a third of its time, a cancel for five answers; an order is never given up early."""
    own = ConnectionPool()
    own._pool("http://127.0.0.1").answer_seconds.extend(answers)

    assert expected == own.silence_seconds("http://127.0.0.1", priority, left)


@kinds
async def test_a_fresh_connection_is_not_given_up_early(monkeypatch, kind):
    """A connection that was opened for its request is never silent, however long its TLS handshake took."""
    monkeypatch.setattr(pool, "KEEP_FOR_MONEY_SECONDS", 0.0)  # none counts as just opened by its age
    answers = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await answers.wait()
        await heard.say(ANSWER)

    async with opened(kind, talk) as watch:
        clock = Clock()
        sending = asyncio.create_task(watch.send(silent_after=2.0, fresh=True))
        await until(lambda: len(watch.server.requests) == 1)
        clock.advance(2.0)
        answers.set()

        assert 200 == (await sending).status


async def test_a_look_up_without_a_thread(monkeypatch):
    """If no thread can be started for the look-up of a name, nothing has left."""

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    own, evidence = ConnectionPool(), Evidence()
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)
    deadline = asyncio.get_running_loop().time() + SECONDS
    lost = await failure_of(
        own.send(get("http://a.example"), evidence, max_bytes=1, priority=Priority.MONEY, deadline=deadline)
    )
    await own.aclose()

    assert ("can't start new thread" in str(lost), True) == (True, evidence.nothing_left)


@kinds
async def test_where_one_connection_is_dead_the_others_are_too(kind):
    """After a connection died in silence no idle one is used: they were cut at the same time."""

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER)
        await heard.request()
        await asyncio.Event().wait()

    async with opened(kind, talk) as watch:
        clock = Clock()
        await asyncio.gather(*(watch.send() for _ in range(3)))
        sending = asyncio.create_task(watch.send(silent_after=2.0))
        await until(lambda: len(watch.server.requests) == 4)
        clock.advance(2.0)
        await failure_of(sending)
        answer = await watch.send()

        assert (200, 4) == (answer.status, watch.server.connections)
