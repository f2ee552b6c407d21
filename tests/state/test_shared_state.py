"""What processes share, in a file and on a server: slots, reserves, turns and nonces."""

from functools import partial

import pytest

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.lockouts import Refusal
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from tests.support.file_states import KEY, SERVER, call, enter, leave, settled, shared_limiter_of


@pytest.fixture(params=["file", "redis"])
def kind(request):
    """Return what keeps the state."""
    return request.param


# Slots


async def test_states_share_the_slots(state, other):
    """What one process uses is not available to the others, in every window."""
    held = await enter(shared_limiter_of(state, (2, 10.0), (1, 1.0)))
    taken = await enter(shared_limiter_of(other, (2, 10.0), (1, 1.0)))

    assert (None, 1.0) == (held.nonce, taken)


@pytest.mark.parametrize(("complete", "seconds"), [(True, 0.0), (False, LOST_SECONDS)])
async def test_slots_cool_down(complete, seconds, state, clock):
    """A slot cools down for a window after its call ended, and 30 seconds more without a complete answer."""
    limiter = shared_limiter_of(state, (1, 10.0))
    lease = await enter(limiter)
    clock.now += 5
    await lease.release(complete=complete)

    assert pytest.approx(10 + seconds + MARGIN_SECONDS) == await enter(limiter)


async def test_a_slot_comes_back(state, other, clock):
    """When a slot has cooled down, any process can acquire it."""
    await call(shared_limiter_of(state, (1, 10.0)))
    clock.now += 10 + 2 * MARGIN_SECONDS

    assert await call(shared_limiter_of(other, (1, 10.0))) is None


async def test_nothing_sent_nothing_taken(state):
    """The slot of a call that sent nothing is free at once."""
    limiter = shared_limiter_of(state, (1, 10.0))
    await call(limiter, sent=False)

    assert await call(limiter) is None


async def test_a_refused_call_takes_nothing(state, clock):
    """A call that has to wait for one window acquires nothing of the other."""
    narrow, wide = shared_limiter_of(state, (1, 10.0), (2, 100.0)), shared_limiter_of(state, (2, 100.0))
    await call(narrow)
    await call(narrow)

    assert await call(wide) is None


@pytest.mark.parametrize(("slots", "room"), [(40, 36), (5, 4), (1, 1)])
async def test_the_reserve_of_another_process(slots, room, state, other):
    """While a client of any process can cancel, calls of all processes leave the reserve to cancels, in all windows."""
    window, scope = (slots, 600.0), Scope.ADDRESS
    reader = shared_limiter_of(state, window, key=None, scope=scope)
    trader = shared_limiter_of(other, window, scope=scope)
    await _join(trader, signs=True)
    held = [await enter(reader, leave_reserve=True) for _ in range(room)]
    read, cancels = (
        await enter(reader, leave_reserve=True),
        [await enter(trader, is_cancel=True) for _ in range(slots - room)],
    )

    assert (slots - room, True) == (sum(not isinstance(c, float) for c in cancels), 1.0 == read), held


async def _join(limiter, **options):
    limiter.join(**options)
    await settled(limiter)


async def test_who_keeps_the_reserve(state, other, open_state, clock):
    """The reserve is kept as long as somebody can cancel: until the last such client leaves, or its process ends."""
    found = []

    async def look(state):
        lease = await enter(shared_limiter_of(state, (2, 10.0)), leave_reserve=True)
        found.append(not isinstance(lease, float))
        await leave(lease, complete=True, sent=False)

    held = await enter(shared_limiter_of(state, (2, 10.0)))
    limiter = shared_limiter_of(other, (2, 10.0))
    await _join(limiter, signs=False)
    await look(state)
    limiter.join(signs=True)
    await _join(limiter, signs=True)
    limiter.leave(signs=True)
    await settled(limiter)
    assert isinstance(await enter(shared_limiter_of(state, (2, 10.0)), leave_reserve=True), float)
    limiter.leave(signs=False)
    limiter.leave(signs=True)
    await settled(limiter)
    await look(state)
    with open_state() as third:
        await _join(shared_limiter_of(third, (2, 10.0)), signs=True)
    clock.now += 2
    await look(state)

    assert [True] * 3 == found, held


