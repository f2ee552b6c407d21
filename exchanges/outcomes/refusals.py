"""Refusals of too many calls: which answers are one, what they close, and for how long. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve

from exchanges import errors
from exchanges.endpoint import Endpoint
from exchanges.errors import Problem, quotable
from exchanges.http.answer import Answer
from exchanges.instrumentation.lines import Log
from exchanges.limits.lockouts import MAX_RETRY_AFTER_SECONDS, Refusal, default_seconds, retry_after_seconds
from exchanges.outcomes.attempt import Attempt

logger = Log(__name__)


def refusal_of(attempt: Attempt, answer: Answer, problem: Problem) -> Refusal | None:
    """Return for how long the answer closes the limit, or a part of it; None if it closes nothing."""
    api, status, values = attempt.call.endpoint.api, answer.status, attempt.call.texts
    if not issubclass(problem.kind, errors.RateLimited):
        return None
    argument = api.lockout_scopes.get(problem.code or "")
    if argument is not None and argument not in values:
        return None  # nobody knows which part is closed
    scope = "" if argument is None else values[argument]
    seconds = problem.retry_after_seconds
    if seconds is None and (header := answer.headers.get("retry-after")) is not None:
        seconds = retry_after_seconds(header, answer.headers.get("date"), datetime.now(UTC))
    reason = f"status {status}" + (f", code {quotable(problem.code, attempt.secrets)}" if problem.code else "")
    if seconds is None:
        refusals = attempt.refusals(scope)
        longest = api.max_lockout_seconds or api.lockout_seconds
        return Refusal(default_seconds(refusals, api.lockout_seconds, longest), scope=scope, reason=reason)
    if seconds > MAX_RETRY_AFTER_SECONDS:
        words = "%s: the exchange asks for %.0f s without calls; the limit is closed for %.0f s"
        logger.warning(words, attempt.call, seconds, MAX_RETRY_AFTER_SECONDS)
    seconds = min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
    return Refusal(seconds, is_explicit=True, scope=scope, reason=reason)


def timed(problem: Problem, answer: Answer, endpoint: Endpoint, refusal: Refusal | None) -> Problem:
    """Return *problem* with the time to wait, and whether its status proves it, if it is one of too many requests."""
    if not issubclass(problem.kind, errors.RateLimited):
        return problem
    seconds = None if refusal is None else refusal.seconds
    proves = problem.proves_not_executed or answer.status in endpoint.api.limit_statuses
    return evolve(problem, retry_after_seconds=seconds, proves_not_executed=proves)
