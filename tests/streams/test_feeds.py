"""What a channel of items does with frames that are odd, from a played server in virtual time."""

import pytest

from exchanges.streams.delivery import Gap, GapReason
from tests.support.bitstamp_account import event
from tests.support.played_bitstamp import ids, markets, streams, trade
from tests.support.streaming import items
from tests.support.virtual_time import in_virtual_time

BROKEN, UNREADABLE = GapReason.CHAIN_BROKEN, GapReason.UNREADABLE


def linked(order_id, own, before):
    """An event of the public channel, with its ids in the chain."""
    frame = event(1, "order_created", order_id, "1.00000000")
    return {**frame, "channel": "live_orders_btcusd", "event_id": own, "pre_event_id": before}


@in_virtual_time
async def test_an_event_of_another_name_is_a_gap():
    """It may be a trade; each one counts, and the stream goes on."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            for frame in (trade(1), {**trade(2), "event": "trade_v2"}, trade(3), {**trade(4), "event": ""}, trade(5)):
                server.last.send(frame)

            assert ["1", UNREADABLE, "3", UNREADABLE, "5"] == ids(await items(trades, 5))


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ([("a", "0"), (None, None), ("b", "a")], ["1", "2", "3"]),
        ([("a", "0"), (None, None), ("z", "y")], ["1", "2", BROKEN, "3"]),
        ([("a", "0"), (None, "y"), ("b", "a")], ["1", BROKEN, "2", "3"]),
        ([(None, None), ("a", "0"), ("b", "a")], ["1", "2", "3"]),
    ],
)
@in_virtual_time
async def test_an_event_without_an_id_does_not_end_the_chain(links, found):
    """The next one is compared with the last that has an id."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.live_orders("btcusd") as orders:
            for number, (own, before) in enumerate(links, 1):
                server.last.send(linked(str(number), own, before))
            came = await items(orders, len(found))

    assert found == [item.reason if isinstance(item, Gap) else item.order.id for item in came]
