"""Lockouts of all processes: what one hears, all keep, and one at a time tries."""

from functools import partial

import pytest

from exchanges.errors import RateLimited
from exchanges.limits.lockouts import Refusal
from tests.support.file_states import call, enter, leave, settled, shared_limiter_of

WINDOW = (50, 1.0)


@pytest.fixture(params=["file", "redis"])
def kind(request):
    """Return what keeps the state."""
    return request.param


@pytest.fixture
def one(state):
    """Return the limiter of one process."""
    return shared_limiter_of(state, WINDOW)


@pytest.fixture
def two(other):
    """Return the limiter of another process."""
    return shared_limiter_of(other, WINDOW)


async def refused(limiter, seconds=60.0, **facts):
    """Refuse a call as the exchange."""
    await call(limiter, refusal=Refusal(seconds, **facts))


async def test_a_lockout_is_for_all(one, two, clock):
    """When the exchange closes a limit, it is closed for all processes."""
    await refused(one)
    clock.now += 20

    assert pytest.approx(40) == await call(two)


async def test_a_named_end(one, two, clock):
    """A lockout whose end the exchange has named refuses every call at once, cancels too, and names the end."""
    await refused(one, is_explicit=True, reason="too many")
    for is_cancel in (False, True):
        with pytest.raises(RateLimited, match=r"has closed the limit test \(too many\) for 60\.0 s more"):
            await enter(two, is_cancel=is_cancel)
    clock.now += 60

    assert await call(two) is None


async def test_a_part(one, two):
    """A lockout of a part closes the calls of that part only."""
    await refused(one, scope="btcusd")

    assert [60.0, None, None] == [await call(two, scope=scope) for scope in ("btcusd", "ethusd", "")]


async def test_what_a_lockout_holds_up(state, one, clock):
    """A call that is held up hears by what, and asks again within a second, as the limit may be reopened."""
    await refused(one, scope="btcusd", reason="too many")
    ask = partial(
        one.acquire,
        in_order=False,
        leave_reserve=False,
        least_nonce=0,
        timeout_seconds=5,
        call_seconds=5,
        scope="btcusd",
    )
    read, cancel = await ask(), await ask(is_cancel=True)
    clock.now += 4.25
    soon = await ask(is_cancel=True)

    assert [(1.0, 60.0), (1.0, 5.0), (0.75, 0.75)] == [(w.seconds, w.certain_seconds) for w in (read, cancel, soon)]
    assert "btcusd" == read.scope
    assert read.reason.startswith("the exchange closed it for btcusd (too many) for 60.0 s more, until")


async def test_a_shorter_lockout_does_not_open(one, two):
    """A shorter lockout does not end a longer one."""
    slow = await enter(two)
    await refused(one)
    await leave(slow, complete=True, refusal=Refusal(1.0))

    assert 60.0 == await call(one)


async def test_one_probe_for_all(one, two, clock):
    """One cancel of all processes probes; the others look again soon; what the exchange judges opens it for cancels."""
    await refused(one)
    early = await enter(two, is_cancel=True)
    clock.now += 5
    probe = await enter(two, is_cancel=True)
    meanwhile = [await enter(limiter, is_cancel=True) for limiter in (one, two)]
    await leave(probe, complete=True, is_judged=True)
    cancels, read = [await call(limiter, is_cancel=True) for limiter in (one, two)], await call(one)

    assert (5.0, [0.5, 0.5], [None, None], 55.0) == (early, meanwhile, cancels, read)


async def test_a_probe_that_is_refused(one, two, clock):
    """After a refused probe the next one waits for its moment, and the refusals in a row are counted."""
    await refused(one)
    clock.now += 5
    probe = await enter(two, is_cancel=True)
    await leave(probe, complete=True, refusal=Refusal(60.0))
    wait = await enter(one, is_cancel=True)
    clock.now += 70
    after = await enter(one)

    assert (1, 5.0, 2) == (probe.refusals, wait, after.refusals)


async def test_a_probe_that_was_not_sent(one, two, clock):
    """A probe that was never sent leaves its moment to the next."""
    await refused(one)
    clock.now += 5
    await call(two, is_cancel=True, sent=False)

    assert await call(one, is_cancel=True) is None


async def test_a_probe_whose_process_died(one, open_state, clock):
    """Others do not wait for the result of a process that died during its probe."""
    await refused(one)
    clock.now += 5
    with open_state() as dead:
        probe = await enter(shared_limiter_of(dead, WINDOW), is_cancel=True)
    clock.now += 5

    assert await call(one, is_cancel=True) is None, probe


async def test_a_probe_without_an_end(one, two, clock):
    """The result of a probe that nobody ends is awaited until some seconds after its deadline."""
    await refused(one, 1000.0)
    clock.now += 5
    probe = await enter(two, is_cancel=True, timeout_seconds=2.0)
    before = await enter(one, is_cancel=True)
    clock.now += 10
    for _ in range(2):  # what runs after the first is done before the second
        await settled(two)

    assert 0.5 == before
    assert await call(one, is_cancel=True) is None, probe


async def test_one_goes_first_after_the_end(one, two, clock):
    """After a guessed end one call of all processes goes first; its answer opens the limit for good."""
    await refused(one)
    clock.now += 60
    first = await enter(two)
    other = await enter(one)
    await leave(first, complete=True, is_judged=True)

    assert 0.5 == other
    assert [None, None] == [await call(limiter) for limiter in (one, two)]
    assert 0 == (await enter(one)).refusals


async def test_an_answer_from_before(one, two, clock):
    """The answer to a call that was sent before the lockout shows nothing."""
    slow = await enter(two)
    clock.now += 1
    await refused(one)
    await leave(slow, complete=True, is_judged=True)

    assert 60.0 == await call(one)


async def test_refusals_in_a_row_are_forgotten(one, clock):
    """A day after the end of a lockout nobody counts its refusals."""
    await refused(one)
    clock.now += 60 + 86_400

    assert 0 == (await enter(one)).refusals


async def test_reopening(one, two):
    """The user of a client can open the limit for all processes."""
    await refused(one, scope="btcusd")
    await refused(one, is_explicit=True)
    two.reopen()
    await settled(two)

    assert [None, None] == [await call(one, scope=scope) for scope in ("", "btcusd")]
