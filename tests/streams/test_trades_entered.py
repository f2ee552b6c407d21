"""Streams of trades of Bitstamp that are refused, entered, moved, left and closed: a played server, virtual time."""

import asyncio

import pytest

from exchanges.errors import InvalidRequest, NotSent, Unavailable, UsageError
from exchanges.streams.delivery import GapReason
from tests.support.played_bitstamp import SUBSCRIBE, UNSUBSCRIBE, ids, markets, streams, trade
from tests.support.streaming import enter, items
from tests.support.virtual_time import elapsed, in_virtual_time, settle


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
