import asyncio

import pytest

from tests.support.virtual_time import Stuck, elapsed, in_virtual_time, run


@in_virtual_time
async def test_a_clock_that_jumps():
    """An hour of waiting takes no time and the clock moves by exactly an hour."""
    await asyncio.sleep(3600)

    assert elapsed() == 3600.0


def test_nobody_wakes_anybody():
    """A wait that can never end raises instead of hanging."""

    async def wait():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stuck):
        run(wait())


def test_a_task_left_over():
    """A test that leaves a task behind fails."""

    async def leave():
        leave.task = asyncio.create_task(asyncio.sleep(1))

    with pytest.raises(AssertionError, match="tasks left over"):
        run(leave())


def test_a_fault_unseen():
    """A test in which a callback raised fails."""

    async def fail():
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="went wrong unseen"):
        run(fail())
