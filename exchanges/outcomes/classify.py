"""Answer to exception: what an answer, or its absence, proves and how it is told. Nothing here waits or sends.

The body's shape decides first, by the exchange's own reader; the status decides only where the body says nothing.
For calls that change something an answer is `Rejected` only if it proves that nothing was done; everything else is
`OutcomeUnknown`, with the error that it would have been as its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Unpack

from attrs import frozen

from exchanges import errors
from exchanges.endpoint import Endpoint, Kind
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
from exchanges.http.request import Request
from exchanges.http.signing import Stamp
from exchanges.http.transport import BadAnswer, Evidence, Lost
from exchanges.intents import Intent, Phase

__all__ = [
    "Sent",
    "cancelled",
    "final_error",
    "lockout_seconds",
    "problem_of_status",
    "rejection",
    "repeatable",
    "transport_failure",
    "unknown_outcome",
    "without_traceback",
]

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
    errors.PermissionDenied: "give the key this permission at the exchange",
    errors.NonceRejected: (
        "another process or program uses this key, or it once used larger nonces: "
        "one key per process, or pass nonce_floor= with the largest nonce ever used"
    ),
    errors.RateLimited: "all calls that meet this limit wait until then",
    errors.Blocked: "a proxy in front of the exchange refused this address or request",
    errors.RedirectRefused: "check base_url; redirects are never followed",
}


def problem_of_status(status: int, *, is_json: bool) -> Problem | None:
    """Tell what a status says when the body is in no error shape; None for success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        kind: type[ExchangeError] = errors.RedirectRefused
    elif status == 403 and is_json:
        kind = errors.PermissionDenied
    else:
        kind = _BY_STATUS.get(status, errors.Unavailable)
    return Problem(kind, proves_not_executed=kind is errors.RateLimited)


@frozen(eq=False, repr=False)
class Sent:
    """One request that was signed and handed over, and what is known of its way."""

    call: PreparedCall
    stamp: Stamp
    request: Request
    evidence: Evidence

    @cached_property
    def intent(self) -> Intent:
        """What it was to do."""
        return self.call.intent(datetime.fromtimestamp(self.stamp.timestamp_ms / 1000, UTC))

    @cached_property
    def digest(self) -> str:
        """The same for calls that would do the same."""
        return self.call.digest

    @property
    def phase(self) -> Phase:
        """How far it came, as long as there is no answer."""
        return Phase.SENT if self.evidence.finished else Phase.MAYBE_SENT

    @property
    def endpoint(self) -> Endpoint:
        """What is called."""
        return self.call.endpoint

    def __str__(self) -> str:
        """Name the call as messages begin."""
        return str(self.call)


def transport_failure(sent: Sent, failure: Lost | None, reason: str = "no answer before the deadline") -> ExchangeError:
    """Tell what no complete answer means; *reason* says it where there is no *failure*."""
    endpoint = sent.endpoint
    reason = reason if failure is None else str(failure)
    if sent.evidence.nothing_left:
        error: ExchangeError = NotSent(
            f"{sent}: {reason}; nothing was sent, it is safe to repeat", endpoint=endpoint.id
        )
    elif isinstance(failure, BadAnswer) and endpoint.kind is Kind.READ:
        error = DecodeError(f"{sent}: {failure}", endpoint=endpoint.id)
    else:
        silence = Unavailable(f"{sent}: {reason}; no complete answer arrived", endpoint=endpoint.id)
        error = unknown_outcome(sent, silence, sent.phase)
    (error.__cause__ or error).__cause__ = failure
    return error


def cancelled(call: PreparedCall) -> ExchangeError:
    """Tell what it means that a task was cancelled: a read as its client closes, anything else before it went."""
    if call.endpoint.kind is Kind.READ:
        words = f"{call}: the client was closed before the answer came"
        return errors.ReadFailed(words, endpoint=call.endpoint.id)
    words = f"{call}: its task was cancelled from outside before anything was sent; it is safe to repeat"
    return NotSent(words, endpoint=call.endpoint.id)


def rejection(sent: Sent, status: int, problem: Problem) -> ExchangeError:
    """Tell what *problem* means for this call: of its own class where that is proven, secrets removed."""
    secrets = sent.request.secrets
    text, code = quotable(problem.text, secrets), problem.code and quotable(problem.code, secrets)
    said = f"{status}" + (f", code {code}" if code else "") + (f": {text}" if text else "")
    advice = _ADVICE.get(problem.kind)
    message = f"{sent}: the exchange answered {said}" + (f"; {advice}" if advice else "")
    error = _made(problem, message, secrets, endpoint=sent.endpoint.id, status=status, code=code, text=text or None)
    return error if problem.proves_not_executed else unknown_outcome(sent, error)


