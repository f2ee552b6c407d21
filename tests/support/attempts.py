"""Attempts at a call as if the request had been signed, recorded and sent, without sending anything."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from exchanges.http.answer import Evidence
from exchanges.limits.limit import Limit, Scope
from exchanges.limits.limiter import Connections, Lane, Limiter, Permit
from exchanges.outcomes.attempt import Attempt

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from exchanges.endpoint.call import PreparedCall
    from exchanges.http.request import Request
    from exchanges.http.signing import Stamp

__all__ = ["attempt_of"]


def attempt_of(call: PreparedCall, stamp: Stamp, request: Request, evidence: Evidence | None = None) -> Attempt:
    """Return an attempt that holds nothing: it was never admitted."""
    limiter = Limiter(Limit("test", (), Scope.ADDRESS))
    permit = Permit(limiter, Lane(Connections(1)), 0.0, cast("AbstractEventLoop", None))
    attempt = Attempt(call, permit, math.inf, evidence=evidence or Evidence())
    attempt.stamp, attempt.request = stamp, request
    attempt.intent = call.intent(datetime.fromtimestamp(stamp.timestamp_ms / 1000, UTC))
    return attempt
