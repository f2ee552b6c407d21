"""Whole calls over loopback beside bare httpx and aiohttp, and beside the same calls of ccxt."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import httpx
from data import BALANCE_BITSO, BALANCE_BITSTAMP, TICKER
from rounds import Figure, Target, Wanted, of, rounds
from server import serving

from exchanges import Bitso, Bitstamp, Limit, Scope, Window

Call = Callable[[], Awaitable[Any]]

CALLS = 200
AT_ONCE = 100
KEY, SECRET, CLIENT_ID = "k" * 32, "s" * 32, "123456"
# Wide enough never to wait, so that the ledger does all its work and no more.
WIDE = (Window(10**6, 600.0),)
BITSTAMP = Limit("bitstamp", WIDE, Scope.KEY)
BITSTAMP_V1 = Limit("bitstamp v1", WIDE, Scope.KEY, within=BITSTAMP)
BITSO = Limit("bitso private", WIDE, Scope.KEY)
MARKET = {"id": "btcusd", "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "type": "spot", "spot": True}


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    with serving() as base_url, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        calls = runner.run(_calls(stack, base_url))
        try:
            runner.run(_check(calls))
            yield from _figures(wanted, {name: _side(runner, call) for name, call in calls.items()})
            if number := wanted.get("concurrent"):
                many = rounds(number, _side(runner, calls["ours"], at_once=AT_ONCE), _side(runner, calls["ours"]))
                yield Figure(f"CPU per call, {AT_ONCE} concurrent / sequential", of(many, 0, 1), Target(1.1))
        finally:
            runner.run(stack.aclose())


def _figures(wanted: Wanted, sides: dict[str, Callable[[], float]]) -> Iterator[Figure]:
    for row, name, ours, bare, peer, bound in (
        ("public", "public call to attrs / bare httpx get", "ours", "bare", "ccxt", 0.25),
        ("signed", "signed call (Bitstamp v1) to attrs / bare httpx post", "ours signed", "bare post", "", 0.30),
        (
            "signed-bitso",
            "signed call (Bitso v3) to attrs / bare httpx get",
            "ours bitso",
            "bare bitso",
            "ccxt bitso",
            0.30,
        ),
    ):
        if row not in wanted:
            continue
        others = [side for side in (bare, peer, "aiohttp" if row == "public" else "") if side in sides]
        results = rounds(wanted[row], *(sides[side] for side in (ours, *others)))
        yield Figure(name, of(results, 0, 1), Target(bound))
        if row == "public":
            yield Figure("bare httpx get", tuple(result[1] / CALLS * 1e6 for result in results), unit="us")
        if "aiohttp" in others:
            yield Figure("public call to attrs / bare aiohttp get", of(results, 0, 1 + others.index("aiohttp")))
        if peer in others:
            ratios = of(results, 1 + others.index(peer), 0)
            yield Figure(f"ccxt's same call / ours ({row})", ratios, Target(1.4, at_least=True))


async def _calls(stack: AsyncExitStack, base_url: str) -> dict[str, Call]:
    """Open all clients; the calls to measure by name."""
    bare = await stack.enter_async_context(httpx.AsyncClient())
    bitstamp = await stack.enter_async_context(
        Bitstamp(base_url=base_url, api_key=KEY, api_secret=SECRET, client_id=CLIENT_ID, limits=[BITSTAMP, BITSTAMP_V1])
    )
    bitso = await stack.enter_async_context(Bitso(base_url=base_url, api_key=KEY, api_secret=SECRET, limits=[BITSO]))
    form = f"key={KEY}&signature={'A' * 64}&nonce=1490605200000".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return {
        "ours": lambda: bitstamp.market.ticker("btcusd"),
        "bare": lambda: bare.get(f"{base_url}/api/v2/ticker/btcusd/"),
        "ours signed": bitstamp.v1.account.balance,
        "bare post": lambda: bare.post(f"{base_url}/api/balance/", content=form, headers=headers),
        "ours bitso": bitso.account.balance,
        "bare bitso": lambda: bare.get(f"{base_url}/api/v3/balance/"),
        **(_peers(stack, base_url) if find_spec("ccxt") else {}),
        **(await _aiohttp(stack, base_url) if find_spec("aiohttp") else {}),
    }


async def _aiohttp(stack: AsyncExitStack, base_url: str) -> dict[str, Call]:
    """Open a bare client of aiohttp."""
    import aiohttp  # noqa: PLC0415 - the other rows do without it

    session = await stack.enter_async_context(aiohttp.ClientSession())

    async def get() -> bytes:
        async with session.get(f"{base_url}/api/v2/ticker/btcusd/") as response:
            return await response.read()

    return {"aiohttp": get}


def _peers(stack: AsyncExitStack, base_url: str) -> dict[str, Call]:
    """Open the same clients of ccxt."""
    import ccxt.async_support as ccxt  # noqa: PLC0415 - the other rows do without it

    bitstamp, bitso = ccxt.bitstamp(_options(base_url)), ccxt.bitso(_options(base_url))
    for peer in (bitstamp, bitso):
        peer.set_markets([peer.safe_market_structure(MARKET)])
        stack.push_async_callback(peer.close)
    return {"ccxt": lambda: bitstamp.fetch_ticker("BTC/USD"), "ccxt bitso": bitso.fetch_balance}


def _options(base_url: str) -> dict[str, Any]:
    api = dict.fromkeys(("public", "private", "rest"), f"{base_url}/api")
    return {"apiKey": KEY, "secret": SECRET, "uid": CLIENT_ID, "enableRateLimit": False, "urls": {"api": api}}


async def _check(calls: dict[str, Call]) -> None:
    """Check that nobody is quick by doing something else."""
    results = {name: await call() for name, call in calls.items()}
    ticker, balance, bitso = results["ours"], results["ours signed"], results["ours bitso"]
    assert results["bare"].content == TICKER
    assert results["bare post"].content == BALANCE_BITSTAMP
    assert results["bare bitso"].content == BALANCE_BITSO
    assert json.loads(TICKER)["volume"] == str(ticker.volume)
    assert Decimal("6952.05") == balance.currencies["usd"].available
    assert [b["total"] for b in json.loads(BALANCE_BITSO)["payload"]["balances"]] == [str(b.total) for b in bitso]
    assert results.get("aiohttp", TICKER) == TICKER
    if "ccxt" in results:
        assert results["ccxt"]["last"] == 26219.0
        assert results["ccxt bitso"]["total"]["BTC"] == 100.12345678


def _side(runner: asyncio.Runner, call: Call, at_once: int = 1) -> Callable[[], float]:
    """Build a side of `CALLS` calls, so many at once."""

    async def run() -> float:
        began = time.process_time()
        for _ in range(CALLS // at_once):
            if at_once == 1:
                await call()
            else:
                await asyncio.gather(*(call() for _ in range(at_once)))
        return time.process_time() - began

    return lambda: runner.run(run())
