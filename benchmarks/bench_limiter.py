"""The ledger of a limit: a slot that is free, and a long line for a few connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from rounds import Figure, Target, rounds

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, Lane, Limiter, Permit, Priority, reserved_connections

PAIRS = 10_000
WAITERS = 10_000
LIMIT = Limit("bench", (Window(PAIRS + WAITERS, 600.0),), Scope.ADDRESS)
DEADLINE_SECONDS = 600.0
CONNECTIONS = 4


def figures(number: int) -> Iterator[Figure]:
    """Measure all rows."""
    with asyncio.Runner() as runner:
        results = rounds(number, lambda: runner.run(_free()), lambda: runner.run(_line()))
    free, line = ([r[side] / times * 1e6 for r in results] for side, times in ((0, PAIRS), (1, WAITERS)))
    yield Figure("limiter: a free slot, taken and given back", tuple(free), Target(2.0), unit="us")
    yield Figure(f"limiter: each of {WAITERS:,} waiters", tuple(line), Target(20.0), unit="us")


async def _free() -> float:
    limiter, lane = Limiter(LIMIT), Lane(Connections(CONNECTIONS))
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    began = time.process_time()
    for _ in range(PAIRS):
        permit = await limiter.acquire(lane, Priority.READ, deadline=deadline)
        permit.end(sent=True, complete=True)
    return time.process_time() - began


async def _line() -> float:
    limiter, lane = Limiter(LIMIT), Lane(Connections(CONNECTIONS))
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    order: list[int] = []

    async def wait(number: int) -> Permit:
        permit = await limiter.acquire(lane, Priority.READ, deadline=deadline)
        order.append(number)
        permit.end(sent=True, complete=True)
        return permit

    free_for_reads = CONNECTIONS - reserved_connections(CONNECTIONS)
    held = [await limiter.acquire(lane, Priority.READ) for _ in range(free_for_reads)]
    began = time.process_time()
    tasks = [asyncio.create_task(wait(number)) for number in range(WAITERS)]
    await asyncio.sleep(0)
    assert limiter.waiting == WAITERS
    for permit in held:
        permit.end(sent=True, complete=True)
    await asyncio.gather(*tasks)
    seconds = time.process_time() - began
    assert sorted(order) == list(range(WAITERS))
    return seconds
