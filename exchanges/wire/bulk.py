"""The fast way for long lists of rows: bytes to frozen attrs objects without plain values in between.

msgspec reads the body into one typed struct per class, by class reference where the list is heterogeneous. One
compiled builder per class then fills the slots of the attrs object directly (its ``__init__`` would cost as much as
all the rest together) and passes each Decimal through the bounds.

This way never bends: a body with a string that msgspec would take for a number, a moment or a word for nothing, and
any body that msgspec or the bounds refuse, is left to the reference way. Both give equal objects; a property test
holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, DecimalException
from typing import Any, get_args, get_origin

import attrs
import msgspec
from attrs import frozen

from exchanges.wire.forms import BOUNDS, Choice, Deviation, Epoch, Number, OpenIntEnum, Text, Whole, loads
from exchanges.wire.models import Row, Slot, TaggedRow, form_of, optional_of, row_classes, slots_of

__all__ = ["BulkReader", "compile_bulk"]

Read = Callable[[Any, Any], Any]
Build = Callable[[Any], Any]

_ODD = re.compile(
    rb'"(?:(?:[0-9.eE_+\-\s\x80-\xff]|\\u[0-9a-fA-F]{4}|\\[tnrf])*"'
    rb"|[\s+\-]*[sS]?[nN][aA][nN]|[\s+\-]*[iI][nN][fF]|[nN][uU][lL][lL]|[0-9]{4}-[0-9])"
)


@frozen
class BulkReader:
    """Reads one answer type."""

    decoder: msgspec.json.Decoder[list[Any]]
    builders: dict[type, Build]

    def read(self, body: bytes) -> list[Any] | None:
        """Make the objects; None if anything in *body* is not plainly as documented."""
        if _ODD.search(body):
            return None
        builders = self.builders
        try:
            return [builders[row.__class__](row) for row in self.decoder.decode(body)]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, DecimalException, Deviation):
            return None


def compile_bulk(annotation: Any, reader: Callable[[Any], Read]) -> BulkReader | None:
    """Compile the fast way for ``list[Row]`` or ``list[A | B | ...]``; None for all other answers."""
    if get_origin(annotation) is not list:
        return None
    inner = get_args(annotation)[0]
    classes: tuple[type, ...] = row_classes(inner)
    if isinstance(inner, type) and issubclass(inner, Row):
        classes = (inner,)
    if not classes:
        return None
    structs = {_struct(cls): _builder(cls, reader) for cls in classes}
    kinds: list[Any] = list(structs)
    rows = kinds[0]
    for kind in kinds[1:]:
        rows = rows | kind
    decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[rows], strict=False)
    return BulkReader(decoder, structs)


def _kind(annotation: Any) -> Any:
    """Find the type as which msgspec reads a cell; `Raw` for everything that it cannot read exactly."""
    match form_of(annotation):
        case Number(text=False):
            return Decimal
        case Epoch(per_second=1, text=False):
            return datetime
        case Whole():
            return int
        case Text():
            return str
        case Choice(members=members) if issubclass(members, OpenIntEnum):
            return members
        case _:
            return msgspec.Raw


def _struct(cls: type) -> type[msgspec.Struct]:
    """Make the typed struct of a row class."""
    fields: list[Any] = []
    for slot in slots_of(cls):
        inner = optional_of(slot.annotation)
        kind = _kind(slot.annotation if inner is None else inner)
        if inner is not None and kind is not msgspec.Raw:
            kind = kind | None
        fields.append((slot.name, kind) if slot.required else (slot.name, kind, None))
    tag = cls.class_reference if issubclass(cls, TaggedRow) else None
    return msgspec.defstruct(
        cls.__name__,
        fields,
        array_like=True,
        forbid_unknown_fields=True,
        gc=False,
        tag=tag,
        tag_field=None if tag is None else "class_",
    )


def _builder(cls: type, reader: Callable[[Any], Read]) -> Build:
    """Compile the function that makes a *cls* from its struct."""
    names: dict[str, Any] = {"cls": cls, "new": object.__new__, "bound": BOUNDS.plus}
    lines = ["def build(row):", "    made = new(cls)"]
    for slot in slots_of(cls):
        lines += ["    value = row." + slot.name, *_checks(slot, names, reader), f"    set_{slot.name}(made, value)"]
    if any(a.name == "extra" for a in attrs.fields(cls)):
        lines.append("    set_extra(made, ())")
    lines.append("    return made")
    names |= {f"set_{a.name}": getattr(cls, a.name).__set__ for a in attrs.fields(cls)}
    exec("\n".join(lines), names)  # noqa: S102 - source and names are ours alone, as in attrs itself
    build: Build = names["build"]
    return build


def _checks(slot: Slot, names: dict[str, Any], reader: Callable[[Any], Read]) -> list[str]:
    inner = optional_of(slot.annotation)
    kind = _kind(slot.annotation if inner is None else inner)
    if kind is Decimal:
        return ["    bound(value)"] if inner is None else ["    if value is not None: bound(value)"]
    if kind is msgspec.Raw:
        names[f"read_{slot.name}"] = _raw_reader(slot, reader(slot.annotation))
        return [f"    if value is not None: value = read_{slot.name}(value)"]
    return []


def _raw_reader(slot: Slot, read: Read) -> Callable[[Any], Any]:
    return lambda raw: read(loads(bytes(raw)), slot.annotation)
