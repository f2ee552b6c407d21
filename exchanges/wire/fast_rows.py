"""The fast path for long lists of rows: bytes to frozen attrs objects without plain values in between.

msgspec decodes the body into one typed struct per class, by class reference where the list is heterogeneous. One
compiled builder per class then fills the slots of the attrs object directly (its ``__init__`` would cost as much as
all the rest together). It fills them while the object is of a mutable twin of the frozen class: plain assignment costs
a fifth of calling the descriptors of the slots.

This path tolerates nothing: a number with a fraction is converted within the bounds while it is decoded, and whatever
else stands in its place, such as text, is read by the hook of the reference path; so is a value that may be null or
missing, and is, as that hook reports drift. A body that msgspec or the bounds reject is left to the reference path, and
so is one with a fraction or an exponent where a whole number is expected. Both paths return equal objects and equal
reports; a property test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from types import GenericAlias
from typing import Annotated, Any, cast, get_args, get_origin

import attrs
import msgspec
from attrs import frozen

from exchanges.wire.codecs import BOUNDS, Choice, Deviation, Number, OpenIntEnum, Text, Whole, loads
from exchanges.wire.models import (
    Field,
    Row,
    TaggedRow,
    codec_of,
    fields_of,
    mutable_twin,
    optional_of,
    row_classes,
)
from exchanges.wire.moments import Epoch

StructureHook = Callable[[Any], Any]
Build = Callable[[Any, Any], Any]

_WHOLE: Any = Annotated[int, msgspec.Meta(ge=1 - 2**53, le=2**53 - 1)]
_MISSING = msgspec.UNSET


@frozen(eq=False, repr=False)
class Fallback:
    """The reference path, for the cells that the fast path leaves to it.

    Attributes:
        hook: Builds the structure hook of a field of a row.
        deviate: Reports drift: what was expected, and where.
    """

    hook: Callable[[type, Field], StructureHook]
    deviate: Callable[[str, str], None]


@frozen(eq=False, repr=False)
class RowReader:
    """Decodes one answer type."""

    decoder: msgspec.json.Decoder[list[Any]]
    builders: dict[type, Build]
    moment: str | None

    def read(self, body: bytes) -> list[Any] | None:
        """Return the objects; None if anything in *body* is not exactly as documented."""
        builders = self.builders
        try:
            rows = self.decoder.decode(body)
            # Not strict: `repeat` in `_moments` has no end.
            return [builders[row.__class__](row, at) for row, at in zip(rows, self._moments(rows), strict=False)]
        except (msgspec.MsgspecError, ValueError, OSError, RecursionError, ArithmeticError, Deviation):
            return None

    def _moments(self, rows: list[Any]) -> Iterable[Any]:
        """Convert the moments of all *rows* at once, at a fifth of the cost of one after the other."""
        if self.moment is None:
            return repeat(None)
        return msgspec.convert(list(map(attrgetter(self.moment), rows)), list[datetime], strict=False)


def compile_rows(annotation: Any, fallback: Fallback) -> RowReader | None:
    """Compile the fast path for ``list[Row]`` or ``list[A | B | ...]``; return None for all other answers."""
    if get_origin(annotation) is not list:
        return None
    inner = get_args(annotation)[0]
    classes: tuple[type, ...] = row_classes(inner)
    if isinstance(inner, type) and issubclass(inner, Row):
        classes = (inner,)
    if not classes:
        return None
    moment = _moment_of(classes)
    structs = {_struct(cls): _builder(cls, fallback, moment) for cls in classes}
    kinds: list[Any] = list(structs)
    rows = kinds[0]
    for kind in kinds[1:]:
        rows = rows | kind
    decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(
        GenericAlias(list, (rows,)), float_hook=BOUNDS.create_decimal
    )
    return RowReader(decoder, structs, moment)


def _moment_of(classes: tuple[type, ...]) -> str | None:
    """Return the name of a required moment that all *classes* have; None without one."""
    of_each = [[s.name for s in fields_of(cls) if s.required and _kind(s.annotation) is datetime] for cls in classes]
    return next((name for name in of_each[0] if all(name in names for names in of_each)), None)


def _kind(annotation: Any) -> Any:
    """Return the type that msgspec decodes a cell as; `Raw` for everything that it cannot decode exactly."""
    match codec_of(optional_of(annotation) or annotation):
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
    """Build the typed struct of a row class."""
    fields: list[Any] = []
    for field in fields_of(cls):
        kind = _kind(field.annotation)
        # Whole seconds only: the reference path counts fractions exactly, a float would not. As a Decimal msgspec would
        # accept texts that the codecs do not, such as "1_000"; as anything it converts fractions alone.
        decoded: Any = _WHOLE if kind in (int, datetime) else Any if kind is Decimal else kind
        if optional_of(field.annotation) is not None and kind not in (Decimal, msgspec.Raw):
            decoded = decoded | None
        fields.append((field.name, decoded) if field.required else (field.name, decoded, _MISSING))
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


def _builder(cls: type, fallback: Fallback, moment: str | None) -> Build:
    """Compile the function that builds a *cls* from its struct."""
    names: dict[str, Any] = {"cls": cls, "twin": mutable_twin(cls), "new": object.__new__}
    names |= {"moment": datetime.fromtimestamp, "utc": UTC}
    lines = ["def build(row, at):", "    instance = new(twin)"]
    slots = fields_of(cls)
    for position, field in enumerate(slots, _length(cls) - len(slots)):
        kind = names[f"kind_{field.name}"] = _kind(field.annotation)
        reported = names[f"reported_{field.name}"] = list[Any]()
        names[f"odd_{field.name}"] = _odd(cls, field, fallback, reported, ends_early=position == _shortest(cls) - 1)
        lines += [f"    instance.{moment} = at"] if field.name == moment else _assignment(field, kind)
    if any(a.name == "extra" for a in attrs.fields(cls)):
        lines.append("    instance.extra = ()")
    lines += ["    instance.__class__ = cls", "    return instance"]
    exec("\n".join(lines), names)  # noqa: S102 - source and names come from our own models, as in attrs itself
    build: Build = names["build"]
    return build


def _assignment(field: Field, kind: Any) -> list[str]:
    """Return the lines of source that set a field from its cell."""
    name, common = field.name, "int" if kind is datetime else f"kind_{field.name}"
    usual = "value = moment(value, utc)" if kind is datetime else "pass"
    conversion = [f"    {usual}"]
    if kind is msgspec.Raw:
        conversion = [f"    value = odd_{name}(value)"]
    elif kind is Decimal or not field.required or optional_of(field.annotation) is not None:
        conversion = [
            f"    if value.__class__ is {common}: {usual}",
            f"    else: value = None if value in reported_{name} else odd_{name}(value)",
        ]
    return [f"    value = row.{name}", *conversion, f"    instance.{name} = value"]


def _odd(cls: type, field: Field, fallback: Fallback, reported: list[Any], *, ends_early: bool) -> Callable[[Any], Any]:
    """Build the function that reads what msgspec cannot, and null or missing once, which is then *reported*."""
    read = fallback.hook(cls, field)

    def odd(value: Any) -> Any:
        if value.__class__ is msgspec.Raw:
            return read(loads(bytes(value)))
        if value is not None and value is not _MISSING:
            return read(value)
        if value is None:
            read(None)
        elif ends_early:
            fallback.deviate(f"a row of {_length(cls)}", f": {cls.__name__}")
        reported.append(value)
        return None

    return odd


def _shortest(cls: Any) -> int:
    """Return the number of cells of the shortest row that the documents show."""
    return cast("int", cls.shortest) or _length(cls)


def _length(cls: type) -> int:
    """Return the number of cells of a whole row."""
    return len(fields_of(cls)) + issubclass(cls, TaggedRow)
