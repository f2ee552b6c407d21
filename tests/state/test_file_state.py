import pytest

from exchanges.limits.limit import Scope
from exchanges.limits.lockouts import Refusal
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state import FileState
from tests.support.file_states import KEY, SERVER, call, enter, shared_limiter_of

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


async def test_reads_leave_the_reserve(state):
    """In a long window a call that leaves the reserve finds less room than one that does not."""
    limiter = shared_limiter_of(state, (40, 600.0))
    held = [await enter(limiter) for _ in range(38)]
    read, money = await enter(limiter, leave_reserve=True), await enter(limiter)

    assert (38, 600.0, False) == (len(held), read, isinstance(money, float))


async def test_windows_may_differ(state, other, clock):
    """Processes with different windows of the same limit still count each other's calls."""
    await call(shared_limiter_of(other, (2, 10.0)))
    clock.now += 2
    await call(shared_limiter_of(state, (5, 1.0)))

    assert pytest.approx(8 + MARGIN_SECONDS) == await call(shared_limiter_of(other, (2, 10.0)))


async def test_slots_are_forgotten(state, clock):
    """A slot that has cooled down in the longest window is deleted."""
    limiter = shared_limiter_of(state, (5, 1.0))
    for _ in range(20):
        await call(limiter)
        clock.now += 1
    with state._store._database.reading() as data:
        (left,) = data.execute("SELECT count(*) FROM slots").fetchone()

    assert 2 == left


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


async def test_money_goes_before_the_reads_of_others(state, other, clock):
    """While cancels or money calls wait, reads of all processes leave them the next slot."""
    money, read = shared_limiter_of(state, (1, 10.0)), shared_limiter_of(other, (1, 10.0))
    await call(read, leave_reserve=True)
    wait = await call(money)
    clock.now += wait + MARGIN_SECONDS
    found = await call(read, leave_reserve=True)

    assert (True, None) == (isinstance(found, float), await call(money))


async def test_who_asked_and_never_came(state, other, clock):
    """Reads do not wait long for a money call that asked for room and did not come back."""
    money, read = shared_limiter_of(state, (1, 10.0)), shared_limiter_of(other, (1, 10.0))
    await call(read, leave_reserve=True)
    clock.now += await call(money) + MARGIN_SECONDS
    clock.now += await call(read, leave_reserve=True) + MARGIN_SECONDS

    assert await call(read, leave_reserve=True) is None


# What the exchange says


async def test_a_lockout_is_for_all(state, other, clock):
    """When the exchange closes a limit, it is closed for all processes."""
    await call(shared_limiter_of(state, (5, 1.0)), closed_seconds=60.0)
    clock.now += 20

    assert pytest.approx(40) == await call(shared_limiter_of(other, (5, 1.0)))


async def test_a_lockout_ends(state, clock):
    """After a lockout calls continue."""
    limiter = shared_limiter_of(state, (5, 1.0))
    await call(limiter, closed_seconds=60.0)
    clock.now += 61

    assert await call(limiter) is None


async def test_a_shorter_lockout_does_not_open(state, other, clock):
    """A shorter lockout does not end a longer one."""
    one, two = shared_limiter_of(state, (5, 1.0)), shared_limiter_of(other, (5, 1.0))
    slow = await enter(two)
    await call(one, closed_seconds=60.0)
    await slow.release(complete=True, refusal=Refusal(1.0))

    assert 60.0 == await call(one)


# Nonces


async def test_nonces_follow_the_clock(state):
    """The nonce is the clock in milliseconds if that is larger than every earlier one."""
    limiter = shared_limiter_of(state)

    assert [1000, 2000] == [await call(limiter, in_order=True, now_ms=now) for now in (1000, 2000)]


async def test_nonces_survive(path):
    """A state that is opened again continues above the last nonce, even if the clock went back."""
    nonces = []
    for now_ms in (5000, 1000, 2000):
        with FileState(path) as state:
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
