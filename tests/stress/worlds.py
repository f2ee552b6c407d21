"""Small worlds in virtual time: one account trades at an exchange whose clock is wrong and whose reads are late.

Answers get lost and requests come late; some calls are twins, which ask for the very same. What came of each unknown
outcome is judged on the spot, and compared with the record of the simulator when everything has arrived.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from attrs import define, evolve, field, frozen

from exchanges.endpoint import Kind
from exchanges.errors import (
    ExchangeError,
    NotSent,
    OutcomeUnknown,
    RateLimitTimeout,
    Rejected,
    UnresolvedOutcome,
    UsageError,
)
from exchanges.intents import Intent
from exchanges.limits.windows import LOST_SECONDS
from exchanges.outcomes.unresolved import Standing
from exchanges.outcomes.verdicts import Incomplete, NoTrace, Reconciled, Verdict
from exchanges.simulator import Deed, FaultPoint, Faults, Venue, simulate
from tests.stress.in_process import LABEL, BadLine
from tests.stress.orders import CENT, CLIENTS, EXECUTE, KINDS, Order, place, prepare
from tests.stress.tally import Tally
from tests.stress.wrongs import Wrongs

CALLS = 14
TWINS = 0.25
LONG_SECONDS = 600.0
TIMEOUT_SECONDS = 10.0
SKEW_SECONDS = 300.0
STEPPED = 0.2
SET_RIGHT, SET_RIGHT_BY = 0.2, (-7200.0, -900.0, 900.0, 7200.0)
"""How often our clock is far off until it is set right, and by how much."""
IN_ORDER_LATE_SECONDS = 300.0
"""How late a request may arrive where nonces must: a later one that was accepted keeps it out."""
LATE_SECONDS = (0.0, 0.0), (0.0, 10.0), (0.0, 10.0), (5.0, 10.0)
LOST = 0.07
HASTY = 0.1
PATIENCE_SECONDS = 3.0
NOW = 1_700_000_000.0
PAUSES = (0.0, 0.0, 1.0, 20.0)
"""How long callers wait before they reconcile."""
LOSING = dict.fromkeys(
    (
        FaultPoint.CLOSE_BEFORE_EXECUTING,
        FaultPoint.SILENT_BEFORE_EXECUTING,
        FaultPoint.HTML_502,
        FaultPoint.CLOSE_AFTER_EXECUTING,
        FaultPoint.SILENT_AFTER_EXECUTING,
        FaultPoint.CLOSE_INSIDE_BODY,
        FaultPoint.ANSWER_500,
        FaultPoint.GARBLE,
    ),
    0.09,
)

Make = Callable[[int], dict[str, Any]]
Judge: TypeAlias = Callable[[Any, Intent], Awaitable[Verdict]]
"""Returns a verdict on a call of a client."""


def _amounts(least: int, **arguments: Any) -> Make:
    return lambda n: {"amount": least + n * CENT, **arguments}


MORE: dict[Venue, dict[str, Make]] = {
    Venue.BITEX: {
        "bitex.funding.create_usd_deposit": _amounts(100, country="US", currency="USD", deposit_method="bank"),
        "bitex.funding.create_address": lambda _: {},
        "bitex.bots.create_buying_bot": _amounts(10, chunk_size=Decimal(2), time_to_live=60),
        "bitex.payments.create_payment": _amounts(20, currency_id=3),
        "bitex.kyc.create_profile": lambda n: {"usage_tier": "small", "first_name": f"Ana {n}"},
    },
    Venue.BITSO: {},
    Venue.BITSTAMP: {"bitstamp.v1.funding.ripple_withdrawal": _amounts(1, address="rReceiver", currency="USD")},
}
ORDERS = (
    "bitex.trading.create_bid",
    "bitex.trading.create_ask",
    "bitso.v2.trading.buy",
    "bitso.v2.trading.sell",
    "bitstamp.v1.trading.buy",
    "bitstamp.v1.trading.sell",
)
SHOWN = {
    *ORDERS,
    "bitex.bots.create_buying_bot",
    "bitex.funding.create_btc_withdrawal",
    "bitex.funding.create_usd_deposit",
    "bitex.payments.create_payment",
    "bitstamp.v1.funding.bitcoin_withdrawal",
}
"""Reads show all arguments of these."""
TRADING = {"bitstamp.v1.trading.buy": "90000", "bitstamp.v1.trading.sell": "30000"}
"""Orders of Bitstamp at these prices are exceptions: they trade at once, and trades do not show the limit price."""


@frozen
class World:
    """One world.

    Attributes:
        seed: Where chance begins.
        only_orders: Whether there is nothing but orders.
        venue: Which exchange.
        skew_seconds: How much more its clock shows than ours, before and after ours is set.
        late_seconds: How late its reads are.
        measured: Whether an answer told of the clocks before anything went wrong.
        wrongs: What else is wrong with its answers.
        off_seconds: How much more our clock shows than it should, before it is set right.
    """

    seed: int
    only_orders: bool
    venue: Venue
    skew_seconds: tuple[float, float]
    late_seconds: tuple[float, float]
    measured: bool
    wrongs: Wrongs
    off_seconds: float

    @classmethod
    def of(cls, seed: int, *, only_orders: bool) -> World:
        """Draw a world."""
        chance, is_honest = random.Random(f"world {seed}"), only_orders or seed % 2 == 0
        skew, then = (chance.uniform(-SKEW_SECONDS, SKEW_SECONDS) for _ in range(2))
        return cls(
            seed,
            only_orders,
            venue=list(Venue)[seed % len(Venue)],
            skew_seconds=(skew, then if chance.random() < STEPPED else skew),
            late_seconds=chance.choice(LATE_SECONDS),
            measured=chance.random() < 0.7,
            wrongs=Wrongs() if is_honest else Wrongs.of(seed),
            off_seconds=0.0 if is_honest or chance.random() >= SET_RIGHT else chance.choice(SET_RIGHT_BY),
        )

    @property
    def least_seconds(self) -> float:
        """How long after a call it may be said at the earliest that nothing came of it."""
        # Two looks, each as late as reads may be; the first when nothing can arrive any more.
        return 2 * LATE_SECONDS[-1][1] + (LOST_SECONDS if self.venue is Venue.BITEX else 0.0)

    @property
    def is_honest(self) -> bool:
        """Whether nothing is wrong with any clock but what the design allows, nor with prices and rows."""
        return self.wrongs == Wrongs() and not self.off_seconds


@frozen
class _Call:
    """A call to send.

    Attributes:
        label: Its number.
        at: When, in seconds.
        endpoint: Which.
        arguments: With what.
        is_twin: Whether another one asks for the same.
    """

    label: int
    at: float
    endpoint: str
    arguments: dict[str, Any]
    is_twin: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether no other call has the same arguments, and reads show all of them."""
        return (
            not self.is_twin
            and self.endpoint in SHOWN
            and TRADING.get(self.endpoint) != str(self.arguments.get("price"))
        )


