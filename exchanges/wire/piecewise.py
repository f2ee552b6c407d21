"""Reading one piece of a list that was cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import GenericAlias
from typing import Any, Protocol

from exchanges.values import frozen
from exchanges.wire.codecs import Deviation, loads
from exchanges.wire.odd_rows import LEFT_OUT, OddRows

__all__ = ["PieceReader", "Reader", "Report"]

Report = Callable[[str, str], None]
"""Takes what was expected, and where within an element."""

_POSITION = r"\[([0-9]+)\]"


class Reader(Protocol):
    """What reads small lists: a `Wire`."""

    strict: bool

    def rows(self, body: bytes, annotation: Any) -> Any | None:
        """Decode rows on the fast path; None if the reference path has to."""
        ...

    def hook(self, annotation: Any) -> Callable[[Any], Any]:
        """Return what structures plain JSON, and raises `Deviation`."""
        ...


@frozen(eq=False)
class PieceReader:
    """Reads pieces of one list.

    Attributes:
        reader: What reads small lists.
        inner: The type of an element.
        report: Reports an element that cannot be read and is left out; None if that is an error.
    """

    reader: Reader
    inner: Any
    report: Report | None = None

    def read(self, piece: bytes, first: int, odd: OddRows) -> list[Any]:
        """Read the elements of a piece.

        Args:
            piece: Elements as JSON, each with a comma behind it.
            first: The number of the first element in the whole list.
            odd: Gets the elements that are left out.

        Raises:
            Deviation: Names the element by its number in the whole list.
        """
        annotation, body = GenericAlias(list, (self.inner,)), b"[%b]" % piece[:-1]
        objects = self.reader.rows(body, annotation)
        if objects is not None:
            return list(objects)
        try:
            values = loads(body)
            if self.report is None:
                return list(self.reader.hook(annotation)(values))
        except Deviation as deviation:
            raise _moved(deviation, first) from None
        return _read_each(self.reader.hook(self.inner), values, first, odd, self.report)


def _read_each(read: Callable[[Any], Any], values: Any, first: int, odd: OddRows, report: Report) -> list[Any]:
    good: list[Any] = []
    for number, value in enumerate(values, first):
        try:
            good.append(read(value))
        except Deviation as deviation:
            report(f"{deviation.expected}; {LEFT_OUT}", deviation.place)
            odd.add(deviation.inside(f"[{number}]"))
    return good


def _moved(deviation: Deviation, first: int) -> Deviation:
    """Return *deviation* with the number of the row in the whole list, not in its piece."""
    position = re.match(_POSITION, deviation.place)
    if position is None:
        return Deviation(deviation.expected, f"[{first}]{deviation.place}")
    return Deviation(deviation.expected, f"[{first + int(position[1])}]{deviation.place[position.end() :]}")
