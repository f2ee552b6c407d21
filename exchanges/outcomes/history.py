"""The history of completed calls: what they made, and how far the exchange's clock is from ours. No waiting.

Reconciling must distinguish what an unknown call made from what known calls made, so every call that was executed is
recorded. If its answer contains a time, that bounds the offset of the clocks: what the answer shows was made after the
request was sent and before the answer came. Our own clock may be set while a program runs, that of the loop never is;
so every time of ours comes with its *zero*: what our clock showed, or would have shown, when that of the loop was zero.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field, frozen

from exchanges.intents import Intent
from exchanges.outcomes.search import MAX_SKEW, Match

SLACK = timedelta(seconds=2)
"""Exchanges round times to whole seconds, and may not take them at the moment at which the call is executed."""
REMEMBERED = timedelta(days=1)
"""How long it is remembered what a call made."""


def name_of(endpoint: str, made: str) -> str:
    """Return the name of what a call made, from its id at the exchange."""
    return f"{endpoint}:{made}"


def _nameless(digest: str) -> str:
    return f"~{digest}:"


@frozen
class ClockOffset:
    """How far the exchange's clock is ahead of ours.

    Attributes:
        least: At least by this.
        most: At most by this.
    """

    least: timedelta = -MAX_SKEW
    most: timedelta = MAX_SKEW

    def moved(self, by: timedelta) -> ClockOffset:
        """Return the offset for a clock of ours that is set back *by* that much."""
        return ClockOffset(self.least + by, self.most + by)


@define(eq=False)
class CallHistory:
    """The calls that were executed within the last day, and those that may have been."""

    _clocks: dict[str, tuple[ClockOffset, datetime]] = field(factory=dict[str, "tuple[ClockOffset, datetime]"])
    _made: dict[str, tuple[datetime, Intent | None]] = field(factory=dict[str, "tuple[datetime, Intent | None]"])

    def clock(self, endpoint: str, zero: datetime, max_skew: timedelta = MAX_SKEW) -> ClockOffset:
        """Return the offset of the clock that times of *endpoint* are from, to ours with this *zero*.

        Generations of an API may use different time zones, so each has an offset of its own, from its last answer. One
        without an answer so far may have that of any other.
        """
        known = {api: clock.moved(then - zero) for api, (clock, then) in self._clocks.items()}
        clocks = (ClockOffset(-max_skew, max_skew), *known.values())
        assumed = ClockOffset(min(c.least for c in clocks), max(c.most for c in clocks))
        return known.get(_api_of(endpoint), assumed)

    def note(self, intent: Intent, digest: str, trace: Match | None, ended_at: datetime, zero: datetime) -> str | None:
        """Record an executed call, and return the name of what it made; None if an earlier call made that."""
        name = name_of(intent.endpoint, _nameless(digest) + intent.id if trace is None else trace.id)
        if name in self._made:
            return None
        if trace is not None and trace.at is not None:
            clock = ClockOffset(trace.at - ended_at - SLACK, trace.at - intent.at + SLACK)
            self._clocks[_api_of(intent.endpoint)] = clock, zero
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


def _api_of(endpoint: str) -> str:
    """Return the generation of the API: all but area and call."""
    return endpoint.rsplit(".", 2)[0]
