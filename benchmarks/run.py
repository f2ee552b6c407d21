"""Measure the table of costs: ``python benchmarks/run.py [--quick] [--check] [name ...]``."""

from __future__ import annotations

import argparse
import importlib
import logging
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import repeat
from multiprocessing import get_context

from rounds import Figure

ROUNDS = {"calls": 41, "connection": 21, "decoding": 21, "limiter": 15, "imports": 11}
QUICK_ROUNDS = 5
_ROW = "{:<72} {:>10} {:>9} {:>15}  {}"


def main() -> int:
    """Measure and print; with ``--check``, 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: a glance, no proof")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(ROUNDS)}; all by default")
    given = parser.parse_args()
    if unknown := set(given.names) - ROUNDS.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    peers = ", ".join(f"{name} {version(name)}" for name in ("httpx", "msgspec", "attrs", "ccxt"))
    print(f"Python {platform.python_version()}, {peers}")
    print("CPU time of the client's process; medians of interleaved rounds, quartiles beside them.\n")
    print(_ROW.format("figure", "target", "measured", "quartiles", "").rstrip())
    missed = 0
    # Each in a process of its own: what the others have imported would be garbage to walk through.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for figures in pool.map(_measure, given.names or ROUNDS, repeat(given.quick)):
            for figure in figures:
                _show(figure)
                missed += not figure.is_met
    print(f"\n{missed or 'no'} target{'s' * (missed != 1)} missed; {time.monotonic() - began:.0f} s")
    return int(given.check and missed > 0)


def _measure(name: str, quick: bool) -> list[Figure]:  # noqa: FBT001 - mapped
    """Measure the figures of one benchmark."""
    logging.getLogger("exchanges").setLevel(logging.ERROR)  # drift and waiting are on purpose here
    return list(importlib.import_module(f"bench_{name}").figures(QUICK_ROUNDS if quick else ROUNDS[name]))


def _show(figure: Figure) -> None:
    unit = f" {figure.unit}" if figure.unit else ""
    target = f"{figure.target}{unit}" if figure.target else "-"
    lower, upper = figure.spread
    verdict = "" if figure.target is None else "met" if figure.is_met else "missed"
    measured, quartiles = f"{figure.value:.2f}{unit}", f"{lower:.2f} - {upper:.2f}"
    print(_ROW.format(figure.name, target, measured, quartiles, verdict).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
