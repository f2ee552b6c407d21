"""What Bitstamp's refusals mean, by code, by family of codes, and by words where there is no code.

Three kinds of code are told apart by their form: ``API0004`` (authentication), ``400.002`` (a ``response_code``, whose
first half names a family and is close to an HTTP status), and none at all, which is all that v1 had for long. Words
say more than a family does: "You have only 0 BTC available." is a matter of funds under whatever family.

Each verdict says whether the refusal proves that nothing was executed. Nothing is proven by a status of 3xx or 5xx, by
the family 500 (the matching engine among it), or by a code that no document names. A text without a code proves it on
v1, which has nothing else and answers with status 200; on v2 only known words and words for single fields do.

Source:
    Bitstamp API v2, "Error codes" and the error schemas; Bitstamp API v1 shows no error, recordings of it do.
"""

from __future__ import annotations

import re
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
    RateLimited,
    Rejected,
    Unavailable,
)

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["BY_CODE", "BY_FAMILY", "BY_WORDS", "ErrorRule", "read_problem", "read_problem_v1"]


@frozen(eq=False)
class ErrorRule:
    """What a refusal is, and whether it proves that the request was not executed."""

    kind: type[ExchangeError]
    proves: bool = True


BY_CODE = {
    "API0001": ErrorRule(AuthenticationFailed),  # unknown key
    "API0002": ErrorRule(PermissionDenied),  # address
    "API0003": ErrorRule(PermissionDenied),
    "API0004": ErrorRule(NonceRejected),
    "API0005": ErrorRule(AuthenticationFailed),  # signature
    "API0006": ErrorRule(PermissionDenied),  # frozen account
    "API0009": ErrorRule(PermissionDenied),  # FATCA
    "API0019": ErrorRule(InvalidRequest),  # content type refused
    "API0020": ErrorRule(InvalidRequest),  # content type without a body
    "API0021": ErrorRule(InvalidRequest),  # address too long
    "400.002": ErrorRule(RateLimited),
    "400.067": ErrorRule(RateLimited),
    "400.068": ErrorRule(RateLimited),
    **{f"500.{number:03}": ErrorRule(Unavailable, proves=False) for number in range(12, 18)},  # matching engine
}
BY_FAMILY = {
    "API": ErrorRule(AuthenticationFailed),
    "400": ErrorRule(InvalidRequest),
    "403": ErrorRule(PermissionDenied),
    "404": ErrorRule(NotFound),
    "405": ErrorRule(InvalidRequest),  # HTTP verb
    "410": ErrorRule(Rejected),  # retired endpoint
    "500": ErrorRule(Unavailable, proves=False),
}
# The first that fits decides.
BY_WORDS: tuple[tuple[str, type[Rejected]], ...] = (
    ("missing key", AuthenticationFailed),  # goes on to name the nonce
    ("nonce", NonceRejected),
    ("signature", AuthenticationFailed),
    ("api key", AuthenticationFailed),
    ("authentication", AuthenticationFailed),
    ("permission", PermissionDenied),
    ("frozen", PermissionDenied),
    ("you have only", InsufficientFunds),
    ("not enough", InsufficientFunds),
    ("insufficient", InsufficientFunds),
    ("not found", NotFound),
    ("request limit", RateLimited),
    ("rate limit", RateLimited),
    ("too many requests", RateLimited),
    ("invalid", InvalidRequest),
    ("minimum", InvalidRequest),
    ("required", InvalidRequest),
    ("ensure that", InvalidRequest),
)
# A 403 without words for authentication is how a ban looks, as far as anybody knows.
BY_STATUS: dict[int, type[Rejected]] = {401: AuthenticationFailed, 403: RateLimited, 404: NotFound}

# Of a refusal that goes on and on the rest says nothing.
MAX_ENTRIES = 50
MAX_CHARACTERS = 20_000

_LIMITED = (420, 429)
_CODES = ("code", "response_code")
# At most the nanoseconds of this century: after a larger one nothing could be signed any more.
_FLOOR = re.compile(r"\bthan\D{0,30}([1-3]?[0-9]{1,18})(?![0-9])")


@frozen(eq=False)
class _Said:
    """What a refusal says, whatever its shape."""

    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    fields: dict[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]])

    @property
    def text(self) -> str:
        """All its words."""
        return "; ".join((*self.texts, *(text for texts in self.fields.values() for text in texts)))

    @property
    def code(self) -> str | None:
        """The first code that says something, or else the first."""
        return next((c for c in self.codes if _by_code(c)), next(iter(self.codes), None))


