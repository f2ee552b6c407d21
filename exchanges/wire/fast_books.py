"""The fast path for objects with long lists of rows of numbers: order books.

A list whose rows hold numbers in text and nothing else is cut at its commas: what remains of it without digits and
points shows that it has this shape, and all of its texts are converted in one go. The rows of other lists are decoded
by msgspec into typed structs, and a whole column is checked and converted at once. The rest of the object is read by
the reference path, and so is everything that is not exactly as documented: see `exchanges.wire.fast_rows`, whose rules
hold here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, DecimalException
from itertools import repeat
from types import GenericAlias
from typing import Any, cast, get_args, get_origin

import attrs
import msgspec
from attrs import frozen

from exchanges.wire.codecs import BOUNDS, Deviation, Number, Text, loads
from exchanges.wire.models import Row, TaggedRow, codec_of, fields_of, mutable_twin, optional_of

Build = Callable[[Any], Any]

_RAW = msgspec.json.Decoder(msgspec.Raw)
_NUMERALS = b"0123456789."
_FIRST_ROW = 200
"""In so many bytes a blank behind a comma shows how the server writes."""


@frozen(eq=False, repr=False)
class Cut:
    """The shape of a list whose rows hold numbers in text and nothing else.

    Attributes:
        rows: A row without digits and points, and the comma behind it: as the server writes them, or without blanks.
        build: Builds the rows from all of their numbers.
    """

    rows: tuple[bytes, bytes]
    build: Callable[[int, Iterable[Decimal]], Any]

    def read(self, body: bytes) -> Any | None:
        """Return the rows of *body*, which is JSON; None if it has another shape."""
        # A number that is no text has a comma beside it, which the shape has not, or is the only value of the list.
        shape, row = body.translate(None, _NUMERALS), self.rows[body.find(b", ", 0, _FIRST_ROW) < 0]
        count = len(shape) // len(row)
        # "1." is no plain number; `create_decimal` fails on "1.2.3" and on "", and on what is too long.
        if not count or shape != b"[%b]" % (row * count).rstrip(b", ") or b'."' in body:
            return None
        texts = body.translate(None, b'[]" ').decode().split(",")
        return self.build(count, map(BOUNDS.create_decimal, texts))


@frozen(eq=False, repr=False)
class Levels:
    """Reads one type of list of rows."""

    decoder: msgspec.json.Decoder[list[Any]]
    build: Build
    cut: Cut | None

    def read(self, body: bytes) -> Any:
        """Return the rows of *body*, which is JSON."""
        rows = None if self.cut is None else self.cut.read(body)
        return self.build(self.decoder.decode(body)) if rows is None else rows


@frozen(eq=False, repr=False)
class BookReader:
    """Decodes one answer type."""

    decoder: msgspec.json.Decoder[Any]
    cls: Any
    builders: dict[str, Build]

    def read(self, body: bytes) -> Any | None:
        """Return the object; None if anything in *body* is not exactly as documented."""
        try:
            answer = self.decoder.decode(body)
            parts = ((name, build, getattr(answer, name)) for name, build in self.builders.items())
            fields = {name: build(bytes(part)) for name, build, part in parts if part is not None}
            # Other colons are in a text, or of a key that came twice: the reference path decides.
            return self.cls(**fields) if body.count(b":") == len(fields) else None
        except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException, Deviation):
            return None


@frozen(eq=False, repr=False)
class LevelsReader:
    """Decodes one type of list of rows of numbers in text."""

    levels: Levels

    def read(self, body: bytes) -> Any | None:
        """Return the rows; None if anything in *body* is not exactly as documented."""
        try:
            return self.levels.read(bytes(_RAW.decode(body)))
        except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException, Deviation):
            return None


def compile_levels(annotation: Any) -> LevelsReader | None:
    """Compile the fast path for a list of rows of numbers in text; return None for all other answers."""
    row = _row_of(annotation)
    if row is None or all(_kind(field.annotation) is not str for field in fields_of(row)):
        return None
    return LevelsReader(_levels(row, annotation))


def compile_book(annotation: Any, hook: Callable[[Any], Build]) -> BookReader | None:
    """Compile the fast path for a model with lists of rows of numbers; return None for all other answers."""
    if not isinstance(annotation, type) or not attrs.has(annotation) or issubclass(annotation, Row):
        return None
    model_fields = fields_of(annotation)
    lists = {field.name: cls for field in model_fields if (cls := _row_of(field.annotation)) is not None}
    if not lists or hasattr(annotation, "from_wire"):
        return None
    fields: list[Any] = []
    builders: dict[str, Build] = {}
    for field in model_fields:
        row, annotated = lists.get(field.name), field.annotation
        builders[field.name] = _plain(hook(annotated)) if row is None else _levels(row, annotated).read
        # None stands for a missing key, which then is left to the default of the model.
        default: dict[str, Any] = {} if field.required else {"default": None}
        fields.append((field.name, msgspec.Raw, msgspec.field(name=field.wire, **default)))
    struct = msgspec.defstruct(annotation.__name__, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
    return BookReader(msgspec.json.Decoder(struct), annotation, builders)


def _plain(read: Build) -> Build:
    return lambda body: read(loads(body))


def _levels(cls: type, annotation: Any) -> Levels:
    decoder = msgspec.json.Decoder[list[Any]](_list_of(cls), float_hook=BOUNDS.create_decimal)
    return Levels(decoder, _rows_builder(cls, annotation), _cut(cls, annotation))


def _cut(cls: type, annotation: Any) -> Cut | None:
    """Return the shape of rows of numbers in text alone; None if all rows of *cls* hold something else."""
    fields = fields_of(cls)
    columns = [field.name for field in fields if field.required]
    codecs = [codec_of(field.annotation) for field in fields if field.required]
    if not codecs or not all(isinstance(codec, Number) and codec.text for codec in codecs):
        return None
    names: dict[str, Any] = {"cls": cls, "twin": mutable_twin(cls), "new": object.__new__, "map": map, "repeat": repeat}
    names["origin"] = get_origin(annotation)
    lines = ["def build(count, numbers):", "    objects = origin(map(new, repeat(twin, count)))"]
    # In the order of the texts: each column draws the next number.
    lines.append(f"    for {', '.join(('instance', *columns))} in zip(objects{', numbers' * len(columns)}):")
    lines += [f"        instance.{f.name} = {f.name if f.required else None}" for f in fields]
    lines += ["        instance.__class__ = cls", "    return objects"]
    exec("\n".join(lines), names)  # noqa: S102 - as in `_rows_builder`
    spaced, dense = (comma.join([b'""'] * len(columns)) for comma in (b", ", b","))
    return Cut((b"[%b], " % spaced, b"[%b]," % dense), names["build"])


def _row_of(annotation: Any) -> type | None:
    """Return the row class of a list, if all cells of its rows are numbers or text."""
    if get_origin(annotation) not in (list, tuple):
        return None
    row = get_args(annotation)[0]
    if not isinstance(row, type) or not issubclass(row, Row) or issubclass(row, TaggedRow):
        return None
    return row if all(_kind(field.annotation) is not None for field in fields_of(row)) else None


def _kind(annotation: Any) -> Any:
    """Return the type that msgspec decodes a cell as; None for what only the reference path can read."""
    codec = codec_of(annotation)
    if isinstance(codec, Number):
        return str if codec.text else Any
    return annotation if isinstance(codec_of(optional_of(annotation) or annotation), Text) else None


def _list_of(cls: type) -> GenericAlias:
    """Return the type of a list of typed structs, one for each *cls*."""
    fields: list[Any] = []
    for field in fields_of(cls):
        kind = _kind(field.annotation)
        fields.append((field.name, kind) if field.required else (field.name, kind, None))
    struct = msgspec.defstruct(cls.__name__, fields, array_like=True, forbid_unknown_fields=True, gc=False)
    return GenericAlias(list, (struct,))


def _rows_builder(cls: type, annotation: Any) -> Build:
    """Compile the function that builds many *cls* from their structs."""
    columns = {field.name: codec for field in fields_of(cls) if isinstance(codec := codec_of(field.annotation), Number)}
    names: dict[str, Any] = {
        "cls": cls,
        "twin": mutable_twin(cls),
        "new": object.__new__,
        "origin": get_origin(annotation),
    }
    names |= {f"exact_{name}": _exact_texts if codec.text else _exact_numbers for name, codec in columns.items()}
    exact = [f"exact_{name}([row.{name} for row in rows])" for name in columns]
    lines = ["def build(rows):", "    objects = []"]
    lines.append(f"    for {', '.join(('row', *columns))} in zip(rows, {', '.join(exact)}):")
    lines.append("        instance = new(twin)")
    lines += [f"        instance.{s.name} = {'' if s.name in columns else 'row.'}{s.name}" for s in fields_of(cls)]
    lines += ["        instance.__class__ = cls", "        objects.append(instance)", "    return origin(objects)"]
    exec("\n".join(lines), names)  # noqa: S102 - source and names come from our own models, as in attrs itself
    return cast("Build", names["build"])


_TEXT, _NUMBER = Number(text=True), Number()


def _exact_texts(cells: list[str]) -> Iterable[Any]:
    """Convert a column of texts to exact numbers."""
    # One pass over the joined column instead of a regular expression per cell. Signs, exponents and blanks remain after
    # it, trailing points are searched for, and `create_decimal` fails on two points.
    lines = b"%b\n" % "\n".join(cells).encode()
    if lines.translate(None, b"0123456789.") == b"\n" * len(cells) and b".\n" not in lines:
        return map(BOUNDS.create_decimal, cells)
    return [_TEXT.read(cell, strict=False) for cell in cells]


def _exact_numbers(cells: list[Any]) -> Iterable[Any]:
    """Convert a column of numbers to exact ones; the decoder has converted those with a fraction."""
    return [_NUMBER.read(cell, strict=False) for cell in cells]
