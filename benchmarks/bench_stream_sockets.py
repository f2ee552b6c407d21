"""Frames of changes over a socket to the step of a reader, against a bare websockets client that decodes them.

Our side is a whole client: the subscription kept, the order book exact, its best prices read at every step. The other
one waits for a frame and calls ``json.loads``. Both get frames at the same pace, as a venue sends them.

asyncio reads into a new buffer of 256 KiB for the bare client. Whether malloc maps such a block anew each time, which
takes as long as all else about a frame, depends on what the process has freed before, so the ratio has two values: with
glibc ``MALLOC_MMAP_THRESHOLD_=131072`` and ``=33554432`` give the one and the other. Ours reads into one buffer.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from rounds import Figure, Target, Wanted, of
from stream_server import CHANGES, Served, serving
from websockets.asyncio.client import ClientConnection, connect

from exchanges import Bitstamp
from exchanges.streams import KeptBook

FRAMES = 200
"""Of a round."""
ENTER_SECONDS = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    with serving() as served:
        taken, delays = asyncio.run(_measure(served, wanted.get("stream-socket", 0), wanted.get("stream-latency", 0)))
    if taken:
        name = f"stream: socket to exact book and best prices, {CHANGES} changes / bare `websockets` + `json.loads`"
        yield Figure(name, of(taken, 0, 1), Target(1.2))
    for side, name in enumerate(("our reader's step", "that of bare `websockets` + `json.loads`")):
        if delays:
            medians = tuple(statistics.median(found[side]) for found in delays)
            slowest = tuple(statistics.quantiles(found[side], n=100)[98] for found in delays)
            yield Figure(f"stream: from sending a frame to {name}, p50", medians, unit="us")
            yield Figure(f"stream: from sending a frame to {name}, p99", slowest, unit="us")


async def _measure(
    served: Served, cost_rounds: int, delay_rounds: int
) -> tuple[list[tuple[float, float]], list[tuple[list[int], list[int]]]]:
    """Return CPU seconds, and delays of frames in microseconds, of our side and of the bare one, round by round."""
    origin = f"127.0.0.1:{served.port}"
    async with (
        Bitstamp(base_url=f"http://{origin}", limits=None) as client,
        client.streams.order_book("btcusd", depth=None, timeout_seconds=ENTER_SECONDS) as book,
        connect(f"ws://{origin}", compression=None) as bare,
    ):
        await anext(book)  # that it is good
        for _ in range(2):  # to warm up
            await _bare(bare, _nothing)
            await _ours(bare, book, _nothing)
        taken = [
            (await _cost(lambda: _ours(bare, book, _nothing)), await _cost(lambda: _bare(bare, _nothing)))
            for _ in range(cost_rounds)
        ]
        delays = [await _delays(served, bare, book) for _ in range(delay_rounds)]
        truth = await client.market.order_book("btcusd", group=1)
        for kept, true in ((book.bids, truth.bids), (book.asks, truth.asks)):
            assert [(one.price, one.amount) for one in kept] == [(one.price, one.amount) for one in true]
    return taken, delays


async def _cost(side: Callable[[], Awaitable[None]]) -> float:
    """Return the CPU seconds that this process needs for a side."""
    gc.collect()
    began = time.process_time()
    await side()
    return time.process_time() - began


async def _delays(served: Served, bare: ClientConnection, book: KeptBook[Any]) -> tuple[list[int], list[int]]:
    """Return how long after it was sent each frame had reached the reader of a side, in microseconds."""
    ours: list[int] = []
    others: list[int] = []
    await _ours(bare, book, lambda: ours.append(served.now() - _sent(book)))
    await _bare(bare, lambda frame: others.append(served.now() - int(frame["data"]["microtimestamp"])))
    return ours, others


def _nothing(*_: object) -> None:
    """Note nothing."""


def _sent(book: KeptBook[Any]) -> int:
    assert book.as_of is not None
    return (book.as_of - _EPOCH) // _MICROSECOND


async def _ask(control: ClientConnection, to: str) -> None:
    await control.send(json.dumps({"event": "bench:send", "to": to, "frames": FRAMES}))


async def _bare(connection: ClientConnection, step: Callable[[Any], None]) -> None:
    seen = 0
    await _ask(connection, "me")
    async for text in connection:
        step(json.loads(text))
        seen += 1
        if seen == FRAMES:
            break


async def _ours(control: ClientConnection, book: KeptBook[Any], step: Callable[[], None]) -> None:
    seen = 0
    await _ask(control, "subscriber")
    async for change in book:
        _ = book.bids[0].price, book.asks[0].price
        step()
        seen += 1 + change.dropped
        if seen >= FRAMES:
            break
