"""Measure the promises at full size and print a line per figure; the exit status is 0 if all of them hold."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from typing import Protocol, TypeAlias, cast

from tests.stress.figures import Figure, Mechanisms

Shown: TypeAlias = tuple[dict[int | str, bool], list[str]]
"""Which promises of a stage hold, and which of its cheap mechanisms are idle."""

STAGES = (
    "nonces",
    "cancellations",
    "outside",
    "restarts",
    "processes",
    "hosts",
    "money",
    "cuts",
    "reconciled",
    "proof",
    "arrivals",
    "cancels",
    "keepalive",
    "doubles",
    "halfdead",
    "hostile",
    "large",
    "mutations",
    "evidence",
    "secrets",
    "books",
    "silence",
    "kills",
    "leaving",
    "private_events",
    "frames",
    "hour",
    "lagging",
    "stream_secrets",
    "digits",
    "pauses",
)
PROMISES: tuple[int | str, ...] = (*range(1, 18), "S1", "S2", "S3", "S4", "S5", "S7", "S8", "S9", "S10", "S11", "S12")
"""Numbers of the promises; those of streams begin with S."""
CHEAP = {
    "nonces": ("key lock",),
    "cancellations": ("own task",),
    "outside": ("releasing",),
    "cuts": ("evidence",),
    "doubles": ("surplus",),
    "money": ("guard", "doubt"),
    "reconciled": ("lateness", "owner"),
    "proof": ("wait", "second look", "client id"),
    "arrivals": ("cooling slots",),
    "cancels": ("reserve", "overtaking", "probes"),
    "keepalive": ("careful pool",),
    "halfdead": ("silence",),
    "evidence": ("own words",),
    "large": ("slices",),
    "books": ("confirmation", "audit", "sequence test", "unreadable while bad"),
    "silence": ("watchdog",),
    "leaving": ("reference count",),
    "private_events": ("fresh token", "gap"),
    "hour": ("sequence test",),
    "lagging": ("bounded buffer",),
    "stream_secrets": ("hidden logger", "redaction"),
    "digits": ("checked texts", "exact sums"),
    "pauses": ("spreading", "backoff", "backoff reset", "backoff of reads"),
}
"""Mechanisms that a quick run takes out: a second or two is enough to miss a figure without one of them."""


class Stage(Protocol):
    """A module that measures promises."""

    PROMISES: tuple[int | str, ...]
    MECHANISMS: Mechanisms

    def figures(self, *, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
        """Measure, with the mechanism *without* already taken out of this process."""
        ...


def stages() -> dict[str, Stage]:
    """Import the stages."""
    return {name: stage(name) for name in STAGES}


def stage(name: str) -> Stage:
    """Import the stage *name*."""
    return cast("Stage", import_module(f"tests.stress.{name}"))


def figures(name: str, measured: Stage, args: argparse.Namespace) -> dict[int | str, bool]:
    """Print the figures of one stage; return which of its promises hold."""
    began, hold = time.perf_counter(), dict[int | str, bool]()
    with measured.MECHANISMS[args.without]() if args.without else nullcontext():
        for figure in measured.figures(quick=args.quick, seed=args.seed, without=args.without):
            number = figure.number or measured.PROMISES[0]
            print(f"{number:>2} {figure}", flush=True)
            if figure.bar:
                hold[number] = hold.get(number, True) and figure.met
    print(f"({name}: {time.perf_counter() - began:.0f} s)", flush=True)
    return hold


def idle(name: str, measured: Stage, args: argparse.Namespace) -> list[str]:
    """Return the cheap mechanisms of one stage without which no figure is missed."""
    found = list[str]()
    for mechanism in CHEAP.get(name, ()):
        with measured.MECHANISMS[mechanism]():
            lines = list(measured.figures(quick=True, seed=args.seed, without=mechanism))
        missed = sum(bool(line.bar) and not line.met for line in lines)
        print(f"{name} without {mechanism}: {missed} of {len(lines)} figures not met", flush=True)
        found += [f"{name}: {mechanism}"] * (not missed)
    return found


def shown(name: str, args: argparse.Namespace) -> Shown:
    """Measure one stage; one that raises has broken its promises."""
    logging.disable(logging.CRITICAL)
    measured = stage(name)
    try:
        hold = figures(name, measured, args)
        return hold, idle(name, measured, args) if args.quick and args.without is None else []
    except Exception:  # noqa: BLE001 - an hour of other stages is not lost for one
        print(f"{name} ended early:\n{traceback.format_exc()}", flush=True)
        return dict.fromkeys(measured.PROMISES, False), []


def all_shown(args: argparse.Namespace) -> Iterator[Shown]:
    """Measure the stages: several at a time in processes of their own, one at a time in this process."""
    measure = partial(shown, args=args)
    if args.jobs == 1:
        yield from map(measure, args.stages)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, mp_context=context, max_tasks_per_child=1) as pool:
        yield from pool.map(measure, args.stages)


def summary(hold: dict[int | str, bool], wanted: Sequence[int | str]) -> str:
    """Count the promises that hold; list the others."""
    broken = [str(number) for number in wanted if not hold.get(number, True)]
    missing = [str(number) for number in wanted if number not in hold]
    more = f"; broken: {', '.join(broken)}" * bool(broken) + f"; not shown: {', '.join(missing)}" * bool(missing)
    return f"{sum(hold.values())} of {len(wanted)} promises hold{more}"


def _ordered(numbers: Iterable[int | str]) -> list[int | str]:
    """Sort numbers of promises, each once, those of streams last."""
    return sorted(set(numbers), key=lambda number: (isinstance(number, str), int(str(number).lstrip("S"))))


def read(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    known = stages()
    parser.add_argument("--only", nargs="+", action="extend", choices=known, metavar="STAGE", help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="small sizes, and each cheap mechanism taken out")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random choices; default: %(default)s")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="stages at a time; default: %(default)s")
    parser.add_argument("--without", metavar="MECHANISM", help="run the stages of one mechanism, with it taken out")
    parser.add_argument("--list", action="store_true", help="list the mechanisms")
    args = parser.parse_args(arguments)
    args.stages = [name for name in known if args.only is None or name in args.only]
    if args.without:
        args.stages = [name for name in args.stages if args.without in known[name].MECHANISMS]
        if not args.stages:
            parser.error(f"no stage has a mechanism {args.without!r}; --list lists them")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per figure; return 0 if all are met."""
    args = read(arguments)
    known = {name: stage(name) for name in args.stages}
    if args.list:
        for name, listed in known.items():
            for mechanism in listed.MECHANISMS:
                print(f"{', '.join(map(str, listed.PROMISES))} {name}: {mechanism}")
        return 0
    print("promise | figure | bar | met", flush=True)
    began, hold, without_effect = time.perf_counter(), dict[int | str, bool](), list[str]()
    for held, found in all_shown(args):
        for number, holds in held.items():
            hold[number] = hold.get(number, True) and holds
        without_effect += found
    whole = args.only is None and args.without is None
    wanted = PROMISES if whole else _ordered(number for listed in known.values() for number in listed.PROMISES)
    print(f"({time.perf_counter() - began:.0f} s in all)")
    print(summary(hold, wanted) + f"; idle mechanisms: {', '.join(without_effect)}" * bool(without_effect))
    return 0 if all(hold.get(number) for number in wanted) and not without_effect else 1
