"""Unknown orders of the living APIs, which bear a client's id: the verdicts of `reconcile`, compared with the truth."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Any, cast
from unittest.mock import patch

from attrs import define, evolve, field

from exchanges import Bitso, Bitstamp
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.intents import Intent
from exchanges.outcomes.absence import Outlook, judge
from exchanges.outcomes.reconcile import Reconciler
from exchanges.outcomes.search import Query
from exchanges.outcomes.verdicts import Incomplete, NoTrace, Reconciled, Verdict
from exchanges.simulator import Faults, Simulator, Venue, simulate
from exchanges.simulator.http.delivery import Sending, SendMode
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest, Reply
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms
from tests.stress.tally import Tally, results
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import run

PROMISES = (14,)
UNKNOWN, BATCH = 5_000, 250
QUICK_UNKNOWN, QUICK_BATCH = 120, 120
VENUES = (Venue.BITSO, Venue.BITSTAMP)
LEAST_SECONDS = {Venue.BITSO: 120.0, Venue.BITSTAMP: 330.0}
"""How long after its timestamp it may be said at the earliest that nothing came of an order."""
APART = {Venue.BITSO: 40.0, Venue.BITSTAMP: 10.0}
"""Seconds between two orders of a client: where signed calls go one by one, more."""
MOST_ASKED = 40
DELAY_SECONDS = 300.0
WAYS_SECONDS = (0.02, 0.12)
PATIENCE_SECONDS, SHORT_SECONDS = 700.0, 5.0
SOON_SECONDS, LEAST_SOON = 60.0, 0.99
NOW = 1_700_000_000.0
BROKEN = HttpAnswer(0, sending=Sending(SendMode.CLOSED))
ORDER_PATHS = ("/orders", "/buy/btcusd/", "/sell/btcusd/", "/buy/market/btcusd/", "/sell/market/btcusd/")
SATOSHI = Decimal("0.00000001")


class Fate(StrEnum):
    """What becomes of the request of an order, or of its answer."""

    LOST = "request lost"
    LATE = "request delayed"
    UNANSWERED = "answer lost"
    REFUSED = "request refused, answer lost"


@define(eq=False)
class Lost:
    """One order.

    Attributes:
        label: Its number.
        fate: What becomes of its request.
        own: The client's id that its caller chose; empty: the library makes one.
        is_used: Whether an earlier program has used this id.
        patient: Whether its caller waits until there is a verdict, rather than to ask again.
        reads: How many requests were answered since the first look.
        executed_at: When the exchange executed it, on the clock of the loop; None if it never did.
        made: The id of what the exchange created, if it has one.
    """

    label: int
    fate: Fate
    own: str
    is_used: bool
    patient: bool
    reads: int = 0
    executed_at: float | None = None
    made: str | None = None


CURRENT: contextvars.ContextVar[Lost | None] = contextvars.ContextVar("CURRENT", default=None)


class Line:
    """A line that loses orders: stands in for a simulator behind a transport.

    Args:
        simulator: Behind it.
        venue: Which exchange.
        seed: Where chance begins.
    """

    def __init__(self, simulator: Simulator, venue: Venue, seed: int) -> None:
        self._simulator = simulator
        self._venue = venue
        self._chance = random.Random(f"line {seed}")
        self._known = 0

    def transport(self) -> InProcess:
        """Create a transport for one client."""
        return InProcess(cast("Any", self), WAYS_SECONDS, self._chance.getrandbits(32))

    def receive(self, request: HttpRequest, reply: Reply) -> None:
        """Receive a request, as `Simulator.receive` does."""
        order = CURRENT.get()
        if order is None or not _places(request):
            if order is not None:
                order.reads += 1
            self._hand_over(request, reply, None)
            return
        loop = asyncio.get_running_loop()
        if order.fate is Fate.LATE:
            loop.call_later(self._chance.uniform(0, DELAY_SECONDS), self._hand_over, request, _unheard, order)
        elif order.fate is not Fate.LOST:
            self._hand_over(request, _unheard, order)
        reply(BROKEN)

    def _hand_over(self, request: HttpRequest, reply: Reply, order: Lost | None) -> None:
        def answered(answer: HttpAnswer) -> None:
            new = self._simulator.deeds[self._known :]
            self._known += len(new)
            if order is not None and any(deed.kind.is_once for deed in new):
                order.executed_at, order.made = asyncio.get_running_loop().time(), new[-1].id
            reply(answer)

        self._simulator.receive(request, answered)


def _unheard(_: HttpAnswer) -> None:
    """Hear an answer that nobody waits for."""


def _places(request: HttpRequest) -> bool:
    return request.verb == "POST" and request.path.endswith(ORDER_PATHS)


def _arguments(venue: Venue, order: Lost) -> tuple[str, dict[str, Any]]:
    """Return the call that places an order, and its arguments, as no other has."""
    number, is_market = order.label, order.label % 5 == 0
    amount, at_once = Decimal("0.0002") + number * SATOSHI, number % 2
    if order.fate is Fate.REFUSED:
        amount += 400
    if venue is Venue.BITSO:
        side = ("buy", "sell")[number // 2 % 2]
        prices = {"buy": ("700000", "1600000"), "sell": ("1600000", "700000")}[side]
        arguments: dict[str, Any] = {"book": "btc_mxn", "side": side, "major": amount}
        arguments |= {"order_type": "market"} if is_market else {"order_type": "limit", "price": prices[at_once]}
        return "place_order", arguments | ({"origin_id": order.own} if order.own else {})
    side = ("buy", "sell")[number // 2 % 2]
    prices = {"buy": ("50000", "66000"), "sell": ("75000", "56000")}[side]
    arguments = {"market": "btcusd", "amount": amount} | ({} if is_market else {"price": prices[at_once]})
    name = f"{side}_market" if is_market else side
    return name, arguments | ({"client_order_id": order.own} if order.own else {})


@define(eq=False)
class _Play:
    """The orders of one client, and the verdicts on them."""

    venue: Venue
    client: Any
    other: Any
    clock: Callable[[], float]
    tally: Tally = field(factory=Tally)
    said: list[tuple[Lost, Verdict]] = field(factory=list)
    reads: list[int] = field(factory=list)

    async def make(self, order: Lost) -> None:
        """Place one order whose outcome is unknown, and reconcile it."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(order.label % BATCH * APART[self.venue])
        name, arguments = _arguments(self.venue, order)
        if order.is_used:
            with suppress(ExchangeError):
                await getattr(self.other.trading, name)(**arguments)
            await asyncio.sleep(60.0)
        CURRENT.set(order)
        try:
            await getattr(self.client.trading, name)(**arguments)
        except OutcomeUnknown as unknown:
            intent = unknown.intent
        else:
            return
        await asyncio.sleep((0.0, 0.0, 1.0, 20.0)[order.label // 3 % 4])
        order.reads, looked = 0, loop.time()
        verdict = await self._asked(intent, order)
        self.said.append((order, verdict))
        self.tally.note("unknown")
        self.tally.note(type(verdict).__name__)
        if isinstance(verdict, NoTrace):
            waited = self.clock() - intent.at.timestamp()
            self.tally.note("hasty", f"after {waited:.0f} s") if waited < LEAST_SECONDS[self.venue] else None
        if isinstance(verdict, Reconciled) and order.executed_at is not None and not order.is_used:
            self.reads.append(order.reads)
            self.tally.note("found")
            if loop.time() - max(looked, order.executed_at) > SOON_SECONDS:
                self.tally.note("found late", f"{order.fate}: {loop.time() - max(looked, order.executed_at):.0f} s")

    async def _asked(self, intent: Intent, order: Lost) -> Verdict:
        """Ask once and wait, or ask again at each moment that is named."""
        if order.patient:
            verdict: Verdict = await self.client.reconcile(intent, timeout_seconds=PATIENCE_SECONDS)
            return verdict
        for _ in range(MOST_ASKED):
            verdict = await self.client.reconcile(
                intent, **({} if order.label % 2 else {"timeout_seconds": SHORT_SECONDS})
            )
            if not isinstance(verdict, Incomplete) or verdict.ask_again_at is None:
                break
            await asyncio.sleep(max((verdict.ask_again_at - self.now()).total_seconds(), 0.1))
        return verdict

    def now(self) -> datetime:
        """Return what our clock shows."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def compare(self) -> None:
        """Compare the verdicts with what was executed, once everything has arrived."""
        for order, verdict in self.said:
            executed = order.executed_at is not None
            self.tally.note("executed" if executed else "not executed")
            self.tally.note(f"{order.fate}")
            fault = None
            if isinstance(verdict, NoTrace) and executed:
                fault = "no trace of what was executed"
            elif isinstance(verdict, Reconciled) and not executed:
                fault = "found what was not executed"
            elif isinstance(verdict, Reconciled) and order.made not in (None, _name_of(verdict.found)):
                fault = "found another's"
            if executed and not order.is_used:
                self.tally.note("to find")
            if not executed and not order.is_used:
                self.tally.note("to miss")
                self.tally.note("missed", None) if isinstance(verdict, NoTrace) else None
            if fault:
                self.tally.note("wrong", f"{order.fate}, order {order.label}: {fault}")


def _name_of(found: Any) -> str:
    first = found[0] if isinstance(found, tuple) else found
    return str(getattr(first, "oid", None) or first.id)


async def _played(venue: Venue, first: int, count: int) -> tuple[Tally, list[int]]:
    """Lose the orders of one batch."""
    loop, chance = asyncio.get_running_loop(), random.Random(f"{venue} {first}")
    began, skew = loop.time(), chance.uniform(-100.0, 100.0)

    def theirs() -> float:
        return NOW + loop.time() - began

    def ours() -> float:
        return theirs() + skew

    faults = Faults(late_seconds=(0.0, 10.0) if first // count % 4 == 3 else (0.0, 0.0))
    async with simulate(venue, seed=first, port=None, limits=False, clock=theirs, faults=faults) as simulator:
        line = Line(simulator, venue, first)
        options: dict[str, Any] = {
            "base_url": simulator.base_url,
            "limits": None,
            "clock": ours,
            "timeout_seconds": 10.0,
        }
        options |= simulator.account(venue)
        kind: Any = {Venue.BITSO: Bitso, Venue.BITSTAMP: Bitstamp}[venue]
        async with (
            kind(transport=line.transport(), **options) as client,
            kind(transport=line.transport(), state=MemoryState(), **options) as other,
        ):
            await client.account.account_status() if venue is Venue.BITSO else await client.account.account_balances()
            play = _Play(venue, client, other, ours)
            async with asyncio.TaskGroup() as tasks:
                for label in range(first, first + count):
                    tasks.create_task(play.make(_order(label, chance)))
            await asyncio.sleep(DELAY_SECONDS)
            play.compare()
        return play.tally, play.reads


def _order(label: int, chance: random.Random) -> Lost:
    fate = chance.choice((Fate.LOST, Fate.LATE, Fate.LATE, Fate.UNANSWERED, Fate.UNANSWERED, Fate.REFUSED))
    is_own, is_used = chance.random() < 0.2, chance.random() < 0.15
    own = f"mine-{label}" if is_own else ""
    # Only who goes on asking hears of what arrives late as soon as it does.
    return Lost(label, fate, own, is_own and is_used, fate is Fate.LATE or chance.random() < 0.3)


def _play(venue: Venue, first: int, count: int, without: str | None) -> tuple[Venue, Tally, list[int]]:
    with MECHANISMS[without]() if without else nullcontext():
        random.seed(first)  # the client draws its pauses from it
        tally, reads = run(_played(venue, first, count))
    return venue, tally, reads


# Mechanisms


def _judging(change: Callable[..., Outlook]) -> AbstractContextManager[object]:
    return patch("exchanges.outcomes.reconcile.judge", change)


QUERY = Reconciler._query


def _query_without_id(self: Any, case: Any, window: Any) -> Query:
    query = QUERY(self, case, window)
    ids = ("origin_id", "client_order_id")
    others = {name: text for name, text in query.intent.arguments.items() if name not in ids}
    return evolve(query, intent=evolve(query.intent, tag=None, arguments=others))


MECHANISMS: Mechanisms = {
    "wait": lambda: _judging(lambda rule, *rest, **how: judge(evolve(rule, after=rule.apart), *rest, **how)),
    "client id": lambda: patch.object(Reconciler, "_query", _query_without_id),
    "second look": lambda: _judging(lambda rule, seen, look, **how: Outlook(is_proof=True)),
}


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the verdicts on unknown orders, and the wrong ones."""
    size, batch = (QUICK_UNKNOWN, QUICK_BATCH) if quick else (UNKNOWN, BATCH)
    firsts = range(1 + seed * size, 1 + (seed + 1) * size, batch)
    shares = [(venue, first, batch, without) for first in firsts for venue in VENUES]
    tallies, reads = defaultdict[Venue, Tally](Tally), defaultdict[Venue, list[int]](list)
    for venue, tally, counts in results(_play, shares, spread=not quick):
        tallies[venue].add(tally)
        reads[venue] += counts
    for venue, tally in tallies.items():
        yield from _figures_of(venue, tally, reads[venue], least=0 if quick else UNKNOWN)


def _figures_of(venue: Venue, tally: Tally, reads: list[int], *, least: int) -> Iterator[Figure]:
    numbers = tally.numbers
    unknown = numbers["unknown"]
    yield Figure(f"{venue}: unknown orders", f"{unknown:,}", f">= {least:,}", unknown >= least)
    yield Figure(f"{venue}: what became of them", ", ".join(f"{fate} {numbers[fate]:,}" for fate in Fate))
    kinds = ("Reconciled", "NoTrace", "Ambiguous", "Incomplete")
    yield Figure(f"{venue}: what is said", ", ".join(f"{kind} {numbers[kind]:,}" for kind in kinds))
    yield tally.never(14, f"{venue}: wrong verdicts", "wrong", unknown)
    yield tally.never(14, f"{venue}: NoTrace before {LEAST_SECONDS[venue]:.0f} s", "hasty", numbers["NoTrace"])
    found, to_find = numbers["found"], numbers["to find"]
    shown = f"{median(reads) if reads else -1:.0f}, of {found:,} found"
    yield Figure(f"{venue}: median of round trips until it is found", shown, "<= 2", bool(reads) and median(reads) <= 2)
    soon = found - numbers["found late"]
    words = f"{soon:,} of {to_find:,} {'; '.join(tally.examples['found late'])}".rstrip()
    yield Figure(
        f"{venue}: executed, and found within {SOON_SECONDS:.0f} s", words, ">= 99%", soon >= LEAST_SOON * to_find > 0
    )
    missed, to_miss = numbers["missed"], numbers["to miss"]
    yield Figure(
        f"{venue}: not executed, and NoTrace",
        f"{missed:,} of {to_miss:,}",
        ">= 99%",
        missed >= LEAST_SOON * to_miss > 0,
    )
