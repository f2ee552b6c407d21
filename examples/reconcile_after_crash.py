# ruff: noqa: INP001, T201 - examples are not a package, and print
"""Kill a program while its order is under way, and prove afterwards what became of the order.

Against the simulator::

    python examples/reconcile_after_crash.py

A child process places an order; the exchange executes it and stays silent; the child is killed. All that is left is the
state file. A new client opens it, `unresolved` lists the order, and `reconcile` finds it by the client id that was in
the journal before the first byte left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from exchanges import Bitstamp, Kind, Reconciled, Verdict
from exchanges.simulator import FaultPoint, Faults, Simulator, Venue, simulate
from exchanges.state import FileState

SILENT = Faults({FaultPoint.SILENT_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})
STATE = "state.db"


async def order(base_url: str, folder: Path) -> None:
    """Place an order; the child does nothing else."""
    with FileState(folder / STATE) as state:
        async with Bitstamp(base_url=base_url, state=state) as bitstamp:  # the key is in the environment
            await bitstamp.trading.buy(market="btcusd", amount="0.01", price="30000")


async def crash(sim: Simulator, folder: Path) -> None:
    """Run the child until the exchange has executed its order, and kill it."""
    keys = {f"BITSTAMP_{name}".upper(): str(value) for name, value in sim.account(Venue.BITSTAMP).items()}
    child = await asyncio.create_subprocess_exec(
        sys.executable, __file__, sim.base_url, str(folder), env={**os.environ, **keys}
    )
    try:
        while not sim.deeds and child.returncode is None:  # noqa: ASYNC110 - the simulator announces no deeds
            await asyncio.sleep(0.01)
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
        await child.wait()


async def recover(sim: Simulator, folder: Path) -> list[Verdict]:
    """Determine what became of every call that the file lists as open."""
    verdicts: list[Verdict] = []
    with FileState(folder / STATE) as state:
        async with Bitstamp(base_url=sim.base_url, state=state, **sim.account(Venue.BITSTAMP)) as bitstamp:
            for intent, call in list(bitstamp.unresolved.items()):
                print("left open:", intent, "-", call.standing)
                verdict = await bitstamp.reconcile(intent)
                print(f"{type(verdict).__name__}:", verdict.found if isinstance(verdict, Reconciled) else verdict)
                verdicts.append(verdict)
            print(len(bitstamp.unresolved), "calls are still open")
    return verdicts


async def simulated() -> list[Verdict]:
    """Crash and recover against the simulator."""
    with tempfile.TemporaryDirectory() as name:
        async with simulate(Venue.BITSTAMP, faults=SILENT) as sim:
            await crash(sim, Path(name))
            sim.faults = Faults()
            return await recover(sim, Path(name))


def main() -> None:
    """Run the child if there are arguments, else the whole."""
    if sys.argv[1:]:
        base_url, folder = sys.argv[1:]
        asyncio.run(order(base_url, Path(folder)))
    else:
        asyncio.run(simulated())


if __name__ == "__main__":
    main()
