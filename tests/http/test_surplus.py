"""Bytes beyond an answer are never read as the next one."""

import asyncio

import pytest

from exchanges.http.answer import Evidence, Lost
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    by_records,
    get,
    lab,
    opened,
    turns,
)
from tests.support.raw_server import response, serving

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


@kinds
@pytest.mark.parametrize("surplus", [response(b"surplus"), b"\r\n", b"x"])
@pytest.mark.parametrize("segments", [1, 2])
async def test_more_than_an_answer(kind, surplus, segments):
    """What comes beyond an answer is not taken for the next one, in the same segment or behind it."""
    count = 0

    async def talk(heard):
        nonlocal count
        while True:
            await heard.request()
            count += 1
            whole = response(b"%d" % count)
            await heard.say(*([whole + surplus] if segments == 1 else [whole, surplus]))

    async with opened(kind, talk) as watch:
        bodies = [(await watch.send(priority=Priority.MONEY)).body for _ in range(10)]

        assert [b"%d" % number for number in range(1, 11)] == bodies


@kinds
async def test_a_copy_of_a_refusal_that_comes_late(kind):
    """What is sent again when the next request has come, and was no surplus before, is not taken for its refusal."""
    refusal = response(b"no", status=b"400 Bad Request")

    async def talk(heard):
        await heard.request()
        await heard.say(refusal if heard.server.connections == 1 else response(b"yes"))
        await heard.request()
        await heard.say(refusal, response(b"yes"))

    async with opened(kind, talk) as watch:
        bodies = [(await watch.send(priority=Priority.MONEY)).body for _ in range(2)]

        assert [b"no", b"yes"] == bodies


@pytest.mark.parametrize("layout", ["one record", "two records", "two segments", 3, 9])
async def test_more_than_an_answer_in_records(layout):
    """Nor does it matter how the surplus lies in TLS: a part of a record is the start of something."""
    count = 0

    async def talk(heard, records):
        nonlocal count
        while True:
            await records.request()
            count += 1
            whole = response(b"%d" % count)
            if layout == "one record":
                await heard.say(records.records(whole + whole))
            elif layout == "two records":
                await heard.say(records.records(whole, whole))
            elif layout == "two segments":
                await heard.say(records.records(whole), records.records(whole))
            else:
                first, second = records.records(whole), records.records(whole)
                await heard.say(first + second[:layout])  # cut within, and behind, the head of a record
                await turns(20)
                await heard.say(second[layout:])

    async with serving(by_records(talk)) as server, lab(server) as watch:
        request = get(f"https://127.0.0.1:{server.port}")
        bodies = [(await watch.send(request)).body for _ in range(10)]

        assert ([b"%d" % number for number in range(1, 11)], 10) == (bodies, server.connections)


@kinds
async def test_an_answer_before_its_request(kind):
    """What a server says before it was asked is no answer, on a new connection too."""

    async def talk(heard):
        await heard.say(response(b"early"))
        await heard.request()
        await heard.say(response(b"late"))

    async with opened(kind, talk) as watch:
        evidence = Evidence()
        try:
            body = (await watch.send(priority=Priority.MONEY, evidence=evidence)).body
        except Lost:
            body = None

        # On a new connection the early bytes may come after the request has gone out; then nobody can know.
        assert body is None or evidence.started


@kinds
async def test_more_on_an_idle_connection(kind):
    """A connection on which something comes while nobody asks is closed at once."""
    late = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await heard.say(response(b"1"))
        if heard.server.connections == 1:
            await late.wait()
            await heard.say(response(b"late"))
        await heard.reader.read()

    async with opened(kind, talk) as watch:
        await watch.send()
        before = watch.open_sockets
        late.set()
        await turns(20)
        after = watch.open_sockets

        assert ((1, 0), b"1") == ((before, after), (await watch.send()).body)


@kinds
async def test_more_that_the_loop_has_not_read(kind):
    """What waits in the socket when a request begins is seen before the request is written."""
    ready = asyncio.Event()

    async def talk(heard):
        number = heard.server.connections
        await heard.request()
        await heard.say(response(b"%d" % number))
        await ready.wait()
        await heard.say(response(b"late"))
        await heard.reader.read()

    async with opened(kind, talk) as watch:
        await watch.send()
        ready.set()
        await turns(1)  # the server has written, the client has not read
        second = await watch.send(priority=Priority.MONEY)

        assert (b"2", 2) == (second.body, watch.server.connections)
