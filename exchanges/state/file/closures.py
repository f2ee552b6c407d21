"""Lockouts that all processes share: see `exchanges.state.closures`. Each is one row of the file of a state.

The process whose call tries a lockout is written beside it, so that the others go on without it if it dies.
"""

from __future__ import annotations

import json
import math
from sqlite3 import Connection

from attrs import astuple, evolve

from exchanges.limits.lockouts import Lockout, Lockouts
from exchanges.limits.waits import Wait
from exchanges.state import closures
from exchanges.state.closures import KEPT_SECONDS
from exchanges.state.leases import LeaseEnd, LeaseRequest


def wait(data: Connection, request: LeaseRequest, now: float) -> Wait | None:
    """Return how long the lockouts do not admit a call; None if they admit it now.

    Raises:
        RateLimited: The exchange has named an end.
    """
    return closures.wait(_read(data, request.place, now), request, now)


def enter(data: Connection, request: LeaseRequest, now: float, holder: str) -> tuple[int, dict[str, float]]:
    """Record which lockouts a call tries that is granted now; return what `exchanges.state.closures.enter` does."""
    lockouts = _read(data, request.place, now)
    if not lockouts:
        return 0, {}
    refusals, tried = closures.enter(lockouts, request, now)
    _write(data, request.place, lockouts)
    for scope in tried:
        query = "UPDATE lockouts SET holder = ? WHERE place = ? AND scope = ?"
        data.execute(query, (holder, request.place, scope))
    return refusals, tried


def leave(data: Connection, end: LeaseEnd, now: float) -> None:
    """Record what the end of a call shows."""
    place = end.record.request.place
    lockouts = _read(data, place, now)
    if lockouts or end.refusal is not None:
        closures.leave(lockouts, end, now)
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
