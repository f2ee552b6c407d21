"""Objects that an exchange keeps for its customers, by owner and id."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

from attrs import evolve

from exchanges.simulator.engine.rejections import Reason, refuse_if
from exchanges.simulator.engine.snapshots import Shared

FIRST_ID = 1001

T = TypeVar("T")


class IdSequence(Shared):
    """Ids, each of which is issued once."""

    def __init__(self) -> None:
        self._next = FIRST_ID

    def __next__(self) -> int:
        self._next += 1
        return self._next - 1


class Store(Generic[T]):
    """Immutable objects of one kind by id; a change replaces the object."""

    def __init__(self) -> None:
        self._items: dict[int | str, tuple[int, T]] = {}
        self._ids = IdSequence()

    def __deepcopy__(self, memo: dict[int, object]) -> Store[T]:
        """Copy the table; the objects in it never change."""
        copied = Store[T]()
        copied._items = self._items.copy()
        return copied

    def next_id(self) -> int:
        """Return the id for a new object."""
        return next(self._ids)

    def put(self, owner: int, item_id: int | str, item: T) -> T:
        """Add an object, or replace the one with this id."""
        # A replaced object keeps its place: lists are in the order of creation, not of the last change.
        self._items[item_id] = owner, item
        return item

    def change(self, item_id: int | str, **changes: object) -> T:
        """Replace fields of an object, whoever owns it.

        Raises:
            KeyError: There is none with this id.
        """
        owner, item = self._items[item_id]
        return self.put(owner, item_id, evolve(cast("Any", item), **changes))

    def get(self, owner: int, item_id: int | str, missing: str = "") -> T:
        """Return the object of *owner* with an id.

        Raises:
            Refused: There is none, or it belongs to another owner; *missing* is the text of the rejection.
        """
        refuse_if(not self.has(owner, item_id), Reason.NOT_FOUND, text=missing)
        return self._items[item_id][1]

    def find(self, item_id: int | str) -> T:
        """Return the object with an id, whoever owns it.

        Raises:
            KeyError: There is none.
        """
        return self._items[item_id][1]

    def remove(self, owner: int, item_id: int | str) -> None:
        """Remove an object of *owner*; one that it does not have stays."""
        if self.has(owner, item_id):
            del self._items[item_id]

    def has(self, owner: int, item_id: int | str) -> bool:
        """Return whether *owner* has an object with this id."""
        return item_id in self._items and self._items[item_id][0] == owner

    def of(self, owner: int) -> list[T]:
        """List the objects of *owner*, newest first."""
        return [item for whose, item in reversed(self._items.values()) if whose == owner]

    def owner(self, item_id: int | str) -> int:
        """Return the owner of an object.

        Raises:
            KeyError: There is none with this id.
        """
        return self._items[item_id][0]
