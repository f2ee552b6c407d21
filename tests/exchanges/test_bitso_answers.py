"""What each refusal that Bitso is known to make, or may make, comes to in a call that moves money."""

import json

import httpx
import pytest

from exchanges import Bitso, errors
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    DecodeError,
    ExchangeError,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    QuoteExpired,
    RateLimited,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from tests.support.scripted_transport import Script
from tests.support.virtual_time import run

HTML = "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>"


def envelope(code, message="no", **more):
    """The shape of v3."""
    return json.dumps({"success": False, "error": {"code": code, "message": message, **more}})


def old(code, message):
    """The shape of v2."""
    return json.dumps({"error": {"code": code, "message": message}})


def said(error):
    """A shape that older clients know."""
    return json.dumps({"error": error})


# Status, body and class; those under UNPROVEN do not say whether the money moved.
PROVEN = [
    (401, envelope("0201", "Invalid Nonce or Invalid Credentials"), AuthenticationFailed),
    (400, envelope("0202", "Key lacks a permission"), PermissionDenied),
    (401, envelope("0203", "Token expired"), AuthenticationFailed),
    (401, envelope("0206"), NonceRejected),
    (401, envelope("0207", "Nonce must be higher than 1700000000123"), NonceRejected),
    (401, envelope("0208"), AuthenticationFailed),
    (401, envelope("0209"), AuthenticationFailed),
    (401, envelope("0213"), PermissionDenied),
    (401, envelope("0214"), AuthenticationFailed),
    (401, envelope("0215", "Invalid nonce or credentials"), AuthenticationFailed),
    (401, envelope("0216"), AuthenticationFailed),
    (400, envelope("0301", "Unknown OrderBook nope"), InvalidRequest),
    (400, envelope("0303", details=["to_currency"]), InvalidRequest),
    (400, envelope("0304", errorData=None), InvalidRequest),
    (400, envelope("0306"), InvalidRequest),
    (400, envelope("0307"), InvalidRequest),
    (400, envelope("0308"), InvalidRequest),
    (400, envelope("0309"), InvalidRequest),
    (400, envelope("0310"), NotFound),
    (400, envelope("0311"), NotFound),
    (400, envelope("0312"), NotFound),
    (400, envelope("0315"), InvalidRequest),
    (400, envelope("0320"), InvalidRequest),
    (400, envelope("0321"), NotFound),
    (400, envelope("0343"), InvalidRequest),
    (400, envelope("0345"), QuoteExpired),
    (400, envelope("0353"), InvalidRequest),
    (400, envelope("0356"), InvalidRequest),
    (400, envelope("0357"), InvalidRequest),
    (400, envelope("0360"), InvalidRequest),
    (400, envelope("0361"), InvalidRequest),
    (400, envelope("0367"), Rejected),
    (400, envelope("0372"), InvalidRequest),
    (400, envelope("0373"), QuoteExpired),
    (400, envelope("0379"), InsufficientFunds),
    (400, envelope("0401"), InvalidRequest),
    (400, envelope("0402"), InvalidRequest),
    (400, envelope("0403"), InvalidRequest),
    (400, envelope("0405"), InvalidRequest),
    (400, envelope("0407"), InvalidRequest),
    (400, envelope("0408"), InvalidRequest),
    (400, envelope("0410"), Rejected),
    (400, envelope("0411"), Rejected),
    (400, envelope("0412"), InvalidRequest),
    (400, envelope("0501"), Rejected),
    (400, envelope("0601"), InsufficientFunds),
    (400, envelope("0602"), InsufficientFunds),
    (400, envelope("0701"), PermissionDenied),
    (400, envelope("0705"), PermissionDenied),
    (420, envelope("0801"), RateLimited),
    (420, envelope("0802"), RateLimited),
    (400, envelope("0901"), InvalidRequest),
    (400, envelope("1000"), Rejected),
    (400, envelope("1001"), Rejected),
    (400, envelope("1002"), Rejected),
    (400, envelope("1004"), Rejected),
    (400, envelope("1008"), Rejected),
    (400, envelope("1009"), Rejected),
    (400, envelope("1201"), InvalidRequest),
    (400, envelope("1301"), AuthenticationFailed),
    (404, envelope("1401"), NotFound),
    (400, envelope(301, "Unknown book"), InvalidRequest),
    (401, envelope(104, "Nonce must be higher than 5"), NonceRejected),
    (400, json.dumps({"success": False, "error": "Invalid signature"}), AuthenticationFailed),
    (400, json.dumps({"success": False, "code": "0601", "message": "Not enough"}), InsufficientFunds),
    (420, "", RateLimited),
    (429, HTML, RateLimited),
    (400, said({"amount": ["Too small"]}), InvalidRequest),
    (400, said({"__all__": ["Wrong in every way"]}), InvalidRequest),
    (400, old(20, "Unknown OrderBook nope"), InvalidRequest),
    (200, old(20, "Bad API credentials"), AuthenticationFailed),
    (400, old(22, "Incorrect precision"), InvalidRequest),
    (400, old(104, "Nonce is not higher than the last"), NonceRejected),
    (200, said("Invalid nonce"), NonceRejected),
    (200, said("Invalid signature"), AuthenticationFailed),
    (200, said("API key not found"), AuthenticationFailed),
    (200, json.dumps([{"error": "Invalid nonce"}]), NonceRejected),
    (200, json.dumps([{"error": {"code": 22, "message": "Incorrect amount"}}]), InvalidRequest),
]
UNPROVEN = [
    (500, envelope("0101"), Unavailable),
    (400, envelope("0377"), Unavailable),
    (400, envelope("0378"), Unavailable),
    (400, envelope("1003"), Unavailable),
    (500, envelope("1103"), Unavailable),
    (400, envelope("9901"), Rejected),
    (502, said("Something broke"), Unavailable),
    (200, json.dumps({"success": False}), Rejected),
    (403, HTML, Blocked),
    (503, HTML, Unavailable),
    (404, "", NotFound),
    (404, HTML, NotFound),
    (302, "", RedirectRefused),
    (200, "", DecodeError),
    (200, HTML, DecodeError),
    (200, "{}", DecodeError),
    (401, "{}", AuthenticationFailed),
    (403, "{}", PermissionDenied),
]
# What only v2 takes for its own word.
ONLY_V2 = [
    (200, said("Try again on Monday"), Rejected),
    (400, old(7, "No withdrawals today"), Rejected),
]
CALLS = {
    "v2": lambda client: client.v2.funding.bitcoin_withdrawal(amount=1, address="3Ca"),
    "v4": lambda client: client.conversions.execute("EOTMmUZG"),
}


