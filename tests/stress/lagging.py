"""A reader that is far slower than its streams: memory is bounded, and every item that it lost is counted.

Thousand frames a second for a minute, in virtual time; the reader takes one item a second. What is measured is the
memory that Python holds after the first seconds and at the end.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from attrs import define

from exchanges.bitstamp.streams import Streams
from exchanges.streams.books import BookChange
from exchanges.streams.delivery import Buffer, Gap, GapReason
from tests.streams.test_books import frame
from tests.stress.figures import Figure, Mechanisms
from tests.support.played_bitstamp import markets, trade
from tests.support.streaming import confirms, played
from tests.support.virtual_time import elapsed, run

PROMISES = ("S3",)
SECONDS, QUICK_SECONDS = 60, 8
FRAMES_A_SECOND = 1000
WARM_SECONDS = 2
MOST_GROWTH = 4 * 1024 * 1024

MECHANISMS: Mechanisms = {"bounded buffer": lambda: patch.object(Buffer, "_is_full", property(lambda _: False))}


@define(eq=False)
class Lag:
    """What a slow reader saw.

    Attributes:
        sent: Frames that the server sent.
        read: Items that the reader took.
        missed: What its gaps said, or its steps dropped.
        left: What was not read at the end.
        growth: Bytes that were held more at the end.
    """

    sent: int = 0
    read: int = 0
    missed: int = 0
    left: int = 0
    growth: int = 0

    def take(self, item: Any) -> None:
        """Count an item."""
        if isinstance(item, Gap):
            assert item.reason is GapReason.LAGGED
            self.missed += item.missed or 0
        else:
            self.read += 1
            self.missed += item.dropped if isinstance(item, BookChange) else 0

    @property
    def is_accounted_for(self) -> bool:
        """Whether each frame was read, counted as missed, or is still there."""
        return self.sent == self.read + self.missed + self.left


async def _slow(stream: Any, send: Any, seconds: int) -> Lag:
    """Flood a stream, and read one item a second."""
    lag, before = Lag(), 0
    for second in range(seconds):
        for _ in range(FRAMES_A_SECOND):
            lag.sent += 1
            send(lag.sent)
        lag.take(await anext(stream))
        await asyncio.sleep(1)
        if second == WARM_SECONDS:
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
    gc.collect()
    lag.growth = tracemalloc.get_traced_memory()[0] - before
    return lag


async def _trades(seconds: int) -> Lag:
    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as stream:
            lag = await _slow(stream, lambda number: server.last.send(trade(number)), seconds)
            # What the buffer still holds: a gap first, if it has dropped anything since the last step.
            while len(stream._buffer):
                lag.take(await anext(stream))
            return lag


async def _book(seconds: int) -> Lag:
    def send(number: int) -> None:
        asks = [[str(1000 + level), "1"] for level in range(100)]
        server.last.send(frame(elapsed() + number / 1e6, [["99", str(number + 1)]], asks))

    async with played(Streams, on_frame=confirms) as (live, server, host):
        markets(host)
        stream = live.order_book("btcusd", audit_seconds=10**6)
        entering = asyncio.create_task(stream.__aenter__())
        await asyncio.sleep(0.1)
        send(0)
        await entering
        lag = await _slow(stream, send, seconds)
        lag.sent += 2  # the frame that it began with, and the status that this changed
        await stream.__aexit__(None, None, None)
        return lag


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Flood a reader of trades and one of a book."""
    seconds = QUICK_SECONDS if quick else SECONDS
    for name, play in (("trades", _trades), ("order book", _book)):
        tracemalloc.start()
        try:
            lag = run(play(seconds))
        finally:
            tracemalloc.stop()
        yield Figure(
            f"{name}: memory of a reader of 1 a second at {FRAMES_A_SECOND} frames a second for {seconds} s",
            f"{max(lag.growth, 0) / 2**20:.2f} MiB",
            "<= 4 MiB",
            lag.growth <= MOST_GROWTH,
        )
        yield Figure(
            f"{name}: frames that were read, or counted as missed",
            f"{lag.read} + {lag.missed} of {lag.sent}",
            "all",
            lag.is_accounted_for,
        )
