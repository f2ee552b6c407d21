"""The kinds of models: rows, where the position gives the meaning, and objects, where the key does.

Also what the annotation of a field states about its form on the wire.
"""

from __future__ import annotations

import importlib
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Union, cast, get_args, get_origin

import attrs
from attrs import field

from exchanges.values import frozen
from exchanges.wire.codecs import Choice, Codec, Flag, Number, OpenIntEnum, OpenStrEnum, RawJson, Text, Whole


class Model:
    """What an exchange answers, or a part of it: a class of attrs.

    `exchanges.to_dict`, `to_json` and `from_dict` convert it by the names of its fields. Pydantic takes it as the type
    of a field, and FastAPI as an answer, in that form.
    """

    # So that models have slots alone, and the same as a class that is derived from the same bases.
    __slots__ = ("__weakref__",)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> dict[str, Any]:
        """Return how pydantic validates and writes it."""
        schema: dict[str, Any] = _for_pydantic().core_schema(cls)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """Return its JSON schema."""
        shown: dict[str, Any] = _for_pydantic().json_schema(cls)
        return shown


def _for_pydantic() -> Any:
    # By its name: it knows the models, which know it only when pydantic asks.
    return importlib.import_module("exchanges.wire.pydantic_schema")


@frozen
class Row(Model):
    """A model that is a list on the wire. The order of the attrs fields is the order on the wire.

    A field with a default may be null, empty or missing at the end. A class that declares a field ``extra`` keeps
    surplus cells there; others drop them.

    Attributes:
        shortest: Cells of the shortest row that the documents show; None where all have the same length.
    """

    shortest: ClassVar[int | None] = None


@frozen
class TaggedRow(Row):
    """A row whose first cell states its class.

    Attributes:
        class_reference: The number in the first cell.
        extra: Surplus cells, as received; None for one with a number of more than 60 digits, or with NaN.
    """

    class_reference: ClassVar[int]

    extra: tuple[RawJson, ...] = field(default=(), kw_only=True, repr=False)


@frozen
class UnknownRow(Model):
    """A row whose class reference no class of this library states.

    Attributes:
        cells: All cells as received, the reference first; None as in `TaggedRow.extra`.
    """

    cells: tuple[RawJson, ...]


def named(wire: str, **options: Any) -> Any:
    """Declare a field whose key on the wire cannot be, or should not be, a name in Python."""
    return field(metadata={"wire": wire}, **options)


_CODECS: dict[Any, Codec[Any]] = {Decimal: Number(), int: Whole(), str: Text(), bool: Flag()}


# What an annotation is


def codec_of(annotation: Any) -> Codec[Any] | None:
    """Return the codec that *annotation* names or implies; None for models and containers."""
    if get_origin(annotation) is Annotated:
        codecs = (m for m in annotation.__metadata__ if hasattr(m, "read") and hasattr(m, "write"))
        return next(codecs, None) or codec_of(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, OpenIntEnum | OpenStrEnum):
        return cast("Codec[Any]", Choice(annotation))
    return _CODECS.get(annotation) if isinstance(annotation, type) else None


def optional_of(annotation: Any) -> Any:
    """Return the X of ``X | None``; None for everything else."""
    if get_origin(annotation) not in (Union, UnionType) or NoneType not in get_args(annotation):
        return None
    inner = tuple(a for a in get_args(annotation) if a is not NoneType)
    return inner[0] if len(inner) == 1 else None


def row_classes(annotation: Any) -> tuple[type[TaggedRow], ...]:
    """Return the tagged classes of a union of rows; empty for everything else."""
    members = tuple(m for m in get_args(annotation) if m is not UnknownRow)
    if get_origin(annotation) not in (Union, UnionType):
        return ()
    return members if all(isinstance(m, type) and issubclass(m, TaggedRow) for m in members) else ()


@frozen(eq=False, repr=False)
class Field:
    """One field of a model: its name, its key on the wire, its annotation."""

    name: str
    wire: str
    annotation: Any
    required: bool

    @property
    def is_number(self) -> bool:
        """Whether the documents show a number here, which may be a code."""
        codec = codec_of(optional_of(self.annotation) or self.annotation)
        if isinstance(codec, Choice):
            return issubclass(codec.members, OpenIntEnum)
        return isinstance(codec, Number | Whole)


def fields_of(cls: type) -> list[Field]:
    """List the fields of a model in wire order, without ``extra``."""
    # Models have string annotations; attrs resolves them in place, so the second call for a class costs little.
    resolved: Any = attrs.resolve_types(cast("Any", cls), include_extras=True)
    fields: Any = attrs.fields(resolved)
    return [
        Field(a.name, a.metadata.get("wire", a.name), a.type, a.default is attrs.NOTHING)
        for a in fields
        if a.name != "extra"
    ]


def mutable_twin(cls: type) -> type:
    """Return a mutable class with the same slots; its instances can become instances of the frozen *cls*."""
    slots: Any = vars(cls)["__slots__"]
    settable = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(cls.__name__, cls.__bases__, {"__slots__": slots, **settable})
