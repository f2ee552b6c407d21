"""How long the first call of a process stalls its event loop, over plain loopback, each time in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from rounds import Figure, Target, Wanted, rounds
from server import serving

# CPU time of the thread, as the machine may be busy; the longest step of the loop is how long everything else waits.
_SCRIPT = """
import asyncio, time
from asyncio import events
from exchanges import Bitstamp

longest, run = 0.0, events.Handle._run

def timed(handle):
    global longest
    began = time.thread_time()
    run(handle)
    longest = max(longest, time.thread_time() - began)

async def main():
    global longest
    began = time.thread_time()
    async with Bitstamp(base_url={base_url!r}) as client:
        opened = time.thread_time() - began
        await asyncio.sleep(0)
        longest = 0.0
        await client.market.ticker("btcusd")
        print(opened, longest)

events.Handle._run = timed
asyncio.run(main())
"""


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the row."""
    opened: list[float] = []
    with serving() as base_url, tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", _SCRIPT.format(base_url=base_url)]

        def side() -> float:
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603 - the constant above
            seconds, longest = map(float, run.stdout.split())
            opened.append(seconds * 1e3)
            return longest * 1e3

        stalled = rounds(wanted["first-call"], side)
    yield Figure(
        "first call of a process: the loop stalled, CPU", tuple(ms for (ms,) in stalled), Target(15.0), unit="ms"
    )
    yield Figure("opening that client, CPU", tuple(opened[1:]), unit="ms")
