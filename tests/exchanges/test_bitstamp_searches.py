from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.reconcile import SEARCHES
from exchanges.bitstamp.v1 import Funding, Order, OrderType, Trading, UserTransaction, WithdrawalRequest
from exchanges.endpoint import endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.outcomes.echoes import mismatches
from exchanges.outcomes.search import Matches, Read
from exchanges.wire import decode, dumps
from tests.support.searches import AT, look, look_at, seek, specimen
from tests.support.simulator_days import playing_bitstamp

# What no read shows, and why.
WITHOUT_EVIDENCE: dict[str, str] = {}

ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
GONE = NotFound("there is no such thing")
PLACED_AT = datetime(2013, 9, 26, 23, 15, 4, tzinfo=UTC)
[OPEN] = specimen("bitstamp/v1.trading.open_orders")
TRADED_AT = datetime(2013, 9, 26, 13, 28, 55, tzinfo=UTC)
TRANSACTIONS = specimen("bitstamp/v1.account.user_transactions")
FILL = {**TRANSACTIONS[1], "order_id": 7630204, "datetime": "2013-09-26 23:15:30", "btc_usd": "1.01", "btc": "0.4"}
REQUESTS = specimen("bitstamp/v1.funding.withdrawal_requests")
ASKED_AT = datetime(2013, 9, 26, 13, 46, 59, tzinfo=UTC)


def models(rows, kind):
    """What a read comes to."""
    return decode(dumps(list(rows)), list[kind], strict=True)


def recorded(sought, open_orders=(), transactions=(), requests=()):
    """What a search makes of recorded answers."""
    answers = {
        "open_orders": models(open_orders, Order),
        "user_transactions": models(transactions, UserTransaction),
        "withdrawal_requests": models(requests, WithdrawalRequest),
    }
    return look_at(answers, SEARCHES, sought)


def facts(traces: Matches):
    """Ids, and whether they are sure."""
    return [(trace.id, trace.sure) for trace in traces.candidates]


def test_every_call_that_is_never_repeated_has_a_search_or_a_reason():
    """No call of the client is forgotten, and no search is for a call that is not there."""
    once = {endpoint.id for endpoint in endpoints_of(Bitstamp) if endpoint.kind.is_once}

    assert once == SEARCHES.keys() | WITHOUT_EVIDENCE.keys()


# Orders, at the simulator


DECLARED = {OrderType.BUY: Trading.buy, OrderType.SELL: Trading.sell}
PRICES = {OrderType.BUY: 50_000, OrderType.SELL: 70_000}
CROSSING = {OrderType.BUY: 70_000, OrderType.SELL: 50_000}


@pytest.mark.asyncio
@pytest.mark.parametrize("side", OrderType)
async def test_an_order_that_waits_is_found(side):
    """It is the one candidate, sure, with the id and the moment of the answer."""
    async with playing_bitstamp() as (_, bitstamp, _):
        declared, call = DECLARED[side], getattr(bitstamp.v1.trading, side.name.lower())
        asked = {"amount": "0.01", "price": PRICES[side]}
        placed = await call(**asked)
        traces = await look(bitstamp, SEARCHES, seek(declared, **asked))
        made = SEARCHES[seek(declared, **asked).intent.endpoint].identify(placed)

        assert [(made.id, made.at, True)] == [(t.id, t.at, t.sure) for t in traces.candidates]
        assert (str(placed.id), True) == (made.id, traces.complete)


@pytest.mark.asyncio
@pytest.mark.parametrize("side", OrderType)
async def test_an_order_that_is_gone_is_found_in_doubt(side):
    """It traded at better prices than its limit, which nothing tells any more."""
    async with playing_bitstamp() as (_, bitstamp, _):
        declared, call = DECLARED[side], getattr(bitstamp.v1.trading, side.name.lower())
        asked = {"amount": "0.01", "price": CROSSING[side]}
        placed = await call(**asked)
        traces = await look(bitstamp, SEARCHES, seek(declared, **asked))

        assert ([(str(placed.id), False)], True) == (facts(traces), traces.complete)
        assert {placed.id} == {trade.order_id for trade in traces.candidates[0].found}


