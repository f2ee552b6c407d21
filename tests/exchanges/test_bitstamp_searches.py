from datetime import UTC, datetime, timedelta

import pytest

from exchanges.bitstamp.reconcile import SEARCHES
from exchanges.bitstamp.v1 import Funding, Order, Trading, UserTransaction, WithdrawalRequest
from exchanges.errors import NotFound
from exchanges.outcomes.search import Matches
from tests.support.searches import AT, facts, models, query_for, search, search_in, specimen
from tests.support.simulator_days import playing_bitstamp

ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
GONE = NotFound("there is no such thing")
PLACED_AT = datetime(2013, 9, 26, 23, 15, 4, tzinfo=UTC)
[OPEN] = specimen("bitstamp/v1.trading.open_orders")
TRADED_AT = datetime(2013, 9, 26, 13, 28, 55, tzinfo=UTC)
TRANSACTIONS = specimen("bitstamp/v1.account.user_transactions")
FILL = {**TRANSACTIONS[1], "order_id": 7630204, "datetime": "2013-09-26 23:15:30", "btc_usd": "1.01", "btc": "0.4"}
QUERY = query_for(Trading.buy, PLACED_AT, amount="1", price="1.01")
REQUESTS = specimen("bitstamp/v1.funding.withdrawal_requests")
ASKED_AT = datetime(2013, 9, 26, 13, 46, 59, tzinfo=UTC)


def recorded(query, open_orders=(), transactions=(), requests=()):
    """What a search makes of recorded answers."""
    answers = {
        "open_orders": models(open_orders, Order),
        "user_transactions": models(transactions, UserTransaction),
        "withdrawal_requests": models(requests, WithdrawalRequest),
    }
    return search_in(answers, SEARCHES, query)


# Orders, in recorded answers


def test_the_recorded_open_order_is_found():
    """One that waits is sure where limit and amount are the same."""
    assert [("7630204", True)] == facts(recorded(QUERY, [OPEN], TRANSACTIONS))


@pytest.mark.usefixtures("strange_context")
def test_the_recorded_trade_is_found_in_doubt():
    """It may be of an order with any limit from its price on."""
    found = [
        facts(recorded(query_for(Trading.buy, TRADED_AT, amount="3.00781124", price=price), (), TRANSACTIONS))
        for price in ("124.17", "124.18", "130")
    ]

    assert [[], [("7623942", False)], [("7623942", False)]] == found


@pytest.mark.parametrize(("amount", "sure"), [("0.6", True), ("0.5", False), ("1", False)])
def test_sums_that_do_not_add_up_are_in_doubt(amount, sure):
    """The lists are not of the same moment: what is left and what traded may be too much or too little together."""
    assert [("7630204", sure)] == facts(recorded(QUERY, [{**OPEN, "amount": amount}], [FILL]))


@pytest.mark.parametrize("changes", [{"amount": "1.1"}, {"price": "1.02"}, {"type": 1}])
def test_an_open_order_that_is_another_one(changes):
    """More left than was asked for, another limit and another side cannot be explained by time."""
    assert [] == facts(recorded(QUERY, [{**OPEN, **changes}]))


@pytest.mark.parametrize(
    "changes",
    [
        {"btc": "1.1"},
        {"btc": "-0.4"},
        {"btc_usd": "1.02"},
        {"btc_usd": "0.00", "btc_eur": "0.9"},
        {"datetime": "2013-09-25 23:10:00"},
    ],
)
@pytest.mark.parametrize("is_open", [False, True])
def test_an_order_whose_trades_are_others(changes, is_open):
    """Too much, another side, a worse price, another market or an earlier moment: its order is another one."""
    orders = [{**OPEN, "amount": "0.6"}] if is_open else []

    assert [] == facts(recorded(QUERY, orders, [{**FILL, **changes}]))


def test_a_trade_of_an_earlier_moment_is_in_doubt():
    """A trade from before the call is none of its order's, unless its moment is wrong by a zone or a day."""
    fill = {**FILL, "datetime": "2013-09-26 23:10:00"}
    (alone,) = recorded(QUERY, (), [fill]).candidates
    (beside,) = recorded(QUERY, [{**OPEN, "amount": "0.6"}], [fill]).candidates

    assert ((True, False), (False, False)) == ((alone.misdated, alone.sure), (beside.misdated, beside.sure))


