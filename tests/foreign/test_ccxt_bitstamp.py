"""The simulated Bitstamp as ccxt uses it: a client that knows nothing of this library trades on it."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from exchanges.simulator import Venue, simulate

ccxt = pytest.importorskip("ccxt.async_support", reason="needs ccxt: nox -s foreign")

pytestmark = pytest.mark.foreign
SYMBOL, FAR = "BTC/USD", 200_000


@asynccontextmanager
async def trading():
    """Simulate Bitstamp, with ccxt's client of its first account."""
    async with simulate(Venue.BITSTAMP, delay_seconds=(0, 0)) as sim:
        account = sim.account(Venue.BITSTAMP)
        exchange = ccxt.bitstamp(
            {
                "apiKey": account["api_key"],
                "secret": account["api_secret"],
                "uid": account["client_id"],
                "enableRateLimit": False,
                "timeout": 60_000,
            }
        )
        # It signs the address without "https://", and "http://" as a part of it: so it is changed behind that.
        secure = sim.base_url.replace("http://", "https://")
        exchange.urls["api"] = {"public": secure + "/api", "private": secure + "/api"}
        fetch = exchange.fetch
        exchange.fetch = lambda url, *rest: fetch(url.replace("https://", "http://"), *rest)
        try:
            yield sim, exchange
        finally:
            await exchange.close()


async def test_markets():
    """Markets, currencies, tickers, books, trades and candles are read."""
    async with trading() as (_, exchange):
        markets = await exchange.load_markets()
        ticker = await exchange.fetch_ticker(SYMBOL)
        tickers = await exchange.fetch_tickers()
        book = await exchange.fetch_order_book(SYMBOL)
        trades = await exchange.fetch_trades(SYMBOL)
        candles = await exchange.fetch_ohlcv(SYMBOL, "1h", limit=5)

    assert {"BTC/USD", "BTC/EUR"} <= set(markets)
    assert ticker["bid"] < ticker["ask"]
    assert set(tickers) <= set(markets)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert trades
    assert 5 == len(candles)


async def test_orders():
    """Orders of all kinds are placed, read, replaced and cancelled; trades, ledger and balances follow."""
    async with trading() as (sim, exchange):
        before = await exchange.fetch_balance()
        waiting = await exchange.create_order(SYMBOL, "limit", "sell", 0.01, FAR, {"clientOrderId": "mine"})
        opened = await exchange.fetch_open_orders(SYMBOL)
        shown = await exchange.fetch_order(waiting["id"], SYMBOL)
        named = await exchange.fetch_order(None, SYMBOL, {"clientOrderId": "mine"})
        changed = await exchange.edit_order(waiting["id"], SYMBOL, "limit", "sell", 0.02, FAR + 1)
        await exchange.cancel_order(changed["id"])
        await exchange.create_order(SYMBOL, "market", "sell", 0.01)
        await exchange.create_order(SYMBOL, "instant", "buy", 100)
        trades = await exchange.fetch_my_trades(SYMBOL)
        ledger = await exchange.fetch_ledger()
        after = await exchange.fetch_balance()
        await exchange.create_order(SYMBOL, "limit", "sell", 0.01, FAR)
        cancelled = await exchange.cancel_all_orders()
        sim.advance(11)
        left = await exchange.fetch_open_orders()

    bought = sum(trade["amount"] for trade in trades if trade["side"] == "buy")
    assert [waiting["id"]] == [order["id"] for order in opened]
    assert ("open", waiting["id"]) == (shown["status"], named["id"])
    assert [] == left
    assert 1 == len(cancelled)
    assert ["sell", "buy"] == [trade["side"] for trade in trades][:2]
    assert len(trades) == len(ledger)
    assert abs(before["BTC"]["total"] - after["BTC"]["total"] - 0.01 + bought) < 1e-8


async def test_rejections():
    """An order beyond the balance, one that is too small, and an order that is not there are its own errors."""
    async with trading() as (_, exchange):
        await exchange.load_markets()
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(SYMBOL, "limit", "sell", 5, FAR)
        with pytest.raises(ccxt.InvalidOrder):
            await exchange.create_order(SYMBOL, "limit", "sell", 0.0001, 60_000)
        with pytest.raises(ccxt.ExchangeError, match="Order not found"):
            await exchange.cancel_order("1463489000999999")


async def test_deposits_and_withdrawals():
    """Deposits, withdrawals, addresses and fees are read."""
    async with trading() as (sim, exchange):
        sim.bitstamp.deposit("usd", Decimal(100))
        await exchange.load_markets()
        sent = await exchange.withdraw("BTC", 0.5, "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh")
        rows = await exchange.fetch_deposits_withdrawals()
        withdrawals = await exchange.fetch_withdrawals("BTC")
        address = await exchange.fetch_deposit_address("BTC")
        fees = await exchange.fetch_trading_fees()

    assert {"deposit", "withdrawal"} == {row["type"] for row in rows}
    assert [sent["id"]] == [row["id"] for row in withdrawals]
    assert address["address"]
    # In percent, as it travels.
    assert 0.25 == fees[SYMBOL]["taker"]


async def test_many_at_once():
    """Twenty concurrent signed reads are all answered."""
    async with trading() as (_, exchange):
        await exchange.load_markets()
        balances = await asyncio.gather(*(exchange.fetch_balance() for _ in range(20)))

    assert 20 == len(balances)
