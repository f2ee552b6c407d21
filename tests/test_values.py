"""Frozen classes compare, hash and show themselves as those of attrs do."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest
from attrs import evolve, field

from exchanges.values import frozen


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

    assert Own(1) == Own(2)
    assert "own" == repr(Own(1))
    assert Own.__hash__ is None
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
