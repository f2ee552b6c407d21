import asyncio
import logging

import pytest

from exchanges.errors import RateLimitTimeout
from exchanges.limits.limiter import Turn
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from tests.support.limiters import CANCEL, MONEY, READ, ledger_of, note_grants, wide_lane
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time, run, settle, wait_until


@in_virtual_time
async def test_a_slot_counts_from_the_end():
    """A slot comes free W seconds after its call ended, not after it began."""
    ledger, lane = ledger_of((1, 10.0)), wide_lane()
    grant = await ledger.acquire(lane, READ)
    await asyncio.sleep(3)
    grant.release(complete=True)
    await ledger.acquire(lane, READ)

    assert elapsed() == pytest.approx(13 + MARGIN_SECONDS)


@in_virtual_time
async def test_a_call_in_flight_keeps_its_slot():
    """As long as a call has not ended, its slot does not come free, however long that takes."""
    ledger, lane, noted = ledger_of((1, 1.0)), wide_lane(), []
    grant = await ledger.acquire(lane, READ)
    waiting = note_grants(ledger, lane, into=noted)
    await asyncio.sleep(1000)

    assert noted == []

    grant.release(complete=True)
    await waiting


@in_virtual_time
async def test_cancelled_at_its_deadline():
    """A waiter that is cancelled as its deadline passes lets those behind it go."""
    ledger, lane, noted = ledger_of((2, 2.0)), wide_lane(), []
    held = await ledger.acquire(lane, READ)
    first = asyncio.create_task(ledger.acquire(lane, READ, cost=2, deadline=BEGIN + 3))
    await settle()
    behind = note_grants(ledger, lane, name="behind", into=noted)
    asyncio.get_running_loop().call_at(BEGIN + 3, first.cancel)
    await asyncio.wait([first, behind])
    held.give_back()

    assert [("behind", 3.0)] == noted


@in_virtual_time
async def test_what_is_said_of_a_closed_limit():
    """Who waited in vain is told for how long the exchange closed the limit from now on."""
    ledger, lane = ledger_of((1, 10.0)), wide_lane()
    await ledger.acquire(lane, READ)
    waiting = asyncio.create_task(ledger.acquire(lane, READ, deadline=BEGIN + 30))
    await asyncio.sleep(10)
    ledger.close(BEGIN + 50)

    with pytest.raises(RateLimitTimeout, match=r"closed it for 20\.0 s more"):
        await waiting


@in_virtual_time
async def test_a_lost_call_rests_longer():
    """The slot of a call without a complete answer comes free W + 30 seconds after its end."""
    ledger, lane = ledger_of((1, 10.0)), wide_lane()
    (await ledger.acquire(lane, READ)).release(complete=False)
    await ledger.acquire(lane, READ)

    assert elapsed() == pytest.approx(10 + LOST_SECONDS + MARGIN_SECONDS)


@in_virtual_time
async def test_a_lost_call_does_not_hold_up_the_complete_ones():
    """A slot that rests longer delays no slot that came to rest after it."""
    ledger, lane = ledger_of((2, 1.0)), wide_lane()
    lost, answered = await ledger.acquire(lane, READ), await ledger.acquire(lane, READ)
    lost.release(complete=False)
    answered.release(complete=True)
    await ledger.acquire(lane, READ)

    assert elapsed() == pytest.approx(1 + MARGIN_SECONDS)


@in_virtual_time
async def test_all_windows_hold_at_once():
    """A call goes only when every window has a slot: here the second lets four through, and then none."""
    ledger, lane, noted = ledger_of((2, 1.0), (4, 20.0)), wide_lane(), []
    await asyncio.gather(*(note_grants(ledger, lane, name=i, into=noted) for i in range(5)))

    assert [(0, 0.0), (1, 0.0), (2, 1.001), (3, 1.001), (4, 20.001)] == noted


@in_virtual_time
async def test_no_windows():
    """A limit without windows lets everything through at once."""
    ledger, lane = ledger_of(), wide_lane()
    for _ in range(500):
        await ledger.acquire(lane, READ)

    assert elapsed() == 0.0


