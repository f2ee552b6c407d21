"""Unknown outcomes in many small worlds: the verdicts of `reconcile`, compared with the truth."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from exchanges.errors import ExchangeError
from exchanges.intents import ClockOffset, Intent
from exchanges.outcomes.clocks import ExchangeClock
from exchanges.outcomes.history import CallHistory
from exchanges.outcomes.journal_view import JournalView
from exchanges.outcomes.reconcile import Reconciler
from exchanges.outcomes.verdicts import Ambiguous, Incomplete, NoTrace, Reconciled, Verdict
from tests.stress.figures import Figure, Mechanisms
from tests.stress.tally import Tally, results, summed
from tests.stress.worlds import When, World, played
from tests.support.virtual_time import run

PROMISES = (7, 14)
UNKNOWN = 2_000
WORLDS, NAIVE_WORLDS, BATCH = 240, 60, 15
QUICK_WORLDS = 12
LEAST_FOUND_OUT = 0.9
VERDICTS = (Reconciled, NoTrace, Ambiguous, Incomplete)


async def reconcile(client: Any, intent: Intent) -> Verdict:
    """Reconcile with the client."""
    verdict: Verdict = await client.reconcile(intent)
    return verdict


async def rule_of_thumb(client: Any, intent: Intent) -> Verdict:
    """Search the open orders once for the same amount and price."""
    await asyncio.sleep(1.0)
    areas = {"bitex": client, "bitso": getattr(client, "v2", None), "bitstamp": getattr(client, "v1", None)}
    exchange = intent.endpoint.partition(".")[0]
    trading: Any = areas[exchange].trading
    try:
        orders = await (trading.orders() if exchange == "bitex" else trading.open_orders())
    except ExchangeError:
        return Incomplete(intent, "it could not be read")
    wanted = tuple(Decimal(intent.arguments[name]) for name in ("amount", "price"))
    same = [order for order in orders if (order.amount, order.price) == wanted]
    return Reconciled(intent, same[0]) if same else NoTrace(intent)


JUDGES = {"client": reconcile, "rule of thumb": rule_of_thumb}


def _play(first: int, count: int, judge: str, without: str | None) -> Tally:
    """Run some worlds, each with its own virtual time."""
    whole = Tally()
    with MECHANISMS[without]() if without else nullcontext():
        for seed in range(first, first + count):
            random.seed(seed)  # the client draws its pauses from it
            world = World.of(seed, only_orders=judge != "client")
            whole.add(run(played(world, JUDGES[judge])))
    return whole


# Mechanisms

CONCLUDE = Reconciler._conclude_absence


def _conclude_by_moments(self: Any, case: Any, result: Any) -> Verdict:
    case.misdated.clear()
    return CONCLUDE(self, case, result)


def _last_reading(self: Any, endpoint: str, zero: datetime, _: datetime, max_skew: timedelta) -> ClockOffset:
    return self.narrow(endpoint, zero, max_skew) or ClockOffset(-max_skew, max_skew)


@contextmanager
def _trusted_clocks() -> Iterator[None]:
    with (
        patch.object(ExchangeClock, "doubt", lambda *_: None),
        patch("exchanges.outcomes.reconcile.doubt_of", lambda *_: None),
        patch.object(ExchangeClock, "wide", _last_reading),
        patch.object(Reconciler, "_conclude_absence", _conclude_by_moments),
    ):
        yield


MECHANISMS: Mechanisms = {
    "clocks": _trusted_clocks,
    "misdated": lambda: patch.object(Reconciler, "_conclude_absence", _conclude_by_moments),
    "rounding": lambda: patch("exchanges.outcomes.matching.is_rounded", lambda *_: False),
    "owner": lambda: patch.object(JournalView, "require_own", lambda *_: None),
    "lateness": lambda: patch("exchanges.outcomes.reconcile.LATE_SECONDS", 0.0),
    "fence": lambda: patch("exchanges.outcomes.reconcile.LOST_SECONDS", 0.0),
    "record": lambda: patch.object(CallHistory, "names", lambda _: frozenset()),
}


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the verdicts on unknown outcomes, and the wrong ones."""
    worlds, size = (QUICK_WORLDS, QUICK_WORLDS) if quick else (WORLDS, BATCH)
    firsts = range(seed * WORLDS, seed * WORLDS + worlds, size)
    tally = summed(results(_play, [(first, size, "client", without) for first in firsts], spread=not quick))
    yield from _figures_of(tally, least=0 if quick else UNKNOWN)
    if without is None:
        firsts = firsts[: 1 if quick else NAIVE_WORLDS // BATCH]
        shares = [(first, size, "rule of thumb", None) for first in firsts]
        beside = summed(results(_play, shares, spread=not quick))
        wrong, unknown = (beside.numbers[what] for what in (f"{When.FIRST} wrong", When.FIRST))
        shown = f"{wrong:,} wrong of {unknown:,}"
        yield Figure("one look at the open orders, for the same amount and price", shown)


def _figures_of(tally: Tally, *, least: int) -> Iterator[Figure]:
    first, numbers = When.FIRST, tally.numbers
    unknown = numbers[first]
    if least:
        yield Figure("unknown outcomes", f"{unknown:,}", f">= {least:,}", unknown >= least)
    for when in When:
        yield tally.never(7, f"wrong verdicts on unknown outcomes, asked {when}", f"{when} wrong", numbers[when])
    strangers = numbers["strangers"]
    yield tally.never(7, "calls of one account that a client of another answered for", "stranger answers", strangers)
    yield tally.never(
        14,
        "older generations, which know no client ids: NoTrace before two looks, or while the request may arrive",
        "hasty absences",
        numbers["absences"],
    )
    shares = ", ".join(f"{kind.__name__} {numbers[f'{first} {kind.__name__}'] / unknown:.0%}" for kind in VERDICTS)
    yield Figure(f"what is said {first}", shares)
    found, plain = numbers["plain and found out"], numbers["plain"]
    yield Figure(
        "found out where no twin asks for the same, reads show all of it and the clock was measured",
        f"{found:,} of {plain:,}",
        f">= {LEAST_FOUND_OUT:.0%}",
        0 < plain * LEAST_FOUND_OUT <= found,
    )
