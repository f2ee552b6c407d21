import asyncio
import gc

import pytest

from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.raw_server import answering, response, serving
from tests.support.scripted_transport import Script
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_client_that_is_dropped():
    """A client that nobody closes releases its limiters when it and its last view are collected."""
    state = MemoryState()
    client = Fourth(transport=Script.of(), state=state, **CREDENTIALS)
    await client.trading.order()
    (limiter,) = state._limiters.values()
    view = client.with_options(timeout_seconds=1)
    del client
    gc.collect()
    before = (limiter.users, limiter.signers)
    del view
    gc.collect()

    assert ((1, 1), (0, 0)) == (before, (limiter.users, limiter.signers))


@in_virtual_time
async def test_a_client_that_is_closed_and_dropped():
    """A client that was closed releases its limiters once."""
    state = MemoryState()
    client, other = (Fourth(transport=Script.of(), state=state, **CREDENTIALS) for _ in range(2))
    for opened in (client, other):
        await opened.trading.order()
    (limiter,) = state._limiters.values()
    await client.aclose()
    del client, opened
    gc.collect()

    assert (1, 1) == (limiter.users, limiter.signers)

    await other.aclose()


async def test_open_sockets_that_are_dropped():
    """A client that is dropped with open connections warns, and the warning names `aclose()`."""
    async with serving(answering(response())) as server:
        held = [Fourth(base_url=server.origin, state=MemoryState())]
        await held[0].market.thing()
        transport = held[0]._session._config.transport
        with pytest.warns(ResourceWarning, match=r"a client of fourth loopback:\d+ was dropped without aclose\(\)"):
            held.clear()
        await transport.aclose()


async def test_a_ready_connection_that_is_dropped(monkeypatch):
    """No connection is kept ready for a client that was dropped."""
    monkeypatch.setattr("exchanges.http.origin_pool.KEEP_READY_SECONDS", 0.01)
    async with serving(answering(response())) as server:
        held = [Fourth(base_url=server.origin, state=MemoryState(), **CREDENTIALS)]
        await held[0].trading.create_order(amount=1)
        transport = held[0]._session._config.transport
        keeper = transport._pool._pools[server.origin]._keeper
        with pytest.warns(ResourceWarning, match="was dropped without"):
            held.clear()
        await asyncio.wait_for(keeper, 20)
        await transport.aclose()
