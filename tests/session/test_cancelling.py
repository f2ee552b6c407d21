import asyncio
import logging
from functools import partial

import pytest

from exchanges.errors import OutcomeUnknown, ReadFailed
from tests.support.cancelling import WAYS, by_cancel
from tests.support.fourth_calls import CALLS, fourth
from tests.support.scripted_transport import Script, answer, html
from tests.support.virtual_time import elapsed, in_virtual_time, settle

CHANGING = ["idempotent", "write", "money"]


def limiters_of(client):
    """Return the reprs of the limiters that a client uses."""
    return {repr(limiter) for limiter in client._session._destinations._limiters}


@in_virtual_time
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CALLS)
async def test_the_call_goes_on_without_its_caller(kind, way):
    """A cancelled caller returns at once; the call continues to its answer and then releases everything."""
    script = Script.of(seconds=5)
    async with fourth(script) as client:
        assert await way(partial(CALLS[kind], client), 1)
        gone = elapsed()
        await client.trading.order()

        assert (1.0, 10.0, 0, 1) == (gone, elapsed(), script.cancelled, script.most_inside)
        assert {"Limiter(fourth: no limit; 0 waiting)"} == limiters_of(client)


@in_virtual_time
@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_while_waiting_for_the_key_lock(way):
    """A caller that is cancelled while it waits sends nothing, and those behind it move up."""
    script = Script.of(seconds=5)
    async with fourth(script) as client:
        first = asyncio.create_task(client.trading.order())
        await settle()
        cancelled = asyncio.create_task(way(client.trading.order, 1))
        await settle()
        last = asyncio.create_task(client.trading.order())
        await asyncio.gather(first, cancelled, last)

    assert (2, 10.0) == (len(script.came), elapsed())


@in_virtual_time
async def test_cancelled_before_the_first_step():
    """A caller that is cancelled as its call begins holds neither a slot nor the key lock."""
    script = Script.of()
    async with fourth(script) as client:
        task = asyncio.create_task(client.trading.order())
        task.cancel()
        await asyncio.wait([task])
        await client.trading.order()

    assert len(script.came) == 1


@in_virtual_time
@pytest.mark.parametrize("ticks", range(12))
async def test_cancelled_in_any_tick(ticks):
    """In whatever tick a caller is cancelled, slot, key lock and connection are free for the next call."""
    script = Script.of()
    async with fourth(script, max_connections=1) as client:
        task = asyncio.create_task(client.trading.order())
        await settle(ticks)
        task.cancel()
        await asyncio.wait([task])
        await client.trading.order()

    assert (0.0, 1) == (elapsed(), script.most_inside)


@in_virtual_time
async def test_nonces_stay_in_order():
    """With every second of a hundred callers cancelled, nonces still arrive increasing, one at a time."""
    script = Script.of(seconds=0.01)
    async with fourth(script) as client:
        tasks = [asyncio.create_task(client.trading.order()) for _ in range(100)]
        for number, task in enumerate(tasks[::2]):
            asyncio.get_running_loop().call_later(number * 0.013, task.cancel)
        await asyncio.wait(tasks)

    assert (1, script.nonces) == (script.most_inside, sorted(set(script.nonces)))


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
@pytest.mark.parametrize(("step", "words"), [(html(502), "fourth.trading.create_"), (answer(), "executed")])
async def test_an_abandoned_call_is_logged(step, words, kind, caplog):
    """If an abandoned call is never repeated, a warning states its outcome."""
    async with fourth(Script.of(step, seconds=5)) as client:
        await by_cancel(partial(CALLS[kind], client), 1)
        caplog.clear()

    assert [("exchanges.outcomes.pending", logging.WARNING)] == [r[:2] for r in caplog.record_tuples]
    assert f"the caller was cancelled; {words}" in caplog.text


@in_virtual_time
@pytest.mark.parametrize("kind", ["read", "idempotent"])
@pytest.mark.parametrize("step", [html(502), answer()])
async def test_an_abandoned_call_without_consequence(step, kind, caplog):
    """An abandoned call that may be repeated causes no warning, whatever its outcome."""
    async with fourth(Script.of(step, seconds=5)) as client:
        await by_cancel(partial(CALLS[kind], client), 1)

        assert not client.unresolved

    assert not [r for r in caplog.records if r.levelno > logging.INFO]


@in_virtual_time
async def test_cancelled_between_attempts(monkeypatch):
    """A caller that is cancelled in the pause between two attempts sends no second one."""
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    script = Script.of(html(503))
    async with fourth(script) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.trading.order(), 0.1)

    assert len(script.came) == 1


@in_virtual_time
@pytest.mark.parametrize(("kind", "expected"), [("read", ReadFailed), *((kind, OutcomeUnknown) for kind in CHANGING)])
async def test_a_task_cancelled_from_outside(kind, expected):
    """If other code cancels the session's own task, a read failed, and any other outcome is unknown."""
    async with fourth(Script.of(open=asyncio.Event())) as client:
        call = asyncio.create_task(CALLS[kind](client))
        await settle()
        (task,) = client._session._attempts.tasks
        task.cancel()
        await asyncio.wait([call])

        assert (expected, {"Limiter(fourth: no limit; 0 waiting)"}) == (type(call.exception()), limiters_of(client))


@in_virtual_time
async def test_leaving_the_block_waits_for_an_abandoned_order():
    """Leaving the block waits for an abandoned money call."""
    script = Script.of(seconds=5)
    async with fourth(script) as client:
        await by_cancel(partial(CALLS["money"], client), 1)

    assert (5.0, 0) == (elapsed(), script.cancelled)
