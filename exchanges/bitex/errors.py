"""What Bitex's refusals mean.

Two shapes are read: ``{"error": text}``, and ``{"errors": [{code, title, detail, source: {pointer}, ...}]}`` in which
every value may be null. Words decide first, as an unknown key and a missing permission share a status; then the
status.

Source:
    Bitex developer guide, introduction (429 only). The guide shows no error body: the shapes, the statuses and the
    words are those of the later API of the same application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from exchanges.errors import (
    AuthenticationFailed,
    ExchangeError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Problem,
    RateLimited,
    Rejected,
    Unavailable,
)

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["BY_STATUS", "BY_WORDS", "read_problem"]

BY_WORDS: tuple[tuple[str, type[Rejected]], ...] = (
    ("invalid api key", AuthenticationFailed),
    ("permis", PermissionDenied),  # English and Spanish
)
BY_STATUS: dict[int, type[Rejected]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    422: InvalidRequest,
    429: RateLimited,
}
MAX_ENTRIES = 50  # of a list of errors that goes on and on the rest says nothing


def read_problem(status: int, answer: Json) -> Problem | None:
    """Say what an answer in one of the error shapes means; None for every other answer."""
    if not isinstance(answer, dict):
        return None
    error, errors = answer.get("error"), answer.get("errors")
    if isinstance(error, str):
        return _problem(status, error)
    if isinstance(errors, list) and errors and all(isinstance(e, dict) for e in errors):
        return _problem_of_list(status, cast("list[dict[str, Json]]", errors[:MAX_ENTRIES]))
    return None


def _problem_of_list(status: int, errors: list[dict[str, Json]]) -> Problem:
    fields: dict[str, tuple[str, ...]] = {}
    for error in errors:
        if name := _field(error.get("source")):
            fields[name] = (*fields.get(name, ()), _words(error))
    code = next((str(e["code"]) for e in errors if e.get("code") is not None), None)
    return _problem(status, "; ".join(filter(None, map(_words, errors))), code, fields)


def _problem(
    status: int, text: str, code: str | None = None, fields: dict[str, tuple[str, ...]] | None = None
) -> Problem:
    kind, proven = _judge(status, text)
    return Problem(kind, text=text, code=code, fields=fields or {}, proves_not_executed=proven)


def _judge(status: int, text: str) -> tuple[type[ExchangeError], bool]:
    """Find the class of the refusal, and whether it proves that nothing was executed."""
    if status >= 500:
        return Unavailable, False
    by_words = next((kind for words, kind in BY_WORDS if words in text.lower()), None)
    kind = by_words or BY_STATUS.get(status)
    return (Rejected, False) if kind is None else (kind, kind is not NotFound)


def _words(error: dict[str, Json]) -> str:
    """Take the detail, or else the title, of one entry."""
    return next((w for w in (error.get("detail"), error.get("title")) if isinstance(w, str) and w), "")


def _field(source: Json) -> str | None:
    """Name the field that a pointer such as ``/data/attributes/amount`` ends in."""
    pointer = source.get("pointer") if isinstance(source, dict) else None
    return pointer.rpartition("/")[2] or None if isinstance(pointer, str) else None