def _calls(world: World) -> list[_Call]:
    """Plan the calls of a world."""
    chance, calls = random.Random(world.seed), list[_Call]()
    kinds = KINDS[world.venue] | MORE[world.venue]
    names = [name for name in kinds if name in ORDERS or not world.only_orders]
    for label in range(1, CALLS + 1):
        at, first = chance.uniform(60.0, LONG_SECONDS), chance.choice(calls) if calls else None
        if first is not None and first.endpoint != EXECUTE and chance.random() < TWINS:
            at = max(0.0, first.at + chance.uniform(-1.0, 1.0) * chance.choice((0.5, 15.0, 120.0)))
            calls.append(evolve(first, label=label, at=at))
        else:
            endpoint = chance.choice(names)
            calls.append(_Call(label, at, endpoint, _finer(world, kinds[endpoint](label))))
    twins = Counter(repr((call.endpoint, call.arguments)) for call in calls)
    return [evolve(c, is_twin=twins[repr((c.endpoint, c.arguments))] > 1 or not c.arguments) for c in calls]


def _finer(world: World, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with half a cent more for the price, where the exchange rounds prices."""
    if not world.wrongs.rounds or "price" not in arguments:
        return arguments
    return arguments | {"price": arguments["price"] + CENT / 2}


def _is_of(intent: Intent, order: Order) -> bool:
    asked = {name: str(value) for name, value in order.arguments.items()}
    return intent.endpoint == order.endpoint and asked == {name: intent.arguments.get(name) for name in asked}


class When(StrEnum):
    """When a call is reconciled."""

    FIRST = "soon"
    AGAIN = "again"
    LATER = "later, by a client that knows nothing"


@define(eq=False)
class _Play:
    """The calls of one world and the verdicts on them."""

    world: World
    client: Any
    line: BadLine
    judge: Judge
    chance: random.Random
    said: list[tuple[_Call, Verdict, When]] = field(factory=list)
    intents: dict[int, tuple[_Call, Intent]] = field(factory=dict)
    tally: Tally = field(factory=Tally)

    async def make(self, call: _Call) -> None:
        """Send one call, and reconcile it if its outcome is unknown."""
        await asyncio.sleep(call.at)
        LABEL.set(call.label)
        order = await prepare(self.client, call.endpoint, call.arguments)
        if order is None:
            return
        is_hasty = not call.is_twin and self.chance.random() < HASTY
        try:
            async with asyncio.timeout(self.chance.random() * PATIENCE_SECONDS if is_hasty else None):
                await place(self.client, order)
        except TimeoutError:
            for intent in [i for i in self.client.unresolved if _is_of(i, order)]:
                await self._find_out(call, intent)
        except OutcomeUnknown as unknown:
            await self._find_out(call, unknown.intent)
        except (NotSent, RateLimitTimeout, Rejected, UnresolvedOutcome):
            self.tally.note("known")

    async def _find_out(self, call: _Call, intent: Intent) -> None:
        self.intents[call.label] = call, intent
        pending, ended = self.client._session.calls.pending(intent), asyncio.get_running_loop().time()
        await asyncio.sleep(self.chance.choice(PAUSES))
        verdict = await self.judge(self.client, intent)
        self.said.append((call, verdict, When.FIRST))
        # What the client knows by itself needs no look.
        if isinstance(verdict, NoTrace) and (pending is None or pending.standing is Standing.UNKNOWN):
            waited = asyncio.get_running_loop().time() - ended
            self.tally.note("absences")
            if waited < self.world.least_seconds:
                self.tally.note("hasty absences", f"{call.endpoint}: after {waited:.0f} s (world {self.world.seed})")
        if isinstance(verdict, Reconciled | NoTrace):
            return
        draw = self.chance.random()
        if draw < 0.3 and intent in self.client.unresolved:
            self.client.unresolved.dismiss(intent)
        elif draw < 0.6:
            await asyncio.sleep(60.0)
            self.said.append((call, await self.judge(self.client, intent), When.AGAIN))

    async def ask_again(self, client: Any) -> None:
        """Reconcile every call again, with a client that has no history."""
        for call, intent in self.intents.values():
            self.said.append((call, await self.judge(client, intent), When.LATER))

    async def ask_stranger(self, client: Any) -> None:
        """Reconcile every call with a client of another account, which must refuse."""
        for call, intent in self.intents.values():
            self.tally.note("strangers")
            try:
                verdict = await self.judge(client, intent)
            except UsageError:
                continue
            if self.line.done[call.label] or not isinstance(verdict, Incomplete):
                self.tally.note(
                    "stranger answers", f"{call.endpoint}: {type(verdict).__name__} (world {self.world.seed})"
                )

    def compare(self) -> Tally:
        """Compare the verdicts with what was executed."""
        for call, verdict, when in self.said:
            done = [deed for deed in self.line.done[call.label] if deed.kind.is_once]
            kind = type(verdict).__name__
            self.tally.note(f"{when}")
            self.tally.note(f"{when} {kind}")
            if when is When.FIRST and self.world.measured and self.world.is_honest and call.is_plain:
                self.tally.note("plain")
                self.tally.note("plain and found out" if isinstance(verdict, Reconciled | NoTrace) else "plain and not")
            if fault := _fault(verdict, done):
                self.tally.note(f"{when} wrong", f"{call.endpoint}: {fault} (world {self.world.seed}, {call.label})")
        return self.tally


def _fault(verdict: Verdict, done: Sequence[Deed]) -> str | None:
    """Return what is wrong with a verdict."""
    if isinstance(verdict, NoTrace):
        return "no trace of what was done" if done else None
    if isinstance(verdict, Reconciled):
        if not done:
            return "found what was not done"
        return None if done[0].id in (None, verdict.id or _name_of(verdict.found)) else "found another's"
    return None


def _name_of(found: Any) -> str:
    """Return the id of what was found; for trades, the id of their order."""
    first = found[0] if isinstance(found, tuple) else found
    names = (getattr(first, name, None) for name in ("order_id", "id", "oid", "user_id", "public_address"))
    return str(next((name for name in names if name is not None), first))


async def _measure(world: World, client: Any) -> None:
    """Place an order that succeeds, so that its answer shows the clock offset."""
    endpoint = next(name for name in KINDS[world.venue] if name in ORDERS)
    for number in range(100, 110):
        with suppress(ExchangeError):
            await place(client, Order(endpoint, KINDS[world.venue][endpoint](number)))
            return


async def played(world: World, judge: Judge) -> Tally:
    """Run one world."""
    loop = asyncio.get_running_loop()
    began, late = loop.time(), world.late_seconds

    def theirs() -> float:
        return NOW + loop.time() - began

    def ours() -> float:
        is_late = loop.time() > began + LONG_SECONDS / 2
        return theirs() - world.skew_seconds[is_late] + (0.0 if is_late else world.off_seconds)

    faults, losing = Faults(late_seconds=late), Faults(LOSING, kinds={Kind.MONEY, Kind.WRITE}, late_seconds=late)
    async with simulate(
        world.venue, seed=world.seed, port=None, limits=False, clock=theirs, faults=faults
    ) as simulator:
        late_seconds = LOST_SECONDS - 1 if world.venue is Venue.BITEX else IN_ORDER_LATE_SECONDS
        spoil = world.wrongs.applied
        line = BadLine(simulator, world.seed, LOST, late_seconds=late_seconds, spoil=spoil)

        def client(number: int = 0) -> Any:
            options: Any = {
                "limits": None,
                "clock": ours,
                "timeout_seconds": TIMEOUT_SECONDS,
                "transport": line.transport(),
            }
            return CLIENTS[world.venue](
                base_url=simulator.base_url, **simulator.account(world.venue, number), **options
            )

        async with client() as first:
            play = _Play(world, first, line, judge, random.Random(world.seed))
            if world.measured:
                await _measure(world, first)
            simulator.faults = losing
            async with asyncio.TaskGroup() as calls:
                for call in _calls(world):
                    calls.create_task(play.make(call))
            await asyncio.sleep(late_seconds)
        async with client() as second, client(1) as stranger:
            await play.ask_again(second)
            await play.ask_stranger(stranger)
        return play.compare()
