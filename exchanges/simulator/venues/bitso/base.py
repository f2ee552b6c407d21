"""What all counters of the simulated Bitso share: who calls, and how it answers and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import define

from exchanges.endpoint import Api, Endpoint
from exchanges.simulator.engine.matching import Tariff
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest
from exchanges.simulator.venues.spot import Hall
from exchanges.simulator.venues.venue import Account, Asked, Claim
from exchanges.wire import Json, dumps

__all__ = ["FEE", "FEE_PERCENT", "House"]

FEE_PERCENT = Decimal("0.6500")
FEE = Decimal("0.0065")

# Status, code and words of v3.
_V3 = {
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
}
_SHORT_OF = {"btc": "0601", "mxn": "0602"}
# Code and words of v2; the status is 400.
_V2 = {
    Reason.NO_CREDENTIALS: (20, "Missing API key, signature or nonce"),
    Reason.UNKNOWN_KEY: (20, "API key not found"),
    Reason.WRONG_SIGNATURE: (20, "Invalid signature"),
    Reason.WRONG_NONCE: (104, "Nonce must be larger than the last one"),
    Reason.WRONG_NUMBER: (22, "Invalid amount or precision"),
    Reason.UNKNOWN_BOOK: (20, "Unknown order book"),
    Reason.UNKNOWN_BOOK_OF_TICKER: (20, "Unknown order book"),  # on v3 alone
}


@define(eq=False, slots=False)
class House(Hall):
    """Bitso: both generations see the same books and the same account. Fees are taken from what a trade brings."""

    tariff = Tariff(FEE, in_quote=False)

    # Who calls

    def claim(self, asked: Asked) -> Claim:
        """Look into the body (v2) or the header (v3)."""
        return _claim_v2(asked.fields) if _is_v2(asked.endpoint.api) else _claim_v3(asked.request, asked.fields)

    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:
        """Sign nonce, client id and key in both documented orders (v2), or nonce, verb, target and body (v3)."""
        if not _is_v2(asked.endpoint.api):
            request = asked.request
            return (account.mac(f"{claim.nonce}{request.verb}{request.target}".encode() + request.body),)
        key, client_id = account.api_key, account.client_id
        orders = (f"{claim.nonce}{client_id}{key}", f"{claim.nonce}{key}{client_id}")
        return tuple(account.mac(order.encode()) for order in orders)

    # Shapes

    def envelope(self, endpoint: Endpoint, value: Json) -> Json:
        """Wrap what v3 answers."""
        return value if _is_v2(endpoint.api) else {"success": True, "payload": value}

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Refuse with numbers on v2, with codes of four characters on v3, with silence for unknown paths."""
        if refused.reason is Reason.NO_SUCH_PATH or (refused.reason is Reason.WRONG_VERB and _is_v2(api)):
            return HttpAnswer(404)
        as_v2 = _is_v2(api) and refused.reason is not Reason.TOO_MANY_REQUESTS
        if as_v2 or refused.reason is Reason.UNKNOWN_BOOK_OF_TICKER:
            code, words = _V2.get(refused.reason, (None, "Invalid arguments"))
            return _refusal_v2(code, _words(refused, words))
        status, code_v3, words = _V3[refused.reason]
        if refused.reason is Reason.NO_FUNDS:
            code_v3 = _SHORT_OF.get(refused.about, code_v3)
        error: Json = {"code": code_v3, "message": _words(refused, words), "details": []}
        return HttpAnswer(status, dumps({"success": False, "error": error}))


def _is_v2(api: Api) -> bool:
    return api.name == "bitso.v2"


def _claim_v2(fields: Mapping[str, Json]) -> Claim:
    rest = dict(fields)
    key, nonce, signature = (rest.pop(name, None) for name in ("key", "nonce", "signature"))
    if not isinstance(key, str) or type(nonce) not in (str, int) or not isinstance(signature, str):
        raise Refused(Reason.NO_CREDENTIALS)
    return Claim(key, rest, str(nonce), signature)


def _claim_v3(request: HttpRequest, fields: Mapping[str, Json]) -> Claim:
    word, _, credentials = request.header("authorization").partition(" ")
    parts = credentials.split(":")
    if word != "Bitso" or len(parts) != 3 or not all(parts):
        raise Refused(Reason.NO_CREDENTIALS)
    return Claim(parts[0], fields, parts[1], parts[2])


def _words(refused: Refused, words: str) -> str:
    said = refused.text or words
    return f"{said}: {refused.about}" if refused.about and refused.reason is not Reason.NO_FUNDS else said


def _refusal_v2(code: int | None, words: str) -> HttpAnswer:
    error: Json = words if code is None else {"code": code, "message": words}
    return HttpAnswer(400, dumps({"error": error}))
