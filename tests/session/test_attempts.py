"""Reads over idle connections, which need no task of the session."""

import asyncio
from contextvars import ContextVar

import pytest

from exchanges import errors
from exchanges.instrumentation.hooks import Hooks
from exchanges.session import attempts
from tests.support.connected import client_of
from tests.support.fourth import CREDENTIALS, Thing
from tests.support.own_connections import KINDS, turns, until
from tests.support.raw_server import answering, response, serving
from tests.support.tls_servers import served, trusting

kinds = pytest.mark.parametrize("kind", KINDS)
CALLER = ContextVar("caller", default="nobody")


class Answers:
    """Answers the first request at once, and the others when it may."""

    def __init__(self):
        self.may = asyncio.Event()

    async def __call__(self, heard):
        """Talk over one connection."""
        while True:
            await heard.request()
            if len(heard.server.requests) > 1:
                await self.may.wait()
            await heard.say(response(b'{"id": %d}' % len(heard.server.requests)))


def held(client):
    """Return what calls under way hold: permits, connections, tasks, and reads without one."""
    pools = client._session._config.transport._pool._pools.values()
    (connections,) = client._session._destinations._connections.values()
    under_way = client._session._attempts
    return connections.taken, sum(p._in_use for p in pools), len(under_way.tasks), len(under_way.reads)


@kinds
async def test_a_read_over_an_idle_connection(kind):
    """A read needs a task to open its connection, and none when one is idle."""
    async with served(kind, Answers()) as server, client_of(server.origin, ssl_context=trusting()) as client:
        first = asyncio.create_task(client.market.thing())
        await until(lambda: client._session._attempts.in_flight)
        opening = held(client)[2:]
        await first
        server.talk.may.set()
        second = asyncio.create_task(client.market.thing())
        await until(lambda: client._session._attempts.in_flight)
        under_way = held(client)

        assert ((1, 0), (1, 1, 0, 1)) == (opening, under_way)
        assert (Thing(2), (0, 0, 0, 0), 1) == (await second, held(client), server.connections)


@kinds
async def test_a_caller_who_is_cancelled(kind):
    """The request of a cancelled caller holds its permit until its answer, and leaves its connection to the next."""
    async with served(kind, Answers()) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await client.market.thing()
        call = asyncio.create_task(client.market.thing())
        await until(lambda: len(server.requests) == 2)
        call.cancel()
        await asyncio.wait((call,))
        gone = held(client)
        server.talk.may.set()
        await until(lambda: not client._session._attempts.in_flight)
        answered = held(client)

        assert (True, (1, 1, 0, 1), (0, 0, 0, 0)) == (call.cancelled(), gone, answered)
        assert (Thing(3), 1) == (await client.market.thing(), server.connections)


@kinds
async def test_closing_gives_up_reads(kind):
    """Closing ends a read that has no task, whose caller gets `ReadFailed`."""
    async with served(kind, Answers()) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await client.market.thing()
        call = asyncio.create_task(client.market.thing())
        await until(lambda: len(server.requests) == 2)
        shown = repr(client)
        await client.aclose()
        with pytest.raises(errors.ReadFailed, match="the client was closed before the answer came"):
            await call

        assert "1 in flight" in shown


@pytest.mark.parametrize("gone", [False, True])
async def test_a_long_answer(monkeypatch, gone):
    """A long answer is interpreted in a task, whether or not somebody waits for it."""
    async with serving(answering(response(), response(b'{"id": 7}'))) as server, client_of(server.origin) as client:
        await client.market.thing()
        monkeypatch.setattr(attempts, "is_long", lambda _: True)
        call = asyncio.create_task(client.market.thing())
        await until(lambda: client._session._attempts.tasks)
        if gone:
            call.cancel()
        (end,) = await asyncio.gather(call, return_exceptions=True)
        await until(lambda: not client._session._attempts.in_flight)

        assert (gone, gone or Thing(7), (0, 0, 0, 0)) == (call.cancelled(), gone or end, held(client))


@pytest.mark.parametrize("gone", [False, True])
async def test_an_error_in_our_own_code(monkeypatch, caplog, gone):
    """An error while an answer is interpreted reaches the caller, if there is one, and costs no connection."""
    async with serving(answering(response())) as server, client_of(server.origin) as client:
        await client.market.thing()
        with monkeypatch.context() as patches:
            patches.setattr(attempts, "interpret", lambda *_: 1 // 0)
            call = asyncio.create_task(client.market.thing())
            await turns(2)
            if gone:
                call.cancel()
            (end,) = await asyncio.gather(call, return_exceptions=True)
            await until(lambda: not client._session._attempts.in_flight)

        assert ((0, 0, 0, 0), asyncio.CancelledError if gone else errors.ReadFailed) == (held(client), type(end))
        assert (Thing(1), 1, []) == (await client.market.thing(), server.connections, caplog.records)


def test_an_interrupt(monkeypatch):
    """What ends the program while an answer is interpreted ends it, and the permit as well."""
    permits = []

    def interrupted(attempt, *_):
        permits.append(attempt.permit)
        raise KeyboardInterrupt

    async def call():
        async with serving(answering(response())) as server, client_of(server.origin) as client:
            await client.market.thing()
            monkeypatch.setattr(attempts, "interpret", interrupted)
            await client.market.thing()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(call())

    assert [False] == [permit.held for permit in permits]


async def test_a_request_that_cannot_be_signed(monkeypatch):
    """A read that fails before anything is sent gives back its slot and takes no connection."""
    async with serving(answering(response())) as server, client_of(server.origin) as client:
        await client.market.thing()
        with monkeypatch.context() as patches:
            patches.setattr("exchanges.endpoint.call.PreparedCall.unsigned", property(lambda _: 1 // 0))
            with pytest.raises(errors.ReadFailed, match=r"unexpected ZeroDivisionError .*; nothing was sent"):
                await client.market.thing()

        assert ((0, 0, 0, 0), 1) == (held(client), len(server.requests))


async def test_observers_are_in_the_context_of_the_caller():
    """An observer of the answer reads the variables of whoever called, as it does in a task."""
    seen = []

    class Observer(Hooks):
        def attempt_answered(self, call, attempt):
            seen.append(CALLER.get())

    async with serving(answering(response())) as server, client_of(server.origin, hooks=[Observer()]) as client:
        await client.market.thing()
        CALLER.set("somebody")
        with client.raw() as raw:
            await client.market.thing()

    assert (["nobody", "somebody"], [200]) == (seen, [answer.status for answer in raw])


async def test_a_key_in_the_answer_to_a_public_read():
    """An error about a public read shows no key that the answer repeats, though the kept request does not know it."""
    page = response(CREDENTIALS["api_key"].encode(), status=b"403 Forbidden")
    async with serving(answering(response(), page)) as server, client_of(server.origin) as client:
        await client.market.thing()
        with pytest.raises(errors.ExchangeError, match="403") as caught:
            await client.market.thing()

    assert CREDENTIALS["api_key"] not in str(caught.value)
