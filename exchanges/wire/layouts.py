"""The fast path for objects: what of a model an object with certain keys has, computed once for each set of keys.

Most answers are small objects of amounts and prices, with the same keys each time. All that are plain numbers in text
are checked and converted at once. One that is null, blank or anything else leaves them all to the reference path, which
knows what to say; so does one with an exponent, which exchanges hardly ever send.

Of objects that hold no others the attributes are then set directly, while the object is of a mutable twin of its frozen
class: its ``__init__`` would call a descriptor for each.

Of texts that consist of ASCII digits, dots and minus signs alone `Decimal` accepts the plain numbers, and those with a
dot at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal, DecimalException
from operator import itemgetter
from typing import Any, NamedTuple, cast

import attrs

from exchanges.wire.codecs import BOUNDS, Deviation, Json, Number
from exchanges.wire.models import Field, codec_of, mutable_twin, optional_of

__all__ = ["Entry", "Layout", "Layouts"]

MAX_LAYOUTS, MAX_KEYS = 16, 64
"""How many are kept for one model, and of objects with how many keys: a server could send ever new ones."""
_FEWEST = 2  # `itemgetter` returns no tuple for one
_GENERATED = "<attrs generated"
_FACTORY = cast("type", attrs.Factory)
_DIGITS = re.compile(r"[-.,0-9]*[0-9]")  # a comma within a text is refused by `Decimal`


Build = Callable[[Mapping[str, Json], Sequence[Decimal]], Any]


class Entry(NamedTuple):
    """How one field of a model is read."""

    key: str
    name: str
    is_required: bool
    read: Callable[[Json], Any]
    is_number: bool
    is_flat: bool

    @classmethod
    def of(cls, field: Field, read: Callable[[Json], Any], *, strict: bool) -> Entry:
        """Return how *field* is read; a number may be sent as text where it is documented, or drift is tolerated."""
        codec = codec_of(optional_of(field.annotation) or field.annotation)
        is_number = type(codec) is Number and (codec.text or not strict)
        return cls(field.wire, field.name, field.required, read, is_number, codec is not None)


class Layout:
    """What objects with the same keys have in common.

    Attributes:
        surplus: How many keys the model does not have.
        build: Builds an object from its value and numbers; None where that needs the reference path.
    """

    __slots__ = ("_all", "_get", "_names", "_others", "build", "surplus")

    def __init__(self, entries: Sequence[Entry], keys: Collection[str]) -> None:
        numbers = [entry for entry in entries if entry.is_number and entry.key in keys]
        numbers = numbers if len(numbers) >= _FEWEST else []
        self._get = itemgetter(*(entry.key for entry in numbers)) if numbers else None
        self._names = tuple(entry.name for entry in numbers)
        self._all = entries
        self._others = [e for e in entries if e not in numbers and (e.key in keys or e.is_required)]
        self.surplus = len(set(keys) - {entry.key for entry in entries})
        self.build: Build | None = None

    def numbers(self, value: Mapping[str, Json]) -> Sequence[Decimal] | None:
        """Return the numbers in text; None if any of them is anything else."""
        if self._get is None:
            return ()
        texts: Any = self._get(value)
        try:
            joined = ",".join(texts)
            if _DIGITS.fullmatch(joined) is not None and ".," not in joined:
                return list(map(BOUNDS.create_decimal, texts))
        except (TypeError, DecimalException):
            pass
        return None

    def attributes(self, cls: type, value: Mapping[str, Json], numbers: Sequence[Decimal] | None) -> dict[str, Any]:
        """Read all fields of a *cls*, one after the other; raise `Deviation` with the name of the first wrong one."""
        known = dict[str, Any]() if numbers is None else dict(zip(self._names, numbers, strict=True))
        for key, name, is_required, read, *_ in self._all if numbers is None else self._others:
            if key in value:
                try:
                    known[name] = read(value[key])
                except Deviation as deviation:
                    raise deviation.inside(f": {cls.__name__}.{name}") from None
            elif is_required:
                raise Deviation("a value, found none", f": {cls.__name__}.{name}")
        return known

    def compile(self, cls: type, keys: Collection[str]) -> None:
        """Compile the function that builds a *cls*, if it holds no other objects and its ``__init__`` only assigns."""
        if self.surplus or not _only_assigns(cls):
            return
        read = {entry.name: entry for entry in self._others}
        others = [field for field in attrs.fields(cast("Any", cls)) if field.name not in self._names]
        names: dict[str, Any] = {"cls": cls, "twin": mutable_twin(cls), "new": object.__new__}
        lines = ["def build(value, numbers):", "    self = new(twin)"]
        if self._names:
            lines.append(f"    {', '.join(f'self.{name}' for name in self._names)} = numbers")
        for number, field in enumerate(others):
            entry = read.get(field.name)
            if entry is not None and entry.is_flat and entry.key in keys:
                names[f"read_{number}"], names[f"key_{number}"] = entry.read, entry.key
                lines.append(f"    self.{field.name} = read_{number}(value[key_{number}])")
            elif entry is None and field.default is not attrs.NOTHING and type(field.default) is not _FACTORY:
                names[f"default_{number}"] = field.default
                lines.append(f"    self.{field.name} = default_{number}")
            else:
                return
        lines += ["    self.__class__ = cls", "    return self"]
        exec("\n".join(lines), names)  # noqa: S102 - names come from our own models, as in attrs itself
        self.build = names["build"]


def _only_assigns(cls: Any) -> bool:
    """Whether the ``__init__`` of *cls* does no more than to assign its arguments."""
    # The interpreter takes classes with a slot of their own for weak references for differently laid out.
    if "__weakref__" in cls.__dict__.get("__slots__", ("__weakref__",)):
        return False
    is_usual = cls.__init__.__code__.co_filename.startswith(_GENERATED)
    is_bare = not any(field.converter or field.validator or not field.init for field in attrs.fields(cls))
    return is_usual and is_bare and not hasattr(cls, "__attrs_post_init__")


class Layouts(dict[tuple[str, ...], Layout]):
    """The layouts of one model, by the keys of the object."""

    def __init__(self, entries: Sequence[Entry], cls: type | None = None) -> None:
        super().__init__()
        self._entries, self._cls = entries, cls

    def add(self, keys: tuple[str, ...]) -> Layout:
        """Return the layout of an object with *keys* that is not known yet."""
        layout = Layout(self._entries, keys)
        if len(self) < MAX_LAYOUTS and len(keys) <= MAX_KEYS:
            self[keys] = layout
            if self._cls is not None:
                layout.compile(self._cls, keys)
        return layout
