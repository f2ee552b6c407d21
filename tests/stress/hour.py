"""An hour of streams at the simulator with random faults: kept books are compared with the true ones at every change.

Half of it a short book of Bitstamp and a book of Bitso, half of it a whole book of Bitstamp, over real sockets, while
handshakes, subscriptions, frames, connections and snapshots of REST fail in all ways. What a book shows is compared
with what the simulator knows of that moment, and what the client holds in memory after a tenth of the time with what it
holds at the end.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from attrs import define

from exchanges.errors import BookUnknown
from exchanges.simulator import Faults, Simulator, StreamFault, Venue
from tests.stress import books
from tests.stress.figures import Figure, Mechanisms
from tests.support.hasty_loop import run_hasty
from tests.support.streamed import BOOK, MARKET, bitso, bitstamp, exchange_world, is_good

PROMISES = ("S1",)
SECONDS, QUICK_SECONDS = 1_800.0, 60.0
LOOK_SECONDS = 0.25
AUDIT_SECONDS = 30.0
"""Of Bitso's book, so that a channel that dies alone is replaced several times in the hour."""
WARM_SHARE = 0.1
MOST_GROWTH = 512 * 1024
OURS = tracemalloc.Filter(inclusive=True, filename_pattern="*/exchanges/*")
SIMULATOR = tracemalloc.Filter(inclusive=False, filename_pattern="*/exchanges/simulator/*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ON_THE_WAY = {
    StreamFault.DROP_FRAME: 0.002,
    StreamFault.DOUBLE_FRAME: 0.002,
    StreamFault.SWAP_FRAMES: 0.002,
    StreamFault.GARBLE_FRAME: 0.001,
    StreamFault.CUT_FRAME: 0.0005,
    StreamFault.BINARY_FRAME: 0.0005,
    StreamFault.FRAGMENT_FRAME: 0.005,
    StreamFault.EMPTY_FRAME: 0.0005,
    StreamFault.UNKNOWN_EVENT: 0.002,
    StreamFault.BURST: 0.001,
    StreamFault.CHANNEL_DIES: 0.0002,
    StreamFault.RESET_LINE: 0.0005,
    StreamFault.HANG_UP_LINE: 0.0005,
    StreamFault.CLOSE_LINE: 0.0005,
    StreamFault.FREEZE_LINE: 0.0002,
    StreamFault.MUTE_LINE: 0.0002,
    StreamFault.ASK_TO_MOVE: 0.0005,
}
OTHERS = {
    StreamFault.REFUSE_UPGRADE: 0.1,
    StreamFault.CLOSE_AFTER_UPGRADE: 0.05,
    StreamFault.NO_ACK: 0.03,
    StreamFault.LATE_ACK: 0.03,
    StreamFault.SILENT_ACK: 0.01,
    StreamFault.OLD_SNAPSHOT: 0.1,
}
LIES = {
    StreamFault.CROSS_BOOK: 0.002,
    StreamFault.ZERO_PRICE: 0.002,
    StreamFault.SEQUENCE_JUMP: 0.002,
    StreamFault.SEQUENCE_BACK: 0.002,
}

# A difference that is dropped cannot be seen at Bitstamp but by an audit: nothing is dropped there.
WORLDS = {
    ("100 best levels, Bitstamp", "whole book, Bitso"): ON_THE_WAY | OTHERS | LIES,
    ("whole book, Bitstamp",): {
        fault: share for fault, share in (ON_THE_WAY | OTHERS | LIES).items() if fault is not StreamFault.DROP_FRAME
    },
}
MECHANISMS: Mechanisms = {name: books.MECHANISMS[name] for name in ("sequence test",)}


@define
class Watched:
    """One kept book, and what was seen of it.

    Attributes:
        words: Which.
        changes: How often it was compared.
        wrong: How often it differed from the true book.
        good_seconds: For how long it could be read.
    """

    words: str
    changes: int = 0
    wrong: int = 0
    good_seconds: float = 0.0


