import asyncio

import pytest

from exchanges.errors import RateLimitTimeout, UsageError
from exchanges.limits.limit import Limit, Scope
from exchanges.limits.limiter import KeyLock
from exchanges.limits.lockouts import Refusal
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from tests.support.limiters import CANCEL, MONEY, READ, limiter_of, note_permits, wide_lane
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time, run, settle


@in_virtual_time
async def test_a_slot_counts_from_the_end():
    """A slot is free again W seconds after its call ended, not after it began."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane()
    permit = await limiter.acquire(lane, READ)
    await asyncio.sleep(3)
    permit.end(sent=True, complete=True)
    await limiter.acquire(lane, READ)

    assert elapsed() == pytest.approx(13 + MARGIN_SECONDS)


@in_virtual_time
async def test_a_call_in_flight_keeps_its_slot():
    """The slot of a call in flight is not freed, however long the call takes."""
    limiter, lane, noted = limiter_of((1, 1.0)), wide_lane(), []
    permit = await limiter.acquire(lane, READ)
    waiting = note_permits(limiter, lane, into=noted)
    await asyncio.sleep(1000)

    assert noted == []

    permit.end(sent=True, complete=True)
    await waiting


@in_virtual_time
async def test_cancelled_at_its_deadline():
    """A waiter that is cancelled as its deadline passes does not block those behind it."""
    limiter, lane, noted = limiter_of((1, 2.0)), wide_lane(), []
    held = await limiter.acquire(lane, READ)
    first = asyncio.create_task(limiter.acquire(lane, READ, deadline=BEGIN + 3))
    await settle()
    behind = note_permits(limiter, lane, name="behind", into=noted)
    asyncio.get_running_loop().call_at(BEGIN + 3, first.cancel)
    await asyncio.wait([first])
    held.end(sent=False)
    await behind

    assert [("behind", 3.0)] == noted


@in_virtual_time
async def test_the_message_about_a_closed_limit():
    """A call that waits fails as soon as the limit is closed beyond its deadline; the error says until when."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane()
    held = await limiter.acquire(lane, READ)
    waiting = asyncio.create_task(limiter.acquire(lane, READ, deadline=BEGIN + 30))
    await asyncio.sleep(10)
    limiter.refuse(held, Refusal(40.0, reason="status 429"))

    with pytest.raises(RateLimitTimeout, match=r"closed it \(status 429\) for 40\.0 s more, until \d\d:\d\d:\d\d UTC"):
        await waiting


@in_virtual_time
async def test_a_lost_call_cools_down_longer():
    """The slot of a call without a complete answer is free W + 30 seconds after its end."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane()
    (await limiter.acquire(lane, READ)).end(sent=True, complete=False)
    await limiter.acquire(lane, READ)

    assert elapsed() == pytest.approx(10 + LOST_SECONDS + MARGIN_SECONDS)


@in_virtual_time
async def test_a_lost_call_does_not_hold_up_the_complete_ones():
    """A slot with a longer cooling time does not delay slots that ended after it."""
    limiter, lane = limiter_of((2, 1.0)), wide_lane()
    lost, answered = await limiter.acquire(lane, READ), await limiter.acquire(lane, READ)
    lost.end(sent=True, complete=False)
    answered.end(sent=True, complete=True)
    await limiter.acquire(lane, READ)

    assert elapsed() == pytest.approx(1 + MARGIN_SECONDS)


@in_virtual_time
async def test_all_windows_hold_at_once():
    """A call needs a slot in every window: here the second one admits four, and then none."""
    limiter, lane, noted = limiter_of((2, 1.0), (4, 20.0)), wide_lane(), []
    await asyncio.gather(*(note_permits(limiter, lane, name=i, into=noted) for i in range(5)))

    assert [(0, 0.0), (1, 0.0), (2, 1.001), (3, 1.001), (4, 20.001)] == noted


@in_virtual_time
async def test_no_windows():
    """A limit without windows admits everything at once."""
    limiter, lane = limiter_of(), wide_lane()
    for _ in range(500):
        await limiter.acquire(lane, READ)

    assert elapsed() == 0.0


@in_virtual_time
async def test_releasing_twice():
    """Ending a permit a second time does nothing."""
    limiter, lane = limiter_of((2, 10.0)), wide_lane()
    permit = await limiter.acquire(lane, READ)
    permit.end(sent=True, complete=True)
    permit.end(sent=True, complete=True)
    permit.end(sent=False)

    assert repr(limiter) == "Limiter(test: 1 of 2 in 10 s; 0 waiting)"


@in_virtual_time
async def test_a_permit_that_is_returned():
    """A permit that is returned unused leaves nothing behind: its slot is free at once."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane(key_lock=KeyLock())
    (await limiter.acquire(lane, READ)).end(sent=False)
    await limiter.acquire(lane, READ)

    assert elapsed() == 0.0


