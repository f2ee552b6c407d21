"""What calls of this client are known to have made, and what that says of the exchange's clock. No waiting.

Reconciling must tell what an unknown call made from what known calls made, so every call that went well is noted. An
answer that names a moment tells besides how far the clocks are apart: what it shows was made after the request left
and before the answer came. Our own clock may be set while a program runs, the clock of the loop never is; so a moment
of ours goes with its *zero*: what our clock showed, or would have shown, when the loop's stood at zero.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field, frozen

from exchanges.intents import Intent
from exchanges.outcomes.search import MAX_SKEW, Match

__all__ = ["MAX_SKEW", "REMEMBERED", "CallHistory", "ClockOffset", "name_of", "nameless"]

SLACK = timedelta(seconds=2)
"""Moments are told in whole seconds, and the one who notes them is not the one who counts."""
REMEMBERED = timedelta(days=1)
"""How long what was made is told apart."""


def name_of(endpoint: str, made: str) -> str:
    """Name what a call made, by its id at the exchange."""
    return f"{endpoint}:{made}"


def _nameless(digest: str) -> str:
    return f"~{digest}:"


@frozen
class ClockOffset:
    """How much more the exchange's clock shows than ours.

    Attributes:
        least: At least so much.
        most: At most so much.
    """

    least: timedelta = -MAX_SKEW
    most: timedelta = MAX_SKEW

    def moved(self, by: timedelta) -> ClockOffset:
        """Tell the same of a clock of ours that shows less by so much."""
        return ClockOffset(self.least + by, self.most + by)


@define(eq=False)
class CallHistory:
    """The calls that went well within the last day, and those that may have."""

    _clocks: dict[str, tuple[ClockOffset, datetime]] = field(factory=dict[str, "tuple[ClockOffset, datetime]"])
    _made: dict[str, tuple[datetime, Intent | None]] = field(factory=dict[str, "tuple[datetime, Intent | None]"])

    def clock(self, endpoint: str, zero: datetime, max_skew: timedelta = MAX_SKEW) -> ClockOffset:
        """Tell how far the clock that moments of *endpoint* are told by is from ours with this *zero*.

        Generations of an API may tell moments in different zones, so each has its clock, as its last answer told; one
        that never told may be as any of the others.
        """
        known = {api: clock.moved(then - zero) for api, (clock, then) in self._clocks.items()}
        clocks = (ClockOffset(-max_skew, max_skew), *known.values())
        assumed = ClockOffset(min(c.least for c in clocks), max(c.most for c in clocks))
        return known.get(_api_of(endpoint), assumed)

    def note(self, intent: Intent, digest: str, trace: Match | None, ended_at: datetime, zero: datetime) -> str:
        """Remember a call that went well; give the name under which it is remembered."""
        if trace is not None and trace.at is not None:
            clock = ClockOffset(trace.at - ended_at - SLACK, trace.at - intent.at + SLACK)
            self._clocks[_api_of(intent.endpoint)] = clock, zero
        made = trace.id if trace is not None else _nameless(digest) + intent.id
        return self.remember(name_of(intent.endpoint, made), ended_at, intent)

    def doubt(self, intent: Intent, digest: str, at: datetime) -> str:
        """Remember a call that may have gone well, though nobody will find out: it can have made what looks like it."""
        return self.remember(name_of(intent.endpoint, _nameless(digest) + intent.id), at, None)

    def remember(self, name: str, at: datetime, intent: Intent | None) -> str:
        """Remember for a day what was made, and by which call if that is certain."""
        self._made[name] = at, intent
        while (first := next(iter(self._made.items())))[1][0] < at - REMEMBERED:
            del self._made[first[0]]
        return name

    def knows(self, endpoint: str, made: str) -> bool:
        """Whether a call of *endpoint* is known to have made it."""
        return name_of(endpoint, made) in self._made

    def made_by(self, intent: Intent) -> str | None:
        """Name what a call is known to have made."""
        return next((name for name, (_, maker) in self._made.items() if maker == intent), None)

    def names(self) -> frozenset[str]:
        """Name everything that is known to have been made."""
        return frozenset(self._made)


def nameless(names: frozenset[str], endpoint: str, digest: str) -> int:
    """Count among *names* the calls that did the same, or may have, and whose answers name no id."""
    return sum(name.startswith(name_of(endpoint, _nameless(digest))) for name in names)


def _api_of(endpoint: str) -> str:
    """Name the generation of the API: all but area and call."""
    return endpoint.rsplit(".", 2)[0]
