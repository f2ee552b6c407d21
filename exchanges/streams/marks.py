"""What was missed of a channel of numbered items, joined to what came by an item that both show.

An item that a list must hold marks where it is joined: then nothing between what came and the list is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from exchanges.streams.channel import Call

__all__ = ["Mark", "MissedItems"]

T = TypeVar("T")

RECENT: Final = timedelta(seconds=5)
"""Items that change places come within less."""


class Mark:
    """The smallest number that came in the last seconds before a loss: what comes twice is dropped by its key.

    The largest would hide an item with a smaller number that was still to come, and a number that is too large would
    hide all.

    Args:
        now: Returns the present moment.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._recent: deque[tuple[datetime, int]] = deque()
        self._is_lost = False
        self.number: int | None = None

    def note(self, number: int) -> None:
        """Record an item that came."""
        now = self._now()
        self._recent.append((now, number))
        while self._recent[0][0] < now - RECENT:
            self._recent.popleft()

    def lost(self) -> None:
        """Set the mark, unless what was missed before is still to be read."""
        if not self._is_lost:
            self._is_lost, self.number = True, min((number for _, number in self._recent), default=None)

    def settled(self) -> None:
        """Forget the mark: what was missed is read, or reported missing."""
        self._is_lost, self.number = False, None


class MissedItems(Generic[T]):
    """Reads the items from one of the last that came on; what differs by exchange is how they are numbered and listed.

    Args:
        call: Makes calls.
        arguments: Of the channel.
        now: Returns the present moment.
    """

    delays: tuple[float, ...] = (1.5,)
    """Answers may be about a second old."""

    def __init__(self, call: Call, arguments: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._call, self._arguments = call, arguments
        self._mark = Mark(now)

    async def begin(self) -> None:
        """Do nothing: the first item that comes is where a list is joined."""

    def note(self, item: T) -> None:
        """Record an item."""
        self._mark.note(int(self._id(item)))

    def lost(self) -> None:
        """Remember the last items before the loss."""
        self._mark.lost()

    async def missed(self, _: int) -> list[T] | None:
        """Return the items from one of the last that came on, oldest first; None if no list holds that one."""
        try:
            items = await self._read(self._mark.number)
        except Exception:
            self._mark.settled()
            raise
        self._mark.settled()
        return items

    async def _read(self, mark: int | None) -> list[T] | None:
        """Return the items from the one with the number *mark* on; None also if none came before the loss."""
        return None if mark is None else await self._since(mark)

    def _id(self, item: T) -> str:
        """Return the number of an item."""
        raise NotImplementedError

    async def _since(self, mark: int) -> list[T] | None:
        """Return the items from the one with the number *mark* on, oldest first; None if no list holds it."""
        raise NotImplementedError
