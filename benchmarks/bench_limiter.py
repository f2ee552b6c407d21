"""The ledger of a limit: a slot that is free, and a long line for a few connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from rounds import Figure, Target, Wanted, rounds

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, Lane, Limiter, Permit, Priority
from exchanges.limits.permits import reserved_connections

PAIRS = 10_000
WAITERS = 10_000
LIMIT = Limit("bench", (Window(PAIRS + WAITERS, 600.0),), Scope.ADDRESS)
DEADLINE_SECONDS = 600.0
CONNECTIONS = 4


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    with asyncio.Runner() as runner:
        if number := wanted.get("permit"):
            results = rounds(number, lambda: runner.run(_free()), lambda: runner.run(_lock()))
            free, lock = (tuple(result[side] / PAIRS * 1e6 for result in results) for side in (0, 1))
            yield Figure("limiter: a free permit, acquired and released", free, Target(2.0), unit="us")
            yield Figure("an uncontended asyncio.Lock, acquired and released", lock, unit="us")
        if number := wanted.get("waiters"):
            line = rounds(number, lambda: runner.run(_line()))
            each = tuple(seconds / WAITERS * 1e6 for (seconds,) in line)
            yield Figure(f"limiter: each of {WAITERS:,} waiters", each, Target(15.0), unit="us")


async def _lock() -> float:
    lock, began = asyncio.Lock(), time.process_time()
    for _ in range(PAIRS):
        await lock.acquire()
        lock.release()
    return time.process_time() - began


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
