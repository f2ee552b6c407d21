"""What a channel of items does with frames that are odd, from a played server in virtual time."""

from exchanges.streams.delivery import GapReason
from tests.streams.test_private import streams
from tests.streams.test_trades import ids, markets, trade
from tests.support.streaming import items
from tests.support.virtual_time import in_virtual_time

UNREADABLE = GapReason.UNREADABLE


@in_virtual_time
async def test_an_event_of_another_name_is_a_gap():
    """It may be a trade; each one counts, and the stream goes on."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            for frame in (trade(1), {**trade(2), "event": "trade_v2"}, trade(3), {**trade(4), "event": ""}, trade(5)):
                server.last.send(frame)

            assert ["1", UNREADABLE, "3", UNREADABLE, "5"] == ids(await items(trades, 5))
