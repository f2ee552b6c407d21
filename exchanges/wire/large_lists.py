"""Sequences of rows: read at once if they are small, cut and checked piece by piece if they are large."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from types import GenericAlias
from typing import Any, get_args, get_origin

from exchanges.wire.piecewise import PieceReader, Reader, Report
from exchanges.wire.row_cutter import LARGE_BYTES, RowCutter, is_list
from exchanges.wire.row_patterns import pattern_of
from exchanges.wire.rows import Rows


def read(wire: Reader, body: bytes, annotation: Any) -> Rows[Any] | None:
    """Decode a whole *body* as a sequence of rows; None if the reference path has to.

    Raises:
        DecodeError: A large list has a row that is not as documented.
    """
    (inner,) = get_args(annotation)
    if len(body) <= LARGE_BYTES or not is_list(body):
        objects = wire.rows(body, GenericAlias(list, (inner,)))
        return None if objects is None else Rows[Any].of(objects)
    cutting = _cutter(wire, inner, "answer", None)
    for start in range(0, len(body), LARGE_BYTES):
        cutting.add(memoryview(body)[start : start + LARGE_BYTES])
    for _ in cutting.steps():
        pass
    return cutting.result()


def cutter_of(wire: Reader, annotation: Any, where: str, report: Report | None = None) -> RowCutter | None:
    """Return what cuts a large list while it arrives; None if *annotation* is no sequence of rows.

    Args:
        where: What messages begin with.
        report: Reports a row that cannot be read and is left out; None if that is an error.
    """
    inner = _row_of(annotation)
    return None if inner is None else _cutter(wire, inner, where, report)


@cache
def is_sequence(annotation: Any) -> bool:
    """Return whether *annotation* states a sequence of rows, which may be large."""
    return _row_of(annotation) is not None


@cache
def _row_of(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Sequence else None


def _cutter(wire: Reader, inner: Any, where: str, report: Report | None) -> RowCutter:
    return RowCutter(
        where,
        # A large pattern takes milliseconds to compile, and most answers are small.
        partial(pattern_of, inner, strict=wire.strict),
        PieceReader(wire, inner, report).read,
    )
