"""What the searches of version 2 of Bitstamp make of what its reads may show."""

from datetime import timedelta

import pytest
from attrs import evolve

from exchanges.bitstamp.client_ids import MAX_ORDERS, PAGE_SIZE, SEARCHES
from exchanges.bitstamp.funding import Funding
from exchanges.bitstamp.models.account import UserTransaction
from exchanges.bitstamp.models.funding import InstantConvertAddressInfo
from exchanges.bitstamp.models.market import MarketInfo
from exchanges.bitstamp.models.trading import OpenOrder, OrderEvent, OrderStatus
from exchanges.bitstamp.trading import Trading
from exchanges.errors import NotFound
from exchanges.intents import ClockOffset
from tests.support.searches import AT, MINUTE, facts, models, query_for, search_in, specimen

GONE = NotFound("Order not found", code="404.002")
NOTHING = NotFound("no data", code="404.008")
ASKED = {"market": "btcusd", "amount": "2", "price": "1000", "client_order_id": "mine"}
MARKET = {**specimen("bitstamp/market.markets")[0], "name": "BTC/USD", "market_symbol": "btcusd"}
SHOWN = f"{AT:%Y-%m-%d %H:%M:%S}"
OPEN = {"id": "44", "datetime": SHOWN, "type": "0", "price": "1000", "amount": "2", "currency_pair": "BTC/USD"}
STATUS = {"id": "5", "status": "Open", "datetime": SHOWN, "type": 0, "market": "BTC/USD", "client_order_id": "mine"}
FILL = {"tid": 1, "price": "999", "fee": "0", "datetime": SHOWN, "type": 2, "btc": "0.5", "usd": "499.5"}
[EVENT, *_] = specimen("bitstamp/trading.account_order_data")
CREATED = {
    "id": 9,
    "order_type": 0,
    "datetime": f"{AT.timestamp():.0f}",
    "microtimestamp": f"{AT.timestamp() * 1_000_000:.0f}",
    "amount": 2,
    "amount_at_create": 2,
    "price": 1000,
}


def found(query, *, states=None, rows=(), trades=(), events=NOTHING):
    """Search for an order in what the reads show."""
    query = evolve(query, clock=ClockOffset(timedelta(0), timedelta(0)))
    answers = {
        "order_status": lambda **names: (states or {}).get(next(iter(names.values())), GONE),
        "markets": models([MARKET], MarketInfo),
        "account_order_data": events,
        "open_orders": models(rows, OpenOrder),
        "user_transactions": models(trades, UserTransaction),
    }
    return search_in(answers, SEARCHES, query)


def status(**changes):
    """Return the state of an order."""
    return models([{**STATUS, **changes}], OrderStatus)[0]


def trades(count, at=AT):
    """Return the trades of as many orders."""
    row = {
        "type": "2",
        "fee": "0",
        "btc": "0.1",
        "usd": "-100",
        "btc_usd": "1000",
        "datetime": f"{at:%Y-%m-%d %H:%M:%S}",
    }
    return [{**row, "id": 9000 - number, "order_id": number} for number in range(count)]


@pytest.mark.parametrize(
    ("shown", "sure"),
    [
        ({}, True),
        ({"amount_remaining": "2"}, True),
        ({"amount_remaining": "1.5", "transactions": [FILL]}, True),
        ({"amount_remaining": "1"}, False),
        ({"amount_remaining": "3"}, False),
        ({"amount_remaining": "3", "market": None}, False),
        ({"amount_remaining": "2", "transactions": [FILL]}, False),
        ({"type": 1}, False),
        ({"market": "ETH/USD"}, False),
    ],
)
def test_the_state_of_an_order_of_a_callers_id(shown, sure):
    """Somebody else may have used the id: an order of another amount is not certainly that of the call."""
    assert [("5", sure)] == facts(found(query_for(Trading.buy, **ASKED), states={"mine": status(**shown)}))


@pytest.mark.parametrize(
    ("call", "subtype", "sure"),
    [
        (Trading.buy, "LIMIT", True),
        (Trading.buy, "MARKET", False),
        (Trading.buy, "CASH", False),
        (Trading.buy, "STOP_LIMIT", True),  # of derivatives: no document says what plain orders are shown as
        (Trading.buy, None, True),
        (Trading.buy_market, "LIMIT", False),
        (Trading.buy_market, "MARKET", True),
        (Trading.buy_instant, "LIMIT", False),
        (Trading.buy_instant, "INSTANT", True),
    ],
)
def test_the_kind_of_an_order_of_a_callers_id(call, subtype, sure):
    """Somebody else may have placed an order of another kind under the id."""
    arguments = ASKED if call is Trading.buy else {name: text for name, text in ASKED.items() if name != "price"}
    matches = found(query_for(call, **arguments), states={"mine": status(subtype=subtype)})

    assert [("5", sure)] == facts(matches)


@pytest.mark.parametrize(("subtype", "sure"), [(0, True), (2, False), (22, True), (None, True)])
def test_the_kind_of_an_event_of_a_callers_id(subtype, sure):
    """So may one that events show."""
    shown = events(1, id=9, client_order_id="mine", order_subtype=subtype)

    assert [("9", sure)] == facts(found(query_for(Trading.buy, **ASKED), events=shown))


