"""Classification: which error an answer, or its absence, becomes, and whether the call is repeated. Pure.

The shape of the body decides first, by the exchange's own reader; the status decides only if the body says nothing.
For calls that are never repeated an answer is `Rejected` only if it proves that nothing was done; everything else is
`OutcomeUnknown`, with the error that it would have been as its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Unpack

from exchanges import errors
from exchanges.endpoint import Kind
from exchanges.endpoint.call import PreparedCall
from exchanges.errors import (
    DecodeError,
    ErrorFields,
    ExchangeError,
    NotSent,
    OutcomeUnknown,
    Problem,
    Unavailable,
    quotable,
)
from exchanges.http.answer import BadAnswer, Lost, ProxyRefused
from exchanges.intents import Phase
from exchanges.outcomes.attempt import Attempt

MAX_LOCKOUT_SECONDS = 3600.0
ATTEMPTS = 3
NONCE_ATTEMPTS = 4

_BY_STATUS: dict[int, type[ExchangeError]] = {
    401: errors.AuthenticationFailed,
    403: errors.Blocked,
    404: errors.NotFound,
    420: errors.RateLimited,
    429: errors.RateLimited,
}
_ADVICE: dict[type[ExchangeError], str] = {
    errors.AuthenticationFailed: "check the key, the secret and the client id",
    errors.PermissionDenied: "grant the key this permission at the exchange",
    errors.NonceRejected: (
        "another process or program uses this key, or it once used larger nonces: "
        "one key per process, or pass nonce_floor= with the largest nonce ever used"
    ),
    errors.RateLimited: "all calls under this limit wait until then",
    errors.Blocked: "a proxy in front of the exchange refused this address or request",
    errors.RedirectRefused: "check base_url; redirects are never followed",
}


def problem_of_status(status: int, *, is_json: bool) -> Problem:
    """Return what a status other than success means if the body has no error shape."""
    # A redirect is never followed: it would send the signed request to a server that was not asked for.
    if 300 <= status < 400:
        kind: type[ExchangeError] = errors.RedirectRefused
    elif status == 403 and is_json:
        kind = errors.PermissionDenied
    else:
        kind = _BY_STATUS.get(status, errors.Unavailable)
    return Problem(kind, proves_not_executed=kind is errors.RateLimited)


def transport_failure(
    attempt: Attempt, failure: Lost | None, reason: str = "no answer before the deadline"
) -> ExchangeError:
    """Return what it means that no complete answer came; *reason* is used if there is no *failure*."""
    call, endpoint = attempt.call, attempt.call.endpoint
    reason = reason if failure is None else str(failure)
    if attempt.evidence.nothing_left:
        error: ExchangeError = NotSent(
            f"{call}: {reason}; nothing was sent, it is safe to repeat", endpoint=endpoint.id
        )
    elif isinstance(failure, BadAnswer) and endpoint.kind is Kind.READ:
        error = DecodeError(f"{call}: {failure}", endpoint=endpoint.id)
    else:
        unavailable = Unavailable(f"{call}: {reason}; no complete answer arrived", endpoint=endpoint.id)
        unavailable.__cause__ = failure
        return unknown_outcome(attempt, unavailable, Phase.SENT if attempt.evidence.finished else Phase.MAYBE_SENT)
    error.__cause__ = failure
    return error


def cancelled(call: PreparedCall, *, is_closed: bool) -> ExchangeError:
    """Return what it means that the task was cancelled: a read at any moment, others before they were sent."""
    if call.endpoint.kind is Kind.READ:
        reason = "the client was closed" if is_closed else "its task was cancelled from outside"
        words = f"{call}: {reason} before the answer came"
        return errors.ReadFailed(words, endpoint=call.endpoint.id)
    words = f"{call}: its task was cancelled from outside before anything was sent; it is safe to repeat"
    return NotSent(words, endpoint=call.endpoint.id)


def rejection(attempt: Attempt, status: int, problem: Problem) -> ExchangeError:
    """Return what *problem* means for this call: of its own class if that is proven, secrets removed."""
    secrets = attempt.request.secrets
    text, code = quotable(problem.text, secrets), problem.code and quotable(problem.code, secrets)
    answered = f"{status}" + (f", code {code}" if code else "") + (f": {text}" if text else "")
    advice = _ADVICE.get(problem.kind)
    message = f"{attempt.call}: the exchange answered {answered}" + (f"; {advice}" if advice else "")
    endpoint = attempt.call.endpoint.id
    error = _error(problem, message, secrets, endpoint=endpoint, status=status, code=code, text=text or None)
    return error if problem.proves_not_executed else unknown_outcome(attempt, error)


def _error(problem: Problem, message: str, secrets: Iterable[str], **facts: Unpack[ErrorFields]) -> ExchangeError:
    if issubclass(problem.kind, errors.InvalidRequest):
        fields = {quotable(k, secrets): tuple(quotable(v, secrets) for v in vs) for k, vs in problem.fields.items()}
        return problem.kind(message, fields=fields, **facts)
    if issubclass(problem.kind, errors.RateLimited):
        wait = timedelta(seconds=problem.retry_after_seconds or 0.0)
        return problem.kind(message, retry_at=datetime.now(UTC) + wait, **facts)
    return problem.kind(message, **facts)


def unknown_outcome(attempt: Attempt, error: ExchangeError, phase: Phase = Phase.ANSWERED) -> ExchangeError:
    """Return what *error* means if it is no proof: for a call that is never repeated the outcome is unknown."""
    endpoint = attempt.call.endpoint
    if not endpoint.kind.is_once:
        # A cancel that the exchange does not know changed nothing; any other answer may have come after the change.
        error.may_have_executed = endpoint.kind is Kind.IDEMPOTENT and not isinstance(error, errors.NotFound)
        return error
    unknown = OutcomeUnknown(
        f"{attempt.call}: it may have been executed ({phase}); "
        f"await client.reconcile(error.intent) before you repeat it: {error}",
        intent=attempt.intent,
        nonce=attempt.stamp.nonce or None,
        phase=phase,
        endpoint=endpoint.id,
        status=error.status,
        code=error.code,
        text=error.text,
    )
    unknown.__cause__ = error
    return unknown


def final_error(call: PreparedCall, error: ExchangeError, doubtful: ExchangeError | None) -> ExchangeError:
    """Return what is raised after the last attempt; *doubtful* is an earlier failure that proves nothing."""
    endpoint = call.endpoint
    if endpoint.kind is Kind.READ and type(error) in (NotSent, Unavailable):
        final: ExchangeError = errors.ReadFailed(f"the read failed: {error}", endpoint=endpoint.id, status=error.status)
    elif endpoint.kind is not Kind.IDEMPOTENT or doubtful is None:
        return error
    elif isinstance(error, errors.NotFound):
        # The first attempt may have done it without an answer, so that the second finds nothing to do.
        error.args = (f"{error}; an earlier attempt may have done it: gone, filled or cancelled",)
        error.may_have_executed = True
        return error
    else:
        final = OutcomeUnknown(
            f"{call}: it may have been executed; it is safe to call it again ({error})",
            intent=call.intent(datetime.now(UTC)),
            endpoint=endpoint.id,
            status=error.status,
        )
    final.__cause__ = error
    return final


def lockout_seconds(problem: Problem, retry_after: str | None, default: float) -> float:
    """Return how long to send nothing: as the answer says, as its header says, or *default*; at most an hour."""
    seconds = problem.retry_after_seconds
    if seconds is None and retry_after is not None:
        seconds = _header_seconds(retry_after.strip())
    return min(max(default if seconds is None else seconds, 0.0), MAX_LOCKOUT_SECONDS)


def _header_seconds(value: str) -> float | None:
    if value.isascii() and value.isdigit():
        return float(value[:6])  # more digits are beyond the maximum, and may be thousands
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - most refusals name seconds, if anything

    try:
        moment = parsedate_to_datetime(value)
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


_REPEATED = (NotSent, Unavailable, errors.RateLimited, errors.NonceRejected)
# Subclasses of what is repeated that stay as they are until somebody changes something.
_NOT_REPEATED = (errors.Blocked, errors.RedirectRefused)


def repeatable(kind: Kind, error: ExchangeError, attempt: int) -> bool:
    """Whether a call of *kind* is sent again after attempt number *attempt* failed with *error*."""
    if kind not in (Kind.READ, Kind.IDEMPOTENT) or isinstance(error, _NOT_REPEATED):
        return False
    # A proxy that lacks a password stays so as well.
    if isinstance(error.__cause__, ProxyRefused) and error.__cause__.status == 407:
        return False
    attempts = NONCE_ATTEMPTS if isinstance(error, errors.NonceRejected) else ATTEMPTS
    return isinstance(error, _REPEATED) and attempt < attempts
