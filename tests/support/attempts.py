"""Attempts at a call as if the request had been signed, recorded and sent, without sending anything."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from exchanges.http.answer import Evidence
from exchanges.outcomes.attempt import Attempt

if TYPE_CHECKING:
    from exchanges.endpoint.call import PreparedCall
    from exchanges.http.request import Request
    from exchanges.http.signing import Stamp
    from exchanges.limits.limiter import Permit

__all__ = ["attempt_of"]


def attempt_of(call: PreparedCall, stamp: Stamp, request: Request, evidence: Evidence | None = None) -> Attempt:
    """Return an attempt that holds nothing: it was never admitted."""
    attempt = Attempt(call, cast("Permit", None), math.inf, evidence=evidence or Evidence())
    attempt.stamp, attempt.request = stamp, request
    attempt.intent = call.intent(datetime.fromtimestamp(stamp.timestamp_ms / 1000, UTC))
    return attempt