async def test_a_limit_within_another(state, other):
    """A call counts at its own limit and at those that it is within; what is full at one of them is not for it."""
    wide = Limit("wide", (Window(3, 10.0),), Scope.ADDRESS)
    narrow = Limit("narrow", (Window(2, 10.0),), Scope.ADDRESS, within=wide)
    inner, outer = (state.shared_limiter(limit, SERVER, None) for limit in (narrow, wide))
    await call(other.shared_limiter(narrow, SERVER, KEY))
    await call(inner)
    found = [await call(inner), await call(outer), await call(outer)]

    assert [float, type(None), float] == [type(f) for f in found]


async def test_an_exempt_call(state):
    """A call that takes no slots finds the same lockouts, and the nonces of the same key."""
    limit = Limit("wide", (Window(1, 10.0),), Scope.ADDRESS)
    exempt = state.shared_limiter(limit.without_windows(), SERVER, KEY)
    nonces = [await call(exempt, in_order=True) for _ in range(3)]
    await call(state.shared_limiter(limit, SERVER, KEY), refusal=Refusal(60.0))

    assert ([1, 2, 3], 60.0) == (nonces, await call(exempt))


async def test_what_is_left(state, other, clock):
    """The headroom shows what all processes use, and when more comes free."""
    limiter = shared_limiter_of(state, (3, 10.0), (5, 100.0))
    held = await enter(shared_limiter_of(other, (3, 10.0)))
    before = limiter.headroom()
    await call(limiter, refusal=Refusal(60.0, scope="btcusd"))
    clock.now += 2
    after = limiter.headroom()

    assert ((2, 4), (None, None), ()) == (before.free, before.next_free_seconds, before.lockouts), held
    assert ((1, 3), pytest.approx((8.001, 98.001)), ["btcusd"]) == (
        after.free,
        after.next_free_seconds,
        [lockout.scope for lockout in after.lockouts],
    )


async def test_windows_may_differ(state, other, clock):
    """Processes with different windows of the same limit still count each other's calls."""
    await call(shared_limiter_of(other, (2, 10.0)))
    clock.now += 2
    await call(shared_limiter_of(state, (5, 1.0)))

    assert pytest.approx(8 + MARGIN_SECONDS) == await call(shared_limiter_of(other, (2, 10.0)))


@pytest.mark.parametrize(
    ("scope", "server", "key", "shared"),
    [
        (Scope.KEY, SERVER, KEY, True),
        (Scope.KEY, SERVER, "another", False),
        (Scope.KEY, "elsewhere", KEY, False),
        (Scope.ADDRESS, SERVER, "another", True),
        (Scope.ADDRESS, SERVER, None, True),
        (Scope.ADDRESS, "elsewhere", KEY, False),
    ],
)
async def test_who_shares_slots(scope, server, key, shared, state):
    """A limit of the key is shared by the calls of the key, one of the address by all."""
    await call(shared_limiter_of(state, (1, 10.0), scope=scope))
    found = await call(shared_limiter_of(state, (1, 10.0), scope=scope, server=server, key=key))

    assert shared is isinstance(found, float)


async def test_a_limit_without_windows(state):
    """Without windows there is nothing to wait for."""
    limiter = shared_limiter_of(state)
    leases = [await enter(limiter) for _ in range(10)]

    assert not any(isinstance(lease, float) for lease in leases)


async def test_what_is_certain(state, clock):
    """What cools is certain, and what is in flight may be given back at once; a call asks again within a second."""
    limiter = shared_limiter_of(state, (2, 10.0))
    ask = partial(
        limiter.acquire, in_order=False, leave_reserve=False, least_nonce=0, timeout_seconds=5, call_seconds=5
    )
    held = [await ask(), await ask()]
    seen = [await ask()]
    for lease in held:
        await leave(lease, complete=True)
        seen.append(await ask())
    clock.now += 9.75
    seen.append(await ask())

    waits = [(1.0, 0.0), (1.0, 0.0), (1.0, 10.001), (0.251, 0.251)]
    assert waits == [(pytest.approx(w.seconds), pytest.approx(w.certain_seconds)) for w in seen]
    assert "other processes use all of it" == seen[0].reason
    assert seen[2].reason.startswith("other processes use all of it for 10.0 s more, until")


# Turns


async def test_cancels_go_before_the_reads_of_others(state, other, clock):
    """While a cancel waits, the calls of other processes leave it the next slot, even if they waited before."""
    cancel, read = shared_limiter_of(state, (1, 10.0)), shared_limiter_of(other, (1, 10.0))
    await call(read)
    await call(read)
    clock.now += 9.5
    wait = await call(cancel, is_cancel=True)
    clock.now += wait + MARGIN_SECONDS
    found = await call(read)

    assert (True, None) == (isinstance(found, float), await call(cancel, is_cancel=True))


