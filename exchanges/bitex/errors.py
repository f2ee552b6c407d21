"""What Bitex's error answers mean.

Two shapes are read: ``{"error": text}``, and ``{"errors": [{code, title, detail, source: {pointer}, ...}]}`` in which
every value may be null. The texts of validation are Spanish and not listed anywhere, so that its shape is what counts:
status 422, and a pointer to a field in every entry. A validation comes before anything is stored. An object that does
not exist is answered with status 404 and a single entry without words, which no server in front would write.

Source:
    Bitex developer guide, introduction (429 only). The guide shows no error body: the shapes, the statuses and the
    texts are those recorded of the later API of the same application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from attrs import evolve

from exchanges.errors import AuthenticationFailed, InvalidRequest, NotFound, PermissionDenied, Problem
from exchanges.outcomes.error_table import MAX_ENTRIES, ErrorTable, Fields, Kind, Refusal

if TYPE_CHECKING:
    from exchanges.wire import Json

TABLE = ErrorTable(
    texts=(
        (AuthenticationFailed, ("invalid api key",)),
        # English and Spanish: the key is checked before anything else.
        (PermissionDenied, ("you do*n*t have enough permissions", "no tiene*permisos")),
    ),
)
_NOT_FOUND = {"errors": [{"code": None, "detail": None}]}


def read_problem(status: int, answer: Json) -> Problem | None:
    """Return what an answer in one of the error shapes means; None for every other answer."""
    if not isinstance(answer, dict):
        return None
    error, errors = answer.get("error"), answer.get("errors")
    if isinstance(error, str):
        return TABLE.problem(status, Refusal((error,), is_mixed=len(answer) > 1))
    if isinstance(errors, list) and errors and all(isinstance(e, dict) for e in errors):
        shape = NotFound if status == 404 and answer == _NOT_FOUND else None
        entries = cast("list[dict[str, Json]]", errors[:MAX_ENTRIES])
        return _problem(status, entries, shape, is_mixed=len(answer) > 1)
    return None


def _problem(status: int, entries: list[dict[str, Json]], shape: Kind | None, *, is_mixed: bool) -> Problem:
    named = [(_field(entry.get("source")), _words(entry)) for entry in entries]
    fields: Fields = {}
    for name, words in named:
        if name:
            fields[name] = (*fields.get(name, ()), words)
    if status == 422 and all(name and words for name, words in named):
        shape = InvalidRequest
    problem = TABLE.problem(status, Refusal(tuple(words for _, words in named if words), is_mixed=is_mixed), shape)
    # Neither codes nor fields are documented: they are passed on, and decide nothing.
    code = next((str(e["code"]) for e in entries if e.get("code") is not None), None)
    return evolve(problem, code=code, fields=fields)


def _words(error: dict[str, Json]) -> str:
    """Return the detail, or else the title, of one entry."""
    return next((w for w in (error.get("detail"), error.get("title")) if isinstance(w, str) and w), "")


def _field(source: Json) -> str | None:
    """Return the field that a pointer such as ``/data/attributes/amount`` ends in."""
    pointer = source.get("pointer") if isinstance(source, dict) else None
    return pointer.rpartition("/")[2] or None if isinstance(pointer, str) else None
