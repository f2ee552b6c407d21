"""Numbers that cannot be true never reach a reader: what a frame said is missing instead."""

from decimal import Decimal

import pytest

from exchanges import bitstamp
from exchanges.bitstamp.streams import Streams
from exchanges.bitstamp.streams.books import snapshot
from exchanges.streams.delivery import Gap, GapReason
from tests.streams import test_bitso
from tests.support.bitstamp_account import USER, Account, event, status, told
from tests.support.played_bitso import streams as bitso_streams
from tests.support.played_bitstamp import markets, trade, transaction
from tests.support.streaming import confirms, items, moment, played
from tests.support.virtual_time import in_virtual_time

GAP, RECONNECTED = GapReason.UNREADABLE, GapReason.RECONNECTED
MILLIS = test_bitso.MILLIS


def kind(item):
    """What came."""
    return item.reason if isinstance(item, Gap) else "item"


def with_data(frame, **changed):
    """The same frame with other data."""
    return {**frame, "data": {**frame["data"], **changed}}


def own_trade(**changed):
    """The frame of an own trade."""
    data = {"id": 1, "order_id": 2, "amount": "1", "price": "2", "side": "buy", "microtimestamp": "1789000200123000"}
    return {"event": "trade", "channel": f"private-my_trades_btcusd-{USER}", "data": {**data, **changed}}


def rate(**changed):
    """The frame of a funding rate."""
    data = {"market": "BTC/USD", "mark_price": "2", "index_price": "2", "funding_rate": "-0.1"}
    data |= {"timestamp": "1789000200", "next_funding_time": "1789000200", **changed}
    return {"event": "funding_rate_saved", "channel": "funding_rate_btcusd", "data": data}


LIVE_TRADE = trade(7)
ORDER = event(1, "order_changed", "7", "0.5", traded="0.5")


@pytest.mark.parametrize(
    ("method", "frame"),
    [
        *[("trades", with_data(LIVE_TRADE, price_str=price)) for price in ("0", "-5", "0.00", "-0")],
        *[("trades", with_data(LIVE_TRADE, amount_str=amount)) for amount in ("0", "-1")],
        *[("my_trades", own_trade(**{name: number})) for name in ("amount", "price") for number in ("0", "-1")],
        *[
            ("my_orders", with_data(ORDER, **{name: "-1"}))
            for name in ("amount_str", "price_str", "amount_traded", "amount_at_create", "stop_price")
        ],
        ("my_orders", with_data(ORDER, amount_str="7.0")),
        ("my_orders", with_data(ORDER, amount_str="1.00000001")),
    ],
)
@in_virtual_time
async def test_frames_of_bitstamp(method, frame):
    """A trade for nothing, an amount below zero, or an order of which more is left than was placed."""
    good = {"trades": LIVE_TRADE, "my_trades": own_trade(), "my_orders": ORDER}[method]
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        account = Account(host)
        account.statuses["7"] = lambda: status("7", bitstamp.OrderStatusWord.OPEN, "1")
        host.answers["bitstamp.account.user_transactions_for_market"] = lambda **_: []
        async with getattr(live, method)("btcusd") as stream:
            server.last.send(frame)
            server.last.send(good)

            assert [GAP, "item"] == [kind(item) for item in await items(stream, 2)]


@in_virtual_time
async def test_a_funding_rate_may_be_below_zero_and_its_prices_not():
    """A newest value has no gaps: the next frame comes in its place."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        async with live.funding_rate("btcusd") as rates:
            server.last.send(rate())
            server.last.send(rate(mark_price="-2"))
            server.last.send(rate(index_price="0"))

            assert (Decimal(2), 0) == ((await anext(rates)).mark_price, rates.dropped)


def change(sequence, **changed):
    """A frame of one change of Bitso."""
    frame = test_bitso.changes(sequence, ("a", "open", "1"))
    return {**frame, "payload": [{**frame["payload"][0], **changed}]}


def public_trade(**changed):
    """A frame of one trade of Bitso."""
    frame = test_bitso.trades(1)
    return {**frame, "payload": [{**frame["payload"][0], **changed}]}


@pytest.mark.parametrize(
    ("method", "frame"),
    [
        *[("trades", public_trade(**{name: number})) for name in "ar" for number in ("0", "-1")],
        *[("diff_orders", change(5, **odd)) for odd in ({"a": "-1"}, {"r": "-1"}, {"a": "0"}, {"a": None})],
        ("diff_orders", change(5, s="cancelled", a="-1")),
    ],
)
@in_virtual_time
async def test_frames_of_bitso(method, frame):
    """A trade for nothing, or an order of less than nothing."""
    good = {"trades": test_bitso.trades(2), "diff_orders": change(6)}[method]
    async with bitso_streams() as (live, server, _), getattr(live, method)(test_bitso.BOOK) as stream:
        server.last.send(frame)
        server.last.send(good)

        assert [GAP, "item"] == [kind(item) for item in await items(stream, 2)]


@pytest.mark.parametrize("odd", [{"r": "0"}, {"r": "-1"}, {"a": "0"}, {"a": "-1"}])
@in_virtual_time
async def test_best_orders_of_bitso(odd):
    """The frame is passed over; the next comes in its place."""
    entry = {"o": "a", "t": 0, "r": "1", "a": "1", "v": "1", "d": MILLIS}
    frame = {"type": "orders", "book": test_bitso.BOOK, "sent": MILLIS}
    async with bitso_streams() as (live, server, _), live.orders(test_bitso.BOOK) as top:
        server.last.send({**frame, "payload": {"bids": [entry], "asks": []}})
        server.last.send({**frame, "payload": {"bids": [{**entry, **odd}], "asks": []}})

        assert (Decimal(1), 0) == ((await anext(top)).bids[0].price, top.dropped)


@pytest.mark.parametrize("odd", [{"price": Decimal(0)}, {"amount": Decimal(-1)}])
@in_virtual_time
async def test_what_was_missed_is_checked_too(odd):
    """A list of REST with such a trade fills no gap."""
    rest = [transaction(7), bitstamp.Transaction(**{**fields(transaction(8)), **odd})]
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = lambda market, time: rest
        async with live.trades("btcusd", backfill=True) as stream:
            server.last.send(LIVE_TRADE)
            server.last.drop()

            assert ["item", RECONNECTED] == [kind(item) for item in await items(stream, 2)]


def fields(model):
    """The fields of a model."""
    return {name: getattr(model, name) for name in ("date", "tid", "price", "amount", "type")}


@pytest.mark.parametrize("left", ["-1", "7"])
@in_virtual_time
async def test_a_state_of_an_order_that_cannot_be_true(left):
    """It is not known what became of the order."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        account = Account(host)
        account.statuses["7"] = lambda: status("7", bitstamp.OrderStatusWord.OPEN, left)
        async with live.my_orders("btcusd") as stream:
            server.last.send(event(1, "order_created", "7", "1"))
            server.last.drop()

            found = told(await items(stream, 3))
    assert [RECONNECTED, GapReason.NOT_RECONCILED] == found[1:]


@pytest.mark.parametrize(
    "odd", [bitstamp.PriceLevel(Decimal(-1), Decimal(1)), bitstamp.PriceLevel(Decimal(1), Decimal(-1))]
)
def test_an_order_book_that_was_read(odd):
    """It is of no use with a number below zero."""
    book = bitstamp.OrderBook(bids=(odd,), asks=(), timestamp=moment(0), microtimestamp=moment(0))

    with pytest.raises(ValueError, match="below zero"):
        snapshot(book, {})