def _made(problem: Problem, message: str, secrets: Iterable[str], **facts: Unpack[ErrorFields]) -> ExchangeError:
    if issubclass(problem.kind, errors.InvalidRequest):
        fields = {quotable(k, secrets): tuple(quotable(v, secrets) for v in vs) for k, vs in problem.fields.items()}
        return problem.kind(message, fields=fields, **facts)
    if issubclass(problem.kind, errors.RateLimited):
        wait = timedelta(seconds=problem.retry_after_seconds or 0.0)
        return problem.kind(message, retry_at=datetime.now(UTC) + wait, **facts)
    return problem.kind(message, **facts)


def unknown_outcome(sent: Sent, error: ExchangeError, phase: Phase = Phase.ANSWERED) -> ExchangeError:
    """Tell what *error* means where it is no proof: for a call that is never repeated the outcome is unknown."""
    endpoint = sent.endpoint
    if not endpoint.kind.is_once:
        # A cancel that the exchange does not know changed nothing; any other answer may have come after the deed.
        error.may_have_executed = endpoint.kind is Kind.IDEMPOTENT and not isinstance(error, errors.NotFound)
        return error
    unknown = OutcomeUnknown(
        f"{sent}: it may have been executed ({phase}); "
        f"await client.reconcile(error.intent) before you repeat it: {error}",
        intent=sent.intent,
        nonce=sent.stamp.nonce or None,
        phase=phase,
        endpoint=endpoint.id,
        status=error.status,
        code=error.code,
        text=error.text,
    )
    unknown.__cause__ = error
    return unknown


def final_error(call: PreparedCall, error: ExchangeError, doubtful: ExchangeError | None) -> ExchangeError:
    """Tell the caller after the last attempt; *doubtful* is an earlier failure that proves nothing."""
    endpoint = call.endpoint
    if endpoint.kind is Kind.READ and type(error) in (NotSent, Unavailable):
        told: ExchangeError = errors.ReadFailed(f"the read failed: {error}", endpoint=endpoint.id, status=error.status)
    elif endpoint.kind is not Kind.IDEMPOTENT or doubtful is None:
        return error
    elif isinstance(error, errors.NotFound):
        error.args = (f"{error}; an earlier attempt may have done it: gone, filled or cancelled",)
        error.may_have_executed = True
        return error
    else:
        told = OutcomeUnknown(
            f"{call}: it may have been executed; it is safe to call it again ({error})",
            intent=call.intent(datetime.now(UTC)),
            endpoint=endpoint.id,
            status=error.status,
        )
    told.__cause__ = error
    return told


def without_traceback(error: ExchangeError) -> ExchangeError:
    """Let go of the frames and foreign exceptions behind *error*: they hold the answer, which may echo a secret."""
    behind: BaseException | None = error
    while behind is not None:
        behind.__context__ = behind.__traceback__ = None
        behind = behind.__cause__
    return error


def lockout_seconds(problem: Problem, retry_after: str | None, default: float) -> float:
    """Find how long to leave the exchange alone: its own word, the header, or *default*; at most an hour."""
    seconds = problem.retry_after_seconds
    if seconds is None and retry_after is not None:
        seconds = _header_seconds(retry_after.strip())
    return min(max(default if seconds is None else seconds, 0.0), MAX_LOCKOUT_SECONDS)


def _header_seconds(value: str) -> float | None:
    if value.isascii() and value.isdigit():
        return float(value[:6])
    try:
        moment = parsedate_to_datetime(value)
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


_REPEATED = (NotSent, Unavailable, errors.RateLimited, errors.NonceRejected)
_NOT_REPEATED = (errors.Blocked, errors.RedirectRefused)


def repeatable(kind: Kind, error: ExchangeError, attempt: int) -> bool:
    """Decide whether a call of *kind* whose attempt number *attempt* failed with *error* goes once more."""
    if kind not in (Kind.READ, Kind.IDEMPOTENT) or isinstance(error, _NOT_REPEATED):
        return False
    attempts = NONCE_ATTEMPTS if isinstance(error, errors.NonceRejected) else ATTEMPTS
    return isinstance(error, _REPEATED) and attempt < attempts