def test_rows_that_are_shown_twice():
    """An order and its trades that are shown twice are one order, with each trade counted once."""
    order = {**OPEN, "amount": "0.6"}

    assert facts(recorded(QUERY, [order], [FILL])) == facts(recorded(QUERY, [order, order], [FILL, FILL]))


def test_a_trade_without_its_price_is_in_doubt():
    """The document names no price of a transaction."""
    row = {key: value for key, value in FILL.items() if key != "btc_usd"}
    assert [("7630204", False)] == facts(recorded(QUERY, (), [row]))


@pytest.mark.parametrize("changes", [{"price": "1.009"}, {"amount": "0.999999999"}])
def test_what_may_have_been_rounded_is_in_doubt(changes):
    """A price or an amount that differs by less than the exchange writes may be the one that was asked for."""
    query = query_for(Trading.buy, PLACED_AT, **{"amount": "1", "price": "1.01", **changes})

    assert [("7630204", False)] == facts(recorded(query, [OPEN]))


# Withdrawals


async def test_a_bitcoin_withdrawal_is_found():
    """It is listed at once, by the id that the call answered with; there it names its address."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        query = query_for(Funding.bitcoin_withdrawal, amount="0.1", address=ADDRESS)
        before = await search(bitstamp, SEARCHES, query)
        made = SEARCHES[query.intent.endpoint].identify(
            await bitstamp.v1.funding.bitcoin_withdrawal(amount="0.1", address=ADDRESS)
        )
        after = await search(bitstamp, SEARCHES, query)
        sim.advance(7200)
        finished = await search(bitstamp, SEARCHES, query)

        assert (Matches(), [(made.id, True)], [(made.id, True)]) == (before, facts(after), facts(finished))
        assert AT == after.candidates[0].at


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"address": "1Elsewhere"}, [False]),
        ({"amount": "0.2"}, []),
        ({"at": AT + timedelta(hours=1)}, [False]),
        ({"at": AT - timedelta(hours=1)}, [False]),
        ({"at": AT + timedelta(days=2)}, []),
    ],
)
async def test_other_bitcoin_withdrawals(changes, found):
    """What the data of a request mean is not documented, so another text there leaves doubt and no more."""
    async with playing_bitstamp() as (_, bitstamp, _):
        await bitstamp.v1.funding.bitcoin_withdrawal(amount="0.1", address=ADDRESS)
        query = query_for(Funding.bitcoin_withdrawal, **{"amount": "0.1", "address": ADDRESS, **changes})
        matches = await search(bitstamp, SEARCHES, query)

        assert (found, True) == ([match.sure for match in matches.candidates], matches.complete)


def test_the_documented_request_is_found_in_doubt():
    """It has no data; what goes elsewhere than to the bitcoin network is none."""
    found = [
        facts(recorded(query_for(Funding.bitcoin_withdrawal, at, amount=amount, address=ADDRESS), requests=REQUESTS))
        for at, amount in ((ASKED_AT, "3.00781124"), (datetime(2013, 9, 20, 9, tzinfo=UTC), "20"))
    ]

    assert [[("7", False)], []] == found


def test_requests_that_are_not_there_are_not_complete():
    """What is not shown may hold the withdrawal."""
    query = query_for(Funding.bitcoin_withdrawal, amount="1", address=ADDRESS)

    assert Matches(complete=False) == search_in({"withdrawal_requests": GONE}, SEARCHES, query)


async def test_a_ripple_withdrawal_is_found_in_doubt():
    """Amount, currency and moment are compared, the address cannot be; that there is none is no proof."""
    async with playing_bitstamp() as (_, bitstamp, _):
        asked = {"amount": "10", "address": "rElsewhere", "currency": "USD"}
        query = query_for(Funding.ripple_withdrawal, **asked)
        before = await search(bitstamp, SEARCHES, query)
        done = await bitstamp.v1.funding.ripple_withdrawal(**asked)
        after = await search(bitstamp, SEARCHES, query)
        others = [
            await search(bitstamp, SEARCHES, query_for(Funding.ripple_withdrawal, **{**asked, **changes}))
            for changes in ({"amount": "11"}, {"currency": "BTC"}, {"at": AT + timedelta(days=2)})
        ]

        assert [Matches(only_found=True)] * 4 == [before, *others]
        assert ([False], AT, True) == ([t.sure for t in after.candidates], after.candidates[0].at, after.complete)
        assert SEARCHES[query.intent.endpoint].identify(done) is None
