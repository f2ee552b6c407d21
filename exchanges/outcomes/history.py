"""The history of completed calls: what they made. No waiting.

Reconciling must distinguish what an unknown call made from what known calls made, so every call that was executed is
recorded.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from attrs import field

from exchanges.intents import Intent
from exchanges.outcomes.clocks import REMEMBERED
from exchanges.outcomes.search import Match
from exchanges.values import define

MOST = 20_000
"""How many are remembered: what a limit of five calls a second makes in more than an hour, in some megabytes."""


def name_of(endpoint: str, made: str) -> str:
    """Return the name of what a call made, from its id at the exchange."""
    return f"{endpoint}:{made}"


def nameless_of(endpoint: str, likeness: str) -> str:
    """Return how the names begin of what calls of one likeness made whose answers contain no id."""
    return name_of(endpoint, f"~{likeness}:")


@define(eq=False)
class CallHistory:
    """The calls that were executed within the last day, and those that may have been; the last of them if many were.

    Attributes:
        since: Since when none was forgotten for want of room; None if none ever was.
    """

    since: datetime | None = None
    _under: dict[str, str] = field(factory=dict[str, str])
    _made: dict[str, tuple[datetime, str | None]] = field(factory=dict[str, "tuple[datetime, str | None]"])

    def note(self, intent: Intent, nameless: str, trace: Match | None, ended_at: datetime) -> str | None:
        """Record an executed call, and return the name of what it made; None if an earlier call made that."""
        name = nameless + intent.id if trace is None else name_of(intent.endpoint, trace.id)
        if name in self._made:
            return None
        return self.remember(name, ended_at, intent)

    def doubt(self, intent: Intent, nameless: str, at: datetime) -> str:
        """Record a call whose outcome will not be determined; return the name of what it may have made."""
        return self.remember(nameless + intent.id, at, None)

    def remember(self, name: str, at: datetime, intent: Intent | None) -> str:
        """Record for a day what was made, and by which call if that is certain; return its name."""
        self._made[name] = at, None if intent is None else intent.id
        # In order of time, but for clocks that were set: enough to keep the record small.
        while (first := next(iter(self._made.items())))[1][0] < at - REMEMBERED:
            del self._made[first[0]]
        if len(self._made) > MOST:
            oldest = next(iter(self._made))
            self.since = self._made.pop(oldest)[0]
        return name

    def note_id(self, client_id: str | None, made: str) -> None:
        """Record what was made under a client's id; nothing is known of one that was used twice."""
        if client_id is None:
            return
        self._under[client_id] = "" if self._under.get(client_id, made) != made else made
        if len(self._under) > MOST:
            del self._under[next(iter(self._under))]

    def made_under(self, client_id: str) -> str | None:
        """Return the exchange's id of what was made under a client's id; None if it is not known."""
        return self._under.get(client_id) or None

    def made_by(self, intent: Intent) -> str | None:
        """Return the name of what a call is known to have made."""
        return next((name for name, (_, maker) in self._made.items() if maker == intent.id), None)

    def __contains__(self, name: object) -> bool:
        """Whether something of that name is known to have been made."""
        return name in self._made

    def names(self, shown: Collection[str], nameless: str) -> frozenset[str]:
        """Return which of the names *shown* are known to have been made, and all that begin with *nameless*."""
        found = {name for name in shown if name in self._made}
        return frozenset(found.union(name for name in self._made if name.startswith(nameless)))
