"""How Bitstamp's generations identify callers and word rejections."""

from __future__ import annotations

from attrs import evolve

from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.venues.calls import Account, Claim, ParsedRequest
from exchanges.simulator.venues.spot import claim_in_body
from exchanges.simulator.venues.venue import Generation, use_unique_nonce
from exchanges.wire import Json, dumps

WINDOW_MS = 150_000
"""How far the time of a signed request of v2 may be from the exchange's."""
ALL_FIELDS = "__all__"
"""The field that v1 names in a rejection that concerns no single one."""

# Texts of v1 and, for what concerns one argument, of both.
_TEXTS = {
    Reason.WRONG_VERB: "Method not allowed.",
    Reason.TOO_MANY_REQUESTS: "Request limit exceeded.",
    Reason.NO_CREDENTIALS: "Missing key, signature and nonce parameters",
    Reason.UNKNOWN_KEY: "API key not found",
    Reason.WRONG_SIGNATURE: "Invalid signature",
    Reason.WRONG_NONCE: "Invalid nonce",
    Reason.UNREADABLE: "Invalid request",
    Reason.UNKNOWN_ARGUMENT: "Too many parameters.",
    Reason.MISSING_ARGUMENT: "This field is required.",
    Reason.WRONG_ARGUMENT: "Select a valid choice.",
    Reason.WRONG_NUMBER: "Enter a number.",
    Reason.WRONG_TIME: "X-Auth-Timestamp header is out of range",
    Reason.UNKNOWN_BOOK: "Market not found.",
    Reason.NOT_FOUND: "Not found",
    Reason.NO_FUNDS: "Not enough funds",
}
# Status and code of v2; 400 and 400.001 for all others.
_CODES_V2 = {
    Reason.WRONG_VERB: (405, "405.001"),
    Reason.UNKNOWN_BOOK: (404, "404.002"),
    Reason.NOT_FOUND: (404, "404.001"),
    Reason.NO_ORDER: (404, "404.002"),
    Reason.NO_EVENTS: (404, "404.008"),
    Reason.NO_FUNDS: (400, "400.009"),
    Reason.TOO_SMALL: (400, "400.020"),
    Reason.UNKNOWN_KEY: (403, "API0001"),
    Reason.WRONG_SIGNATURE: (403, "API0005"),
    Reason.WRONG_NONCE: (403, "API0004"),
    Reason.WRONG_TIME: (403, "API0017"),
    Reason.NO_CREDENTIALS: (403, "API0001"),
}


def _signatures(_: ParsedRequest, claim: Claim, account: Account) -> tuple[str, ...]:
    """Sign nonce, client id and key, in upper case."""
    return (account.mac(f"{claim.nonce}{account.client_id}{account.api_key}".encode()).upper(),)


def _refusal_v1(refused: Refused) -> HttpAnswer:
    # Quirk: v1 rejects with status 200; the errors are in the body alone.
    return _refusal_of_both(refused) or HttpAnswer(200, dumps({"error": _error(refused)}))


def _refusal_v2(refused: Refused) -> HttpAnswer:
    status, code = _CODES_V2.get(refused.reason, (400, "400.001"))
    return _refusal_of_both(refused) or HttpAnswer(status, _error_v2(_error(refused), code))


def _refusal_of_both(refused: Refused) -> HttpAnswer | None:
    """Reject unknown paths and too many requests, which are the same in both generations."""
    if refused.reason is Reason.NO_SUCH_PATH:
        return HttpAnswer(404, b"<!DOCTYPE html><title>Page not found</title>", "text/html; charset=utf-8")
    if refused.reason is Reason.TOO_MANY_REQUESTS:
        return HttpAnswer(429, _error_v2(_TEXTS[refused.reason], "400.002"))
    return None


def _error(refused: Refused) -> Json:
    text = refused.text or _TEXTS[refused.reason]
    if not refused.about or refused.reason is Reason.UNKNOWN_BOOK:
        return text
    # The currency in `about` is for the text; v1 names no field for missing funds.
    return {ALL_FIELDS if refused.reason is Reason.NO_FUNDS else refused.about: [text]}


def _error_v2(error: Json, code: str) -> bytes:
    return dumps({"status": "error", "reason": error, "response_code": code})


def _claim_v2(parsed: ParsedRequest) -> Claim:
    """Return the identity in the headers."""
    request = parsed.request
    word, _, key = request.header("x-auth").partition(" ")
    signature, nonce = request.header("x-auth-signature"), request.header("x-auth-nonce")
    is_whole = word == "BITSTAMP" and key and signature and nonce and request.header("x-auth-version") == "v2"
    if not is_whole or not request.header("x-auth-timestamp").isdigit():
        raise Refused(Reason.NO_CREDENTIALS)
    return Claim(key, parsed.fields, nonce, signature.lower())


def _signatures_v2(parsed: ParsedRequest, claim: Claim, account: Account) -> tuple[str, ...]:
    """Sign key, verb, host, path with query, content type, nonce, time, version and body."""
    request = parsed.request
    text = (
        f"BITSTAMP {account.api_key}{request.verb}{request.header('host')}{request.target}"
        f"{request.header('content-type')}{claim.nonce}{request.header('x-auth-timestamp')}v2"
    )
    return (account.mac(text.encode() + request.body),)


def _is_in_time(parsed: ParsedRequest, now_ms: int) -> bool:
    return abs(int(parsed.request.header("x-auth-timestamp")) - now_ms) <= WINDOW_MS


def _sign_answer(parsed: ParsedRequest, claim: Claim, account: Account, answer: HttpAnswer) -> HttpAnswer:
    """Sign nonce, time, content type and body of an answer."""
    text = f"{claim.nonce}{parsed.request.header('x-auth-timestamp')}{answer.content_type}"
    signature = account.mac(text.encode() + answer.body)
    return evolve(answer, headers=(*answer.headers, ("X-Server-Auth-Signature", signature)))


GENERATIONS = {
    "bitstamp.v1": Generation(claim_in_body, _refusal_v1, _signatures),
    "bitstamp": Generation(
        _claim_v2,
        _refusal_v2,
        _signatures_v2,
        use_nonce=use_unique_nonce,
        is_in_time=_is_in_time,
        sign_answer=_sign_answer,
    ),
}
