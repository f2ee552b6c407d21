"""Trades of Bitstamp, from a played server in virtual time."""

import asyncio
from decimal import Decimal

import pytest
from attrs import evolve

from exchanges import bitstamp
from exchanges.bitstamp.streams import Streams
from exchanges.errors import InvalidRequest, NotSent, ReadFailed, Unavailable, UsageError
from exchanges.streams.delivery import Gap, GapReason
from tests.support.streaming import confirms, enter, items, moment, played
from tests.support.virtual_time import elapsed, in_virtual_time, settle

CHANNEL = "live_trades_btcusd"
SUBSCRIBE = {"event": "bts:subscribe", "data": {"channel": CHANNEL}}
UNSUBSCRIBE = {"event": "bts:unsubscribe", "data": {"channel": CHANNEL}}


def trade(number, channel=CHANNEL):
    """The frame of a trade."""
    return {
        "data": {
            "id": number,
            "timestamp": "1789000124",
            "amount": 0.014100000000000001,
            "amount_str": "0.01410000",
            "price": 63004,
            "price_str": "63004",
            "type": 1,
            "microtimestamp": "1789000124112000",
            "buy_order_id": 1990000000000001,
            "sell_order_id": 1990000000000002,
        },
        "channel": channel,
        "event": "trade",
    }


def market(symbol):
    """A market, as far as it matters here."""
    return bitstamp.MarketInfo(
        name=symbol,
        market_symbol=symbol,
        base_currency="BTC",
        counter_currency="USD",
        base_decimals=8,
        counter_decimals=0,
        minimum_order_value=None,
    )


def transaction(number):
    """The same trade, as REST shows it."""
    return bitstamp.Transaction(
        date=moment(number), tid=str(number), price=Decimal(63004), amount=Decimal("0.0141"), type=bitstamp.Side.SELL
    )


def markets(host):
    """Let a host know two markets."""
    host.answers["bitstamp.market.markets"] = lambda: [market("btcusd"), market("ethusd")]


def streams(on_frame=confirms):
    """A played Bitstamp."""
    return played(Streams, on_frame=on_frame)


def ids(found):
    """The ids of trades; gaps as their reasons."""
    return [item.reason if isinstance(item, Gap) else item.id for item in found]


@in_virtual_time
async def test_trades_arrive_as_they_happen():
    """Every number is the exact one."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.last.send(trade(2**60))
            (came,) = await items(trades, 1)

            assert ([SUBSCRIBE], True) == (server.last.sent, trades.is_live)
        assert not server.last.is_open

    assert (str(2**60), Decimal("0.01410000"), Decimal(63004), "SELL") == (
        came.id,
        came.amount,
        came.price,
        came.side.name,
    )
    assert came.microtimestamp.microsecond == 112000


@in_virtual_time
async def test_one_connection_carries_all_channels():
    """A channel that two read is asked for once, and given up after the second."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("ethusd"):
            async with live.trades("btcusd") as first, live.trades("btcusd") as second:
                server.last.send(trade(1))

                assert (["1"], ["1"]) == (ids(await items(first, 1)), ids(await items(second, 1)))
            await settle()
            assert [1, 1, 1] == [
                sum(f == frame for f in server.last.sent)
                for frame in (SUBSCRIBE, UNSUBSCRIBE, {**SUBSCRIBE, "data": {"channel": "live_trades_ethusd"}})
            ]
            server.last.send(trade(2))  # trails
        assert 1 == len(server.connections)


