import asyncio
import pickle

import pytest

from exchanges import NoTrace, Phase, Reconciled, Standing, errors
from exchanges.errors import OutcomeUnknown, StateError, UnresolvedOutcome, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.outcomes.unresolved import Unresolved
from tests.support.fourth import LIMIT, Thing
from tests.support.lagging_exchange import DONE, LOST, Fate, Lagging, cancel_caller, client_of, placing, unknown
from tests.support.scripted_transport import answer, html, refusal
from tests.support.shared_state import is_free
from tests.support.virtual_time import elapsed, in_virtual_time, settle

MONEY = "fourth.trading.create_order"


# The guard


@in_virtual_time
async def test_the_same_call_is_refused():
    """The same money call is refused while one is unresolved, before anything is sent, and the error has its intent."""
    async with client_of(html(502), answer()) as (client, script):
        intent = await unknown(client.trading.create_order(amount=3))
        with pytest.raises(UnresolvedOutcome, match=r"the same call is unresolved: .* nothing was sent") as caught:
            await client.trading.create_order(amount=3)

        assert (intent, MONEY, False, 1) == (
            caught.value.intent,
            caught.value.endpoint,
            caught.value.may_have_executed,
            len(script.came),
        )
        assert is_free(client)


@in_virtual_time
@pytest.mark.parametrize("amount", ["3", "3.0", "3.00"])
async def test_the_same_amount_in_other_words(amount):
    """Amounts are the same that are the same number."""
    async with client_of(html(502), answer()) as (client, script):
        await unknown(client.trading.create_order(amount=3))
        with pytest.raises(UnresolvedOutcome):
            await client.trading.create_order(amount=amount)

    assert len(script.came) == 1


@in_virtual_time
async def test_another_call_is_not_refused():
    """Another amount, another call and a write are sent while a money call is unresolved."""
    async with client_of(html(502), answer()) as (client, script):
        await unknown(client.trading.create_order(amount=3))
        await client.trading.create_order(amount=30)
        await client.trading.create_order(amount="0.3")
        await client.trading.create_address()
        await client.trading.cancel(3)

    assert len(script.came) == 5