@pytest.mark.asyncio
@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_order_that_traded_in_part_is_found(cancelled):
    """What is left and what traded add up to what was asked for; without what is left there is doubt."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        sim.bitstamp.deposit("usd", Decimal(10_000_000))
        best = (await bitstamp.v1.market.order_book()).asks[0]
        asked = {"amount": best.amount + 1, "price": best.price}
        placed = await bitstamp.v1.trading.buy(**asked)
        if cancelled:
            await bitstamp.v1.trading.cancel_order(placed.id)
        traces = await look(bitstamp, SEARCHES, seek(Trading.buy, **asked))

        assert ([(str(placed.id), not cancelled)], True) == (facts(traces), traces.complete)
        assert ({UserTransaction} if cancelled else {Order, UserTransaction}) == {
            type(model) for model in traces.candidates[0].found
        }


@pytest.mark.asyncio
async def test_an_order_that_traded_later_is_found():
    """That its trade took place long after the call does not speak against it."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        asked = {"amount": "0.01", "price": (await bitstamp.v1.market.order_book()).bids[0].price + 1}
        placed = await bitstamp.v1.trading.buy(**asked)
        while await bitstamp.v1.trading.open_orders():
            sim.advance(3600)
        traces = await look(bitstamp, SEARCHES, seek(Trading.buy, **asked))

        assert ([(str(placed.id), False)], True) == (facts(traces), traces.complete)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("price", "declared", "changes"),
    [
        (50_000, Trading.sell, {}),
        (50_000, Trading.buy, {"price": "50000.01"}),
        (50_000, Trading.buy, {"amount": "0.009"}),
        (50_000, Trading.buy, {"at": AT + timedelta(hours=1)}),
        (50_000, Trading.buy, {"at": AT - timedelta(hours=1)}),
        (70_000, Trading.sell, {}),
        (70_000, Trading.buy, {"price": 50_000}),
        (70_000, Trading.buy, {"amount": "0.009"}),
        (70_000, Trading.buy, {"at": AT + timedelta(hours=1)}),
    ],
)
async def test_other_orders_are_not_found(price, declared, changes):
    """Another side, price, amount or moment is another order, waiting or filled; and nothing was overlooked."""
    async with playing_bitstamp() as (_, bitstamp, _):
        await bitstamp.v1.trading.buy(amount="0.01", price=price)
        traces = await look(bitstamp, SEARCHES, seek(declared, **{"amount": "0.01", "price": price, **changes}))

        assert Matches() == traces


@pytest.mark.asyncio
async def test_orders_of_others_are_not_found():
    """An account sees its own orders alone."""
    async with playing_bitstamp() as (_, bitstamp, other):
        await other.v1.trading.buy(amount="0.01", price=50_000)
        await other.v1.trading.buy(amount="0.01", price=70_000)
        traces = await look(bitstamp, SEARCHES, seek(Trading.buy, amount="0.01", price=50_000))

        assert Matches() == traces


@pytest.mark.asyncio
async def test_two_that_are_the_same_are_both_found():
    """Each is a candidate of its own."""
    async with playing_bitstamp() as (_, bitstamp, _):
        placed = {(await bitstamp.v1.trading.buy(amount="0.01", price=price)).id for price in (50_000,) * 2}
        traces = await look(bitstamp, SEARCHES, seek(Trading.buy, amount="0.01", price=50_000))

        assert {str(order_id) for order_id in placed} == {trace.id for trace in traces.candidates if trace.sure}


@pytest.mark.asyncio
async def test_many_trades_are_read_page_by_page():
    """An order whose trades lie behind more than a page is found all the same."""
    async with playing_bitstamp() as (_, bitstamp, _):
        placed = await bitstamp.v1.trading.buy(amount="0.5", price=70_000)
        for _ in range(60):
            await bitstamp.v1.trading.sell(amount="0.001", price=50_000)
            await bitstamp.v1.trading.buy(amount="0.001", price=70_000)
        traces = await look(bitstamp, SEARCHES, seek(Trading.buy, amount="0.5", price=70_000))
        [found] = [trace for trace in traces.candidates if trace.id == str(placed.id)]

        assert (Decimal("0.5"), True) == (sum(trade.amounts["btc"] for trade in found.found), traces.complete)


