"""What is left of a limit, for people and programs that look at it."""

from __future__ import annotations

from datetime import datetime

from exchanges.limits.limit import Scope, Window
from exchanges.limits.lockouts import Lockout
from exchanges.limits.reasons import moment_in
from exchanges.limits.windows import Slots
from exchanges.values import frozen


@frozen
class WindowStatus:
    """What is left of one window.

    Attributes:
        window: How many calls in how many seconds.
        free: Slots that are free now, those for cancels among them.
        kept_for_cancels: How many of them only cancels take.
        next_free_at: When one more comes free (UTC); None if all are free, or if it depends on calls in flight.
    """

    window: Window
    free: int
    kept_for_cancels: int
    next_free_at: datetime | None


@frozen
class ClosedStatus:
    """That the exchange has closed a limit, or a part of it.

    Attributes:
        scope: The market for which it is closed; empty: for all calls.
        until: The end (UTC): named by the exchange, or a guess.
        reason: What the exchange answered.
        is_explicit: Whether the exchange named the end. Otherwise cancels probe before it.
        is_open_to_cancels: Whether a probe was answered, so that cancels are sent.
    """

    scope: str
    until: datetime
    reason: str
    is_explicit: bool
    is_open_to_cancels: bool


@frozen
class LimitStatus:
    """What is left of one limit.

    Attributes:
        name: Of the limit.
        scope: What shares it.
        windows: All of them apply at once; empty without a limit.
        waiting: How many calls of this process wait, for this limit and those within it.
        closed: Why and until when it is closed; empty if it is open.
    """

    name: str
    scope: Scope
    windows: tuple[WindowStatus, ...]
    waiting: int
    closed: tuple[ClosedStatus, ...]

    @property
    def free(self) -> int | None:
        """Calls that may be sent now, cancels among them; None without a limit."""
        return min((window.free for window in self.windows), default=None)

    @property
    def closed_until(self) -> datetime | None:
        """When all calls are admitted again (UTC); None if it is open."""
        return max((closed.until for closed in self.closed if not closed.scope), default=None)


def window_status(slots: Slots, now: float, *, reserve: int) -> WindowStatus:
    """Return what is left of a window."""
    free = slots.free(now)
    # While no call has ended it is not known when one will.
    is_known = bool(slots.cooling or slots.lost)
    next_free_at = moment_in(slots.next_free(now) - now) if is_known else None
    return WindowStatus(slots.window, free, reserve, next_free_at)


def closed_status(lockout: Lockout, now: float) -> ClosedStatus:
    """Return that a limit is closed."""
    until = moment_in(lockout.until - now)
    return ClosedStatus(lockout.scope, until, lockout.reason, lockout.is_explicit, lockout.is_open_to_cancels)
