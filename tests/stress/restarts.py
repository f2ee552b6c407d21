"""Processes that are killed at random moments and restarted with another clock.

Each makes signed calls, one in eight moves money, until ``kill -9`` ends it; the next goes on with the same state file
and a wall clock that is up to an hour off. The server refuses every nonce that does not increase.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from attrs import define, evolve, field

from exchanges.endpoint import Kind
from exchanges.limits.limit import Window
from exchanges.simulator import Deed, FaultPoint, Faults, Seen, Simulator, Venue, simulate
from tests.stress.arrivals import largest
from tests.stress.children import FILE, Child, Job, live, open_client, shared, spend
from tests.stress.figures import Figure, Mechanisms

PROMISES = (3,)
VENUES = (Venue.BITSTAMP, Venue.BITSO)
KILLS = 100
QUICK_KILLS = 3
LIFE_SECONDS = 0.2
STEP_SECONDS = 3600.0
PATIENCE_SECONDS = 10.0
EARLY = 1 / 4
"""The number of processes killed while they start."""
WINDOW = Window(100, per_seconds=5.0)
DELAY_SECONDS = (0.0, 0.01)
REFUSED = "wrong nonce"
EXEMPT = "bitso.v2.trading.cancel_order"
"""Counts against no limit of its exchange."""


MECHANISMS: Mechanisms = FILE


@define(eq=False)
class Line:
    """The processes that run one after another at one exchange."""

    job: Job
    simulator: Simulator
    chance: random.Random
    failed: list[str] = field(factory=list[str])
    listed: set[str] = field(factory=set[str])
    known: frozenset[str] = frozenset()

    async def play(self, kills: int) -> None:
        """Start processes and kill them."""
        for number in range(1, kills + 1):
            step = self.chance.uniform(-STEP_SECONDS, STEP_SECONDS)
            child = Child.start(live, evolve(self.job, number=number, step_seconds=step))
            words = [] if self.chance.random() < EARLY else [await child.hear()]
            await asyncio.sleep(self.chance.random() * LIFE_SECONDS)
            self.failed += [word or "silence" for word in [*words, *await child.end()] if word != "ok"]

    async def leave_one(self, number: int) -> str | None:
        """Kill a process whose order was executed and never answered; return the nonce of the order."""
        before = len(self.orders)
        child = Child.start(spend, evolve(self.job, number=number))
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(self.orders) == before:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.005)
        await child.end()
        return self.orders[-1].nonce if len(self.orders) > before else None

    async def look(self) -> None:
        """Open the state again; return what is unresolved and what was executed."""
        state = shared(self.job.path)
        async with open_client(self.job, state) as client:
            self.listed = {call.nonce for call in client.unresolved.values() if call.nonce is not None}
            view = client._session.calls.view
            if state.journal is not None:
                names = {f"{d.endpoint}:{d.id}" for d in self.orders}
                self.known = state.journal.known(view.server, view.key, names, "none")

    @property
    def orders(self) -> list[Deed]:
        """Return the executed calls that move money."""
        return [d for d in self.simulator.deeds if d.venue == self.job.venue and d.kind is Kind.MONEY]

    @property
    def missing(self) -> int:
        """Count those that are not in the journal."""
        return sum(d.nonce not in self.listed and f"{d.endpoint}:{d.id}" not in self.known for d in self.orders)

    @property
    def seen(self) -> list[Seen]:
        """Return the requests that the server received."""
        return [seen for seen in self.simulator.requests if seen.venue == self.job.venue]


async def play(kills: int, seed: int, without: str | None) -> tuple[list[Line], int]:
    """Kill many processes at two exchanges; then, at each, one whose order was executed and never answered.

    Returns:
        What was seen at each, and how many of the last orders are listed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "state")
        async with simulate(*VENUES, seed=seed, delay_seconds=DELAY_SECONDS, limits=False) as simulator:
            lines = [
                Line(
                    Job(str(venue), dict(simulator.account(venue)), simulator.base_url, path, WINDOW, without),
                    simulator,
                    random.Random(f"{seed} {venue}"),
                )
                for venue in VENUES
            ]
            await asyncio.gather(*(line.play(kills // 2 + kills % 2 * (not n)) for n, line in enumerate(lines)))
            simulator.faults = Faults({FaultPoint.SILENT_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})
            last = await asyncio.gather(*(line.leave_one(kills + 1) for line in lines))
            for line in lines:
                await line.look()
        return lines, sum(nonce in line.listed for nonce, line in zip(last, lines, strict=True))


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count what the server refused and what the journal lacks."""
    kills = QUICK_KILLS if quick else KILLS
    lines, last = asyncio.run(play(kills, seed, without))
    requests = [seen for line in lines for seen in line.seen]
    refused = sum(seen.outcome == REFUSED for seen in requests)
    failed = sum(len(line.failed) for line in lines)
    killed = f"{kills} kill -9, each with another clock, up to 1 h off"
    yield Figure(
        f"{killed}: nonces arrive increasing",
        f"{refused} refused nonces in {len(requests):,} requests, {failed} calls failed",
        "0 refused, 0 failed",
        refused == failed == 0,
    )
    for line in lines:
        counted = (seen.arrived_at for seen in line.seen if seen.endpoint != EXEMPT)
        fullest = largest(array("d", counted), WINDOW.per_seconds)
        yield Figure(
            f"{line.job.venue}: a limit of {WINDOW} is kept across the restarts",
            f"{fullest} in the fullest window",
            f"<= {WINDOW.slots}",
            fullest <= WINDOW.slots,
        )
    orders, missing = sum(len(line.orders) for line in lines), sum(line.missing for line in lines)
    listed = sum(len(line.listed) for line in lines)
    yield Figure(
        "the journal knows every order that was executed",
        f"{missing} of {orders} missing; {listed} listed as unresolved",
        "0 missing",
        missing == 0,
    )
    yield Figure(
        "an order whose process was killed before the answer is listed",
        f"{last} of {len(lines)}",
        f"{len(lines)}",
        last == len(lines),
    )
