"""Interpretation of a complete answer: a value or an error, and what it says about limits and nonces. Pure.

Only errors of our own tree come out of here, and none of them holds the answer itself, which may echo a secret.

An answer that repeats something else than its request belongs to another request. Exchanges repeat amounts with other
numbers of decimals and words in other cases; what differs by more than that is a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, DecimalException
from enum import Enum
from typing import Any

from attrs import evolve, field, frozen

from exchanges import errors
from exchanges.endpoint import Endpoint
from exchanges.endpoint.call import PreparedCall
from exchanges.endpoint.tracebacks import strip
from exchanges.errors import DecodeError, ExchangeError, Problem
from exchanges.http.transport import Answer
from exchanges.outcomes.attempt import Sent
from exchanges.outcomes.classify import lockout_seconds, problem_of_status, rejection, unknown_outcome
from exchanges.wire import Deviation, Json
from exchanges.wire.converter import Wire

__all__ = ["Result", "interpret", "mismatches"]

CENTS = -2
"""Exponent of the coarsest rounding that is taken for the same amount."""


def _stripped(error: ExchangeError | None) -> ExchangeError | None:
    return None if error is None else strip(error)


@frozen(eq=False, repr=False)
class Result:
    """How one attempt ended.

    Attributes:
        value: The decoded answer, if there is no error.
        error: What went wrong, without the frames behind it: it may be kept for long.
        status: HTTP status of the answer; None if none came.
        closed_seconds: How long the exchange asks to send nothing; None if it does not ask.
        nonce_floor: The largest nonce that the exchange says it has seen; None if it does not say.
    """

    value: Any = None
    error: ExchangeError | None = field(default=None, converter=_stripped)
    status: int | None = None
    closed_seconds: float | None = None
    nonce_floor: int | None = None


def interpret(sent: Sent, answer: Answer, wire: Wire) -> Result:
    """Classify and decode a complete answer."""
    problem = None
    try:
        problem, value = _read(sent, answer, wire)
        if problem is None:
            return Result(value, status=answer.status)
        failure = rejection(sent, answer.status, problem)
    except DecodeError as error:
        failure = unknown_outcome(sent, error)
    except Exception as fault:  # noqa: BLE001 - a reader that fails on an unexpected answer must not hide an outcome
        words = f"{sent.call}: unexpected {type(fault).__name__} while reading the answer"
        failure = unknown_outcome(sent, DecodeError(words, endpoint=sent.call.endpoint.id))
    if problem is None:
        return Result(error=failure, status=answer.status)
    return Result(None, failure, answer.status, problem.retry_after_seconds, problem.nonce_floor)


def _read(sent: Sent, answer: Answer, wire: Wire) -> tuple[Problem | None, Any]:
    endpoint, status = sent.call.endpoint, answer.status
    if 200 <= status < 300:
        # Large lists of rows have a faster way, which also finds out whether the answer is such a list.
        rows = wire.rows(answer.body, endpoint.answer)
        if rows is not None:
            return None, rows
    content, fault = _content(endpoint, answer)
    problem = None if fault else endpoint.api.read_problem(status, content)
    problem = problem or problem_of_status(status, is_json=fault is None)
    if problem is not None:
        return _timed(problem, answer, endpoint), None
    value = _decode(endpoint, content, fault, wire)
    if endpoint.kind.is_once and (names := mismatches(sent.call, value)):
        words = f"{endpoint.id}: the answer does not match the request: {', '.join(names)}"
        raise DecodeError(words, endpoint=endpoint.id)
    return None, value


def _timed(problem: Problem, answer: Answer, endpoint: Endpoint) -> Problem:
    """Return *problem* with the time to wait, if it is one of too many requests."""
    if not issubclass(problem.kind, errors.RateLimited):
        return problem
    seconds = lockout_seconds(problem, answer.headers.get("retry-after"), endpoint.api.lockout_seconds)
    return evolve(problem, retry_after_seconds=seconds)


def _decode(endpoint: Endpoint, content: Json, fault: str | None, wire: Wire) -> Any:
    if fault is None:
        try:
            payload = endpoint.api.payload(content)
        except Deviation as deviation:
            fault = deviation.expected
        else:
            return wire.structure(payload, endpoint.answer, endpoint.id, exact=endpoint.kind.is_once)
    raise DecodeError(f"{endpoint.id}: expected {fault}", endpoint=endpoint.id)


def _content(endpoint: Endpoint, answer: Answer) -> tuple[Json, str | None]:
    """Parse the body as declared; return it, or what was expected."""
    try:
        # An error is JSON even where a good answer is text.
        if endpoint.text and answer.status < 300:
            return answer.body.decode(), None
        return endpoint.api.decode(endpoint, answer.status, answer.body), None
    except UnicodeDecodeError:
        return None, "text in UTF-8"
    except Deviation as deviation:
        return None, deviation.expected


def mismatches(call: PreparedCall, value: Any) -> list[str]:
    """Return the fields of the answer *value* that contradict *call*; fields that it does not repeat are fine."""
    return [name for name, expected in _expected(call) if not _same(expected, getattr(value, name, None))]


def _expected(call: PreparedCall) -> Iterator[tuple[str, Any]]:
    yield from call.endpoint.echoes.items()
    for argument in call.endpoint.arguments:
        echo = argument.name if argument.param.echo == "=" else argument.param.echo
        if echo is not None and not argument.param.secret and argument.name in call.values:
            yield echo, call.values[argument.name]


def _same(expected: Any, found: Any) -> bool:
    """Compare a rendered argument with a decoded field; kinds that cannot be compared are fine."""
    expected = expected.value if isinstance(expected, Enum) else expected
    found = found.value if isinstance(found, Enum) else found
    if isinstance(found, Decimal):
        number = _number(expected)
        return number is None or number == found or _is_rounded(found, number)
    if isinstance(found, str | int) and isinstance(expected, str | int):
        # An exchange may return a word in another case.
        return str(found).strip().casefold() == str(expected).strip().casefold()
    return True


def _number(value: Json) -> Decimal | None:
    try:
        return Decimal(str(value))
    except DecimalException:
        return None


def _is_rounded(found: Decimal, expected: Decimal) -> bool:
    """Whether *found* is *expected* with fewer decimals, but at least cents."""
    digits = found.as_tuple().exponent
    return isinstance(digits, int) and digits <= CENTS and abs(found - expected) < Decimal(1).scaleb(digits)
