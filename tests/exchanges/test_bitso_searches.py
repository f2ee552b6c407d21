from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges.bitso import Bitso
from exchanges.bitso.reconcile import SEARCHES
from exchanges.bitso.v2 import AmountUnit, Order, OrderStatus, OrderType, Trading, UserTransaction
from exchanges.endpoint import endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.outcomes.echoes import mismatches
from exchanges.outcomes.search import Matches, Read
from exchanges.wire import decode, dumps
from tests.support.searches import AT, look, look_at, seek, specimen
from tests.support.simulator_days import playing_bitso

# What no read shows, and why.
WITHOUT_EVIDENCE: dict[str, str] = {}

PLACED_AT = datetime(2015, 11, 12, 12, 33, 47, tzinfo=UTC)
GONE = NotFound("there is no such order")
OPEN_ORDERS = specimen("bitso/v2.trading.open_orders")
LOOKED_UP = specimen("bitso/v2.trading.lookup_order")
TRANSACTIONS = specimen("bitso/v2.account.user_transactions")
AT_ANOTHER = "2015-11-12 12:30:00"
PARTLY, ACTIVE = OPEN_ORDERS[0]["id"], OPEN_ORDERS[1]["id"]


def models(rows, kind):
    """What a read comes to."""
    return decode(dumps(rows), list[kind], strict=True)


def documented(sought, open_orders=(), looked_up=GONE, transactions=()):
    """What a search makes of documented answers."""
    answers = {
        "open_orders": models(list(open_orders), Order),
        "user_transactions": models(list(transactions), UserTransaction),
        "lookup_order": looked_up if looked_up is GONE else models(looked_up, Order),
    }
    return look_at(answers, SEARCHES, sought)


def facts(traces: Matches):
    """Ids, and whether they are sure."""
    return [(trace.id, trace.sure) for trace in traces.candidates]


def test_every_call_that_is_never_repeated_has_a_search_or_a_reason():
    """No call of the client is forgotten, and no search is for a call that is not there."""
    once = {endpoint.id for endpoint in endpoints_of(Bitso) if endpoint.kind.is_once}

    assert once == SEARCHES.keys() | WITHOUT_EVIDENCE.keys()


# Orders, at the simulator


DECLARED = {OrderType.BUY: Trading.buy, OrderType.SELL: Trading.sell}
PRICES = {OrderType.BUY: 900_000, OrderType.SELL: 1_300_000}
CROSSING = {OrderType.BUY: 1_300_000, OrderType.SELL: 900_000}


@pytest.mark.asyncio
@pytest.mark.parametrize("side", OrderType)
async def test_an_order_that_waits_is_found(side):
    """It is the one candidate, sure, with the id and the moment of the answer."""
    async with playing_bitso() as (_, bitso, _):
        declared, call = DECLARED[side], getattr(bitso.v2.trading, side.name.lower())
        asked = {"amount": "0.01", "price": PRICES[side]}
        placed = await call(**asked)
        traces = await look(bitso, SEARCHES, seek(declared, **asked))
        made = SEARCHES[seek(declared, **asked).intent.endpoint].identify(placed)

        assert [(made.id, made.at, True)] == [(t.id, t.at, t.sure) for t in traces.candidates]
        assert (placed.id, True) == (made.id, traces.complete)


@pytest.mark.asyncio
@pytest.mark.parametrize("side", OrderType)
async def test_an_order_that_traded_at_once_is_found(side):
    """Its own limit is compared, though it traded at better prices."""
    async with playing_bitso() as (_, bitso, _):
        declared, call = DECLARED[side], getattr(bitso.v2.trading, side.name.lower())
        asked = {"amount": "0.01", "price": CROSSING[side], "book": "btc_mxn"}
        placed = await call(**asked)
        traces = await look(bitso, SEARCHES, seek(declared, **asked))
        [trace] = traces.candidates

        assert (placed.id, True, True) == (trace.id, trace.sure, traces.complete)
        assert (OrderStatus.COMPLETE, Decimal(CROSSING[side])) == (trace.found.status, trace.found.price)


