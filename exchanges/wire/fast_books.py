"""The fast way for objects that hold long lists of rows of numbers: order books.

msgspec reads the rows into typed structs, numbers in text as text. A whole column is then looked at and made exact at
once: what is left of it without digits and points shows whether all of its texts are plain numbers. The rest of the
object is read by the reference way, and so is everything that is not plainly as documented: see
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
from exchanges.wire.fast_rows import open_twin
from exchanges.wire.models import Row, TaggedRow, codec_of, fields_of, optional_of

__all__ = ["BookReader", "compile_book"]

StructureHook = Callable[[Any, Any], Any]
Make = Callable[[Any], Any]


@frozen(eq=False, repr=False)
class BookReader:
    """Reads one answer type."""

    decoder: msgspec.json.Decoder[Any]
    cls: Any
    makers: dict[str, Make]

    def read(self, body: bytes) -> Any | None:
        """Make the object; None if anything in *body* is not plainly as documented."""
        try:
            answer = self.decoder.decode(body)
            parts = ((name, make, getattr(answer, name)) for name, make in self.makers.items())
            return self.cls(**{name: make(part) for name, make, part in parts if part is not None})
        except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException, Deviation):
            return None


def compile_book(annotation: Any, reader: Callable[[Any], StructureHook]) -> BookReader | None:
    """Compile the fast way for a model that holds lists of rows of numbers; None for all other answers."""
    if not isinstance(annotation, type) or not attrs.has(annotation) or issubclass(annotation, Row):
        return None
    slots = fields_of(annotation)
    lists = {field.name: cls for field in slots if (cls := _row_of(field.annotation)) is not None}
    if not lists or hasattr(annotation, "from_wire"):
        return None
    fields: list[Any] = []
    makers: dict[str, Make] = {}
    for field in slots:
        kind: Any = msgspec.Raw
        if field.name in lists:
            kind, makers[field.name] = _list_of(lists[field.name]), _maker(lists[field.name], field.annotation)
        else:
            makers[field.name] = _reading(reader(field.annotation), field.annotation)
        fields.append(
            (field.name, kind, msgspec.field(name=field.wire, **({} if field.required else {"default": None})))
        )
    struct = msgspec.defstruct(annotation.__name__, fields, kw_only=True, forbid_unknown_fields=True, gc=False)
    return BookReader(msgspec.json.Decoder(struct, float_hook=BOUNDS.create_decimal), annotation, makers)


def _reading(read: StructureHook, annotation: Any) -> Make:
    return lambda raw: read(loads(bytes(raw)), annotation)


def _row_of(annotation: Any) -> type | None:
    """Find the rows of a list, if all their cells are numbers or text."""
    if get_origin(annotation) not in (list, tuple):
        return None
    row = get_args(annotation)[0]
    if not isinstance(row, type) or not issubclass(row, Row) or issubclass(row, TaggedRow):
        return None
    return row if all(_kind(field.annotation) is not None for field in fields_of(row)) else None


def _kind(annotation: Any) -> Any:
    """Find the type as which msgspec reads a cell; None for what only the reference way can read."""
    codec = codec_of(annotation)
    if isinstance(codec, Number):
        return str if codec.text else Any
    return annotation if isinstance(codec_of(optional_of(annotation) or annotation), Text) else None


def _list_of(cls: type) -> GenericAlias:
    """Make the type of a list of typed structs, one for each *cls*."""
    fields: list[Any] = []
    for field in fields_of(cls):
        kind = _kind(field.annotation)
        fields.append((field.name, kind) if field.required else (field.name, kind, None))
    struct = msgspec.defstruct(cls.__name__, fields, array_like=True, forbid_unknown_fields=True, gc=False)
    return GenericAlias(list, (struct,))


def _maker(cls: type, annotation: Any) -> Make:
    """Compile the function that makes many *cls* from their structs."""
    columns = {field.name: codec for field in fields_of(cls) if isinstance(codec := codec_of(field.annotation), Number)}
    names: dict[str, Any] = {
        "cls": cls,
        "twin": open_twin(cls),
        "new": object.__new__,
        "origin": get_origin(annotation),
    }
    names |= {f"exact_{name}": _exact_texts if codec.text else _exact_numbers for name, codec in columns.items()}
    exact = [f"exact_{name}([row.{name} for row in rows])" for name in columns]
    lines = ["def make(rows):", "    objects = []"]
    lines.append(f"    for {', '.join(('row', *columns))} in zip(rows, {', '.join(exact)}):")
    lines.append("        made = new(twin)")
    lines += [f"        made.{s.name} = {'' if s.name in columns else 'row.'}{s.name}" for s in fields_of(cls)]
    lines += ["        made.__class__ = cls", "        objects.append(made)", "    return origin(objects)"]
    exec("\n".join(lines), names)  # noqa: S102 - source and names are ours alone, as in attrs itself
    return cast("Make", names["make"])


_TEXT, _NUMBER = Number(text=True), Number()


def _exact_texts(cells: list[str]) -> Iterable[Any]:
    """Make exact numbers from a column of texts."""
    lines = b"%b\n" % "\n".join(cells).encode()
    if lines.translate(None, b"0123456789.") == b"\n" * len(cells) and b".\n" not in lines:
        return map(BOUNDS.create_decimal, cells)
    return [_TEXT.read(cell, strict=False) for cell in cells]


def _exact_numbers(cells: list[Any]) -> Iterable[Any]:
    """Make exact numbers from a column of numbers; the decoder has made those with a fraction."""
    return [_NUMBER.read(cell, strict=False) for cell in cells]
