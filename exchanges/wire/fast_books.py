"""The fast path for objects with long lists of rows of numbers: order books.

msgspec decodes the rows into typed structs, numbers in text as text. A whole column is then checked and converted at
once: what remains of it without digits and points shows whether all of its texts are plain numbers. The rest of the
object is read by the reference path, and so is everything that is not exactly as documented: see
`exchanges.wire.fast_rows`, whose rules hold here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import DecimalException
from types import GenericAlias
from typing import Any, cast, get_args, get_origin

import attrs
import msgspec
from attrs import frozen

from exchanges.wire.codecs import BOUNDS, Deviation, Number, Text, loads
from exchanges.wire.fast_rows import mutable_twin
from exchanges.wire.models import Row, TaggedRow, codec_of, fields_of, optional_of

Build = Callable[[Any], Any]


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
            return self.cls(**{name: build(part) for name, build, part in parts if part is not None})
        except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException, Deviation):
            return None


@frozen(eq=False, repr=False)
class LevelsReader:
    """Decodes one type of list of rows of numbers in text."""

    decoder: msgspec.json.Decoder[list[Any]]
    build: Build

    def read(self, body: bytes) -> Any | None:
        """Return the rows; None if anything in *body* is not exactly as documented."""
        try:
            return self.build(self.decoder.decode(body))
        except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException, Deviation):
            return None


def compile_levels(annotation: Any) -> LevelsReader | None:
    """Compile the fast path for a list of rows of numbers in text; return None for all other answers."""
    row = _row_of(annotation)
    if row is None or all(_kind(field.annotation) is not str for field in fields_of(row)):
        return None
    decoder = msgspec.json.Decoder[list[Any]](_list_of(row), float_hook=BOUNDS.create_decimal)
    return LevelsReader(decoder, _rows_builder(row, annotation))


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
        kind: Any = msgspec.Raw
        if field.name in lists:
            kind, builders[field.name] = _list_of(lists[field.name]), _rows_builder(lists[field.name], field.annotation)
        else:
            builders[field.name] = _raw_builder(hook(field.annotation))
        # None stands for a missing key, which then is left to the default of the model.
        default: dict[str, Any] = {} if field.required else {"default": None}
        fields.append((field.name, kind, msgspec.field(name=field.wire, **default)))
    struct = msgspec.defstruct(annotation.__name__, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
    return BookReader(msgspec.json.Decoder(struct, float_hook=BOUNDS.create_decimal), annotation, builders)


def _raw_builder(read: Build) -> Build:
    return lambda raw: read(loads(bytes(raw)))


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
