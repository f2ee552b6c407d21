"""Requests and answers that are cut at any byte."""

import ssl
from contextlib import suppress

import pytest

from exchanges.http.answer import Evidence, Lost
from exchanges.limits.limiter import Priority
from tests.support.own_connections import KINDS, by_records, get, lab, opened, order, reset, turns
from tests.support.raw_server import response, serving
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


@kinds
@pytest.mark.parametrize("ending", ["orderly", "reset"])
async def test_an_answer_that_is_cut(kind, ending):
    """An answer that is cut at any byte is lost, and never told as not sent."""
    cuts = iter(range(len(ANSWER)))

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER[: next(cuts)])
        if ending == "reset":
            reset(heard)

    async with opened(kind, talk) as watch:
        for _ in ANSWER:
            evidence = Evidence()
            error = await failure_of(watch.send(priority=Priority.MONEY, evidence=evidence))

            assert (Lost, True, False) == (type(error), evidence.finished, evidence.nothing_left)
        assert len(watch.server.requests) == len(ANSWER)


async def test_records_that_are_cut():
    """Records that are cut at any byte are no answer, even of one that ends with its connection."""
    size = len(ANSWER) + 64

    def talk_to(cut):
        async def talk(heard, records):
            await records.request()
            whole = records.records(b"HTTP/1.1 200 OK\r\n\r\n123456789")
            await heard.say(whole[:cut])

        return by_records(talk)

    async with serving(talk_to(0)) as server, lab(server) as watch:
        for cut in range(size):
            server.talk, evidence = talk_to(cut), Evidence()
            request = get(f"https://127.0.0.1:{server.port}")
            error = await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))

            assert (Lost, False) == (type(error), evidence.nothing_left)


@pytest.mark.sweep
@kinds
async def test_a_request_that_is_cut(kind):
    """Who is told that nothing was sent can rely on it, at whatever byte the server stops reading."""
    read = []

    async def talk(heard):
        received = b""
        count = len(read)
        while len(received) < count:
            received += await heard.reader.read(count - len(received))
        read.append(received)
        reset(heard)

    async with opened(kind, talk) as watch:
        for _ in range(160):
            evidence, before = Evidence(), len(read)
            request = order(watch.server.origin)
            await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))
            await turns(3)

            assert not (evidence.nothing_left and any(read[before:]))


@kinds
@pytest.mark.parametrize("orderly", [True, False])
async def test_an_answer_that_ends_with_its_connection(kind, orderly):
    """An answer without a length is whole if the server ended the connection in order, and its connection is gone."""

    async def talk(heard):
        await heard.request()
        await heard.say(b"HTTP/1.0 200 OK\r\n\r\n123")
        if not orderly:
            await turns(5)  # until the client has read what came
            reset(heard)

    async with opened(kind, talk) as watch:
        if orderly:
            assert b"123" == (await watch.send()).body
        else:
            assert "the connection" in str(await failure_of(watch.send()))
        await turns(5)

        assert watch.open_sockets == 0


@pytest.mark.parametrize("announced", [True, False])
async def test_an_end_that_anybody_can_forge(announced):
    """Over TLS only the server's announcement ends an answer without a length; FIN is nobody's word."""

    async def talk(heard, records):
        await records.request()
        await heard.say(records.records(b"HTTP/1.1 200 OK\r\n\r\n123"))
        if announced:
            with suppress(ssl.SSLError):  # the client's own announcement is not waited for
                records.layer.unwrap()
            await records.flush()

    async with serving(by_records(talk)) as server, lab(server) as watch:
        request = get(f"https://127.0.0.1:{server.port}")
        if announced:
            assert b"123" == (await watch.send(request)).body
        else:
            assert "after 3 bytes" in str(await failure_of(watch.send(request)))
