import asyncio
import json

import pytest

from exchanges import bitex
from exchanges.errors import NotFound
from tests.support.fourth import Thing
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import in_virtual_time

from .test_session import fourth


@in_virtual_time
async def test_an_answer():
    """A block records status, headers, bytes and time of each answer, beside what the calls return."""
    script = Script.of(answer(status=503), answer({"id": 7}, x_request="abc"), seconds=2.0)
    async with fourth(script) as client:
        with client.raw() as seen:
            thing = await client.market.thing("a")
        await client.market.thing("a")

    assert (Thing(7), [503, 200], 2) == (thing, [raw.status for raw in seen], len(seen))
    assert ("fourth.market.thing", {"id": 7}, "abc", 2.0) == (
        seen[1].endpoint,
        json.loads(seen[1].body),
        seen[1].headers["x-request"],
        seen[1].seconds,
    )


@in_virtual_time
async def test_a_refusal_is_recorded():
    """The answer to a call that fails is recorded too; its bytes are not in its repr."""
    async with fourth(Script.of(refusal("missing", 404))) as client:
        with client.raw() as seen, pytest.raises(NotFound):
            await client.market.thing("a")

    assert 404 == seen[0].status
    assert f"<{len(seen[0].body)} bytes>" in repr(seen[0])
    assert "missing" not in repr(seen[0])


@in_virtual_time
async def test_tasks_and_other_clients():
    """Calls in tasks of the block are recorded; those of other tasks and of other clients are not."""
    script = Script.of(seconds=1.0)
    async with fourth(script) as client, fourth(script) as other:
        outside = asyncio.create_task(client.market.slow())
        with client.raw() as seen, other.raw() as others:
            await asyncio.gather(client.market.thing("a"), other.market.slow())
            await outside

    assert (["fourth.market.thing"], ["fourth.market.slow"]) == (
        [raw.endpoint for raw in seen],
        [raw.endpoint for raw in others],
    )


async def test_rows_that_are_cut_while_they_arrive():
    """A large answer that is cut into rows while it arrives is recorded whole."""
    from tests.support.raw_server import answering, serving

    rows = b"[" + b",".join(b"[%d,946685400,500.00,0.10]" % n for n in range(3)) + b"]"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(rows)
    async with serving(answering(head + rows)) as server, bitex.Bitex(base_url=server.origin) as client:
        with client.raw() as seen:
            archive = await client.market.transactions_archive()

    assert (rows, 3) == (seen[0].body, len(archive))
