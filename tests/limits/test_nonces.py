import re
from uuid import UUID

import pytest

from exchanges.http.signing import NoncePolicy, unordered_nonce
from exchanges.limits.nonces import Counter


def test_the_clock_counts():
    """A nonce is the clock in milliseconds while that grows."""
    counter = Counter()

    assert [5, 9, 1_700_000_000_000] == [counter.draw(now) for now in (5, 9, 1_700_000_000_000)]


def test_many_in_a_millisecond():
    """Nonces drawn in the same millisecond are one apart."""
    counter = Counter()

    assert [100, 101, 102] == [counter.draw(100) for _ in range(3)]


def test_a_clock_that_goes_back():
    """Nonces increase while the clock goes back, and follow it once it has caught up."""
    counter = Counter()

    assert [100, 101, 102, 200] == [counter.draw(now) for now in (100, 40, 101, 200)]


def test_thirteen_digits():
    """The milliseconds of our time have thirteen digits."""
    assert re.fullmatch(r"\d{13}", str(Counter().draw(1_700_000_000_000)))


@pytest.mark.parametrize(("floor", "expected"), [(500, 501), (99, 100), (100, 101), (50, 100)])
def test_raising(floor, expected):
    """A floor is exceeded by the next nonce, and one that was passed already changes nothing."""
    counter = Counter(last=99)
    counter.raise_to(floor)

    assert expected == counter.draw(0)


def test_a_floor_above_the_clock():
    """A floor above the clock is where nonces continue."""
    counter = Counter()
    counter.raise_to(10**15)

    assert [10**15 + 1, 10**15 + 2] == [counter.draw(1_700_000_000_000) for _ in range(2)]


def test_repr():
    """A counter shows its last nonce."""
    assert repr(Counter(last=7)) == "Counter(last=7)"


def test_unique_nonces():
    """A unique nonce is a random UUID in lower case, 36 characters, and never the same twice."""
    nonces = {unordered_nonce(NoncePolicy.UNIQUE, 0) for _ in range(1000)}

    assert (1000, {36}, {4}) == (len(nonces), {len(n) for n in nonces}, {UUID(n).version for n in nonces})
    assert all(n == n.lower() for n in nonces)


def test_salted_nonces():
    """A salted nonce is 13 digits of milliseconds and 6 random ones, and hardly ever the same."""
    nonces = [unordered_nonce(NoncePolicy.SALTED, 1_700_000_000_123) for _ in range(200)]

    assert all(len(nonce) == 19 and nonce.startswith("1700000000123") for nonce in nonces)
    assert len(set(nonces)) > 190


def test_policies_without_a_nonce_of_this_kind():
    """Where nonces rise, or where there are none, none is drawn here."""
    assert ["", ""] == [unordered_nonce(policy, 1) for policy in (NoncePolicy.STRICT, NoncePolicy.NONE)]
