"""The fast path for objects: what of a model an object with certain keys has, computed once for each set of keys.

Most answers are small objects of amounts and prices, with the same keys each time. All that are plain numbers in text
are checked and converted at once. One that is null, blank or anything else leaves them all to the reference path, which
knows what to say; so does one with an exponent, which exchanges hardly ever send.

Of texts that consist of ASCII digits, dots and minus signs alone `Decimal` accepts the plain numbers, and those with a
dot at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import DecimalException
from operator import itemgetter
from typing import Any, NamedTuple

from exchanges.wire.codecs import BOUNDS, Json, Number
from exchanges.wire.models import Field, codec_of, optional_of

__all__ = ["Entry", "Layout", "Layouts"]

MAX_LAYOUTS, MAX_KEYS = 16, 64
"""How many are kept for one model, and of objects with how many keys: a server could send ever new ones."""
_FEWEST = 2  # `itemgetter` returns no tuple for one
_DIGITS = re.compile(r"[-.,0-9]*[0-9]")  # a comma within a text is refused by `Decimal`


class Entry(NamedTuple):
    """How one field of a model is read."""

    key: str
    name: str
    is_required: bool
    is_number: bool
    read: Callable[[Json], Any]

    @classmethod
    def of(cls, field: Field, read: Callable[[Json], Any], *, strict: bool) -> Entry:
        """Return how *field* is read; a number may be sent as text where it is documented, or drift is tolerated."""
        codec = codec_of(optional_of(field.annotation) or field.annotation)
        is_number = type(codec) is Number and (codec.text or not strict)
        return cls(field.wire, field.name, field.required, is_number, read)


class Layout:
    """What objects with the same keys have in common.

    Attributes:
        surplus: How many keys the model does not have.
    """

    __slots__ = ("_all", "_get", "_names", "_others", "surplus")

    def __init__(self, entries: Sequence[Entry], keys: Collection[str]) -> None:
        numbers = [entry for entry in entries if entry.is_number and entry.key in keys]
        self._get = itemgetter(*(entry.key for entry in numbers)) if len(numbers) >= _FEWEST else None
        self._names = tuple(entry.name for entry in numbers)
        self._all = entries
        self._others = [e for e in entries if e not in numbers and (e.key in keys or e.is_required)]
        self.surplus = len(set(keys) - {entry.key for entry in entries})

    def read(self, value: Mapping[str, Json]) -> tuple[dict[str, Any], Sequence[Entry]]:
        """Return the numbers in text, by the name of the field, and the entries that are left to read."""
        if self._get is None:
            return {}, self._all
        texts: Any = self._get(value)
        try:
            joined = ",".join(texts)
            if _DIGITS.fullmatch(joined) is not None and ".," not in joined:
                numbers = zip(self._names, map(BOUNDS.create_decimal, texts), strict=True)
                return dict(numbers), self._others
        except (TypeError, DecimalException):
            pass
        return {}, self._all


class Layouts(dict[tuple[str, ...], Layout]):
    """The layouts of one model, by the keys of the object."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = entries

    def add(self, keys: tuple[str, ...]) -> Layout:
        """Return the layout of an object with *keys* that is not known yet."""
        layout = Layout(self._entries, keys)
        if len(self) < MAX_LAYOUTS and len(keys) <= MAX_KEYS:
            self[keys] = layout
        return layout