@in_virtual_time
async def test_a_write_is_not_refused():
    """A write that is unresolved may be sent again: it moves no money."""
    async with client_of(html(502), answer()) as (client, _):
        intent = await unknown(client.trading.create_address())

        assert (Thing(1), [intent]) == (await client.trading.create_address(), list(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize("step", [refusal("funds"), html(429)], ids=["refused", "limited"])
async def test_what_was_not_executed_does_not_stand_in_the_way(step):
    """After a failure that proves that nothing was executed the same call may be sent again."""
    async with client_of(step, answer()) as (client, _):
        with pytest.raises(errors.ExchangeError):
            await client.trading.create_order(amount=3)
        await asyncio.sleep(30)

        assert (Thing(1), 0) == (await client.trading.create_order(amount=3), len(client.unresolved))


@in_virtual_time
async def test_two_at_once():
    """Two callers may send the same call at the same time if both wait for it."""
    async with client_of(answer({"id": 1}), answer({"id": 2}), seconds=1) as (client, script):
        await asyncio.gather(*(client.trading.create_order(amount=3) for _ in range(2)))

    assert len(script.came) == 2


@in_virtual_time
@pytest.mark.parametrize("narrow", [False, True], ids=["key_lock", "slot"])
async def test_the_guard_holds_after_waiting(narrow):
    """Of two same calls in a queue the second is refused, and nothing of it sent, when the first ends unknown."""
    limits = [Limit(LIMIT.name, (Window(1, 10.0),) if narrow else (), Scope.KEY)]
    async with client_of(html(502), answer(), limits=limits, seconds=1, timeout_seconds=100) as (client, script):
        first, second = (asyncio.create_task(client.trading.create_order(amount=3)) for _ in range(2))
        await asyncio.wait([first, second])

        assert (OutcomeUnknown, UnresolvedOutcome, 1) == (
            type(first.exception()),
            type(second.exception()),
            len(script.came),
        )
        assert is_free(client)


@in_virtual_time
async def test_the_guard_leaves_the_queue_alone():
    """A call that is refused after waiting frees its place for the next one."""
    async with client_of(html(502), answer(), seconds=1) as (client, script):
        tasks = [asyncio.create_task(client.trading.create_order(amount=a)) for a in (3, 3, 4, 3, 5)]
        await asyncio.wait(tasks)

        assert [OutcomeUnknown, UnresolvedOutcome, None, UnresolvedOutcome, None] == [
            t.exception() and type(t.exception()) for t in tasks
        ]
        assert (3, 3.0, True) == (len(script.came), elapsed(), is_free(client))


@in_virtual_time
async def test_views_share_what_is_unresolved():
    """Fields of a view are part of its calls: for another user it is another call, for the same the same."""
    async with client_of(html(502), answer()) as (client, script):
        intent = await unknown(client.as_user(5).trading.create_order(amount=3))
        await client.as_user(6).trading.create_order(amount=3)
        await client.trading.create_order(amount=3)
        with pytest.raises(UnresolvedOutcome):
            await client.as_user(5).with_options(timeout_seconds=9).trading.create_order(amount=3)

        assert (3, [intent], {"as_user": "5"}) == (len(script.came), list(client.unresolved), intent.acting)


@in_virtual_time
async def test_a_call_of_the_older_generation_is_another():
    """A call of another endpoint with the same arguments is another call."""
    async with client_of(html(502), answer({"id": 1, "amount": 3, "price": 5})) as (client, script):
        await unknown(client.orders.place(amount=3, price=5))
        await client.v9.neworders.buy(amount=3, price=5)

    assert len(script.came) == 2


@in_virtual_time
async def test_clients_do_not_share():
    """Unresolved calls are known to the client that sent them."""
    async with client_of(html(502)) as (one, _), client_of(answer()) as (other, script):
        await unknown(one.trading.create_order(amount=3))
        await other.trading.create_order(amount=3)

    assert len(script.came) == 1


# What ends the guard


@in_virtual_time
async def test_dismissing():
    """A dismissed call is removed, and the same call may be sent."""
    async with client_of(html(502), answer()) as (client, script):
        client.unresolved.dismiss(await unknown(client.trading.create_order(amount=3)))
        await client.trading.create_order(amount=3)

        assert (2, 0) == (len(script.came), len(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize(("fate", "expected"), [(DONE, Reconciled), (LOST, NoTrace)])
async def test_reconciling_lifts_it(fate, expected):
    """After `Reconciled` and `NoTrace` the same call may be sent."""
    exchange = Lagging([Fate(), fate])
    async with placing(exchange) as client:
        await client.orders.buy(amount=7, price=7)
        await asyncio.sleep(40)
        verdict = await client.reconcile(await unknown(client.orders.buy(amount=3, price=5)))
        again = await client.orders.buy(amount=3, price=5)

        assert (expected, len(exchange.deeds), 0) == (type(verdict), again.id, len(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize("seconds", [0.5, 90.0], ids=["incomplete", "ambiguous"])
async def test_what_does_not_lift_it(seconds):
    """After `Incomplete` and `Ambiguous` the same call is still refused."""
    exchange = Lagging([DONE])
    exchange.do("bought", {"amount": "3", "price": "5"})
    exchange.lag = lambda: 1.0
    async with placing(exchange) as client:
        intent = await unknown(client.orders.buy(amount=3, price=5))
        await client.reconcile(intent, timeout_seconds=seconds)
        with pytest.raises(UnresolvedOutcome):
            await client.orders.buy(amount=3, price=5)

        assert (2, {intent}) == (len(exchange.deeds), set(client.unresolved))


@in_virtual_time
async def test_dismissing_what_is_under_way():
    """A call that is under way cannot be dismissed."""
    async with client_of(answer(), seconds=5) as (client, _):
        await cancel_caller(client.trading.create_order(amount=3))
        (intent,) = client.unresolved
        with pytest.raises(UsageError, match="is still under way"):
            client.unresolved.dismiss(intent)

        assert [intent] == list(client.unresolved)


@in_virtual_time
async def test_dismissing_what_is_not_there():
    """An intent that is unknown, dismissed already, or of a call whose caller still waits, cannot be dismissed."""
    async with client_of(html(502), answer(), seconds=5) as (client, _):
        intent = await unknown(client.trading.create_order(amount=3))
        client.unresolved.dismiss(intent)
        waiting = asyncio.create_task(client.trading.create_order(amount=4))
        await settle()
        (under_way,) = client._session.calls._pending
        for each in (intent, under_way):
            with pytest.raises(UsageError, match="no unresolved call has the intent"):
                client.unresolved.dismiss(each)
        await waiting


# What is listed


@in_virtual_time
async def test_attributes_of_an_unknown_call():
    """An unknown call is listed with its intent, nonce, phase, error, and when it ended."""
    async with client_of(html(502), seconds=2) as (client, script):
        intent = await unknown(client.trading.create_order(amount=3))
        call = client.unresolved[intent]

        assert (intent, Standing.UNKNOWN, str(script.nonces[0]), Phase.ANSWERED, 2.0, None, OutcomeUnknown) == (
            call.intent,
            call.standing,
            call.nonce,
            call.phase,
            (call.ended_at - intent.at).total_seconds(),
            call.value,
            type(call.error),
        )


@in_virtual_time
async def test_the_oldest_first():
    """Unresolved calls are listed in the order in which they were sent."""
    async with client_of(html(502)) as (client, _):
        intents = []
        for amount in (5, 4, 3):
            intents.append(await unknown(client.trading.create_order(amount=amount)))
            await asyncio.sleep(1)
        unresolved = client.unresolved

        assert (intents, intents, 3) == (list(unresolved), [c.intent for c in unresolved.values()], len(unresolved))


@in_virtual_time
async def test_going_through_what_becomes_resolved():
    """An iteration shows the calls as they were when it began, even if some are resolved during it."""
    async with client_of(html(502)) as (client, _):
        intents = [await unknown(client.trading.create_order(amount=a)) for a in (1, 2, 3)]
        seen = []
        for intent, call in client.unresolved.items():
            seen.append((intent, call.standing))
            client.unresolved.dismiss(next(iter(set(client.unresolved) - {intent}), intent))

        assert (intents, 0) == ([intent for intent, _ in seen], len(client.unresolved))


@in_virtual_time
async def test_a_mapping():
    """The unresolved calls are a mapping by intent, with a repr that lists them."""
    async with client_of(html(502), answer()) as (client, _):
        intent = await unknown(client.trading.create_order(amount=3))
        unresolved = client.unresolved

        assert (True, False, None) == (intent in unresolved, "x" in unresolved, unresolved.get("x"))
        assert f"Unresolved({intent}: unknown)" == repr(unresolved)


@in_virtual_time
async def test_intents_travel():
    """An intent that was pickled, as another process or day would have it, is the same intent."""
    async with client_of(html(502)) as (client, _):
        with pytest.raises(OutcomeUnknown) as caught:
            await client.trading.create_order(amount=3)
        error = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own

        assert (True, Phase.ANSWERED) == (error.intent in client.unresolved, error.phase)


def test_shown_without_a_readable_state():
    """A debugger that shows the mapping sees that the state cannot be read, instead of an exception."""

    def unreadable():
        raise StateError("no such file: secret")

    calls = Unresolved(unreadable, lambda intent: None, lambda intent: None, lambda intent: None)

    assert repr(calls) == "Unresolved(the state cannot be read: StateError)"
    with pytest.raises(StateError):
        len(calls)
