"""What Bitstamp's error answers mean.

Codes have three forms: ``API0004`` (authentication), ``400.002`` (a ``response_code``, whose first half names a family
and is close to an HTTP status), and none at all, which was all that v1 had for long. Texts say more than a family
does: "You have only 0 BTC available." is a matter of funds under whatever family.

Nothing is proven by the family 500 (the matching engine among it), by a code that no document names, or by a text that
is none of those below: v1 answers with status 200 and a text whatever went wrong, at its own inside too.

Source:
    Bitstamp API v2, "Error codes" and the error schemas, and the texts that it is known to answer. Bitstamp API v1
    shows no error; recordings of it have "No permission found", and for the field amount "You have only 0 BTC
    available. Check your account balance for details."; its clients know "Order not found".
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
    RateLimited,
    Rejected,
    Unavailable,
)
from exchanges.outcomes.error_table import (
    MAX_ENTRIES,
    ErrorTable,
    Fields,
    Refusal,
    Texts,
    by_code,
    fields_of,
    texts_of,
)

if TYPE_CHECKING:
    from exchanges.endpoint import Kind
    from exchanges.wire import Json

CODES = by_code(
    (AuthenticationFailed, ("API0001", "API0005")),  # unknown key; signature
    (PermissionDenied, ("API0002", "API0003", "API0006", "API0009")),  # address; of the key; frozen account; FATCA
    (NonceRejected, ("API0004",)),
    (InvalidRequest, ("API0019", "API0020", "API0021")),  # content type refused, or without a body; long address
    (RateLimited, ("400.002", "400.067", "400.068")),
    (InsufficientFunds, ("400.009", "400.075")),
    # The client order id exists: something between may have repeated the request that created it.
    (Unavailable, ("400.019",)),
)
FAMILIES = by_code(
    (AuthenticationFailed, ("API00",)),
    (InvalidRequest, ("400", "405")),  # arguments; HTTP verb
    (PermissionDenied, ("403",)),
    (NotFound, ("404",)),
    (Rejected, ("410",)),  # retired endpoint
    # The matching engine among it, which may have got the order before it failed.
    (Unavailable, ("500",)),
)
# Whole texts, or what they begin with. Those about an order or a withdrawal come from the check of its form, or from
# the balance before it is taken; "order could not be placed" and "internal error" are not among them, as they come from
# the inside. There is none for a limit: the documented codes and statuses close it, not words.
TEXTS: Texts = (
    (AuthenticationFailed, ("missing key, signature and nonce parameters",)),
    (NonceRejected, ("invalid nonce", "nonce must be *")),
    (AuthenticationFailed, ("invalid signature", "api key not found")),
    (
        PermissionDenied,
        (
            *(
                "no permission found",
                "your account is frozen",
                "user not verified",
                "not allowed to withdraw to specified*",
            ),
            *("withdrawals are currently unavailable for your account", "your withdrawals are currently disabled"),
            *("trading is currently unavailable for your account", "the address you provided is not verified"),
        ),
    ),
    (InsufficientFunds, ("you have only * available*", "you need * you have only * available*")),
    (NotFound, ("order not found", "address not found")),
    (
        InvalidRequest,
        (
            *("enter a number", "this field is required", "select a valid choice*"),
            *("ensure this value *", "ensure that there are no more than *", "minimum order size is *"),
            *("missing amount and/or price", "missing amount and/or address", "price is more than *"),
            *("you can only buy*", "you can only sell*", "buy if *", "sell if *", "both limit_price and daily_order *"),
            *("no buy orders for currency pair*", "maximum market buy amount at the moment is *"),
            *("missing id post param", "invalid order id", "invalid id post param", "invalid client_order_id"),
            *("invalid offset", "limit too large", "invalid limit", "invalid sort parameter", "invalid timedelta"),
            *("timedelta too large", "both limit and offset must be present", "too many parameters"),
            *("invalid network selection", "contact does not exist", "contact is missing required information"),
            *("vasp does not exist", "contact_uuid: you must set this field", "invalid address format"),
            *("unsupported withdrawal type", "missing parameters:*", "since_timestamp parameter must be higher than *"),
        ),
    ),
)
TABLE = ErrorTable(
    codes=CODES,
    family_of=lambda code: code[:5] if code.startswith("API") else code.partition(".")[0],
    families=FAMILIES,
    refines_families=True,
    texts=TEXTS,
)
_CODES = ("code", "response_code")
# Statuses beside what a call created, if any is shown; of withdrawals also as numbers: open, in process, finished.
_ACCEPTED = frozenset({"ok", "open", "in queue", "finished", "in process", "0", "1", "2"})
_CANCELLED = _ACCEPTED | {"canceled", "cancelled", "cancel pending", "expired", "3"}
_ORDER_ID = re.compile(r"[1-9][0-9]{0,29}", re.ASCII)
# An answer with a good status that has none of these is no refusal.
_SIGNS = frozenset({"error", "errors", "message", "status", "success"})
# Keys of an answer that is a refusal and nothing else.
_REFUSAL = frozenset({"status", "success", "error", "errors", "reason", "message", "response_explanation", *_CODES})


def read_problem(status: int, answer: Json) -> Problem | None:
    """Return what an answer of any generation in one of the error shapes means; None for every other answer."""
    refusal = _refusal(status, answer)
    return None if refusal is None else TABLE.problem(status, refusal)


def read_doubt(kind: Kind, answer: Json) -> Problem | None:
    """Return that an answer in none of the error shapes bears a sign of failure: it proves neither that nor success."""
    if not isinstance(answer, dict):
        return None
    status, reasons = answer.get("status"), [answer.get(key) for key in ("reason", "message")]
    statuses = _ACCEPTED if kind.is_once else _CANCELLED
    is_partial = isinstance(answer.get("canceled"), list)
    has_failed = (
        (not is_partial and answer.get("success", True) is not True)
        or any(texts_of(answer.get(key)) for key in _CODES)
        or any(reason not in (None, "") for reason in reasons)
        # Without a value, null or "", it says that there is none; an empty object that there is one.
        or any(answer.get(key) not in (None, False, "") for key in ("error", "errors"))
        or (status is not None and str(status).strip().lower() not in statuses)
    )
    text = "; ".join(chain.from_iterable(map(texts_of, (status, *reasons))))
    return Problem(Unavailable, text=text, proves_not_executed=False) if has_failed else None


def tickers_of_all(answer: Json) -> Problem | None:
    """Return the refusal of an unknown market, where the ticker of one was asked for: the list of all tickers."""
    # Quirk: with status 200 (seen on the live server).
    first = answer[0] if isinstance(answer, list) and answer else None
    is_list = isinstance(first, dict) and {"pair", "last", "bid", "ask"} <= first.keys()
    return Problem(InvalidRequest, text="unknown market: answered with the tickers of all markets") if is_list else None


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
    code = next((code for code in codes if TABLE.kind_of(code)), next(iter(codes), None))
    is_alone = error.keys() <= _REFUSAL and error.get("success") is not True
    is_mixed = (
        not is_alone or (isinstance(answer, list) and len(answer) > 1) or any(map(_names_thing, (words, *entries)))
    )
    # Quirk: 500.016 names the order that it may have placed.
    made = next((text for text in texts_of(error.get("order_id")) if _ORDER_ID.fullmatch(text)), None)
    return Refusal(texts_of(words), code, fields, is_mixed, made)


def _names_thing(words: Json) -> bool:
    """Whether the words of an error name what exists: no refusal does."""
    named = (words.get(key) for key in ("id", "order_id", "withdrawal_id")) if isinstance(words, dict) else ()
    return any(isinstance(name, str | int) and _ORDER_ID.fullmatch(str(name)) for name in named)


def _words_of(status: int, answer: dict[str, Json]) -> Json:
    """Return the words of an object that has one of the error shapes; None for any other."""
    if status < 400 and _SIGNS.isdisjoint(answer):
        return None
    if words := answer.get("error") or answer.get("errors"):
        return words
    reason = answer.get("message") if answer.get("reason") is None else answer["reason"]
    # Quirk: a cancel of all orders that did a part of the work lists it beside ``false``.
    is_partial = isinstance(answer.get("canceled"), list)
    failed = (answer.get("success") is False and not is_partial) or answer.get("status") == "error"
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
