"""What the reads show of a cancel: the order that it names."""

from datetime import timedelta

import pytest
from attrs import evolve

from exchanges import Bitso, Bitstamp, Incomplete, NoTrace, Reconciled
from exchanges.bitex import Bitex, Trading
from exchanges.bitex.models.codes import OrderStatus
from exchanges.bitso.v2 import Trading as BitsoTrading
from exchanges.bitstamp.v1 import Trading as BitstampTrading
from exchanges.errors import NotFound, OutcomeUnknown, UsageError
from exchanges.outcomes.search import Matches
from exchanges.simulator import Venue, simulate
from tests.support.scripted_transport import Script, answer, html, refusal
from tests.support.searches import query_for, search, search_in
from tests.support.simulator_days import playing, playing_bitso, playing_bitstamp
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import in_virtual_time


async def looked(client, method, **arguments):
    """Search for what a cancel did; return whether it is known, and the status of each order."""
    matches = await search(client, client.searches(), query_for(method, **arguments))
    assert all(match.tagged for match in matches.candidates)
    return matches.complete, [match.found.status for match in matches.candidates]


@pytest.mark.parametrize("side", ["bid", "ask"])
async def test_bitex(side):
    """An order is cancelled once it is to be; one that waits, trades or is unknown is not."""
    async with playing() as (_, client, _):
        create, cancel = getattr(client.trading, f"create_{side}"), getattr(client.trading, f"cancel_{side}")
        price = {"bid": 30_000, "ask": 90_000}[side]
        order = await create(amount=1, price=price)
        named = {f"{side}_id": order.id}
        method = getattr(Trading, f"cancel_{side}")
        before = await looked(client, method, **named)
        await cancel(order.id)
        after = await looked(client, method, **named)
        unknown = await looked(client, method, **{f"{side}_id": 99_999_999})

        assert ((True, []), (False, [])) == (before, unknown)
        assert after in [(True, [status]) for status in (OrderStatus.TO_CANCEL, OrderStatus.CANCELLED)]


async def test_bitso():
    """The lookup shows whether an order is cancelled."""
    async with playing_bitso() as (_, client, _):
        order = await client.v2.trading.buy(amount="0.01", price=900_000, book="btc_mxn")
        before = await looked(client, BitsoTrading.cancel_order, order_id=order.id)
        await client.v2.trading.cancel_order(order.id)
        after = await looked(client, BitsoTrading.cancel_order, order_id=order.id)
        unknown = await looked(client, BitsoTrading.cancel_order, order_id="a" * 64)

        assert ((True, []), (True, [-1]), (False, [])) == (before, after, unknown)


async def test_bitstamp():
    """An order that is open is not cancelled; one that is not open may be cancelled or filled."""
    async with playing_bitstamp() as (_, client, _):
        order = await client.v1.trading.buy(amount="0.01", price=50_000)
        query = query_for(BitstampTrading.cancel_order, order_id=order.id)
        before = await search(client, client.searches(), query)
        await client.v1.trading.cancel_order(order.id)

        assert (Matches(), Matches(complete=False)) == (before, await search(client, client.searches(), query))


@pytest.mark.parametrize(("seconds", "unsettled"), [(12, True), (13, False)])
def test_an_order_that_is_not_shown_yet(seconds, unsettled):
    """A read may not show an order that was placed just before its cancel; some seconds later it does."""
    query = evolve(query_for(Trading.cancel_bid, bid_id=1), age=timedelta(seconds=seconds))
    matches = search_in({"bid": NotFound("no such bid")}, Bitex.searches(), query)

    assert (False, unsettled) == (matches.complete, matches.unsettled)


class Deaf(InProcess):
    """Loses the answer to the first cancel, executed or not, and says of the second that there is no such order."""

    executes = True
    cancels = 0

    async def handle_async_request(self, request):
        if not request.url.path.endswith("/cancel"):
            return await super().handle_async_request(request)
        self.cancels += 1
        if self.cancels == 1:
            if self.executes:
                await super().handle_async_request(request)
            return refusal("vague", 502)
        request.url = request.url.copy_with(path="/api-v1/rest/private/bids/99999999/cancel")
        return await super().handle_async_request(request)


@in_virtual_time
@pytest.mark.parametrize(("executes", "verdict"), [(True, Reconciled), (False, NoTrace)])
async def test_a_cancel_that_finds_nothing(executes, verdict):
    """A cancel that finds no order after an attempt without an answer is unknown; reading the order tells."""
    async with simulate(Venue.BITEX, port=None, limits=False) as simulator:
        line = Deaf(simulator)
        line.executes = executes
        account = simulator.account(Venue.BITEX)
        async with Bitex(base_url=simulator.base_url, transport=line, limits=None, **account) as client:
            bid = await client.trading.create_bid(amount=1, price=30_000)
            with pytest.raises(OutcomeUnknown, match="gone, filled or cancelled; read it") as caught:
                await client.trading.cancel_bid(bid.id)
            verdicts = [await client.reconcile(caught.value.intent) for _ in range(2)]
            late = await client.reconcile(caught.value.intent, timeout_seconds=0.001)
            with pytest.raises(UsageError, match="no unresolved call"):
                client.unresolved.dismiss(caught.value.intent)

        assert ([verdict, verdict], Incomplete) == ([type(v) for v in verdicts], type(late))


@in_virtual_time
@pytest.mark.parametrize(
    ("exchange", "call", "shown", "is_nothing"),
    [
        (Bitso, lambda trading: trading.cancel_order("a"), {"success": True, "payload": []}, True),
        (Bitso, lambda trading: trading.cancel_order("a"), {"success": True, "payload": ["a"]}, False),
        (Bitso, lambda trading: trading.cancel_all_orders(), {"success": True, "payload": []}, True),
        (Bitstamp, lambda trading: trading.cancel_all_orders(), {"canceled": [], "success": True}, True),
        (Bitstamp, lambda trading: trading.cancel_all_orders(), {"canceled": [{"id": 5}], "success": True}, False),
        (Bitstamp, lambda trading: trading.cancel_order(order_id="5"), {"id": 5}, False),
    ],
)
@pytest.mark.parametrize("is_repeated", [True, False])
async def test_a_cancel_whose_answer_names_nothing(exchange, call, shown, is_nothing, is_repeated):
    """After an attempt without an answer, which may have cancelled them, that there are none is unknown."""
    script = Script([*[html(502)] * is_repeated, answer(shown)])
    async with exchange(transport=script, api_key="k", api_secret="s", limits=None) as client:
        if is_repeated and is_nothing:
            with pytest.raises(OutcomeUnknown, match="gone, filled or cancelled; read it"):
                await call(client.trading)
        else:
            await call(client.trading)

    assert 1 + is_repeated == len(script.came)
