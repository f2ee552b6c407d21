"""Tasks that are cancelled at any moment leave no task, connection or subscription."""

import asyncio
import random
from contextlib import suppress

import pytest

import exchanges
from exchanges.bitstamp.streams import Streams
from tests.streams.test_books import ASKS, BIDS, frame, read
from tests.support.bitstamp_account import Account
from tests.support.played_bitstamp import trade
from tests.support.streaming import confirms, played
from tests.support.virtual_time import elapsed, run

ROUNDS = 40
WAITS = (0, 0.01, 0.1, 0.5, 1, 3, 12)
MOVE = {"event": "bts:request_reconnect", "channel": "", "data": None}


def shapes(chance, live):
    """A stream of any kind, or many that are followed."""
    return chance.choice(
        (
            lambda: live.trades("btcusd", backfill=chance.random() < 0.5),
            lambda: live.order_book("btcusd", depth=chance.choice((100, None))),
            lambda: live.order_book("ethusd", audit_seconds=chance.choice((None, 2.0))),
            lambda: live.my_orders("btcusd"),
            lambda: live.my_trades("ethusd"),
            lambda: exchanges.follow({"a": live.order_book("btcusd"), "b": live.trades("ethusd")}),
        )
    )()


async def use(stream):
    """Enter a stream, and read it for ever."""
    async with stream:
        async for _ in stream:
            pass


async def cancelled(chance, live):
    """Use a stream, and cancel that at some moment, at times twice."""
    task = asyncio.create_task(use(shapes(chance, live)))
    await asyncio.sleep(chance.choice(WAITS) * chance.random())
    task.cancel()
    if chance.random() < 0.3:
        await asyncio.sleep(0)
        task.cancel()
    with suppress(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task


async def chaos(chance, server):
    """Break connections, ask to move, refuse, and send."""
    while True:
        await asyncio.sleep(chance.random() * 0.7)
        for connection in server.open:
            what = chance.random()
            if what < 0.1:
                connection.drop()
            elif what < 0.15:
                connection.send(MOVE)
            elif what < 0.2:
                connection.answers_pings, connection.on_frame = False, None
            else:
                connection.send(frame(elapsed(), BIDS, ASKS) if what < 0.6 else trade(chance.randrange(10**6)))
        if chance.random() < 0.1:
            server.refusals = chance.randrange(3)


async def play(seed):
    """Cancel many streams of one client; look at what is left."""
    chance = random.Random(seed)
    async with played(Streams, on_frame=confirms) as (live, server, host):
        Account(host)
        host.call_seconds = 0.05
        host.answers["bitstamp.market.order_book"] = lambda **_: read(elapsed(), BIDS, ASKS)
        host.answers["bitstamp.market.transactions"] = lambda **_: []
        host.answers["bitstamp.account.user_transactions_for_market"] = lambda **_: []
        breaking = asyncio.create_task(chaos(chance, server))
        for _ in range(ROUNDS):
            await asyncio.gather(*(cancelled(chance, live) for _ in range(chance.randrange(1, 5))))
        breaking.cancel()
        await asyncio.sleep(2)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

        assert ([], [], []) == (left, server.open, live.hub._lines)


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(n, marks=pytest.mark.stress) for n in range(3, 100))])
def test_nothing_is_left(seed):
    """Whatever broke meanwhile."""
    run(play(seed))
