"""Limits as facts: what an exchange counts, and what it counts together.

The waiting is in `exchanges.limits.limiter`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum

from attrs import field, frozen

from exchanges.errors import UsageError

LONG_WINDOW_SECONDS = 60.0
RESERVE = 0.05


class Scope(Enum):
    """What shares a limit."""

    ADDRESS = "address"
    """All requests from one address."""
    KEY = "key"
    """All requests signed with one key."""


@frozen
class Window:
    """At most *slots* calls in any period of *per_seconds*."""

    slots: int
    per_seconds: float

    def __attrs_post_init__(self) -> None:
        # `True` is an int, too, and would be one slot.
        if type(self.slots) is not int or self.slots < 1 or not 0 < self.per_seconds < math.inf:
            raise UsageError("a window needs at least one slot and a positive number of seconds")

    def __str__(self) -> str:
        """Return calls and seconds in words."""
        return f"{self.slots} in {self.per_seconds:g} s"

    @property
    def reserve(self) -> int:
        """Slots that reads leave free: one in twenty if the window is long; never all of them."""
        # In a short window a slot is soon free again, and a reserve would cost reads more than it gives to money.
        if self.per_seconds < LONG_WINDOW_SECONDS:
            return 0
        return min(math.ceil(self.slots * RESERVE), self.slots - 1)


def _together(windows: Iterable[Window]) -> tuple[Window, ...]:
    return tuple(windows)


@frozen
class Limit:
    """What an exchange counts.

    Attributes:
        name: Unique, for messages and for sharing: ``bitstamp``, ``bitso public``.
        windows: All of them apply at once; without any there is no limit.
        scope: What shares it.
    """

    name: str
    windows: tuple[Window, ...] = field(converter=_together)
    scope: Scope
