"""What a shared state adds to a call, and how many calls one Redis server carries.

Signed calls through scripted answers, so that nothing but the state differs: in memory, in a file, on a server on
loopback. Latency is wall clock, and means nothing on a busy machine; CPU is that of the process, with all its threads.
The capacity is that of the server alone: the CPU that it uses for one lease, acquired and released, of 100 keys.
What an order asks the journal must not grow with the number of open calls.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path

import httpx
from rounds import Figure, Wanted

from exchanges import Bitstamp, Limit, Scope, Window
from exchanges.errors import StateError
from exchanges.intents import Intent
from exchanges.limits.waits import Wait
from exchanges.state import Entry, FileState, MemoryState, RedisState
from exchanges.state.limiter import LeasingLimiter
from exchanges.state.protocols import Journal

sys.path.append(str(Path(__file__).parent.parent))

from tests.support.redis_servers import NOWHERE, RedisServer, executable, redis_server

CALLS = 150
KEYS, LEASES = 100, 4_000
FEW_OPEN, MANY_OPEN, GUARDS = 10, 10_000, 200
WIDE = (Window(10**6, 600.0),)
BITSTAMP = Limit("bitstamp", WIDE, Scope.ADDRESS)
LIMITS = [BITSTAMP, Limit("bitstamp v1", WIDE, Scope.ADDRESS, within=BITSTAMP)]
CREDENTIALS = {"api_key": "k" * 32, "api_secret": "s" * 32, "client_id": "123456"}
ANSWER = (
    b'{"usd_balance":"0","btc_balance":"0","usd_reserved":"0","btc_reserved":"0","usd_available":"0",'
    b'"btc_available":"0","fee":"0.5"}'
)
Open = Callable[[], MemoryState]


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure all rows, with all states in each round."""
    if executable() is None:
        print(f"(state: {NOWHERE})")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(redis_server(folder, "--appendonly", "yes", "--appendfsync", "everysec"))
        states: dict[str, Open] = {
            "memory": MemoryState,
            "file": lambda: FileState(folder / "state"),
            "Redis": lambda: RedisState(server.url),
        }
        if "state-latency" in wanted:
            yield from _added(states, wanted["state-latency"])
        if "state-capacity" in wanted:
            yield from _capacity(server, wanted["state-capacity"])
        if "state-guard" in wanted:
            for name in ("file", "Redis"):
                yield from _guard(name, states[name], wanted["state-guard"])


def _added(states: dict[str, Open], rounds: int) -> Iterator[Figure]:
    """Compare signed calls with each state."""
    measured: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in states}
    with ExitStack() as stack:
        opened = {name: make() for name, make in states.items()}
        for state in opened.values():
            if isinstance(state, FileState | RedisState):
                stack.enter_context(state)
        with asyncio.Runner() as runner:
            for state in opened.values():
                runner.run(_calls(state, 1))  # a server that is new rests first
            for _ in range(rounds):
                for name, state in opened.items():
                    latency, cpu = runner.run(_calls(state, CALLS))
                    measured[name][0].append(latency * 1e6)
                    measured[name][1].append(cpu * 1e6)
    for number, what in enumerate(("latency", "CPU")):
        base = measured["memory"][number]
        for name in ("file", "Redis"):
            values = tuple(one - zero for one, zero in zip(measured[name][number], base, strict=True))
            yield Figure(f"signed call, state {name} - memory: {what} added", values, unit="us")


async def _calls(state: MemoryState, number: int) -> tuple[float, float]:
    """Return the median latency of calls one after the other, and their mean CPU time."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=ANSWER))
    async with Bitstamp(state=state, limits=LIMITS, transport=transport, **CREDENTIALS) as client:
        taken, cpu = list[float](), time.process_time()
        for _ in range(number):
            began = time.perf_counter()
            await client.v1.account.balance()
            taken.append(time.perf_counter() - began)
        return statistics.median(taken), (time.process_time() - cpu) / number


def _capacity(server: RedisServer, rounds: int) -> Iterator[Figure]:
    """Measure the CPU of the server for leases of many keys."""
    values = list[float]()
    with RedisState(server.url) as state, asyncio.Runner() as runner:
        limit = Limit("capacity", (Window(1_000, 10.0),), Scope.KEY)
        limiters = [state.shared_limiter(limit, "capacity", f"key{number}") for number in range(KEYS)]
        runner.run(_lease(limiters[0]))
        for _ in range(rounds):
            before = _cpu_of(server)
            runner.run(_leases(limiters))
            values.append(LEASES / (_cpu_of(server) - before))
    yield Figure(f"calls per second of server CPU, {KEYS} keys in order", tuple(values), unit="calls/s")


def _guard(name: str, make: Open, rounds: int) -> Iterator[Figure]:
    """Measure what an order asks the journal, with few open calls and with many."""
    values: dict[int, list[float]] = {FEW_OPEN: [], MANY_OPEN: []}
    with asyncio.Runner() as runner, ExitStack() as stack:
        state = make()
        if isinstance(state, FileState | RedisState):
            stack.enter_context(state)
        journal = state.journal
        assert journal is not None
        for number, key in ((number, f"key{number}") for number in values):
            runner.run(_open_calls(journal, key, number))
        for _ in range(rounds):
            for number, found in values.items():
                began = time.process_time()
                for _ in range(GUARDS):
                    journal.matching("guard", f"key{number}", digest="none", named="none")
                found.append((time.process_time() - began) / GUARDS * 1e6)
    few, many = values.values()
    yield Figure(f"journal asked by an order, state {name}: CPU with {MANY_OPEN:,} open calls", tuple(many), unit="us")
    ratios = tuple(one / other for one, other in zip(many, few, strict=True))
    yield Figure(f"the same, {MANY_OPEN:,} open calls / {FEW_OPEN}", ratios)


async def _open_calls(journal: Journal, key: str, number: int) -> None:
    """Leave so many calls open."""

    async def begin(digest: str) -> None:
        arguments = {"market": "btcusd", "amount": digest, "price": "30000"}
        intent = Intent("bitstamp.trading.buy", arguments, datetime.now(UTC), server="guard", account=key)
        while True:
            with suppress(StateError):  # a server that is new rests first
                return await journal.begin(Entry("guard", key, intent, None, digest))
            await asyncio.sleep(0.5)

    for first in range(0, number, 100):
        await asyncio.gather(*(begin(str(n)) for n in range(first, min(first + 100, number))))


async def _leases(limiters: list[LeasingLimiter]) -> None:
    waiting = zip(range(LEASES), cycle(limiters), strict=False)

    async def caller() -> None:
        for _, limiter in waiting:
            await _lease(limiter)

    await asyncio.gather(*(caller() for _ in range(KEYS // 2)))


async def _lease(limiter: LeasingLimiter) -> None:
    """Acquire and release one lease."""
    ask = partial(limiter.acquire, in_order=True, leave_reserve=False, least_nonce=0)
    while isinstance(lease := await ask(timeout_seconds=30.0, call_seconds=30.0), Wait):  # noqa: ASYNC110 - as callers
        await asyncio.sleep(lease.seconds)
    await lease.release(complete=True)


def _cpu_of(server: RedisServer) -> float:
    """Return the CPU seconds that a server has used."""
    facts = server.ask("INFO", "cpu")
    return float(facts["used_cpu_user"]) + float(facts["used_cpu_sys"])
