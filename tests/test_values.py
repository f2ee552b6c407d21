"""Classes are those of attrs, whatever is asked of them first."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, ClassVar, get_type_hints

import attrs
import pytest
from attrs import evolve, field

from exchanges.values import define, frozen


def _named(value: object) -> str:
    return f"<{value}>"


def _classes(decorator: Any) -> tuple[Any, Any, Any]:
    """Create the same classes with *decorator*."""

    @decorator
    class Point:
        x: int
        y: Any = None
        note: str = field(default="", eq=False)
        unhashed: Any = field(default=None, hash=False, kw_only=True)
        hidden: int = field(default=0, repr=False)
        named: int = field(default=0, repr=_named)

    @decorator
    class Placed(Point):
        z: int = field(default=3, kw_only=True)

    @decorator
    class Empty:
        pass

    return Point, Placed, Empty


OURS, THEIRS = _classes(frozen), _classes(attrs.frozen)


@frozen
class Kept:
    """At the top of a module, as only those can be pickled."""

    x: int
    y: str = "y"


@pytest.mark.parametrize("kind", range(3))
def test_values_compare_as_those_of_attrs(kind: int) -> None:
    """Fields that are not compared do not count, and no value equals one of another class."""
    arguments: list[tuple[Any, ...]] = [(1,), (1, None, "other"), (1, None, "", 1), (1, None, "", 0, 2), (2,), (1, [])]
    arguments = arguments if kind < 2 else [()]
    ours, theirs = ([classes[kind](*a) for a in arguments] for classes in (OURS, THEIRS))

    assert [[a == b for b in theirs] for a in theirs] == [[a == b for b in ours] for a in ours]
    assert [[a != b for b in theirs] for a in theirs] == [[a != b for b in ours] for a in ours]
    assert not any(a == b for a, b in zip(ours, theirs, strict=True))
    assert OURS[0](1) != OURS[1](1)


def test_equal_values_have_one_hash() -> None:
    """So they are one key; a value that holds a list has none."""
    point = OURS[0]

    assert 2 == len({point(1), point(1, None, "another note"), point(2), point(2, unhashed=None)})
    assert hash(point(1)) == hash(point(1, unhashed=[]))
    with pytest.raises(TypeError, match="unhashable"):
        hash(point(1, []))


@pytest.mark.parametrize("kind", range(3))
def test_values_show_themselves_as_those_of_attrs(kind: int) -> None:
    """With the fields that are shown, each as its declaration says."""
    arguments = ((1, "two", "three", 4, 5),) if kind < 2 else ((),)

    assert [repr(THEIRS[kind](*a)) for a in arguments] == [repr(OURS[kind](*a)) for a in arguments]


def test_a_value_that_holds_itself_ends() -> None:
    """What is shown of it within itself is three dots."""
    inner: list[object] = []
    value = OURS[0](1, inner)
    inner.append(value)

    assert "Point(x=1, y=[...], note='', unhashed=None, named=<0>)" == repr(value)


def test_what_a_class_defines_itself_stays() -> None:
    """Methods of its own, and what it states to attrs."""

    @frozen
    class Own:  # noqa: PLW1641 - has none, like every class with a method of its own
        x: int

        def __eq__(self, other: object) -> bool:
            return True

        def __repr__(self) -> str:
            return "own"

    @frozen(order=True)
    class Ordered:
        x: int

    @frozen(eq=False, repr=False)
    class Plain:
        x: int

    @frozen
    class Hashed:
        x: int

        def __hash__(self) -> int:
            return 7

    @frozen
    class Started:
        x: int

        def __init__(self, x: int) -> None:
            self.__attrs_init__(x + 1)  # type: ignore[attr-defined]

    @frozen
    class Based(Own):
        y: int = 0

        def __repr__(self) -> str:
            return f"based on {super().__repr__()}"

    @frozen
    class Computed:
        x: int

        @cached_property
        def double(self) -> int:
            return 2 * self.x

    assert Own(1) == Own(2)
    assert "own" == repr(Own(1))
    assert Own.__hash__ is None
    assert Hashed(1) == Hashed(1) != Hashed(2)
    assert 7 == hash(Hashed(1))
    assert 2 == Started(1).x
    assert "based on own" == repr(Based(1))
    assert (4, False) == (Computed(2).double, hasattr(Computed(2), "__dict__"))
    assert Ordered(1) < Ordered(2)
    assert "Ordered(x=1)" in repr(Ordered(1))
    assert Plain(1) != Plain(1)


def test_values_stay_frozen_and_can_be_copied() -> None:
    """They are evolved, copied and pickled like all values of attrs, and cannot be changed."""
    value = Kept(1)

    assert Kept(2) == evolve(value, x=2)
    assert value == copy.deepcopy(value) == pickle.loads(pickle.dumps(value))  # noqa: S301 - its own
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.x = 2  # type: ignore[misc]


_FIRST: dict[str, Callable[[Any], object]] = {
    "fields": attrs.fields,
    "is it a class of attrs": attrs.has,
    "names by position": lambda kind: kind.__match_args__,
    "signature": inspect.signature,
    "types of its arguments": lambda kind: get_type_hints(kind.__init__, {"Any": Any}),
    "types of its fields": lambda kind: get_type_hints(kind, {"Any": Any}),
    "slots": lambda kind: (kind.__slots__, hasattr(kind(1), "__dict__")),
    "value": lambda kind: attrs.astuple(kind(1, y=2)),
    "equality": lambda kind: (kind(1) == kind(1), kind(1) != kind(1), kind(1) == kind(2)),
    "hash": lambda kind: hash(kind(1)) == hash(kind(1)),
    "shown": lambda kind: repr(kind(1)),
    "state": lambda kind: kind(1).__getstate__(),
    "weak reference": lambda kind: weakref.ref(value := kind(1))() is value,
    "names": dir,
}


@pytest.mark.parametrize("first", _FIRST)
@pytest.mark.parametrize("kind", range(2))
def test_it_does_not_matter_what_is_asked_first(first: str, kind: int) -> None:
    """Nothing is generated before; what is asked of a class, or of one derived from it, gets what attrs answers."""
    ours, theirs = _classes(frozen)[kind], _classes(attrs.frozen)[kind]
    ask = _FIRST[first]

    assert ask(theirs) == ask(ours)
    assert [ask(theirs) for ask in _FIRST.values()] == [ask(ours) for ask in _FIRST.values()]
    assert attrs.fields(theirs) == attrs.fields(ours)


def test_it_is_generated_once() -> None:
    """The first use leaves nothing in the class but what attrs made."""
    kind = _classes(frozen)[0]
    before = {type(value).__name__ for value in vars(kind).values()}
    kind(1)

    assert {"_Generated"} == before - {type(value).__name__ for value in vars(kind).values()}
    assert inspect.isfunction(vars(kind)["__init__"])
    assert attrs.fields(kind) is attrs.fields(kind)


def test_threads_may_use_a_class_first_at_the_same_time() -> None:
    """Each gets values that equal those of the others."""
    kinds = [_classes(frozen)[1] for _ in range(20)]
    with ThreadPoolExecutor(8) as threads:
        values = [[threads.submit(kind, 1) for _ in range(8)] for kind in kinds]
        alike = [{value.result() for value in same} for same in values]

    assert all(1 == len(same) for same in alike)


def test_values_can_be_ordered() -> None:
    """By their fields, as those of attrs; a value of another class has no place among them."""

    @define(order=True)
    class Turn:
        priority: int
        number: int = field(order=False)

    turns = [Turn(2, 1), Turn(1, 2), Turn(1, 1)]

    assert [(1, 2), (1, 1), (2, 1)] == [attrs.astuple(turn) for turn in sorted(turns)]
    with pytest.raises(TypeError, match="not supported"):
        sorted([Turn(1, 1), 1])  # type: ignore[type-var]


def test_constants_of_a_class_are_no_fields() -> None:
    """They stay in the class, and a derived class may replace them."""

    @frozen
    class Base:
        limit: ClassVar[int] = 3
        x: int

    @frozen
    class Derived(Base):
        limit: ClassVar[int] = 4

    assert [("x",), ("x",)] == [tuple(f.name for f in attrs.fields(kind)) for kind in (Base, Derived)]
    assert (3, 4) == (Base(1).limit, Derived(1).limit)
    assert () == vars(Derived)["__slots__"]


def test_a_derived_class_may_declare_a_field_again() -> None:
    """It has its own default, and no second slot."""

    @frozen
    class Base:
        x: int
        y: int = 1

    @frozen
    class Derived(Base):
        y: int = 2

    assert (1, 2) == (Base(0).y, Derived(0).y)
    assert () == vars(Derived)["__slots__"]
    gc.collect()
    assert [Derived] == Base.__subclasses__()


def test_values_that_may_change_are_those_of_attrs_too() -> None:
    """Their fields can be set, by way of a converter that one has, and they have no hash."""

    def classes(decorator: Any) -> tuple[Any, Any]:
        @decorator
        class Counted:
            n: int = field(converter=int)
            note: str = ""

        @decorator(eq=False)
        class Noted:
            note: str = ""

        return Counted, Noted

    for counted, noted in (classes(define), classes(attrs.define)):
        with pytest.raises(TypeError, match="unhashable"):
            hash(counted("1"))
        value, other = counted("1"), noted()
        value.n, other.note = "2", "changed"

        assert (2, "changed") == (value.n, other.note)
        assert counted(2) == value != counted(3)
        assert {noted: 1}[noted] == len({other, other})
        assert other != noted("changed")
        assert "Counted(n=2, note='')" == repr(value).rpartition(".")[2]
        assert not hasattr(value, "__dict__")
