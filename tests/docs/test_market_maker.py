"""The example of a market maker, over sockets to the simulator, in a loop that does not wait."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from examples import market_maker
from examples.market_maker import MarketMaker
from exchanges.errors import BookUnknown, ExchangeError
from exchanges.simulator import Cut, Faults, StreamFault, Venue
from exchanges.spot import Market, Side
from tests.support.hasty_loop import run_hasty
from tests.support.streamed import bitso, bitstamp, exchange_world, until

VENUES = {Venue.BITSO: (Market("BTC", "MXN"), bitso), Venue.BITSTAMP: (Market("BTC", "USD"), bitstamp)}
CACHE_SECONDS = 11.0
"""The list of open orders may be ten seconds old."""
UNREACHABLE = Faults(streams={StreamFault.REFUSE_UPGRADE: 1.0})

both = pytest.mark.parametrize("venue", VENUES, ids=str)


@asynccontextmanager
async def making(venue):
    """A market maker that quotes at an exchange until the block is left."""
    market, connect = VENUES[venue]
    async with exchange_world(0) as sim, connect(sim) as client:
        maker = MarketMaker(client, market, Decimal("0.001"))
        is_over = []
        running = asyncio.create_task(maker.run(lambda: not is_over))
        try:
            assert await until(lambda: len(maker.quotes) == 2, 60.0)
            yield sim, client, maker
        finally:
            is_over.append(True)
            await running
        assert {} == await resting(client, market)


async def resting(client, market):
    """The prices of the own orders in the book, by side."""
    await asyncio.sleep(CACHE_SECONDS)
    return {order.side: order.price for order in await client.spot.open_orders(market)}


@both
def test_quotes_are_withdrawn_while_the_book_cannot_be_read(venue):
    """At once, though calls go through all the same; they come back with the book."""

    async def main():
        async with making(venue) as (sim, client, maker):
            orders = await resting(client, maker.market)
            assert orders[Side.BUY] < maker.middle < orders[Side.SELL]
            sim.faults = UNREACHABLE
            (sim.bitso if venue is Venue.BITSO else sim.bitstamp).sockets.cut(Cut.RESET)
            assert await until(lambda: not maker.quotes, 1.0, every=0.01)
            await asyncio.sleep(60.0)
            assert {} == await resting(client, maker.market)

            sim.faults = Faults()
            assert await until(lambda: len(maker.quotes) == 2, 90.0)

    run_hasty(main())


def test_a_quote_that_trades():
    """When the market moves through a quote, the quote trades at its own price, and new ones follow the book."""

    async def main():
        async with making(Venue.BITSO) as (sim, client, maker):
            sold = maker.quotes[Side.SELL]
            sim.bitso.set_price("btc_mxn", Decimal(2_000_000))
            assert await until(lambda: maker.quotes.get(Side.SELL, sold) != sold, 60.0)
            (trade,) = await client.trading.user_trades()

            assert (Side.SELL.value, sold) == (trade.side.value, trade.oid)

    run_hasty(main())


class Book:
    """A book that can be read so many times."""

    def __init__(self, reads):
        self.reads = reads

    def _side(self, price):
        if not self.reads:
            raise BookUnknown("a frame is missing", book_status="SUSPECT")
        self.reads -= 0.5
        return [type("Level", (), {"price": Decimal(price), "amount": Decimal(1)})()]

    bids = property(lambda self: self._side(990_000))
    asks = property(lambda self: self._side(1_010_000))


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_book_that_becomes_unreadable_while_quoting(reads):
    """No side is quoted by what was read before, and one that is out is withdrawn."""

    async def main():
        async with exchange_world(0) as sim, bitso(sim) as client:
            maker = MarketMaker(client, Market("BTC", "MXN"), Decimal("0.001"))
            await maker.start()
            await maker.step(Book(reads))

            assert ({}, {}) == (maker.quotes, await resting(client, maker.market))
            placed = sum(seen.endpoint == "bitso.trading.place_order" for seen in sim.requests)
            assert max(0, reads - 1) == placed

    run_hasty(main())


def test_an_empty_side_has_no_middle():
    """Nobody sells: there is nothing to quote around."""
    book = type("Empty", (), {"bids": [], "asks": []})()
    with pytest.raises(ExchangeError, match="empty"):
        market_maker.middle_of(book)


@pytest.mark.sweep
@both
async def test_the_program(venue, caplog):
    """It runs against the simulator at either exchange and reports the balances."""
    caplog.set_level("INFO", "market_maker")
    await market_maker.simulated(venue, VENUES[venue][0], 1)

    assert "balances: {" in caplog.text
    assert "not quoting" not in caplog.text
