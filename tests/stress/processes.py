"""Several processes with one key, one state file and one limit.

The server refuses every nonce that does not increase, and counts what arrives in any window of time.
"""

from __future__ import annotations

import asyncio
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

from exchanges.limits.limit import Window
from exchanges.simulator import Venue, simulate
from tests.stress.arrivals import largest
from tests.stress.children import KEY_LOCK, Child, Job, call_many
from tests.stress.figures import Figure, Mechanisms

PROMISES = (4,)
MECHANISMS: Mechanisms = KEY_LOCK
CALLS, QUICK_CALLS = 2_500, 20
PROCESSES, QUICK_PROCESSES = 4, 2
TIGHT_CALLS, QUICK_TIGHT_CALLS = 7, 4
WIDE = Window(1_000, per_seconds=2.0)
TIGHT = Window(5, per_seconds=1.0)
DELAY_SECONDS = (0.0, 0.003)
REFUSED = "wrong nonce"


@frozen
class Count:
    """The results of one run.

    Attributes:
        failed: Calls that ended in an error.
        arrived: Requests that the server saw.
        refused: Those of which it refused the nonce.
        fullest: How many arrived in one window.
        seconds: From the first to the last.
    """

    failed: int
    arrived: int
    refused: int
    fullest: int
    seconds: float


async def play(processes: int, calls: int, window: Window, seed: int, without: str | None) -> Count:
    """Run *processes* that send *calls* each."""
    with tempfile.TemporaryDirectory() as folder:
        async with simulate(Venue.BITSTAMP, seed=seed, delay_seconds=DELAY_SECONDS, limits=False) as simulator:
            job = Job(
                venue=str(Venue.BITSTAMP),
                credentials=dict(simulator.account(Venue.BITSTAMP)),
                base_url=simulator.base_url,
                path=str(Path(folder) / "state"),
                window=window,
                without=without,
                calls=calls,
            )
            children = [Child.start(call_many, evolve(job, number=number)) for number in range(processes)]
            words = [word for child in children for word in await child.end(kill=False)]
            seen = simulator.requests
    arrivals = array("d", (request.arrived_at for request in seen))
    return Count(
        failed=len(words),
        arrived=len(seen),
        refused=sum(request.outcome == REFUSED for request in seen),
        fullest=largest(arrivals, window.per_seconds),
        seconds=max(arrivals, default=0.0) - min(arrivals, default=0.0),
    )


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count what the server refused and the calls in the fullest windows."""
    processes = QUICK_PROCESSES if quick else PROCESSES
    runs = ((QUICK_CALLS, WIDE), (QUICK_TIGHT_CALLS, TIGHT)) if quick else ((CALLS, WIDE), (TIGHT_CALLS, TIGHT))
    for calls, window in runs:
        count = asyncio.run(play(processes, calls, window, seed, without))
        told = f"{processes} processes x {calls:,} calls with one key, behind {window}"
        yield Figure(
            f"{told}: nonces arrive increasing",
            f"{count.refused} refused nonces in {count.arrived:,} requests in {count.seconds:.0f} s, "
            f"{count.failed} calls failed",
            "0 refused, 0 failed",
            (count.refused, count.failed, count.arrived) == (0, 0, processes * calls),
        )
        yield Figure(
            f"{told}: the limit is kept",
            f"{count.fullest} in the fullest window",
            f"<= {window.slots}",
            count.fullest <= window.slots,
        )
