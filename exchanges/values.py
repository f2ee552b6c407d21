"""`frozen` of attrs, for classes of which a program uses few: attrs generates their methods when they are first needed.

An import creates well over a hundred classes, and generating their methods would be a third of its time. So a class
gets its slots at once, and in place of everything that attrs generates, its fields included, something that lets attrs
do so when it is asked for. From then on the class holds exactly what `attrs.frozen` would have made.
"""

from __future__ import annotations

import inspect
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    # What checkers know: to them it is the decorator of attrs.
    from collections.abc import Callable, Mapping

    from attrs import frozen

__all__ = ["frozen"]


class _Plain:
    """Shows what the installed attrs adds to a class."""


_SHOWN = attrs.frozen(_Plain)
_FROZEN = {"__setattr__": _SHOWN.__setattr__, "__delattr__": _SHOWN.__delattr__}
_GENERATED = vars(_SHOWN).keys() - vars(_Plain).keys() - _FROZEN.keys() - {"__slots__"}
_COMPARING = {"__eq__", "__ne__"}
_OPTIONS = {"kw_only", "eq", "repr"}


class _Generated:
    """Stands in a class for one thing that attrs generates."""

    __slots__ = ("_generate", "_name")

    def __init__(self, generate: Callable[[], Mapping[str, Any]], name: str) -> None:
        self._generate, self._name = generate, name

    def __get__(self, value: object, kind: type) -> object:
        """Generate everything by attrs, and return this part."""
        # Twice, if two threads come here at once: what both generate is equal.
        part = self._generate()[self._name]
        return part.__get__(value, kind) if hasattr(part, "__get__") else part


def _deferred(cls: type, make: Callable[[], type], options: dict[str, object]) -> type:
    """Return what *make* would, with all but slots generated when it is first needed."""
    fields = [name for name, hint in inspect.get_annotations(cls).items() if not str(hint).startswith("ClassVar")]
    inherited = {name for base in cls.__mro__ for name in vars(base).get("__slots__", ())}
    slots = tuple(name for name in (*fields, "__weakref__") if name not in inherited)
    body = {name: value for name, value in vars(cls).items() if name not in {*fields, "__dict__", "__weakref__"}}
    # What a class defines itself stays; with its own way to compare it has its own hash too, or none.
    absent = _GENERATED - body.keys()
    if options.get("eq") is False or _COMPARING & body.keys():
        absent -= {*_COMPARING, "__hash__"}
    if options.get("repr") is False:
        absent -= {"__repr__"}

    def generate() -> Mapping[str, Any]:
        generated = vars(make())
        for name in absent:
            type.__setattr__(kind, name, generated[name])
        return generated

    body |= _FROZEN | {name: _Generated(generate, name) for name in absent}
    body |= {"__slots__": slots, "__qualname__": cls.__qualname__}
    kind = type(cls)(cls.__name__, cls.__bases__, body)
    return kind


def _is_usual(cls: type, options: dict[str, object]) -> bool:
    """Whether attrs would do nothing with *cls* that is not known here."""
    functions = [getattr(value, "__func__", getattr(value, "fget", value)) for value in vars(cls).values()]
    # A function that calls `super` knows the class that has no slots yet.
    is_closed = any("__class__" in f.__code__.co_freevars for f in functions if hasattr(f, "__code__"))
    is_computed = any(isinstance(f, cached_property) for f in functions)
    return options.keys() <= _OPTIONS and not (is_closed or is_computed or "__init__" in vars(cls))


if not TYPE_CHECKING:

    def frozen(cls: type | None = None, **options: object) -> type | Callable[[type], type]:
        """Create a frozen class, as `attrs.frozen` does."""
        if cls is None:
            return lambda cls: frozen(cls, **options)
        make = partial(attrs.frozen, cls, **options)
        return _deferred(cls, make, options) if _is_usual(cls, options) else make()
