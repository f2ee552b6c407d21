"""What orders, trades and withdrawals of v3 show of a call: under its id, under none, and under another."""

from datetime import timedelta

import pytest
from attrs import evolve

from exchanges.bitso.client_ids import SEARCHES
from exchanges.bitso.funding import Funding
from exchanges.bitso.models.funding import Withdrawal
from exchanges.bitso.models.trading import Order, UserTrade
from exchanges.bitso.trading import Trading
from exchanges.outcomes.clocks import ClockOffset
from tests.support.searches import AT, facts, models, query_for, search_in

LIMIT = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": "3", "price": "1010"}
WITHDRAWAL = {"currency": "btc", "amount": "1", "asset": "btc", "network": "btc", "protocol": "btc"}
NONE, OURS, ANOTHER = None, "mine", "other"
CLOCK = ClockOffset(timedelta(0), timedelta(0))


def query_of(method, *, is_own=True, **arguments):
    """Query a call under an id of the caller's, or one that the library made."""
    if is_own and "oid" not in arguments:
        arguments["origin_id"] = OURS
    query = evolve(query_for(method, **arguments), clock=CLOCK)
    return query if is_own else evolve(query, intent=evolve(query.intent, tag=OURS))


def order(origin_id=OURS, oid="A", **changes):
    """An order as the exchange shows it, of the terms of LIMIT."""
    row = {"oid": oid, "book": "btc_mxn", "side": "buy", "type": "limit", "status": "open", "origin_id": origin_id}
    row |= {"created_at": AT.isoformat(), "original_amount": "3", "unfilled_amount": "3", "price": "1010"}
    return models([row | changes], Order)[0]


def trade(origin_id=OURS, tid=1, **changes):
    """A trade of the order A."""
    row = {"tid": tid, "oid": "A", "book": "btc_mxn", "side": "buy", "price": "1010", "origin_id": origin_id}
    row |= {"major": "3", "minor": "-3030", "fees_amount": "0.1", "fees_currency": "btc"}
    return models([row | {"created_at": AT.isoformat()} | changes], UserTrade)[0]


def withdrawal(origin_id=OURS, **changes):
    """A withdrawal as the exchange shows it."""
    row = {"wid": "W", "status": "complete", "currency": "btc", "amount": "1", "method": "btc", "origin_id": origin_id}
    row |= {"created_at": AT.isoformat(), "details": {"withdrawal_address": "ADDR_A"}}
    return models([row | changes], Withdrawal)[0]


def found(query, *, orders=(), trades=(), open_orders=(), withdrawals=()):
    """Return what is found, whether it is sure, and whether the reads showed everything."""
    answers = {
        "orders": list(orders),
        "order_trades_by_origin_id": list(trades),
        "open_orders": list(open_orders),
        "withdrawals": list(withdrawals),
    }
    matches = search_in(answers, SEARCHES, query)
    assert all(match.sure == match.tagged for match in matches.candidates)
    return facts(matches), matches.complete and not (matches.only_found and not matches.candidates)


@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize("read", ["orders", "trades", "open_orders"])
@pytest.mark.parametrize(
    ("origin_id", "expected"),
    [(OURS, ([("A", True)], True)), (NONE, ([("A", False)], True)), ("", ([("A", False)], True))],
)
def test_an_order_under_its_id_or_none(is_own, read, origin_id, expected):
    """What is shown without an id is in doubt, and never absent."""
    row = trade(origin_id) if read == "trades" else order(origin_id)
    assert expected == found(query_of(Trading.place_order, is_own=is_own, **LIMIT), **{read: [row]})


@pytest.mark.parametrize("read", ["orders", "trades"])
def test_another_id_in_a_read_of_ours(read):
    """The exchange did not look for our id, so that what it does not show may be there."""
    row = trade(ANOTHER) if read == "trades" else order(ANOTHER)
    assert ([], False) == found(query_of(Trading.place_order, **LIMIT), **{read: [row]})
    assert ([], True) == found(query_of(Trading.place_order, **LIMIT), open_orders=[order(ANOTHER)])


