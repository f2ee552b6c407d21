"""What Bitso's error answers mean.

A code of v3 is a text of four characters whose first two name a family; codes of v2 are short numbers, and one
endpoint of v3 still answers in the shape of v2. Codes are compared as text: ``104`` is the nonce of v2, ``01xx`` a
family of v3.

Nothing is proven by the families of unknown and of operational errors, by a timeout, by a match in progress, or by a
code that no document names. A text without a code is proof on v2, which has little else; on v3 only known words are.

Source:
    Bitso API v3, "Error Categories" and the pages below it; Bitso API v2 for ``{"error": ...}``.
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
    QuoteExpired,
    RateLimited,
    Rejected,
    Unavailable,
)
from exchanges.outcomes.error_table import ErrorRule, ErrorTable, Refusal, Words, fields_of, joined, rules, texts_of

if TYPE_CHECKING:
    from exchanges.wire import Json

CODES = {
    **rules(
        (InvalidRequest, ("22",)),  # v2: amount or precision
        # Quirk: 104 is a number of v2, and has been seen inside the envelope of v3 (the exchange's own client).
        (NonceRejected, ("104", "0206", "0207")),  # the others: type and value of the nonce
        (PermissionDenied, ("0202", "0213", "0330")),  # of the key; address; withdrawals locked
        (NotFound, ("0310", "0311", "0312", "0321")),  # withdrawal, funding, order, trade
        (QuoteExpired, ("0345", "0373")),
        (InsufficientFunds, ("0379",)),
        (Rejected, ("0367", "0410", "0411")),  # no quote at the moment; trading off
        (Rejected, ("1000", "1004", "1008", "1009")),  # API off; deprecated; trading off; conversions off
        (Rejected, ("1001", "1002")),  # too many open orders; unable to process the order
    ),
    # The order may be in the engine: matched with trades pending, not matched yet, or timed out on the way.
    **rules((Unavailable, ("0377", "0378", "1003")), proves=False),
}
FAMILIES = {
    **rules(
        (AuthenticationFailed, ("02", "13")),  # one-time password
        (InvalidRequest, ("03", "04", "09", "12")),  # limits of price, amount and precision; HTTP verb; phone
        (Rejected, ("05",)),  # limits of the user
        (InsufficientFunds, ("06",)),
        (PermissionDenied, ("07",)),  # state of the account
        (RateLimited, ("08",)),
        (NotFound, ("14",)),
    ),
    # Unknown and operational errors: the exchange itself does not say how far the call got.
    **rules((Unavailable, ("01", "11")), proves=False),
}
WORDS: Words = (
    (NonceRejected, ("nonce",)),
    (AuthenticationFailed, ("signature", "api key", "credential")),
    (PermissionDenied, ("permission",)),
    (InsufficientFunds, ("you have only", "not enough", "insufficient")),
    (InvalidRequest, ("unknown",)),
    (NotFound, ("not found",)),
    (RateLimited, ("rate limit", "rate-limit", "too many requests")),
    (InvalidRequest, ("invalid", "incorrect", "minimum")),
)
CODE_LENGTH = 4
_ENVELOPE = ("success", "payload", "error")


def _family_of(code: str) -> str:
    # A number of v3 has three digits or four: 301 is the 0301 of the documents. Shorter ones are of v2.
    return code.zfill(CODE_LENGTH)[:2] if CODE_LENGTH - 1 <= len(code) <= CODE_LENGTH else ""


TABLE = ErrorTable(
    codes=CODES,
    code_length=CODE_LENGTH,
    family_of=_family_of,
    families=FAMILIES,
    # Number 20 of v2 is both an unknown book and bad credentials.
    ambiguous={"20": ErrorRule(InvalidRequest)},
    words=WORDS,
    statuses={
        401: ErrorRule(AuthenticationFailed, proves=False),
        403: ErrorRule(PermissionDenied, proves=False),
        404: ErrorRule(NotFound, proves=False),
    },
)


def _is_of_v2(refusal: Refusal) -> bool:
    # Codes of v2 are shorter than those of v3: a code of another length did not come from v2.
    return refusal.code is None or len(refusal.code) < CODE_LENGTH


TABLE_V2 = evolve(TABLE, is_own=_is_of_v2)


def read_problem(status: int, answer: Json) -> Problem | None:
    """Return what an answer of v3 or v4 in one of the error shapes means; None for every other answer."""
    refusal = _refusal(answer)
    return None if refusal is None else TABLE.problem(status, refusal)


def read_problem_v2(status: int, answer: Json) -> Problem | None:
    """Return what an answer of v2 in one of the error shapes means; None for every other answer."""
    refusal = _refusal(answer)
    return None if refusal is None else TABLE_V2.problem(status, refusal)


def _refusal(answer: Json) -> Refusal | None:
    """Read ``error`` in an object or in the first of a list, or an envelope without success."""
    # Quirk: the exchange's own client of v2 looks for the error in the first entry of a list as well.
    envelope = answer[0] if isinstance(answer, list) and answer else answer
    if not isinstance(envelope, dict) or envelope.get("success") is True:
        return None
    error = envelope.get("error")
    if error is None or error is False:
        if envelope.get("success") is not False:
            return None
        # Some refusals of v3 have code and message beside ``success``.
        error = envelope
    if not isinstance(error, dict):
        return Refusal("; ".join(texts_of(error)))
    code, message = texts_of(error.get("code")), texts_of(error.get("message"))
    if code or message:
        return Refusal("; ".join(message), next(iter(code), None))
    fields = fields_of((name, value) for name, value in error.items() if error is not envelope or name not in _ENVELOPE)
    return Refusal(joined((), fields), fields=fields)
