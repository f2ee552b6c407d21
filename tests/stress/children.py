"""Processes for the stages that need several: each sends signed calls with a client of its own.

They are forked from a server that has imported everything they need, and which has no threads and no event loop: a
fresh process would take half a second to import the same. The simulator is not among it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from attrs import define, field, frozen

from exchanges.bitso import Bitso
from exchanges.bitso.api import PRIVATE_LIMIT
from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.api import V1_LIMIT
from exchanges.client import Client
from exchanges.errors import ExchangeError
from exchanges.limits.limit import Limit, Window
from exchanges.state import FileState, MemoryState, RedisState
from exchanges.state.protocols import State
from tests.stress.figures import Mechanisms
from tests.stress.networks import own_network
from tests.support.redis_states import short_lease

CLIENTS = {"bitstamp": (Bitstamp, V1_LIMIT), "bitso": (Bitso, PRIVATE_LIMIT)}
PRELOAD = (
    "anyio._backends._asyncio",
    "exchanges.bitso.reconcile",
    "exchanges.bitstamp.reconcile",
    "exchanges.state.file.store",
    *(("exchanges.state.redis.store",) if importlib.util.find_spec("redis") else ()),
    "exchanges.wire.fast_rows",
    "tests.stress.children",
)
CALLERS = 3
MONEY = 1 / 8
"""Share of the calls that move money."""
ORDERS = 10_000
"""The number of distinct orders of one process."""
PRICE = Decimal(100)
TIMEOUT_SECONDS = 120.0


def shared(path: str) -> State:
    """Open the state that all processes share and that outlives them: a file, or a server if it is a URL."""
    return RedisState(path) if "://" in path else FileState(path)


FILE: Mechanisms = {"state file": lambda: patch(f"{__name__}.shared", lambda _: MemoryState())}
KEY_LOCK: Mechanisms = {
    "key lock of processes": lambda: patch("exchanges.state.file.key_lock.SharedKeyLock._try_acquire", lambda _: True)
}


def _without(script: str, old: str, new: str) -> Callable[[], AbstractContextManager[object]]:
    """Return what takes a part of a script out."""

    def patched() -> AbstractContextManager[object]:
        from exchanges.state.redis import scripts

        whole = scripts.scripts()
        assert old in whole[script].text
        changed = {**whole, script: scripts.Script(script, whole[script].text.replace(old, new))}
        return patch.object(scripts, "scripts", lambda: changed)

    return patched


def _host_clocks() -> AbstractContextManager[object]:
    """Replace the clock of the server, for every host, by one of its own, some of them up to an hour off."""
    seconds = random.Random(os.getpid()).uniform(-1800, 1800)
    clock = f"(function() local t = redis.call('TIME') return {{ t[1] + {seconds:.0f}, t[2] }} end)()"
    return patch("exchanges.state.redis.scripts.CLOCK", clock)


SERVER: Mechanisms = {
    "lease": _without("acquire", "if lock[1] or before > 0 then", "if false then"),
    "fencing": _without(
        "release",
        "if held then\n",
        "unlock = function() end\nredis.call('DEL', root .. 'lock:' .. request.account)\nif held then\n",
    ),
    "server clock": _host_clocks,
}


@frozen
class Job:
    """The task of a child.

    Attributes:
        venue: Whom it calls; a plain string, for whose sake no child imports the simulator.
        credentials: Keyword arguments of its client.
        base_url: Where the simulator is.
        path: Of the state.
        window: The limit in place of the exchange's; None: no limit.
        without: The mechanism that is taken out.
        step_seconds: How far its wall clock is off.
        number: Which child it is.
        calls: How many it makes; 0: until it is killed.
        lease_seconds: After how long a host is taken for dead; None: as long as usual.
        relay: The socket through which it reaches *base_url* from a network of its own; empty: directly.
    """

    venue: str
    credentials: dict[str, str]
    base_url: str
    path: str
    window: Window | None = None
    without: str | None = None
    step_seconds: float = 0.0
    number: int = 0
    calls: int = 0
    lease_seconds: float | None = None
    relay: str = ""


def open_client(job: Job, state: State) -> Client:
    """Create the client of a child."""
    make, declared = CLIENTS[job.venue]
    limits = None if job.window is None else [Limit(p.name, (job.window,), p.scope) for p in declared.parts]
    client: Client = make(
        **job.credentials,
        base_url=job.base_url,
        limits=limits,
        state=state,
        clock=lambda: time.time() + job.step_seconds,
        timeout_seconds=TIMEOUT_SECONDS,
    )
    return client


@define(eq=False)
class Child:
    """A process and its messages."""

    process: BaseProcess
    pipe: Connection
    said: list[str] = field(factory=list[str])

    @classmethod
    def start(cls, work: Callable[[Job, Connection], None], job: Job) -> Child:
        """Start *work* in a process of its own."""
        context = get_context("forkserver")
        # Each child imports the main module once more.
        context.set_forkserver_preload([*PRELOAD, *(["pytest"] if "pytest" in sys.modules else [])])
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(job, theirs), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    async def hear(self) -> str | None:
        """Return the next message; None if there are no more."""
        await _readable(self.pipe.fileno())
        return self._next()

    async def end(self, *, kill: bool = True) -> list[str]:
        """Wait until the process ends, or kill it; return the messages that were not read."""
        if kill:
            self.process.kill()
        while (word := await self.hear()) is not None:
            self.said.append(word)
        await _readable(self.process.sentinel)
        self.process.join()
        self.pipe.close()
        self.process.close()
        return self.said

    def _next(self) -> str | None:
        try:
            word: str = self.pipe.recv()
        except EOFError:
            return None
        return word


async def _readable(number: int) -> None:
    """Wait for a message."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.add_reader(number, lambda: future.done() or future.set_result(None))
    try:
        await future
    finally:
        loop.remove_reader(number)


