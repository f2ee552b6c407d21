"""Whole calls over loopback: what the library adds to, or saves of, bare httpx. ccxt does the same calls beside."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import httpx
from data import BALANCE_BITSO, BALANCE_BITSTAMP, TICKER
from rounds import Figure, Target, of, rounds
from server import serving

from exchanges import Bitso, Bitstamp, Limit, Scope, Window

Call = Callable[[], Awaitable[Any]]

CALLS = 200
AT_ONCE = 100
KEY, SECRET, CLIENT_ID = "k" * 32, "s" * 32, "123456"
# Wide enough never to wait, so that the ledger does all its work and no more.
LIMITS = [Limit(name, (Window(10**6, 600.0),), Scope.KEY) for name in ("bitstamp", "bitso private")]
MARKET = {"id": "btcusd", "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "type": "spot", "spot": True}


def figures(number: int) -> Iterator[Figure]:
    """Measure all rows."""
    with serving() as base_url, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        calls = runner.run(_calls(stack, base_url))
        try:
            runner.run(_check(calls))
            yield from _figures(number, {name: _side(runner, call) for name, call in calls.items()}, runner, calls)
        finally:
            runner.run(stack.aclose())


def _figures(
    number: int, sides: dict[str, Callable[[], float]], runner: asyncio.Runner, calls: dict[str, Call]
) -> Iterator[Figure]:
    public = rounds(number, *(sides[name] for name in ("ours", "bare", "ccxt")))
    yield Figure("public call to attrs / bare httpx get", of(public, 0, 1), Target(1.00))
    signed = rounds(number, sides["ours signed"], sides["bare post"])
    yield Figure("signed call (Bitstamp v1) to attrs / bare httpx post", of(signed, 0, 1), Target(1.05))
    many = rounds(max(3, number // 2), _side(runner, calls["ours"], at_once=AT_ONCE), sides["ours"])
    yield Figure(f"CPU per call, {AT_ONCE} at once / one by one", of(many, 0, 1), Target(1.3))
    bitso = rounds(number, *(sides[name] for name in ("ours bitso", "bare bitso", "ccxt bitso")))
    yield Figure("signed call (Bitso v3) to attrs / bare httpx get", of(bitso, 0, 1))
    yield Figure("bare httpx get", tuple(r[1] / CALLS * 1e6 for r in public), unit="us")
    yield Figure("ccxt public call / bare httpx get", of(public, 2, 1))
    yield Figure("ccxt signed call (Bitso v3) / bare httpx get", of(bitso, 2, 1))


async def _calls(stack: AsyncExitStack, base_url: str) -> dict[str, Call]:
    """Open all clients; the calls to measure by name."""
    bare = await stack.enter_async_context(httpx.AsyncClient())
    bitstamp = await stack.enter_async_context(
        Bitstamp(base_url=base_url, api_key=KEY, api_secret=SECRET, client_id=CLIENT_ID, limits=LIMITS[:1])
    )
    bitso = await stack.enter_async_context(Bitso(base_url=base_url, api_key=KEY, api_secret=SECRET, limits=LIMITS[1:]))
    peers = {"bitstamp": ccxt.bitstamp(_options(base_url)), "bitso": ccxt.bitso(_options(base_url))}
    for peer in peers.values():
        peer.set_markets([peer.safe_market_structure(MARKET)])
        stack.push_async_callback(peer.close)
    form = f"key={KEY}&signature={'A' * 64}&nonce=1490605200000".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return {
        "ours": lambda: bitstamp.market.ticker("btcusd"),
        "bare": lambda: bare.get(f"{base_url}/api/v2/ticker/btcusd/"),
        "ccxt": lambda: peers["bitstamp"].fetch_ticker("BTC/USD"),
        "ours signed": bitstamp.v1.account.balance,
        "bare post": lambda: bare.post(f"{base_url}/api/balance/", content=form, headers=headers),
        "ours bitso": bitso.account.balance,
        "bare bitso": lambda: bare.get(f"{base_url}/api/v3/balance/"),
        "ccxt bitso": peers["bitso"].fetch_balance,
    }


def _options(base_url: str) -> dict[str, Any]:
    api = dict.fromkeys(("public", "private", "rest"), f"{base_url}/api")
    return {"apiKey": KEY, "secret": SECRET, "uid": CLIENT_ID, "enableRateLimit": False, "urls": {"api": api}}


async def _check(calls: dict[str, Call]) -> None:
    """Let nobody be quick by doing something else."""
    results = {name: await call() for name, call in calls.items()}
    ticker, balance, bitso = results["ours"], results["ours signed"], results["ours bitso"]
    assert results["bare"].content == TICKER
    assert results["bare post"].content == BALANCE_BITSTAMP
    assert results["bare bitso"].content == BALANCE_BITSO
    assert json.loads(TICKER)["volume"] == str(ticker.volume)
    assert Decimal("6952.05") == balance.currencies["usd"].available
    assert [b["total"] for b in json.loads(BALANCE_BITSO)["payload"]["balances"]] == [str(b.total) for b in bitso]
    assert results["ccxt"]["last"] == 26219.0
    assert results["ccxt bitso"]["total"]["BTC"] == 100.12345678


def _side(runner: asyncio.Runner, call: Call, at_once: int = 1) -> Callable[[], float]:
    """Make a side of `CALLS` calls, so many at once."""

    async def run() -> float:
        began = time.process_time()
        for _ in range(CALLS // at_once):
            if at_once == 1:
                await call()
            else:
                await asyncio.gather(*(call() for _ in range(at_once)))
        return time.process_time() - began

    return lambda: runner.run(run())
