"""What a run of the stress session shows: one line per figure."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Figure"]


@frozen
class Figure:
    """A promise, what was measured, what it must be, and whether it is.

    Attributes:
        promise: In a few words.
        shown: What was measured.
        bar: What it must be; empty for what is shown beside, for comparison.
        met: Whether it is.
    """

    promise: str
    shown: str
    bar: str = ""
    met: bool = True

    def __str__(self) -> str:
        """Print as a line of the table."""
        verdict = ("met" if self.met else "NOT MET") if self.bar else "-"
        return f"{self.promise} | {self.shown} | {self.bar or '-'} | {verdict}"
