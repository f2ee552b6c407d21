"""Sequences of rows: read at once if they are small, cut and checked piece by piece if they are large."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import GenericAlias
from typing import Any, Protocol, get_args

from exchanges.wire.codecs import Deviation, loads
from exchanges.wire.row_cutter import LARGE_BYTES, RowCutter, is_list
from exchanges.wire.row_patterns import pattern_of
from exchanges.wire.rows import Rows

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


def read(wire: Reader, body: bytes, annotation: Any) -> Rows[Any] | None:
    """Decode a whole *body*; None if the reference path has to.

    Raises:
        DecodeError: A large list has a row that is not as documented.
    """
    if len(body) <= LARGE_BYTES or not is_list(body):
        objects = wire.rows(body, GenericAlias(list, get_args(annotation)))
        return None if objects is None else Rows[Any].of(objects)
    cutting = cutter(wire, annotation, "answer")
    cutting.add(body)
    for _ in cutting.steps():
        pass
    return cutting.result()


def cutter(wire: Reader, annotation: Any, where: str) -> RowCutter:
    """Return what cuts a large list of the rows that *annotation* names."""
    (inner,) = get_args(annotation)
    rows = GenericAlias(list, (inner,))

    def build(piece: bytes, first: int) -> list[Any]:
        body = b"[%b]" % piece[:-1]
        objects = wire.rows(body, rows)
        if objects is not None:
            return list(objects)
        try:
            return list(wire.hook(rows)(loads(body)))
        except Deviation as deviation:
            raise _moved(deviation, first) from None

    return RowCutter(where, pattern_of(inner, strict=wire.strict), build)


def _moved(deviation: Deviation, first: int) -> Deviation:
    """Return *deviation* with the number of the row in the whole list, not in its piece."""
    position = _POSITION.match(deviation.place)
    if position is None:
        return Deviation(deviation.expected, f"[{first}]{deviation.place}")
    return Deviation(deviation.expected, f"[{first + int(position[1])}]{deviation.place[position.end() :]}")
