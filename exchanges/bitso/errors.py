"""What Bitso's refusals mean, by code, by family of codes, and by words where there is no code.

A v3 code is a text of four characters whose first two name a family; v2 codes are short numbers, and one v3 endpoint
still answers in the v2 shape. Codes are compared as text: ``104`` is the nonce of v2, ``01xx`` a family of v3.

Each verdict says whether the refusal proves that nothing was executed. Nothing is proven by a status of 3xx or 5xx, by
the families of unknown and of operational faults, by a timeout, by a match still in progress, or by a code that no
document names. A text without a code proves it on v2, which has little else; on v3 only known words do.

Source:
    Bitso API v3, "Error Categories" and the pages below it; Bitso API v2 for ``{"error": ...}``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from attrs import field, frozen

from exchanges.errors import (
    AuthenticationFailed,
    ExchangeError,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    PermissionDenied,
    Problem,
    QuoteExpired,
    RateLimited,
    Rejected,
    Unavailable,
)

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["BY_CODE", "BY_FAMILY", "BY_WORDS", "ErrorRule", "read_problem", "read_problem_v2"]


@frozen(eq=False)
class ErrorRule:
    """What a refusal is, and whether it proves that the request was not executed."""

    kind: type[ExchangeError]
    proves: bool = True


BY_CODE = {
    "22": ErrorRule(InvalidRequest),  # v2: amount or precision
    "104": ErrorRule(NonceRejected),  # v2, and inside the envelope of v3
    "0202": ErrorRule(PermissionDenied),
    "0206": ErrorRule(NonceRejected),  # type of the nonce
    "0207": ErrorRule(NonceRejected),  # value of the nonce
    "0213": ErrorRule(PermissionDenied),  # address
    "0310": ErrorRule(NotFound),  # withdrawal
    "0311": ErrorRule(NotFound),  # funding
    "0312": ErrorRule(NotFound),  # order
    "0321": ErrorRule(NotFound),  # trade
    "0330": ErrorRule(PermissionDenied),  # withdrawals locked
    "0345": ErrorRule(QuoteExpired),
    "0367": ErrorRule(Rejected),  # no quote at the moment
    "0373": ErrorRule(QuoteExpired),
    "0377": ErrorRule(Unavailable, proves=False),  # matched, trades pending
    "0378": ErrorRule(Unavailable, proves=False),  # not matched yet
    "0379": ErrorRule(InsufficientFunds),
    "0410": ErrorRule(Rejected),  # trading off
    "0411": ErrorRule(Rejected),  # trading off
    "1000": ErrorRule(Rejected),  # API off
    "1001": ErrorRule(Rejected),  # too many open orders
    "1002": ErrorRule(Rejected),  # unable to process the order
    "1003": ErrorRule(Unavailable, proves=False),  # timeout
    "1004": ErrorRule(Rejected),  # deprecated
    "1008": ErrorRule(Rejected),  # trading off
    "1009": ErrorRule(Rejected),  # conversions off
}
BY_FAMILY = {
    "01": ErrorRule(Unavailable, proves=False),
    "02": ErrorRule(AuthenticationFailed),
    "03": ErrorRule(InvalidRequest),
    "04": ErrorRule(InvalidRequest),  # limits of the system: price, amount, precision
    "05": ErrorRule(Rejected),  # limits of the user
    "06": ErrorRule(InsufficientFunds),
    "07": ErrorRule(PermissionDenied),  # state of the account
    "08": ErrorRule(RateLimited),
    "09": ErrorRule(InvalidRequest),  # HTTP verb
    "11": ErrorRule(Unavailable, proves=False),
    "12": ErrorRule(InvalidRequest),  # phone
    "13": ErrorRule(AuthenticationFailed),  # one-time password
    "14": ErrorRule(NotFound),
}
# The first that fits decides.
BY_WORDS: tuple[tuple[str, type[Rejected]], ...] = (
    ("nonce", NonceRejected),
    ("signature", AuthenticationFailed),
    ("api key", AuthenticationFailed),
    ("credential", AuthenticationFailed),
    ("permission", PermissionDenied),
    ("you have only", InsufficientFunds),
    ("not enough", InsufficientFunds),
    ("insufficient", InsufficientFunds),
    ("unknown", InvalidRequest),
    ("not found", NotFound),
    ("rate limit", RateLimited),
    ("rate-limit", RateLimited),
    ("too many requests", RateLimited),
    ("invalid", InvalidRequest),
    ("incorrect", InvalidRequest),
    ("minimum", InvalidRequest),
)
BY_STATUS: dict[int, type[Rejected]] = {401: AuthenticationFailed, 403: PermissionDenied, 404: NotFound}
UNKNOWN_BOOK_OR_CREDENTIALS = "20"
"""A v2 number with two meanings, which its words tell apart."""
CODE_LENGTH = 4
# Of a refusal that goes on and on the rest says nothing.
MAX_ENTRIES = 50
MAX_CHARACTERS = 20_000

_ENVELOPE = ("success", "payload", "error")
_LIMITED = (420, 429)
# At most the nanoseconds of this century: after a larger one nothing could be signed any more.
_FLOOR = re.compile(r"\bthan\D{0,30}([1-3]?[0-9]{1,18})(?![0-9])")


@frozen(eq=False)
class _Said:
    """What a refusal says, whatever its shape."""

    code: str | None = None
    text: str = ""
    fields: dict[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])


def read_problem(status: int, answer: Json) -> Problem | None:
    """Say what an answer of v3 or v4 in one of the error shapes means; None for every other answer."""
    return _problem(status, _said(answer), words_prove=False)


def read_problem_v2(status: int, answer: Json) -> Problem | None:
    """Say what an answer of v2 in one of the error shapes means; None for every other answer."""
    return _problem(status, _said(answer), words_prove=True)


def _problem(status: int, said: _Said | None, *, words_prove: bool) -> Problem | None:
    if said is None:
        return None
    verdict = _by_code(said.code) or _by_words(status, said, words_prove=words_prove)
    floor = _FLOOR.search(said.text, 0, MAX_CHARACTERS) if verdict.kind is NonceRejected else None
    return Problem(
        verdict.kind,
        text=said.text,
        code=said.code,
        fields=said.fields,
        proves_not_executed=verdict.proves and (status < 300 or 400 <= status < 500),
        nonce_floor=int(floor[1]) if floor else None,
    )


def _by_code(code: str | None) -> ErrorRule | None:
    if code is None:
        return None
    # A number has lost its leading zero: 301 is the 0301 of the documents.
    whole = code.zfill(CODE_LENGTH)
    family = whole[:2] if CODE_LENGTH - 1 <= len(code) <= CODE_LENGTH else ""
    return BY_CODE.get(code) or BY_CODE.get(whole) or BY_FAMILY.get(family)


def _by_words(status: int, said: _Said, *, words_prove: bool) -> ErrorRule:
    """Judge what has no code, or a code that no document names."""
    if status in _LIMITED:
        return ErrorRule(RateLimited)
    known = said.code is None or said.code == UNKNOWN_BOOK_OR_CREDENTIALS
    text = said.text.lower()
    if known and (kind := next((kind for words, kind in BY_WORDS if words in text), None)):
        return ErrorRule(kind)
    if said.fields or said.code == UNKNOWN_BOOK_OR_CREDENTIALS:
        return ErrorRule(InvalidRequest)
    if status >= 500:
        return ErrorRule(Unavailable, proves=False)
    own_shape = words_prove and bool(said.text) and (said.code is None or len(said.code) < CODE_LENGTH)
    return ErrorRule(BY_STATUS.get(status, Rejected), proves=own_shape)


def _said(answer: Json) -> _Said | None:
    """Find the refusal: ``error`` in an object or in the first of a list, or an envelope without success."""
    if isinstance(answer, list):
        answer = answer[0] if answer else None
    if not isinstance(answer, dict) or answer.get("success") is True:
        return None
    error = answer.get("error")
    if error is None or error is False:
        return _of_object(answer, _ENVELOPE) if answer.get("success") is False else None
    if isinstance(error, dict):
        return _of_object(error)
    return _Said(text="; ".join(_texts(error)))


def _of_object(error: dict[str, Json], without: Collection[str] = ()) -> _Said:
    """Read ``{"code": ..., "message": ...}``, or else an object of words for single fields."""
    code, message = error.get("code"), error.get("message")
    if code is not None or message is not None:
        return _Said(next(iter(_texts(code)), None), "; ".join(_texts(message)))
    said = ((name, _texts(value)) for name, value in error.items() if name not in without)
    fields = dict(islice(((name, texts) for name, texts in said if texts), MAX_ENTRIES))
    return _Said(text="; ".join(text for texts in fields.values() for text in texts), fields=fields)


def _texts(value: Json) -> tuple[str, ...]:
    """Read a single value, or a list of them, as words; leave out what is nested deeper."""
    values = value[:MAX_ENTRIES] if isinstance(value, list) else [value]
    return tuple(str(v) for v in values if v is not None and not isinstance(v, list | dict))