@in_virtual_time
async def test_arrivals_never_exceed_the_window():
    """No window, wherever it begins, has more arrivals than slots, though each call takes another time to arrive."""
    limiter, lane, arrivals = limiter_of((5, 1.0)), wide_lane(), []

    async def call(number):
        permit = await limiter.acquire(lane, READ)
        await asyncio.sleep(number * 0.37 % 0.9)
        arrivals.append(elapsed())
        await asyncio.sleep(number * 0.23 % 0.4)
        permit.end(sent=True, complete=True)

    await asyncio.gather(*(call(i) for i in range(300)))
    arrivals.sort()

    assert min(later - sooner for sooner, later in zip(arrivals, arrivals[5:], strict=False)) > 1.0


async def taken_at_once(limiter, priority, **options):
    """Count the permits that a limiter grants without waiting."""
    count = 0
    try:
        while True:
            await limiter.acquire(wide_lane(), priority, deadline=asyncio.get_running_loop().time(), **options)
            count += 1
    except RateLimitTimeout:
        return count


@in_virtual_time
@pytest.mark.parametrize("others", [READ, MONEY])
@pytest.mark.parametrize(("slots", "kept"), [(600, 60), (100, 10), (91, 10), (60, 6), (11, 2), (10, 1), (5, 1), (2, 1)])
async def test_the_reserve_is_for_cancels(slots, kept, others):
    """While a client can cancel, reads and money calls leave one slot in ten, at least one, to cancels."""
    limiter = limiter_of((slots, 1.0))
    limiter.signers = 1

    assert (slots - kept, kept) == (await taken_at_once(limiter, others), await taken_at_once(limiter, CANCEL))


@in_virtual_time
async def test_no_reserve_where_nobody_cancels():
    """Without a client that can cancel, reads take every slot."""
    assert 100 == await taken_at_once(limiter_of((100, 60.0)), READ)


@in_virtual_time
async def test_a_reserve_leaves_something_to_reads():
    """If a window has a single slot, reads may use it: the reserve is never all of it."""
    limiter = limiter_of((1, 60.0))
    limiter.signers = 1

    assert await taken_at_once(limiter, READ) == 1


@in_virtual_time
async def test_a_repetition_leaves_the_reserve():
    """A repeated call leaves the last slots alone even where nobody can cancel."""
    limiter = limiter_of((5, 60.0))

    assert (4, 1) == (await taken_at_once(limiter, READ, is_spare=True), await taken_at_once(limiter, READ))


@in_virtual_time
async def test_a_repetition_holds_up_no_first_call():
    """A repetition that waits for a slot beside the reserve is passed by calls that need not leave it."""
    limiter, lane, noted = limiter_of((2, 10.0)), wide_lane(), []
    await note_permits(limiter, lane, into=[])
    again = note_permits(limiter, lane, name="again", into=noted, is_spare=True)
    await settle()
    await note_permits(limiter, lane, name="first", into=noted)
    await again

    assert [("first", 0.0), ("again", 10.001)] == noted


@in_virtual_time
async def test_a_read_that_waits_for_the_reserve_holds_up_no_cancel():
    """A read that waits because of the reserve does not block later cancels."""
    limiter, lane, noted = limiter_of((20, 60.0)), wide_lane(), []
    limiter.signers = 1
    await taken_at_once(limiter, READ)
    read = note_permits(limiter, lane, name="read", into=noted)
    await settle()
    await note_permits(limiter, lane, CANCEL, name="cancel", into=noted)

    assert noted == [("cancel", 0.0)]

    read.cancel()
    await asyncio.wait([read])


def test_sustainable_rate():
    """The sustainable rate is slots without reserve over the window plus the mean latency."""
    limiter = limiter_of((600, 600.0), (50, 10.0))
    limiter.signers, limiter.mean_latency_seconds = 1, 0.5

    assert limiter.sustainable_per_second == pytest.approx(540 / 600.501)


