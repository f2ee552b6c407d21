"""The simulated Bitso as ccxt uses it: a client that knows nothing of this library trades on it."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from exchanges.simulator import Venue, simulate

ccxt = pytest.importorskip("ccxt.async_support", reason="needs ccxt: nox -s foreign")

pytestmark = pytest.mark.foreign
SYMBOL, FAR = "BTC/MXN", 2_000_000


@asynccontextmanager
async def trading():
    """Simulate Bitso, with ccxt's client of its first account."""
    async with simulate(Venue.BITSO, delay_seconds=(0, 0)) as sim:
        account = sim.account(Venue.BITSO)
        exchange = ccxt.bitso(
            {"apiKey": account["api_key"], "secret": account["api_secret"], "enableRateLimit": False, "timeout": 60_000}
        )
        exchange.urls["api"]["rest"] = sim.base_url + "/api"
        last = 0

        def nonce():
            # As many calls as here come in one millisecond, for which its own nonce has one number only.
            nonlocal last
            last = max(last + 1, exchange.milliseconds())
            return last

        exchange.nonce = nonce
        try:
            yield sim, exchange
        finally:
            await exchange.close()


async def test_markets():
    """Markets, tickers, books, trades and candles are read."""
    async with trading() as (_, exchange):
        markets = await exchange.load_markets()
        ticker = await exchange.fetch_ticker(SYMBOL)
        book = await exchange.fetch_order_book(SYMBOL)
        trades = await exchange.fetch_trades(SYMBOL)
        candles = await exchange.fetch_ohlcv(SYMBOL, "1h", limit=5)

    assert SYMBOL in markets
    assert ticker["bid"] < ticker["ask"]
    assert book["bids"][0][0] < book["asks"][0][0]
    assert trades
    assert candles


async def test_orders():
    """Orders are placed, read and cancelled; trades, ledger and balances follow."""
    async with trading() as (_, exchange):
        before = await exchange.fetch_balance()
        waiting = await exchange.create_order(SYMBOL, "limit", "sell", 0.01, FAR)
        opened = await exchange.fetch_open_orders(SYMBOL)
        shown = await exchange.fetch_order(waiting["id"])
        await exchange.cancel_order(waiting["id"])
        await exchange.create_order(SYMBOL, "market", "sell", 0.01)
        trades = await exchange.fetch_my_trades(SYMBOL)
        ledger = await exchange.fetch_ledger()
        after = await exchange.fetch_balance()
        left = await exchange.fetch_open_orders(SYMBOL)
        await exchange.create_order(SYMBOL, "limit", "sell", 0.01, FAR)
        cancelled = await exchange.cancel_all_orders()

    assert [waiting["id"]] == [order["id"] for order in opened]
    assert ("open", FAR) == (shown["status"], shown["price"])
    assert [] == left
    assert 1 == len(cancelled)
    assert ["sell"] == [trade["side"] for trade in trades]
    assert {"trade", "fee"} <= {entry["type"] for entry in ledger}
    assert Decimal("0.01") == Decimal(str(before["BTC"]["total"])) - Decimal(str(after["BTC"]["total"]))


async def test_deposits_and_withdrawals():
    """Deposits and withdrawals are listed."""
    async with trading() as (sim, exchange):
        sim.bitso.deposit("mxn", Decimal(100))
        await exchange.load_markets()
        deposits = await exchange.fetch_deposits()
        address = await exchange.fetch_deposit_address("BTC")
        rows = (await exchange.private_get_withdrawals())["payload"]

    assert ["MXN"] == [deposit["currency"] for deposit in deposits]
    assert address["address"]
    assert [] == rows


async def test_many_at_once():
    """Twenty concurrent reads are all answered."""
    async with trading() as (_, exchange):
        await exchange.load_markets()
        tickers = await asyncio.gather(*(exchange.fetch_ticker(SYMBOL) for _ in range(20)))

    assert 20 == len(tickers)
