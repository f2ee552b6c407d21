"""What Bitstamp's error answers mean.

Codes have three forms: ``API0004`` (authentication), ``400.002`` (a ``response_code``, whose first half names a family
and is close to an HTTP status), and none at all, which was all that v1 had for long. Words say more than a family
does: "You have only 0 BTC available." is a matter of funds under whatever family.

Nothing is proven by the family 500 (the matching engine among it), or by a code that no document names. A text without
a code is proof on v1, which has nothing else and answers with status 200; on v2 only known words and words for single
fields are.

Source:
    Bitstamp API v2, "Error codes" and the error schemas; Bitstamp API v1 shows no error, recordings of it do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from exchanges.errors import (
    AuthenticationFailed,
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
from exchanges.outcomes.error_table import (
    MAX_ENTRIES,
    ErrorRule,
    ErrorTable,
    Fields,
    Refusal,
    Words,
    fields_of,
    joined,
    rules,
    texts_of,
)

if TYPE_CHECKING:
    from exchanges.wire import Json

CODES = {
    **rules(
        (AuthenticationFailed, ("API0001", "API0005")),  # unknown key; signature
        (PermissionDenied, ("API0002", "API0003", "API0006", "API0009")),  # address; of the key; frozen account; FATCA
        (NonceRejected, ("API0004",)),
        (InvalidRequest, ("API0019", "API0020", "API0021")),  # content type refused, or without a body; long address
        (RateLimited, ("400.002", "400.067", "400.068")),
    ),
    # The matching engine: it may have got the order before it failed.
    **rules((Unavailable, tuple(f"500.{number:03}" for number in range(12, 18))), proves=False),
}
FAMILIES = {
    "API": ErrorRule(AuthenticationFailed),
    "400": ErrorRule(InvalidRequest),
    "403": ErrorRule(PermissionDenied),
    "404": ErrorRule(NotFound),
    "405": ErrorRule(InvalidRequest),  # HTTP verb
    "410": ErrorRule(Rejected),  # retired endpoint
    "500": ErrorRule(Unavailable, proves=False),
}
WORDS: Words = (
    (AuthenticationFailed, ("missing key",)),  # goes on to name the nonce
    (NonceRejected, ("nonce",)),
    (AuthenticationFailed, ("signature", "api key", "authentication")),
    (PermissionDenied, ("permission", "frozen")),
    (InsufficientFunds, ("you have only", "not enough", "insufficient")),
    (NotFound, ("not found",)),
    (RateLimited, ("request limit", "rate limit", "too many requests")),
    (InvalidRequest, ("invalid", "minimum", "required", "ensure that")),
)
TABLE = ErrorTable(
    codes=CODES,
    family_of=lambda code: "API" if code.startswith("API") else code.partition(".")[0],
    families=FAMILIES,
    refines_families=True,
    words=WORDS,
    statuses={
        401: ErrorRule(AuthenticationFailed, proves=False),
        # A 403 without words for authentication is how a ban looks, as far as anybody knows.
        403: ErrorRule(RateLimited, proves=False),
        404: ErrorRule(NotFound, proves=False),
    },
)


def _is_of_v1(refusal: Refusal) -> bool:
    # Codes came with v2: a text without one is how v1 refuses.
    return refusal.code is None


TABLE_V1 = evolve(TABLE, is_own=_is_of_v1)
_CODES = ("code", "response_code")


def read_problem_v1(status: int, answer: Json) -> Problem | None:
    """Return what an answer of v1 in one of the error shapes means; None for every other answer.

    A bare ``false`` is one: calls that move something answer ``true`` when they did.
    """
    if answer is False:
        return Problem(Rejected, text="false", proves_not_executed=status < 300)
    refusal = _refusal(status, answer)
    return None if refusal is None else TABLE_V1.problem(status, refusal)


def read_problem(status: int, answer: Json) -> Problem | None:
    """Return what an answer of v2 in one of the error shapes means; None for every other answer.

    The array of all tickers counts as one: no endpoint here asks for it, the ticker of an unknown market gets it.
    """
    if status == 200 and _is_array_of_tickers(answer):
        return Problem(InvalidRequest, text="unknown market: answered with the tickers of all markets")
    refusal = _refusal(status, answer)
    return None if refusal is None else TABLE.problem(status, refusal)


def _is_array_of_tickers(answer: Json) -> bool:
    # Quirk: an unknown market is answered with all tickers and status 200 (seen on the live server).
    first = answer[0] if isinstance(answer, list) and answer else None
    return isinstance(first, dict) and {"pair", "last", "bid", "ask"} <= first.keys()


def _refusal(status: int, answer: Json) -> Refusal | None:
    """Read an object, or the first of a list."""
    error = answer[0] if isinstance(answer, list) and answer else answer
    # The rows of a list may have a status or a message of their own: only ``error`` shows a refusal there.
    if not isinstance(error, dict) or (isinstance(answer, list) and "error" not in error):
        return None
    words = _words_of(status, error)
    if words is None:
        return None
    entries = [entry for entry in words[:MAX_ENTRIES] if isinstance(entry, dict)] if isinstance(words, list) else []
    fields = fields_of(words.items()) if isinstance(words, dict) else _fields_of_entries(entries)
    codes = [text for source in (error, *entries) for key in _CODES for text in texts_of(source.get(key))]
    # Of several codes the first that a document names says most.
    code = next((code for code in codes if TABLE.rule_of(code)), next(iter(codes), None))
    return Refusal(joined(texts_of(words), fields), code, fields)


def _words_of(status: int, answer: dict[str, Json]) -> Json:
    """Return the words of an object that has one of the error shapes; None for any other."""
    if words := answer.get("error") or answer.get("errors"):
        return words
    reason = answer.get("message") if answer.get("reason") is None else answer["reason"]
    failed = answer.get("success") is False or answer.get("status") == "error"
    alone = "message" in answer and answer.keys() <= {"message", *_CODES}
    if failed or alone or (status >= 400 and (reason is not None or any(texts_of(answer.get(key)) for key in _CODES))):
        return "" if reason is None else reason
    return None


def _fields_of_entries(entries: list[dict[str, Json]]) -> Fields:
    """Return words by field, of entries for one field each."""
    fields: Fields = {}
    for entry in entries:
        name = next(iter(texts_of(entry.get("field"))), "__all__")
        fields[name] = (*fields.get(name, ()), *texts_of(entry.get("message")))
    return fields
