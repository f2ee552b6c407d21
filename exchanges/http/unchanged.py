"""Whether a judgement of modules, classes and functions still holds: nothing on which it depends has changed.

Theory. Hundreds of values would have to be compared, and merely touching each of them takes most of the time: between
two requests the caches of the processor have lost them. For classes CPython keeps a bit that spares it. Setting an
attribute of a class, or of one of its bases, makes the cached look-ups in that class invalid, and only a look-up in it
makes them valid again. Nobody but this module looks anything up in the class that it derives from all others, so the
bit of that one says whether any of them has changed. Where an interpreter keeps no such bit (CPython 3.13 and later),
the attributes are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter, getitem, is_
from types import FunctionType

__all__ = ["Classes", "Name", "Part"]

Name = tuple[str, Mapping[str, object]]
"""A name, and the namespace that has it."""

_VALID = 1 << 19  # Py_TPFLAGS_VALID_VERSION_TAG
_code, _bases, _flags = attrgetter("__code__"), attrgetter("__mro__"), attrgetter("__flags__")


class Part:
    """Values of namespaces and the code of functions, as they were when this was created.

    Args:
        names: Names and the namespaces that have them; one that is missing may come later.
        functions: Compared by their code, as ``f.__code__ = g.__code__`` replaces no function.
    """

    __slots__ = ("_codes", "_functions", "_growing", "_names", "_namespaces", "_sizes", "_values")

    def __init__(self, names: Iterable[Name], functions: Iterable[FunctionType] = ()) -> None:
        wanted = list(names)
        there = [(name, namespace) for name, namespace in wanted if name in namespace]
        self._names = [name for name, _ in there]
        self._namespaces = [namespace for _, namespace in there]
        self._values = list(map(getitem, self._namespaces, self._names))
        growing = {id(namespace): namespace for name, namespace in wanted if name not in namespace}
        self._growing = list(growing.values())
        self._sizes = list(map(len, self._growing))
        self._functions = list(functions)
        self._codes = list(map(_code, self._functions))

    @property
    def is_unchanged(self) -> bool:
        """Whether everything is as it was."""
        # Nothing is compared in Python, and all by identity: a proxy of wrapt is equal to what it wraps.
        try:
            is_same = all(map(is_, map(getitem, self._namespaces, self._names), self._values))
        except KeyError:  # a name was removed
            return False
        return (
            is_same
            and all(map(is_, map(_code, self._functions), self._codes))
            and (not self._growing or self._sizes == list(map(len, self._growing)))
        )


class Classes:
    """The attributes of classes and of all that they derive from, as they were when this was created."""

    __slots__ = ("_classes", "_derived", "_namespaces", "_values")

    def __init__(self, classes: Sequence[type]) -> None:
        self._classes, self._derived = classes, _derive(classes)
        owners = dict.fromkeys(owner for cls in classes for owner in cls.__mro__)
        self._namespaces = [vars(owner) for owner in owners if owner is not object]
        self._values = self._read()

    @property
    def is_unchanged(self) -> bool:
        """Whether no attribute was set or removed."""
        if self._derived is not None:
            return bool(_flags(self._derived) & _VALID)
        values = self._read()
        return len(values) == len(self._values) and all(map(is_, values, self._values))

    def _read(self) -> list[object]:
        values = list[object](chain.from_iterable(map(_bases, self._classes)))
        for namespace in self._namespaces:
            values += namespace.values()
        return values


def _derive(classes: Sequence[type]) -> type | None:
    """Return a class of which the interpreter forgets every look-up when one of *classes* changes; None without one."""
    last = [cls for cls in classes if not any(cls in other.__mro__[1:] for other in classes)]
    try:
        derived = type("Derived", tuple(last), {})
        hasattr(derived, "anything")  # a look-up, so that the bit is set
    except Exception:  # noqa: BLE001 - a class that cannot be derived from, or whose hook for that fails
        return None
    return derived if _flags(derived) & _VALID else None
