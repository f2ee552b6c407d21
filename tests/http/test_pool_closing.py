"""What is left of a pool that is closed, or whose tasks are cancelled."""

import asyncio

import pytest

from exchanges.http.answer import Evidence
from exchanges.http.pool import ConnectionPool
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    SECONDS,
    get,
    opened,
    turns,
    until,
)
from tests.support.raw_server import answering, response, serving
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


@kinds
async def test_closing(kind):
    """A closed pool has no socket and no task; what is under way is lost, and says so."""

    async def talk(heard):
        while True:
            await heard.request()
            if len(heard.server.requests) == 4:
                await asyncio.Event().wait()
            await heard.say(ANSWER)

    async with opened(kind, talk, keeps_ready=True) as watch:
        before = watch.pool.is_open
        for priority in (Priority.READ, Priority.MONEY, Priority.READ):
            await watch.send(priority=priority)
        evidence = Evidence()
        sending = asyncio.create_task(watch.send(evidence=evidence))
        await until(lambda: len(watch.server.requests) == 4)
        during = watch.pool.is_open
        await watch.pool.aclose()

        assert (False, True, False, 0) == (before, during, watch.pool.is_open, watch.open_sockets)
        assert ("the connection was closed", False) == (
            str(await failure_of(sending))[:25],
            evidence.nothing_left,
        )


@kinds
async def test_a_closed_pool_opens_again(kind):
    """A pool that was closed can be used again: closing has left nothing behind."""
    async with opened(kind, answering(ANSWER)) as watch:
        await watch.send()
        await watch.pool.aclose()

        assert (await watch.send()).status == 200


def test_a_loop_that_is_closed():
    """A pool whose loop is closed can be closed in another one."""
    own = ConnectionPool(keeps_ready=True)

    async def use():
        async with serving(answering(ANSWER)) as server:
            deadline = asyncio.get_running_loop().time() + SECONDS
            await own.send(get(server.origin), Evidence(), max_bytes=99, priority=Priority.READ, deadline=deadline)
            await own._pools[server.origin].aclose()

    asyncio.run(use())
    asyncio.run(own.aclose())

    assert not own.is_open


@kinds
async def test_tasks_that_are_cancelled_from_outside(kind):
    """Whoever cancels every task of the process harms the requests that were under way, and no other."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        for _ in range(20):
            sending = [asyncio.create_task(watch.send(priority=Priority.MONEY)) for _ in range(20)]
            await turns(4)
            for task in watch.own_tasks:
                task.cancel()
            await asyncio.wait(sending)
        await turns(5)
        leased = watch.pool._pools[watch.server.origin]._in_use

        assert (0, 200) == (leased, (await watch.send(priority=Priority.MONEY)).status)
