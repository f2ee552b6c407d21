"""The unused connection that is kept ready for orders."""

import asyncio

import pytest

from exchanges.http.answer import Evidence
from exchanges.http.origin_pool import (
    KEEP_FOR_MONEY_SECONDS,
    KEEP_READY_SECONDS,
    READY_AFTER_MONEY_SECONDS,
    READY_PAUSE_SECONDS,
)
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    Clock,
    lab,
    opened,
    order,
    ready_of,
    turns,
    until,
)
from tests.support.raw_server import answering, response, serving
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


@kinds
async def test_a_connection_is_kept_ready(kind):
    """After the first order an unused connection is ready, and after the next one another."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        clock, seen = Clock(), []
        await watch.send()
        await turns(20)
        seen.append(watch.server.connections)
        for number in range(2, 5):
            await watch.send(order(watch.server.origin), priority=Priority.MONEY)
            await until(lambda: ready_of(watch) is not None and watch.server.connections == number)  # noqa: B023
            await turns(20)
            seen.append(watch.server.connections)
            clock.advance(2 * KEEP_FOR_MONEY_SECONDS)

        # The first order shares the read's connection; the others find one that was opened before them.
        assert [1, 2, 3, 4] == seen


@kinds
async def test_a_ready_connection_is_renewed(kind):
    """A connection that is kept ready is replaced before it is old, and no longer once orders have stopped."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        clock, known = Clock(), []
        await watch.send(priority=Priority.MONEY)
        for _ in range(3):
            await until(lambda: ready_of(watch) not in (None, *known))
            known.append(ready_of(watch))
            clock.advance(KEEP_READY_SECONDS)
        await until(lambda: ready_of(watch) not in (None, *known))
        await until(lambda: watch.server.connections == 5)
        clock.advance(READY_AFTER_MONEY_SECONDS)
        await until(lambda: not watch.own_tasks)

        assert (5, None) == (watch.server.connections, ready_of(watch))


@kinds
async def test_a_ready_connection_that_the_server_closes(kind):
    """A server that closes what carries nothing is asked again after a pause, and ever more rarely."""

    async def talk(heard):
        if heard.server.connections == 1:
            await answering(ANSWER)(heard)
        if kind == "plain":
            heard.server.requests.append(b"")

    async with opened(kind, talk, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        pause, seen = READY_PAUSE_SECONDS, []
        for number in range(2, 6):
            await until(lambda: watch.server.connections == number)  # noqa: B023 - used at once
            await turns(50)
            clock.advance(pause - 0.01)
            await turns(20)
            seen.append(watch.server.connections)
            clock.advance(0.02)
            pause *= 2

        assert [2, 3, 4, 5] == seen


@kinds
async def test_a_ready_connection_that_the_server_closes_later(kind):
    """A server that closes after five seconds gets a new connection at once, and from then on before five seconds."""
    close = asyncio.Event()

    async def talk(heard):
        if heard.server.connections == 1:
            await answering(ANSWER)(heard)
        elif heard.server.connections == 2:
            await close.wait()
        else:
            await heard.reader.read()

    async with opened(kind, talk, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        first = ready_of(watch)
        clock.advance(5.0)
        close.set()
        await until(lambda: ready_of(watch) not in (None, first))
        second = ready_of(watch)
        clock.advance(4.0)
        await until(lambda: ready_of(watch) not in (None, second))
        await until(lambda: watch.server.connections >= 4)  # over TLS the server is done later

        assert watch.server.connections == 4


@kinds
async def test_a_ready_connection_that_is_closed_here(kind):
    """A ready connection that is closed because another one died is renewed as late as before."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        first = ready_of(watch)
        clock.advance(5.0)
        watch.pool._pools[watch.server.origin].drop_idle()
        await until(lambda: ready_of(watch) not in (None, first))
        second = ready_of(watch)
        clock.advance(KEEP_READY_SECONDS - 0.5)
        await turns(50)
        kept = ready_of(watch)
        clock.advance(1.0)
        await until(lambda: ready_of(watch) not in (None, second))

        assert (second, False) == (kept, first.is_open)


@kinds
async def test_bytes_on_a_ready_connection(kind):
    """A ready connection on which the server speaks unasked is closed, and no order goes over it."""
    speak = asyncio.Event()

    async def talk(heard):
        if heard.server.connections == 2:
            await speak.wait()
            await heard.say(response(b"early"))
            await heard.reader.read()
        await answering(ANSWER)(heard)

    async with opened(kind, talk, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        clock.advance(2 * KEEP_FOR_MONEY_SECONDS)
        speak.set()
        await turns(1)
        answer = await watch.send(order(watch.server.origin), priority=Priority.MONEY)

        assert b'{"id": 1}' == answer.body


async def test_a_server_that_is_gone():
    """A ready connection that cannot be renewed is tried again after a pause, and orders say what is wrong."""
    async with serving(answering(ANSWER)) as server, lab(server, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        known, watch.pool._addresses = watch.pool._addresses, Unreachable()
        watch.pool._pools[server.origin].drop_idle()
        await turns(20)
        evidence = Evidence()
        error = await failure_of(watch.send(priority=Priority.MONEY, evidence=evidence))
        watch.pool._addresses = known
        clock.advance(10 * READY_PAUSE_SECONDS)
        await until(lambda: ready_of(watch) is not None)

        assert ("looking up the name failed (gone)", True) == (str(error), evidence.nothing_left)


class Unreachable:
    """Addresses of a network that is down."""

    async def resolve(self, host, port):
        raise OSError("gone")

    def forget(self, host, port):
        """Know nothing that could be forgotten."""