# Orders, in recorded answers


def test_the_recorded_open_order_is_found():
    """One that waits is sure where limit and amount are the same."""
    sought = seek(Trading.buy, PLACED_AT, amount="1", price="1.01")

    assert [("7630204", True)] == facts(recorded(sought, [OPEN], TRANSACTIONS))


def test_the_recorded_trade_is_found_in_doubt():
    """It may be of an order with any limit from its price on."""
    found = [
        facts(recorded(seek(Trading.buy, TRADED_AT, amount="3.00781124", price=price), (), TRANSACTIONS))
        for price in ("124.17", "124.18", "130")
    ]

    assert [[], [("7623942", False)], [("7623942", False)]] == found


@pytest.mark.parametrize(("amount", "sure"), [("0.6", True), ("0.5", False), ("1", False)])
def test_sums_that_do_not_add_up_are_in_doubt(amount, sure):
    """The lists are not of the same moment: what is left and what traded may be too much or too little together."""
    sought = seek(Trading.buy, PLACED_AT, amount="1", price="1.01")

    assert [("7630204", sure)] == facts(recorded(sought, [{**OPEN, "amount": amount}], [FILL]))


@pytest.mark.parametrize("changes", [{"amount": "1.1"}, {"price": "1.02"}, {"type": 1}])
def test_an_open_order_that_is_another_one(changes):
    """More left than was asked for, another limit and another side cannot be explained by time."""
    sought = seek(Trading.buy, PLACED_AT, amount="1", price="1.01")

    assert [] == facts(recorded(sought, [{**OPEN, **changes}]))


@pytest.mark.parametrize(
    "changes",
    [
        {"btc": "1.1"},
        {"btc": "-0.4"},
        {"btc_usd": "1.02"},
        {"btc_usd": "0.00", "btc_eur": "0.9"},
        {"datetime": "2013-09-26 23:10:00"},
    ],
)
@pytest.mark.parametrize("is_open", [False, True])
def test_an_order_whose_trades_are_others(changes, is_open):
    """Too much, another side, a worse price, another market or an earlier moment: its order is another one."""
    sought = seek(Trading.buy, PLACED_AT, amount="1", price="1.01")
    orders = [{**OPEN, "amount": "0.6"}] if is_open else []

    assert [] == facts(recorded(sought, orders, [{**FILL, **changes}]))


def test_a_trade_without_its_price_is_in_doubt():
    """The document names no price of a transaction."""
    row = {key: value for key, value in FILL.items() if key != "btc_usd"}
    sought = seek(Trading.buy, PLACED_AT, amount="1", price="1.01")

    assert [("7630204", False)] == facts(recorded(sought, (), [row]))


@pytest.mark.parametrize("changes", [{"price": "1.009"}, {"amount": "0.999999999"}])
def test_what_may_have_been_rounded_is_in_doubt(changes):
    """A price or an amount that differs by less than the exchange writes may be the one that was asked for."""
    sought = seek(Trading.buy, PLACED_AT, **{"amount": "1", "price": "1.01", **changes})

    assert [("7630204", False)] == facts(recorded(sought, [OPEN]))


@pytest.mark.parametrize("answers", [{"open_orders": GONE}, {"user_transactions": GONE}])
def test_a_list_that_is_not_there_is_not_complete(answers):
    """What is not shown may hold the order."""
    answers = {"open_orders": [], "user_transactions": [], **answers}

    assert Matches(complete=False) == look_at(answers, SEARCHES, seek(Trading.buy, amount="1", price="1.01"))


# Withdrawals


