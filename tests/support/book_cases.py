"""Cases of kept books: what is played, with which faults, and what a run has shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import define, field, frozen

from exchanges.streams.keepers import DiffBook, SequencedBook, Settings, WholeBook
from tests.support.book_venues import BEGIN

ZERO = datetime.fromtimestamp(BEGIN / 1e6, UTC)
DEPTH = 20
FAULTS = (
    *("kill", "freeze", "dead", "move"),
    *("drop", "double", "double old", "reorder", "garble", "price zero"),
    *("future", "back", "crossed", "stranger", "one side", "empty"),
    *("read fails", "read late", "read old", "read future", "read crossed", "read one side"),
)


@frozen
class Case:
    """What is played.

    Attributes:
        kind: Of the keeper: whole, diff or numbered.
        rate: Changes a second.
        interval: Seconds between frames.
        seconds: How long.
        faults: How many, at random moments.
        kinds: Of which kinds.
        losses: Frames that the exchange itself loses, at random moments.
        settings: Of the keeper; None for those of its kind.
    """

    kind: str
    rate: float = 30.0
    interval: float = 0.3
    seconds: float = 180.0
    faults: int = 0
    kinds: tuple[str, ...] = FAULTS
    losses: int = 0
    settings: Settings | None = None


SUMMED = ("checks", "wrong", "wrong_seconds", "good_seconds", "seconds", "reads", "bases", "wrong_bases")


@define
class Seen:
    """What a run has shown.

    Attributes:
        checks: How often a readable book was compared.
        wrong: How often it differed from the true one at its moment; some examples.
        wrong_seconds: How long it was readable and wrong.
        longest_wrong: The longest such time.
        good_seconds: How long it was readable.
        reads: Order books that were read.
        turns: Changes of status by cause.
        faults: By kind, those that took effect.
        first_good: When it was readable first.
        stalest: The largest age of a book that was readable, in seconds.
        bases: Order books that a book of changes began with; how many of them gave a wrong one.
    """

    checks: int = 0
    wrong: int = 0
    wrong_seconds: float = 0.0
    longest_wrong: float = 0.0
    good_seconds: float = 0.0
    seconds: float = 0.0
    reads: int = 0
    turns: Counter[str] = field(factory=Counter[str])
    faults: Counter[str] = field(factory=Counter[str])
    first_good: float | None = None
    stalest: float = 0.0
    bases: int = 0
    wrong_bases: int = 0
    examples: list[str] = field(factory=list[str])

    @property
    def good_share(self) -> float:
        """The share of the time for which the book could be read."""
        return self.good_seconds / self.seconds

    @property
    def wrong_share(self) -> float:
        """The share of the time for which it could be read and was wrong."""
        return self.wrong_seconds / self.seconds

    def add(self, other: Seen) -> None:
        """Add what another run has shown."""
        for name in (*SUMMED, "turns", "faults", "examples"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_wrong = max(self.longest_wrong, other.longest_wrong)
        self.stalest = max(self.stalest, other.stalest)


SETTINGS = {
    "whole": Settings(depth=DEPTH, audit_seconds=60.0),
    "diff": Settings(audit_seconds=30.0),
    "numbered": Settings(audit_seconds=20.0),
}
KEEPERS: dict[str, Callable[..., Any]] = {"whole": WholeBook, "diff": DiffBook, "numbered": SequencedBook}