@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {"original_amount": "1"},
        {"price": "1000"},
        {"type": "market"},
        {"stop": "900"},
        {"time_in_force": "postonly"},
        {"side": "sell"},
        {"book": "eth_mxn"},
    ],
    ids=str,
)
def test_an_order_of_other_terms(is_own, changes):
    """Under our id it is in doubt; without an id it is an order of somebody else, unless it was shown for our id."""
    query = query_of(Trading.place_order, is_own=is_own, **LIMIT)
    assert ([("A", False)], True) == found(query, orders=[order(**changes)])
    assert ([("A", False)], True) == found(query, open_orders=[order(**changes)])
    assert ([("A", False)], True) == found(query, orders=[order(NONE, **changes)])
    assert ([], True) == found(query, open_orders=[order(NONE, **changes)])


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ({**LIMIT, "stop": "1020"}, {"stop": None}),
        ({**LIMIT, "time_in_force": "postonly"}, {"time_in_force": "postonly"}),
        (LIMIT, {"time_in_force": "goodtillcancelled", "original_value": "3030"}),
        ({"book": "btc_mxn", "side": "buy", "order_type": "market", "minor": "500"}, {"type": "market", "price": None}),
        (
            {"book": "btc_mxn", "side": "buy", "order_type": "market", "minor": "500"},
            {"type": "market", "original_value": "500", "original_amount": "0.4", "time_in_force": "immediateorcancel"},
        ),
    ],
)
def test_only_what_was_asked_for_is_compared(arguments, changes):
    """A market order in minor currency shows another amount, and what was triggered no trigger."""
    query = query_of(Trading.place_order, **arguments)
    assert ([("A", True)], True) == found(query, orders=[order(**changes)])


@pytest.mark.parametrize(
    ("is_own", "rows", "is_sure"),
    [
        (True, [{"major": "1"}], False),  # an order of 1 before, or a part of ours
        (False, [{"major": "1"}], True),
        (True, [{"major": "1"}, {"major": "2", "tid": 2}], True),
        (True, [{"major": "1.5"}, {"major": "1.5"}], False),  # the same trade twice
        (False, [{"major": "4"}], False),
        (False, [{"price": "1011"}], False),
        (True, [{"price": "1009"}], True),
    ],
)
def test_trades_alone(is_own, rows, is_sure):
    """Trades beyond the amount or the limit of the call are not of it; a part of the amount may be of another order."""
    query = query_of(Trading.place_order, is_own=is_own, **LIMIT)
    assert ([("A", is_sure)], True) == found(query, trades=[trade(**row) for row in rows])


@pytest.mark.parametrize("named", [{"oid": "A"}, {"origin_id": OURS}])
def test_a_modification(named):
    """The order that the call names shows what became of it, and no other one."""
    method = Trading.modify_order if "oid" in named else Trading.modify_order_by_origin_id
    query = query_of(method, **named, price="1010")
    other = {"oid": "B", "origin_id": ANOTHER}
    assert ([], False) == found(query, orders=[order(**other)])
    assert ([], False) == found(query, orders=[order(price="1009")])
    (((_, is_sure),), _) = found(query, orders=[order(**other), order()])
    assert is_sure


@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (withdrawal(), ([("W", True)], True)),
        (withdrawal(network="btc", details={"tx_hash": "x"}), ([("W", True)], True)),
        (withdrawal(NONE), ([("W", False)], True)),
        (withdrawal(""), ([("W", False)], True)),
        (withdrawal(NONE, details={"origin_id": OURS}), ([("W", True)], True)),
        (withdrawal(ANOTHER), ([], False)),
        (withdrawal(amount="2"), ([("W", False)], True)),
        (withdrawal(currency="eth"), ([("W", False)], True)),
        (withdrawal(network="eth"), ([("W", False)], True)),
        (withdrawal(details={"withdrawal_address": "ADDR_B"}), ([("W", False)], True)),
        (withdrawal(details={"address": "ADDR_B"}), ([("W", False)], True)),
        (withdrawal(details={"origin_id": ANOTHER}), ([], False)),
    ],
)
def test_a_withdrawal(is_own, row, expected):
    """It is sure under its id and to its receiver; in doubt under none, and not absent under another."""
    query = query_of(Funding.create_withdrawal, is_own=is_own, address="ADDR_A", **WITHDRAWAL)
    assert expected == found(query, withdrawals=[row])
    assert ([], True) == found(query)


@pytest.mark.parametrize("is_own", [True, False])
def test_a_withdrawal_that_is_older(is_own):
    """Under an id of the caller's own it may be of an earlier call; an id that the library made was never used."""
    query = query_of(Funding.create_withdrawal, is_own=is_own, address="ADDR_A", **WITHDRAWAL)
    older = withdrawal(created_at=(AT - timedelta(hours=1)).isoformat())

    assert ([("W", not is_own)], True) == found(query, withdrawals=[older])
