import asyncio
import random

import httpx
import pytest

from exchanges import errors
from exchanges.errors import OutcomeUnknown, ReadFailed, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import MemoryState
from tests.support.fourth import LIMIT, OPEN_LIMIT, Fourth, Thing
from tests.support.fourth_calls import CALLS, fourth
from tests.support.raw_server import answering, response, serving
from tests.support.scripted_transport import Script, html
from tests.support.virtual_time import elapsed, in_virtual_time, settle

NARROW = Limit(LIMIT.name, (Window(1, 60.0),), Scope.KEY)
CHANGING = ["idempotent", "write", "money"]


@in_virtual_time
async def test_a_closed_client():
    """A closed client refuses every call before anything is sent."""
    script = Script.of()
    client = fourth(script)
    await client.aclose()
    for call in (
        *CALLS.values(),
        lambda c: c.market.thing(),
        lambda c: c.with_options(timeout_seconds=1).market.thing(),
    ):
        with pytest.raises(UsageError, match="the client is closed; nothing was sent"):
            await call(client)

    assert script.came == []


@in_virtual_time
async def test_closing_ends_reads():
    """Closing ends reads at once; their callers get `ReadFailed`."""
    script = Script.of(open=asyncio.Event())
    client = fourth(script)
    reads = [asyncio.create_task(f()) for f in (client.market.thing, client.trading.order)]
    await settle()
    await client.aclose()
    await asyncio.wait(reads)

    assert (0.0, 2, {ReadFailed}) == (elapsed(), script.cancelled, {type(r.exception()) for r in reads})


@in_virtual_time
@pytest.mark.parametrize("kind", CHANGING)
async def test_closing_awaits_what_changes_something(kind):
    """Closing waits for calls that change something; their callers get the answer."""
    client = fourth(Script.of(seconds=5))
    call = asyncio.create_task(CALLS[kind](client))
    await settle()
    await client.aclose()

    assert (Thing(1), 5.0) == (await call, elapsed())


@in_virtual_time
async def test_closing_awaits_to_the_deadline():
    """Closing waits for a money call without an answer until its deadline, no longer."""
    client = fourth(Script.of(open=asyncio.Event()), timeout_seconds=8)
    call = asyncio.create_task(CALLS["money"](client))
    await settle()
    await client.aclose()
    with pytest.raises(OutcomeUnknown):
        await call

    assert elapsed() == 8.0


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
async def test_closing_refuses_waiting_calls(kind):
    """Closing refuses calls that wait for the limit at once: nothing was sent."""
    script = Script.of()
    client = fourth(script, limits=[NARROW], timeout_seconds=600)
    await client.trading.create_address()
    call = asyncio.create_task(CALLS[kind](client))
    await settle()
    await client.aclose()
    with pytest.raises(UsageError, match="the client is closed; nothing was sent"):
        await call

    assert (0.0, 1) == (elapsed(), len(script.came))


@in_virtual_time
async def test_closing_refuses_no_calls_of_others():
    """Closing one client does not affect the waiting calls of another under the same limit."""
    state, script = MemoryState(), Script.of()
    two = Limit(LIMIT.name, (Window(2, 60.0),), Scope.KEY)
    one, other = (fourth(script, limits=[two], state=state, timeout_seconds=600) for _ in range(2))
    for client in (one, other):
        await client.trading.create_address()
    call = asyncio.create_task(other.trading.cancel(5))
    await settle()
    await one.aclose()

    assert Thing(1) == await call

    await other.aclose()


@in_virtual_time
async def test_a_read_ended_before_it_began():
    """A read that gets its permit and is ended by closing in the same tick releases slot and key lock."""
    state, script = MemoryState(), Script.of()
    one, other = (fourth(script, limits=[NARROW], state=state) for _ in range(2))
    closing = asyncio.create_task(one.aclose())
    call = asyncio.create_task(one.trading.order())  # is granted just before closing begins
    await asyncio.wait([call, closing])
    await other.trading.cancel(5)

    assert (ReadFailed, 0.0, 1) == (type(call.exception()), elapsed(), len(script.came))

    await other.aclose()


@in_virtual_time
async def test_closing_twice():
    """Closing a closed client does nothing; closing it twice at once waits for both."""
    client = fourth(Script.of(seconds=5))
    call = asyncio.create_task(CALLS["money"](client))
    await settle()
    await asyncio.gather(client.aclose(), client.aclose())
    await client.aclose()

    assert (Thing(1), 5.0) == (await call, elapsed())


@in_virtual_time
async def test_closing_goes_on_without_its_caller():
    """Closing continues to its end when its caller is cancelled."""
    state = MemoryState()
    client = fourth(Script.of(seconds=5), state=state)
    call = asyncio.create_task(CALLS["money"](client))
    await settle()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.aclose(), 1)
    await call
    await settle()
    (limiter,) = state._limiters.values()

    assert (0, 0) == (limiter.users, limiter.signers)


@in_virtual_time
async def test_a_closed_client_uses_no_limiter():
    """A closed client is no longer counted among those that use the limit, and keeps no reserve."""
    state = MemoryState()
    async with fourth(Script.of(), state=state) as client:
        await client.trading.order()
        (limiter,) = state._limiters.values()
        open_client = (limiter.users, limiter.signers)

    assert ((1, 1), (0, 0)) == (open_client, (limiter.users, limiter.signers))


@in_virtual_time
async def test_an_injected_transport_is_its_owners():
    """Closing a client leaves an injected transport open."""

    class Watched(Script):
        closed = False

        async def aclose(self):
            self.closed = True

    script = Watched.of()
    async with fourth(script) as client:
        await client.market.thing()

    assert script.closed is False


def test_closing_connections_of_a_loop_that_is_gone():
    """Connections that cannot be closed, since their loop is closed, keep neither a client nor its limits in use."""
    clients = []

    async def call():
        async with serving(answering(response())) as server:
            clients.append(Fourth(base_url=server.origin, state=MemoryState()))
            await clients[0].market.thing()
            await clients[0]._session._config.transport._pool._pools[server.origin].aclose()

    asyncio.run(call())
    (limiter,) = clients[0]._session._destinations._limiters
    asyncio.run(clients[0].aclose())

    assert (0, 0) == (limiter.users, limiter.signers)


@in_virtual_time
async def test_a_repetition_does_not_wait_for_a_closed_client(monkeypatch):
    """A call that would be repeated after closing ends at once, however long the limit would let it wait."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    narrow = [Limit(OPEN_LIMIT.name, (Window(1, 10.0),), Scope.ADDRESS)]
    client = fourth(Script.of(html(503)), limits=narrow)
    call = asyncio.create_task(client.market.thing())
    await settle()
    await client.aclose()
    await asyncio.wait([call])

    assert (UsageError, 0.5) == (type(call.exception()), elapsed())


@in_virtual_time
async def test_a_public_read_fails_as_a_whole_when_closed():
    """A read that failed once is not repeated after closing."""
    script = Script.of(httpx.ReadError("gone"))
    client = fourth(script)
    call = asyncio.create_task(client.market.thing())
    await settle()
    await client.aclose()
    await asyncio.wait([call])

    assert (True, 1) == (isinstance(call.exception(), errors.ExchangeError), len(script.came))
