"""Classification: which error an answer, or its absence, becomes, and whether the call is repeated. Pure.

The shape of the body decides first, by the exchange's own reader. A status alone proves nothing, as anybody between may
have written it: a 404 does not say that an order is gone, nor a 401 that a key is wrong. An answer is `Rejected`, or
`NotFound`, only by the exchange's own table of errors. For calls that are never repeated everything else is
`OutcomeUnknown`, with the error that it would have been as its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Unpack

from attrs import evolve, fields, has

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
from exchanges.http.answer import Answer, BadAnswer, Lost, ProxyRefused, TimedOut
from exchanges.intents import Phase
from exchanges.outcomes.attempt import Attempt, Result
from exchanges.outcomes.received import received

ATTEMPTS = 3
NONCE_ATTEMPTS = 4

_BY_STATUS: dict[int, type[ExchangeError]] = {
    403: errors.Blocked,
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
    errors.Blocked: "a proxy in front of the exchange refused this address or request, or the exchange a feature",
    errors.RedirectRefused: "check base_url; redirects are never followed",
}


def problem_of_status(status: int) -> Problem:
    """Return what an answer means that has neither the shape of an error nor that of a success."""
    # A redirect is never followed: it would send the signed request to a server that was not asked for.
    if 300 <= status < 400:
        kind: type[ExchangeError] = errors.RedirectRefused
    elif 200 <= status < 300:
        kind = errors.Blocked  # a web page
    else:
        kind = _BY_STATUS.get(status, errors.Unavailable)
    return Problem(kind, proves_not_executed=False)


def transport_failure(
    attempt: Attempt, failure: Lost | None, reason: str = "no answer before the deadline"
) -> ExchangeError:
    """Return what it means that no complete answer came; *reason* is used if there is no *failure*."""
    call, endpoint = attempt.call, attempt.call.endpoint
    reason = reason if failure is None else str(failure)
    facts: ErrorFields = {"endpoint": endpoint.id, "host": call.host}
    if attempt.evidence.nothing_left:
        error: ExchangeError = NotSent(f"{call}: {reason}; nothing was sent, it is safe to repeat", **facts)
    elif isinstance(failure, BadAnswer) and endpoint.kind is Kind.READ:
        error = DecodeError(f"{call}: {failure}", **facts)
    else:
        unavailable = Unavailable(f"{call}: {reason}; no complete answer arrived", **facts)
        unavailable.__cause__ = failure
        return unknown_outcome(attempt, unavailable, Phase.SENT if attempt.evidence.finished else Phase.MAYBE_SENT)
    error.__cause__ = failure
    return error


def cancelled(call: PreparedCall, *, is_closed: bool) -> ExchangeError:
    """Return what it means that the task was cancelled: a read at any moment, others before they were sent."""
    if call.endpoint.kind is Kind.READ:
        reason = "the client was closed" if is_closed else "its task was cancelled from outside"
        words = f"{call}: {reason} before the answer came"
        return errors.ReadFailed(words, endpoint=call.endpoint.id, host=call.host)
    words = f"{call}: its task was cancelled from outside before anything was sent; it is safe to repeat"
    return NotSent(words, endpoint=call.endpoint.id, host=call.host)


def is_of_transport(attempt: Attempt) -> bool:
    """Whether an exception that an attempt raised comes from the code of a transport of the caller."""
    evidence = attempt.evidence
    return attempt.sent and not (attempt.complete or evidence.watched or evidence.nothing_left)


def failed(attempt: Attempt, fault: BaseException) -> ExchangeError:
    """Return what it means that something failed in this process, such as a module that could not be read."""
    call, evidence = attempt.call, attempt.evidence
    is_sent = attempt.sent and not evidence.nothing_left
    if call.endpoint.kind is Kind.READ or not is_sent:
        return failed_unsent(call.endpoint, str(call), fault, call.known_secrets, is_sent=is_sent)
    words = f"{call}: {_fault(fault, attempt.secrets)}; no answer was read"
    error = Unavailable(words, endpoint=call.endpoint.id, host=call.host)
    error.__cause__ = fault
    early = Phase.SENT if evidence.finished else Phase.MAYBE_SENT
    return unknown_outcome(attempt, error, Phase.ANSWERED if attempt.complete else early)


def failed_unsent(
    endpoint: Endpoint, call: str, fault: BaseException, secrets: tuple[str, ...] = (), *, is_sent: bool = False
) -> ExchangeError:
    """Return what it means that something failed in this process before a call was sent, or at any moment of a read."""
    kind = errors.ReadFailed if endpoint.kind is Kind.READ else NotSent
    rest = "no answer was read" if is_sent else "nothing was sent, it is safe to repeat"
    error = kind(f"{call}: {_fault(fault, secrets)}; {rest}", endpoint=endpoint.id)
    error.__cause__ = fault
    return error


def _fault(fault: BaseException, secrets: tuple[str, ...]) -> str:
    """Return the class of an exception, its text if that is of the system, and the line that raised it."""
    # The text of others may show what they were given.
    text = f" ({quotable(str(fault), secrets)})" if isinstance(fault, OSError | ImportError) else ""
    trace, place = fault.__traceback__, ""
    while trace is not None:
        place, trace = f" in {trace.tb_frame.f_globals.get('__name__')}, line {trace.tb_lineno}", trace.tb_next
    return f"unexpected {type(fault).__name__}{text}{place}"


def rejection(attempt: Attempt, answer: Answer, problem: Problem) -> ExchangeError:
    """Return what *problem* means for this call: of its own class if that is proven, secrets removed."""
    secrets = attempt.secrets
    text, code = quotable(problem.text, secrets), problem.code and quotable(problem.code, secrets)
    facts = _facts(attempt, answer)
    if text or code:
        words = (
            f"the exchange answered {answer.status}"
            + (f", code {code}" if code else "")
            + (f": {text}" if text else "")
        )
    else:
        words = f"{facts.get('received')} with status {answer.status} came in place of an answer"
    advice = _ADVICE.get(problem.kind)
    if problem.retry_after_seconds is not None:
        facts["retry_at"] = datetime.now(UTC) + timedelta(seconds=problem.retry_after_seconds)
        advice = f"the limit is closed until {facts['retry_at']:%Y-%m-%d %H:%M:%S} UTC"
    message = f"{attempt.call}: {words}" + (f"; {advice}" if advice else "")
    facts["code"], facts["text"] = code, text or None
    is_proof = _is_proof(attempt, problem)
    if not is_proof and not attempt.call.endpoint.kind.is_once and not issubclass(problem.kind, _WAITED_FOR):
        # Only as the cause of an `OutcomeUnknown` may a class say what would have been.
        problem = evolve(problem, kind=Unavailable) if issubclass(problem.kind, errors.Rejected) else problem
    error = _error(problem, message, secrets, **facts)
    return error if is_proof else unknown_outcome(attempt, error, made=problem.made)


_WAITED_FOR = (errors.RateLimited, errors.NonceRejected)
"""Classes that decide when, and with what, a call is sent again, proven or not."""


def _facts(attempt: Attempt, answer: Answer) -> ErrorFields:
    """Return what errors about *answer* carry beside code and text."""
    secrets = attempt.secrets
    content_type = answer.headers.get("content-type")
    return {
        "endpoint": attempt.call.endpoint.id,
        "host": attempt.call.host,
        "status": answer.status,
        "content_type": None if content_type is None else quotable(content_type, secrets),
        "received": received(answer, secrets),
    }


def _is_proof(attempt: Attempt, problem: Problem) -> bool:
    """Whether *problem* proves that this very request was not executed."""
    endpoint = attempt.call.endpoint
    if issubclass(problem.kind, errors.NotFound) and endpoint.kind.is_once and not (problem.code or problem.text):
        # Without words it says that what the path names is not there. A call that names nothing did not lack it.
        return problem.proves_not_executed and any(argument.in_path for argument in endpoint.arguments)
    if not problem.is_about_nonce or attempt.call.endpoint.kind is Kind.READ:
        return problem.proves_not_executed
    # Something between may have sent the request twice, so that the first was executed and the second refused. Only a
    # larger nonce of somebody else explains the refusal otherwise.
    nonce, floor = attempt.stamp.nonce, problem.nonce_floor
    is_explained = floor is not None and nonce.isdecimal() and floor > int(nonce)
    return problem.proves_not_executed and is_explained and not attempt.was_overtaken


def _error(problem: Problem, message: str, secrets: Iterable[str], **facts: Unpack[ErrorFields]) -> ExchangeError:
    if issubclass(problem.kind, errors.InvalidRequest):
        fields = {quotable(k, secrets): tuple(quotable(v, secrets) for v in vs) for k, vs in problem.fields.items()}
        return problem.kind(message, fields=fields, **facts)
    return problem.kind(message, **facts)


def undecodable(attempt: Attempt, answer: Answer, words: str) -> ExchangeError:
    """Return what it means that an answer with a status of success is not what the documents show."""
    facts = _facts(attempt, answer)
    kind = facts.get("content_type") or "no content type"
    message = f"{words}; {facts.get('received')} with status {answer.status} came from {facts.get('host')} ({kind})"
    return unknown_outcome(attempt, DecodeError(message, **facts))


def unknown_outcome(
    attempt: Attempt, error: ExchangeError, phase: Phase = Phase.ANSWERED, *, made: str | None = None
) -> ExchangeError:
    """Return what *error* means if it is no proof: for a call that is never repeated the outcome is unknown."""
    endpoint = attempt.call.endpoint
    if not endpoint.kind.is_once:
        error.may_have_executed = endpoint.kind.is_idempotent
        return error
    look = "await client.reconcile(error.intent)" if endpoint.is_declared else "look at the exchange"
    unknown = OutcomeUnknown(
        f"{attempt.call}: it may have been executed ({phase}); {look} before you repeat it: {error}",
        intent=attempt.intent,
        nonce=attempt.stamp.nonce or None,
        phase=phase,
        made=made,
        **_facts_of(error),
    )
    unknown.__cause__ = error
    return unknown


def _facts_of(error: ExchangeError) -> ErrorFields:
    """Return what *error* carries, for the error that it becomes the cause of."""
    return {
        "endpoint": error.endpoint,
        "host": error.host,
        "status": error.status,
        "code": error.code,
        "text": error.text,
        "content_type": error.content_type,
        "received": error.received,
        "retry_at": error.retry_at,
    }


def final_error(call: PreparedCall, error: ExchangeError, doubtful: ExchangeError | None) -> ExchangeError:
    """Return what is raised after the last attempt; *doubtful* is an earlier failure that proves nothing."""
    kind = call.endpoint.kind
    if kind is Kind.READ and type(error) in (NotSent, Unavailable):
        final: ExchangeError = errors.ReadFailed(f"the read failed: {error}", **_facts_of(error))
    elif not kind.is_idempotent or doubtful is None:
        return error
    else:
        advice = "it is safe to call it again"
        if isinstance(error, errors.NotFound):
            # The first attempt may have done it without an answer, so that the second finds nothing to do.
            advice = "an earlier attempt may have done it: gone, filled or cancelled; read it"
        words = f"{call}: it may have been executed; {advice} ({error})"
        final = OutcomeUnknown(words, intent=call.intent(datetime.now(UTC)), **_facts_of(error))
    final.__cause__ = error
    return final


def done_before(call: PreparedCall, result: Result, doubtful: ExchangeError | None) -> ExchangeError | None:
    """Return that a cancel found nothing, if its answer names nothing although an earlier attempt may have done it."""
    if doubtful is None or call.endpoint.kind is not Kind.CANCEL or not _names_nothing(result.value):
        return None
    words = f"{call}: the answer names nothing that was cancelled"
    return errors.NotFound(words, endpoint=call.endpoint.id, status=result.status)


def _names_nothing(value: object) -> bool:
    """Return whether a value is an empty list, or an object of empty lists beside which it says yes or no at most."""
    kind: type[Any] = type(value)
    parts: list[object] = [getattr(value, part.name) for part in fields(kind)] if has(kind) else [value]
    rest = [part for part in parts if part not in ([], ())]
    return len(rest) < len(parts) and all(part is None or isinstance(part, bool) for part in rest)


def _is_lasting(status: int) -> bool:
    return 400 <= status < 500 and status not in (408, 425)  # timeout; too early


_REPEATED = (NotSent, Unavailable, errors.RateLimited, errors.NonceRejected)
# Subclasses of what is repeated that stay as they are until somebody changes something.
_NOT_REPEATED = (errors.Blocked, errors.RedirectRefused)


def out_of_time(error: ExchangeError) -> bool:
    """Whether an attempt ended without sending anything because its time was over."""
    return isinstance(error, errors.RateLimitTimeout) or (
        isinstance(error, NotSent) and isinstance(error.__cause__, TimedOut)
    )


def repeatable(kind: Kind, error: ExchangeError, attempt: int) -> bool:
    """Whether a call of *kind* is sent again after attempt number *attempt* failed with *error*."""
    if kind.is_once or isinstance(error, _NOT_REPEATED):
        return False
    # So do a path that is missing, and a proxy that lacks a password.
    if isinstance(error, Unavailable) and error.status is not None and _is_lasting(error.status):
        return False
    if isinstance(error.__cause__, ProxyRefused) and error.__cause__.status == 407:
        return False
    attempts = NONCE_ATTEMPTS if isinstance(error, errors.NonceRejected) else ATTEMPTS
    return isinstance(error, _REPEATED) and attempt < attempts
