"""Calls of several clients of one key in one process."""

import pytest

from exchanges import OutcomeUnknown, UnresolvedOutcome
from exchanges.state import MemoryState
from tests.support.lagging_exchange import DONE, LOST, begin, lagging, lose, placing
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_the_guard_of_another_client():
    """A call that one client left unknown is refused to another client of the same key."""
    state, exchange = MemoryState(), lagging(LOST, DONE)
    async with placing(exchange, state=state) as one, placing(exchange, state=state) as two:
        await begin(one)
        intent = await lose(one)
        with pytest.raises(UnresolvedOutcome) as caught:
            await lose(two)

    assert intent == caught.value.intent


@in_virtual_time
async def test_what_was_done_is_forgotten_with_the_last_client():
    """After the last client is closed, a restarted server may use the same ids again."""
    state = MemoryState()
    async with placing(lagging(), state=state) as client:
        first = await client.orders.place(amount=3, price=5)
    async with placing(lagging(), state=state) as client:
        again = await client.orders.place(amount=3, price=5)

    assert first.id == again.id


@in_virtual_time
async def test_what_was_done_is_known_as_long_as_a_client_is_left():
    """An id that a call of another open client created makes an outcome unknown."""
    state = MemoryState()
    async with placing(lagging(), state=state) as one, placing(lagging(), state=state) as two:
        await one.orders.place(amount=3, price=5)
        with pytest.raises(OutcomeUnknown, match="what an earlier call made"):
            await two.orders.place(amount=4, price=5)