@pytest.mark.asyncio
@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_order_that_traded_in_part_is_found(cancelled):
    """Its whole amount is compared, whether the rest waits or was cancelled."""
    async with playing_bitso() as (sim, bitso, _):
        sim.bitso.deposit("mxn", Decimal(100_000_000))
        best = (await bitso.v2.market.order_book()).asks[0]
        asked = {"amount": best.amount + 1, "price": best.price}
        placed = await bitso.v2.trading.buy(**asked)
        if cancelled:
            await bitso.v2.trading.cancel_order(placed.id)
        traces = await look(bitso, SEARCHES, seek(Trading.buy, **asked))

        assert ([(placed.id, True)], True) == (facts(traces), traces.complete)


@pytest.mark.asyncio
async def test_an_order_that_traded_later_is_found():
    """That its trade took place long after the call does not speak against it."""
    async with playing_bitso() as (sim, bitso, _):
        asked = {"amount": "0.01", "price": (await bitso.v2.market.order_book()).bids[0].price + 1}
        placed = await bitso.v2.trading.buy(**asked)
        while await bitso.v2.trading.open_orders():
            sim.advance(3600)
        traces = await look(bitso, SEARCHES, seek(Trading.buy, **asked))

        assert ([(placed.id, True)], True) == (facts(traces), traces.complete)


@pytest.mark.asyncio
async def test_market_orders_are_found():
    """They bear the price 0, and are not taken for limit orders nor these for them."""
    async with playing_bitso() as (_, bitso, _):
        sold = await bitso.v2.trading.sell(amount="0.02")
        bought = await bitso.v2.trading.buy(amount="0.02", amount_unit=AmountUnit.MAJOR)
        await bitso.v2.trading.sell(amount="0.02", price=900_000)
        await bitso.v2.trading.buy(amount="0.02", price=1_300_000)
        sell = await look(bitso, SEARCHES, seek(Trading.sell, amount="0.02"))
        buy = await look(bitso, SEARCHES, seek(Trading.buy, amount="0.02", amount_unit=AmountUnit.MAJOR))

        assert ([(sold.id, True)], [(bought.id, True)]) == (facts(sell), facts(buy))


@pytest.mark.asyncio
async def test_a_market_order_to_buy_may_have_been_counted_otherwise():
    """One of another amount may be it, as nobody knows what the exchange counts in; of one to sell everybody does."""
    async with playing_bitso() as (_, bitso, _):
        bought = await bitso.v2.trading.buy(amount="0.02", amount_unit=AmountUnit.MAJOR)
        await bitso.v2.trading.sell(amount="0.02")
        buy = await look(bitso, SEARCHES, seek(Trading.buy, amount="21600", amount_unit=AmountUnit.MINOR))
        sell = await look(bitso, SEARCHES, seek(Trading.sell, amount="0.03"))

        assert ([(bought.id, False)], []) == (facts(buy), facts(sell))


@pytest.mark.asyncio
@pytest.mark.parametrize("price", [900_000, 1_300_000])
@pytest.mark.parametrize(
    ("declared", "changes"),
    [
        (Trading.sell, {}),
        (Trading.buy, {"price": 900_001}),
        (Trading.buy, {"amount": "0.02"}),
        (Trading.buy, {"book": "btc_usd"}),
        (Trading.buy, {"at": AT + timedelta(hours=1)}),
        (Trading.buy, {"at": AT - timedelta(hours=1)}),
    ],
)
async def test_other_orders_are_not_found(price, declared, changes):
    """Another side, price, amount, book or moment is another order, waiting or filled; and nothing was overlooked."""
    async with playing_bitso() as (_, bitso, _):
        await bitso.v2.trading.buy(amount="0.01", price=price)
        traces = await look(bitso, SEARCHES, seek(declared, **{"amount": "0.01", "price": price, **changes}))

        assert Matches() == traces


@pytest.mark.asyncio
async def test_orders_of_others_are_not_found():
    """An account sees its own orders alone."""
    async with playing_bitso() as (_, bitso, other):
        await other.v2.trading.buy(amount="0.01", price=900_000)
        traces = await look(bitso, SEARCHES, seek(Trading.buy, amount="0.01", price=900_000))

        assert Matches() == traces


