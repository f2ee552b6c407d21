"""A server that means harm, in a process of its own, and what its answers cost the client in another."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio
from attrs import define, field

from exchanges import transport
from exchanges.bitex import Bitex
from exchanges.bitstamp import Bitstamp
from exchanges.errors import ExchangeError, OutcomeUnknown
from tests.hostile import ANSWER, BODIES, FAST, SLOW, answered
from tests.raw_server import RawServer, Talk, serving
from tests.stress.figures import Figure

__all__ = ["MECHANISMS", "PROMISES", "figures"]

PROMISES = (10,)
MOST_MIB = 32.0
MOST_SECONDS = 0.5
TIMEOUT_SECONDS = 0.2
PATIENT_SECONDS = 20.0  # what comes at once is not late, however long it takes to read
ROUNDS = 5
QUICK_EVERY = 6
GOOD = "as it should be"
SPAWN = get_context("spawn")

Call = Callable[[Any, Any], Awaitable[object]]

READS: dict[str, Call] = {
    "ticker": lambda bitex, _: bitex.market.ticker(),
    "order book": lambda bitex, _: bitex.market.order_book(),
    "transactions": lambda bitex, _: bitex.market.transactions(),
    "orders": lambda bitex, _: bitex.trading.orders(),
    "rates": lambda bitex, _: bitex.rates.tree(),
    "work orders": lambda bitex, _: bitex.concierge.work_order_requests(),
    "profiles": lambda bitex, _: bitex.kyc.profiles(),
    "texts": lambda _, bitstamp: bitstamp.market.order_book("btcusd"),
    "trades": lambda _, bitstamp: bitstamp.market.transactions("btcusd"),
    "balance": lambda _, bitstamp: bitstamp.v1.account.balance(),
    "history": lambda _, bitstamp: bitstamp.v1.account.user_transactions(),
}
MONEY: dict[str, Call] = {
    "bid": lambda bitex, _: bitex.trading.create_bid(amount=Decimal(100), price=Decimal(1000)),
    "work order": lambda _, bitstamp: bitstamp.v1.trading.buy(amount=Decimal(1), price=Decimal(1000)),
}


# Mechanisms ----------------------------------------------------------------------------------------------------------


@contextmanager
def _unbounded() -> Iterator[None]:
    """Read answers of whatever size."""
    read = transport._read
    with patch.object(transport, "_read", lambda response, _: read(response, 1 << 40)):
        yield


@contextmanager
def _careless() -> Iterator[None]:
    """Read everything of ordinary size, whatever it takes."""
    with (
        patch("exchanges.wire.forms.is_heavy", lambda _: False),
        patch("exchanges.wire.registry.is_heavy", lambda _: False),
    ):
        yield


@contextmanager
def _patient() -> Iterator[None]:
    """Wait a second longer than was asked for."""
    until = anyio.move_on_after
    with patch.object(anyio, "move_on_after", lambda delay: until(delay + 1)):
        yield


MECHANISMS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "bound": _unbounded,
    "weight": _careless,
    "deadline": _patient,
}


# The server's process ------------------------------------------------------------------------------------------------


def _talk(name: str) -> Talk:
    """Find what is said under *name*."""
    if name == GOOD:
        return answered(ANSWER)
    return {**FAST, **SLOW}[name] if name in FAST or name in SLOW else answered(BODIES[name]())


def _serve(names: list[str], ours: Connection) -> None:
    """Serve each of *names* at a port of its own, until the other side has enough."""

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            servers: list[RawServer] = [await stack.enter_async_context(serving(_talk(name))) for name in names]
            ours.send([server.origin for server in servers])
            await asyncio.get_running_loop().run_in_executor(None, ours.recv)

    logging.disable(logging.CRITICAL)
    asyncio.run(serve())


@contextmanager
def _server(names: list[str]) -> Iterator[dict[str, str]]:
    """Start the server; hand out the address of each of *names*."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(names, theirs), daemon=True)
    process.start()
    try:
        yield dict(zip(names, ours.recv(), strict=True))
        ours.send(None)
        process.join()
    finally:
        process.kill()


# The client's process ------------------------------------------------------------------------------------------------


