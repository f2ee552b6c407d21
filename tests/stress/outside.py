"""Calls while somebody cancels every task of the library, again and again, plainly and over TLS.

That costs calls, and their connections. Afterwards calls must go well, and nothing may be left: no socket, no task, no
slot, no connection that counts as used.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define

import exchanges
from exchanges.errors import ExchangeError, NotSent
from exchanges.limits.limit import Limit
from exchanges.state import MemoryState
from tests.stress.cancellations import TICKS, WIDE, busy, sockets, taken
from tests.stress.cuts import AMOUNT
from tests.stress.figures import Figure, Mechanisms
from tests.support.fourth import CREDENTIALS, LIMIT, OPEN_LIMIT, Fourth
from tests.support.raw_server import answering, response, serving
from tests.support.tls_servers import secured, trusting

PROMISES = (2,)
CALLS, QUICK_CALLS = 20_000, 600
CALLERS = 12
MOST_TICKS = 40
PROBES = 20
PROBE_SECONDS = 30.0
SPOILT_SECONDS = 0.5
PACKAGE = Path(exchanges.__file__).parent
MECHANISMS: Mechanisms = {
    "releasing": lambda: patch("exchanges.session.attempts._release_unstarted", lambda *_: None),
}
"""Without it a call whose task is cancelled before it starts keeps its connection for ever."""


@define
class Count:
    """What happened, and what is left.

    Attributes:
        calls: How many were made.
        cancelled: How many ended because of a cancellation.
        false: Orders that were told as not sent although the server got them.
        probes: Of the calls afterwards, how many went well.
        left: Tasks, slots, key locks and connections that are still held.
        sockets: Sockets that were not there before, after closing.
    """

    calls: int = 0
    cancelled: int = 0
    false: int = 0
    probes: int = 0
    left: int = 0
    sockets: int = 0


def _own_tasks() -> list[asyncio.Task[Any]]:
    """Return the tasks of the library; those of the server and of the callers are not."""
    return [
        task
        for task in asyncio.all_tasks()
        if (coroutine := task.get_coro()) is not None and Path(coroutine.cr_code.co_filename).is_relative_to(PACKAGE)  # type: ignore[union-attr]
    ]


async def _call(client: Fourth, count: Count, wanted: int, not_sent: list[int]) -> None:
    while count.calls < wanted:
        count.calls += 1
        number = count.calls
        try:
            if number % 4 == 0:
                await client.trading.create_order(amount=number)
            elif number % 4 == 1:
                await client.trading.cancel(number)
            else:
                await (client.trading.order() if number % 4 == 2 else client.market.thing())
        except NotSent:
            count.cancelled += 1
            not_sent.append(number)
        except ExchangeError:
            count.cancelled += 1


async def _cancel(callers: list[asyncio.Task[None]], chance: random.Random) -> None:
    """Cancel every task of the library, again and again, for as long as anybody calls."""
    while not all(caller.done() for caller in callers):
        for _ in range(chance.randrange(MOST_TICKS)):
            await asyncio.sleep(0)
        for task in _own_tasks():
            task.cancel()


async def _play(serve: Any, calls: int, seed: int, timeout_seconds: float) -> Count:
    count, before, not_sent = Count(), sockets(), list[int]()
    limits = [Limit(limit.name, (WIDE,), limit.scope) for limit in (LIMIT, OPEN_LIMIT)]
    options: dict[str, Any] = {"limits": limits, "state": MemoryState(), "timeout_seconds": timeout_seconds}
    async with serve(talk=answering(response())) as server:
        client = Fourth(base_url=server.origin, ssl_context=trusting(), **CREDENTIALS, **options)
        try:
            callers = [asyncio.ensure_future(_call(client, count, calls, not_sent)) for _ in range(CALLERS)]
            await _cancel(callers, random.Random(seed))
            await asyncio.gather(*callers)
            ends = await asyncio.gather(*(client.market.thing() for _ in range(PROBES)), return_exceptions=True)
            count.probes = sum(not isinstance(end, BaseException) for end in ends)
            while under_way := list(client._session._attempts.tasks):
                await asyncio.wait(under_way)
            count.left = taken(client, with_lost=True) + busy(client)
        finally:
            await client.aclose()
        for _ in range(TICKS):
            await asyncio.sleep(0)
        count.left += len(_own_tasks())
        bodies = [AMOUNT.search(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
        count.false = len({int(found[1]) for found in bodies if found} & set(not_sent))
    for _ in range(TICKS):  # sockets are closed in the ticks after
        await asyncio.sleep(0)
    count.sockets = max(sockets() - before, 0)
    return count


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count what is left after every task was cancelled many times."""
    calls = QUICK_CALLS if quick or without else CALLS
    for kind, serve in (("plainly", serving), ("over TLS", lambda talk: secured(talk=talk))):
        seconds = SPOILT_SECONDS if without else PROBE_SECONDS
        count = asyncio.run(_play(serve, calls // 2, seed, seconds))
        words = f"{count.calls:,} calls {kind}, all tasks cancelled again and again ({count.cancelled:,} calls ended)"
        good = count.probes == PROBES
        yield Figure(f"{words}: the next calls go well", f"{count.probes} of {PROBES}", f"{PROBES}", good)
        yield Figure(f"{words}: told as not sent, and sent", f"{count.false}", "0", not count.false)
        yield Figure(f"{words}: tasks, slots, connections left", f"{count.left}", "0", not count.left)
        yield Figure(f"{words}: sockets left", f"{count.sockets}", "0", not count.sockets)