async def test_who_waited_and_never_came(state, other, clock):
    """Nobody waits long for a call that waited and did not come back."""
    cancel, read = shared_limiter_of(state, (1, 10.0)), shared_limiter_of(other, (1, 10.0))
    await call(read)
    clock.now += 9.5
    clock.now += await call(cancel, is_cancel=True) + MARGIN_SECONDS
    wait = await call(read)
    clock.now += wait

    assert (1.0, None) == (wait, await call(read))


async def test_processes_take_turns(state, other, open_state, clock):
    """However many calls a process has, and whoever asks first, all processes get the same share."""
    with open_state() as third:
        limiters = [shared_limiter_of(s, (1, 1.0)) for s in (state, other, third)]
        served = []
        for _ in range(60):
            # The first asks four times as often, and before the others.
            served += [n for n in (0, 0, 0, 0, 1, 2) if await call(limiters[n]) is None]
            clock.now += 0.2

    assert served[1:10] == [0, 1, 2] * 3
    assert max(served[1:].count(n) for n in range(3)) <= 1 + min(served[1:].count(n) for n in range(3))


@pytest.mark.parametrize(("late", "is_first"), [(0.5, True), (5.0, False)])
async def test_a_slow_process(late, is_first, state, other, clock):
    """A process that comes back some moments too late is the next; one that comes much later begins anew."""
    one, two = shared_limiter_of(state, (1, 10.0)), shared_limiter_of(other, (1, 10.0))
    await call(one)
    clock.now += 9.5
    clock.now += await call(two) + late
    await call(one)  # as nobody came
    for _ in range(10):
        await call(one)
        await call(two)
        clock.now += 1
    clock.now += MARGIN_SECONDS

    assert (not is_first, is_first) == (await call(one) is None, await call(two) is None)


# Nonces


async def test_nonces_follow_the_clock(state):
    """The nonce is the clock in milliseconds if that is larger than every earlier one."""
    limiter = shared_limiter_of(state)

    assert [1000, 2000] == [await call(limiter, in_order=True, now_ms=now) for now in (1000, 2000)]


async def test_nonces_survive(open_state):
    """A state that is opened again continues above the last nonce, even if the clock went back."""
    nonces = []
    for now_ms in (5000, 1000, 2000):
        with open_state() as state:
            nonces.append(await call(shared_limiter_of(state), in_order=True, now_ms=now_ms))

    assert [5000, 5001, 5002] == nonces


async def test_states_share_the_nonces(state, other):
    """Two processes never draw the same nonce."""
    nonces = [await call(shared_limiter_of(s), in_order=True, now_ms=7) for s in (state, other) * 3]

    assert [7, 8, 9, 10, 11, 12] == nonces


async def test_a_floor_lifts_all(state, other):
    """A nonce that the exchange reports to have seen raises the nonces of all processes."""
    await call(shared_limiter_of(state), in_order=True, now_ms=7, floor=10**18 * 9)

    assert 10**18 * 9 + 1 == await call(shared_limiter_of(other), in_order=True, now_ms=7)


@pytest.mark.parametrize("floor", [0, 101, 6_999, 7_000])
async def test_a_floor_that_was_passed(floor, state, other):
    """A nonce that the exchange reports, and that was passed already, moves nothing back."""
    await call(shared_limiter_of(state), in_order=True, now_ms=7_000, floor=floor)

    assert 7_001 == await call(shared_limiter_of(other), in_order=True, now_ms=7)


async def test_nineteen_digits(state, other):
    """Nonces of nineteen digits, too large for an integer of the database, are kept."""
    await call(shared_limiter_of(state), in_order=True, now_ms=10**19 - 5)

    assert 10**19 - 4 == await call(shared_limiter_of(other), in_order=True)


async def test_no_key_lock_no_nonce(state):
    """A call that needs no key lock gets no nonce."""
    lease = await enter(shared_limiter_of(state))

    assert lease.nonce is None


@pytest.mark.parametrize(("server", "key"), [("elsewhere", KEY), (SERVER, "another")])
async def test_accounts_have_their_own_nonces(server, key, state):
    """Each key at each server has its own nonces."""
    await call(shared_limiter_of(state), in_order=True, now_ms=5000)

    assert 7 == await call(shared_limiter_of(state, server=server, key=key), in_order=True, now_ms=7)
