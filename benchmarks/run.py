"""Measure the table of costs: ``python benchmarks/run.py [--quick] [--check] [row or group ...]``."""

from __future__ import annotations

import argparse
import importlib
import logging
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context

from rounds import Figure, Wanted

GROUPS: dict[str, Wanted] = {
    "calls": {"public": 21, "signed": 21, "signed-bitso": 15, "concurrent": 11},
    "connection": {"own-connection": 11},
    "decoding": {"archive": 7, "archive-lazy": 7, "summary": 15, "order-book": 31},
    "lag": {"archive-arriving": 7, "worst-answer": 3},
    "limiter": {"permit": 11, "waiters": 11},
    "imports": {"import": 11},
    "first_call": {"first-call": 9},
    "latency": {"order-latency": 2, "order-after-a-minute": 2},
    "state": {"state-latency": 11, "state-capacity": 5, "state-guard": 5},
    "streams": {"stream-books": 11},
    "stream_sockets": {"stream-socket": 11, "stream-latency": 11},
}
"""The rows of each ``bench_<group>.py``, and their rounds: more where a row varies more."""
PACKAGES = ("httpx", "msgspec", "attrs", "websockets", "ccxt", "aiohttp")
QUICK_ROUNDS = 5
SLOW = {"archive-arriving": 3, "worst-answer": 2, "order-latency": 1, "stream-books": 3}
"""Rows that get fewer rounds in the quick form, so that all of it ends within five minutes."""
LONG = ("order-after-a-minute",)
"""Rows that only the full form measures, or a row that is named."""
_ROW = "{:<76} {:>10} {:>9} {:>15}  {}"


def main() -> int:
    """Measure and print; with ``--check``, 1 if a target is missed."""
    rows = [row for group in GROUPS.values() for row in group]
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"rows: {', '.join(rows)}")
    parser.add_argument("--quick", action="store_true", help="few rounds: a glance, no proof")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("names", nargs="*", metavar="name", help=f"a row, or of {', '.join(GROUPS)}; all by default")
    given = parser.parse_args()
    if unknown := set(given.names) - {*GROUPS, *rows}:
        parser.error(f"no such row or group: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    print(f"Python {platform.python_version()}, {', '.join(map(_version, PACKAGES))}")
    print("CPU time of the client's process; medians of interleaved rounds, quartiles beside them.\n")
    print(_ROW.format("figure", "target", "measured", "quartiles", "").rstrip())
    missed = 0
    wanted = {group: _wanted(group, given.names, quick=given.quick) for group in GROUPS}
    # Each in a process of its own: what the others have imported would be garbage to walk through.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for figures in pool.map(_measure, *zip(*((g, w) for g, w in wanted.items() if w), strict=True)):
            for figure in figures:
                _show(figure)
                missed += not figure.is_met
    print(f"\n{missed or 'no'} target{'s' * (missed != 1)} missed; {time.monotonic() - began:.0f} s")
    return int(given.check and missed > 0)


def _wanted(group: str, names: Sequence[str], *, quick: bool) -> Wanted:
    """Return the rows of *group* to measure, and their rounds."""
    everything = not names or group in names
    rows = {row: number for row, number in GROUPS[group].items() if everything or row in names}
    if not quick:
        return rows
    return {
        row: min(number, SLOW.get(row, QUICK_ROUNDS)) for row, number in rows.items() if row not in LONG or row in names
    }


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def _measure(group: str, wanted: Wanted) -> list[Figure]:
    """Measure the figures of one group."""
    logging.getLogger("exchanges").setLevel(logging.ERROR)  # drift and waiting are on purpose here
    return list(importlib.import_module(f"bench_{group}").figures(wanted))


def _show(figure: Figure) -> None:
    unit = f" {figure.unit}" if figure.unit else ""
    target = f"{figure.target}{unit}" if figure.target else "-"
    lower, upper = figure.spread
    verdict = "" if figure.target is None else "met" if figure.is_met else "missed"
    measured, quartiles = f"{figure.value:.2f}{unit}", f"{lower:.2f} - {upper:.2f}"
    print(_ROW.format(figure.name, target, measured, quartiles, verdict).rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