def outcome(call, status, body):
    """The error of one call, and what it would have been."""
    script = Script.of(httpx.Response(status, content=body.encode()))

    async def asking():
        credentials = {"api_key": "k", "api_secret": "s", "client_id": "7"}
        async with Bitso(transport=script, limits=None, **credentials) as client:
            with pytest.raises(ExchangeError) as caught:
                await call(client)
            return caught.value

    error = run(asking())
    assert len(script.came) == 1
    return error


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("status", "body", "kind"), PROVEN)
def test_proven(call, status, body, kind):
    """A refusal that proves itself is of its class."""
    error = outcome(call, status, body)

    assert (kind, False, status) == (type(error), error.may_have_executed, error.status)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("status", "body", "kind"), UNPROVEN)
def test_unproven(call, status, body, kind):
    """An answer that proves nothing leaves the outcome open, and says what it would have been."""
    error = outcome(call, status, body)

    assert (OutcomeUnknown, kind, True) == (type(error), type(error.__cause__), error.may_have_executed)


@pytest.mark.parametrize(("status", "body", "kind"), ONLY_V2)
def test_words_of_v2(status, body, kind):
    """On v2 any words of the exchange's own are proof, on v4 they are not."""
    assert (kind, OutcomeUnknown) == (
        type(outcome(CALLS["v2"], status, body)),
        type(outcome(CALLS["v4"], status, body)),
    )


def test_how_many():
    """The table holds at least sixty bodies, and no class in it says nothing."""
    rows = [*PROVEN, *UNPROVEN, *ONLY_V2]

    assert len({(status, body) for status, body, _ in rows}) == len(rows) >= 60
    assert errors.ExchangeError not in {kind for *_, kind in rows}


def test_fields():
    """Words for a field keep its name."""
    assert {"amount": ("Too small",)} == outcome(CALLS["v4"], 400, said({"amount": ["Too small"]})).fields


def test_going_on_from_a_larger_nonce():
    """After a refusal that names the largest nonce seen, the next one is larger."""
    largest = 10**14
    body = envelope("0207", f"Nonce must be higher than {largest}")
    script = Script.of(
        httpx.Response(401, content=body.encode()),
        httpx.Response(200, content=b'{"success": true, "payload": {"balances": []}}'),
    )

    async def asking():
        async with Bitso(transport=script, limits=None, api_key="k", api_secret="s") as client:
            return await client.account.balance()

    assert [] == run(asking())
    assert largest < int(script.came[1].request.headers["Authorization"].split(":")[1])
