"""Calls whose caller or task is cancelled before anything was sent."""

import asyncio
from pathlib import Path

import pytest

import exchanges
from exchanges import errors
from exchanges.outcomes.unresolved import Standing
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, Fourth, Thing
from tests.support.fourth_calls import CALLS
from tests.support.own_connections import KINDS, turns, until
from tests.support.raw_server import answering, response, serving
from tests.support.tls_servers import served, trusting

kinds = pytest.mark.parametrize("kind", KINDS)
PACKAGE = Path(exchanges.__file__).parent
NAMES = ("read", "idempotent", "money", "write")


class Line:
    """The sockets of a loop, which connect when they may."""

    def __init__(self, monkeypatch):
        self.is_free, self.asked = asyncio.Event(), 0
        loop = asyncio.get_running_loop()
        self._connect = loop.sock_connect
        monkeypatch.setattr(loop, "sock_connect", self.connect)

    async def connect(self, opened, place):
        """Connect when the line is free."""
        self.asked += 1
        await self.is_free.wait()
        await self._connect(opened, place)


def client_of(server, **options):
    """Create a client of the fourth exchange for a server that may use TLS."""
    options = {"limits": None, "state": MemoryState(), "ssl_context": trusting(), **options}
    return Fourth(base_url=server.origin, **CREDENTIALS, **options)


def own_tasks():
    """Return the tasks of the library."""
    return [t for t in asyncio.all_tasks() if Path(t.get_coro().cr_code.co_filename).is_relative_to(PACKAGE)]


async def idle(client):
    """Wait until no task of the client is left."""
    await until(lambda: not client._session._attempts.tasks)


@kinds
@pytest.mark.parametrize("name", NAMES)
async def test_a_caller_who_is_cancelled_while_the_connection_opens(monkeypatch, kind, name):
    """A call is not sent if its caller is cancelled before there is a connection, which serves the next call."""
    async with served(kind, answering(response())) as server, client_of(server) as client:
        line = Line(monkeypatch)
        call = asyncio.create_task(CALLS[name](client))
        await until(lambda: line.asked)
        call.cancel()
        await asyncio.wait((call,))
        line.is_free.set()
        await idle(client)
        sent = len(server.requests)
        open_calls = [(o.standing, type(o.error)) for o in client.unresolved.values()]
        thing, opened = await client.market.thing(), server.connections

        assert (True, 0, Thing(1)) == (call.cancelled(), sent, thing)
        assert name in ("money", "write") or opened == 1  # for orders another one is kept ready
        assert open_calls == ([(Standing.NOT_EXECUTED, errors.NotSent)] if name in ("money", "write") else [])


async def test_the_same_order_after_one_that_was_not_sent(monkeypatch):
    """An order whose caller was cancelled in time does not stand in the way of the same order."""
    async with serving(answering(response())) as server, client_of(server) as client:
        line = Line(monkeypatch)
        call = asyncio.create_task(CALLS["money"](client))
        await until(lambda: line.asked)
        call.cancel()
        await asyncio.wait((call,))
        line.is_free.set()
        await idle(client)
        await CALLS["money"](client)

        assert 1 == len(server.requests)


@pytest.mark.parametrize("name", NAMES)
async def test_a_caller_who_is_cancelled_behind_others(name):
    """A call that waits for a connection, or for the key lock, is not sent once its caller is cancelled."""
    answers = asyncio.Event()

    async def talk(heard):
        while True:
            await heard.request()
            await answers.wait()
            await heard.say(response())

    async with serving(talk) as server, client_of(server, max_connections=1) as client:
        first = asyncio.create_task(client.market.thing())
        await until(lambda: server.requests)
        call = asyncio.create_task(CALLS[name](client))
        await turns(3)
        call.cancel()
        await asyncio.wait((call,))
        answers.set()
        await first
        await idle(client)

        assert (1, 0) == (len(server.requests), len(client.unresolved))


@kinds
@pytest.mark.parametrize("name", ["idempotent", "money"])
async def test_a_task_that_is_cancelled_before_anything_is_sent(monkeypatch, kind, name):
    """A cancel, and an order, whose task is ended from outside was not sent if nothing has left; that is proven."""
    async with served(kind, answering(response())) as server, client_of(server) as client:
        line = Line(monkeypatch)
        monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
        call = asyncio.create_task(CALLS[name](client))
        while not call.done():  # a cancel that was not sent is tried again
            asked = line.asked
            await until(lambda: line.asked > asked or call.done())  # noqa: B023 - used at once
            for task in list(client._session._attempts.tasks):
                task.cancel()
        with pytest.raises(errors.NotSent) as caught:
            await call

        assert (False, 0, 0) == (caught.value.may_have_executed, len(server.requests), len(client.unresolved))


async def test_a_read_whose_task_is_cancelled(monkeypatch):
    """A read whose task is ended from outside does not claim that the client was closed."""
    async with serving(answering(response())) as server, client_of(server) as client:
        line = Line(monkeypatch)
        call = asyncio.create_task(client.market.thing())
        await until(lambda: line.asked)
        for task in list(client._session._attempts.tasks):
            task.cancel()
        with pytest.raises(errors.ReadFailed, match="cancelled from outside"):
            await call
        line.is_free.set()

        assert Thing(1) == await client.market.thing()


async def test_the_connections_of_two_servers():
    """A client that has used up its connections to one server still reaches another."""
    answers = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await answers.wait()
        await heard.say(response())

    async with serving(talk) as server, client_of(server, max_connections=1) as client:
        first = asyncio.create_task(client.market.thing())
        await until(lambda: server.requests)
        destinations = client._session._destinations
        (taken,) = destinations._connections.values()
        other = destinations._lane(None, "https://elsewhere.example/api").connections
        answers.set()
        await first

        assert (True, 1, False) == (taken is not other, len(server.requests), bool(other.taken))


@kinds
async def test_all_tasks_are_cancelled_again_and_again(kind):
    """Whoever cancels every task of the process costs calls their connections; the next calls go well."""
    async with served(kind, answering(response())) as server, client_of(server, timeout_seconds=600.0) as client:
        for step in range(30):
            calls = [asyncio.create_task(CALLS[name](client)) for name in ("read", "idempotent", "read", "idempotent")]
            await turns(2 * step)
            for task in own_tasks():
                task.cancel()
            await asyncio.wait(calls)
        await idle(client)
        things = [await client.market.thing() for _ in range(9)]
        (pool,) = client._session._config.transport._pool._pools.values()
        (connections,) = client._session._destinations._connections.values()

        assert ([Thing(1)] * 9, 0, [], 0) == (things, pool._in_use, pool._waiters, connections.taken)
        assert len(pool.connections) == len(pool._idle)
