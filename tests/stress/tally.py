"""Counts of the results of many calls, in this process or others."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import starmap
from multiprocessing import get_context
from typing import Any, TypeVar

from attrs import define, field

from tests.stress.figures import Figure

EXAMPLES = 3

T = TypeVar("T")


@define
class Tally:
    """Counts by result, with some examples of each.

    Attributes:
        numbers: How many.
        examples: A few.
        points: How often what went wrong.
    """

    numbers: Counter[str] = field(factory=Counter[str])
    examples: dict[str, list[str]] = field(factory=lambda: defaultdict(list))
    points: Counter[str] = field(factory=Counter[str])

    def note(self, what: str, example: object = None) -> None:
        """Count one result."""
        self.numbers[what] += 1
        if example is not None and len(self.examples[what]) < EXAMPLES:
            self.examples[what].append(str(example))

    def add(self, other: Tally) -> None:
        """Add another tally."""
        self.numbers += other.numbers
        self.points += other.points
        for what, examples in other.examples.items():
            self.examples[what] += examples

    def never(self, number: int, promise: str, what: str, of: int | str) -> Figure:
        """Return the figure of a result that must never occur."""
        found, of = self.numbers[what], f"{of:,}" if isinstance(of, int) else of
        examples = "; ".join(dict.fromkeys(self.examples.get(what, ())[:EXAMPLES]))
        shown = f"{found:,} of {of}" + (f", such as {examples}" if examples else "")
        return Figure(promise, shown, "0", found == 0, number)


def results(
    work: Callable[..., T], shares: Sequence[tuple[Any, ...]], *, spread: bool, workers: int | None = None
) -> Iterator[T]:
    """Yield the results of some work, in the order of its shares; *spread* over processes if there is much."""
    if not spread:
        yield from starmap(work, shares)
        return
    # Spawned, not forked: this process may have threads and event loops.
    context, workers = get_context("spawn"), workers or os.cpu_count()
    with ProcessPoolExecutor(workers, context, logging.disable, (logging.CRITICAL,)) as pool:
        yield from pool.map(work, *zip(*shares, strict=True))


def summed(tallies: Iterable[Tally]) -> Tally:
    """Add tallies."""
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole
