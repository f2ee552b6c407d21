"""What a run of the stress session shows: one line per figure."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from attrs import frozen

Mechanisms: TypeAlias = dict[str, Callable[[], AbstractContextManager[object]]]
"""The mechanisms behind a promise, by name: entering one disables it in this process."""


@frozen
class Figure:
    """A promise, what was measured, what it must be, and whether it is.

    Attributes:
        promise: In a few words.
        shown: What was measured.
        bar: What it must be; empty for what is shown beside, for comparison.
        met: Whether it is.
        number: Of the promise in the table of the design; None: the first of its stage.
    """

    promise: str
    shown: str
    bar: str = ""
    met: bool = True
    number: int | str | None = None

    def __str__(self) -> str:
        """Print as a line of the table, without the number."""
        verdict = ("met" if self.met else "NOT MET") if self.bar else "-"
        return f"{self.promise} | {self.shown} | {self.bar or '-'} | {verdict}"
