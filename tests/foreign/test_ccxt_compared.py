"""What README and the guide state of ccxt beside this library, on the same simulated exchanges."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from exchanges import Bitso, Bitstamp, Kind, OutcomeUnknown, Reconciled
from exchanges.simulator import FaultPoint, Faults, Venue, simulate

ccxt = pytest.importorskip("ccxt.async_support", reason="needs ccxt: nox -s foreign")

pytestmark = pytest.mark.foreign
DIGITS = "0.123456789012345678"
LOST = Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})


@asynccontextmanager
async def bitso(sim):
    """Open ccxt's client of the first account at Bitso, without the pause between its calls."""
    account = sim.account(Venue.BITSO)
    client = ccxt.bitso({"apiKey": account["api_key"], "secret": account["api_secret"], "enableRateLimit": False})
    client.urls["api"] = {"rest": sim.base_url + "/api"}
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def bitstamp(sim):
    """Open ccxt's client of the first account at Bitstamp."""
    account = sim.account(Venue.BITSTAMP)
    client = ccxt.bitstamp({"apiKey": account["api_key"], "secret": account["api_secret"]})
    # It signs the address without "https://", and "http://" as a part of it: so it is changed behind that.
    secure = sim.base_url.replace("http://", "https://")
    client.urls["api"] = {"public": secure + "/api", "private": secure + "/api"}
    fetch = client.fetch
    client.fetch = lambda url, *rest: fetch(url.replace("https://", "http://"), *rest)
    try:
        yield client
    finally:
        await client.close()


def ticker():
    """Return a ticker with many digits."""
    names = ("last", "bid", "ask", "high", "low", "volume", "vwap")
    return {**dict.fromkeys(names, DIGITS), "created_at": "2016-04-08T17:52:31.000+00:00", "book": "btc_mxn"}


async def test_digits():
    """Of eighteen digits ccxt keeps what a float holds; here all are kept."""
    parsed = ccxt.bitso().parse_ticker(ticker())["last"]

    assert (float, "0.12345678901234568") == (type(parsed), str(parsed))
    assert DIGITS == str(Decimal(DIGITS))


async def test_a_lost_answer():
    """After a lost answer ccxt raises an error of the network, and the order is in the book; here it is found."""
    async with simulate(Venue.BITSTAMP, faults=LOST, delay_seconds=(0, 0)) as sim, bitstamp(sim) as theirs:
        with pytest.raises(ccxt.ExchangeNotAvailable) as caught:
            await theirs.create_order("BTC/USD", "limit", "buy", 0.01, 30000)
        async with Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)) as ours:
            placed = await ours.trading.open_orders()
            with pytest.raises(OutcomeUnknown) as unknown:
                await ours.trading.buy(market="btcusd", amount="0.02", price="30000")
            verdict = await ours.reconcile(unknown.value.intent)

    assert isinstance(caught.value, ccxt.NetworkError)
    assert 1 == len(placed)
    assert isinstance(verdict, Reconciled)


async def test_concurrent_calls():
    """Of 100 concurrent signed reads at Bitso some of ccxt are refused for their nonce, and none of ours."""
    async with simulate(Venue.BITSO, limits=False) as sim:
        async with bitso(sim) as theirs:
            ends = await asyncio.gather(*(theirs.fetch_balance() for _ in range(100)), return_exceptions=True)
        async with Bitso(base_url=sim.base_url, limits=None, **sim.account(Venue.BITSO)) as ours:
            await asyncio.gather(*(ours.account.balance() for _ in range(100)))
    refused = [end for end in ends if isinstance(end, Exception)]

    assert refused
    assert {ccxt.ExchangeError} == set(map(type, refused))
    assert all("0207" in str(end) for end in refused)


def test_pauses():
    """The pauses of ccxt are as stated."""
    assert (2000, 75) == (ccxt.bitso().rateLimit, ccxt.bitstamp().rateLimit)