@in_virtual_time
async def test_a_call_that_costs_more():
    """A call of cost three takes three slots, and waits until three are free together."""
    ledger, lane, noted = ledger_of((4, 10.0)), wide_lane(), []
    (await ledger.acquire(lane, READ, cost=3)).release(complete=True)
    await wait_until(5, settle)
    (await ledger.acquire(lane, READ)).release(complete=True)
    await note_grants(ledger, lane, cost=4, into=noted)

    assert [(None, 15.001)] == noted


@in_virtual_time
async def test_releasing_twice():
    """A grant that was released is not released or given back once more."""
    ledger, lane = ledger_of((2, 10.0)), wide_lane()
    grant = await ledger.acquire(lane, READ)
    grant.release(complete=True)
    grant.release(complete=True)
    grant.give_back()

    assert repr(ledger) == "Ledger(test: 1 of 2 in 10 s; 0 waiting)"


@in_virtual_time
async def test_a_grant_given_back():
    """A grant given back leaves nothing behind: its slot is free at once."""
    ledger, lane = ledger_of((1, 10.0)), wide_lane(turn=Turn())
    (await ledger.acquire(lane, READ)).give_back()
    await ledger.acquire(lane, READ)

    assert elapsed() == 0.0


@in_virtual_time
async def test_arrivals_never_exceed_the_window():
    """No window of any place holds more arrivals than slots, though every call takes another time to arrive."""
    ledger, lane, arrivals = ledger_of((5, 1.0)), wide_lane(), []

    async def call(number):
        grant = await ledger.acquire(lane, READ)
        await asyncio.sleep(number * 0.37 % 0.9)
        arrivals.append(elapsed())
        await asyncio.sleep(number * 0.23 % 0.4)
        grant.release(complete=True)

    await asyncio.gather(*(call(i) for i in range(300)))
    arrivals.sort()

    assert min(later - sooner for sooner, later in zip(arrivals, arrivals[5:], strict=False)) > 1.0


async def taken_at_once(ledger, priority):
    """Count the grants that a ledger gives without waiting."""
    count = 0
    try:
        while True:
            await ledger.acquire(wide_lane(), priority, deadline=asyncio.get_running_loop().time())
            count += 1
    except RateLimitTimeout:
        return count


@in_virtual_time
async def test_reads_leave_a_reserve_in_long_windows():
    """While somebody with credentials lives, reads take 95 of 100 slots in a minute, and money the other five."""
    ledger = ledger_of((100, 60.0))
    ledger.signers = 1

    assert (95, 5) == (await taken_at_once(ledger, READ), await taken_at_once(ledger, MONEY))


@in_virtual_time
@pytest.mark.parametrize(("signers", "seconds"), [(0, 60.0), (1, 59.9)])
async def test_no_reserve(signers, seconds):
    """Without credentials anywhere, or in a short window, reads take every slot."""
    ledger = ledger_of((100, seconds))
    ledger.signers = signers

    assert await taken_at_once(ledger, READ) == 100


@in_virtual_time
async def test_a_reserve_leaves_something_to_reads():
    """Where a long window has a single slot, reads may take it: a reserve is never all there is."""
    ledger = ledger_of((1, 60.0))
    ledger.signers = 1

    assert await taken_at_once(ledger, READ) == 1


@in_virtual_time
async def test_a_read_that_waits_for_the_reserve_holds_up_no_money():
    """A read that may not touch the reserve waits; money that comes later goes at once."""
    ledger, lane, noted = ledger_of((20, 60.0)), wide_lane(), []
    ledger.signers = 1
    await taken_at_once(ledger, READ)
    read = note_grants(ledger, lane, name="read", into=noted)
    await settle()
    await note_grants(ledger, lane, MONEY, name="money", into=noted)

    assert noted == [("money", 0.0)]

    read.cancel()
    await asyncio.wait([read])


def test_sustainable_rate():
    """What can go on for ever is slots without reserve over the window plus the mean latency."""
    ledger = ledger_of((600, 600.0), (50, 10.0))
    ledger.signers, ledger.mean_latency_seconds = 1, 0.5

    assert ledger.sustainable_per_second == pytest.approx(570 / 600.501)


