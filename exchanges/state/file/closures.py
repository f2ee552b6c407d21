"""Lockouts that all processes share: see `exchanges.limits.lockouts`. Each is one row of the file of a state.

Of the calls of all processes one at a time tries a lockout that is a guess. The process that does is written beside it,
so that the others go on without it if it dies.
"""

from __future__ import annotations

import json
import math
from sqlite3 import Connection

from attrs import astuple, evolve

from exchanges.limits.lockouts import Lockout, Lockouts
from exchanges.limits.reasons import closed_by, closed_error
from exchanges.limits.waits import LOOK_SECONDS, Wait
from exchanges.state.file.leases import LeaseEnd, LeaseRequest

TRIED_SECONDS = 0.5
"""How long a call that waits for the result of another one's try waits before it looks again."""
KEPT_SECONDS = 86400.0
"""How long a lockout is kept after its end if no answer deletes it: it counts the refusals in a row."""


def wait(data: Connection, request: LeaseRequest, now: float) -> Wait | None:
    """Return how long the lockouts do not admit a call; None if they admit it now.

    Raises:
        RateLimited: The exchange has named an end.
    """
    lockouts = _read(data, request.place, now)
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


def enter(data: Connection, request: LeaseRequest, now: float, holder: str) -> tuple[int, dict[str, float]]:
    """Record which lockouts a call tries that is granted now.

    Returns:
        How many refusals in a row there were before it, and what `Lockouts.try_` returns.
    """
    lockouts = _read(data, request.place, now)
    if not lockouts:
        return 0, {}
    refusals = max(lockouts.refusals(scope, now) for scope in ("", request.scope))
    tried = lockouts.try_(request.scope, now, now + request.lease_seconds, is_cancel=request.is_cancel)
    _write(data, request.place, lockouts)
    for scope in tried:
        query = "UPDATE lockouts SET holder = ? WHERE place = ? AND scope = ?"
        data.execute(query, (holder, request.place, scope))
    return refusals, tried


def leave(data: Connection, end: LeaseEnd, now: float) -> None:
    """Record what the end of a call shows."""
    record, place, sent_at = end.record, end.record.request.place, end.record.granted_at
    lockouts = _read(data, place, now)
    if not lockouts and end.refusal is None:
        return
    scope = record.request.scope
    lockouts.settle(scope, record.tries, now, sent_at=sent_at, sent=end.sent, is_judged=end.is_judged)
    if end.refusal is not None:
        lockouts.refuse(end.refusal, now, sent_at)
    _write(data, place, lockouts)


def listed(data: Connection, place: int, now: float) -> tuple[Lockout, ...]:
    """List those that are not over."""
    return tuple(lockout for lockout in _read(data, place, now) if not lockout.is_over(now))


def end_tries(data: Connection, holder: str) -> None:
    """Go on without a process that died during its try."""
    for place, body in data.execute("SELECT place, body FROM lockouts WHERE holder = ?", (holder,)).fetchall():
        _put(data, place, evolve(_parse(body), trying_until=-math.inf))
    data.execute("UPDATE lockouts SET holder = '' WHERE holder = ?", (holder,))


def rebase(data: Connection, now: float, *, is_other_boot: bool) -> None:
    """Move what another boot wrote to the clock of this one: it starts again, as nobody knows how much is over."""
    for place, body in data.execute("SELECT place, body FROM lockouts").fetchall():
        lockout = _parse(body)
        if is_other_boot or lockout.began > now:
            until = now + lockout.until - lockout.began
            _put(data, place, evolve(lockout, began=now, until=until, tried_at=now, trying_until=-math.inf))


def _read(data: Connection, place: int, now: float) -> Lockouts:
    rows = data.execute("SELECT body FROM lockouts WHERE place = ? ORDER BY scope", (place,))
    return Lockouts(lockout for (body,) in rows if now < (lockout := _parse(body)).until + KEPT_SECONDS)


def _write(data: Connection, place: int, lockouts: Lockouts) -> None:
    kept = list(lockouts)
    for (scope,) in data.execute("SELECT scope FROM lockouts WHERE place = ?", (place,)).fetchall():
        if scope not in {lockout.scope for lockout in kept}:
            data.execute("DELETE FROM lockouts WHERE place = ? AND scope = ?", (place, scope))
    for lockout in kept:
        _put(data, place, lockout)


def _put(data: Connection, place: int, lockout: Lockout) -> None:
    data.execute(
        "INSERT INTO lockouts (place, scope, body) VALUES (?, ?, ?) "
        "ON CONFLICT (place, scope) DO UPDATE SET body = excluded.body",
        (place, lockout.scope, json.dumps(astuple(lockout))),
    )


def _parse(body: str) -> Lockout:
    return Lockout(*json.loads(body))
