from datetime import UTC, datetime

import pytest

from exchanges.bitso.reconcile import SEARCHES
from exchanges.bitso.v2 import AmountUnit, Order, OrderStatus, Trading, UserTransaction
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.outcomes.response import mismatches
from exchanges.outcomes.search import Matches, Read
from exchanges.wire import decode, dumps
from tests.support.searches import dated, facts, models, query_for, search, search_in, specimen
from tests.support.simulator_days import playing_bitso

PLACED_AT = datetime(2015, 11, 12, 12, 33, 47, tzinfo=UTC)
GONE = NotFound("there is no such order")
OPEN_ORDERS = specimen("bitso/v2.trading.open_orders")
LOOKED_UP = specimen("bitso/v2.trading.lookup_order")
TRANSACTIONS = specimen("bitso/v2.account.user_transactions")
AT_ANOTHER = "2015-11-12 12:30:00"
QUERY = query_for(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), amount="0.01", price="5600")
PARTLY, ACTIVE = OPEN_ORDERS[0]["id"], OPEN_ORDERS[1]["id"]


def documented(query, open_orders=(), looked_up=GONE, transactions=()):
    """What a search makes of documented answers."""
    answers = {
        "open_orders": models(list(open_orders), Order),
        "user_transactions": models(list(transactions), UserTransaction),
        "lookup_order": looked_up if looked_up is GONE else models(looked_up, Order),
    }
    return search_in(answers, SEARCHES, query)


# Orders, at the simulator


async def test_market_orders_are_found():
    """They bear the price 0, and are not taken for limit orders nor these for them."""
    async with playing_bitso() as (_, bitso, _):
        sold = await bitso.v2.trading.sell(amount="0.02")
        bought = await bitso.v2.trading.buy(amount="0.02", amount_unit=AmountUnit.MAJOR)
        await bitso.v2.trading.sell(amount="0.02", price=900_000)
        await bitso.v2.trading.buy(amount="0.02", price=1_300_000)
        sell = await search(bitso, SEARCHES, query_for(Trading.sell, amount="0.02"))
        buy = await search(bitso, SEARCHES, query_for(Trading.buy, amount="0.02", amount_unit=AmountUnit.MAJOR))

        assert ([(sold.id, True)], [(bought.id, True)]) == (facts(sell), facts(buy))


async def test_a_market_order_to_buy_may_have_been_counted_otherwise():
    """One of another amount may be it, as nobody knows what the exchange counts in; of one to sell everybody does."""
    async with playing_bitso() as (_, bitso, _):
        bought = await bitso.v2.trading.buy(amount="0.02", amount_unit=AmountUnit.MAJOR)
        await bitso.v2.trading.sell(amount="0.02")
        buy = await search(bitso, SEARCHES, query_for(Trading.buy, amount="21600", amount_unit=AmountUnit.MINOR))
        sell = await search(bitso, SEARCHES, query_for(Trading.sell, amount="0.03"))

        assert ([(bought.id, False)], []) == (facts(buy), facts(sell))


async def test_the_other_book_is_read():
    """An order in another book is found there, and its major currency is not bitcoin."""
    async with playing_bitso() as (_, bitso, _):
        asked = {"amount": "3", "price": 20, "book": "xrp_mxn"}
        placed = await bitso.v2.trading.buy(**asked)
        matches = await search(bitso, SEARCHES, query_for(Trading.buy, **asked))

        assert [(placed.id, True)] == facts(matches)


# Orders, in documented answers


def test_the_documented_open_order_is_found():
    """One that has not traded tells its whole amount, so it need not be looked up."""
    query = query_for(Trading.buy, PLACED_AT, amount="0.1268", price="4000")

    assert [(ACTIVE, True)] == facts(documented(query, OPEN_ORDERS))


