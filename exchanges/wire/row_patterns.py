"""Regular expressions that recognise many rows at once, straight from their bytes.

A large list of rows is not converted while it arrives. It is cut into pieces that consist of whole rows, and one match
of the pattern of its classes proves that each row of a piece can be converted, at a fraction of the cost of converting
it. The pattern accepts less than the codecs do: what it does not match is not wrong, but has to be read to find out.

Rules for editors:

1. What a pattern matches must be read without an error, by clients of the same strictness; a property test compares.
2. Two things no pattern checks: UTF-8, and whether a list or an object inside a row is JSON. Whoever uses it does.
3. Repetitions are possessive: no answer, however odd, can make a match take more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any, get_args

from exchanges.wire.codecs import Anything, Choice, Flag, Number, OpenIntEnum, Text, Whole
from exchanges.wire.models import Field, Row, TaggedRow, UnknownRow, codec_of, fields_of, optional_of, row_classes
from exchanges.wire.moments import Epoch

__all__ = ["ELEMENT", "ELEMENTS", "NESTED", "QUOTED", "Expression", "pattern_of"]

MOST_NESTED = 16
_BLANK = rb"[ \t\r\n]*+"
_COMMA = _BLANK + rb"," + _BLANK
_INTEGER = rb"(?:0|[1-9][0-9]{0,14}+)"
_WHOLE = rb"(?:0|-?+[1-9][0-9]{0,14}+)"
_NUMBER = rb"-?+" + _INTEGER + rb"(?:\.[0-9]{1,15}+)?+(?:[eE][+-]?[01]?[0-9])?+"
# No surrogates: what msgspec decodes for certain, if the bytes are UTF-8.
_ESCAPE = rb'\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
_TEXT = rb'"(?:[^"\\\x00-\x1f]++|' + _ESCAPE + rb')*+"'

# Any text and any list or object, by its quotes and brackets alone.
QUOTED = rb'"(?:[^"\\]++|\\.)*+"'


class Expression:
    """A regular expression that is compiled when it is first used.

    Those of nested values take milliseconds to compile, and most programs receive no answer that needs them.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source

    @cached_property
    def compiled(self) -> re.Pattern[bytes]:
        """The pattern."""
        return re.compile(self._source, re.DOTALL)


def _nested(depth: int) -> bytes:
    """Return the pattern of a list or object with up to *depth* levels."""
    inside = rb'[^"\[\]{}]++|' + QUOTED
    content = rb"(?:" + inside + rb")*+"
    for _ in range(depth - 1):
        content = rb"(?:" + inside + rb"|[\[{]" + content + rb"[\]}])*+"
    return rb"[\[{]" + content + rb"[\]}]"


NESTED = _nested(MOST_NESTED)
"""A list or an object."""
_ANYTHING = rb"(?:null|true|false|" + _NUMBER + rb"|" + _TEXT + rb"|" + _nested(4) + rb")"
_ELEMENT = _BLANK + rb"(?:" + NESTED + rb"|" + QUOTED + rb'|[^"\[\]{},]++)' + _BLANK + rb","
ELEMENT = Expression(_ELEMENT)
"""One element of a list, whatever it is, with the comma behind it."""
ELEMENTS = Expression(rb"(?:" + _ELEMENT + rb")*+")
"""As many elements as there are."""


@cache
def pattern_of(annotation: Any, *, strict: bool) -> re.Pattern[bytes] | None:
    """Return the pattern of many rows, each with the comma behind it.

    Args:
        annotation: What each row is: a class of rows, or a union of tagged ones.
        strict: Whether to match only what is exactly as documented.

    Returns:
        None if a cell is of a kind that only its codec can check.
    """
    classes: tuple[type[Row], ...] = row_classes(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Row):
        classes = (annotation,)
    rows: list[bytes | None] = [_row(cls, strict=strict) for cls in classes]
    if UnknownRow in get_args(annotation) and not strict:
        rows.append(_unknown(row_classes(annotation)))
    if not rows or None in rows:
        return None
    row = rb"|".join(row for row in rows if row is not None)
    return re.compile(rb"(?:" + _BLANK + rb"\[" + _BLANK + rb"(?:" + row + rb")" + _BLANK + rb"\]" + _BLANK + rb",)*+")


def _row(cls: type, *, strict: bool) -> bytes | None:
    """Return the pattern of the cells of one row; None if one of its cells has none."""
    row, fields = b"", fields_of(cls)
    for field in reversed(fields):
        cell = _cell(field, strict=strict)
        if cell is None:
            return None
        row = _COMMA + cell + row
        # In old rows what has a default is missing at the end; a strict client has the codecs decide about those.
        if not field.required and not strict:
            row = rb"(?:" + row + rb")?+"
    if issubclass(cls, TaggedRow):
        return str(cls.class_reference).encode() + row
    return row.removeprefix(_COMMA) if fields[0].required else None


def _unknown(classes: Iterable[type[TaggedRow]]) -> bytes:
    """Return the pattern of a row of a class that none of *classes* is."""
    known = rb"|".join(str(cls.class_reference).encode() for cls in classes)
    return rb"(?!(?:" + known + rb")[^0-9])" + _WHOLE + rb"(?:" + _COMMA + _ANYTHING + rb")*+"


def _cell(field: Field, *, strict: bool) -> bytes | None:
    """Return the pattern of a cell; None if only the codec can check it."""
    annotation = optional_of(field.annotation) or field.annotation
    codec = codec_of(annotation)
    cell = _value(codec, strict=strict)
    if cell is None:
        return None
    may_be_null = annotation is not field.annotation and not (strict and field.is_number)
    if may_be_null and not isinstance(codec, Anything):
        cell += rb"|null"
        if not strict and not isinstance(codec, Text):
            cell += rb'|""'
    return rb"(?:" + cell + rb")"


def _value(codec: Any, *, strict: bool) -> bytes | None:
    """Return the pattern of what *codec* reads for certain; None if there is none."""
    pattern: bytes | None = None
    match codec:
        case Number(text=text):
            pattern = _in_text(_NUMBER, text=text, strict=strict)
        case Whole():
            pattern = _in_text(_WHOLE, text=False, strict=strict)
        case Epoch(per_second=per_second, text=text):
            # Eleven digits of seconds: the last year that a `datetime` can hold has twelve.
            count = rb"(?:0|[1-9][0-9]{0,%d}+)" % (9 + len(str(per_second)))
            pattern = _in_text(count, text=text, strict=strict)
        case Choice(members=members, text=text) if issubclass(members, OpenIntEnum):
            codes = rb"(?:%b)" % rb"|".join(str(member.value).encode() for member in members)
            pattern = _in_text(codes if strict else rb"(?:0|[1-9][0-9]{0,8}+)", text=text, strict=strict)
        case Text(number=number):
            pattern = _TEXT + rb"|" + _WHOLE if number or not strict else _TEXT
        case Flag():
            pattern = rb"true|false"
        case Anything():
            pattern = _ANYTHING
        case _:
            pass
    return pattern


def _in_text(number: bytes, *, text: bool, strict: bool) -> bytes:
    """Return the pattern of a number, or of one in quotes, or of both where that is tolerated."""
    quoted = rb'"' + number + rb'"'
    if strict:
        return quoted if text else number
    return number + rb"|" + quoted
