"""Callers that are cancelled while their call is in flight, and the outcome of that call."""

import asyncio
import logging

import httpx
import pytest

from exchanges import NoTrace, OpenCall, Reconciled, Standing, errors
from exchanges.errors import OutcomeUnknown, UnresolvedOutcome
from exchanges.outcomes.attempt import Attempt
from tests.support.fourth import Thing
from tests.support.lagging_exchange import Fate, Lagging, cancel_caller, client_of, placing
from tests.support.scripted_transport import answer, html, refusal
from tests.support.shared_state import is_free
from tests.support.virtual_time import elapsed, in_virtual_time, settle

LOST_ANSWER = httpx.ReadError("gone")


@in_virtual_time
@pytest.mark.parametrize("kind", ["create_order", "create_address"])
async def test_the_outcome_of_an_abandoned_call(kind, caplog):
    """The answer to an abandoned call is kept, and a warning names the call."""
    async with client_of(answer({"id": 7}), seconds=5) as (client, _):
        await cancel_caller(getattr(client.trading, kind)(**{"amount": 3} if kind == "create_order" else {}))
        (under_way,) = client.unresolved.values()
        await asyncio.sleep(5)
        (call,) = client.unresolved.values()

        assert (Standing.UNDER_WAY, None) == (under_way.standing, under_way.ended_at)
        assert (Standing.EXECUTED, Thing(7), None) == (call.standing, call.value, call.error)
        assert [(logging.WARNING, f"{call.intent}: the caller was cancelled; executed")] == [
            r[1:] for r in caplog.record_tuples if r[1] > logging.INFO
        ]


@in_virtual_time
@pytest.mark.parametrize(
    ("step", "standing", "error"),
    [
        (refusal("funds"), Standing.NOT_EXECUTED, errors.InsufficientFunds),
        (httpx.ConnectError("no"), Standing.UNKNOWN, OutcomeUnknown),
        (html(502), Standing.UNKNOWN, OutcomeUnknown),
        (LOST_ANSWER, Standing.UNKNOWN, OutcomeUnknown),
    ],
)
async def test_the_failure_of_an_abandoned_call(step, standing, error, caplog):
    """The failure of an abandoned call is kept, and a warning states it."""
    async with client_of(step, seconds=5) as (client, _):
        await cancel_caller(client.trading.create_order(amount=3))
        await asyncio.sleep(5)
        (call,) = client.unresolved.values()

        assert (standing, error, None) == (call.standing, type(call.error), call.value)
        assert f"{call.intent}: the caller was cancelled; {call.error}" in caplog.messages


@in_virtual_time
@pytest.mark.parametrize(
    ("step", "refused"), [(answer(), True), (html(502), True), (refusal("funds"), False), (None, True)]
)
async def test_the_guard_knows_abandoned_calls(step, refused):
    """The same call is refused while an abandoned one is in flight, unknown or executed; not after a refusal."""
    async with client_of(step or answer(), answer(), seconds=5) as (client, script):
        await cancel_caller(client.trading.create_order(amount=3))
        await asyncio.sleep(0 if step is None else 5)
        again = asyncio.create_task(client.trading.create_order(amount=3))
        await asyncio.wait([again])

        assert (refused, 2 - refused) == (isinstance(again.exception(), UnresolvedOutcome), len(script.came))


@in_virtual_time
async def test_the_guard_does_not_wait():
    """The same call is refused at once while an abandoned one is in flight, even if nothing else blocks it."""
    async with client_of(seconds=5) as (client, _):
        await cancel_caller(client.v9.neworders.buy(amount=3, price=5))
        with pytest.raises(UnresolvedOutcome):
            await client.v9.neworders.buy(amount=3, price=5)

        assert elapsed() == 1.0


@in_virtual_time
async def test_reconciling_what_is_under_way():
    """Reconciling a call that is under way waits for its answer, and reads nothing."""
    async with client_of(answer({"id": 7}), seconds=5) as (client, script):
        await cancel_caller(client.trading.create_order(amount=3))
        (intent,) = client.unresolved
        verdict = await client.reconcile(intent)

        assert (Reconciled(intent, Thing(7)), 5.0, 1, 0) == (
            verdict,
            elapsed(),
            len(script.came),
            len(client.unresolved),
        )


@in_virtual_time
async def test_reconciling_what_was_not_executed():
    """Reconciling a call that was refused needs no read either."""
    async with client_of(refusal("funds"), seconds=5) as (client, script):
        await cancel_caller(client.trading.create_order(amount=3))
        (intent,) = client.unresolved

        assert (NoTrace(intent), 1, 0) == (await client.reconcile(intent), len(script.came), len(client.unresolved))


@in_virtual_time
async def test_reconciling_what_is_under_way_for_longer():
    """Reconciling waits no longer than it may for a call that is under way."""
    async with client_of(answer(), seconds=20) as (client, _):
        await cancel_caller(client.trading.create_order(amount=3))
        (intent,) = client.unresolved
        verdict = await client.reconcile(intent, timeout_seconds=4)

        assert (True, 5.0, [intent]) == ("still under way" in verdict.reason, elapsed(), list(client.unresolved))


