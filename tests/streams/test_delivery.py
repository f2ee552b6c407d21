import asyncio

import pytest

from exchanges.errors import ReaderTooSlow
from exchanges.streams.delivery import Buffer, Cell, Ended, Gap, GapReason
from tests.support.streaming import moment
from tests.support.virtual_time import in_virtual_time, settle

GAP = Gap(moment(1), moment(5), GapReason.RECONNECTED)


def lagged(first, last, missed):
    """The gap of a slow reader."""
    return Gap(moment(first), moment(last), GapReason.LAGGED, missed)


async def all_of(buffer):
    """Everything in a buffer; an error at the end as its class."""
    found = []
    while len(buffer) or buffer._lag is not None or buffer._end is not None:
        try:
            found.append(await buffer.get())
        except Ended:
            break
        except Exception as error:  # noqa: BLE001
            found.append(type(error))
            break
    return found


def filled(size, count, **options):
    """A buffer that was given so many numbers, one in each second."""
    buffer = Buffer(size, "test", **options)
    for number in range(count):
        buffer.put(moment(number), number)
    return buffer


MIB = 1024 * 1024


def fed(sizes, **options):
    """A buffer of a thousand items that was given numbers, of frames of so many MiB."""
    buffer = Buffer(1000, "test", **options)
    for number, size in enumerate(sizes):
        buffer.put(moment(number), number, round(size * MIB))
    return buffer


@in_virtual_time
async def test_a_buffer_is_bounded_by_the_bytes_of_frames_too():
    """Few large items fill it as many small ones do; what is read makes room."""
    buffer = fed([4, 3, 0.5, 4, 4])
    assert [lagged(0, 0, 1), 1, 2, 3, 4] == await all_of(buffer)
    for number in range(3):
        buffer.put(moment(number), number, 4 * MIB)

    assert [lagged(0, 0, 1), 1, 2] == await all_of(buffer)


@in_virtual_time
async def test_a_loud_buffer_of_large_items():
    """It says how much was not read."""
    buffer = fed([4, 4, 0.1], is_loud=True)
    assert [0, 1, ReaderTooSlow] == await all_of(buffer)
    assert "2 events (8,388,608 bytes)" in str(buffer._end)


@in_virtual_time
async def test_a_long_buffer_holds_more_bytes():
    """A KiB for each of its items."""
    buffer = Buffer(12 * 1024, "test")
    for number in range(3):
        buffer.put(moment(number), number, 4 * MIB)

    assert [0, 1, 2] == await all_of(buffer)


@in_virtual_time
async def test_what_is_held_back_is_bounded_by_bytes():
    """The gap is said before they fill the memory."""
    buffer = Buffer(1000, "test")
    buffer.hold(GAP)
    for number in range(2):
        buffer.put(moment(number), number, 4 * MIB)

    assert [GAP, 0, 1] == await all_of(buffer)


@in_virtual_time
async def test_items_come_in_order():
    """As they were put."""
    assert [0, 1, 2] == await all_of(filled(3, 3))


@in_virtual_time
async def test_a_full_buffer_drops_the_oldest_and_says_how_many():
    """The gap stands where they stood."""
    buffer = filled(3, 8)

    assert ([lagged(0, 4, 5), 5, 6, 7], 5) == (await all_of(buffer), buffer.missed)


@in_virtual_time
async def test_lagging_is_reported_once_until_the_reader_has_caught_up():
    """Not with every item that is dropped."""
    buffer = filled(1, 1)

    assert [True, False] == [buffer.put(moment(1), 1), buffer.put(moment(2), 2)]
    await buffer.get()
    assert buffer.put(moment(3), 3)


@in_virtual_time
async def test_a_gap_that_is_dropped_is_no_gap_less():
    """What is missing then has no number."""
    buffer = Buffer(2, "test")
    buffer.gap(GAP)
    for number in range(6, 9):
        buffer.put(moment(number), number)

    assert [Gap(moment(1), moment(6), GapReason.RECONNECTED, None), 7, 8] == await all_of(buffer)


@in_virtual_time
async def test_gaps_without_an_item_between_are_one():
    """A line that never comes up does not fill the buffer."""
    buffer = Buffer(2, "test")
    for number in range(1, 50):
        buffer.gap(Gap(moment(number), moment(number + 1), GapReason.RECONNECTED))

    assert [Gap(moment(1), moment(50), GapReason.RECONNECTED)] == await all_of(buffer)


@in_virtual_time
async def test_a_loud_buffer_ends_with_an_error():
    """After everything that it held."""
    assert [0, 1, ReaderTooSlow] == await all_of(filled(2, 3, is_loud=True))


@in_virtual_time
async def test_what_was_missed_comes_before_what_came_meanwhile():
    """Each once, and without a gap."""
    buffer = Buffer(10, "test")
    buffer.put(moment(1), 1)
    buffer.hold(GAP)
    buffer.put(moment(6), 4)
    buffer.put(moment(7), 5)
    buffer.fill(moment(8), [2, 3, 4], str)

    assert [1, 2, 3, 4, 5] == await all_of(buffer)


@in_virtual_time
async def test_what_cannot_be_read_is_a_gap():
    """It stands before what came meanwhile."""
    buffer = Buffer(10, "test")
    buffer.hold(GAP)
    buffer.put(moment(6), 4)
    buffer.hold(Gap(moment(6), moment(9), GapReason.RECONNECTED))
    buffer.unfilled()
    buffer.unfilled()
    buffer.fill(moment(10), [1], str)

    assert [Gap(moment(1), moment(9), GapReason.RECONNECTED), 4] == await all_of(buffer)


@in_virtual_time
async def test_holding_is_bounded():
    """A buffer that would be full before the missing items are here says that they are missing."""
    buffer = Buffer(2, "test")
    buffer.hold(GAP)
    buffer.put(moment(6), 6)
    buffer.put(moment(7), 7)

    assert [GAP, 6, 7] == await all_of(buffer)


@in_virtual_time
async def test_a_reader_waits():
    """It gets what is put later, and the end."""
    buffer, cell = Buffer(1, "test"), Cell()
    waiting = [asyncio.ensure_future(buffer.get()), asyncio.ensure_future(cell.get())]
    await settle()
    buffer.put(moment(1), 1)
    cell.put(2)

    assert [1, (2, 0)] == await asyncio.gather(*waiting)
    buffer.end()
    buffer.put(moment(2), 2)
    for ended in (buffer, cell):
        ended.end()
        ended.end()
        with pytest.raises(Ended):
            await ended.get()


@in_virtual_time
async def test_a_cell_holds_the_newest():
    """It counts what was replaced unread."""
    cell = Cell()
    for number in range(5):
        cell.put(number)

    assert (4, 4) == await cell.get()


@in_virtual_time
async def test_a_buffer_that_is_left_is_empty():
    """Whoever still waits is told that it is over."""
    buffer = filled(2, 5)
    buffer.discard()

    assert 0 == len(buffer)
    with pytest.raises(Ended):
        await buffer.get()