@in_virtual_time
async def test_a_lost_connection_is_a_gap():
    """It covers the time from the last trade to the new subscription, and stands before the next trade."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.last.send(trade(1))
            await asyncio.sleep(30)
            server.last.drop()
            await asyncio.sleep(5)
            server.last.send(trade(9))

            first, gap, last = await items(trades, 3)
            assert ("1", "9", 2) == (first.id, last.id, len(server.connections))
            assert (moment(0), GapReason.RECONNECTED, None) == (gap.since, gap.reason, gap.missed)
            assert moment(30) <= gap.until <= moment(35)


@in_virtual_time
async def test_missed_trades_are_read():
    """Each comes once, in order, and there is no gap."""
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = lambda market, time: {
            "minute": [transaction(n) for n in (5, 4)],
            "hour": [transaction(n) for n in (5, 4, 3, 2, 1)],
        }[time]
        async with live.trades("btcusd", backfill=True) as trades:
            server.last.send(trade(2))
            await settle()
            server.last.drop()
            await asyncio.sleep(5)
            server.last.send(trade(5))
            server.last.send(trade(6))

            assert ["2", "3", "4", "5", "6"] == ids(await items(trades, 5))
        asked = [arguments["time"] for name, arguments in host.calls if name == "bitstamp.market.transactions"]
        assert ["minute", "hour"] == asked


@pytest.mark.parametrize(
    ("came", "listed", "expected"),
    [
        ((3, 5), (6, 5, 4, 3), ["3", "5", "4", "6", "7"]),
        ((3, 10**6), (10**6, 5, 4, 3), ["3", str(10**6), "4", "5", "7"]),
        ((3,), (6, 5, 4, 2, 1), ["3", GapReason.RECONNECTED, "7"]),
    ],
)
@in_virtual_time
async def test_what_a_list_of_missed_trades_shows(came, listed, expected):
    """Trades may change places, a number may be odd; a list without the trade that it is joined to shows nothing."""
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = lambda **_: [transaction(n) for n in listed]
        async with live.trades("btcusd", backfill=True) as trades:
            for number in came:
                server.last.send(trade(number))
            await settle()
            server.last.drop()
            await asyncio.sleep(5)
            server.last.send(trade(7))

            assert expected == ids(await items(trades, len(expected)))


@pytest.mark.parametrize("failure", ["too old", "error", "nothing noted"])
@in_virtual_time
async def test_a_gap_stays_where_the_missed_trades_cannot_be_read(failure):
    """No list reaches back to the last trade, none can be read, or there was no trade to join it to."""

    def transactions(market, time):
        if failure == "error":
            raise ReadFailed("bitstamp.market.transactions: no answer")
        return [transaction(n) for n in (99, 98)]

    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = transactions
        async with live.trades("btcusd", backfill=True) as trades:
            expected = [GapReason.RECONNECTED, "99"]
            if failure != "nothing noted":
                server.last.send(trade(2))
                expected = ["2", *expected]
            await settle()
            server.last.drop()
            await asyncio.sleep(5)
            server.last.send(trade(99))

            assert expected == ids(await items(trades, len(expected)))


@in_virtual_time
async def test_a_slow_reader_is_told_how_many_it_lost():
    """The buffer is bounded, and the gap stands in the place of what was dropped."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd", buffer=3) as trades:
            for number in range(10):
                server.last.send(trade(number + 1))
            gap, *rest = await items(trades, 4)

            assert (GapReason.LAGGED, 7, ["8", "9", "10"], 7) == (gap.reason, gap.missed, ids(rest), trades.missed)


@pytest.mark.parametrize(
    "frame", [b"{", b'{"event":"trade","channel":"live_trades_btcusd","data":{"id":1}}', b"\xff", b"[" * 100_000]
)
@in_virtual_time
async def test_an_unreadable_frame_is_a_gap(frame):
    """Whatever it said is missing; the stream goes on."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.last.send(frame)
            server.last.receiver.garbled("a binary frame")
            server.last.send(trade(3))

            assert [GapReason.UNREADABLE, "3"] == ids(await items(trades, 2))
            assert 1 == len(server.connections)


@in_virtual_time
async def test_an_id_that_is_no_number_is_a_gap():
    """The connection stays, and so do the trades around it."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            for number in (1, "a1b2", 3):
                server.last.send(trade(number))

            assert ["1", GapReason.UNREADABLE, "3"] == ids(await items(trades, 3))
            assert (1, True) == (len(server.connections), server.last.is_open)


@in_virtual_time
async def test_missed_trades_whose_ids_are_no_numbers_stay_a_gap():
    """Nothing says which of them came already."""
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = lambda **_: [transaction(2), evolve(transaction(1), tid="a1b2")]
        async with live.trades("btcusd", backfill=True) as trades:
            server.last.send(trade(1))
            await settle()
            server.last.drop()
            await asyncio.sleep(5)
            server.last.send(trade(3))

            assert ["1", GapReason.RECONNECTED, "3"] == ids(await items(trades, 3))


@in_virtual_time
async def test_a_doubled_trade_comes_once():
    """It has the same id."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            for number in (1, 1, 2, 1, 3):
                server.last.send(trade(number))

            assert ["1", "2", "3"] == ids(await items(trades, 3))


@in_virtual_time
async def test_another_trade_under_a_known_id_is_handed_on_after_a_gap():
    """It is no double; one that was read shows less than its frame, and stays one."""
    other = trade(1)
    other["data"]["amount_str"] = "7.00000000"
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = lambda **_: [transaction(n) for n in (2, 1)]
        async with live.trades("btcusd", backfill=True) as read, live.trades("btcusd") as trades:
            server.last.send(trade(1))
            await settle()
            server.last.drop()
            await asyncio.sleep(10)
            server.last.send(trade(2))
            assert ["1", "2"] == ids(await items(read, 2))
            assert ["1", GapReason.RECONNECTED] == ids(await items(trades, 2))
            for frame in (other, other, trade(3)):
                server.last.send(frame)

            gap, again, last = await items(trades, 3)
            assert (GapReason.CHAIN_BROKEN, "1", Decimal(7), "3") == (gap.reason, again.id, again.amount, last.id)


@in_virtual_time
async def test_an_unknown_market_is_refused_before_it_is_subscribed_to():
    """The server would confirm it, and be silent for ever."""
    async with streams() as (live, server, host):
        markets(host)
        with pytest.raises(InvalidRequest, match="no market zzzusd"):
            async with live.trades("zzzusd"):
                pass

        assert [] == server.connections


@pytest.mark.parametrize("market", ["BTCUSD", "btc/usd", "", "btcusd-1234", 5, None])
@in_virtual_time
async def test_a_name_that_is_no_symbol_is_refused(market):
    """Before anything is read."""
    async with streams() as (live, _, host):
        with pytest.raises(UsageError, match="market"):
            live.trades(market)

        assert [] == host.calls


@in_virtual_time
async def test_a_refused_channel_raises():
    """With the exchange's words."""

    def refuses(connection, frame):
        connection.send({"event": "bts:error", "channel": "", "data": {"code": None, "message": "Invalid channel."}})

    async with streams(refuses) as (live, _, host):
        markets(host)
        with pytest.raises(InvalidRequest, match=r"Invalid channel\.") as caught:
            async with live.trades("btcusd"):
                pass

    assert ("bitstamp.streams.trades", "Invalid channel.") == (caught.value.endpoint, caught.value.text)


