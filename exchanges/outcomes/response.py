"""Interpretation of a complete answer: a value or an error, and what it says about limits and nonces. Pure.

Only errors of our own tree come out of here, and none of them holds the answer itself, which may echo a secret.

An answer that repeats something else than its request belongs to another request. Exchanges repeat amounts with other
numbers of decimals and words in other cases; what differs by more than that is a mismatch.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from enum import Enum
from typing import Any

from attrs import evolve

from exchanges import errors
from exchanges.endpoint import Access, Endpoint
from exchanges.endpoint.call import PreparedCall
from exchanges.errors import DecodeError, Problem
from exchanges.http.answer import Answer
from exchanges.outcomes.attempt import Attempt, Result
from exchanges.outcomes.classify import lockout_seconds, problem_of_status, rejection, unknown_outcome
from exchanges.wire import Deviation, Json, loads
from exchanges.wire.codecs import without_mark
from exchanges.wire.converter import Wire

CENTS = -2
"""Exponent of the coarsest rounding that is taken for the same amount."""


def interpret(attempt: Attempt, answer: Answer, wire: Wire) -> Result:
    """Classify and decode a complete answer."""
    problem = None
    try:
        problem, value = _read(attempt, answer, wire)
        if problem is None:
            return Result(value, status=answer.status)
        failure = rejection(attempt, answer.status, problem)
    except DecodeError as error:
        failure = unknown_outcome(attempt, error)
    except Exception as fault:  # noqa: BLE001 - a reader that fails on an unexpected answer must not hide an outcome
        words = f"{attempt.call}: unexpected {type(fault).__name__} while reading the answer"
        failure = unknown_outcome(attempt, DecodeError(words, endpoint=attempt.call.endpoint.id))
    if problem is None:
        return Result(error=failure, status=answer.status)
    return Result(None, failure, answer.status, problem.retry_after_seconds, problem.nonce_floor)


def _read(attempt: Attempt, answer: Answer, wire: Wire) -> tuple[Problem | None, Any]:
    endpoint, status = attempt.call.endpoint, answer.status
    if answer.rows is not None:
        return None, answer.rows.result()
    if 200 <= status < 300:
        # Large lists of rows have a faster way, which also finds out whether the answer is such a list.
        rows = wire.rows(answer.body, endpoint.answer)
        if rows is not None:
            return None, rows
    content, fault = _content(endpoint, answer)
    problem = None if fault else endpoint.api.read_problem(status, content)
    if problem is None and not 200 <= status < 300:
        problem = problem_of_status(status, is_json=fault is None)
    if problem is not None:
        return _timed(problem, answer, endpoint), None
    value = _decode(endpoint, content, fault, wire)
    if endpoint.kind.is_once and (names := mismatches(attempt.call, value)):
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
            payload = content if endpoint.api.payload is None else endpoint.api.payload(content)
        except Deviation as deviation:
            fault = deviation.expected
        else:
            # A list of the account is evidence of what a call did, and never loses a row.
            is_public = endpoint.access is Access.PUBLIC
            return wire.structure(
                payload, endpoint.answer, endpoint.id, exact=endpoint.kind.is_once, set_apart=is_public
            )
    raise DecodeError(f"{endpoint.id}: expected {fault}", endpoint=endpoint.id)


def _content(endpoint: Endpoint, answer: Answer) -> tuple[Json, str | None]:
    """Parse the body as declared; return it, or what was expected."""
    try:
        # An error is JSON even where a good answer is text.
        if endpoint.text and answer.status < 300:
            return without_mark(answer.body).decode(), None
        decode = endpoint.api.decode
        return loads(answer.body) if decode is None else decode(endpoint, answer.status, answer.body), None
    except UnicodeDecodeError:
        return None, "text in UTF-8"
    except Deviation as deviation:
        return None, deviation.expected


def mismatches(call: PreparedCall, value: Any) -> list[str]:
    """Return the fields of the answer *value* that contradict *call*; fields that it does not repeat are fine."""
    echoed = [(a.echo, call.values[a.name]) for a in call.endpoint.arguments if a.echo and a.name in call.values]
    expected = [*call.endpoint.echoes.items(), *echoed]
    return [name for name, sent in expected if not _same(sent, getattr(value, name, None))]


def _same(expected: Any, found: Any) -> bool:
    """Compare a rendered argument with a decoded field; kinds that cannot be compared are fine."""
    expected = expected.value if isinstance(expected, Enum) else expected
    found = found.value if isinstance(found, Enum) else found
    if isinstance(found, Decimal):
        try:
            number = Decimal(str(expected))
        except DecimalException:
            return True
        return number == found or _is_rounded(found, number)
    if isinstance(found, str | int) and isinstance(expected, str | int):
        # An exchange may return a word in another case.
        return str(found).strip().casefold() == str(expected).strip().casefold()
    return True


def _is_rounded(found: Decimal, expected: Decimal) -> bool:
    """Whether *found* is *expected* with fewer decimals, but at least cents."""
    digits = found.as_tuple().exponent
    return isinstance(digits, int) and digits <= CENTS and abs(found - expected) < Decimal(1).scaleb(digits)
