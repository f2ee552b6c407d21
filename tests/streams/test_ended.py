"""Channels that a server ends by itself, from a played server in virtual time."""

import asyncio
from decimal import Decimal

import pytest

from exchanges import BookStatus, bitso
from exchanges.bitso.streams import Streams as BitsoStreams
from exchanges.bitstamp.streams import Streams
from exchanges.streams.delivery import Gap, GapReason
from tests.support.bitstamp_account import CHANNEL as PRIVATE
from tests.support.bitstamp_account import Account, event, told
from tests.support.played_bitso import AT, BOOK, changes
from tests.support.played_bitstamp import CHANNEL, SUBSCRIBE, markets, trade
from tests.support.streaming import confirms, confirms_at_bitso, enter, items, played
from tests.support.virtual_time import in_virtual_time, settle

UNAUTHORIZED = {"code": 4009, "message": "Connection is unauthorized."}
ENDS = [("bts:unsubscription_succeeded", {}), ("bts:error", UNAUTHORIZED)]


def subscriptions(connection):
    """What a client sent to subscribe."""
    return [frame for frame in connection.sent if frame["event"] == "bts:subscribe"]


@pytest.mark.parametrize(("word", "data"), ENDS)
@in_virtual_time
async def test_a_channel_that_is_ended_is_a_gap(word, data):
    """It is asked for again on the same connection."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.last.send(trade(1))
            server.last.send({"event": word, "channel": CHANNEL, "data": data})
            await settle(3)
            server.last.send(trade(2))
            first, gap, second = await items(trades, 3)

            assert (1, [SUBSCRIBE] * 2) == (len(server.connections), subscriptions(server.last))

    assert (["1", "2"], GapReason.RECONNECTED) == ([first.id, second.id], gap.reason)


@in_virtual_time
async def test_a_channel_that_is_ended_again_and_again():
    """It is asked for ever more rarely."""
    is_entered = []

    def ends(connection, frame):
        confirms(connection, frame)
        if frame["event"] == "bts:subscribe" and is_entered:
            connection.send({"event": "bts:unsubscription_succeeded", "channel": CHANNEL, "data": {}})

    async with played(Streams, on_frame=ends) as (live, server, host):
        markets(host)
        async with live.trades("btcusd"):
            is_entered.append(True)
            server.last.send({"event": "bts:unsubscription_succeeded", "channel": CHANNEL, "data": {}})
            await asyncio.sleep(600)

            assert 5 <= len(subscriptions(server.last)) <= 15


@pytest.mark.parametrize(
    ("word", "data", "connections"), [(*ENDS[0], 1), (*ENDS[1], 1), ("bts:error", UNAUTHORIZED, 2)]
)
@in_virtual_time
async def test_a_private_channel_that_is_ended(word, data, connections):
    """A fresh token opens it again; an error without a name may mean each channel, so the connection is replaced."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        account = Account(host)
        async with live.my_orders("btcusd") as orders:
            server.last.send(event(1, "order_created", "7", "1.00000000"))
            server.last.send({"event": word, "channel": PRIVATE if connections == 1 else "", "data": data})
            await asyncio.sleep(3)
            server.last.send(event(9, "order_created", "8", "1.00000000"))
            found = await items(orders, 2)

            assert ([True], connections, 2) == (
                [isinstance(found[1], Gap)],
                len(server.connections),
                account.tokens,
            ), told(found)
            assert "secret-2" == subscriptions(server.last)[-1]["data"]["auth"]
            assert orders.is_live


@in_virtual_time
async def test_a_refused_token_while_another_channel_is_asked_for():
    """The other channel is acknowledged: so all that was confirmed may be silent, and the connection is replaced."""
    refused = []

    def answer(connection, frame):
        is_other = "my_trades" in str(frame) and not refused
        if is_other:
            refused.append(frame)
            connection.send({"event": "bts:error", "channel": "", "data": UNAUTHORIZED})
        confirms(connection, frame)

    async with played(Streams, on_frame=answer) as (live, server, host):
        account = Account(host)
        host.answers["bitstamp.account.user_transactions_for_market"] = lambda **_: []
        async with live.my_orders("btcusd") as orders, live.my_trades("btcusd") as trades:
            await asyncio.sleep(20)
            assert (2, True, True) == (len(server.connections), orders.is_live, trades.is_live)
            assert (1, 3) == (len(server.open), account.tokens)
            assert isinstance((await items(orders, 1))[0], Gap)


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "bts:error", "channel": "", "data": {"code": None, "message": "closing"}},
        {"event": "bts:error", "channel": "", "data": UNAUTHORIZED},
        {"event": "bts:unsubscription_succeeded", "channel": "", "data": {}},
        {"event": "bts:subscription_succeeded", "data": {}},
    ],
)
@in_virtual_time
async def test_what_ends_nobody_knows_what(frame):
    """On a public connection nothing was asked: something may be missing of each channel."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as one, live.trades("ethusd") as two:
            server.last.send(frame)
            found = [*await items(one, 1), *await items(two, 1)]

    assert [GapReason.UNREADABLE] * 2 == [gap.reason for gap in found]


@in_virtual_time
async def test_a_dead_channel_is_a_gap_for_all_who_share_it():
    """A book that subscribes again takes the channel from the readers of its changes, too."""
    sequences = ["100"]
    async with played(BitsoStreams, on_frame=confirms_at_bitso) as (live, server, host):
        host.answers["bitso.market.order_book"] = lambda **_: bitso.OrderBook(
            bids=(bitso.PriceLevel(book=BOOK, price=Decimal(1), amount=Decimal(1), oid="b"),),
            asks=(bitso.PriceLevel(book=BOOK, price=Decimal(2), amount=Decimal(1), oid="a"),),
            updated_at=AT,
            sequence=sequences[0],
        )
        book = live.order_book(BOOK, audit_seconds=3)
        async with live.diff_orders(BOOK) as stream:
            entering = await enter(book)
            server.last.send(changes(100))
            await entering
            sequences[0] = "105"
            await asyncio.sleep(30)
            server.last.send(changes(106, ("c", "open", "1")))
            _, gap, change = await items(stream, 3)

            asked = [frame["action"] for frame in server.last.sent if frame.get("action")]
            assert ["subscribe", "unsubscribe", "subscribe"] == asked[:3]
            assert (GapReason.RECONNECTED, 106, BookStatus.GOOD) == (gap.reason, change.sequence, book.status)
            await book.__aexit__(None, None, None)
