"""Hostile frames, and what they cost a client in another process: memory, and nothing else.

After each attack the client must follow its channels again, over the same connection or another one.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.bitstamp import Bitstamp
from exchanges.simulator import Simulator, Venue, simulate
from exchanges.simulator.venues.stream_faults import Client
from exchanges.state import MemoryState
from exchanges.streams import connection
from exchanges.streams.delivery import Gap
from tests.stress.figures import Figure, Mechanisms
from tests.stress.hostile import peak_kib
from tests.support.streamed import MARKET, clients_of, is_good

PROMISES = ("S10",)
MOST_MIB = 16.0
MIB = 1024 * 1024
FULL_MIB, QUICK_MIB = 100, 24
UNKNOWN, QUICK_UNKNOWN = 100_000, 10_000
BACK_SECONDS = 120.0
PIECE = b" " * 65_536
LARGE = "books that are just not too large"
QUICK = ("a giant frame", "fragments without end", "empty fragments without end", "deep nesting", LARGE)
SPAWN = get_context("spawn")


def _bounds() -> ExitStack:
    """Read frames of any size."""
    stack = ExitStack()
    stack.enter_context(patch.object(connection, "MAX_FRAME", None))
    stack.enter_context(patch.object(connection, "MAX_FRAGMENTS", 1 << 40))
    return stack


MECHANISMS: Mechanisms = {"frame bound": _bounds}


# The client, in a process of its own


async def _follow(pipe: Pipe, base_url: str, credentials: dict[str, str]) -> None:
    """Follow trades and a book; answer each question with the peak of memory once both go on."""
    options: Any = {"limits": None, "state": MemoryState(), **credentials}
    async with (
        Bitstamp(base_url=base_url, **options) as client,
        client.streams.trades(MARKET) as trades,
        client.streams.order_book(MARKET) as book,
    ):
        loop = asyncio.get_running_loop()
        while True:
            is_back = False
            async with asyncio.timeout(BACK_SECONDS):
                while isinstance(await anext(trades), Gap) or not is_good(book):
                    pass
                is_back = True
            pipe.send((is_back, peak_kib() / 1024))
            if not await loop.run_in_executor(None, pipe.recv):
                return
            while len(trades._buffer):  # what came before the attack ended
                await anext(trades)


def _run(pipe: Pipe, base_url: str, credentials: dict[str, str], without: str | None) -> None:
    """Run the client."""
    logging.disable(logging.CRITICAL)
    with MECHANISMS[without]() if without else ExitStack():
        asyncio.run(_follow(pipe, base_url, credentials))


# The server


@define
class Attack:
    """One client's connection under attack.

    Attributes:
        client: Its socket.
        mib: How much is sent at most.
        unknown: How many channels nobody has heard of.
    """

    client: Client
    mib: int
    unknown: int

    async def write(self, data: bytes) -> bool:
        """Write bytes as they are; return whether the connection is still there."""
        transport = self.client.socket._transport
        while transport.get_write_buffer_size() > MIB and not transport.is_closing():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        if transport.is_closing():
            return False
        transport.write(data)
        return True

    async def repeat(self, data: bytes, count: int) -> None:
        """Write the same many times."""
        at_once = max(1, 65_536 // len(data))
        for _ in range(0, count, at_once):
            if not await self.write(data * at_once):
                return


def _head(first: int, length: int) -> bytes:
    """Return the head of an unmasked frame (RFC 6455 section 5.2)."""
    if length < 126:
        return bytes([first, length])
    if length < 65_536:
        return bytes([first, 126]) + length.to_bytes(2, "big")
    return bytes([first, 127]) + length.to_bytes(8, "big")


def _frame(data: bytes, first: int = 0x81) -> bytes:
    return _head(first, len(data)) + data


async def _giant(attack: Attack) -> None:
    await attack.write(_head(0x81, attack.mib * MIB))
    await attack.repeat(PIECE, attack.mib * MIB // len(PIECE))


async def _fragments(attack: Attack) -> None:
    await attack.write(_frame(b"{", 0x01))
    await attack.repeat(_frame(PIECE[:1024], 0x00), attack.mib * 1024)


async def _empty_fragments(attack: Attack) -> None:
    await attack.write(_frame(b"{", 0x01))
    await attack.repeat(_frame(b"", 0x00), attack.mib * 20_000)


async def _bomb(attack: Attack) -> None:
    await attack.write(_frame(zlib.compress(b" " * attack.mib * MIB, 9)[2:-4], 0xC1))


async def _binary(attack: Attack) -> None:
    await attack.repeat(_frame(PIECE, 0x82), attack.mib * 16)


async def _large(attack: Attack) -> None:
    """Send messages that are just not too large, of the kind that takes most memory to read."""
    rows = b",".join(b'["1","1"]' for _ in range(46_000))
    book = (
        b'{"event":"data","channel":"order_book_btcusd","data":{"microtimestamp":"1","bids":[' + rows + b'],"asks":[]}}'
    )
    await attack.repeat(_frame(book), max(2, attack.mib // 4))


async def _deep(attack: Attack) -> None:
    await attack.repeat(_frame(b"[" * MIB), 4)
    await attack.repeat(_frame(b'{"event":"data","channel":"live_trades_btcusd","data":' + b'{"a":' * 200_000), 4)


async def _unknown(attack: Attack) -> None:
    for number in range(attack.unknown):
        frame = _frame(b'{"event":"data","channel":"nobody_%d","data":{"more_%d":1}}' % (number, number))
        if not await attack.write(frame):
            return


async def _unknown_events(attack: Attack) -> None:
    for number in range(attack.unknown):
        frame = _frame(b'{"event":"more_%d","channel":"live_trades_btcusd","data":{"%d":1}}' % (number, number))
        if not await attack.write(frame):
            return


async def _pings(attack: Attack) -> None:
    await attack.repeat(_frame(b"x" * 125, 0x89), attack.unknown)


ATTACKS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    "a giant frame": _giant,
    "fragments without end": _fragments,
    "empty fragments without end": _empty_fragments,
    "a deflate bomb": _bomb,
    "binary frames": _binary,
    LARGE: _large,
    "deep nesting": _deep,
    "unknown channels": _unknown,
    "unknown events": _unknown_events,
    "pings": _pings,
}


@define
class Result:
    """What became of the client.

    Attributes:
        back: Attacks after which it followed its channels again.
        growth_mib: Growth of its memory at the peak, by attack.
    """

    back: list[str] = field(factory=list[str])
    growth_mib: dict[str, float] = field(factory=dict[str, float])


async def _ask(pipe: Pipe) -> tuple[bool, float]:
    loop = asyncio.get_running_loop()
    try:
        is_back, peak_mib = await loop.run_in_executor(None, pipe.recv)
    except EOFError:
        return False, float("inf")  # the client is dead
    return bool(is_back), float(peak_mib)


async def _attack_all(sim: Simulator, pipe: Pipe, result: Result, attacks: Sequence[str], *, quick: bool) -> None:
    _, last_mib = await _ask(pipe)
    for words in attacks:
        for client in clients_of(sim):
            client.is_mute = True  # nothing of the simulator comes between
            await ATTACKS[words](Attack(client, QUICK_MIB if quick else FULL_MIB, QUICK_UNKNOWN if quick else UNKNOWN))
            client.is_mute = False
        pipe.send(True)
        is_back, peak_mib = await _ask(pipe)
        result.back += [words] * is_back
        result.growth_mib[words], last_mib = peak_mib - last_mib, peak_mib
        if not is_back:
            return
    pipe.send(False)


async def _play(attacks: Sequence[str], *, quick: bool, seed: int, without: str | None) -> Result:
    """Attack a new client."""
    result = Result()
    async with simulate(Venue.BITSTAMP, seed=seed, delay_seconds=(0, 0), limits=False) as sim:
        sim.bitstamp.set_trade_pace(MARKET, 0.1)
        ours, theirs = SPAWN.Pipe()
        credentials = sim.account(Venue.BITSTAMP)
        process = SPAWN.Process(target=_run, args=(theirs, sim.base_url, dict(credentials), without), daemon=True)
        process.start()
        theirs.close()
        try:
            await _attack_all(sim, ours, result, attacks, quick=quick)
        finally:
            process.join(1.0)
            process.kill()
    return result


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Attack clients, and measure them."""
    size = QUICK_MIB if quick else FULL_MIB
    others = [words for words in (QUICK if quick else ATTACKS) if words != LARGE]
    for attacks, kinds in ((others, f"{len(others)} kinds of hostile frames, up to {size} MiB each"), ([LARGE], LARGE)):
        result = asyncio.run(_play(attacks, quick=quick, seed=seed, without=without))
        yield Figure(
            f"{kinds}: attacks after which the client follows its channels",
            f"{len(result.back)}",
            f"{len(attacks)}",
            len(result.back) == len(attacks),
        )
        total = sum(result.growth_mib.values())
        worst = max(result.growth_mib, key=lambda words: result.growth_mib[words], default="")
        yield Figure(
            f"the same: growth of its memory at the peak, most of it by {worst}",
            f"{total:.1f} MiB",
            f"<= {MOST_MIB:g} MiB",
            total <= MOST_MIB,
        )
