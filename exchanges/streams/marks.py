"""The item that a list of what was missed must hold, to show that nothing before it is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

__all__ = ["Mark"]

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
