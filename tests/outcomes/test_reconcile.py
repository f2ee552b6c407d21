import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from exchanges import Ambiguous, Incomplete, NoTrace, Reconciled
from exchanges.errors import OutcomeUnknown, UsageError
from exchanges.outcomes.search import Matches, Read, Search
from tests.support.fourth import Orders, Placing
from tests.support.lagging_exchange import CALLS, DONE, LOST, MEASURED, WALL, Fate, Lagging, begun, lose, placing
from tests.support.scripted_transport import html, refusal
from tests.support.virtual_time import elapsed, in_virtual_time


@in_virtual_time
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("skew", [-300, 0, 300])
async def test_an_order_that_was_executed(skew, call):
    """An order that was executed is found at any clock offset, and is no longer unresolved."""
    async with begun(DONE, skew=skew) as (client, _):
        intent = await lose(client, CALLS[call])
        verdict = await client.reconcile(intent)

        assert (Reconciled, 3, 0) == (type(verdict), verdict.found.id, len(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize(("call", "least", "most"), [("in order", 24, 30), ("in any order", 54, 60)])
async def test_an_order_that_never_arrived(call, least, most):
    """That nothing was done is known once nothing can arrive nor hide any more: sooner where a later nonce fences."""
    async with begun(LOST) as (client, _):
        intent = await lose(client, CALLS[call])
        ended = elapsed()
        verdict = await client.reconcile(intent)

        assert (NoTrace(intent), True, 0) == (verdict, least <= elapsed() - ended <= most, len(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize("late", [10.0, 29.0, 30.9])
async def test_an_order_that_arrives_late(late):
    """Without a fence an order that arrives as late as 30 seconds after its connection broke is found."""
    async with begun(Fate(arrives=late, breaks=1.0), lag=lambda: 10.0) as (client, _):
        intent = await lose(client, CALLS["in any order"])
        verdict = await client.reconcile(intent)

        assert (Reconciled, 3) == (type(verdict), verdict.found.id)


@in_virtual_time
async def test_an_order_that_arrives_behind_the_fence():
    """An order that arrives after a read with a later nonce is refused, and left no trace."""
    async with begun(Fate(arrives=20.0, breaks=1.0)) as (client, exchange):
        intent = await lose(client)
        verdict = await client.reconcile(intent)

        assert (NoTrace(intent), 2) == (verdict, len(exchange.deeds))


@in_virtual_time
@pytest.mark.parametrize("failed", [html(503), refusal("vague"), refusal("missing", 404), html(404)])
async def test_only_an_answered_read_is_a_fence(failed, monkeypatch):
    """A read without a valid answer does not prove that its nonce was accepted."""

    def find(query, answers):
        read = Read.of(Orders.open_orders)
        return Matches() if read in answers else Matches(more=(read,))

    monkeypatch.setattr(Placing, "searches", classmethod(lambda cls: {"fourth.orders.buy": Search(find)}))
    async with begun(Fate(arrives=25.0, breaks=1.0)) as (client, exchange):
        intent = await lose(client)
        exchange.faults = [failed] * 100
        verdict = await client.reconcile(intent, timeout_seconds=40)

        assert (Incomplete, 3) == (type(verdict), len(exchange.deeds))


@in_virtual_time
@pytest.mark.parametrize("lag", [0.0, 5.0, 10.0])
@pytest.mark.parametrize("lived", [2.0, 12.0, 14.0, 20.0, 30.0])
async def test_an_order_that_is_filled_between_two_looks(lived, lag):
    """An order that moves to another list while it is looked for, lists being late each its own, is found."""
    async with begun(DONE, lives=lambda: lived) as (client, exchange):
        exchange.lag = iter([lag, 0.0, 0.0, lag] * 100).__next__
        verdict = await client.reconcile(await lose(client))

        assert (Reconciled, 3) == (type(verdict), verdict.found.id)


@in_virtual_time
async def test_between_both_lists():
    """An order that is in neither list in one read, as it moves just then, is found by the next."""
    async with begun(DONE, lives=lambda: 15.0) as (client, exchange):
        intent = await lose(client)
        await asyncio.sleep(14.5)
        exchange.lag = iter([0.0, 10.0, 0.0, 10.0] + [0.0] * 100).__next__  # open as it is, done as it was

        assert Reconciled is type(await client.reconcile(intent))


@in_virtual_time
async def test_a_candidate_that_cannot_be_compared():
    """An order that cannot be compared in full is read until nothing more can appear, and is then ambiguous."""
    async with begun(DONE, priceless=True) as (client, _):
        intent = await lose(client)
        verdict = await client.reconcile(intent)

        assert (Ambiguous, True, {intent}) == (type(verdict), elapsed() - MEASURED > 12, set(client.unresolved))


@in_virtual_time
async def test_a_candidate_that_can_be_compared_later():
    """An order that cannot be compared in full is recognised when the reads show more of it."""
    async with begun(DONE, priceless=True) as (client, exchange):
        intent = await lose(client)
        asyncio.get_running_loop().call_later(5.0, setattr, exchange, "priceless", False)

        assert Reconciled is type(await client.reconcile(intent))


@in_virtual_time
async def test_evidence_that_is_not_complete():
    """If the reads are incomplete nothing is decided, and waiting does not help."""
    async with begun(LOST, lives=lambda: 0.0) as (client, exchange):
        for _ in range(50):
            exchange.do("noted", {"amount": "1", "price": "1"})
        intent = await lose(client)
        began = elapsed()
        verdict = await client.reconcile(intent)

        assert (Incomplete, 0.0, {intent}) == (type(verdict), elapsed() - began, set(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize(("fate", "settled"), [(LOST, NoTrace), (DONE, Reconciled)])
async def test_evidence_that_does_not_agree_yet(fate, settled, monkeypatch):
    """Reads that may show everything later are repeated, and the verdict names a moment to ask again."""
    late, whole = [True], Placing.searches()["fourth.orders.buy"].find

    def find(query, answers):
        matches = whole(query, answers)
        return evolve(matches, complete=False, unsettled=True) if late and not matches.more else matches

    monkeypatch.setattr(Placing, "searches", classmethod(lambda cls: {"fourth.orders.buy": Search(find)}))
    async with begun(fate) as (client, _):
        intent = await lose(client)
        verdict = await client.reconcile(intent, timeout_seconds=5)
        asked = datetime.fromtimestamp(WALL + elapsed(), UTC)
        late.clear()
        later = await client.reconcile(intent, timeout_seconds=60)

        assert (Incomplete, timedelta(seconds=12)) == (type(verdict), verdict.ask_again_at - asked)
        assert settled is type(later)


@in_virtual_time
async def test_one_candidate_in_evidence_that_is_not_complete():
    """A single order that fits proves nothing while the reads are incomplete."""
    async with begun(DONE, lives=lambda: 0.0) as (client, exchange):
        intent = await lose(client)
        for _ in range(49):
            exchange.do("noted", {"amount": "1", "price": "1"})
        verdict = await client.reconcile(intent)

        assert (Incomplete, {intent}) == (type(verdict), set(client.unresolved))


@in_virtual_time
async def test_evidence_that_cannot_be_read():
    """If reads fail, the verdict gives the reason, and the call stays unresolved."""
    async with begun(DONE) as (client, exchange):
        intent = await lose(client)
        exchange.faults = [refusal("auth", 401)] * 1000
        verdict = await client.reconcile(intent, timeout_seconds=10)

        assert (Incomplete, True, {intent}) == (type(verdict), "no: auth" in verdict.reason, set(client.unresolved))


@in_virtual_time
async def test_evidence_that_can_be_read_later():
    """Reads that fail for a while are repeated."""
    async with begun(DONE) as (client, exchange):
        intent = await lose(client)
        exchange.faults = [html(503)] * 7

        assert Reconciled is type(await client.reconcile(intent))


@in_virtual_time
async def test_a_search_that_wants_too_much():
    """A search that always wants more reads is ended, and nothing is decided."""
    reads = []

    def find(query, answers):
        reads.append(len(answers))
        return Matches(more=(Read.of(Orders.done_orders, page=len(answers) + 1),))

    async with begun(LOST) as (client, _):
        client._session.calls.searches = lambda: {"fourth.orders.buy": Search(find)}
        verdict = await client.reconcile(await lose(client))

        assert (Incomplete, 40) == (type(verdict), max(reads))


@in_virtual_time
@pytest.mark.parametrize("fault", [KeyError("canary"), TypeError("canary"), ValueError("canary")])
async def test_a_search_that_fails(fault):
    """An unexpected exception in a search ends in `Incomplete`, which quotes nothing of the answers."""

    def find(query, answers):
        raise fault

    async with begun(DONE) as (client, _):
        client._session.calls.searches = lambda: {"fourth.orders.buy": Search(find)}
        verdict = await client.reconcile(await lose(client), timeout_seconds=5)

        assert (Incomplete, True, False) == (
            type(verdict),
            type(fault).__name__ in verdict.reason,
            "canary" in verdict.reason,
        )


@in_virtual_time
@pytest.mark.parametrize("seconds", [0.5, 5.0, 20.0])
async def test_the_time_is_kept(seconds):
    """Looking ends when its time is up, even in the middle of a read."""
    async with begun(DONE) as (client, exchange):
        exchange.hold = asyncio.Event()
        intent = await lose(client)
        began = elapsed()
        verdict = await client.reconcile(intent, timeout_seconds=seconds)
        exchange.hold.set()

        assert (Incomplete, True, {intent}) == (
            type(verdict),
            elapsed() - began <= seconds,
            set(client.unresolved),
        )


@in_virtual_time
async def test_a_short_look_says_how_long_to_look():
    """A reconcile that ends too early says how much longer it takes."""
    async with begun(LOST) as (client, _):
        intent = await lose(client)
        verdict = await client.reconcile(intent, timeout_seconds=5)

        reason = "no trace so far, but one may still appear; allow 21 s more"
        assert Incomplete(intent, reason, client._session.calls.now() + timedelta(seconds=21)) == verdict


@in_virtual_time
async def test_a_second_look_goes_on_where_the_first_ended():
    """A verdict that needs more time is given to a later call without waiting again."""
    async with begun(LOST) as (client, _):
        intent = await lose(client, CALLS["in any order"])
        await client.reconcile(intent, timeout_seconds=5)
        await asyncio.sleep(60)
        began = elapsed()

        assert (NoTrace(intent), True) == (await client.reconcile(intent), elapsed() - began < 16)


@in_virtual_time
async def test_a_call_without_a_search():
    """A call that no read shows is `Incomplete` at once, and stays unresolved."""
    async with placing(Lagging([DONE])) as client:
        intent = await lose(client, lambda c: c.orders.note(amount=3, price=5))
        client._session.calls.searches = dict
        verdict = await client.reconcile(intent)

        assert (Incomplete, 1.0, {intent}) == (type(verdict), elapsed(), set(client.unresolved))


@in_virtual_time
@pytest.mark.parametrize("endpoint", ["fourth.orders.open_orders", "fourth.trading.cancel", "fifth.orders.buy"])
async def test_not_a_call_that_is_never_repeated(endpoint):
    """The intent of a read, of a cancel or of another exchange is refused."""
    async with placing(Lagging([DONE])) as client:
        intent = await lose(client)
        with pytest.raises(UsageError, match=r"has no such call .* read it, or call it again"):
            await client.reconcile(evolve(intent, endpoint=endpoint))


@in_virtual_time
async def test_not_an_intent():
    """Passing the error in place of its intent raises an error that says so."""
    async with placing(Lagging([DONE])) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.buy(amount=3, price=5)
        with pytest.raises(UsageError, match="needs the intent of a call"):
            await client.reconcile(caught.value)


@in_virtual_time
async def test_reads_act_as_the_call_did():
    """The evidence is read as the user for whom the call was sent, whichever view reconciles."""
    async with begun(DONE) as (client, exchange):
        intent = await lose(client.as_user(5))
        await client.as_user(6).reconcile(intent)

        assert {"as_user=5"} == {request.url.query.decode() for _, _, request in exchange.reads}


@in_virtual_time
async def test_nothing_but_reads():
    """Reconciling sends nothing but reads."""
    async with begun(LOST) as (client, exchange):
        await client.reconcile(await lose(client))

        assert (2, []) == (len(exchange.deeds), exchange.fates)
