"""How long the event loop stands still while large answers arrive and are decoded.

A task that does nothing but yield measures the longest turn of the loop, in CPU time of its thread: what the machine
gives to other programs meanwhile is nobody's cost here.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
from data import archive, order_book, summary
from rounds import Figure, Target, Wanted
from server import ARCHIVE_ROWS, serving

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.errors import ExchangeError

MIB = 1024 * 1024
Call = Callable[[Any, Any, Any], Awaitable[Any]]

TRADE = (
    b'{"book": "btc_mxn", "created_at": "2016-04-08T17:52:31.000+00:00", "amount": "0.02000000", "maker_side": "buy", '
    b'"price": "5545.01", "tid": "55845"}'
)


def _rows(row: bytes, size: int, last: bytes = b"") -> bytes:
    """Write a list of many equal rows, and of another one."""
    return b"[" + b",".join([row] * (size // (len(row) + 1)) + [last or row]) + b"]"


WORST: dict[str, tuple[Call, Callable[[], bytes]]] = {
    "archive of 64 MiB, its last row bad": (
        lambda bitex, _, __: bitex.market.transactions_archive(),
        lambda: _rows(b"[1490605200,1,1.5,1.5]", 63 * MIB, b"[99,1]"),
    ),
    "summary of 64 MiB": (
        lambda bitex, _, __: bitex.account.account_summary(full=True),
        lambda: _rows(b'[1,1,946685400,1,100.0,50.0,1000.0,2,0,0.1,"ApiKey#1",0.01]', 63 * MIB),
    ),
    "summary of 64 MiB, classes unknown": (
        lambda bitex, _, __: bitex.account.account_summary(full=True),
        lambda: _rows(b"[99,1]", 63 * MIB),
    ),
    "summary of 64 MiB, rows empty": (
        lambda bitex, _, __: bitex.account.account_summary(full=True),
        lambda: _rows(b"[]", 63 * MIB),
    ),
    "summary of 10,000 rows": (
        lambda bitex, _, __: bitex.account.account_summary(full=True),
        lambda: summary(10_000).body,
    ),
    "Bitex trades of one hour, 0.5 MiB": (
        lambda bitex, _, __: bitex.market.transactions(),
        lambda: archive(12_000).body,
    ),
    "Bitso trades, 0.2 MiB of objects": (
        lambda _, bitso, __: bitso.market.trades("btc_mxn"),
        lambda: b'{"success": true, "payload": %b}' % _rows(TRADE, MIB // 5),
    ),
    "Bitstamp book of 2 x 5,000": (
        lambda _, __, bitstamp: bitstamp.market.order_book("btcusd"),
        lambda: order_book(5_000)[0],
    ),
    "Bitstamp trades, 0.2 MiB of lists": (
        lambda _, __, bitstamp: bitstamp.market.transactions("btcusd"),
        lambda: _rows(b"[1,2,3]", MIB // 5),
    ),
}


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    with serving() as base_url, asyncio.Runner() as runner:
        if number := wanted.get("archive-arriving"):
            turns = _turns(number, lambda: runner.run(_arriving(base_url)))
            name = f"longest turn of the loop, Bitex archive of {ARCHIVE_ROWS:,} rows over loopback"
            yield Figure(name, turns, Target(5.0), "ms")
        if number := wanted.get("worst-answer"):
            worst: tuple[float, ...] = ()
            for name, (call, body) in WORST.items():
                turns = _turns(number, functools.partial(_lag_of, runner, call, body))
                worst = max(worst, turns, key=lambda values: sorted(values, reverse=True))
                yield Figure(f"longest turn, {name}", turns, unit="ms")
            yield Figure("longest turn of all of these", worst, Target(20.0), "ms")


def _turns(number: int, side: Callable[[], float]) -> tuple[float, ...]:
    side()  # to warm up
    return tuple(side() for _ in range(max(2, number)))


def _lag_of(runner: asyncio.Runner, call: Call, body: Callable[[], bytes]) -> float:
    return runner.run(_injected(call, body))


async def _arriving(base_url: str) -> float:
    """Read the archive over an own connection; return the longest turn."""
    async with Bitex(base_url=base_url, limits=None) as bitex:
        turn, rows = await _longest_turn(bitex.market.transactions_archive)
    assert len(rows) == ARCHIVE_ROWS
    return turn


async def _injected(call: Call, body: Callable[[], bytes]) -> float:
    """Decode an answer that an injected transport has whole; return the longest turn."""
    content = body()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    options: dict[str, Any] = {"transport": transport, "limits": None, "timeout_seconds": 600.0, "api_key": "key"}
    async with (
        Bitex(**options) as bitex,
        Bitso(**options, api_secret="secret") as bitso,
        Bitstamp(**options, api_secret="secret", client_id="1") as bitstamp,
    ):
        turn, _ = await _longest_turn(lambda: call(bitex, bitso, bitstamp))
    return turn


async def _longest_turn(call: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Send a call; return the longest turn of the loop meanwhile, in milliseconds, and what the call returned."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    gc.collect()
    gc.freeze()  # a collection walks through all that the program holds, which is little in a benchmark or much
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        result: Any = await call()
    except ExchangeError as error:
        result = error
    finally:
        watching.cancel()
        gc.unfreeze()
    return longest * 1000, result
