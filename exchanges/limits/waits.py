"""For how long other processes leave no room: what one call heard of it, and which other calls that concerns.

What was heard is old at once: another process gives slots back, or reopens the limit. So it only keeps calls of the
same kind from asking too, until one of them asks again; by itself it refuses none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

from exchanges.limits.permits import IN_ORDER, Priority
from exchanges.limits.windows import Slots
from exchanges.values import frozen

LOOK_SECONDS = 1.0
"""After how long at most a call that waits for other processes asks again."""

Counted: TypeAlias = tuple[Slots, ...]


@frozen
class Wait:
    """That other processes leave no room for a call.

    Attributes:
        seconds: When to ask again.
        certain_seconds: For how long there is certainly no room; 0 if that depends on others.
        scope: The part of the limit that has none; empty: it has none for any part.
        reason: Why, in words.
    """

    seconds: float
    certain_seconds: float
    scope: str = ""
    reason: str = ""


@frozen
class _Heard:
    at: float
    until: float
    reason: str

    def is_news(self, now: float) -> bool:
        return now < max(self.until, self.at + LOOK_SECONDS)


class Waits:
    """What the calls of one limiter have heard.

    Attributes:
        heard: All of it, be it over.
    """

    def __init__(self) -> None:
        self.heard: dict[tuple[Counted, str, Priority], _Heard] = {}

    @property
    def by_part(self) -> bool:
        """Whether some calls wait for a part of the limit, so that those of another do not wait with them."""
        return any(scope for _, scope, _ in self.heard)

    def add(self, wait: Wait, slots: Counted, priority: Priority, now: float, *, holds: bool) -> None:
        """Record what a call heard; *holds*: whether others wait with it, instead of asking."""
        self.heard = {key: heard for key, heard in self.heard.items() if heard.is_news(now)}
        heard = _Heard(now, now + wait.seconds if holds else now, wait.reason)
        for lower in IN_ORDER[priority:]:
            self.heard[slots, wait.scope, lower] = heard

    def until(self, slots: Counted, scope: str, priority: Priority) -> float:
        """Return until when such a call waits before it asks."""
        return max((heard.until for heard in self._of(slots, scope, priority)), default=-math.inf)

    def reasons(self, slots: Counted, scope: str, priority: Priority, now: float) -> Iterator[str]:
        """Yield what was heard lately of calls like this one."""
        return (heard.reason for heard in self._of(slots, scope, priority) if heard.is_news(now))

    def clear(self) -> None:
        """Forget all: the next call asks."""
        self.heard.clear()

    def _of(self, slots: Counted, scope: str, priority: Priority) -> Iterator[_Heard]:
        keys = [(slots, part, priority) for part in {"", scope}]
        return (self.heard[key] for key in keys if key in self.heard)
