"""Bitstamp's simulated sockets as ccxt.pro uses them: a client that knows nothing of this library follows them."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from exchanges.simulator import Venue, simulate
from tests.support.simulator_calls import until

ccxt = pytest.importorskip("ccxt.pro", reason="needs ccxt: nox -s foreign")

pytestmark = pytest.mark.foreign
SYMBOL = "BTC/USD"
PATIENCE_SECONDS = 120.0


@asynccontextmanager
async def watching(**options):
    """Simulate Bitstamp, with ccxt.pro's client."""
    async with simulate(Venue.BITSTAMP, delay_seconds=(0, 0)) as sim:
        sim.bitstamp.set_trade_pace("btcusd", 0.2)
        account = sim.account(Venue.BITSTAMP)
        names = {"apiKey": account["api_key"], "secret": account["api_secret"], "uid": account["client_id"]}
        exchange = ccxt.bitstamp({**names, "enableRateLimit": False, "timeout": 60_000, **options})
        # As for its REST client: what it signs begins behind "https://".
        secure = sim.base_url.replace("http://", "https://")
        socket = sim.base_url.replace("http://", "ws://") + "/bitstamp"
        exchange.urls["api"] = {"public": secure + "/api", "private": secure + "/api", "ws": socket}
        fetch = exchange.fetch
        exchange.fetch = lambda url, *rest: fetch(url.replace("https://", "http://"), *rest)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                yield sim, exchange
        finally:
            await exchange.close()


async def test_trades():
    """Trades come, with the ids of REST."""
    async with watching() as (_, exchange):
        seen = await exchange.watch_trades(SYMBOL)
        listed = await exchange.fetch_trades(SYMBOL)

    assert {trade["id"] for trade in seen} <= {trade["id"] for trade in listed}
    assert {"buy", "sell"} >= {trade["side"] for trade in seen}


async def test_order_book():
    """A book comes; whether it is right is the client's affair."""
    async with watching() as (sim, exchange):
        book = await exchange.watch_order_book(SYMBOL)
        subscribed = dict(sim.bitstamp.sockets.subscriptions)

    assert book["bids"]
    assert book["asks"]
    assert {"diff_order_book_btcusd": 1} == subscribed


async def test_own_orders():
    """A token opens the private channel, and an order is seen to be placed."""
    async with watching() as (sim, exchange):
        await exchange.load_markets()
        watched = asyncio.ensure_future(exchange.watch_orders(SYMBOL))
        await until(lambda: sim.bitstamp.sockets.subscriptions)
        placed = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 30_000)
        orders = await watched

    assert [placed["id"]] == [order["id"] for order in orders]
