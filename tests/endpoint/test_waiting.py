import asyncio

import pytest

from exchanges.endpoint.waiting import wait_until
from exchanges.errors import ReadFailed
from tests.support.virtual_time import elapsed, in_virtual_time


class Counter:
    """A value that counts its reads, and when they were."""

    def __init__(self, *, seconds=0.0):
        self.seconds = seconds
        self.at = []

    async def read(self):
        await asyncio.sleep(self.seconds)
        self.at.append(elapsed())
        return len(self.at)


@in_virtual_time
async def test_until_it_is_done():
    """A value is read until it is done."""
    counter = Counter()

    assert 3 == await wait_until(counter.read, lambda n: n == 3, 60, latest=0)
    assert 3 == len(counter.at)


@in_virtual_time
async def test_done_already():
    """A value that is already final is not read again."""
    counter = Counter()

    assert 5 == await wait_until(counter.read, lambda n: n == 5, 60, latest=5)
    assert [] == counter.at


@in_virtual_time
async def test_pauses():
    """The pauses grow from half a second to four."""
    counter = Counter()

    await wait_until(counter.read, lambda _: False, 20, latest=0)

    expected = [0, 0.5, 1.25, 2.375, 4.0625, 6.59375, 10.39, 14.39, 18.39]
    assert expected == [round(t, 5 - (t > 10) * 3) for t in counter.at]


@in_virtual_time
async def test_the_time_is_up():
    """When the time is up, the last value that was read is returned."""
    assert 6 == await wait_until(Counter().read, lambda _: False, 10, latest=0)
    assert 10 == elapsed()


@in_virtual_time
async def test_a_read_that_hangs():
    """A read that takes longer than the time left does not extend the wait."""
    assert 0 == await wait_until(Counter(seconds=100).read, bool, 10, latest=0)
    assert 10 == elapsed()


@in_virtual_time
async def test_injected_sleep():
    """The function that sleeps can be injected."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    await wait_until(Counter().read, lambda n: n == 3, 1, latest=0, sleep=sleep)

    assert ([0.5, 0.75], 0) == (slept, elapsed())


@in_virtual_time
async def test_an_error():
    """An error of a read ends the wait."""

    async def read():
        raise ReadFailed("no")

    with pytest.raises(ReadFailed):
        await wait_until(read, bool, 60, latest=0)