@define
class Cost:
    """What the answers cost.

    Attributes:
        calls: How many were made.
        foreign: Exceptions that are not ours, by the call.
        told: Money calls of which it was told that the outcome is known, by the call.
        late_seconds: How long after its deadline the latest call ended, and which.
        grown_kib: By how much the peak of memory grew, and at which call it grew last.
    """

    calls: int = 0
    foreign: list[str] = field(factory=list[str])
    told: list[str] = field(factory=list[str])
    late_seconds: tuple[float, str] = (-1e9, "")
    grown_kib: tuple[int, str] = (0, "")


def _peak_kib() -> int:
    """Tell the most memory that this process ever had."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@asynccontextmanager
async def _clients(origin: str, seconds: float) -> AsyncIterator[tuple[Bitex, Bitstamp]]:
    options = {"base_url": origin, "limits": None, "timeout_seconds": seconds}
    async with (
        Bitex(api_key="key", **options) as bitex,
        Bitstamp(api_key="key", api_secret="secret", client_id="1", **options) as bitstamp,
    ):
        yield bitex, bitstamp


async def _call(
    cost: Cost, call: Call, clients: tuple[Bitex, Bitstamp], name: str, *, seconds: float, money: bool
) -> None:
    cost.calls += 1
    began = time.perf_counter()
    try:
        await call(*clients)
        known = money
    except ExchangeError as error:
        known = money and not isinstance(error, OutcomeUnknown)
    except Exception as error:  # noqa: BLE001 - whether there is any is the question
        known = False
        cost.foreign.append(f"{type(error).__name__}: {name}")
    cost.late_seconds = max(cost.late_seconds, (time.perf_counter() - began - seconds, name))
    if known:
        cost.told.append(name)


async def _attacked(origins: Mapping[str, str], rounds: int) -> Cost:
    """Make every call against each of the servers."""
    cost = Cost()
    async with _clients(origins[GOOD], PATIENT_SECONDS) as clients:
        for name, call in {**READS, **MONEY}.items():
            await _call(Cost(), call, clients, name, seconds=PATIENT_SECONDS, money=False)
    before = _peak_kib()
    for name, origin in origins.items():
        is_body = name in BODIES
        seconds = PATIENT_SECONDS if is_body else TIMEOUT_SECONDS
        reads = READS if is_body else {"ticker": READS["ticker"]}
        for _ in range(0 if name == GOOD else 1 if is_body or name in SLOW else rounds):
            async with _clients(origin, seconds) as clients:
                for what, call in {**reads, **MONEY}.items():
                    await _call(cost, call, clients, f"{name}, {what}", seconds=seconds, money=what in MONEY)
                    cost.grown_kib = max(cost.grown_kib, (_peak_kib() - before, f"{name}, {what}"))
    return cost


def _client(origins: Mapping[str, str], rounds: int, without: str | None) -> Cost:
    logging.disable(logging.CRITICAL)
    with MECHANISMS[without]() if without else nullcontext():
        return asyncio.run(_attacked(origins, rounds))


# Figures -------------------------------------------------------------------------------------------------------------


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:  # noqa: ARG001 - nothing is by chance
    """Show what all hostile answers cost, or each sixth of them."""
    names = [*FAST, *SLOW, *BODIES]
    names = [GOOD, *(names[::QUICK_EVERY] if quick else names)]
    with _server(names) as origins, ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        cost = pool.submit(_client, origins, 1 if quick else ROUNDS, without).result()
    mib, late = cost.grown_kib[0] / 1024, cost.late_seconds[0]
    about = f"{len(names) - 1} hostile answers, {cost.calls:,} calls"
    yield Figure(
        f"{about}: memory grows by little",
        f"{mib:.1f} MiB more at the peak ({cost.grown_kib[1]})",
        f"<= {MOST_MIB:.0f} MiB",
        mib <= MOST_MIB,
    )
    yield Figure(
        f"{about}: each ends in time",
        f"{late:.2f} s after the deadline ({cost.late_seconds[1]})",
        f"<= {MOST_SECONDS} s",
        late <= MOST_SECONDS,
    )
    yield Figure(
        f"{about}: only exceptions of ours",
        f"{len(cost.foreign)} others {cost.foreign[:3] or ''}".rstrip(),
        "0",
        not cost.foreign,
    )
    yield Figure(
        f"{about}: no outcome of a money call is told as known",
        f"{len(cost.told)} told {cost.told[:3] or ''}".rstrip(),
        "0",
        not cost.told,
    )
