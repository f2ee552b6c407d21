"""What is found of orders of the living APIs under the client's id, at a simulated exchange in virtual time."""

import asyncio
import functools
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest

from exchanges import Ambiguous, Bitso, Bitstamp, Incomplete, NoTrace, Reconciled
from exchanges.errors import OutcomeUnknown, UnresolvedOutcome
from exchanges.outcomes.named import NamedCalls
from exchanges.simulator import Venue, simulate
from exchanges.state import MemoryState
from tests.support.scripted_transport import Script, answer, html
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import elapsed, in_virtual_time

LIMIT = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": "0.001", "price": "700000"}
BUY = {"market": "btcusd", "amount": "0.001", "price": "50000"}
WITHDRAWAL = {"currency": "btc", "amount": "0.01", "address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}
SPEI = {"currency": "mxn", "amount": "100", "clabe": "032180000118359719", "beneficiary": "Ana Ruiz"}
NOW = 1_700_000_000.0
ORDERS = {Venue.BITSO: ("place_order", LIMIT), Venue.BITSTAMP: ("buy", BUY)}
CLIENTS = {Venue.BITSO: Bitso, Venue.BITSTAMP: Bitstamp}


class Losing(InProcess):
    """Loses the requests, or the answers, of the next orders.

    Attributes:
        losses: Of each of the next orders, whether the request is lost rather than the answer.
        seconds: How long it takes until the loss is noticed.
    """

    losses: list[bool]
    seconds = 0.0

    async def handle_async_request(self, request):
        is_order = request.method in ("POST", "PATCH") and request.url.path.endswith(
            ("/orders", "/buy/btcusd/", "/withdrawals")
        )
        if not is_order or not self.losses:
            return await super().handle_async_request(request)
        if not self.losses.pop(0):
            await super().handle_async_request(request)
        await asyncio.sleep(self.seconds)
        raise httpx.ReadError("reset")


@asynccontextmanager
async def trading(venue, losses, **options):
    """Create a client, and a function that creates others, at an exchange that loses some of its orders."""

    def clock():
        return NOW + elapsed()

    async with simulate(venue, port=None, limits=False, clock=clock) as simulator:
        line = Losing(simulator)
        line.losses = list(losses)
        known = {"base_url": simulator.base_url, "transport": line, "limits": None, "clock": clock}
        known |= {**simulator.account(venue), **options}

        def another():
            return CLIENTS[venue](state=MemoryState(), **known)

        async with another() as client:
            yield client, another, line


async def place(client, **changes):
    """Place an order, and return its intent if its outcome is unknown."""
    venue = Venue(client.exchange)
    name, arguments = ORDERS[venue]
    try:
        await getattr(client.trading, name)(**arguments, **changes)
    except OutcomeUnknown as unknown:
        return unknown.intent
    return None


def oid_of(order):
    """Return the exchange's id of an order."""
    return order if isinstance(order, str) else getattr(order, "oid", None) or order.id


def own(venue, name="mine-1"):
    """Return a caller's own id as an argument."""
    return {"origin_id" if venue is Venue.BITSO else "client_order_id": name}


@in_virtual_time
@pytest.mark.parametrize(("venue", "least"), [(Venue.BITSO, 120.0), (Venue.BITSTAMP, 330.0)])
async def test_a_lost_request(venue, least):
    """That nothing came of a lost order is said after the wait of the API, and not much later, to who waits."""
    async with trading(venue, [True]) as (client, _, _line):
        intent = await place(client)
        verdict = await client.reconcile(intent, timeout_seconds=600)

        assert (NoTrace(intent), 0) == (verdict, len(client.unresolved))
        assert least <= elapsed() <= least + 20


@in_virtual_time
@pytest.mark.parametrize(("venue", "least"), [(Venue.BITSO, 120.0), (Venue.BITSTAMP, 330.0)])
async def test_a_lost_request_that_an_event_has_named(venue, least):
    """An event of the account shows that the order exists: that reads never show it proves nothing."""
    async with trading(venue, [True]) as (client, _, _line):
        intent = await place(client)
        named = NamedCalls(client._session.calls, client.reconcile, lambda work, _: asyncio.ensure_future(work))
        named.name(intent.tag)
        verdict = await client.reconcile(intent, timeout_seconds=least + 60)

        assert (Incomplete, 1) == (type(verdict), len(client.unresolved))
        assert "an event of the account" in verdict.reason


@in_virtual_time
async def test_equal_orders_at_once():
    """Equal orders that start together are all sent, each under an id of its own; none more while one is unknown."""
    async with trading(Venue.BITSTAMP, [False, True, False]) as (client, _, line):
        line.seconds, order = 1.0, functools.partial(client.trading.buy, **BUY)
        failures = await asyncio.gather(*(order() for _ in range(3)), return_exceptions=True)
        intents = [failure.intent for failure in failures]
        with pytest.raises(UnresolvedOutcome):
            await order()
        verdicts = [await client.reconcile(intent, timeout_seconds=600) for intent in intents]
        made = {verdict.id for verdict in verdicts if isinstance(verdict, Reconciled)}

        assert made == {oid_of(verdict.found) for verdict in verdicts if isinstance(verdict, Reconciled)}
        assert (3, 3) == (len({intent.tag for intent in intents}), len(set(intents)))
        assert ([Reconciled, NoTrace, Reconciled], 2) == ([type(verdict) for verdict in verdicts], len(made))
        assert oid_of(await order()) not in made


@in_virtual_time
@pytest.mark.parametrize("venue", [Venue.BITSO, Venue.BITSTAMP])
async def test_the_id_of_an_order_whose_caller_was_cancelled(venue):
    """The answer that came without its caller names the order, as a read would."""
    async with trading(venue, []) as (client, _, _line):
        task = asyncio.create_task(place(client))
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(5.0)
        (intent,) = client.unresolved
        verdict = await client.reconcile(intent)

        assert (Reconciled, oid_of(verdict.found)) == (type(verdict), verdict.id)


@in_virtual_time
async def test_the_id_of_an_order_that_was_changed():
    """A change that was made without an answer is found in the order, whose id the verdict names."""
    async with trading(Venue.BITSO, []) as (client, _, line):
        oid = await client.trading.place_order(**LIMIT, origin_id="mine")
        line.losses = [False]
        with pytest.raises(OutcomeUnknown) as caught:
            await client.trading.modify_order_by_origin_id(origin_id="mine", price="700001")
        verdict = await client.reconcile(caught.value.intent)

        assert (Reconciled, oid, oid) == (type(verdict), verdict.id, verdict.found.oid)


@in_virtual_time
async def test_equal_orders_one_by_one():
    """Where requests go one by one, those that still wait when the first has an unknown outcome are not sent."""
    async with trading(Venue.BITSO, [False]) as (client, _, _line):
        order = functools.partial(client.trading.place_order, **LIMIT)
        failures = await asyncio.gather(*(order() for _ in range(3)), return_exceptions=True)

    assert [OutcomeUnknown, UnresolvedOutcome, UnresolvedOutcome] == [type(failure) for failure in failures]
    assert 1 == len({failure.intent for failure in failures})


@in_virtual_time
@pytest.mark.parametrize(("venue", "moments"), [(Venue.BITSO, (90.0,)), (Venue.BITSTAMP, (300.0,))])
async def test_when_to_ask_again(venue, moments):
    """By default no caller waits for minutes: the verdict names the moment to ask again, and then comes soon."""
    async with trading(venue, [True]) as (client, _, _line):
        intent = await place(client)
        first = await client.reconcile(intent)
        assert elapsed() < 20.0
        again = (first.ask_again_at - datetime.fromtimestamp(NOW, UTC)).total_seconds()
        assert (Incomplete, True) == (type(first), abs(again - moments[0]) < 1.0)

        await asyncio.sleep(again - elapsed())
        assert NoTrace(intent) == await client.reconcile(intent)
        assert elapsed() < again + 40


@in_virtual_time
@pytest.mark.parametrize("venue", ORDERS)
async def test_a_look_before_the_reads_can_show_it(venue):
    """After a look that was too short for late reads the next one is soon, not when the proof is due."""
    async with trading(venue, [True]) as (client, _, _line):
        intent = await place(client)
        verdict = await client.reconcile(intent, timeout_seconds=2)
        again = (verdict.ask_again_at - datetime.fromtimestamp(NOW, UTC)).total_seconds()

        assert Incomplete is type(verdict)
        assert 10.0 <= again <= 15.0


@in_virtual_time
@pytest.mark.parametrize("venue", ORDERS)
async def test_short_looks(venue):
    """Looks that are asked for one by one count as well: none needs to wait for the other."""
    async with trading(venue, [True]) as (client, _, _line):
        intent = await place(client)
        asked = 0
        while isinstance(verdict := await client.reconcile(intent, timeout_seconds=2), Incomplete):
            asked += 1
            await asyncio.sleep((verdict.ask_again_at - datetime.fromtimestamp(NOW, UTC)).total_seconds() - elapsed())

        assert NoTrace(intent) == verdict
        assert asked <= 4


@in_virtual_time
@pytest.mark.parametrize("venue", ORDERS)
@pytest.mark.parametrize("is_own", [False, True])
async def test_a_lost_answer(venue, is_own):
    """An order whose answer was lost is found at the first look, or the second: by its id."""
    async with trading(venue, [False]) as (client, _, _line):
        intent = await place(client, **(own(venue) if is_own else {}))
        verdict = await client.reconcile(intent)

        assert Reconciled is type(verdict)
        assert elapsed() < 5.0


@in_virtual_time
@pytest.mark.parametrize("venue", ORDERS)
@pytest.mark.parametrize("is_lost", [True, False])
async def test_an_id_that_was_used_before(venue, is_lost):
    """Under an id that was used an hour, or some seconds, before nothing is taken for the order."""
    async with trading(venue, []) as (client, another, line):
        async with another() as other:
            assert await place(other, **own(venue)) is None
            if venue is Venue.BITSO:
                await other.trading.cancel_all_orders()  # the exchange refuses an id that is active
        await asyncio.sleep(30.0)
        line.losses = [is_lost]
        intent = await place(client, **own(venue))
        verdict = await client.reconcile(intent, timeout_seconds=600)

        assert Ambiguous is type(verdict) or (not is_lost and venue is Venue.BITSTAMP and Reconciled is type(verdict))
        assert verdict.intent == intent


@in_virtual_time
async def test_an_order_of_an_hour_ago():
    """At Bitso that nothing is found proves nothing an hour after the call, for good."""
    async with trading(Venue.BITSO, [True]) as (client, _, _line):
        intent = await place(client)
        await asyncio.sleep(3601.0)
        verdict = await client.reconcile(intent, timeout_seconds=600)

        assert (Incomplete, None, {intent}) == (type(verdict), verdict.ask_again_at, set(client.unresolved))
        assert "60 minutes" in verdict.reason
        assert elapsed() < 3700.0


@in_virtual_time
async def test_nonces_in_any_order():
    """At Bitso with nonces of version 2 a request may arrive at any time, so that absence is never proven."""
    async with trading(Venue.BITSO, [True], nonces="v2") as (client, _, _line):
        verdict = await client.reconcile(await place(client), timeout_seconds=600)

        assert (Incomplete, True) == (type(verdict), "version 2" in verdict.reason)


@in_virtual_time
@pytest.mark.parametrize("asked", [WITHDRAWAL, SPEI])
@pytest.mark.parametrize("is_lost", [True, False])
async def test_a_withdrawal(is_lost, asked):
    """A withdrawal of Bitso is found by its id, its receiver hidden or not, or is not there, also after an hour."""
    async with trading(Venue.BITSO, [is_lost]) as (client, _, _line):
        methods = await client.funding.withdrawal_methods(asked["currency"])
        with pytest.raises(OutcomeUnknown) as caught:
            await client.funding.create_withdrawal(**asked, method=methods[0])
        await asyncio.sleep(7200.0 * is_lost)
        verdict = await client.reconcile(caught.value.intent)

        assert (NoTrace if is_lost else Reconciled) is type(verdict)


@pytest.mark.parametrize("shown", [1234567890123456, "1234567890123456"])
async def test_an_error_that_names_the_order(shown):
    """An error of Bitstamp that names the order it may have placed leads to it, where its own id does not."""
    asked = []

    def reply(request):
        fields = parse_qs(request.content.decode())
        asked.append((request.url.path, fields))
        if request.url.path.endswith("/buy/btcusd/"):
            error = {"status": "error", "reason": "Unknown", "response_code": "500.016", "order_id": shown}
            return answer(error, 500)
        if "id" not in fields:
            return answer({"status": "error", "reason": "Order not found", "response_code": "404.002"}, 404)
        name = asked[0][1]["client_order_id"][0]
        status = {"id": shown, "status": "Open", "market": "BTC/USD", "type": 0, "datetime": "2999-01-01 00:00:00"}
        return answer({**status, "client_order_id": name})

    async with Bitstamp(transport=Script([reply]), api_key="k", api_secret="s", limits=None) as bitstamp:
        with pytest.raises(OutcomeUnknown) as caught:
            await bitstamp.trading.buy(**BUY)
        verdict = await bitstamp.reconcile(caught.value.intent)

    assert ("1234567890123456", "500.016") == (caught.value.made, caught.value.code)
    assert "1234567890123456" == str(verdict.found.id)
    assert 3 == len(asked)


async def test_a_market_without_events():
    """That nothing happened in a market is an error of its own, and no hindrance: then other lists are read."""
    asked = []

    def reply(request):
        asked.append(request.url.path)
        if request.url.path.endswith("/buy/btcusd/"):
            return html(502)
        if request.url.path.endswith("/markets/"):
            info = {"name": "BTC/USD", "market_symbol": "btcusd", "base_currency": "BTC", "counter_currency": "USD"}
            return answer([{**info, "base_decimals": 8, "counter_decimals": 0, "minimum_order_value": "10"}])
        if "order_status" in request.url.path or "account_order_data" in request.url.path:
            code = "404.002" if "status" in request.url.path else "404.008"
            return answer({"status": "error", "reason": "Nothing", "response_code": code}, 404)
        return answer([])

    async with Bitstamp(transport=Script([reply]), api_key="k", api_secret="s", limits=None) as bitstamp:
        with pytest.raises(OutcomeUnknown) as caught:
            await bitstamp.trading.buy(**BUY)
        verdict = await bitstamp.reconcile(caught.value.intent, timeout_seconds=1.0)

    assert "one may still appear" in verdict.reason
    assert ["order_status", "markets", "account_order_data", "open_orders", "user_transactions"] == [
        path.split("/")[3] for path in asked[1:]
    ]
