"""What a client makes of its connections: dead ones, surplus, names, and what servers send beside."""

import asyncio
import gzip
import socket
import threading

import pytest

from exchanges import errors
from exchanges.http import pool
from exchanges.state import MemoryState
from tests.support.connected import client_of
from tests.support.fourth import CREDENTIALS, Fourth, Thing
from tests.support.fourth_calls import CALLS
from tests.support.own_connections import KINDS, by_records, turns, until
from tests.support.raw_server import answering, response, serving
from tests.support.tls_servers import served, trusting

ANSWER = response()
kinds = pytest.mark.parametrize("kind", KINDS)


def swallowing(answers):
    """Answer so many requests of each connection, and leave the next one without an answer."""

    async def talk(heard):
        for _ in range(answers):
            await heard.request()
            await heard.say(ANSWER)
        await heard.request()
        await heard.reader.read()

    return talk


# Dead connections


@pytest.fixture
def impatient(monkeypatch):
    """Shorten the silence after which a reused connection counts as dead, and the pauses between attempts."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(pool, "SILENT_READ_SECONDS", 0.05)
    monkeypatch.setattr(pool, "SILENT_READ_SHARE", 0.0)
    monkeypatch.setattr(pool, "SILENT_CANCEL_SECONDS", 0.05)


@kinds
@pytest.mark.parametrize("name", ["read", "idempotent"])
@pytest.mark.usefixtures("impatient")
async def test_a_connection_that_died_in_silence(kind, name):
    """A read, and a cancel, on a connection that is dead is answered on a new one, before the deadline."""
    async with served(kind, swallowing(1)) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await CALLS["read"](client)
        await CALLS[name](client)

        assert (2, 3) == (server.connections, len(server.requests))


@kinds
@pytest.mark.usefixtures("impatient")
async def test_an_order_on_a_connection_that_died_in_silence(kind):
    """An order is never sent again, however long no answer comes."""
    async with served(kind, swallowing(1)) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await CALLS["read"](client)
        with pytest.raises(errors.OutcomeUnknown, match="no answer before the deadline; waiting for the answer"):
            await CALLS["money"](client.with_options(timeout_seconds=0.3))

        assert (2, 1) == (len(server.requests), len(client.unresolved))


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_is_silent():
    """A read is asked again once because of silence: a new connection is not given up before the deadline."""
    async with serving(swallowing(0)) as server, client_of(server.origin) as client:
        with pytest.raises(errors.ReadFailed, match="no answer before the deadline; waiting for the answer"):
            await CALLS["read"](client.with_options(timeout_seconds=0.3))

        assert 1 == len(server.requests)


@pytest.mark.usefixtures("impatient")
async def test_silence_is_no_attempt():
    """A read that met a dead connection is still repeated where the server is unavailable for a moment."""
    steps = iter([ANSWER, None, response(status=b"503 Later"), response(status=b"503 Later"), ANSWER])

    async def talk(heard):
        while True:
            await heard.request()
            said = next(steps)
            await (heard.say(said) if said is not None else heard.reader.read())

    async with serving(talk) as server, client_of(server.origin) as client:
        await CALLS["read"](client)

        assert (Thing(1), 5) == (await CALLS["read"](client), len(server.requests))


@pytest.mark.usefixtures("impatient")
async def test_not_found_after_silence():
    """A cancel whose first attempt was not answered may have done what the second one does not find."""
    steps = iter([ANSWER, None, response(b'{"error": "no", "code": "missing"}', status=b"404 Gone")])

    async def talk(heard):
        while True:
            await heard.request()
            said = next(steps)
            await (heard.say(said) if said is not None else heard.reader.read())

    async with serving(talk) as server, client_of(server.origin) as client:
        await CALLS["read"](client)
        with pytest.raises(errors.OutcomeUnknown, match="an earlier attempt may have done it") as caught:
            await CALLS["idempotent"](client)

    assert caught.value.intent.account == client._session.credentials.fingerprint


@kinds
async def test_a_connection_is_ready_for_orders(kind):
    """After the first order an unused connection is kept, on which the next one goes."""
    async with served(kind, answering(ANSWER)) as server, client_of(server.origin, ssl_context=trusting()) as client:
        await client.trading.create_order(amount=1)
        await until(lambda: server.connections == 2)
        await turns(20)

        assert (2, 1) == (server.connections, len(server.requests))


async def test_tasks_that_are_cancelled_from_outside():
    """Whoever cancels the tasks of the library costs the calls their connections, and later calls nothing."""
    asked = asyncio.Event()

    async def talk(heard):
        while True:
            await heard.request()
            if not asked.is_set():
                asked.set()
                await heard.reader.read()
            await heard.say(ANSWER)

    async with serving(talk) as server, client_of(server.origin) as client:
        call = asyncio.create_task(client.market.thing())
        await asked.wait()
        for task in list(client._session._attempts.tasks):
            task.cancel()
        with pytest.raises(errors.ReadFailed):
            await call

        assert [Thing(1)] * 9 == [await client.market.thing() for _ in range(9)]


# Surplus


async def test_two_answers_in_one_segment():
    """Over TLS a second answer that comes together with the first is not taken for that to the next call."""

    async def talk(heard, records):
        while True:
            number = len(heard.server.requests) + 1
            heard.server.requests.append(await records.request())
            first, second = (response(b'{"id": %d}' % n) for n in (number, 1000 + number))
            heard.writer.write(records.records(first, second))
            await heard.writer.drain()

    async with serving(by_records(talk)) as server:
        origin = server.origin.replace("http:", "https:")
        async with client_of(origin, ssl_context=trusting()) as client:
            things = [await client.market.thing() for _ in range(20)]

        assert ([Thing(n) for n in range(1, 21)], 20) == (things, server.connections)


# Names


@pytest.mark.parametrize(("name", "kind"), [("read", errors.ReadFailed), ("money", errors.NotSent)])
async def test_a_name_that_is_not_found_in_time(monkeypatch, name, kind):
    """An error names what the call was waiting for."""
    found = threading.Event()

    def hang(*_, **__):
        found.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    async with Fourth(timeout_seconds=0.1, limits=None, state=MemoryState(), **CREDENTIALS) as client:
        try:
            with pytest.raises(kind, match="no answer before the deadline; looking up the name"):
                await CALLS[name](client)
        finally:
            found.set()


# Answers


@kinds
@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip"])
@pytest.mark.parametrize("padding", [b"", b"\0" * 9])
async def test_several_members_of_gzip(kind, coding, padding):
    """A body in several members of gzip, padded or not, is read whole."""
    body = gzip.compress(b'{"id"') + gzip.compress(b": 1}") + padding
    talk = answering(response(body, b"Content-Encoding: " + coding))
    async with served(kind, talk) as server, client_of(server.origin, ssl_context=trusting()) as client:
        assert Thing(1) == await client.market.thing()


@pytest.mark.parametrize("line", [b"X-Odd : a", b"garbage", b": a", b"Set-Cookie: a\n b", b"X: \x01", b"X: \xe9"])
async def test_header_lines_that_are_none(line):
    """A malformed line among the headers costs no answer."""
    async with serving(answering(response(b'{"id": 1}', line))) as server, client_of(server.origin) as client:
        assert [Thing(1)] * 2 == [await CALLS[name](client) for name in ("read", "money")]
