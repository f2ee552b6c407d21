# ruff: noqa: INP001, T201 - examples are not a package, and print
"""Let two processes use one key of Bitso at once: no nonce is refused, and the limit is kept by both together.

Against the simulator, ten calls each::

    python examples/two_processes_one_key.py 10

Bitso takes a nonce only if it is larger than the last one, whoever sent that, and counts the calls of a key. Processes
that open the same state file share the lock of the key, its nonces and its limits.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from exchanges import Bitso
from exchanges.simulator import Simulator, Venue, simulate
from exchanges.state import FileState

PROCESSES = 2


async def work(base_url: str, path: str, calls: int) -> None:
    """Read the balance again and again, as fast as key and limit allow; each process does this."""
    with FileState(path) as state:
        async with Bitso(base_url=base_url, state=state) as bitso:  # the key is in the environment
            await asyncio.gather(*(bitso.account.balance() for _ in range(calls)))


async def run(sim: Simulator, path: Path, calls: int) -> list[int]:
    """Run the processes; return their exit statuses."""
    keys = {f"BITSO_{name}".upper(): str(value) for name, value in sim.account(Venue.BITSO).items()}
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, __file__, sim.base_url, str(path), str(calls), env={**os.environ, **keys}
        )
        for _ in range(PROCESSES)
    ]
    return [await child.wait() for child in children]


async def simulated(calls: int) -> int:
    """Run the processes against the simulator; return how many calls it refused."""
    with tempfile.TemporaryDirectory() as folder:
        async with simulate(Venue.BITSO) as sim:
            statuses = await run(sim, Path(folder) / "state.db", calls)
            refused = [seen.outcome for seen in sim.requests if seen.outcome != "ok"]
            print(f"{sim.calls} calls of {PROCESSES} processes, {len(refused)} refused; exit statuses {statuses}")
            print("busiest window: {} of {}".format(*sim.busiest("bitso private")))
            return len(refused) + sum(map(bool, statuses))


def main() -> None:
    """Run one of the processes if there are three arguments, else the whole."""
    if sys.argv[2:]:
        base_url, path, calls = sys.argv[1:]
        asyncio.run(work(base_url, path, int(calls)))
    else:
        sys.exit(1 if asyncio.run(simulated(int(sys.argv[1]) if sys.argv[1:] else 10)) else 0)


if __name__ == "__main__":
    main()