@pytest.mark.parametrize(
    ("changes", "sure"),
    [({}, True), ({"price": "1001"}, False), ({"amount": "3"}, False), ({"amount_at_create": "3"}, False)],
)
def test_an_open_order_of_a_callers_id(changes, sure):
    """So is one in the book that has another price or amount."""
    rows = [{**OPEN, "client_order_id": "mine", **changes}]

    assert [("44", sure)] == facts(found(query_for(Trading.buy, **ASKED), rows=rows))


def test_an_instant_order():
    """What an instant order to buy names is of the counter currency, so that no amount is compared."""
    query = query_for(Trading.buy_instant, market="btcusd", amount="2000", client_order_id="mine")

    assert [("5", True)] == facts(found(query, states={"mine": status(amount_remaining="3")}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["44"]),
        ({"price": "1001"}, []),
        ({"amount": "3"}, []),
        ({"type": "1"}, []),
        ({"currency_pair": "ETH/USD"}, []),
        ({"client_order_id": "another"}, []),
    ],
)
def test_an_order_that_is_shown_without_an_id(changes, expected):
    """One that is otherwise as the call asked for may be its order."""
    matches = found(query_for(Trading.buy, **ASKED), rows=[{**OPEN, **changes}])

    assert [(name, False) for name in expected] == facts(matches)


def test_an_event_and_a_state_without_an_id():
    """So may those among the events, and those that traded."""
    query = query_for(Trading.buy, **ASKED)
    event = {**EVENT, "event": "order_created", "data": CREATED}
    of_event = found(query, events=models([event], OrderEvent))
    of_trade = found(query, trades=trades(1), states={"0": status(client_order_id=None)})

    assert ([("9", False)], [("5", False)]) == (facts(of_event), facts(of_trade))


@pytest.mark.parametrize(("count", "complete"), [(MAX_ORDERS, True), (MAX_ORDERS + 1, False)])
def test_more_orders_traded_than_are_read(count, complete):
    """That none of those that were read is the order proves nothing then, nor if the state of one is not shown."""
    states = {str(n): status(id=str(n), client_order_id="other") for n in range(count)}
    query = query_for(Trading.buy, **ASKED)

    assert complete is found(query, trades=trades(count), states=states).complete
    assert found(query, trades=trades(count), states={}).complete is False


def events(count, **ids):
    """Return the events of as many orders."""
    rows = [{**EVENT, "event": "order_created", "data": {**CREATED, "id": n, **ids}} for n in range(count)]
    return models(rows, OrderEvent)


@pytest.mark.parametrize(
    ("age", "shown", "states", "unsettled"),
    [
        (MINUTE, 0, MAX_ORDERS, True),  # more than are read have traded, and their events are still to come
        (MINUTE, MAX_ORDERS, MAX_ORDERS, True),
        (MINUTE, MAX_ORDERS + 1, 1, True),  # a state is still to come
        (MINUTE, MAX_ORDERS + 1, MAX_ORDERS, False),  # they bear no id, and one of them is not read
        (MINUTE * 2 + timedelta(seconds=13), 0, 0, False),  # what traded as late as the call may have is shown by now
    ],
)
def test_orders_that_are_not_shown_yet(age, shown, states, unsettled):
    """Where a trade is shown before the event or the state of its order, asking again shows more."""
    query = evolve(query_for(Trading.buy, **ASKED), age=age)
    known = {str(n): status(id=str(n), client_order_id="other") for n in range(states)}
    matches = found(query, trades=trades(MAX_ORDERS + 1), states=known, events=events(shown, price=1) or NOTHING)

    assert (False, unsettled) == (matches.complete, matches.unsettled)


def test_orders_that_events_show_under_other_ids():
    """Their states are not read: what traded is known to be another call's, however much it is."""
    matches = found(query_for(Trading.buy, **ASKED), trades=trades(99), events=events(99, client_order_id="other"))

    assert ([], True) == (facts(matches), matches.complete)


@pytest.mark.parametrize(("code", "complete"), [("404.008", True), ("404.002", False), (None, False)])
def test_why_there_are_no_events(code, complete):
    """Only the code that says that nothing happened means that; another one may mean another market."""
    assert complete is found(query_for(Trading.buy, **ASKED), events=NotFound("none", code=code)).complete


def test_trades_that_do_not_reach_back():
    """A full list of newer trades shows nothing of what came before them."""
    later = trades(PAGE_SIZE, AT + timedelta(hours=1))
    assert not found(query_for(Trading.buy, **ASKED), trades=later).complete
    query = query_for(Funding.transfer_to_main, amount="1", currency="BTC")
    assert not search_in({"user_transactions": models(later, UserTransaction)}, SEARCHES, query).complete


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("BTC/USD", True),
        ("BTCUSD", True),
        ("btc/usd", True),
        ("btc_usd", True),
        ("USD", True),
        ("?", True),
        ("BTC/EUR", False),
        ("btceur", False),
    ],
)
def test_convert_addresses(pair, expected):
    """An address is of a currency however its pair is written; one whose pair cannot be read may be."""
    rows = models([{"address": A, "currency_pair": pair, "transactions": []}], InstantConvertAddressInfo)
    query = query_for(Funding.new_instant_convert_address, liquidation_currency="usd")

    assert [(A, False)] * expected == facts(search_in({"instant_convert_address_info": rows}, SEARCHES, query))


A = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
