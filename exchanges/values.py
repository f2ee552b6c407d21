"""`frozen` of attrs without the time that it takes to generate code for comparing and showing each class.

An import creates well over a hundred classes, and most programs compare and show the values of a few. So these methods
are shared: they read the fields of a class when its first value is compared or shown. Everything else is what attrs
generates, and so is what a class states with `eq`, `order` or `repr`, or defines itself.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    # What checkers know: to them it is the decorator of attrs.
    from collections.abc import Callable, Sequence

    from attrs import frozen

__all__ = ["frozen"]


@cache
def _compared(kind: type) -> Callable[[object], object]:
    """Return what reads the fields of a *kind* that are compared."""
    return _reader([field.name for field in attrs.fields(kind) if field.eq])


@cache
def _hashed(kind: type) -> Callable[[object], object]:
    """Return what reads the fields of a *kind* that are hashed: those that are compared, unless they say otherwise."""
    return _reader([f.name for f in attrs.fields(kind) if (f.eq if f.hash is None else f.hash)])


def _reader(names: list[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda _: ()


@cache
def _shown(kind: type) -> Sequence[tuple[str, Callable[[object], object]]]:
    """Return the names of the fields of a *kind* that are shown, each with what shows it."""
    fields = [field for field in attrs.fields(kind) if field.repr]
    return [(field.name, field.repr if callable(field.repr) else repr) for field in fields]


def _class_of(value: object) -> type:
    return value.__class__


def _eq(self: object, other: object) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    read = _compared(_class_of(self))
    return read(self) == read(other)


def _hash(self: object) -> int:
    return hash(_hashed(_class_of(self))(self))


@recursive_repr()
def _repr(self: object) -> str:
    kind = _class_of(self)
    shown = ", ".join(f"{name}={show(getattr(self, name))}" for name, show in _shown(kind))
    return f"{kind.__qualname__.rpartition('>.')[2]}({shown})"


if not TYPE_CHECKING:

    def frozen(cls: type | None = None, **options: object) -> type | Callable[[type], type]:
        """Create a frozen class, as `attrs.frozen` does."""
        if cls is None:
            return lambda cls: frozen(cls, **options)
        # attrs leaves alone what it finds in a class.
        if not {"eq", "order"} & options.keys() and "__eq__" not in vars(cls):
            cls.__eq__, cls.__hash__ = _eq, _hash
        if "repr" not in options and "__repr__" not in vars(cls):
            cls.__repr__ = _repr
        return attrs.frozen(cls, **options)
