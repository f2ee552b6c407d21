"""Moves to another connection, from a played server in virtual time."""

import asyncio

import pytest

from exchanges.bitstamp.streams import Streams
from tests.support.played_bitstamp import ids, markets, trade
from tests.support.streaming import confirms, items, played
from tests.support.virtual_time import in_virtual_time

MOVE = {"event": "bts:request_reconnect", "channel": "", "data": None}


@pytest.mark.parametrize("acknowledges", [True, False])
@in_virtual_time
async def test_a_storm_of_requests_to_move(acknowledges):
    """A server that asks on each new connection is called ever more rarely, and has two connections at most."""
    most = []

    def answers(connection, frame):
        if acknowledges or server.connections == [connection]:
            confirms(connection, frame)
        if frame["event"] == "bts:subscribe":
            connection.send(MOVE)
        most.append(len(server.open))

    async with played(Streams, on_frame=answers) as (live, server, host):
        markets(host)
        async with live.trades("btcusd"):
            await asyncio.sleep(120)

    assert 2 == max(most)
    assert 3 <= len(server.connections) <= 60


@in_virtual_time
async def test_what_is_on_the_way_when_a_move_ends_is_not_lost():
    """The old connection is read for two seconds after the new one carries everything."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            old = server.last
            old.send(MOVE)
            await asyncio.sleep(1)
            server.last.send(trade(2))
            old.send(trade(1))
            old.send(trade(2))
            server.last.send(trade(3))
            assert (["2", "1", "3"], 2, True) == (ids(await items(trades, 3)), len(server.connections), old.is_open)
            await asyncio.sleep(1.5)

            assert [server.last] == server.open


@in_virtual_time
async def test_a_new_connection_that_is_lost_before_the_old_one_is_closed():
    """Nothing is missing, and another move begins."""
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            old = server.last
            old.send(MOVE)
            await asyncio.sleep(1)
            server.last.drop()
            old.send(trade(1))
            await asyncio.sleep(10)
            server.last.send(trade(2))

            assert ["1", "2"] == ids(await items(trades, 2))
            assert (3, [server.last]) == (len(server.connections), server.open)
