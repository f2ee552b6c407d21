"""What in a module of httpx or httpcore is original, and what somebody has put there.

Theory. A patch replaces a class or function in one of the namespaces that the sending code looks into: the module that
defines it, any module that imports it, or the class itself. So every value of these namespaces is judged, in classes of
those through which a request goes out; models, errors and what blocks replace no sending. A function is
original if it has the code of its package's own file, under its own name, with the globals of its own module, and
nothing is attached to it (``functools.wraps`` attaches ``__wrapped__``). A class is original if it has the name
under which it is looked up, derives from no other class of that name, and its attributes are original. Everything that
is not known to be original counts as replaced: a mock that is missed lets an order leave a test.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import types
from collections.abc import Collection, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import cast

from attrs import field

from exchanges.http.unchanged import Name
from exchanges.values import define, frozen

__all__ = ["PACKAGES", "Survey"]

PACKAGES = ("h11", "httpcore", "httpx")
# What the modules of these packages import from.
_TRUSTED = frozenset(
    {*sys.stdlib_module_names, *PACKAGES, "anyio", "certifi", "click", "h2", "idna", "sniffio", "socksio"}
)
_DATA = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    tuple,
    list,
    dict,
    set,
    frozenset,
    types.GenericAlias,
    types.UnionType,
)
_DATA_OF = frozenset({"__future__", "_abc", "click", "collections", "logging", "re", "ssl", "typing"})
_OF_THE_INTERPRETER = (
    types.BuiltinFunctionType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)
_METACLASSES_OF = ("abc", "builtins", "enum", "typing")
_NOT_FROM_PYTHON = 1 << 8  # an immutable type: only C makes those
_CONTEXT_MANAGERS = frozenset(
    code
    for function in (contextlib.contextmanager, contextlib.asynccontextmanager)
    for code in function.__code__.co_consts
    if isinstance(code, CodeType)
)


@frozen(eq=False)
class _Space:
    """The namespace of a module, and whether its values are original.

    Attributes:
        required: Names that others look up in it.
    """

    name: str
    namespace: dict[str, object]
    verdicts: dict[str, bool]
    required: Collection[str]


@define(eq=False)
class Survey:
    """Judges modules, and reads what must stay as it is for the judgement to hold.

    Args:
        senders: The names of the classes through which a request goes out; methods of others are not judged.

    Attributes:
        namespaces: Of modules.
        names: Those in them on which the judgement depends.
        classes: Classes through which a request goes out.
        functions: Functions whose code was judged.
    """

    _senders: Collection[str]
    namespaces: list[Mapping[str, object]] = field(factory=list[Mapping[str, object]])
    names: list[Name] = field(factory=list[Name])
    classes: list[type] = field(factory=list[type])
    functions: list[FunctionType] = field(factory=list[FunctionType])
    _replaced: list[str] = field(factory=list[str])
    _spaces: list[_Space] = field(factory=list[_Space])
    _judged: dict[type, bool] = field(factory=dict[type, bool])

    def add_module(self, name: str, module: object, required: Collection[str]) -> None:
        """Judge the values in the namespace of a module, in which the names that are *required* must be."""
        namespace: dict[str, object] = getattr(module, "__dict__", {})
        self._add_space(name, module, [*(key for key in namespace if not _is_dunder(key)), *required], required)

    def add_names(self, name: str, module: object, names: Collection[str]) -> None:
        """Judge some values of a module, as far as they are there."""
        namespace: dict[str, object] = getattr(module, "__dict__", {})
        self._add_space(name, module, [key for key in names if key in namespace], names)

    def _add_space(self, name: str, module: object, keys: list[str], required: Collection[str]) -> None:
        if type(module) is not ModuleType or module.__dict__.get("__name__") != name:
            self._replaced.append(name)
            return
        space = module.__dict__
        self.namespaces.append(space)
        verdicts = {key: key in space and self._is_original(space[key], key) for key in keys}
        self._spaces.append(_Space(name, space, verdicts, required))

    def finish(self) -> list[str]:
        """Return the names of what was replaced, such as ``httpx.AsyncClient.send``.

        A value of a module counts if a judged function looks it up, or if it is required. What has been judged is
        watched from now on as far as a request can pass through it: a mock in place of data or an error sends nothing.
        """
        read: dict[int, set[str]] = {}
        called: set[str] = set()
        for function in self.functions:
            read.setdefault(id(function.__globals__), set()).update(_names(function.__code__))
        for space in self._spaces:
            wanted = read.get(id(space.namespace), set()).union(space.required)
            keys = [key for key in space.verdicts if key in wanted]
            self._replaced += [f"{space.name}.{key}" for key in keys if not space.verdicts[key]]
            called.update(keys)
            values = space.namespace
            watched = (k for k in keys if k in values and (not space.verdicts[k] or _may_send(values[k])))
            self.names += [(key, values) for key in watched]
        # Once each, and no function of a module that no other calls.
        self.functions = [f for f in dict.fromkeys(self.functions) if "." in f.__qualname__ or f.__name__ in called]
        return self._replaced

    def _is_original(self, value: object, key: str) -> bool:
        kind = type(value)
        if kind is FunctionType:
            return self._is_function(cast("FunctionType", value), key)
        if isinstance(value, type) and issubclass(kind, type):
            return self._is_class(value, key)
        if kind is ModuleType:
            return _is_trusted(value.__name__) and sys.modules.get(value.__name__) is value  # type: ignore[attr-defined]  # checked above
        return _is_data(value)

    def _is_function(self, function: FunctionType, qualname: str) -> bool:
        """Return whether *function* has the code of that name in its own module."""
        self.functions.append(function)
        code, namespace, added = function.__code__, function.__globals__, function.__dict__
        if code in _CONTEXT_MANAGERS and added.keys() == {"__wrapped__"}:
            wrapped = added["__wrapped__"]  # what is called is in the closure, and may be another
            inside = [cell.cell_contents for cell in function.__closure__ or ()]
            return type(wrapped) is FunctionType and inside == [wrapped] and self._is_function(wrapped, qualname)
        home = sys.modules.get(str(namespace.get("__name__")))
        return (
            not added.keys() - {"__isabstractmethod__"}
            and home is not None
            and home.__dict__ is namespace
            and _is_trusted(home.__name__)
            and code.co_filename == namespace.get("__file__")
            and code.co_qualname == qualname
        )

    def _is_class(self, cls: type, key: str) -> bool:
        """Return whether *cls* is what its module defines as *key*; note methods that are not original."""
        package = cls.__module__.partition(".")[0]
        if cls.__flags__ & _NOT_FROM_PYTHON:
            return _is_trusted(package)
        if package not in PACKAGES:
            home = sys.modules.get(cls.__module__)
            return _is_trusted(package) and home is not None and home.__dict__.get(key) is cls
        if cls not in self._judged:
            self._judged[cls] = self._is_own_class(cls)
        return self._judged[cls] and cls.__name__ == key

    def _is_own_class(self, cls: type) -> bool:
        if type(cls).__module__ not in _METACLASSES_OF:  # it could return other methods than are called
            return False
        bases = [base for base in cls.__mro__[1:] if base.__module__.partition(".")[0] in PACKAGES]
        if any(base.__name__ == cls.__name__ for base in bases):
            return False
        if cls.__name__ not in self._senders:
            # Models, answers, and what blocks: patches of their methods change nothing about what is sent here.
            homes = [str(f.__globals__.get("__name__")) for f in _functions(cls)]
            added = [home for home in homes if home not in _METACLASSES_OF]
            return not added or any(home.partition(".")[0] in PACKAGES for home in added)
        self.classes.append(cls)
        for owner in (cls, *bases):
            if owner is cls or owner not in self._judged:
                self._add_attributes(owner)
        return all(_is_trusted(base.__module__.partition(".")[0]) for base in cls.__mro__)

    def _add_attributes(self, owner: type) -> None:
        self._judged.setdefault(owner, True)
        package = owner.__module__.partition(".")[0]
        for key, value in list(owner.__dict__.items()):
            if not all(self._is_attribute(part, owner, key) for part in _parts(value)):
                self._replaced.append(f"{package}.{owner.__qualname__}.{key}")

    def _is_attribute(self, value: object, owner: type, key: str) -> bool:
        if type(value) is FunctionType:
            # Added by the standard library, such as the `__init__` of a protocol.
            is_added = value.__globals__.get("__name__") in _METACLASSES_OF and _is_dunder(key)
            return self._is_function(value, value.__qualname__ if is_added else f"{owner.__qualname__}.{key}")
        return type(value) in _OF_THE_INTERPRETER or self._is_original(value, key)


def _names(code: CodeType) -> set[str]:
    """Return the names that a function looks up, and those within it."""
    inner = (_names(constant) for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*inner)


def _is_dunder(key: str) -> bool:
    return key.startswith("__") and key.endswith("__")


def _is_trusted(module: str) -> bool:
    return module.partition(".")[0] in _TRUSTED


def _is_data(value: object) -> bool:
    """Return whether a value is one that no patch would put in the place of a class, a function or a module."""
    package = type(value).__module__.partition(".")[0]
    return type(value) in _DATA or package in _DATA_OF or package in PACKAGES


def _may_send(value: object) -> bool:
    """Return whether a request may pass through an original: a function, a module, or a class that is no error."""
    if isinstance(value, type):
        return value.__module__.partition(".")[0] in PACKAGES and not issubclass(value, BaseException)
    return type(value) in (FunctionType, ModuleType)


def _parts(value: object) -> Iterator[object]:
    """Yield the functions of a descriptor, or the value itself."""
    if type(value) is property:
        yield from (function for function in (value.fget, value.fset, value.fdel) if function is not None)
    else:
        yield value.__func__ if type(value) in (staticmethod, classmethod) else value  # type: ignore[attr-defined]  # as its type shows


def _functions(cls: type) -> Iterator[FunctionType]:
    for value in list(cls.__dict__.values()):
        for part in _parts(value):
            if type(part) is FunctionType:
                yield inspect.unwrap(part)