def read_problem_v1(status: int, answer: Json) -> Problem | None:
    """Say what an answer of v1 in one of the error shapes means; None for every other answer.

    A bare ``false`` is one: calls that move something answer ``true`` when they did.
    """
    if answer is False:
        return Problem(Rejected, text="false", proves_not_executed=status < 300)
    return _problem(status, _said(status, answer), words_prove=True)


def read_problem(status: int, answer: Json) -> Problem | None:
    """Say what an answer of v2 in one of the error shapes means; None for every other answer.

    The array of all tickers counts as one: nothing declared here asks for it, the ticker of an unknown market gets it.
    """
    if status == 200 and _is_array_of_tickers(answer):
        return Problem(InvalidRequest, text="unknown market: answered with the tickers of all markets")
    return _problem(status, _said(status, answer), words_prove=False)


def _is_array_of_tickers(answer: Json) -> bool:
    # Quirk: an unknown market is answered with all tickers and status 200 (seen on the live server).
    first = answer[0] if isinstance(answer, list) and answer else None
    return isinstance(first, dict) and {"pair", "last", "bid", "ask"} <= first.keys()


def _problem(status: int, said: _Said | None, *, words_prove: bool) -> Problem | None:
    if said is None:
        return None
    verdict = _judge(status, said, words_prove=words_prove)
    floor = _FLOOR.search(said.text, 0, MAX_CHARACTERS) if verdict.kind is NonceRejected else None
    return Problem(
        verdict.kind,
        text=said.text,
        code=said.code,
        fields=said.fields,
        proves_not_executed=verdict.proves and (status < 300 or 400 <= status < 500),
        nonce_floor=int(floor[1]) if floor else None,
    )


def _judge(status: int, said: _Said, *, words_prove: bool) -> ErrorRule:
    text = said.text.lower()
    by_code = _by_code(said.code)
    by_words = next((kind for words, kind in BY_WORDS if words in text), None)
    if by_code is not None:
        return ErrorRule(by_words) if by_words and by_code.proves and said.code not in BY_CODE else by_code
    if status in _LIMITED:
        return ErrorRule(RateLimited)
    if said.code is None and (by_words or said.fields):
        return ErrorRule(by_words or InvalidRequest)
    if status >= 500:
        return ErrorRule(Unavailable, proves=False)
    return ErrorRule(BY_STATUS.get(status, Rejected), proves=words_prove and bool(text) and said.code is None)


def _by_code(code: str | None) -> ErrorRule | None:
    if code is None:
        return None
    family = "API" if code.startswith("API") else code.partition(".")[0]
    return BY_CODE.get(code) or BY_FAMILY.get(family)


def _said(status: int, answer: Json) -> _Said | None:
    """Find the refusal, in an object or in the first of a list."""
    if isinstance(answer, list):
        answer = answer[0] if answer else None
        if not isinstance(answer, dict) or "error" not in answer:
            return None
    if not isinstance(answer, dict) or (words := _words_of(status, answer)) is None:
        return None
    said = _of_words(words)
    return _Said((*_codes(answer), *said.codes), said.texts, said.fields)


def _words_of(status: int, answer: dict[str, Json]) -> Json:
    """Find the words in an object that has one of the error shapes; None in any other."""
    if words := answer.get("error") or answer.get("errors"):
        return words
    reason = next((answer[key] for key in ("reason", "message") if answer.get(key) is not None), None)
    failed = answer.get("success") is False or answer.get("status") == "error"
    alone = "message" in answer and answer.keys() <= {"message", *_CODES}
    if failed or alone or (status >= 400 and (reason is not None or _codes(answer))):
        return "" if reason is None else reason
    return None


def _of_words(words: Json) -> _Said:
    """Read a text, an object of words by field, or a list of texts and of objects for one field each."""
    if isinstance(words, dict):
        said = ((name, _texts(value)) for name, value in words.items())
        return _Said(fields=dict(islice(((name, texts) for name, texts in said if texts), MAX_ENTRIES)))
    entries = words[:MAX_ENTRIES] if isinstance(words, list) else [words]
    codes: list[str] = []
    fields: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if isinstance(entry, dict):
            codes.extend(_codes(entry))
            name = next(iter(_texts(entry.get("field"))), "__all__")
            fields[name] = (*fields.get(name, ()), *_texts(entry.get("message")))
    return _Said(tuple(codes), _texts(words), fields)


def _codes(answer: dict[str, Json]) -> tuple[str, ...]:
    return tuple(text for key in _CODES for text in _texts(answer.get(key)))


def _texts(value: Json) -> tuple[str, ...]:
    """Read a single value, or a list of them, as words; leave out what is nested deeper."""
    values = value[:MAX_ENTRIES] if isinstance(value, list) else [value]
    return tuple(str(v) for v in values if v is not None and v != "" and not isinstance(v, list | dict))