def test_mean_latency():
    """The mean latency of a ledger follows the calls that ended."""
    ledger = ledger_of((10, 1.0))

    async def main():
        await asyncio.gather(*(note_grants(ledger, wide_lane(), into=[], hold=0.25) for _ in range(300)))

    run(main())

    assert ledger.mean_latency_seconds == pytest.approx(0.25)


@in_virtual_time
async def test_a_closed_ledger():
    """A ledger that the exchange closed lets nothing through before the time it named, cancels neither."""
    ledger, lane, noted = ledger_of((10, 1.0)), wide_lane(), []
    ledger.close(asyncio.get_running_loop().time() + 60)
    await asyncio.gather(*(note_grants(ledger, lane, p, name=p.name, into=noted) for p in (READ, CANCEL)))

    assert [("CANCEL", 60.0), ("READ", 60.0)] == noted


@in_virtual_time
async def test_closing_holds_those_who_wait():
    """Who waits already when the ledger is closed waits on."""
    ledger, lane, noted = ledger_of((1, 1.0)), wide_lane(), []
    await note_grants(ledger, lane, into=[])
    waiting = note_grants(ledger, lane, into=noted)
    await settle()
    ledger.close(asyncio.get_running_loop().time() + 60)
    await waiting

    assert [(None, 60.0)] == noted


@in_virtual_time
async def test_closing_only_extends():
    """A shorter time does not open a ledger that is closed for longer."""
    ledger, lane, noted = ledger_of((10, 1.0)), wide_lane(), []
    ledger.close(asyncio.get_running_loop().time() + 60)
    ledger.close(asyncio.get_running_loop().time() + 5)
    await note_grants(ledger, lane, into=noted)

    assert [(None, 60.0)] == noted


@in_virtual_time
async def test_a_closed_ledger_says_so():
    """Giving up on a closed ledger names how long it is closed."""
    ledger, lane = ledger_of((10, 1.0)), wide_lane()
    ledger.close(asyncio.get_running_loop().time() + 60)

    with pytest.raises(RateLimitTimeout, match=r"closed it for 60\.0 s more"):
        await ledger.acquire(lane, READ, deadline=asyncio.get_running_loop().time() + 30)


@in_virtual_time
async def test_one_warning_per_congestion(caplog):
    """A wait of over a second is told once for all who wait, with the limit and the seconds expected."""
    ledger, lane = ledger_of((1, 10.0)), wide_lane()
    await asyncio.gather(*(note_grants(ledger, lane, into=[]) for _ in range(5)))

    assert [
        ("exchanges.limits.limiter", logging.WARNING, "limit test: calls wait, about 10.0 s expected")
    ] == caplog.record_tuples


@in_virtual_time
async def test_the_next_congestion_is_told_again(caplog):
    """When nobody has waited in between, the next to wait is told anew."""
    ledger, lane = ledger_of((1, 10.0)), wide_lane()
    for _ in range(2):
        await asyncio.gather(*(note_grants(ledger, lane, into=[]) for _ in range(3)))
        await asyncio.sleep(20)

    assert len(caplog.records) == 2


@in_virtual_time
async def test_a_short_wait_is_not_told(caplog):
    """A wait of up to a second is nobody's concern."""
    ledger, lane = ledger_of((5, 0.9)), wide_lane()
    await asyncio.gather(*(note_grants(ledger, lane, into=[]) for _ in range(6)))

    assert caplog.records == []


@in_virtual_time
async def test_a_long_queue_is_told(caplog):
    """A hundred calls against five a second are told that it takes about twenty seconds."""
    ledger, lane = ledger_of((5, 1.0)), wide_lane()
    await asyncio.gather(*(note_grants(ledger, lane, into=[]) for _ in range(100)))

    assert ["limit test: calls wait, about 1.0 s expected"] == caplog.messages


def test_repr_of_an_unused_ledger():
    """A ledger shows what is taken of each window, and who waits, before it was ever used."""
    assert repr(ledger_of((5, 1.0), (600, 600.0))) == "Ledger(test: 0 of 5 in 1 s, 0 of 600 in 600 s; 0 waiting)"


def test_repr_without_windows():
    """A ledger without windows says that there is no limit."""
    assert repr(ledger_of()) == "Ledger(test: no limit; 0 waiting)"
