"""How Bitso's generations identify callers, wrap answers and word rejections."""

from __future__ import annotations

from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.venues.calls import Account, Claim, ParsedRequest
from exchanges.simulator.venues.spot import claim_in_body
from exchanges.simulator.venues.venue import Generation, use_salted_nonce
from exchanges.wire import Json, dumps

# Status, code and text of v3.
_ERRORS_V3 = {
    Reason.WRONG_VERB: (400, "0901", "HTTP verb not allowed for this endpoint"),
    Reason.TOO_MANY_REQUESTS: (420, "0801", "Too many requests"),
    Reason.NO_CREDENTIALS: (401, "0201", "Credentials are missing or not in the expected form"),
    Reason.UNKNOWN_KEY: (401, "0201", "Unknown credentials"),
    Reason.WRONG_SIGNATURE: (401, "0215", "Wrong signature, nonce or credentials"),
    Reason.WRONG_NONCE: (401, "0207", "Nonce must be larger than the last one"),
    Reason.UNREADABLE: (400, "0302", "Arguments cannot be read"),
    Reason.UNKNOWN_ARGUMENT: (400, "0304", "Unknown field"),
    Reason.MISSING_ARGUMENT: (400, "0303", "Required field is missing"),
    Reason.WRONG_ARGUMENT: (400, "0304", "Field is not valid"),
    Reason.WRONG_NUMBER: (400, "0304", "Field is not a number in the expected form"),
    Reason.UNKNOWN_BOOK: (400, "0301", "Unknown order book"),
    Reason.NOT_FOUND: (404, "1401", "Not found"),
    Reason.NO_FUNDS: (400, "0379", "Not enough balance"),
    Reason.EXPIRED: (400, "0345", "The quote has expired"),
    Reason.TAKEN: (400, "0356", "The origin_id is in use"),
    Reason.NOT_OPEN: (400, "1702", "The order is not open"),
    Reason.UNCHANGED: (400, "1705", "The order has these values already"),
    Reason.COSTS_TOO_MUCH: (400, "0353", "The fee is above max_fee"),
    Reason.TOO_SMALL: (400, "0405", "Below the minimum of the order book"),
    Reason.TOO_LARGE: (400, "0406", "Above the maximum of the order book"),
}
_BOUND_CODES = {
    (Reason.TOO_SMALL, "price"): "0401",
    (Reason.TOO_LARGE, "price"): "0402",
    (Reason.TOO_SMALL, "major"): "0403",
    (Reason.TOO_LARGE, "major"): "0404",
    (Reason.NOT_FOUND, "order to modify"): "1700",
    (Reason.NOT_FOUND, "tid"): "0321",
    (Reason.NOT_FOUND, "fid"): "0311",
    (Reason.NOT_FOUND, "wid"): "0310",
}
_NO_FUNDS_CODES = {"btc": "0601", "mxn": "0602"}
# Code and text of v2; the status is 400.
_ERRORS_V2 = {
    Reason.NO_CREDENTIALS: (20, "Missing API key, signature or nonce"),
    Reason.UNKNOWN_KEY: (20, "API key not found"),
    Reason.WRONG_SIGNATURE: (20, "Invalid signature"),
    Reason.WRONG_NONCE: (104, "Nonce must be larger than the last one"),
    Reason.WRONG_NUMBER: (22, "Invalid amount or precision"),
    Reason.UNKNOWN_BOOK: (20, "Unknown order book"),
    Reason.UNKNOWN_BOOK_OF_TICKER: (20, "Unknown order book"),  # on v3 alone
}


def _signatures_v2(_: ParsedRequest, claim: Claim, account: Account) -> tuple[str, ...]:
    """Sign nonce, client id and key."""
    key, client_id = account.api_key, account.client_id
    # Bitso's documents disagree about the order; both are accepted.
    orders = (f"{claim.nonce}{client_id}{key}", f"{claim.nonce}{key}{client_id}")
    return tuple(account.mac(order.encode()) for order in orders)


def _refusal_v2(refused: Refused) -> HttpAnswer:
    if refused.reason in (Reason.NO_SUCH_PATH, Reason.WRONG_VERB):
        return HttpAnswer(404)
    if refused.reason is Reason.TOO_MANY_REQUESTS:
        return _refusal_v3(refused)
    code, text = _ERRORS_V2.get(refused.reason, (None, "Invalid arguments"))
    text = _text(refused, text)
    error: Json = text if code is None else {"code": code, "message": text}
    return HttpAnswer(400, dumps({"error": error}))


def _claim_v3(parsed: ParsedRequest) -> Claim:
    """Return the identity in the header."""
    word, _, credentials = parsed.request.header("authorization").partition(" ")
    parts = credentials.split(":")
    refuse_if(word != "Bitso" or len(parts) != 3 or not all(parts), Reason.NO_CREDENTIALS)
    return Claim(parts[0], parsed.fields, parts[1], parts[2])


def _signatures_v3(parsed: ParsedRequest, claim: Claim, account: Account) -> tuple[str, ...]:
    """Sign nonce, verb, target and body."""
    request = parsed.request
    return (account.mac(f"{claim.nonce}{request.verb}{request.target}".encode() + request.body),)


def _refusal_v3(refused: Refused) -> HttpAnswer:
    if refused.reason is Reason.NO_SUCH_PATH:
        return HttpAnswer(404)
    # Quirk: the ticker of an unknown book is rejected in the shape of v2 (seen on the live server).
    if refused.reason is Reason.UNKNOWN_BOOK_OF_TICKER:
        return _refusal_v2(refused)
    status, code, text = _ERRORS_V3[refused.reason]
    if refused.reason is Reason.NO_FUNDS:
        code = _NO_FUNDS_CODES.get(refused.about, code)
    code = _BOUND_CODES.get((refused.reason, refused.about), code)
    error: Json = {"code": code, "message": _text(refused, text), "details": []}
    return HttpAnswer(status, dumps({"success": False, "error": error}))


def _text(refused: Refused, usual: str) -> str:
    text = refused.text or usual
    return f"{text}: {refused.about}" if refused.about and refused.reason is not Reason.NO_FUNDS else text


GENERATIONS = {
    "bitso.v2": Generation(claim_in_body, _refusal_v2, _signatures_v2),
    # v3 and v4 differ in their addresses alone.
    "bitso": Generation(
        _claim_v3,
        _refusal_v3,
        _signatures_v3,
        envelope=lambda value: {"success": True, "payload": value},
        use_nonce=use_salted_nonce,
    ),
}