@pytest.mark.asyncio
async def test_two_that_are_the_same_are_both_found():
    """Each is a candidate of its own."""
    async with playing_bitso() as (_, bitso, _):
        placed = {(await bitso.v2.trading.buy(amount="0.01", price=price)).id for price in (900_000,) * 2}
        traces = await look(bitso, SEARCHES, seek(Trading.buy, amount="0.01", price=900_000))

        assert placed == {trace.id for trace in traces.candidates if trace.sure}


@pytest.mark.asyncio
async def test_the_other_book_is_read():
    """An order in another book is found there, and its major currency is not bitcoin."""
    async with playing_bitso() as (_, bitso, _):
        asked = {"amount": "3", "price": 20, "book": "xrp_mxn"}
        placed = await bitso.v2.trading.buy(**asked)
        traces = await look(bitso, SEARCHES, seek(Trading.buy, **asked))

        assert [(placed.id, True)] == facts(traces)


@pytest.mark.asyncio
async def test_many_trades_are_read_page_by_page():
    """An order whose trades lie behind more than a page is found all the same."""
    async with playing_bitso() as (_, bitso, _):
        asked = {"amount": "0.01", "price": 1_300_000}
        placed = await bitso.v2.trading.buy(**asked)
        for _ in range(60):
            await bitso.v2.trading.sell(amount="0.001", price=900_000)
            await bitso.v2.trading.buy(amount="0.001", price=1_300_000)
        traces = await look(bitso, SEARCHES, seek(Trading.buy, **asked))

        assert ([(placed.id, True)], True) == (facts(traces), traces.complete)


# Orders, in documented answers


def test_the_documented_open_order_is_found():
    """One that has not traded tells its whole amount, so it need not be looked up."""
    sought = seek(Trading.buy, PLACED_AT, amount="0.1268", price="4000")

    assert [(ACTIVE, True)] == facts(documented(sought, OPEN_ORDERS))


def test_the_documented_looked_up_order_is_found():
    """One that traded in part is looked up."""
    sought = seek(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), amount="0.01", price="5600")
    traces = documented(sought, OPEN_ORDERS, LOOKED_UP)

    assert [(PARTLY, True, OrderStatus.CANCELLED)] == [(t.id, t.sure, t.found.status) for t in traces.candidates]


@pytest.mark.parametrize("missing", [GONE, []])
def test_an_order_that_cannot_be_looked_up_is_in_doubt(missing):
    """What lists show before looking up does may be it."""
    sought = seek(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), amount="0.01", price="5600")

    assert [(PARTLY, False)] == facts(documented(sought, OPEN_ORDERS, missing))


def test_a_trade_whose_order_cannot_be_looked_up_is_in_doubt():
    """The documented trade may be of the order that is sought."""
    sought = seek(Trading.sell, datetime(2015, 10, 9, 13, 45, tzinfo=UTC), amount="1", price="4000")
    [trace] = documented(sought, transactions=TRANSACTIONS).candidates

    assert (TRANSACTIONS[2]["order_id"], False) == (trace.id, trace.sure)


def test_a_trade_from_before_the_call_is_none():
    """Its order was placed before, so it need not even be looked up."""
    sought = seek(Trading.sell, datetime(2015, 10, 9, 13, 47, tzinfo=UTC), amount="1", price="4000")

    assert Matches() == documented(sought, transactions=TRANSACTIONS)


@pytest.mark.parametrize("changes", [{"book": "eth_mxn"}, {"type": "0"}, {"price": "5600.01"}, {"created": AT_ANOTHER}])
def test_an_order_that_turns_out_to_be_another(changes):
    """What looking it up tells is compared once more."""
    sought = seek(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), amount="0.01", price="5600")

    assert Matches() == documented(sought, OPEN_ORDERS, [{**LOOKED_UP[0], **changes}])


