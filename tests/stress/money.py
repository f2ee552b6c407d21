"""Orders of every kind over real sockets to failing exchanges: reported and executed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

from attrs import evolve

from exchanges.endpoint import Kind
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.http.answer import Evidence
from exchanges.outcomes import classify
from exchanges.outcomes.pending import PendingCalls
from exchanges.simulator import FaultPoint, Faults, Simulator, Venue, simulate
from exchanges.simulator.proxy import proxy
from exchanges.state import MemoryState
from tests.stress.callers import Floor, Told
from tests.stress.figures import Figure, Mechanisms
from tests.stress.naive import NaiveClient
from tests.stress.nowhere import sent_nowhere
from tests.stress.orders import CLIENTS
from tests.stress.tally import Tally, results, summed

PROMISES = (5, 6)
ORDERS, BATCH = 20_000, 1_000
NAIVE_ORDERS = 2_000
QUICK_ORDERS = 300
FLOORS = 2
"""Concurrent simulators of one batch."""
CALLERS = 2
"""Callers of one client."""
TIMEOUT_SECONDS = 0.4
NOWHERE = 0.03
"""Share of orders that are sent to an address where no byte can arrive."""
BAD_LINES = 3
"""One connection in this many is bad."""
LEAST_POINTS = 12

OFTEN, SELDOM, HARDLY = 0.03, 0.01, 0.002
POINTS = {
    FaultPoint.REFUSE_TO_ACCEPT: OFTEN,
    FaultPoint.CLOSE_AFTER_ACCEPT: OFTEN,
    FaultPoint.CLOSE_INSIDE_REQUEST: OFTEN,
    FaultPoint.CLOSE_BEFORE_EXECUTING: OFTEN,
    FaultPoint.SILENT_BEFORE_EXECUTING: SELDOM,
    FaultPoint.TOO_MANY_REQUESTS_PAST: OFTEN,
    FaultPoint.REFUSE_NONCE: OFTEN,
    FaultPoint.HTML_403: OFTEN,
    FaultPoint.HTML_502: OFTEN,
    FaultPoint.REDIRECT: SELDOM,
    FaultPoint.CLOSE_AFTER_EXECUTING: OFTEN,
    FaultPoint.CLOSE_INSIDE_HEAD: OFTEN,
    FaultPoint.CLOSE_INSIDE_BODY: OFTEN,
    FaultPoint.SILENT_AFTER_EXECUTING: SELDOM,
    FaultPoint.ANSWER_404: OFTEN,
    FaultPoint.ANSWER_500: OFTEN,
    FaultPoint.HTML_502_AFTER_EXECUTING: OFTEN,
    FaultPoint.REDIRECT_AFTER_EXECUTING: SELDOM,
    FaultPoint.GARBLE: OFTEN,
    FaultPoint.ANSWER_TWICE: OFTEN,
    FaultPoint.DRIP: SELDOM,
    FaultPoint.GZIP_BOMB: HARDLY,
    FaultPoint.DOUBLE_GZIP_BOMB: HARDLY,
    FaultPoint.ENDLESS_BODY: HARDLY,
    FaultPoint.LENGTH_TOO_LARGE: OFTEN,
    FaultPoint.LENGTH_TOO_SMALL: OFTEN,
    FaultPoint.SHUFFLE_KEYS: SELDOM,
    FaultPoint.ADD_FIELDS: SELDOM,
    FaultPoint.NUMBERS_AS_STRINGS: SELDOM,
    FaultPoint.STRINGS_AS_NUMBERS: SELDOM,
}
FAULTS = Faults(POINTS, kinds={Kind.MONEY}, drip_seconds=0.0, bomb_bytes=4 * 1024 * 1024)
BEARABLE = evolve(FAULTS, at={point: share for point, share in POINTS.items() if share > HARDLY})
"""Without bodies that would exhaust the memory of a plain client."""


@asynccontextmanager
async def _opened(seed: int, faults: Faults) -> AsyncIterator[tuple[Simulator, str]]:
    """Open a simulator, at times behind a bad connection; yield its URL."""
    async with simulate(seed=seed, limits=False, faults=faults) as simulator:
        if seed % BAD_LINES:
            yield simulator, simulator.base_url
            return
        async with proxy(
            to=simulator.base_url, seed=seed, latency_seconds=(0.0, 0.002), cut=0.03, half_close=0.01
        ) as line:
            yield simulator, line.base_url


async def _play(seed: int, orders: int, *, naive: bool) -> Tally:
    """Place orders with clients of the library, or with plain ones."""
    async with _opened(seed, BEARABLE if naive else FAULTS) as (simulator, url), AsyncExitStack() as clients:
        floor = Floor(simulator, orders, random.Random(seed))
        call: Any = floor.call_naively if naive else floor.call
        async with asyncio.TaskGroup() as callers:
            for venue, account in _accounts(simulator):
                client = await clients.enter_async_context(_client(venue, url, account, naive=naive))
                for _ in range(1 if naive else CALLERS):
                    callers.create_task(call(venue, client))
        await clients.aclose()  # what was cancelled is under way no more
        return floor.judge()


def _accounts(simulator: Simulator) -> Iterator[tuple[Venue, Any]]:
    return ((venue, simulator.account(venue, number)) for venue in Venue for number in range(2))


def _client(venue: Venue, url: str, account: Any, *, naive: bool) -> Any:
    if naive:
        return NaiveClient(venue, url, TIMEOUT_SECONDS, account)
    options: Any = {"limits": None, "state": MemoryState(), "timeout_seconds": TIMEOUT_SECONDS}
    return CLIENTS[venue](base_url=url, **account, **options)


async def _batch(seed: int, orders: int, *, naive: bool) -> Tally:
    plays = [_play(FLOORS * seed + number, orders // FLOORS, naive=naive) for number in range(FLOORS)]
    if not naive:
        plays.append(sent_nowhere(round(orders * NOWHERE), TIMEOUT_SECONDS))
    return summed(await asyncio.gather(*plays))


def _carried_out(seed: int, orders: int, naive: bool, without: str | None) -> Tally:
    """Place a batch of orders, in this process or another."""
    with MECHANISMS[without]() if without else nullcontext():
        return asyncio.run(_batch(seed, orders, naive=naive))


# Mechanisms


def _repeated_like_reads(kind: Kind, error: ExchangeError, attempt: int) -> bool:
    like = Kind.READ if kind is Kind.MONEY else kind
    return classify.repeatable(like, error, attempt) or (isinstance(error, OutcomeUnknown) and attempt < 3)


@contextmanager
def _repeated() -> Iterator[None]:
    with ExitStack() as patches:
        patches.enter_context(patch("exchanges.session.session.repeatable", _repeated_like_reads))
        patches.enter_context(patch.object(PendingCalls, "guard", lambda *_, **_options: None))
        yield


def _taken_for_proof(attempt: Any, status: int, problem: Any) -> ExchangeError:
    return classify.rejection(attempt, status, evolve(problem, proves_not_executed=True))


MECHANISMS: Mechanisms = {
    "no repetition": _repeated,
    "guard": lambda: patch.object(PendingCalls, "guard", lambda *_, **_options: None),
    "proof": lambda: patch.object(Evidence, "nothing_left", True),
    "doubt": lambda: patch("exchanges.outcomes.response.rejection", _taken_for_proof),
    "kept outcomes": lambda: patch.object(PendingCalls, "keep_outcome", lambda *_: None),
}


# Figures


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count what was executed twice and what was misreported."""
    sizes = [QUICK_ORDERS] if quick else [BATCH] * (ORDERS // BATCH)
    shares = [(100 * seed + number, size, False, without) for number, size in enumerate(sizes)]
    yield from _figures_of(summed(results(_carried_out, shares, spread=not quick)))
    if without is None:
        sizes = [QUICK_ORDERS // 3] if quick else [BATCH] * (NAIVE_ORDERS // BATCH)
        shares = [(100 * seed + number, size, True, None) for number, size in enumerate(sizes)]
        yield from _beside(summed(results(_carried_out, shares, spread=not quick)))


def _figures_of(tally: Tally) -> Iterator[Figure]:
    numbers, points = tally.numbers, len(tally.points)
    orders, never = numbers["orders"], tally.never
    shown = ", ".join(f"{numbers[told]:,} {told}" for told in Told)
    yield Figure(
        f"fault points that hit {orders:,} orders", str(points), f">= {LEAST_POINTS}", points >= LEAST_POINTS, 5
    )
    # Orders that never left would prove nothing, however many there are.
    yield Figure("what the callers were told", shown, "<= 20% not done", 5 * numbers[Told.NOT_DONE] <= orders, 6)
    yield never(5, "orders that were done more than once", "twice", orders)
    again = numbers["again after unknown"]
    yield never(5, "the same order again, let through while the first is unresolved", "let through", again)
    yield never(6, "told that it was not done, but it was", "denied", numbers[Told.NOT_DONE])
    yield never(6, "told that it was done, but it was not", "invented", numbers[Told.DONE])
    yield never(6, "answered with another order", "of another", numbers[Told.DONE])
    yield never(6, "told something else", "other", orders)
    yield never(6, "cancelled, and `unresolved` does not say what is true", "kept wrong", numbers[Told.CANCELLED])
    yield never(6, "told that nobody knows, but not kept in `unresolved`", "unlisted", numbers[Told.UNKNOWN])
    yield never(6, "told that nobody knows, but not a byte can have left", "doubted nowhere", numbers["nowhere"])
    yield Figure("of those of which nobody knows", f"{numbers['unknown and done']:,} were done", number=6)


def _beside(tally: Tally) -> Iterator[Figure]:
    numbers = tally.numbers
    orders = f"{numbers['orders']:,}"
    yield Figure("a client that tries three times: done more than once", f"{numbers['twice']:,} of {orders}", number=5)
    wrong = f"{numbers['denied']:,} denied, {numbers['invented']:,} invented, of {orders}"
    yield Figure("a client that tries three times: misreported", wrong, number=6)
