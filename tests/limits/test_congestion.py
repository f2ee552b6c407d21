import asyncio
import logging

from tests.support.limiters import limiter_of, note_permits, wide_lane
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_one_warning_per_congestion(caplog):
    """A wait of over a second is logged once for all waiters: limit, window, number of calls, expected seconds."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane()
    await asyncio.gather(*(note_permits(limiter, lane, into=[]) for _ in range(5)))

    assert [
        ("exchanges.limits.limiter", logging.WARNING, "limit test (1 in 10 s): 4 calls wait, about 30.0 s expected")
    ] == caplog.record_tuples


@in_virtual_time
async def test_the_next_congestion_is_logged_again(caplog):
    """After the queue was empty, the next wait is logged again."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane()
    for _ in range(2):
        await asyncio.gather(*(note_permits(limiter, lane, into=[]) for _ in range(3)))
        await asyncio.sleep(20)

    assert len(caplog.records) == 2


@in_virtual_time
async def test_a_short_wait_is_not_logged(caplog):
    """A wait of up to a second is not logged."""
    limiter, lane = limiter_of((5, 0.9)), wide_lane()
    await asyncio.gather(*(note_permits(limiter, lane, into=[]) for _ in range(6)))

    assert caplog.records == []


@in_virtual_time
async def test_a_long_queue_is_logged(caplog):
    """A queue of a hundred calls against five a second logs one warning."""
    limiter, lane = limiter_of((5, 1.0)), wide_lane()
    await asyncio.gather(*(note_permits(limiter, lane, into=[]) for _ in range(100)))

    assert ["limit test (5 in 1 s): 95 calls wait, about 18.8 s expected"] == caplog.messages
