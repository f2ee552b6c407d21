"""Lockouts: for how long an exchange has closed a limit, and who may try it meanwhile. Values, without waiting.

Theory. A refusal that names a time is believed: nothing is sent before it. Without a time the length is a guess, and a
guess must not keep an order on the book. So one cancel at a time may probe the exchange, 5, 10, 20 and 40 seconds after
the limit was closed and then every minute. Only an answer by which the exchange judged the call counts: it opens the
limit for cancels. All other calls wait for the end of the lockout, and then one of them goes first, a read if one
waits. A refusal after the limit was closed is one more in a row, which makes the next guess longer; refusals of calls
that were sent before belong to the first.

A lockout is kept after its end, until an answer shows that the exchange takes calls again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from attrs import evolve

from exchanges.values import frozen

MAX_RETRY_AFTER_SECONDS = 3600.0
PROBE_SECONDS = (5.0, 10.0, 20.0, 40.0)
PROBE_EVERY_SECONDS = 60.0
_MAX_DIGITS = 12
_TOLERANCE_SECONDS = 1e-3


@frozen
class Refusal:
    """That the exchange refused a call because there were too many.

    Attributes:
        seconds: How long the limit is closed from now on.
        is_explicit: Whether the exchange named that time.
        scope: The calls that it closes, such as those of one market; empty: all calls of the limit.
        reason: What the exchange answered, for messages.
    """

    seconds: float
    is_explicit: bool = False
    scope: str = ""
    reason: str = ""


@frozen
class Lockout:
    """A limit, or a part of it, that the exchange has closed. Moments are in seconds on one monotonic clock.

    Attributes:
        scope: The calls that it closes; empty: all calls of the limit.
        reason: What the exchange answered.
        is_explicit: Whether the exchange named its end.
        began: When the limit was closed.
        until: Its end.
        refusals: How many refusals there were in a row.
        tried_at: When the last probe was sent; *began* before the first.
        trying_until: Until when a probe, or the first call after the end, is under way; in the past if none is.
        is_open_to_cancels: Whether a probe was answered.
    """

    scope: str
    reason: str
    is_explicit: bool
    began: float
    until: float
    refusals: int
    tried_at: float
    trying_until: float = -math.inf
    is_open_to_cancels: bool = False

    def is_over(self, now: float) -> bool:
        """Whether its time has passed."""
        return now >= self.until

    def opens_at(self, now: float, *, is_cancel: bool) -> float:
        """Return when it admits such a call, if nothing is heard before; not after *now* if it admits one now."""
        moment = self.may_open_at(now, is_cancel=is_cancel)
        if not self.is_tried_by(max(moment, now), is_cancel=is_cancel):
            return moment
        # While another call tries it, only the end opens it to cancels, and nothing to others.
        return min(self.until, max(moment, self.trying_until)) if is_cancel else max(moment, self.trying_until)

    def may_open_at(self, now: float, *, is_cancel: bool) -> float:
        """Return a moment before which it certainly admits no such call; *now* while another call tries it."""
        if self.is_explicit:
            return self.until
        if not is_cancel:
            return max(self.until, now)
        if self.is_open_to_cancels or self.is_over(now) or self.trying_until > now:
            return now
        return min(self.until, self._next_probe_at())

    def is_tried_by(self, now: float, *, is_cancel: bool) -> bool:
        """Whether a call that it admits now is a probe, or the first after the end: others wait for its result."""
        if self.is_explicit:
            return False
        return not (is_cancel and (self.is_open_to_cancels or self.is_over(now)))

    def tried(self, now: float, until: float) -> Lockout:
        """Return it with a call under way that tries it, until it ends or *until*."""
        return evolve(self, tried_at=now, trying_until=until)

    def answered(self, now: float, sent_at: float, *, is_judged: bool) -> Lockout | None:
        """Return it after a call has ended that was sent at *sent_at*; None if it is over and done with.

        Args:
            now: The moment.
            sent_at: When the call was granted. One from before the lockout shows nothing.
            is_judged: Whether the exchange itself has judged the call, other than by a refusal.
        """
        # In the moment in which the limit is closed nothing is granted any more.
        if not is_judged or sent_at <= self.began:
            return self
        return None if self.is_over(now) else evolve(self, is_open_to_cancels=True)

    def _next_probe_at(self) -> float:
        # A probe is sent at its moment, but a difference of two moments is not exact.
        waited = self.tried_at - self.began + _TOLERANCE_SECONDS
        last = PROBE_SECONDS[-1]
        later = last + PROBE_EVERY_SECONDS * (math.floor((waited - last) / PROBE_EVERY_SECONDS) + 1)
        return self.began + next((seconds for seconds in PROBE_SECONDS if seconds > waited), later)


def refused(old: Lockout | None, refusal: Refusal, now: float, sent_at: float) -> Lockout:
    """Return the lockout after a refusal of a call that was sent at *sent_at*; *old* is the one before, if any."""
    until = now + max(refusal.seconds, 0.0)
    if old is None:
        return Lockout(refusal.scope, refusal.reason, refusal.is_explicit, now, until, 1, now)
    refusals = refusals_before(old, sent_at) + 1
    if old.is_over(now):
        return Lockout(refusal.scope, refusal.reason, refusal.is_explicit, now, until, refusals, now)
    # Of two guesses, or two times that the exchange named, the later end holds; a named time replaces a guess.
    if refusal.is_explicit == old.is_explicit:
        later = refusal if until >= old.until else old
        until = max(until, old.until)
    else:
        later = refusal if refusal.is_explicit else old
        until = until if refusal.is_explicit else old.until
    return evolve(
        old,
        reason=later.reason,
        is_explicit=later.is_explicit,
        until=until,
        refusals=max(old.refusals, refusals),
        is_open_to_cancels=old.is_open_to_cancels and sent_at <= old.began,
    )


def refusals_before(lockout: Lockout | None, sent_at: float) -> int:
    """Return how many refusals in a row there were before a call that was sent at *sent_at*."""
    if lockout is None:
        return 0
    # Calls that were in flight together are refused together: that is one refusal, not several in a row.
    return lockout.refusals if sent_at > lockout.began else lockout.refusals - 1


def default_seconds(refusals: int, first: float, longest: float) -> float:
    """Return how long a limit is closed after a refusal without a time, if there were *refusals* in a row before."""
    return min(first * 2.0 ** min(refusals, 60), longest)


def retry_after_seconds(value: str, date: str | None, now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` names, rounded up; None if it names none, or a moment in the past.

    Args:
        value: Digits with or without a fraction, or a date.
        date: The ``Date`` of the same answer, from which a date is counted: the clocks may differ.
        now: Our time (UTC), for an answer without a ``Date``.
    """
    text = value.strip()
    whole, dot, fraction = text.partition(".")
    if whole.isascii() and whole.isdigit() and (not dot or (fraction.isascii() and fraction.isdigit())):
        # More digits are beyond any maximum, and may be thousands.
        return float(whole[:_MAX_DIGITS]) + bool(fraction.strip("0")) if len(whole) <= _MAX_DIGITS else math.inf
    moment, answered = _moment(text), None if date is None else _moment(date.strip())
    if moment is None:
        return None
    seconds = (moment - (answered or now)) / timedelta(seconds=1)
    return seconds if seconds > 0 else None


