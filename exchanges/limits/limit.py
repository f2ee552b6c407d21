"""Limits as facts: what an exchange counts, and whom it counts together.

The waiting is in `exchanges.limits.limiter`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum

from attrs import field, frozen

from exchanges.errors import UsageError

__all__ = ["Limit", "Scope", "Window"]

LONG_WINDOW_SECONDS = 60.0
RESERVE = 0.05


class Scope(Enum):
    """Who shares a limit."""

    ADDRESS = "address"
    """Everything that reaches the exchange from one address."""
    KEY = "key"
    """Everything that is signed with one key."""


@frozen
class Window:
    """At most so many calls in any stretch of so many seconds."""

    slots: int
    per_seconds: float

    def __attrs_post_init__(self) -> None:
        if type(self.slots) is not int or self.slots < 1 or not 0 < self.per_seconds < math.inf:
            raise UsageError("a window has at least one slot in a positive number of seconds")

    def __str__(self) -> str:
        """Print as limits are spoken of."""
        return f"{self.slots} in {self.per_seconds:g} s"

    @property
    def reserve(self) -> int:
        """Slots that reads leave alone: one in twenty, where the window is long; never all of them."""
        if self.per_seconds < LONG_WINDOW_SECONDS:
            return 0
        return min(math.ceil(self.slots * RESERVE), self.slots - 1)


def _together(windows: Iterable[Window]) -> tuple[Window, ...]:
    return tuple(windows)


@frozen
class Limit:
    """What an exchange counts.

    Attributes:
        name: Unique, for people and for sharing: ``bitstamp``, ``bitso public``.
        windows: All of them hold at once; none at all lets everything through.
        scope: Who shares it.
    """

    name: str
    windows: tuple[Window, ...] = field(converter=_together)
    scope: Scope