@pytest.mark.sweep
def test_mean_latency():
    """The mean latency of a limiter follows the calls that ended."""
    limiter = limiter_of((10, 1.0))

    async def main():
        await asyncio.gather(*(note_permits(limiter, wide_lane(), into=[], hold=0.25) for _ in range(300)))

    run(main())

    assert limiter.mean_latency_seconds == pytest.approx(0.25)


def test_repr_of_an_unused_limiter():
    """The repr of a limiter shows the slots in use of each window and the waiters, even before its first use."""
    assert repr(limiter_of((5, 1.0), (600, 600.0))) == "Limiter(test: 0 of 5 in 1 s, 0 of 600 in 600 s; 0 waiting)"


def test_repr_without_windows():
    """The repr of a limiter without windows says that there is no limit."""
    assert repr(limiter_of()) == "Limiter(test: no limit; 0 waiting)"


@in_virtual_time
async def test_no_permit_with_less_time_than_an_answer_takes():
    """A call that waits is granted nothing if its answer would come too late: its slot stays free for the next."""
    limiter, lane, noted = limiter_of((1, 1.0)), wide_lane(), []
    limiter.mean_latency_seconds, limiter._answered_at = 0.5, BEGIN
    await note_permits(limiter, lane, into=[])
    hasty = note_permits(limiter, lane, name="hasty", into=noted, deadline=BEGIN + 1.4)
    patient = note_permits(limiter, lane, name="patient", into=noted, deadline=BEGIN + 1.6)
    failures = await asyncio.gather(hasty, patient, return_exceptions=True)

    assert ([RateLimitTimeout, type(None)], [("patient", 1.001)]) == ([type(f) for f in failures], noted)


@in_virtual_time
async def test_an_old_latency_keeps_nobody_out():
    """A minute after the last answer nobody knows how long one takes, and every call may try."""
    limiter = limiter_of((1, 1.0))
    limiter.mean_latency_seconds, limiter._answered_at = 20.0, BEGIN
    with pytest.raises(RateLimitTimeout):
        await limiter.acquire(wide_lane(), READ, deadline=BEGIN + 5)
    await asyncio.sleep(60)
    await limiter.acquire(wide_lane(), READ, deadline=BEGIN + 65)

    assert 60.0 == elapsed()


@in_virtual_time
async def test_a_call_that_must_be_sent_soon():
    """A call that must be sent by a moment gives up then, whatever its deadline."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane(key_lock=KeyLock())
    held = await limiter.acquire(lane, READ)
    with pytest.raises(RateLimitTimeout, match="another call holds the lock of the key"):
        await limiter.acquire(lane, MONEY, deadline=BEGIN + 100, send_by=BEGIN + 1)

    assert 1.0 == elapsed()
    held.end(sent=False)


@in_virtual_time
async def test_what_holds_the_slots():
    """The timeout error says what holds the slots, and until when."""
    limiter, lane = limiter_of((10, 10.0)), wide_lane()
    limiter.signers = 1
    permits = [await limiter.acquire(lane, READ) for _ in range(9)]
    for number, permit in enumerate(permits[:5]):
        permit.end(sent=True, complete=number < 2)
    words = (
        r"of 10 in 10 s: 4 by calls in flight, 2 by calls that ended less than 10 s ago, "
        r"3 by calls without an answer, the first for 38\.5 s more, until \d\d:\d\d:\d\d UTC, 1 kept for cancels"
    )
    with pytest.raises(RateLimitTimeout, match=words):
        await limiter.acquire(lane, READ, deadline=BEGIN + 1.5)


@in_virtual_time
async def test_a_slot_that_comes_back_unused():
    """A call waits for slots of calls in flight: one of which nothing was sent gives its slot back at once."""
    limiter, lane, noted = limiter_of((1, 100.0)), wide_lane(), []
    held = await limiter.acquire(lane, READ)
    waiting = note_permits(limiter, lane, into=noted, deadline=BEGIN + 10)
    await asyncio.sleep(5)
    held.end(sent=False)
    await waiting

    assert [(None, 5.0)] == noted


def test_a_scope_as_text():
    """A scope may be given as its text, which shares the same; no other word is one."""
    assert Limit("x", (), Scope.ADDRESS) == Limit("x", (), "address")
    assert Scope.KEY is Limit("x", (), "key").scope
    for scope in ("Address", "", None, 1):
        with pytest.raises(UsageError, match="must be one of address, key"):
            Limit("x", (), scope)
