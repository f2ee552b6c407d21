"""What lockouts that several processes share mean for a call: see `exchanges.limits.lockouts`. Values, without waiting.

Of the calls of all processes one at a time tries a lockout that is a guess.
"""

from __future__ import annotations

from exchanges.limits.lockouts import Lockouts
from exchanges.limits.reasons import closed_by, closed_error
from exchanges.limits.waits import LOOK_SECONDS, Wait
from exchanges.state.leases import LeaseEnd, LeaseRequest

TRIED_SECONDS = 0.5
"""How long a call that waits for the result of another one's try waits before it looks again."""
KEPT_SECONDS = 86400.0
"""How long a lockout is kept after its end if no answer deletes it: it counts the refusals in a row."""


def wait(lockouts: Lockouts, request: LeaseRequest, now: float) -> Wait | None:
    """Return how long the lockouts do not admit a call; None if they admit it now.

    Raises:
        RateLimited: The exchange has named an end.
    """
    named = lockouts.named(request.scope, now)
    if named is not None:
        raise closed_error(request.name, named, now)
    scope, is_cancel = request.scope, request.is_cancel
    seconds = lockouts.opens_at(scope, now, is_cancel=is_cancel) - now
    if seconds <= 0:
        return None
    is_tried = any(lockout.trying_until > now for lockout in lockouts.of(scope))
    latest = max(lockouts.of(scope), key=lambda lockout: lockout.opens_at(now, is_cancel=is_cancel))
    return Wait(
        min(seconds, TRIED_SECONDS if is_tried else LOOK_SECONDS),
        max(lockouts.may_open_at(scope, now, is_cancel=is_cancel) - now, 0.0),
        latest.scope,
        "; ".join(closed_by(lockouts.of(scope), now, is_cancel=is_cancel)),
    )


def enter(lockouts: Lockouts, request: LeaseRequest, now: float) -> tuple[int, dict[str, float]]:
    """Record in *lockouts* which of them a call tries that is granted now.

    Returns:
        How many refusals in a row there were before it, and what `Lockouts.try_` returns.
    """
    refusals = max(lockouts.refusals(scope, now) for scope in ("", request.scope))
    return refusals, lockouts.try_(request.scope, now, now + request.lease_seconds, is_cancel=request.is_cancel)


def leave(lockouts: Lockouts, end: LeaseEnd, now: float) -> None:
    """Record in *lockouts* what the end of a call shows."""
    record, sent_at = end.record, end.record.granted_at
    lockouts.settle(record.request.scope, record.tries, now, sent_at=sent_at, sent=end.sent, is_judged=end.is_judged)
    if end.refusal is not None:
        lockouts.refuse(end.refusal, now, sent_at)