def _moment(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - most refusals name seconds, if anything

    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC)
    except (ValueError, TypeError, OverflowError):
        return None


class Lockouts:
    """The lockouts of one limit.

    Attributes:
        by_scope: All of them, be they over.
    """

    def __init__(self, lockouts: Iterable[Lockout] = ()) -> None:
        self.by_scope = {lockout.scope: lockout for lockout in lockouts}

    def __bool__(self) -> bool:
        """Whether there is any, be it over."""
        return bool(self.by_scope)

    def __iter__(self) -> Iterator[Lockout]:
        """Iterate over all."""
        return iter(list(self.by_scope.values()))

    def of(self, scope: str) -> Iterator[Lockout]:
        """Iterate over those that hold up a call of *scope*."""
        return (self.by_scope[name] for name in {"", scope} if name in self.by_scope)

    def clear(self) -> None:
        """Forget all."""
        self.by_scope.clear()

    def is_over(self, now: float) -> bool:
        """Whether all of them are over."""
        return all(lockout.is_over(now) for lockout in self)

    def is_trial(self, now: float) -> bool:
        """Whether a lockout of the whole limit is over, but no answer has shown yet that the exchange takes calls."""
        lockout = self.by_scope.get("")
        return lockout is not None and not lockout.is_explicit and lockout.is_over(now)

    def opens_at(self, scope: str, now: float, *, is_cancel: bool) -> float:
        """Return when a call is admitted, if nothing is heard before; not after *now* if it is admitted now."""
        return max((lockout.opens_at(now, is_cancel=is_cancel) for lockout in self.of(scope)), default=now)

    def may_open_at(self, scope: str, now: float, *, is_cancel: bool) -> float:
        """Return a moment before which a call is certainly not admitted."""
        return max((lockout.may_open_at(now, is_cancel=is_cancel) for lockout in self.of(scope)), default=now)

    def named(self, scope: str, now: float) -> Lockout | None:
        """Return the lockout with the latest end that the exchange has named; None if there is none."""
        named = [lockout for lockout in self.of(scope) if lockout.is_explicit and not lockout.is_over(now)]
        return max(named, key=lambda lockout: lockout.until, default=None)

    def refusals(self, scope: str, sent_at: float) -> int:
        """Return how many refusals in a row there were before a call that was sent at *sent_at*."""
        return refusals_before(self.by_scope.get(scope), sent_at)

    def refuse(self, refusal: Refusal, now: float, sent_at: float) -> tuple[Lockout, bool]:
        """Record a refusal; return the lockout, and whether it is longer than before."""
        before = self.by_scope.get(refusal.scope)
        self.by_scope[refusal.scope] = lockout = refused(before, refusal, now, sent_at)
        return lockout, before is None or before.until < lockout.until

    def try_(self, scope: str, now: float, until: float, *, is_cancel: bool) -> dict[str, float]:
        """Record that a call is sent whose end others await until then at most.

        Returns:
            The lockouts that it tries, by scope, with the moment of the try before.
        """
        tried = {x.scope: x.tried_at for x in self.of(scope) if x.is_tried_by(now, is_cancel=is_cancel)}
        for name in tried:
            self.by_scope[name] = self.by_scope[name].tried(now, until)
        return tried

    def settle(
        self, scope: str, tried: Mapping[str, float], now: float, *, sent_at: float, sent: bool, is_judged: bool
    ) -> None:
        """Record the end of a call that was sent at *sent_at*, and tried what `try_` returned."""
        for lockout in list(self.of(scope)):
            left: Lockout | None = lockout
            if lockout.scope in tried:
                # A probe that was never sent leaves its moment to the next one.
                tried_at = lockout.tried_at if sent else min(lockout.tried_at, tried[lockout.scope])
                left = evolve(lockout, trying_until=-math.inf, tried_at=tried_at)
            left = left and left.answered(now, sent_at, is_judged=is_judged)
            if left is None:
                del self.by_scope[lockout.scope]
            else:
                self.by_scope[lockout.scope] = left
