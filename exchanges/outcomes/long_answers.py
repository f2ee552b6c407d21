"""Interpretation of long answers in steps, so that the event loop is never held for long. Pure, like `interpret`.

An answer that takes a few milliseconds is interpreted at once. A longer one is taken apart: what surrounds its long
lists is interpreted like any answer, and then the lists are read piece by piece. What can neither be read at once nor
be taken apart is refused: no exchange sends an object, an error or the answer to an order of that size.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from attrs import evolve

from exchanges.endpoint.definition import PUBLIC, READ
from exchanges.errors import quotable
from exchanges.outcomes.attempt import Result
from exchanges.outcomes.classify import undecodable
from exchanges.outcomes.response import contradiction, interpret
from exchanges.wire import Deviation, large_lists
from exchanges.wire.codecs import is_heavy
from exchanges.wire.long_lists import LongLists

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint
    from exchanges.http.answer import Answer
    from exchanges.outcomes.attempt import Attempt
    from exchanges.wire.converter import Wire
    from exchanges.wire.piecewise import Report
    from exchanges.wire.row_cutter import RowCutter

__all__ = ["cutter_of", "interpret_in_steps", "is_long"]

MAX_AT_ONCE = 1024 * 1024
"""Memory of the values of an answer that is read at once."""
MAX_ROWS_AT_ONCE = 4 * MAX_AT_ONCE
"""The same where there is a fast path."""


def cutter_of(endpoint: Endpoint, wire: Wire) -> RowCutter | None:
    """Return what reads a large answer to *endpoint* while it arrives; None if it gives none."""
    if endpoint.kind is not READ or not large_lists.is_sequence(endpoint.answer):
        return None
    return large_lists.cutter_of(wire, endpoint.answer, endpoint.id, _report_of(endpoint, wire))


def is_long(answer: Answer) -> bool:
    """Whether *answer* takes too long to be interpreted at once."""
    return is_heavy(answer.body, MAX_AT_ONCE)


def interpret_in_steps(attempt: Attempt, answer: Answer, wire: Wire) -> Generator[None, None, Result]:
    """Classify and decode a long answer."""
    endpoint = attempt.call.endpoint
    is_success = answer.status in endpoint.api.success_statuses
    if endpoint.text and is_success:
        return interpret(attempt, answer, wire)  # nothing is parsed
    lists = LongLists(endpoint.answer, wire, _report_of(endpoint, wire))
    # Of a single object in a list an empty list would mean that there is none.
    if endpoint.kind.is_once or endpoint.single or not is_success:
        lists.refusal = "an answer with fewer values"
        return interpret(attempt, answer, wire, lists)
    if endpoint.kind is READ and not is_heavy(answer.body, MAX_ROWS_AT_ONCE):
        rows = wire.rows(answer.body, endpoint.answer)
        yield
        if rows is not None:
            return _consistent(attempt, answer, Result(rows, status=answer.status, is_judged=True))
    yield from lists.split(answer.body)
    result = interpret(attempt, answer, wire, lists)
    if result.error is not None:
        return result
    try:
        return _consistent(attempt, answer, evolve(result, value=(yield from lists.fill(result.value))))
    except Deviation as deviation:
        words = f"{endpoint.id}{quotable(deviation.place)}: expected {deviation.expected}"
        return Result(error=undecodable(attempt, answer, words), status=answer.status)


def _consistent(attempt: Attempt, answer: Answer, result: Result) -> Result:
    words = contradiction(attempt.call, result.value)
    return result if words is None else Result(error=undecodable(attempt, answer, words), status=answer.status)


def _report_of(endpoint: Endpoint, wire: Wire) -> Report | None:
    # A list of the account is evidence of what a call did, and never loses a row.
    return wire.report_of(endpoint.id, set_apart=endpoint.access is PUBLIC)
