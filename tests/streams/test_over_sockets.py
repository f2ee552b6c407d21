"""Streams over real sockets to the simulator, in a loop that does not wait."""

import asyncio

from exchanges.simulator import Cut
from tests.support.hasty_loop import in_hasty_time
from tests.support.streamed import MARKET, bitstamp, exchange_world, is_good, until


def tokens(sim):
    """How many tokens were asked for."""
    return sum(seen.endpoint == "bitstamp.account.websockets_token" for seen in sim.requests)


@in_hasty_time
async def test_a_move_takes_one_token():
    """The new link subscribes with a token of its own, while the old one asks for nothing."""
    async with exchange_world(0) as sim, bitstamp(sim) as client, client.streams.my_orders(MARKET):
        before = tokens(sim), sim.bitstamp.sockets.opened
        sim.bitstamp.sockets.ask_to_move(10.0)
        await asyncio.sleep(5.0)

        assert (before[0] + 1, before[1] + 1) == (tokens(sim), sim.bitstamp.sockets.opened)
        assert 1 == sim.bitstamp.sockets.count


@in_hasty_time
async def test_a_book_comes_back_after_a_reset():
    """With the same subscription, once."""
    async with exchange_world(0) as sim, bitstamp(sim) as client, client.streams.order_book(MARKET) as book:
        sim.bitstamp.sockets.cut(Cut.RESET)

        assert await until(lambda: not is_good(book), 5.0, every=0.01)
        assert await until(lambda: is_good(book), 10.0)
        assert {"order_book_btcusd": 1} == dict(sim.bitstamp.sockets.subscriptions)
        assert 1 == sim.bitstamp.sockets.most_on_one
