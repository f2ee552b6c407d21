"""The wall clock of a client: checked before a call, and never in the way of recording one that was sent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from exchanges.errors import UsageError

LATEST = 253_402_300_799
"""The last second of the year 9999."""


class WallClock:
    """Reads a clock that the caller has passed.

    What a call needs is read after `check`. If the clock fails later, while a call is under way, the time since its
    last good reading is added to that: an order that was sent must be recorded whatever the clock does.

    Args:
        read: Returns seconds since 1970.
    """

    __slots__ = ("_at", "_last", "_read")

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._last = self._at = math.nan

    def check(self) -> None:
        """Read the clock.

        Raises:
            UsageError: It raises, or returns something else than seconds since 1970.
        """
        if self._read is not time.time:
            self._last, self._at = self._reading(), time.monotonic()

    def __call__(self) -> float:
        """Return the seconds since 1970.

        Raises:
            UsageError: As `check`, if there was no good reading yet.
        """
        if self._read is time.time:
            return time.time()
        try:
            self.check()
        except UsageError:
            if math.isnan(self._last):
                raise
            return self._last + time.monotonic() - self._at
        return self._last

    def _reading(self) -> float:
        try:
            seconds = self._read()
            is_moment = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= LATEST
        except Exception as error:
            raise UsageError(f"clock raised {type(error).__name__}; nothing was sent") from error
        if not is_moment:
            raise UsageError("clock must return seconds since 1970, between 0 and the year 9999; nothing was sent")
        return float(seconds)