@pytest.mark.asyncio
async def test_a_bitcoin_withdrawal_is_found():
    """It is listed at once, by the id that the call answered with; there it names its address."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        sought = seek(Funding.bitcoin_withdrawal, amount="0.1", address=ADDRESS)
        before = await look(bitstamp, SEARCHES, sought)
        made = SEARCHES[sought.intent.endpoint].identify(
            await bitstamp.v1.funding.bitcoin_withdrawal(amount="0.1", address=ADDRESS)
        )
        after = await look(bitstamp, SEARCHES, sought)
        sim.advance(7200)
        finished = await look(bitstamp, SEARCHES, sought)

        assert (Matches(), [(made.id, True)], [(made.id, True)]) == (before, facts(after), facts(finished))
        assert AT == after.candidates[0].at


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"address": "1Elsewhere"}, [False]),
        ({"amount": "0.2"}, []),
        ({"at": AT + timedelta(hours=1)}, []),
        ({"at": AT - timedelta(hours=1)}, []),
    ],
)
async def test_other_bitcoin_withdrawals(changes, found):
    """What the data of a request mean is not documented, so another text there leaves doubt and no more."""
    async with playing_bitstamp() as (_, bitstamp, _):
        await bitstamp.v1.funding.bitcoin_withdrawal(amount="0.1", address=ADDRESS)
        sought = seek(Funding.bitcoin_withdrawal, **{"amount": "0.1", "address": ADDRESS, **changes})
        traces = await look(bitstamp, SEARCHES, sought)

        assert (found, True) == ([trace.sure for trace in traces.candidates], traces.complete)


def test_the_documented_request_is_found_in_doubt():
    """It has no data; what goes elsewhere than to the bitcoin network is none."""
    found = [
        facts(recorded(seek(Funding.bitcoin_withdrawal, at, amount=amount, address=ADDRESS), requests=REQUESTS))
        for at, amount in ((ASKED_AT, "3.00781124"), (datetime(2013, 9, 20, 9, tzinfo=UTC), "20"))
    ]

    assert [[("7", False)], []] == found


def test_requests_that_are_not_there_are_not_complete():
    """What is not shown may hold the withdrawal."""
    sought = seek(Funding.bitcoin_withdrawal, amount="1", address=ADDRESS)

    assert Matches(complete=False) == look_at({"withdrawal_requests": GONE}, SEARCHES, sought)


@pytest.mark.asyncio
async def test_a_ripple_withdrawal_is_found_in_doubt():
    """Amount, currency and moment are compared, the address cannot be; that there is none is no proof."""
    async with playing_bitstamp() as (_, bitstamp, _):
        asked = {"amount": "10", "address": "rElsewhere", "currency": "USD"}
        sought = seek(Funding.ripple_withdrawal, **asked)
        before = await look(bitstamp, SEARCHES, sought)
        done = await bitstamp.v1.funding.ripple_withdrawal(**asked)
        after = await look(bitstamp, SEARCHES, sought)
        others = [
            await look(bitstamp, SEARCHES, seek(Funding.ripple_withdrawal, **{**asked, **changes}))
            for changes in ({"amount": "11"}, {"currency": "BTC"}, {"at": AT + timedelta(hours=1)})
        ]

        assert [Matches(complete=False)] * 4 == [before, *others]
        assert ([False], AT, True) == ([t.sure for t in after.candidates], after.candidates[0].at, after.complete)
        assert SEARCHES[sought.intent.endpoint].identify(done) is None


# What answers repeat


@pytest.mark.parametrize("side", OrderType)
@pytest.mark.parametrize("name", [None, "type", "amount", "price"])
def test_what_answers_repeat(side, name):
    """Side, amount and price of the recorded answer are those of its order; any other is noticed."""
    other = {"type": 1 - int(side), "amount": "2", "price": "1.02"}
    sent = prepare(Read.of(DECLARED[side]).endpoint, {"amount": 1, "price": "1.01"}, "https://here")
    said = {**OPEN, "datetime": "2013-09-26 23:26:56.849475", "type": int(side)}
    said |= {name: other[name]} if name else {}

    assert [name] * bool(name) == mismatches(sent, decode(dumps(said), Order, strict=True))
