"""What Bitex's error answers mean.

Two shapes are read: ``{"error": text}``, and ``{"errors": [{code, title, detail, source: {pointer}, ...}]}`` in which
every value may be null. Words decide first, as an unknown key and a missing permission share a status; then the
status.

Source:
    Bitex developer guide, introduction (429 only). The guide shows no error body: the shapes, the statuses and the
    words are those of the later API of the same application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from attrs import evolve

from exchanges.errors import AuthenticationFailed, InvalidRequest, NotFound, PermissionDenied, Problem, Unavailable
from exchanges.outcomes.error_table import MAX_ENTRIES, ErrorRule, ErrorTable, Fields, Refusal

if TYPE_CHECKING:
    from exchanges.wire import Json

TABLE = ErrorTable(
    words=(
        (AuthenticationFailed, ("invalid api key",)),
        (PermissionDenied, ("permis",)),  # English and Spanish
    ),
    statuses={
        400: ErrorRule(InvalidRequest),
        401: ErrorRule(AuthenticationFailed),
        403: ErrorRule(PermissionDenied),
        # No proof: servers in front of the application answer so as well.
        404: ErrorRule(NotFound, proves=False),
        422: ErrorRule(InvalidRequest),
    },
)


def read_problem(status: int, answer: Json) -> Problem | None:
    """Return what an answer in one of the error shapes means; None for every other answer."""
    if not isinstance(answer, dict):
        return None
    error, errors = answer.get("error"), answer.get("errors")
    if isinstance(error, str):
        return _problem(status, error)
    if isinstance(errors, list) and errors and all(isinstance(e, dict) for e in errors):
        return _problem_of_list(status, cast("list[dict[str, Json]]", errors[:MAX_ENTRIES]))
    return None


def _problem(status: int, text: str) -> Problem:
    problem = TABLE.problem(status, Refusal(text))
    # Whatever the words say, an application that fails may have executed the call before.
    return problem if status < 500 else evolve(problem, kind=Unavailable)


def _problem_of_list(status: int, errors: list[dict[str, Json]]) -> Problem:
    fields: Fields = {}
    for error in errors:
        if name := _field(error.get("source")):
            fields[name] = (*fields.get(name, ()), _words(error))
    # Neither codes nor fields are documented: they are passed on, and decide nothing.
    code = next((str(e["code"]) for e in errors if e.get("code") is not None), None)
    return evolve(_problem(status, "; ".join(filter(None, map(_words, errors)))), code=code, fields=fields)


def _words(error: dict[str, Json]) -> str:
    """Return the detail, or else the title, of one entry."""
    return next((w for w in (error.get("detail"), error.get("title")) if isinstance(w, str) and w), "")


def _field(source: Json) -> str | None:
    """Return the field that a pointer such as ``/data/attributes/amount`` ends in."""
    pointer = source.get("pointer") if isinstance(source, dict) else None
    return pointer.rpartition("/")[2] or None if isinstance(pointer, str) else None
