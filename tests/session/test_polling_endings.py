import asyncio

import pytest

from exchanges import poll
from exchanges.errors import UsageError
from exchanges.state import MemoryState
from tests.support.fourth_calls import limited
from tests.support.polled import Source
from tests.support.virtual_time import elapsed, in_virtual_time, settle


@in_virtual_time
async def test_leaving_ends_everything():
    """When the block is left no question is under way, and no task is left."""
    source = Source(seconds=5)
    async with poll({"a": source}, every_seconds=1):
        await settle()
        inside = source.inside

    assert (1, 0, 1) == (inside, source.inside, len(asyncio.all_tasks()))


@in_virtual_time
async def test_an_exception_of_the_block():
    """An exception of the block is raised unchanged, and ends everything."""
    source = Source(seconds=5)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with poll({"a": source}, every_seconds=1):
            await settle()
            raise ZeroDivisionError

    assert source.inside == 0


@in_virtual_time
async def test_a_cancelled_block():
    """A block that is cancelled while it waits for an update ends everything."""
    source = Source(seconds=500)

    async def read():
        async with poll({"a": source}, every_seconds=1) as updates:
            await anext(updates)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 3)

    assert (3.0, 0) == (elapsed(), source.inside)


@in_virtual_time
async def test_leaving_asks_nothing_more_of_the_limits():
    """A poll that ended counts no longer among those that share a limit."""
    state = MemoryState()
    async with limited(5, 10.0, state=state) as client:
        async with poll({"a": client.market.thing}, every_seconds=1) as updates:
            await anext(updates)
            (limiter,) = state._limiters.values()
            during = len(limiter.demand)

        assert (1, {}) == (during, limiter.demand)


@in_virtual_time
async def test_a_reader_in_another_task():
    """The iteration of another task ends when the block is left."""

    async def read(updates):
        return [u.value async for u in updates]

    async with poll({"a": Source()}, every_seconds=2) as updates:
        reader = asyncio.create_task(read(updates))
        await asyncio.sleep(5)

    assert [1, 2, 3] == await reader


@in_virtual_time
async def test_reading_outside_of_the_block():
    """Before the block is entered there is nothing to iterate over, after it is left the iteration is over."""
    updates = poll({"a": Source()}, every_seconds=2)
    with pytest.raises(UsageError, match="enter the block first"):
        await anext(updates)
    async with updates:
        await anext(updates)
    with pytest.raises(StopAsyncIteration):
        await anext(updates)


@in_virtual_time
async def test_a_reader_that_is_busy_when_the_block_is_left():
    """The iteration of another task ends when the block is left, even if that task was not waiting then."""
    seen = []

    async def read(updates):
        async for update in updates:
            seen.append(update.value)
            await asyncio.sleep(10)

    async with poll({"a": Source()}, every_seconds=2) as updates:
        reader = asyncio.create_task(read(updates))
        await asyncio.sleep(5)
    await reader

    assert ([1], 10.0) == (seen, elapsed())


@in_virtual_time
async def test_entering_twice():
    """An open block cannot be entered again."""
    async with poll({"a": Source()}, every_seconds=2) as updates:
        with pytest.raises(UsageError, match="entered already"):
            await updates.__aenter__()


class Stubborn:
    """Swallows cancellations, and then returns a value."""

    def __init__(self, times):
        self.left = times
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.left -= 1
                if self.left < 0:
                    raise
                if self.left == 0:
                    return self.asked


@in_virtual_time
async def test_a_swallowed_cancellation(caplog):
    """A source that swallows its cancellation and returns is not asked again: the block is left at once."""
    source = Stubborn(1)
    async with poll({"a": source}, every_seconds=1):
        await settle()

    assert (1, 0.0, []) == (source.asked, elapsed(), caplog.messages)


@in_virtual_time
async def test_many_swallowed_cancellations(caplog):
    """A source that swallows two cancellations ends with the third."""
    async with poll({"a": Stubborn(3)}, every_seconds=1):
        await settle()

    assert (2.0, []) == (elapsed(), caplog.messages)


@in_virtual_time
async def test_a_source_that_never_ends(caplog):
    """A source that swallows every cancellation cannot hold the block: it is left running, and named."""
    source = Stubborn(1000)
    async with poll({"a": source, "b": Source()}, every_seconds=1):
        await settle()
    seconds, source.left = elapsed(), 1
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await settle()

    assert 3.0 == seconds
    assert ["poll a: the source does not end when it is cancelled, and is left running"] == caplog.messages


@in_virtual_time
async def test_tasks_that_others_cancel():
    """If somebody cancels the tasks of all sources, the iteration ends and does not wait for ever."""
    async with poll({"a": Source(seconds=5)}, every_seconds=1) as updates:
        await settle()
        for task in asyncio.all_tasks():
            if task.get_name() == "poll a":
                task.cancel()
        rest = [update async for update in updates]

    assert [] == rest
