"""Which limits the calls of a polled source count against, where the limiters can see it.

`exchanges.poll` sets the `Pace` of a source while it asks it; the session notes the limiter of every call in it. A
source may make several calls, and against several limits, so the number is kept per limiter and per round.
"""

from __future__ import annotations

from contextvars import ContextVar

from attrs import field

from exchanges.limits.limiter import Limiter
from exchanges.values import define


@define(eq=False, repr=False)
class Pace:
    """The calls that one source makes per round, by limiter.

    Attributes:
        every_seconds: From one round to the next.
        calls: How many calls one round makes.
    """

    every_seconds: float
    calls: dict[Limiter, int] = field(factory=dict[Limiter, int])
    _round: dict[Limiter, int] = field(factory=dict[Limiter, int])

    def note(self, limiter: Limiter) -> None:
        """Count one call that is about to be made."""
        self._round[limiter] = self._round.get(limiter, 0) + 1
        # A round that makes more calls than the last raises the demand at once, one that makes fewer when it ends.
        self._expect(limiter, max(self._round[limiter], self.calls.get(limiter, 0)))

    def end_round(self) -> None:
        """Start the next round, which is expected to make as many calls as this one."""
        if self._round:
            self.end()
            calls, self.calls, self._round = self._round, {}, {}
            for limiter, number in calls.items():
                self._expect(limiter, number)

    def end(self) -> None:
        """Remove the demand of this source from the limiters."""
        for limiter in self.calls:
            limiter.demand.pop(self, None)

    def _expect(self, limiter: Limiter, number: int) -> None:
        self.calls[limiter] = number
        limiter.demand[self] = number / self.every_seconds


pace: ContextVar[Pace | None] = ContextVar("pace", default=None)
"""Set while `exchanges.poll` asks a source."""
