"""The simulated Bitstamp as the client uses it that most programs of its time did (BitstampClient on the index).

It signs as version 1 did, with key and nonce in the body, at paths of both versions. Those of version 2 have refused
that since 2021, so there it reads the market alone.
"""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from exchanges import Bitstamp
from exchanges.simulator import Venue, simulate

client = pytest.importorskip("bitstamp.client", reason="needs BitstampClient: nox -s foreign")

pytestmark = pytest.mark.foreign
ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


@asynccontextmanager
async def trading():
    """Simulate Bitstamp, with the client of its first account, and ours."""
    async with simulate(Venue.BITSTAMP, delay_seconds=(0, 0)) as sim:
        account = sim.account(Venue.BITSTAMP)
        theirs = client.Trading(account["client_id"], account["api_key"], account["api_secret"])
        theirs._nonce = 10**15  # it begins with seconds, and ours with milliseconds
        theirs.api_url = {1: f"{sim.base_url}/api/", 2: f"{sim.base_url}/api/v2/"}
        async with Bitstamp(base_url=sim.base_url, limits=None, **account) as ours:

            async def call(name, *arguments, **options):
                return await asyncio.to_thread(getattr(theirs, name), *arguments, **options)

            yield call, ours


async def test_the_market():
    """Tickers, books, trades and candles are read from version 2."""
    async with trading() as (call, _):
        ticker, hour = await call("ticker"), await call("ticker_hour", base="btc", quote="eur")
        book, trades = await call("order_book", group=1), await call("transactions")
        candles = await call("ohlc", step=3600, limit=5)

    assert Decimal(ticker["bid"]) < Decimal(ticker["ask"])
    assert Decimal(hour["low"]) <= Decimal(hour["high"])
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert {"price", "amount", "tid"} <= set(trades[0])
    assert 5 == len(candles["data"]["ohlc"])


async def test_orders_and_withdrawals_of_version_1():
    """Orders are cancelled, coins sent and listed, with the signature of version 1."""
    async with trading() as (call, ours):
        order = await ours.v1.trading.buy(amount="0.01", price="50000")
        cancelled, left = await call("cancel_order", order.id), await ours.trading.open_orders()
        address = await call("bitcoin_deposit_address")
        sent = await call("bitcoin_withdrawal", "0.5", ADDRESS)
        requests = await call("withdrawal_requests")

    assert (True, [], True) == (cancelled, left, address.startswith("1"))
    assert [(sent["id"], Decimal("0.5"))] == [(row["id"], Decimal(row["amount"])) for row in requests]


async def test_the_old_signature_at_version_2():
    """Version 2 refuses it: there is no header that names the key."""
    async with trading() as (call, ours):
        with pytest.raises(Exception, match="403"):
            await call("buy_limit_order", "0.01", "50000")

        assert [] == await ours.trading.open_orders()