@pytest.mark.parametrize("status", ["-1", "1"])
def test_an_amount_may_be_what_is_left(status):
    """Of an order that traded in part, less than was asked for is no proof against it; more is."""
    sought = seek(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), amount="0.01", price="5600")
    less, more = ([{**LOOKED_UP[0], "amount": amount, "status": status}] for amount in ("0.004", "0.02"))

    assert ([(PARTLY, False)], []) == tuple(facts(documented(sought, OPEN_ORDERS, rows)) for rows in (less, more))


@pytest.mark.parametrize("changes", [{"price": "5600.004"}, {"amount": "0.010000001"}])
def test_what_may_have_been_rounded_is_in_doubt(changes):
    """A price or an amount that differs by less than the exchange writes may be the one that was asked for."""
    asked = {"amount": "0.01", "price": "5600", **changes}
    sought = seek(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), **asked)

    assert [(PARTLY, False)] == facts(documented(sought, OPEN_ORDERS, LOOKED_UP))


def test_looking_up_many():
    """Many orders are looked up in parts."""
    trade = {**TRANSACTIONS[2], "datetime": "2015-11-12 12:33:47"}
    names = [f"order{number:03}" for number in range(70)]
    asked = []

    def lookup(order_id):
        asked.append(len(order_id))
        return models([{**LOOKED_UP[0], "id": name, "created": "2015-11-12 12:33:47"} for name in order_id], Order)

    trades = [{**trade, "id": number, "order_id": name} for number, name in enumerate(names)]
    answers = {"open_orders": [], "user_transactions": models(trades, UserTransaction), "lookup_order": lookup}
    traces = look_at(answers, SEARCHES, seek(Trading.sell, PLACED_AT, amount="0.01", price="5600"))

    assert ([50, 20], names) == (asked, sorted(trace.id for trace in traces.candidates))


def test_a_list_that_is_too_long_is_not_complete():
    """After ten pages that do not reach back to the call, not everything was seen."""
    rows = models([TRANSACTIONS[2]] * 2000, UserTransaction)
    answers = {
        "open_orders": [],
        "user_transactions": lambda offset=0, limit=100, **_: rows[offset : offset + limit],
        "lookup_order": GONE,
    }
    sought = seek(Trading.buy, datetime(2015, 10, 9, 13, 45, 46, tzinfo=UTC), amount="1", price="5600")

    assert Matches(complete=False) == look_at(answers, SEARCHES, sought)


@pytest.mark.parametrize("answers", [{"open_orders": GONE}, {"user_transactions": GONE}])
def test_a_list_that_is_not_there_is_not_complete(answers):
    """An exchange that does not know the book shows nothing of it."""
    answers = {"open_orders": [], "user_transactions": [], **answers}

    assert Matches(complete=False) == look_at(answers, SEARCHES, seek(Trading.buy, amount="1", price="5600"))


# What answers repeat

PLACED = {**OPEN_ORDERS[1], "book": "btc_mxn"}


@pytest.mark.parametrize("side", OrderType)
@pytest.mark.parametrize("name", [None, "type", "amount", "price", "book"])
def test_what_answers_repeat(side, name):
    """Side, amount, price and book of the documented answer are those of its order; any other is noticed."""
    other = {"type": str(1 - int(side)), "amount": "0.1", "price": "4000.01", "book": "eth_mxn"}
    asked = {"amount": "0.1268", "price": 4000, "book": "btc_mxn"}
    sent = prepare(Read.of(DECLARED[side]).endpoint, asked, "https://here")
    said = {**PLACED, "type": str(int(side)), **({name: other[name]} if name else {})}

    assert [name] * bool(name) == mismatches(sent, decode(dumps(said), Order, strict=True))


def test_a_market_order_repeats_less():
    """Its answer lacks amount and price, which is no contradiction."""
    said = {"id": ACTIVE, "book": "btc_mxn", "datetime": "2015-11-12 12:53:28", "type": "0"}
    sent = prepare(Read.of(Trading.buy).endpoint, {"amount": 100, "amount_unit": "minor"}, "https://here")

    assert [] == mismatches(sent, decode(dumps(said), Order, strict=True))
