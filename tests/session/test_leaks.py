"""Canaries in everything that is secret, everything that can go wrong, everywhere that something shows."""

import asyncio

import pytest

from tests.stress.secrets import naive
from tests.support import virtual_time
from tests.support.echoing_servers import answered
from tests.support.failing_parts import broken
from tests.support.leak_misuse import misused
from tests.support.leak_scenarios import CALLS, play
from tests.support.leak_sinks import SINKS, leaks
from tests.support.leak_sockets import wired
from tests.support.secrets import API_KEY, SPELLINGS, Nose

SIGNATURE = "0123456789abcdef" * 4
ONE_EACH = ("bitex money", "bitso conversion", "bitstamp v1 money")
spellings = list(SPELLINGS)


def shown(mishaps):
    """Let *mishaps* happen; tell which secrets show where."""

    async def played(chosen):
        return {mishap.name: found for mishap in chosen if (found := leaks(await play(mishap)))}

    mishaps = list(mishaps)
    found = virtual_time.run(played(m for m in mishaps if not m.real))
    return found | asyncio.run(played(m for m in mishaps if m.real))


@pytest.mark.parametrize(("number", "name"), list(enumerate(CALLS)))
def test_an_answer_that_repeats_its_request(number, name):
    """Whatever a server repeats of a request, and however it writes it, no secret of the request shows."""
    assert {} == shown(answered(name, CALLS[name], spellings[number % len(spellings)]))


@pytest.mark.parametrize("name", ONE_EACH)
def test_what_breaks(name):
    """Transports, clocks, states and loops that fail show no secret, even if their own words are full of them."""
    assert {} == shown(broken(name, CALLS[name]))


@pytest.mark.parametrize("name", ONE_EACH)
def test_what_goes_wrong_on_a_socket(name):
    """With our own transport, every logger open and a server or proxy that repeats everything, no secret shows."""
    assert {} == shown(wired(name, CALLS[name]))


@pytest.mark.parametrize("exchange", ["bitex", "bitso", "bitstamp"])
def test_what_callers_do_wrong(exchange):
    """A constructor, an argument or a callback that is refused shows none of the secrets that it was given."""
    assert {} == shown(mishap for mishap in misused() if mishap.exchange == exchange)


@pytest.mark.parametrize("spelling", spellings)
@pytest.mark.parametrize("secret", [API_KEY, SIGNATURE], ids=["key", "signature"])
def test_the_nose(secret, spelling):
    """These tests would see a secret in any of these spellings."""
    nose = Nose()
    nose.note("GET", "/", [("X-Auth-Signature", SIGNATURE)], b"")

    assert nose.smells(f"said {SPELLINGS[spelling](secret)}.")


def test_the_nose_is_not_too_good():
    """These tests see no secrets in what holds none."""
    assert [] == Nose().smells(" ".join([__doc__, *SINKS, repr(SINKS), "0123456789abcdef" * 10]))


def test_a_plain_client():
    """These tests would see what a plain client shows: in messages, tracebacks, frames and logs."""
    assert {"str", "repr", "traceback", "traceback with locals", "logs"} <= leaks(asyncio.run(naive())).keys()