def _micros(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _levels(side: Any, depth: int | None) -> list[tuple[Any, Any]]:
    return [(level.price, level.amount) for level in list(side)[:depth]]


def _place(book: Any) -> dict[str, int]:
    """Return the number of a book of Bitso, or the moment of one of Bitstamp."""
    number = getattr(book._kept, "sequence", None)
    return {"microtimestamp": _micros(book.as_of)} if number is None else {"sequence": number}


async def _compare(sim: Simulator, venue: Venue, market: str, book: Any, watched: Watched) -> None:
    """Compare a book with the true one at each of its changes."""
    depth = book.depth
    async for _ in book:
        try:
            shown, place = (_levels(book.bids, depth), _levels(book.asks, depth)), _place(book)
        except BookUnknown:
            continue
        watched.changes += 1
        try:
            true = sim.book_at(venue, market, **place)
        except LookupError:  # it shows a step that the exchange has not made
            watched.wrong += 1
            continue
        watched.wrong += shown != (_levels(true.bids, depth), _levels(true.asks, depth))


async def _clock(followed: list[tuple[Any, Watched]], seconds: float) -> None:
    """Advance the clock, and measure for how long each book is good."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (now := loop.time()) < end:
        await asyncio.sleep(LOOK_SECONDS)
        for book, watched in followed:
            watched.good_seconds += (loop.time() - now) * is_good(book)


def _held() -> int:
    """Return how many bytes are held that modules of the client have allocated, not those of the simulator."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces([OURS]).filter_traces([SIMULATOR])
    return sum(trace.size for trace in snapshot.traces)


async def _world(
    seed: int, seconds: float, faults: dict[StreamFault, float], kinds: tuple[str, ...]
) -> tuple[list[Watched], int, int]:
    """Follow books of some kinds under some faults; return also how many struck, and by how much memory grew."""
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(exchange_world(seed))
        stamp = await stack.enter_async_context(bitstamp(sim))
        mex = await stack.enter_async_context(bitso(sim))
        create = {
            "100 best levels, Bitstamp": (Venue.BITSTAMP, MARKET, lambda: stamp.streams.order_book(MARKET)),
            "whole book, Bitstamp": (Venue.BITSTAMP, MARKET, lambda: stamp.streams.order_book(MARKET, depth=None)),
            "whole book, Bitso": (Venue.BITSO, BOOK, lambda: mex.streams.order_book(BOOK, audit_seconds=AUDIT_SECONDS)),
        }
        followed, tasks = list[tuple[Any, Watched]](), list[asyncio.Task[None]]()
        for words in kinds:
            venue, market, book = create[words]
            entered, watched = await stack.enter_async_context(book()), Watched(words)
            followed.append((entered, watched))
            tasks.append(asyncio.create_task(_compare(sim, venue, market, entered, watched)))
        sim.faults = Faults(streams=faults, slow_seconds=3.0)
        await _clock(followed, WARM_SHARE * seconds)
        before = _held()
        await _clock(followed, (1 - WARM_SHARE) * seconds)
        growth = _held() - before
        struck = sum(sim.hits[fault] for fault in StreamFault)
        sim.faults = Faults()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        return [watched for _, watched in followed], struck, growth


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Follow books for an hour, and compare."""
    seconds = QUICK_SECONDS if quick else SECONDS
    for kinds, faults in WORLDS.items():
        tracemalloc.start()
        try:
            seen, struck, growth = run_hasty(_world(seed, seconds, faults, kinds))
        finally:
            tracemalloc.stop()
        yield Figure(
            f"{' and '.join(kinds)}, {seconds / 60:g} minutes: growth of the client's memory after a tenth of them",
            f"{growth / 1024:.0f} KiB",
            f"<= {MOST_GROWTH // 1024} KiB",
            growth <= MOST_GROWTH,
        )
        for watched in seen:
            yield Figure(
                f"{watched.words}, {seconds / 60:g} minutes, {struck:,} faults, {watched.changes:,} changes,"
                f" good for {100 * watched.good_seconds / seconds:.1f} %: wrong",
                f"{watched.wrong:,}",
                "0",
                not watched.wrong and watched.changes > 0,
            )
