"""What all counters of the simulated Bitstamp share: who calls, and how it answers and refuses."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.endpoint import Api
from exchanges.simulator.engine.matching import Short, Tariff
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.venues.spot import Hall
from exchanges.simulator.venues.venue import Account, Asked, Claim
from exchanges.wire import Json, dumps

__all__ = ["ALL_FIELDS", "FEE_PERCENT", "V1_MARKET", "House"]

FEE_PERCENT = Decimal("0.2500")
V1_MARKET = "btcusd"
ALL_FIELDS = "__all__"
"""What v1 calls the field of a refusal that is about no single one."""

_CHECK = "Check your account balance for details."

# Words of v1 and, for what concerns one argument, of both.
_WORDS = {
    Reason.WRONG_VERB: "Method not allowed.",
    Reason.TOO_MANY_REQUESTS: "Request limit exceeded.",
    Reason.NO_CREDENTIALS: "Missing key, signature and nonce parameters",
    Reason.UNKNOWN_KEY: "API key not found",
    Reason.WRONG_SIGNATURE: "Invalid signature",
    Reason.WRONG_NONCE: "Invalid nonce",
    Reason.UNREADABLE: "Invalid request",
    Reason.UNKNOWN_ARGUMENT: "Invalid field.",
    Reason.MISSING_ARGUMENT: "This field is required.",
    Reason.WRONG_ARGUMENT: "Invalid value.",
    Reason.WRONG_NUMBER: "Enter a number.",
    Reason.UNKNOWN_BOOK: "Market not found.",
    Reason.NOT_FOUND: "Not found",
    Reason.NO_FUNDS: "Not enough funds",
}
# Status and code of v2; 400 and 400.001 for all others.
_V2 = {
    Reason.WRONG_VERB: (405, "405.001"),
    Reason.UNKNOWN_BOOK: (404, "404.002"),
    Reason.NOT_FOUND: (404, "404.001"),
}


@define(eq=False, slots=False)
class House(Hall):
    """Bitstamp: both generations see the same markets and the same account. Fees are paid in counter currency."""

    tariff = Tariff(FEE_PERCENT / 100, in_quote=True)

    # Who calls

    def claim(self, asked: Asked) -> Claim:
        """Take the three fields of v1."""
        rest = dict(asked.fields)
        key, nonce, signature = (rest.pop(name, None) for name in ("key", "nonce", "signature"))
        if not (isinstance(key, str) and isinstance(nonce, str) and isinstance(signature, str)):
            raise Refused(Reason.NO_CREDENTIALS)
        return Claim(key, rest, nonce, signature)

    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:  # noqa: ARG002
        """Sign nonce, client id and key, in upper case."""
        return (account.mac(f"{claim.nonce}{account.client_id}{account.api_key}".encode()).upper(),)

    # Shapes

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Refuse with status 200 on v1; too many requests and unknown paths are the same in both."""
        reason = refused.reason
        if reason is Reason.NO_SUCH_PATH:
            return HttpAnswer(404, b"<!DOCTYPE html><title>Page not found</title>", "text/html; charset=utf-8")
        if reason is Reason.TOO_MANY_REQUESTS:
            return HttpAnswer(429, _error_v2(_WORDS[reason], "400.002"))
        words: Json = refused.text or _WORDS[reason]
        if refused.about and reason is not Reason.UNKNOWN_BOOK:
            about = ALL_FIELDS if reason is Reason.NO_FUNDS else refused.about
            words = {about: [words]}
        if api.name == "bitstamp.v1":
            return HttpAnswer(200, dumps({"error": words}))
        status, code = _V2.get(reason, (400, "400.001"))
        return HttpAnswer(status, _error_v2(words, code))

    def words_for(self, short: Short) -> str:
        """Say that funds do not suffice."""
        if short.currency != "usd":
            return f"You have only {short.available:.8f} {short.currency.upper()} available. {_CHECK}"
        return (
            f"You need ${short.needed:.2f} to open that order. You have only ${short.available:.2f} available. {_CHECK}"
        )


def _error_v2(words: Json, code: str) -> bytes:
    return dumps({"status": "error", "reason": words, "response_code": code})
