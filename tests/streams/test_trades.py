"""Trades of Bitstamp: what a stream hands out, and where it has a gap; from a played server in virtual time."""

import asyncio
from decimal import Decimal

import pytest
from attrs import evolve

from exchanges.errors import ReadFailed
from exchanges.streams.delivery import GapReason
from tests.support.played_bitstamp import SUBSCRIBE, ids, markets, streams, trade, transaction
from tests.support.streaming import items, moment
from tests.support.virtual_time import in_virtual_time, settle


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
