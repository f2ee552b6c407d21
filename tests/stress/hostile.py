"""A hostile server in one process, and the cost of its answers to a client in another."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import logging
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.bitex import Bitex
from exchanges.bitstamp import Bitstamp
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.http import answer_reader
from exchanges.http.answer_reader import AnswerReader
from exchanges.http.connection import Connection
from tests.stress.figures import Figure, Mechanisms
from tests.support.hostile_answers import ANSWER, BODIES, FAST, LARGE, SLOW, answered
from tests.support.raw_server import Heard, Talk, answering, response, serving

PROMISES = (10,)
MOST_MIB = 32.0
MOST_SECONDS = 0.5
TIMEOUT_SECONDS = 0.15
PATIENT_SECONDS = 20.0  # what comes at once is not late, however long it takes to read
ROUNDS = 5
QUICK = (
    *("a body that is too large", "a bomb", "gzip of nothing without end", "headers without end", "two lengths"),
    *("status 999", "chunks in drops", "patience without end", "deep objects that end", "a long word"),
    *("too many numbers", "too many objects with a key", "many branches", "many rows of a book", "many references"),
)
QUICK_READS = ("ticker", "rates", "texts")
GOOD = "as it should be"
SPAWN = get_context("spawn")
PRICES = map(Decimal, itertools.count(1000))  # never the same order twice while the outcome of the first is open

Clients = tuple[Bitex, Bitstamp]
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
    "bid": lambda bitex, _: bitex.trading.create_bid(amount=Decimal(100), price=next(PRICES)),
    "ask": lambda bitex, _: bitex.trading.create_ask(amount=Decimal(100), price=next(PRICES)),
}


# Mechanisms


@contextmanager
def _unbounded() -> Iterator[None]:
    """Read answers of any size."""
    with (
        patch("exchanges.http.pool.AnswerReader", lambda _: AnswerReader(1 << 40)),
        patch.object(answer_reader, "MAX_HEAD_BYTES", 1 << 40),
    ):
        yield


@contextmanager
def _patient() -> Iterator[None]:
    """Wait a second longer than the deadline."""
    exchange = Connection.exchange

    async def patient(connection: Connection, *args: Any, deadline: float, **options: Any) -> None:
        await exchange(connection, *args, deadline=deadline + 1, **options)

    with patch.object(Connection, "exchange", patient):
        yield


MECHANISMS: Mechanisms = {
    "bound": _unbounded,
    # Every body of ordinary size is parsed, whatever memory it takes.
    "weight": lambda: patch("exchanges.http.bodies.is_heavy", lambda _: False),
    "deadline": _patient,
}


# The server's process


def _talk(name: str) -> Talk:
    """Return the answer of this name."""
    if name in FAST or name in SLOW:
        return {**FAST, **SLOW}[name]
    kind, _, mebibytes = name.rpartition(" in MiB: ")
    if kind in LARGE:
        body = LARGE[kind](int(mebibytes) * 1024 * 1024)
        return answering(response(gzip.compress(body, 1), b"Content-Encoding: gzip"))
    return answered(ANSWER if name == GOOD else BODIES[name]())


def _serve(ours: Pipe) -> None:
    """Serve the answers that the other process asks for, until it sends None."""
    said = _talk(GOOD)

    async def talk(heard: Heard) -> None:
        await said(heard)

    async def serve() -> None:
        nonlocal said
        async with serving(talk) as server:
            ours.send(server.origin)
            while name := await asyncio.to_thread(ours.recv):
                said = _talk(name)
                for task in server.tasks:
                    task.cancel()
                ours.send(name)

    logging.disable(logging.CRITICAL)
    asyncio.run(serve())


@contextmanager
def hostile_server() -> Iterator[tuple[str, Pipe]]:
    """Start the server; yield its URL and the connection to choose its answers."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
        ours.send(None)
        process.join()
    finally:
        process.kill()


# The client's process


@define
class Cost:
    """The cost of the answers.

    Attributes:
        answers: How many were played.
        calls: How many were made.
        foreign: Exceptions that are not ours, by the call.
        told: Money calls of which it was told that the outcome is known, by the call.
        late_seconds: How long after its deadline the latest call ended, and which.
        grown_kib: By how much the peak of memory grew, and at which call it grew last.
    """

    answers: int = 0
    calls: int = 0
    foreign: list[str] = field(factory=list[str])
    told: list[str] = field(factory=list[str])
    late_seconds: tuple[float, str] = (-1e9, "")
    grown_kib: tuple[int, str] = (0, "")


def peak_kib() -> int:
    """Return the peak memory of this process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def _call(cost: Cost, call: Call, clients: Clients, name: str, *, seconds: float, money: bool) -> None:
    cost.calls += 1
    began = time.perf_counter()
    try:
        await call(*(client.with_options(timeout_seconds=seconds) for client in clients))
        known = money
    except ExchangeError as error:
        known = money and not isinstance(error, OutcomeUnknown)
    except Exception as error:  # noqa: BLE001 - whether there is any is the question
        known = False
        cost.foreign.append(f"{type(error).__name__}: {name}")
    cost.late_seconds = max(cost.late_seconds, (time.perf_counter() - began - seconds, name))
    if known:
        cost.told.append(name)


async def _suffer(origin: str, server: Pipe, *, quick: bool) -> Cost:
    """Send every call to every answer of the server."""
    names, rounds = (QUICK, 1) if quick else ([*FAST, *SLOW, *BODIES], ROUNDS)
    cost = Cost(len(names))
    all_reads = {name: READS[name] for name in QUICK_READS} if quick else READS
    options = {"base_url": origin, "limits": None}
    async with (
        Bitex(api_key="key", **options) as bitex,
        Bitstamp(api_key="key", api_secret="secret", client_id="1", **options) as bitstamp,
    ):
        clients = (bitex, bitstamp)
        for call in [*READS.values(), *MONEY.values()]:
            await _call(Cost(), call, clients, GOOD, seconds=PATIENT_SECONDS, money=False)
        before = peak_kib()
        for name in names:
            server.send(name)
            server.recv()
            is_body = name in BODIES
            seconds = PATIENT_SECONDS if is_body else TIMEOUT_SECONDS
            reads = all_reads if is_body else {"ticker": READS["ticker"]}
            for _ in range(1 if is_body or name in SLOW else rounds):
                for what, call in {**reads, **MONEY}.items():
                    await _call(cost, call, clients, f"{name}, {what}", seconds=seconds, money=what in MONEY)
                    for intent in list(bitex.unresolved):
                        bitex.unresolved.dismiss(intent)
                    cost.grown_kib = max(cost.grown_kib, (peak_kib() - before, f"{name}, {what}"))
    return cost


def _client(quick: bool, without: str | None, ours: Pipe) -> None:
    logging.disable(logging.CRITICAL)
    taken_out = MECHANISMS[without]() if without else nullcontext()
    # What answers cost is the question, not the pauses between them.
    with hostile_server() as (origin, server), taken_out, patch("exchanges.session.session.BACKOFF_SECONDS", 0.0):
        ours.send(asyncio.run(_suffer(origin, server, quick=quick)))


# Figures


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Measure the cost of all hostile answers, or of a few."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_client, args=(quick, without, theirs))
    process.start()
    theirs.close()
    cost: Cost = ours.recv()
    process.join()
    mib, late = cost.grown_kib[0] / 1024, cost.late_seconds[0]
    about = f"{cost.answers} hostile answers, {cost.calls:,} calls"
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
