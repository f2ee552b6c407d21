"""The history of completed calls: what they made. No waiting.

Reconciling must distinguish what an unknown call made from what known calls made, so every call that was executed is
recorded.
"""

from __future__ import annotations

from datetime import datetime

from attrs import define, field

from exchanges.intents import Intent
from exchanges.outcomes.clocks import REMEMBERED
from exchanges.outcomes.search import Match


def name_of(endpoint: str, made: str) -> str:
    """Return the name of what a call made, from its id at the exchange."""
    return f"{endpoint}:{made}"


def _nameless(digest: str) -> str:
    return f"~{digest}:"


@define(eq=False)
class CallHistory:
    """The calls that were executed within the last day, and those that may have been."""

    _made: dict[str, tuple[datetime, Intent | None]] = field(factory=dict[str, "tuple[datetime, Intent | None]"])

    def note(self, intent: Intent, digest: str, trace: Match | None, ended_at: datetime) -> str | None:
        """Record an executed call, and return the name of what it made; None if an earlier call made that."""
        name = name_of(intent.endpoint, _nameless(digest) + intent.id if trace is None else trace.id)
        if name in self._made:
            return None
        return self.remember(name, ended_at, intent)

    def doubt(self, intent: Intent, digest: str, at: datetime) -> str:
        """Record a call whose outcome will not be determined; return the name of what it may have made."""
        return self.remember(name_of(intent.endpoint, _nameless(digest) + intent.id), at, None)

    def remember(self, name: str, at: datetime, intent: Intent | None) -> str:
        """Record for a day what was made, and by which call if that is certain; return its name."""
        self._made[name] = at, intent
        # In order of time, but for clocks that were set: enough to keep the record small.
        while (first := next(iter(self._made.items())))[1][0] < at - REMEMBERED:
            del self._made[first[0]]
        return name

    def made_by(self, intent: Intent) -> str | None:
        """Return the name of what a call is known to have made."""
        return next((name for name, (_, maker) in self._made.items() if maker == intent), None)

    def names(self) -> frozenset[str]:
        """Return the names of all that is known to have been made."""
        return frozenset(self._made)


def nameless(names: frozenset[str], endpoint: str, digest: str) -> int:
    """Count the *names* of calls that did the same, or may have, and whose answers contain no id."""
    return sum(name.startswith(name_of(endpoint, _nameless(digest))) for name in names)
