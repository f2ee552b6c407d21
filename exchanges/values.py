"""`define` and `frozen` of attrs for classes that need not exist at once: attrs generates them at their first use.

An import creates well over a hundred classes, and generating their methods would be a third of its time. So a class
gets its slots at once, and in place of everything that attrs generates, its fields included, something that lets attrs
do so when it is asked for. From then on the class holds exactly what attrs would have made. Classes that the import
itself needs, such as those of declarations, use attrs directly.
"""

from __future__ import annotations

import inspect
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    # What checkers know: to them these are the decorators of attrs.
    from collections.abc import Callable, Mapping

    from attrs import define, frozen

__all__ = ["define", "frozen"]

_COMPARING = {"__eq__", "__ne__"}
_OPTIONS = {"kw_only", "eq", "order", "repr"}
_AT_ONCE = {"__setattr__", "__delattr__", "__attrs_own_setattr__"}


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


def _added(decorator: Callable[[type], type]) -> Mapping[str, object]:
    """Return what the installed attrs adds to a class that has nothing."""

    class Plain:
        pass

    own = {*vars(Plain), "__slots__"}
    return {name: part for name, part in vars(decorator(Plain)).items() if name not in own}


def _deferred(cls: type, make: Callable[[], type], added: Mapping[str, object], options: Mapping[str, object]) -> type:
    """Return what *make* would, with all but slots generated when it is first needed."""
    fields = [name for name, hint in inspect.get_annotations(cls).items() if not str(hint).startswith("ClassVar")]
    inherited = {name for base in cls.__mro__ for name in vars(base).get("__slots__", ())}
    slots = tuple(name for name in (*fields, "__weakref__") if name not in inherited)
    own = {name: value for name, value in vars(cls).items() if name not in {*fields, "__dict__", "__weakref__"}}
    # What a class defines itself stays; with its own way to compare it has its own hash too, or none.
    absent = added.keys() - own.keys()
    if options.get("eq") is False or _COMPARING & own.keys():
        absent -= {*_COMPARING, "__hash__"}
    if options.get("repr") is False:
        absent.discard("__repr__")

    def generate() -> Mapping[str, Any]:
        generated = vars(make())
        for name in generated.keys() - own.keys() - {*fields, "__slots__", "__weakref__"}:
            type.__setattr__(kind, name, generated[name])
        return generated

    def part(name: str) -> object:
        # What forbids to change or to hash a value must be there before the first value is.
        return added[name] if name in _AT_ONCE or added[name] is None else _Generated(generate, name)

    body = {**own, **{name: part(name) for name in absent}, "__slots__": slots, "__qualname__": cls.__qualname__}
    kind = type(cls)(cls.__name__, cls.__bases__, body)
    return kind


def _is_usual(cls: type, options: Mapping[str, object]) -> bool:
    """Whether attrs would do nothing with *cls* that is not known here."""
    functions = [getattr(value, "__func__", getattr(value, "fget", value)) for value in vars(cls).values()]
    # A function that calls `super` knows the class that has no slots yet.
    is_closed = any("__class__" in f.__code__.co_freevars for f in functions if hasattr(f, "__code__"))
    is_computed = any(isinstance(f, cached_property) for f in functions)
    return options.keys() <= _OPTIONS and not (is_closed or is_computed or "__init__" in vars(cls))


class _Deferring:
    """A decorator of attrs."""

    def __init__(self, decorator: Callable[..., type]) -> None:
        self._decorator, self._added = decorator, _added(decorator)

    def __call__(self, cls: type | None = None, **options: object) -> object:
        """Create a class, as that decorator does."""
        if cls is None:

            def decorate(cls: type) -> object:
                return self(cls, **options)

            return decorate
        make: Callable[[], type] = partial(self._decorator, cls, **options)
        return _deferred(cls, make, self._added, options) if _is_usual(cls, options) else make()


if not TYPE_CHECKING:
    define, frozen = _Deferring(attrs.define), _Deferring(attrs.frozen)
