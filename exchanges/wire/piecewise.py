"""Reading one piece of a list that was cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import GenericAlias
from typing import Any, Protocol

from exchanges.wire.codecs import Deviation, loads
from exchanges.wire.odd_rows import LEFT_OUT

__all__ = ["Reader", "Report", "read_piece"]

Report = Callable[[str, str], None]
"""Takes what was expected, and where within an element."""

_POSITION = re.compile(r"\[([0-9]+)\]")


class Reader(Protocol):
    """What reads small lists: a `Wire`."""

    strict: bool

    def rows(self, body: bytes, annotation: Any) -> Any | None:
        """Decode rows on the fast path; None if the reference path has to."""
        ...

    def hook(self, annotation: Any) -> Callable[[Any], Any]:
        """Return what structures plain JSON, and raises `Deviation`."""
        ...


def read_piece(
    reader: Reader, piece: bytes, inner: Any, first: int, report: Report | None = None
) -> tuple[list[Any], list[Deviation]]:
    """Read the elements of a piece.

    Args:
        reader: What reads small lists.
        piece: Elements as JSON, each with a comma behind it.
        inner: The type of an element.
        first: The number of the first element in the whole list.
        report: Reports an element that cannot be read and is left out; None if that is an error.

    Returns:
        The elements, and what is wrong with those that were left out.

    Raises:
        Deviation: Names the element by its number in the whole list.
    """
    annotation, body = GenericAlias(list, (inner,)), b"[%b]" % piece[:-1]
    objects = reader.rows(body, annotation)
    if objects is not None:
        return list(objects), []
    try:
        values = loads(body)
        if report is None:
            return list(reader.hook(annotation)(values)), []
    except Deviation as deviation:
        raise _moved(deviation, first) from None
    return _read_each(reader.hook(inner), values, first, report)


def _read_each(
    read: Callable[[Any], Any], values: Any, first: int, report: Report
) -> tuple[list[Any], list[Deviation]]:
    good: list[Any] = []
    odd: list[Deviation] = []
    for number, value in enumerate(values, first):
        try:
            good.append(read(value))
        except Deviation as deviation:
            report(f"{deviation.expected}; {LEFT_OUT}", deviation.place)
            odd.append(deviation.inside(f"[{number}]"))
    return good, odd


def _moved(deviation: Deviation, first: int) -> Deviation:
    """Return *deviation* with the number of the row in the whole list, not in its piece."""
    position = _POSITION.match(deviation.place)
    if position is None:
        return Deviation(deviation.expected, f"[{first}]{deviation.place}")
    return Deviation(deviation.expected, f"[{first + int(position[1])}]{deviation.place[position.end() :]}")
