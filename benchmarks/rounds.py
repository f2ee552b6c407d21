"""How a figure is measured: sides in turn, garbage collected before each, the median of the ratios of the rounds.

Only the CPU time of this process counts. Rounds are interleaved (A B A B ...), so that a machine that slows down slows
all sides; a ratio is taken within one round and never across rounds.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

__all__ = ["Figure", "Target", "Wanted", "collected", "of", "rounds", "timed"]

Side = Callable[[], float]
Wanted = Mapping[str, int]
"""The rows to measure, and in how many rounds."""


@frozen
class Target:
    """What a figure is to keep.

    Attributes:
        bound: The largest value that meets it, or the smallest.
        at_least: Whether it is the smallest.
    """

    bound: float
    at_least: bool = False

    def __str__(self) -> str:
        """Print as in the table of costs."""
        return f"{'>=' if self.at_least else '<='} {self.bound:.2f}"

    def is_met(self, value: float) -> bool:
        """Whether *value* keeps it."""
        return value >= self.bound if self.at_least else value <= self.bound


@frozen
class Figure:
    """One row of the table.

    Attributes:
        name: What is measured, and against what.
        values: One for each round: a ratio, or a time in *unit*.
        target: What it is to keep; None for what is only told.
        unit: Empty for a ratio.
    """

    name: str
    values: tuple[float, ...]
    target: Target | None = None
    unit: str = ""

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The lower and the upper quartile of the rounds."""
        lower, _, upper = statistics.quantiles(self.values, n=4)
        return lower, upper

    @property
    def is_met(self) -> bool:
        """Whether the median keeps the target."""
        return self.target is None or self.target.is_met(self.value)


def collected(side: Side) -> float:
    """Run *side* once, the garbage of all others collected before."""
    gc.collect()
    return side()


def rounds(number: int, *sides: Side) -> list[tuple[float, ...]]:
    """Run all *sides* once to warm up, then *number* times in turn; each says what it took."""
    for side in sides:
        side()
    return [tuple(collected(side) for side in sides) for _ in range(number)]


def timed(work: Callable[[], Any]) -> Side:
    """Build a side of *work*: CPU seconds until it returned, without the time to drop what it made."""

    def side() -> float:
        began = time.process_time()
        made = work()
        seconds = time.process_time() - began
        del made
        return seconds

    return side


def of(results: Sequence[tuple[float, ...]], above: int, below: int) -> tuple[float, ...]:
    """Divide one side by another, round by round."""
    return tuple(result[above] / result[below] for result in results)
