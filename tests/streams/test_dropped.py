"""Streams that nobody holds any more, though their block was never left."""

import asyncio
import gc
import warnings

import pytest

from exchanges.bitso.streams import Streams as BitsoStreams
from exchanges.bitstamp.streams import Streams
from tests.support.bitstamp_account import Account
from tests.support.played_bitso import BOOK, changes, confirms_and_sends, orders_read
from tests.support.played_bitso import Account as BitsoAccount
from tests.support.played_bitstamp import SUBSCRIBE, UNSUBSCRIBE, trade
from tests.support.streaming import confirms, items, played
from tests.support.virtual_time import in_virtual_time, settle


async def drop_entered(create):
    """Enter a stream, and hold it no longer."""
    await create().__aenter__()


async def collected(create):
    """Enter a stream and drop it; what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await drop_entered(create)
        gc.collect()
    await asyncio.sleep(1)
    return [str(warning.message) for warning in caught if warning.category is ResourceWarning]


@pytest.mark.parametrize("method", ["trades", "funding_rate", "my_orders"])
@in_virtual_time
async def test_a_dropped_stream_is_released(method):
    """It warns, gives the channel up and closes the connection that nobody needs."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        Account(host)
        (words,) = await collected(lambda: getattr(live, method)("btcusd"))

        assert f"bitstamp.streams.{method}(btcusd): dropped without leaving its block" in words
        assert ["bts:subscribe", "bts:unsubscribe"] == [f["event"] for f in server.last.sent if "data" in f]
        assert [] == server.open


@pytest.mark.parametrize("method", ["order_book", "my_orders", "diff_orders"])
@in_virtual_time
async def test_a_dropped_stream_of_bitso(method):
    """Also one whose tasks read other streams."""
    async with played(BitsoStreams, on_frame=confirms_and_sends(changes(7))) as (live, server, host):
        BitsoAccount(host)
        host.answers["bitso.market.order_book"] = lambda **_: orders_read("7")
        (words,) = await collected(lambda: getattr(live, method)(BOOK))

        assert f"bitso.streams.{method}(btc_mxn)" in words
        assert [] == server.open


@in_virtual_time
async def test_a_channel_that_others_read_stays():
    """The count of readers falls by one."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        Account(host)
        async with live.trades("btcusd") as trades:
            assert 1 == len(await collected(lambda: live.trades("btcusd")))
            server.last.send(trade(1))

            assert ["1"] == [item.id for item in await items(trades, 1)]
            assert [SUBSCRIBE] == [frame for frame in server.last.sent if frame in (SUBSCRIBE, UNSUBSCRIBE)]


@in_virtual_time
async def test_a_stream_that_was_left_or_closed_with_its_client():
    """Nothing is to be released, and nothing is warned of."""
    async with played(Streams, on_frame=confirms) as (live, _, host):
        Account(host)
        async with live.trades("btcusd"):
            pass
        held = live.trades("btcusd")
        await held.__aenter__()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del held
        gc.collect()
        await settle()

    assert [] == [warning for warning in caught if warning.category is ResourceWarning]