@in_virtual_time
async def test_a_refusal_after_a_reconnection_ends_the_stream():
    """It is raised from the iteration."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.on_frame = lambda connection, frame: connection.send(
                {"event": "bts:error", "channel": "", "data": {"code": None, "message": "Gone."}}
            )
            server.last.drop()
            with pytest.raises(InvalidRequest, match=r"Gone\."):
                await items(trades, 2)


@in_virtual_time
async def test_entering_without_a_connection():
    """Nothing was sent, and the message says why."""
    async with streams() as (live, server, host):
        markets(host)
        server.refusals = 10**9
        with pytest.raises(NotSent, match="status 503"):
            async with live.trades("btcusd", timeout_seconds=20):
                pass

        assert 20 == round(elapsed())


@in_virtual_time
async def test_entering_without_an_acknowledgement():
    """Silence is no refusal."""
    async with streams(None) as (live, server, host):
        markets(host)
        server.on_frame = lambda connection, frame: (
            connection.send({"event": "bts:heartbeat"}) if frame["event"] == "bts:heartbeat" else None
        )
        with pytest.raises(Unavailable, match="not acknowledged"):
            async with live.trades("btcusd"):
                pass

        assert 10 == round(elapsed())


@in_virtual_time
async def test_a_dead_connection_is_noticed():
    """Within twelve seconds: pings every five, answers within five."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.last.answers_pings, server.last.on_frame = False, None
            await asyncio.sleep(11)

            assert 2 == len(server.connections)
            assert [GapReason.RECONNECTED] == ids(await items(trades, 1))


@in_virtual_time
async def test_a_server_that_only_answers_pings_is_dead():
    """A balancer may do that."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd"):
            server.last.on_frame = None
            await asyncio.sleep(11)

            assert 2 == len(server.connections)


@in_virtual_time
async def test_a_move_misses_nothing():
    """The second connection is open before the first is given up; doubles are dropped."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            old = server.last
            old.send(trade(1))
            old.send({"event": "bts:request_reconnect", "channel": "", "data": None})
            await settle(3)
            old.send(trade(2))
            await settle(60)
            server.last.send(trade(2))
            server.last.send(trade(3))

            assert ["1", "2", "3"] == ids(await items(trades, 3))
            await asyncio.sleep(3)
            assert (2, False) == (len(server.connections), old.is_open)


@in_virtual_time
async def test_leaving_while_entering_leaves_nothing():
    """A task that is cancelled in the middle has asked for nothing."""
    async with streams(None) as (live, server, host):
        markets(host)
        entering = await enter(live.trades("btcusd"))
        entering.cancel()
        await settle(60)

        assert (True, []) == (entering.cancelled(), server.open)


@in_virtual_time
async def test_closing_the_client_ends_the_iteration():
    """A reader that waits is let go."""
    async with streams() as (live, _, host):
        markets(host)
        stream = live.trades("btcusd")
        await stream.__aenter__()
        reading = asyncio.create_task(anext(stream, "over"))
        await settle()

    assert "over" == await reading
    await stream.__aexit__(None, None, None)


@in_virtual_time
async def test_a_stream_is_entered_once():
    """Before that it cannot be read, and a second time it cannot be entered."""
    async with streams() as (live, _, host):
        markets(host)
        stream = live.trades("btcusd")
        with pytest.raises(UsageError, match="enter the block first"):
            await anext(stream)
        async with stream:
            pass
        with pytest.raises(UsageError, match="entered already"):
            await stream.__aenter__()
        with pytest.raises(UsageError, match="buffer"):
            live.trades("btcusd", buffer=0)
        with pytest.raises(UsageError, match="unexpected"):
            live.trades("btcusd", size=0)
        assert "left" in repr(stream)
        assert [StopAsyncIteration] == [type(e) for e in await asyncio.gather(anext(stream), return_exceptions=True)]


@in_virtual_time
async def test_an_unreadable_frame_is_filled():
    """What a frame said that cannot be read is read from the list, if that holds a trade that came before."""
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.transactions"] = lambda market, time: [transaction(n) for n in (9, 8, 7)]
        async with live.trades("btcusd", backfill=True) as trades:
            server.last.send(trade(7))
            server.last.send({**trade(8), "data": {}})
            server.last.send(trade(9))

            assert ["7", "8", "9"] == [item.id for item in await items(trades, 3)]
