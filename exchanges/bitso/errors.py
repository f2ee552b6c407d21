"""What Bitso's error answers mean.

A code of v3 is a text of four characters whose first two name a family; codes of v2 are short numbers, and one
endpoint of v3 still answers in the shape of v2. Codes are compared as text: ``104`` is the nonce of v2, ``01xx`` a
family of v3.

Nothing is proven by the families of unknown and of operational errors, by a timeout, by a match in progress, by an
order that could not be processed, or by a code that no document names, such as number 99 of v2. A text without a code
proves something only if it is one of those below.

Source:
    Bitso API v3, "Error Categories" and the pages below it; Bitso API v2 for ``{"error": ...}``, and clients of its
    time for the texts.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

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
from exchanges.outcomes.error_table import MAX_ENTRIES, ErrorTable, Refusal, Texts, by_code, fields_of, texts_of

if TYPE_CHECKING:
    from exchanges.endpoint import Kind
    from exchanges.wire import Json

CODES = by_code(
    (InvalidRequest, ("22",)),  # v2: amount or precision
    # Quirk: 104 is a number of v2, and has been seen inside the envelope of v3 (the exchange's own client).
    (NonceRejected, ("104", "0206", "0207")),  # the others: type and value of the nonce
    (AuthenticationFailed, ("0326",)),  # key not active, though in the family of arguments
    (PermissionDenied, ("0202", "0213", "0216", "0330")),  # of the key; address; restricted; withdrawals locked
    (NotFound, ("0310", "0311", "0312", "0321", "1700")),  # withdrawal, funding, order, trade; order to modify
    (QuoteExpired, ("0345", "0373")),
    (InsufficientFunds, ("0379",)),
    (Rejected, ("0367", "0410", "0411")),  # no quote at the moment; trading off
    (Rejected, ("1000", "1001", "1004", "1008", "1009")),  # API off; too many orders; old; trading, conversions off
    (Rejected, ("1701", "1702", "1703", "1704", "1705", "1706")),  # nothing to modify, or not in that way
    # The order may be in the engine: matched with trades pending, not matched yet, not processed, timed out on the way.
    (Unavailable, ("0377", "0378", "1002", "1003", "1707")),
    # The client id exists: something between may have repeated the request that created it.
    (Unavailable, ("0356",)),
)
FAMILIES = by_code(
    (AuthenticationFailed, ("02", "13")),  # one-time password
    (InvalidRequest, ("03", "04", "09", "12")),  # limits of price, amount and precision; HTTP verb; phone
    (Rejected, ("05",)),  # limits of the user
    (InsufficientFunds, ("06",)),
    (PermissionDenied, ("07",)),  # state of the account
    (RateLimited, ("08",)),
    (NotFound, ("14",)),
    # Unknown and operational errors: the exchange itself does not say how far the call got.
    (Unavailable, ("01", "11")),
)
TEXTS: Texts = (
    (NonceRejected, ("invalid nonce", "nonce must be *")),
    (AuthenticationFailed, ("invalid signature", "api key not found", "bad api credentials")),
    (NotFound, ("order not found",)),
    (InvalidRequest, ("unknown orderbook*", "unknown order book*")),
)
CODE_LENGTH = 4
_ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{1,100}", re.ASCII)
_ENVELOPE = ("success", "payload", "error")
_REFUSAL = frozenset({"success", "error", "code", "message", "details", "errorData"})
"""Keys of an answer that is a refusal and nothing else; the payload may be there, and null."""
_THINGS = frozenset({"oid", "oids", "wid", "fid", "tid", "qid", "id", "order_id", "origin_id", "payload"})
"""Keys with which an answer names what exists: no refusal does."""
_SIGNS = ("error", "errors", "code", "error_code", "errorData")
"""Keys that no answer of success has: beside an id they show that something failed."""


def _family_of(code: str) -> str:
    # A number of v3 has three digits or four: 301 is the 0301 of the documents. Shorter ones are of v2.
    return code.zfill(CODE_LENGTH)[:2] if CODE_LENGTH - 1 <= len(code) <= CODE_LENGTH else ""


TABLE = ErrorTable(
    codes=CODES,
    code_length=CODE_LENGTH,
    family_of=_family_of,
    families=FAMILIES,
    # Number 20 of v2 is both an unknown book and bad credentials.
    ambiguous={"20": InvalidRequest},
    texts=TEXTS,
)


def read_problem(status: int, answer: Json) -> Problem | None:
    """Return what an answer of any generation in one of the error shapes means; None for every other answer."""
    refusal = _refusal(answer)
    return None if refusal is None else TABLE.problem(status, refusal)


def read_doubt(_: Kind, answer: Json) -> Problem | None:
    """Return that the content of an answer bears a sign of failure in an envelope of success, and proves neither.

    Calls that change nothing show what failed, and are left alone.
    """
    content = answer.get("payload") if isinstance(answer, dict) else None
    for part in (answer, content):
        # Without a value, null or "", a sign says that there is none; an empty object that there is one.
        if isinstance(part, dict) and (
            part.get("success", True) is not True or any(part.get(key) not in (None, False, "") for key in _SIGNS)
        ):
            text = "; ".join(chain.from_iterable(texts_of(part.get(key)) for key in ("message", *_SIGNS)))
            return Problem(Unavailable, text=text, proves_not_executed=False)
    return None


def _names_things(error: Json) -> bool:
    """Whether an error, or its details, name what exists."""
    parts: list[Json] = [error, *(error.values() if isinstance(error, dict) else ())]
    parts += [entry for part in parts if isinstance(part, list) for entry in part[:MAX_ENTRIES]]
    named = (part.get(key) for part in parts if isinstance(part, dict) for key in _THINGS)
    return any(isinstance(name, str | int) and _ID.fullmatch(str(name)) for name in named)


def _refusal(answer: Json) -> Refusal | None:
    """Read ``error`` in an object or in the first of a list, or an envelope without success."""
    # Quirk: the exchange's own client of v2 looks for the error in the first entry of a list as well.
    envelope = answer[0] if isinstance(answer, list) and answer else answer
    if not isinstance(envelope, dict) or envelope.get("success") is True:
        return None
    is_alone = envelope.keys() - {"payload"} <= _REFUSAL and envelope.get("payload") is None
    error = envelope.get("error")
    is_mixed = not is_alone or (isinstance(answer, list) and len(answer) > 1) or _names_things(error)
    if error is None or error is False:
        if envelope.get("success") is not False:
            return None
        # Some refusals of v3 have code and message beside ``success``.
        error = envelope
    if not isinstance(error, dict):
        return Refusal(texts_of(error), is_mixed=is_mixed)
    code, message = texts_of(error.get("code")), texts_of(error.get("message"))
    if code or message:
        # Of several codes each must prove that nothing was executed: the first that does not decides.
        unproven = (one for one in code if not issubclass(TABLE.kind_of(one) or Unavailable, Rejected))
        return Refusal(message, next(unproven, next(iter(code), None)), is_mixed=is_mixed)
    fields = fields_of((name, value) for name, value in error.items() if error is not envelope or name not in _ENVELOPE)
    return Refusal(fields=fields, is_mixed=is_mixed)