# What they do


def live(job: Job, pipe: Connection) -> None:
    """Send calls until killed."""
    _run(job, _live(job, pipe))


def call_many(job: Job, pipe: Connection) -> None:
    """Send a number of calls."""
    _run(job, _call_many(job, pipe))


def spend(job: Job, _: Connection) -> None:
    """Place one order."""
    _run(job, _spend(job))


def _run(job: Job, main: Coroutine[Any, Any, None]) -> None:
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        if job.lease_seconds is not None:
            stack.enter_context(short_lease(job.lease_seconds))
        if job.without:
            stack.enter_context((FILE | KEY_LOCK | SERVER)[job.without]())
        asyncio.run(_in_network(job, main) if job.relay else main)


async def _in_network(job: Job, main: Coroutine[Any, Any, None]) -> None:
    async with own_network(urlsplit(job.base_url).port or 0, job.relay):
        await main


async def _live(job: Job, pipe: Connection) -> None:
    chance, numbers = random.Random(job.number), count(job.number * ORDERS)

    async def caller(client: Client) -> None:
        while True:
            try:
                await (_money(client, next(numbers)) if chance.random() < MONEY else _read(client))
            except ExchangeError as error:
                pipe.send(f"{type(error).__name__}: {error}")
            else:
                pipe.send("ok")

    async with open_client(job, shared(job.path)) as client:
        await asyncio.gather(*(caller(client) for _ in range(CALLERS)))


async def _call_many(job: Job, pipe: Connection) -> None:
    numbers = iter(range(job.calls))

    async def caller(client: Client) -> None:
        for _ in numbers:
            try:
                await _read(client)
            except ExchangeError as error:
                pipe.send(f"{type(error).__name__}: {error}")

    async with open_client(job, shared(job.path)) as client:
        await asyncio.gather(*(caller(client) for _ in range(CALLERS)))


async def _spend(job: Job) -> None:
    async with open_client(job, shared(job.path)) as client:
        await _money(client, job.number * ORDERS)


async def _read(client: Client) -> None:
    """Send a signed call, whose nonce must be larger than all before."""
    await (client.v1 if isinstance(client, Bitstamp) else client.v2).account.balance()  # type: ignore[attr-defined]


async def _money(client: Client, number: int) -> None:
    """Place an order unlike all others, far from the market, and cancel it."""
    trading = (client.v1 if isinstance(client, Bitstamp) else client.v2).trading  # type: ignore[attr-defined]
    order = await trading.buy(amount=Decimal(number).scaleb(-8) + 1, price=PRICE)
    await trading.cancel_order(order.id)
