"""Moves to another connection, from a played server in virtual time."""

import asyncio

import pytest

from exchanges.bitstamp.streams import Streams
from tests.streams.test_trades import markets
from tests.support.streaming import confirms, played
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
