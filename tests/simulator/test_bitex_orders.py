import json
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from exchanges.bitex import Ask, Bid, OrderReason, OrderStatus
from exchanges.simulator.venues.bitex.history import sample_history
from exchanges.wire import decode
from tests.support.simulator_calls import BITEX_KEY, NOW, NOW_MS, PRIVATE, wrong_field
from tests.support.simulator_days import playing

# Orders at Bitex


async def place(http: httpx.AsyncClient, kind: str = "bids", **fields: str) -> httpx.Response:
    """Place an order."""
    return await http.post(f"{PRIVATE}/{kind}", data={"api_key": "simulated-bitex-key", **fields})


async def bitex(http: httpx.AsyncClient, path: str, verb: str = "GET") -> bytes:
    """Send a private request and return the body of its answer."""
    if verb == "POST":
        return (await http.post(f"{PRIVATE}/{path}", data={"api_key": "simulated-bitex-key"})).content
    return (await http.get(f"{PRIVATE}/{path}?{BITEX_KEY}")).content


async def test_an_order_goes_through_its_states(http):
    """A bid is received, executes with its money reserved, is to be cancelled, is cancelled and releases the money."""
    bid = decode((await place(http, amount="100.5", price="10")).content, Bid, strict=True)
    held = json.loads(await bitex(http, "profile"))["usd_reserved"]
    executing = decode(await bitex(http, f"bids/{bid.id}"), Bid, strict=True)
    to_cancel = decode(await bitex(http, f"bids/{bid.id}/cancel", "POST"), Bid, strict=True)
    cancelled = decode(await bitex(http, f"bids/{bid.id}"), Bid, strict=True)
    free = json.loads(await bitex(http, "profile"))["usd_reserved"]

    assert [OrderStatus.RECEIVED, OrderStatus.EXECUTING, OrderStatus.TO_CANCEL, OrderStatus.CANCELLED] == [
        o.status for o in (bid, executing, to_cancel, cancelled)
    ]
    assert (100.5, 0) == (held, free)
    assert (OrderReason.NOT_CANCELLED, OrderReason.USER_CANCELLED) == (to_cancel.reason, cancelled.reason)
    assert datetime.fromtimestamp(NOW, UTC) == bid.created_at


async def test_an_order_without_funds_is_accepted_and_then_cancelled(http):
    """Placing does not check funds; the next request does."""
    ask = decode((await place(http, "asks", amount="1000", price="10")).content, Ask, strict=True)
    again = decode(await bitex(http, f"asks/{ask.id}"), Ask, strict=True)

    assert (OrderStatus.RECEIVED, OrderStatus.CANCELLED) == (ask.status, again.status)
    assert OrderReason.NOT_ENOUGH_FUNDS == again.reason


async def test_cancelling_what_is_over_changes_nothing(http):
    """A cancelled order stays cancelled when it is cancelled again."""
    ask = decode((await place(http, "asks", amount="1", price="100000")).content, Ask, strict=True)
    await bitex(http, f"asks/{ask.id}/cancel", "POST")
    await bitex(http, "orders")

    again = decode(await bitex(http, f"asks/{ask.id}/cancel", "POST"), Ask, strict=True)

    assert (OrderStatus.CANCELLED, OrderReason.USER_CANCELLED) == (again.status, again.reason)


async def test_an_unknown_order_is_not_found(http):
    """The id of an ask names no bid."""
    ask = decode((await place(http, "asks", amount="1", price="10")).content, Ask, strict=True)

    assert b'{"errors":[{"code":null,"detail":null}]}' == await bitex(http, f"bids/{ask.id}")


@pytest.mark.parametrize(
    ("kind", "fields", "about"),
    [
        ("bids", {"amount": "0.99", "price": "1"}, "amount"),
        ("asks", {"amount": "0.004", "price": "1"}, "amount"),
        ("bids", {"amount": "1e3", "price": "1"}, "amount"),
        ("bids", {"amount": "10", "price": "0"}, "price"),
        ("bids", {"amount": "10", "price": "-1"}, "price"),
        ("bids", {"amount": "10"}, "price"),
        ("bids", {"amount": "10", "price": "1", "orderbook": "9"}, "orderbook"),
    ],
)
async def test_orders_that_make_no_sense_are_refused_by_field(http, kind, fields, about):
    """The refusal points to the field."""
    response = await place(http, kind, **fields)

    assert about == wrong_field(response)


async def test_an_order_that_ended_is_listed_for_a_while():
    """Two hours after its end an order is no longer listed; it is still found by its id."""
    async with playing() as (sim, client, _):
        ask = await client.trading.create_ask(amount=1000, price=1)
        bid = await client.trading.create_bid(amount=5, price=1)
        sim.advance(3600)
        after_an_hour = await client.trading.orders()
        sim.advance(2 * 3600)
        after_three = await client.trading.orders()
        found = await client.trading.ask(ask.id)

        assert [bid.id, ask.id] == [order.id for order in after_an_hour]
        assert [bid.id] == [order.id for order in after_three]
        assert OrderReason.NOT_ENOUGH_FUNDS == found.reason


def test_the_history_of_an_account_adds_up():
    """Balances are what deposits, withdrawals and trades leave, and all eight classes are there."""
    before = sample_history(NOW_MS, Decimal("0.5"))
    classes = {row.class_reference for row in before.movements}

    assert ({1, 2, 3, 4, 5, 6, 7, 8}, Decimal("115584.5"), Decimal("4.7995")) == (classes, before.usd, before.btc)
    assert sorted(before.movements, key=lambda row: row.created_at, reverse=True) == list(before.movements)


async def test_the_whole_summary_goes_further_back(http):
    """What is older than thirty days is in the full summary only."""
    short = json.loads(await bitex(http, "account_summary"))
    full = (await http.get(f"{PRIVATE}/account_summary?{BITEX_KEY}&full=true")).json()

    assert 1 == len(full) - len(short)