@in_virtual_time
async def test_the_order_of_an_abandoned_call_is_known():
    """Reconciling an abandoned call that was executed never returns `NoTrace`, however often it is done."""
    exchange = Lagging([Fate(arrives=2.0)])
    async with placing(exchange) as client:
        await cancel_caller(client.orders.buy(amount=3, price=5))
        (intent,) = client.unresolved
        verdicts = [await client.reconcile(intent) for _ in range(2)]
        client.unresolved.get(intent)

        assert [1, 1] == [v.found.id for v in verdicts]


@in_virtual_time
@pytest.mark.parametrize("ticks", range(14))
async def test_cancelled_in_any_tick(ticks):
    """In whatever tick the caller is cancelled, nothing was sent, or the outcome is kept, or the caller got it."""
    async with client_of(answer(), max_connections=1) as (client, script):
        task = asyncio.create_task(client.trading.create_order(amount=3))
        await settle(ticks)
        task.cancel()
        await asyncio.wait([task])
        await settle()
        kept = [call.standing for call in client.unresolved.values()]

        assert (len(script.came), [Standing.EXECUTED] * (len(script.came) and task.cancelled())) == (
            0 if task.cancelled() and not kept else 1,
            kept,
        )
        assert is_free(client)


@in_virtual_time
@pytest.mark.parametrize("ticks", range(14))
async def test_nothing_is_sent_twice(ticks):
    """In whatever tick the caller is cancelled, repeating the call at once does not execute it twice."""
    async with client_of(*(answer({"id": number, "amount": 3, "price": 5}) for number in (1, 2))) as (client, script):
        task = asyncio.create_task(client.v9.neworders.buy(amount=3, price=5))
        await settle(ticks)
        task.cancel()
        again = asyncio.create_task(client.v9.neworders.buy(amount=3, price=5))
        await asyncio.wait([task, again])
        await settle()

        told = [t for t in (task, again) if not t.cancelled() and not isinstance(t.exception(), UnresolvedOutcome)]
        assert len(script.came) == len(told) + len(client.unresolved)
        assert len(script.came) < 2 or not task.cancelled()


@in_virtual_time
async def test_gone_in_the_tick_of_the_answer(monkeypatch):
    """An answer that arrives in the same tick in which its caller is cancelled is kept."""
    wake = Attempt.wake_caller
    monkeypatch.setattr(Attempt, "wake_caller", lambda attempt: (wake(attempt), task.cancel()))
    async with client_of(answer({"id": 7}), seconds=5) as (client, _):
        task = asyncio.create_task(client.trading.create_order(amount=3))
        await asyncio.wait([task])
        (call,) = client.unresolved.values()

        assert (True, Standing.EXECUTED, Thing(7)) == (task.cancelled(), call.standing, call.value)


@in_virtual_time
async def test_closing_with_open_calls():
    """Closing waits for abandoned calls; their outcomes can be read and dismissed afterwards."""
    async with client_of(answer({"id": 7}), html(502), seconds=5) as (client, _):
        await cancel_caller(client.trading.create_order(amount=3))
        await asyncio.sleep(5)
        await cancel_caller(client.trading.create_order(amount=4))
    standings = [call.standing for call in client.unresolved.values()]
    for intent in list(client.unresolved):
        client.unresolved.dismiss(intent)

    assert ([Standing.EXECUTED, Standing.UNKNOWN], 0) == (standings, len(client.unresolved))


@in_virtual_time
async def test_other_code_cancels_the_task():
    """If other code cancels the session's own task, the outcome is unknown, raised to the caller, and kept."""
    async with client_of(answer(), seconds=5) as (client, _):
        call = asyncio.create_task(client.trading.create_order(amount=3))
        await asyncio.sleep(1)
        (task,) = client._session._attempts.tasks
        task.cancel()
        await asyncio.wait([call])

        assert (OutcomeUnknown, [call.exception().intent], True) == (
            type(call.exception()),
            list(client.unresolved),
            is_free(client),
        )


@in_virtual_time
async def test_everything_is_cancelled():
    """If everything is cancelled at once, as at the end of a program, callers return and the outcome is kept."""
    async with client_of(answer(), seconds=5) as (client, _):
        call = asyncio.create_task(client.trading.create_order(amount=3))
        await asyncio.sleep(1)
        (task,) = client._session._attempts.tasks
        call.cancel()
        task.cancel()
        await asyncio.wait([call])
        await settle()
        (kept,) = client.unresolved.values()

        assert (True, Standing.UNKNOWN, True) == (call.cancelled(), kept.standing, is_free(client))


def test_an_open_call_shows_no_answer():
    """The repr of an open call does not contain its answer."""
    assert "canary" not in repr(OpenCall("i", Standing.EXECUTED, value="canary", error=ValueError("canary")))
