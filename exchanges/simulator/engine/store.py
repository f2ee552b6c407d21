"""Things that an exchange keeps for its customers, by owner and id."""

from __future__ import annotations

from typing import Generic, TypeVar

from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.snapshots import Shared

__all__ = ["FIRST_ID", "Numbers", "Shelf"]

FIRST_ID = 1001

T = TypeVar("T")


class Numbers(Shared):
    """Ids: each is given out once."""

    def __init__(self) -> None:
        self._next = FIRST_ID

    def __next__(self) -> int:
        self._next += 1
        return self._next - 1


class Shelf(Generic[T]):
    """Things of one kind, each under an id that nothing else of its kind has.

    A thing that changes is put there anew.
    """

    def __init__(self) -> None:
        self._things: dict[int | str, tuple[int, T]] = {}
        self._ids = Numbers()

    def __deepcopy__(self, memo: dict[int, object]) -> Shelf[T]:
        """Keep in a picture what is there now."""
        picture = Shelf[T]()
        picture._things = self._things.copy()
        return picture

    def next_id(self) -> int:
        """Give an id to something new."""
        return next(self._ids)

    def put(self, owner: int, thing_id: int | str, thing: T) -> T:
        """Store something, or store it anew."""
        self._things[thing_id] = owner, thing
        return thing

    def find(self, owner: int, thing_id: int | str) -> T:
        """Find what *owner* has under an id.

        Raises:
            Refused: Nothing, or it is somebody else's.
        """
        if not self.has(owner, thing_id):
            raise Refused(Reason.NOT_FOUND)
        return self._things[thing_id][1]

    def has(self, owner: int, thing_id: int | str) -> bool:
        """Whether *owner* has something under an id."""
        return thing_id in self._things and self._things[thing_id][0] == owner

    def of(self, owner: int) -> list[T]:
        """List what *owner* has, newest first."""
        return [thing for whose, thing in reversed(self._things.values()) if whose == owner]

    def owner(self, thing_id: int | str) -> int:
        """Say whose the thing with an id is.

        Raises:
            KeyError: Nothing has this id.
        """
        return self._things[thing_id][0]
