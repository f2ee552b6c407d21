"""Secrets stay out of every error, log, traceback and repr, whatever goes wrong.

A share of the failures runs here; the stress stage `secrets` runs them all.
"""

import asyncio
from itertools import islice

import pytest

from tests.stress.secrets import naive
from tests.support import virtual_time
from tests.support.echoing_servers import answered
from tests.support.failing_parts import broken
from tests.support.leak_misuse import misused
from tests.support.leak_scenarios import CALLS, play
from tests.support.leak_sinks import SINKS, leaks
from tests.support.leak_sockets import wired
from tests.support.secrets import API_KEY, SPELLINGS, Detector

pytestmark = pytest.mark.sweep

SIGNATURE = "0123456789abcdef" * 4
ONE_EACH = ("bitex money", "bitso conversion", "bitstamp v1 money")
spellings = list(SPELLINGS)


def shown(failures):
    """Run *failures*; return the secrets that show, by failure and sink."""

    async def played(chosen):
        return {failure.name: found for failure in chosen if (found := leaks(await play(failure)))}

    failures = list(failures)
    found = virtual_time.run(played(f for f in failures if not f.real))
    return found | asyncio.run(played(f for f in failures if f.real))


@pytest.mark.parametrize(("number", "name"), list(enumerate(CALLS)))
def test_an_answer_that_repeats_its_request(number, name):
    """Whatever a server repeats of a request, and however it writes it, no secret of the request shows."""
    answers = answered(name, CALLS[name], spellings[number % len(spellings)])

    assert {} == shown(islice(answers, number % 5, None, 5))


@pytest.mark.parametrize("failures", [broken, wired])
@pytest.mark.parametrize(("number", "name"), list(enumerate(ONE_EACH)))
def test_what_breaks(number, name, failures):
    """No secret shows where transports, clocks, states, loops, servers or proxies fail, even if they repeat it."""
    assert {} == shown(islice(failures(name, CALLS[name]), number, None, 2 * len(ONE_EACH)))


@pytest.mark.parametrize("exchange", ["bitex", "bitso", "bitstamp"])
def test_misuse(exchange):
    """A refused constructor, argument or callback shows none of the secrets in it."""
    assert {} == shown(failure for failure in misused() if failure.exchange == exchange)


@pytest.mark.parametrize("spelling", spellings)
@pytest.mark.parametrize("secret", [API_KEY, SIGNATURE], ids=["key", "signature"])
def test_the_detector(secret, spelling):
    """The detector finds a secret in each spelling."""
    detector = Detector()
    detector.note("GET", "/", [("X-Auth-Signature", SIGNATURE)], b"")

    assert detector.find(f"said {SPELLINGS[spelling](secret)}.")


def test_the_detector_finds_nothing_in_plain_text():
    """The detector finds no secret in texts without one."""
    assert [] == Detector().find(" ".join([__doc__, *SINKS, repr(SINKS), "0123456789abcdef" * 10]))


def test_a_plain_client():
    """The detector finds what a plain client shows: in messages, tracebacks, frames and logs."""
    assert {"str", "repr", "traceback", "traceback with locals", "logs"} <= leaks(asyncio.run(naive())).keys()
