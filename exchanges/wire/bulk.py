"""The fast way for long lists of rows: bytes to frozen attrs objects without plain values in between.

msgspec reads the body into one typed struct per class, by class reference where the list is heterogeneous. One
compiled builder per class then fills the slots of the attrs object directly (its ``__init__`` would cost as much as
all the rest together) and passes each Decimal through the bounds. It fills them while the object is of an open twin
of the frozen class: plain assignment costs a fifth of calling the slots' descriptors.

This way never bends: strings that msgspec would take for a number, a moment or a word for nothing are marked, so
that they pass as text only; a body that msgspec or the bounds refuse is left to the reference way. So is a moment
with a fraction, since msgspec takes fractions for floats. Both ways give equal objects, and a property test holds
them together, but for one thing: where a whole number, or a moment, is due, a number with an exponent out of bounds,
or with a fraction and more than fifteen digits, may pass as the whole number that its float is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, DecimalException
from types import GenericAlias
from typing import Annotated, Any, get_args, get_origin

import attrs
import msgspec
from attrs import frozen

from exchanges.wire.forms import BOUNDS, Choice, Deviation, Epoch, Number, OpenIntEnum, Text, Whole, loads
from exchanges.wire.models import Row, Slot, TaggedRow, form_of, optional_of, row_classes, slots_of

__all__ = ["BulkReader", "compile_bulk", "open_twin"]

Read = Callable[[Any, Any], Any]
Build = Callable[[Any], Any]

# A string that begins as a number, a moment, a word for nothing or an escape may, or an empty one; none in a string.
_ODD = re.compile(rb'"(?<!\\")(?=[\x00-\x20]*[0-9._+\-\x80-\xff\\nNiIsS"])')
_MARK = "\x7f"
_MARK_BYTES = _MARK.encode()
_EXACT = msgspec.Meta(ge=1 - 2**53, le=2**53 - 1)


@frozen(eq=False, repr=False)
class BulkReader:
    """Reads one answer type."""

    decoder: msgspec.json.Decoder[list[Any]]
    builders: dict[type, Build]

    def read(self, body: bytes) -> list[Any] | None:
        """Make the objects; None if anything in *body* is not plainly as documented."""
        marked = _marked(body)
        if marked is None:
            return None
        builders = self.builders
        try:
            return [builders[row.__class__](row) for row in self.decoder.decode(marked)]
        except (msgspec.MsgspecError, ValueError, RecursionError, DecimalException, Deviation):
            return None


def _marked(body: bytes) -> bytes | None:
    """Spoil every string that msgspec might take for something else, so that it fits where text is due only.

    The builders take the marks off again. None for a body with marks of its own.
    """
    return None if _MARK_BYTES in body else _ODD.sub(b'"' + _MARK_BYTES, body)


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
    decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(GenericAlias(list, (rows,)), strict=False)
    return BulkReader(decoder, structs)


def _kind(annotation: Any) -> Any:
    """Find the type as which msgspec reads a cell; `Raw` for everything that it cannot read exactly."""
    match form_of(annotation):
        case Number(text=False):
            return Decimal
        case Epoch(per_second=1, text=False):
            return datetime
        case Whole():
            return Annotated[int, _EXACT]
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
    names: dict[str, Any] = {"cls": cls, "twin": open_twin(cls), "new": object.__new__}
    names |= {"bound": BOUNDS.plus, "Deviation": Deviation}
    lines = ["def build(row):", "    made = new(twin)"]
    for slot in slots_of(cls):
        lines += [f"    made.{slot.name} = value = row.{slot.name}", *_checks(slot, names, reader)]
    if any(a.name == "extra" for a in attrs.fields(cls)):
        lines.append("    made.extra = ()")
    lines += ["    made.__class__ = cls", "    return made"]
    exec("\n".join(lines), names)  # noqa: S102 - source and names are ours alone, as in attrs itself
    build: Build = names["build"]
    return build


def open_twin(cls: type) -> type:
    """Make a class of the same slots that lets them be set; its instances can become those of the frozen *cls*."""
    slots: Any = vars(cls)["__slots__"]
    settable = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(cls.__name__, cls.__bases__, {"__slots__": slots, **settable})


def _checks(slot: Slot, names: dict[str, Any], reader: Callable[[Any], Read]) -> list[str]:
    inner = optional_of(slot.annotation)
    kind = _kind(slot.annotation if inner is None else inner)
    if kind is Decimal:
        return ["    bound(value)"] if inner is None else ["    if value is not None: bound(value)"]
    if kind is datetime:
        present = "" if inner is None else "value is not None and "
        return [f"    if {present}value.microsecond: raise Deviation('whole seconds')"]
    if kind is str:
        present = "" if inner is None else "if value is not None: "
        return [f"    {present}made.{slot.name} = value.removeprefix({_MARK!r})"]
    if kind is msgspec.Raw:
        names[f"read_{slot.name}"] = _raw_reader(slot, reader(slot.annotation))
        return [f"    if value is not None: made.{slot.name} = read_{slot.name}(value)"]
    return []


def _raw_reader(slot: Slot, read: Read) -> Callable[[Any], Any]:
    return lambda raw: read(loads(bytes(raw).replace(_MARK_BYTES, b"")), slot.annotation)
