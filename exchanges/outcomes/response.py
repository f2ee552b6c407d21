"""A complete answer to what it says: a value, or an error of ours, and what it tells of limits and nonces. Pure.

Nothing but an error of our own tree comes out of an answer, and none of them holds on to the answer itself: it may
echo a secret.
"""

from __future__ import annotations

from typing import Any, get_origin

from attrs import evolve, frozen

from exchanges import errors
from exchanges.endpoint import Endpoint
from exchanges.errors import DecodeError, ExchangeError, Problem
from exchanges.http.transport import Answer
from exchanges.outcomes.classify import (
    Sent,
    lockout_seconds,
    problem_of_status,
    rejection,
    unknown_outcome,
    without_traceback,
)
from exchanges.outcomes.echoes import mismatches
from exchanges.wire import Deviation, Json, loads
from exchanges.wire.converter import Wire

__all__ = ["Result", "interpret"]


@frozen(eq=False)
class Result:
    """What an answer says.

    Attributes:
        value: What was asked for, decoded, where there is no error.
        error: What went wrong.
        closed_seconds: How long the exchange wants to be left alone; None where it does not say.
        nonce_floor: The largest nonce that it says it has seen; None where it does not say.
    """

    value: Any = None
    error: ExchangeError | None = None
    closed_seconds: float | None = None
    nonce_floor: int | None = None


def interpret(sent: Sent, answer: Answer, wire: Wire) -> Result:
    """Judge and decode a complete answer."""
    problem = None
    try:
        problem, value = _read(sent, answer, wire)
        if problem is None:
            return Result(value)
        failure = rejection(sent, answer.status, problem)
    except DecodeError as error:
        failure = unknown_outcome(sent, error)
    except Exception as fault:  # noqa: BLE001 - a reader that an answer takes by surprise must not hide an outcome
        words = f"{sent}: the answer took its reader by surprise ({type(fault).__name__})"
        failure = unknown_outcome(sent, DecodeError(words, endpoint=sent.endpoint.id))
    if problem is None:
        return Result(error=without_traceback(failure))
    return Result(None, without_traceback(failure), problem.retry_after_seconds, problem.nonce_floor)


def _read(sent: Sent, answer: Answer, wire: Wire) -> tuple[Problem | None, Any]:
    endpoint, status = sent.endpoint, answer.status
    if 200 <= status < 300:
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
        raise DecodeError(
            f"{endpoint.id}: the answer speaks of something else: {', '.join(names)}", endpoint=endpoint.id
        )
    return None, value


def _timed(problem: Problem, answer: Answer, endpoint: Endpoint) -> Problem:
    """Say how long the exchange wants to be left alone, where that is what it wants."""
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


# Faults are told as words: an exception would keep the frames that it came through, and the answer with them.


def _content(endpoint: Endpoint, answer: Answer) -> tuple[Json, str | None]:
    """Read the body as what it is declared to be; or say what it should have been."""
    if endpoint.text and answer.status < 300:
        return _text(answer.body)
    if endpoint.api.blank_lists and get_origin(endpoint.answer) is list and answer.status == 200 and not answer.body:
        return [], None
    return _json(answer.body)


def _text(body: bytes) -> tuple[Json, str | None]:
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, "text in UTF-8"


def _json(body: bytes) -> tuple[Json, str | None]:
    try:
        return loads(body), None
    except Deviation as deviation:
        return None, deviation.expected
