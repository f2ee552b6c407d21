"""Lists in which single rows cannot be read: they are set apart, and the others are returned.

Only for lists that prove nothing about the caller's money: an order that is not in the list of open orders would look
like one that was never placed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchanges.values import define
from exchanges.wire.codecs import Deviation

MAX_MORE = 1000
"""A list is given up when so many more rows are odd than good."""
LEFT_OUT = "rows like this one are left out of the list"


def without_odd_rows(
    read: Callable[[Any], Any], rows: list[Any], report: Callable[[str, str], None]
) -> list[Any] | None:
    """Return the rows that can be read; None if they are the lesser part, as then the list itself has changed.

    Args:
        read: Reads a row; raises `Deviation`.
        rows: What was received.
        report: Reports what was expected, and where within a row.
    """
    good: list[Any] = []
    odd: list[Deviation] = []
    for row in rows:
        try:
            good.append(read(row))
        except Deviation as deviation:
            odd.append(deviation)
    if len(odd) > len(good):
        return None
    for reason in odd:
        report(f"{reason.expected}; {LEFT_OUT}", reason.place)
    return good


@define
class OddRows:
    """The rows of a list that were set apart, while its pieces are read.

    Attributes:
        count: How many there are.
        first: What is wrong with the first; without the frames behind it, as there may be thousands.
    """

    count: int = 0
    first: Deviation | None = None

    def add(self, deviation: Deviation) -> None:
        """Count a row."""
        self.count += 1
        if self.first is None:
            self.first = deviation.with_traceback(None)

    def check(self, good: int, more: int = 0) -> None:
        """Raise if there are more of them, by *more*, than *good* rows: then the list itself has changed.

        Raises:
            Deviation: What is wrong with the first.
        """
        if self.first is not None and self.count > good + more:
            raise self.first
