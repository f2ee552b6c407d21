"""Lists in which single rows cannot be read: they are set apart, and the others are returned.

Only for lists that prove nothing about the caller's money: an order that is not in the list of open orders would look
like one that was never placed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchanges.wire.codecs import Deviation

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
