"""Why a limit let a call wait in vain, in words: what holds its slots, and until when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from exchanges.errors import RateLimited, RateLimitTimeout
from exchanges.instrumentation.lines import Log
from exchanges.limits.limit import Limit, Window
from exchanges.limits.lockouts import Lockout
from exchanges.limits.windows import Slots

logger = Log("exchanges.limits.limiter")
WARN_SECONDS = 1.0


def in_words(limit: Limit) -> str:
    """Return the windows of a limit in words."""
    return ", ".join(map(str, limit.windows)) or "no windows"


def moment_in(seconds: float) -> datetime:
    """Return the moment in so many seconds (UTC)."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def clock_time(seconds: float) -> str:
    """Return in how many seconds something is, and at which time of the day."""
    return f"{seconds:.1f} s more, until {moment_in(seconds):%H:%M:%S} UTC"


def in_part(lockout: Lockout) -> str:
    """Return which part of a limit is closed, and what the exchange answered."""
    scope = f" for {lockout.scope}" * bool(lockout.scope)
    return f"{scope} ({lockout.reason})" if lockout.reason else scope


def closed_error(name: str, lockout: Lockout, now: float) -> RateLimited:
    """Build the error of a call that is not sent, as the exchange has named the moment until which it wants none."""
    seconds = lockout.until - now
    return RateLimited(
        f"the exchange has closed the limit {name}{in_part(lockout)} for {clock_time(seconds)}; nothing was sent",
        retry_at=moment_in(seconds),
    )


def warn_closed(name: str, lockout: Lockout, now: float) -> None:
    """Log that the exchange has closed a limit."""
    words = "limit %s: the exchange refused a call and closed it%s for %s"
    logger.warning(words, name, in_part(lockout), clock_time(lockout.until - now))


def closed_by(lockouts: Iterable[Lockout], now: float, *, is_cancel: bool) -> Iterator[str]:
    """Yield why the lockouts of a limit hold up a call, and until when."""
    for lockout in lockouts:
        until = min(lockout.until, lockout.opens_at(now, is_cancel=is_cancel))
        if until > now:
            yield f"the exchange closed it{in_part(lockout)} for {clock_time(until - now)}"
        elif now < lockout.trying_until < math.inf:
            seconds = lockout.trying_until - now
            yield f"the result of another call that tries it{in_part(lockout)} is awaited for {clock_time(seconds)}"


def used_up(certain_seconds: float) -> str:
    """Return that other processes leave no room, and for how long that is certain."""
    return "other processes use all of it" + f" for {clock_time(certain_seconds)}" * (certain_seconds > 0)


def held_by(counted: Slots, now: float, *, reserve: int) -> str:
    """Return what holds the slots of a window, and when the next of them comes free."""
    counted.free(now)  # drops those that have cooled
    parts = [
        f"{counted.in_flight} by calls in flight" * bool(counted.in_flight),
        f"{len(counted.cooling)} by calls that ended less than {counted.window.per_seconds:g} s ago"
        * bool(counted.cooling),
        f"{len(counted.lost)} by calls without an answer, the first for {clock_time(counted.lost[0] - now)}"
        if counted.lost
        else "",
        f"{reserve} kept for cancels" * bool(reserve),
    ]
    return f"of {counted.window}: {', '.join(filter(None, parts))}"


def timeout_error(reasons: Iterable[str], name: str, earliest: float, now: float) -> RateLimitTimeout:
    """Build the error of a call that cannot be sent in time."""
    why = "; ".join(reasons)
    return RateLimitTimeout(
        f"the limit {name} has no room before the deadline of the call ({why}); nothing was sent. "
        "Call less often, or pass a larger timeout_seconds",
        retry_at=moment_in(earliest - now) if now < earliest < math.inf else None,
    )


class Congestion:
    """Logs that calls wait for a limit: once per window, until nobody has waited for as long as the window."""

    def __init__(self) -> None:
        self._quiet_until: dict[Window, float] = {}

    def begins(self, window: Window, now: float) -> bool:
        """Whether a wait for *window* is the first."""
        if now < self._quiet_until.get(window, -math.inf):
            return False
        self._quiet_until[window] = math.inf
        return True

    def warn(self, name: str, window: Window, number: int, expected_seconds: float) -> None:
        """Log that *number* calls wait, unless it is only for a moment."""
        if number and expected_seconds > WARN_SECONDS:
            logger.warning(
                "limit %s (%s): %d calls wait, about %.1f s expected", name, window, number, expected_seconds
            )
        else:
            del self._quiet_until[window]

    def end(self, now: float) -> None:
        """Record that nobody waits any more."""
        if self._quiet_until:
            self._quiet_until = {window: min(at, now + window.per_seconds) for window, at in self._quiet_until.items()}
