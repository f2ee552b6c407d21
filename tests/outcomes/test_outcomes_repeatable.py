"""What becomes of reads and cancels, which may be repeated."""

import random

import httpx
import pytest

from exchanges import errors
from exchanges.errors import OutcomeUnknown
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth, Thing
from tests.support.fourth_calls import CALLS, failure_of, fourth
from tests.support.scripted_transport import Script, answer, html, refusal
from tests.support.sending import closed_port
from tests.support.unproven_answers import UNPROVEN
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time

REPEATED = ("unavailable", "broken off", "no connection", "a nonce", "too many, which no document says")
ANSWERED = [case for case in UNPROVEN if case not in REPEATED]


@in_virtual_time
@pytest.mark.parametrize("case", ANSWERED)
async def test_a_read_that_is_answered(case):
    """A read fails at once with the error of its answer, even if a proxy refuses it or sends it elsewhere."""
    step, expected = UNPROVEN[case]
    if expected in (errors.Unavailable, errors.Rejected):  # nothing that the exchange is known to say
        expected = errors.ReadFailed
    script = Script.of(step)
    error = await failure_of(script, "read")

    assert (expected, False, 1) == (type(error), error.may_have_executed, len(script.came))


@in_virtual_time
@pytest.mark.parametrize("step", [html(503), httpx.ReadError("gone"), httpx.ConnectError("no")])
async def test_a_read_has_three_attempts(step):
    """A read is tried three times, then fails with the last failure as its cause."""
    script = Script.of(step)
    error = await failure_of(script, "read")

    assert (errors.ReadFailed, True, 3) == (type(error), error.__cause__ is not None, len(script.came))


@in_virtual_time
@pytest.mark.parametrize("failures", [1, 2])
async def test_a_read_that_recovers(failures):
    """A read that is answered in the end is a read like any other."""
    script = Script.of(*[html(503)] * failures, answer())
    async with fourth(script) as client:
        thing = await client.trading.order()

    assert (Thing(1), failures + 1) == (thing, len(script.came))


@in_virtual_time
async def test_pauses_are_drawn_by_lot(monkeypatch):
    """The pause between attempts is drawn from an interval that doubles."""
    intervals = []

    def largest(low, high):
        intervals.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", largest)
    script = Script.of(html(503))
    await failure_of(script, "read")

    assert ([(0, 0.5), (0, 1.0)], [0.0, 0.5, 1.5]) == (intervals, script.moments(BEGIN))


@in_virtual_time
async def test_no_pause_beyond_the_deadline(monkeypatch):
    """A pause that would outlast the deadline ends the call at once, with what failed."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    error = await failure_of(Script.of(html(503)), "read", timeout_seconds=1.4)

    assert (errors.ReadFailed, 503, 0.5) == (type(error), error.status, elapsed())


@in_virtual_time
async def test_a_read_whose_limit_is_too_slow():
    """If the limit leaves no time for a second attempt, the first failure is raised."""
    narrow = [Limit(LIMIT.name, (Window(1, 60.0),), Scope.KEY)]
    error = await failure_of(Script.of(html(503)), "read", limits=narrow)

    assert (errors.ReadFailed, 503) == (type(error), error.status)


@in_virtual_time
async def test_a_cancel_is_repeated():
    """A cancel that is answered after failed attempts succeeds."""
    script = Script.of(httpx.ReadError("gone"), html(503), answer())
    async with fourth(script) as client:
        await client.trading.cancel(5)

    assert ["POST /api/orders/5/cancel"] * 3 == script.paths


@in_virtual_time
@pytest.mark.parametrize("case", ["unavailable", "a proxy", "a redirect", "garbled", "another shape", "broken off"])
async def test_a_cancel_without_an_answer(case):
    """A cancel that was never answered has an unknown outcome and may be called again."""
    error = await failure_of(Script.of(UNPROVEN[case][0]), "idempotent")

    assert (OutcomeUnknown, True, True) == (type(error), error.may_have_executed, "safe to call it again" in str(error))


async def test_a_cancel_that_never_left(monkeypatch):
    """A cancel that never found a connection was not sent."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    async with Fourth(base_url=f"http://127.0.0.1:{closed_port()}", **CREDENTIALS, state=MemoryState()) as client:
        with pytest.raises(errors.NotSent, match=r"connecting failed .*; nothing was sent") as caught:
            await CALLS["idempotent"](client)

    assert not caught.value.may_have_executed


@in_virtual_time
async def test_not_found_after_a_doubtful_attempt():
    """`NotFound` after an attempt without an answer is no verdict: it may be the effect of that attempt."""
    error = await failure_of(Script.of(httpx.ReadError("gone"), refusal("missing", 404)), "idempotent")

    assert (errors.OutcomeUnknown, errors.NotFound, True, "5") == (
        type(error),
        type(error.__cause__),
        "an earlier attempt may have done it: gone, filled or cancelled; read it" in str(error),
        error.intent.arguments["order_id"],
    )


@in_virtual_time
async def test_not_found_at_once():
    """`NotFound` at the first attempt is certain."""
    error = await failure_of(Script.of(refusal("missing", 404)), "idempotent")

    assert (errors.NotFound, False) == (type(error), error.may_have_executed)


@in_virtual_time
async def test_refused_after_a_doubtful_attempt():
    """A refusal of the second attempt proves nothing about the first."""
    error = await failure_of(Script.of(httpx.ReadError("gone"), refusal("auth", 401)), "idempotent")

    assert (OutcomeUnknown, errors.AuthenticationFailed) == (type(error), type(error.__cause__))


@in_virtual_time
async def test_a_cancel_whose_repetition_comes_too_late():
    """A cancel without an answer that the limit leaves no time to repeat has an unknown outcome."""
    narrow = [Limit(LIMIT.name, (Window(1, 60.0),), Scope.KEY)]
    error = await failure_of(Script.of(httpx.ReadError("gone")), "idempotent", limits=narrow)

    assert (OutcomeUnknown, errors.Unavailable) == (type(error), type(error.__cause__))
