"""Limits as facts: what an exchange counts, and what it counts together.

The waiting is in `exchanges.limits.limiter`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Literal

from attrs import evolve, field, frozen

from exchanges.errors import UsageError

RESERVE = 0.1


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
        """Slots that are kept for cancels: one in ten, at least one; none if there is a single slot."""
        return min(max(1, math.ceil(self.slots * RESERVE)), self.slots - 1)


def _together(windows: Iterable[Window]) -> tuple[Window, ...]:
    return tuple(windows)


def _scope_of(scope: Scope | Literal["address", "key"]) -> Scope:
    """Return a scope, which may be given as its text; scopes are compared by identity, which no text has."""
    try:
        return Scope(scope)
    except ValueError:
        words = f"the scope of a limit must be one of {', '.join(member.value for member in Scope)}"
        raise UsageError(words) from None


@frozen
class Limit:
    """What an exchange counts.

    Attributes:
        name: Unique, for messages and for sharing: ``bitstamp``, ``bitso public``.
        windows: All of them apply at once; without any there is no limit.
        scope: What shares it.
        within: A wider limit that the same calls count against as well; None if there is none. Both have one scope.
    """

    name: str
    windows: tuple[Window, ...] = field(converter=_together)
    scope: Scope = field(converter=_scope_of)
    within: Limit | None = None

    @property
    def parts(self) -> Iterator[Limit]:
        """This limit and all that it is within, the widest last."""
        yield self
        if self.within is not None:
            yield from self.within.parts

    @property
    def widest(self) -> Limit:
        """The limit that all of them are within."""
        return self if self.within is None else self.within.widest

    def without_windows(self) -> Limit:
        """Return a limit of the same names that counts nothing."""
        return evolve(self, windows=(), within=None if self.within is None else self.within.without_windows())