def test_the_documented_looked_up_order_is_found():
    """One that traded in part is looked up."""
    matches = documented(QUERY, OPEN_ORDERS, LOOKED_UP)

    assert [(PARTLY, True, OrderStatus.CANCELLED)] == [(t.id, t.sure, t.found.status) for t in matches.candidates]


@pytest.mark.parametrize("missing", [GONE, []])
def test_an_order_that_cannot_be_looked_up_is_in_doubt(missing):
    """What lists show before looking up does may be it."""
    assert [(PARTLY, False)] == facts(documented(QUERY, OPEN_ORDERS, missing))


def test_a_trade_whose_order_cannot_be_looked_up_is_in_doubt():
    """The documented trade may be of the order that is query."""
    query = query_for(Trading.sell, datetime(2015, 10, 9, 13, 45, tzinfo=UTC), amount="1", price="4000")
    [match] = documented(query, transactions=TRANSACTIONS).candidates

    assert (TRANSACTIONS[2]["order_id"], False) == (match.id, match.sure)


def test_a_trade_from_before_the_call_is_none():
    """Its order was placed before, so it need not even be looked up, unless the moment is wrong by a zone or a day."""
    query = query_for(Trading.sell, datetime(2015, 10, 11, 13, 47, tzinfo=UTC), amount="1", price="4000")

    assert Matches() == documented(query, transactions=TRANSACTIONS)


@pytest.mark.parametrize("changes", [{"book": "eth_mxn"}, {"type": "0"}, {"price": "5600.01"}, {"created": AT_ANOTHER}])
def test_an_order_that_turns_out_to_be_another(changes):
    """What looking it up tells is compared once more."""
    assert Matches() == dated(documented(QUERY, OPEN_ORDERS, [{**LOOKED_UP[0], **changes}]))


@pytest.mark.parametrize("status", ["-1", "1"])
def test_an_amount_may_be_what_is_left(status):
    """Of an order that traded in part, less than was asked for is no proof against it; more is."""
    less, more = ([{**LOOKED_UP[0], "amount": amount, "status": status}] for amount in ("0.004", "0.02"))

    assert ([(PARTLY, False)], []) == tuple(facts(documented(QUERY, OPEN_ORDERS, rows)) for rows in (less, more))


@pytest.mark.parametrize("changes", [{"price": "5600.004"}, {"amount": "0.010000001"}])
def test_what_may_have_been_rounded_is_in_doubt(changes):
    """A price or an amount that differs by less than the exchange writes may be the one that was asked for."""
    asked = {"amount": "0.01", "price": "5600", **changes}
    query = query_for(Trading.sell, datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), **asked)

    assert [(PARTLY, False)] == facts(documented(query, OPEN_ORDERS, LOOKED_UP))


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
    matches = search_in(answers, SEARCHES, query_for(Trading.sell, PLACED_AT, amount="0.01", price="5600"))

    assert ([50, 20], names) == (asked, sorted(match.id for match in matches.candidates))


def test_a_list_that_is_too_long_is_not_complete():
    """After ten pages that do not reach back to the call, not everything was seen."""
    rows = models([TRANSACTIONS[2]] * 2000, UserTransaction)
    answers = {
        "open_orders": [],
        "user_transactions": lambda offset=0, limit=100, **_: rows[offset : offset + limit],
        "lookup_order": GONE,
    }
    query = query_for(Trading.buy, datetime(2015, 10, 9, 13, 45, 46, tzinfo=UTC), amount="1", price="5600")

    assert Matches(complete=False) == search_in(answers, SEARCHES, query)


# What answers repeat


def test_a_market_order_repeats_less():
    """Its answer lacks amount and price, which is no contradiction."""
    said = {"id": ACTIVE, "book": "btc_mxn", "datetime": "2015-11-12 12:53:28", "type": "0"}
    sent = prepare(Read.of(Trading.buy).endpoint, {"amount": 100, "amount_unit": "minor"}, "https://here")

    assert [] == mismatches(sent, decode(dumps(said), Order, strict=True))
