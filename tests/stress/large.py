"""Large answers: what a client in one process spends on those of a hostile server in another."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
from multiprocessing.connection import Connection as Pipe
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.bitex import Bitex
from exchanges.errors import ExchangeError
from exchanges.wire import large_lists
from tests.stress.figures import Figure, Mechanisms
from tests.stress.hostile import SPAWN, hostile_server, peak_kib
from tests.support.hostile_answers import LARGE

PROMISES = (10,)
MIB, QUICK_MIB = 60, 12
DEADLINE_SECONDS = 3.0
MOST_LATE_SECONDS = 0.5
MOST_TIMES = 2.0
MOST_MORE_MIB = 32.0
MOST_TURN_MS = 100.0
"""Several times what `nox -s bench` shows on an idle machine."""
QUICK = ("good rows", "a bad row at the end", "a class that nobody knows", "empty rows", "every second row bad")


@contextmanager
def _at_once() -> Iterator[None]:
    """Run all steps of an answer in one turn of the loop."""

    async def at_once(steps: Iterator[None], deadline: float = 0.0) -> None:
        del deadline
        for _ in steps:
            pass

    with ExitStack() as stack:
        for module in ("exchanges.http.pool", "exchanges.http.httpx_sender"):
            stack.enter_context(patch(f"{module}.in_slices", at_once))
        yield


MECHANISMS: Mechanisms = {
    "slices": _at_once,
    # Large answers are read like small ones.
    "cutting": lambda: patch.object(large_lists, "cutter_of", lambda *_: None),
}


@define
class Cost:
    """The cost of the answers.

    Attributes:
        calls: How many were made.
        foreign: Exceptions that are not ours, by the answer.
        late_seconds: How long after its deadline the latest call ended, and which.
        turn_ms: CPU of the longest turn of the loop, and during which call.
        grown_kib: By how much the peak of memory grew, and at which call it grew last.
    """

    calls: int = 0
    foreign: list[str] = field(factory=list[str])
    late_seconds: tuple[float, str] = (-1e9, "")
    turn_ms: tuple[float, str] = (0.0, "")
    grown_kib: tuple[int, str] = (0, "")


@asynccontextmanager
async def _watched(cost: Cost, name: str) -> AsyncIterator[None]:
    """Measure the turns of the loop while the block lasts, in CPU time: others may have the processor meanwhile."""

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            cost.turn_ms = max(cost.turn_ms, ((time.thread_time() - began) * 1000, name))

    gc.collect()
    gc.freeze()
    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        gc.unfreeze()


async def _suffer(origin: str, server: Pipe, names: tuple[str, ...], mib: int) -> Cost:
    cost = Cost()
    async with Bitex(api_key="key", base_url=origin, limits=None, timeout_seconds=DEADLINE_SECONDS) as bitex:
        reads: dict[str, Any] = {
            "archive": bitex.market.transactions_archive,
            "summary": bitex.account.account_summary,
        }
        before = peak_kib()
        for name, (what, read) in ((name, read) for name in names for read in reads.items()):
            server.send(f"{name} in MiB: {mib}")
            server.recv()
            where = f"{name}, {what}"
            cost.calls += 1
            began = time.perf_counter()
            async with _watched(cost, where):
                try:
                    await read()
                except ExchangeError:
                    pass
                except Exception as error:  # noqa: BLE001 - whether there is any is the question
                    cost.foreign.append(f"{type(error).__name__}: {where}")
            cost.late_seconds = max(cost.late_seconds, (time.perf_counter() - began - DEADLINE_SECONDS, where))
            cost.grown_kib = max(cost.grown_kib, (peak_kib() - before, where))
    return cost


def _client(quick: bool, without: str | None, ours: Pipe) -> None:
    logging.disable(logging.CRITICAL)
    taken_out = MECHANISMS[without]() if without else nullcontext()
    with hostile_server() as (origin, server), taken_out, patch("exchanges.session.session.BACKOFF_SECONDS", 0.0):
        names, mib = (QUICK, QUICK_MIB) if quick else (tuple(LARGE), MIB)
        ours.send(asyncio.run(_suffer(origin, server, names, mib)))


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Measure the cost of all large answers, or of a few."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_client, args=(quick, without, theirs))
    process.start()
    theirs.close()
    cost: Cost = ours.recv()
    process.join()
    size = QUICK_MIB if quick else MIB
    about, most = f"{cost.calls} large answers of {size} MiB", MOST_TIMES * size + MOST_MORE_MIB
    mib, late, turn = cost.grown_kib[0] / 1024, cost.late_seconds[0], cost.turn_ms[0]
    yield Figure(
        f"{about}: others run meanwhile",
        f"{turn:.1f} ms of CPU in the longest turn of the loop ({cost.turn_ms[1]})",
        f"<= {MOST_TURN_MS:.0f} ms",
        turn <= MOST_TURN_MS,
    )
    yield Figure(
        f"{about}: each ends in time",
        f"{late:.2f} s after the deadline of {DEADLINE_SECONDS:.0f} s ({cost.late_seconds[1]})",
        f"<= {MOST_LATE_SECONDS} s",
        late <= MOST_LATE_SECONDS,
    )
    yield Figure(
        f"{about}: memory stays near their bytes",
        f"{mib:.0f} MiB more at the peak ({cost.grown_kib[1]})",
        f"<= {most:.0f} MiB",
        mib <= most,
    )
    yield Figure(
        f"{about}: only exceptions of ours",
        f"{len(cost.foreign)} others {cost.foreign[:3] or ''}".rstrip(),
        "0",
        not cost.foreign,
    )
