"""What each refusal that Bitso or Bitstamp is known to give, or may give, means for a call.

Source:
    Bitso API v3, "Error Categories" and the pages below it; Bitso API v2 for ``{"error": ...}``.
    Bitstamp API v2, "Error codes" and the error schemas; recordings of Bitstamp API v1.
"""

import json
from urllib.parse import parse_qs

import httpx
import pytest

from exchanges import Bitso, Bitstamp, errors
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
    ReadFailed,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from tests.support.scripted_transport import Script
from tests.support.single_calls import ask

pytestmark = pytest.mark.sweep

HTML = "<!DOCTYPE html><title>Just a moment...</title>"
FUNDS = "You have only 0 BTC available. Check your account balance for details."


def envelope(code, message="no", **more):
    """The shape of Bitso's v3."""
    return json.dumps({"success": False, "error": {"code": code, "message": message, **more}})


def old(code, message):
    """The shape of Bitso's v2."""
    return json.dumps({"error": {"code": code, "message": message}})


def said(error):
    """The shape of Bitstamp's v1, which older clients know of Bitso too."""
    return json.dumps({"error": error})


def coded(code, reason="no"):
    """The later shape of Bitstamp, for authentication."""
    return json.dumps({"status": "error", "reason": reason, "code": code})


def answered(response_code, reason="no"):
    """The later shape of Bitstamp, for everything else."""
    return json.dumps({"status": "error", "reason": reason, "response_code": response_code})


def rows(shape, status, kind, codes):
    """Cases that differ in the code alone."""
    return [(status, shape(code), kind) for code in codes.split()]


# Status, body and class; those under UNPROVEN do not say whether the money moved.
BITSO = [
    (401, envelope("0201", "Unknown credentials"), AuthenticationFailed),
    (400, envelope("0202", "Key lacks a permission"), PermissionDenied),
    (401, envelope("0203", "Token expired"), AuthenticationFailed),
    (401, envelope("0207", f"Nonce must be higher than {10**18}"), NonceRejected),
    *rows(envelope, 401, AuthenticationFailed, "0208 0209 0214 0326"),
    *rows(envelope, 401, PermissionDenied, "0213 0216"),
    (401, envelope("0215", "Wrong signature"), AuthenticationFailed),
    (400, envelope("0301", "Unknown OrderBook nope"), InvalidRequest),
    (400, envelope(["0379", "0301"]), InsufficientFunds),
    (400, envelope("0303", details=["to_currency"]), InvalidRequest),
    (400, envelope("0304", errorData=None), InvalidRequest),
    *rows(envelope, 400, InvalidRequest, "0306 0307 0308 0309 0315 0320 0343 0353 0357 0360 0361 0372"),
    *rows(envelope, 400, NotFound, "0310 0311 0312 0321 1700"),
    *rows(envelope, 400, QuoteExpired, "0345 0373"),
    (400, envelope("0367"), Rejected),
    (400, envelope("0379"), InsufficientFunds),
    *rows(envelope, 400, InvalidRequest, "0401 0402 0403 0405 0407 0408 0412"),
    *rows(envelope, 400, Rejected, "0410 0411 0501"),
    *rows(envelope, 400, InsufficientFunds, "0601 0602"),
    *rows(envelope, 400, PermissionDenied, "0701 0705"),
    *rows(envelope, 420, RateLimited, "0801 0802"),
    (400, envelope("0901"), InvalidRequest),
    *rows(envelope, 400, Rejected, "1000 1001 1004 1008 1009 1701 1702 1703 1704 1705 1706"),
    (400, envelope("1201"), InvalidRequest),
    (400, envelope("1301"), AuthenticationFailed),
    (404, envelope("1401"), NotFound),
    (400, envelope(301, "Unknown book"), InvalidRequest),
    (401, envelope(104, f"Nonce must be higher than {10**18}"), NonceRejected),
    (400, json.dumps({"success": False, "error": "Invalid signature"}), AuthenticationFailed),
    (400, json.dumps({"success": False, "code": "0601", "message": "Not enough"}), InsufficientFunds),
    (420, "", RateLimited),
    (400, old(20, "Unknown OrderBook nope"), InvalidRequest),
    (200, old(20, "Bad API credentials"), AuthenticationFailed),
    (400, old(22, "Incorrect precision"), InvalidRequest),
    (400, old(104, f"Nonce must be greater than {10**18}"), NonceRejected),
    (200, said("Invalid signature"), AuthenticationFailed),
    (200, said("API key not found"), AuthenticationFailed),
    (200, json.dumps([{"error": "Invalid signature"}]), AuthenticationFailed),
    (200, json.dumps([{"error": {"code": 22, "message": "Incorrect amount"}}]), InvalidRequest),
]
BITSTAMP = [
    (200, said("Invalid signature"), AuthenticationFailed),
    (200, said("API key not found"), AuthenticationFailed),
    (200, said("Missing key, signature and nonce parameters"), AuthenticationFailed),
    (200, said("No permission found"), PermissionDenied),
    (200, said("Order not found"), NotFound),
    (200, said("You have only 1.50 USD available."), InsufficientFunds),
    (200, said(f"You need $5.00 to open that order. {FUNDS}"), InsufficientFunds),
    (200, said("Minimum order size is $1"), InvalidRequest),
    (200, said("Your account is frozen"), PermissionDenied),
    (200, said({"amount": [FUNDS]}), InsufficientFunds),
    (200, said({"__all__": [FUNDS]}), InsufficientFunds),
    (200, said({"amount": ["Ensure that there are no more than 8 decimal places."]}), InvalidRequest),
    (200, said({"price": ["Enter a number."], "amount": ["This field is required."]}), InvalidRequest),
    (200, said({"__all__": ["Price is more than 20% below market price."]}), InvalidRequest),
    (200, json.dumps([{"error": "Invalid signature"}]), AuthenticationFailed),
    *rows(coded, 403, AuthenticationFailed, "API0001 API0005 API0008 API0010 API0011 API0012 API0013 API0014"),
    *rows(coded, 403, AuthenticationFailed, "API0015 API0016 API0017 API0018 API0099"),
    *rows(coded, 403, PermissionDenied, "API0002 API0006 API0009"),
    (403, coded("API0003", "No permission found"), PermissionDenied),
    (403, coded("API0004", f"Nonce must be higher than {10**18}"), NonceRejected),
    *rows(coded, 403, InvalidRequest, "API0019 API0020 API0021"),
    *rows(answered, 400, RateLimited, "400.002 400.067 400.068"),
    (400, answered("400.001"), InvalidRequest),
    (400, answered("400.009", {"amount": ["Too small"]}), InsufficientFunds),
    (400, answered("400.020", {"amount": ["Too small"]}), InvalidRequest),
    (400, answered("400.010", {"__all__": [FUNDS]}), InsufficientFunds),
    (403, answered("403.003"), PermissionDenied),
    (404, answered("404.002"), NotFound),
    (405, answered("405.001"), InvalidRequest),
    (410, answered("410.001"), Rejected),
    (200, json.dumps({"message": "Order not found"}), NotFound),
    (400, json.dumps({"errors": [{"field": "price", "message": "Bad", "code": "400.021"}]}), InvalidRequest),
    (403, said("Invalid signature"), AuthenticationFailed),
]
UNPROVEN = [
    (502, said("Something broke"), Unavailable),
    (403, HTML, Blocked),
    (503, HTML, Unavailable),
    (404, "", Unavailable),
    (404, HTML, Unavailable),
    (404, '{"message":"no Route matched with those values"}', Unavailable),
    (404, '{"message":"Not found."}', Unavailable),
    (401, '{"message":"Unauthorized"}', Unavailable),
    (302, "", RedirectRefused),
    (200, "", DecodeError),
    (200, HTML, Blocked),
    (206, '{"id": 1}', DecodeError),
    (429, HTML, RateLimited),
    (200, said("Request timed out"), Unavailable),
    (200, said("Internal error, please try again"), Unavailable),
    (200, said("Order could not be placed"), Unavailable),
    (200, said("Invalid signature; internal error"), Unavailable),
    (200, said(["Invalid signature", "So?"]), Unavailable),
    (400, said({"amount": ["Too small"]}), Unavailable),
    (400, said({"__all__": ["Internal error, please try again"]}), Unavailable),
    (200, said("Rate limit of your plan does not apply"), Unavailable),
    (403, said("Forbidden"), Blocked),
    (200, json.dumps({"error": "Invalid signature", "id": 1}), Unavailable),
    (200, json.dumps([{"error": "Invalid signature"}, {"id": 1}]), Unavailable),
    (202, said("Invalid signature"), Unavailable),
    (200, said("Invalid nonce"), NonceRejected),
    (200, said("Nonce must be higher than 5"), NonceRejected),
]
DOUBTS = [
    "Order timed out while processing",
    "Order is pending in the engine",
    "Timeout",
    "Being processed, please wait",
]
DOUBTS += ["The order already exists", "Duplicate order", "Internal error", "Try again later", "Still in progress"]
UNPROVEN_BITSO = [
    *UNPROVEN,
    *((400, envelope(code, words), Unavailable) for code in ("0399", "0601", "399") for words in DOUBTS),
    *((400, envelope(codes), Unavailable) for codes in (["0379", "0377"], ["0377", "0379"], ["0379", "9901"])),
    *(
        (200, json.dumps({"success": True, "payload": {"oid": "a1"} | sign}), Unavailable)
        for sign in ({"success": False}, {"error": {"code": "0379"}}, {"code": "0379"}, {"success": "false"})
    ),
    (200, json.dumps({"success": True, "payload": {"oid": "a1"}, "code": "0379"}), Unavailable),
    (200, json.dumps({"success": True, "payload": {"oid": "a1", "error": {}}}), Unavailable),
    *((400, envelope("0379", oid=oid), Unavailable) for oid in ("a1", 17)),
    (400, envelope("0379", details={"wid": "a1"}), Unavailable),
    (400, envelope("0379", details=[{"oid": "a1"}]), Unavailable),
    *rows(envelope, 500, Unavailable, "0101 1103"),
    *rows(envelope, 400, Unavailable, "0377 0378 0356 1002 1003 1707"),
    (400, envelope("9901"), Unavailable),
    (400, envelope("9901", "Unknown order book x"), Unavailable),
    (400, envelope("99", "Error processing the request"), Unavailable),
    (200, old(99, "Error processing the request"), Unavailable),
    (400, old(7, "No withdrawals today"), Unavailable),
    (401, envelope("0201", "Invalid Nonce or Invalid Credentials"), AuthenticationFailed),
    (401, envelope("0215", "Invalid nonce or credentials"), AuthenticationFailed),
    (401, envelope("0206"), NonceRejected),
    (401, envelope("0207", "Nonce must be higher than 1700000000123"), NonceRejected),
    (400, old(104, "Nonce is not higher than the last"), NonceRejected),
    (200, json.dumps({"success": False}), Unavailable),
    (400, json.dumps({"success": False, "error": {"code": "0379"}, "payload": {"oid": "1"}}), Unavailable),
    (200, "{}", DecodeError),
    (401, "{}", Unavailable),
    (403, "{}", Blocked),
]
UNPROVEN_BITSTAMP = [
    *UNPROVEN,
    *rows(answered, 500, Unavailable, "500.012 500.013 500.014 500.015 500.016 500.017"),
    (400, answered("418.001"), Unavailable),
    (400, answered("418.001", "Invalid order id"), Unavailable),
    (200, json.dumps({"error": {"id": 17, "__all__": ["Enter a number."]}}), Unavailable),
    (400, json.dumps({"code": "400.009", "error": {"order_id": "17"}}), Unavailable),
    (400, answered("400.019"), Unavailable),
    (403, coded("API0004", "Invalid nonce"), NonceRejected),
    (403, coded("API5011"), Blocked),
    (429, said("So?"), RateLimited),
    (420, "", RateLimited),
    (200, "false", DecodeError),
    (503, "", Unavailable),
    (200, "[]", DecodeError),
]
BITSO_V2 = Bitso, lambda client: client.v2.funding.bitcoin_withdrawal(amount=1, address="3Ca")
BITSO_V4 = Bitso, lambda client: client.conversions.execute("EOTMmUZG")
BITSTAMP_V1 = Bitstamp, lambda client: client.v1.funding.bitcoin_withdrawal(amount=1, address="3Ca")
BITSTAMP_READ = Bitstamp, lambda client: client.market.ticker("btcusd")


def cases(*tables):
    """Parametrise over calls and the rows of their tables."""
    return pytest.mark.parametrize(
        ("call", "status", "body", "kind"), [(call, *row) for calls, table in tables for call in calls for row in table]
    )


def outcome(call, status, body):
    """The error of one call."""
    exchange, method = call
    script = Script.of(httpx.Response(status, content=body.encode()))
    with pytest.raises(ExchangeError) as caught:
        ask(exchange, method, script)
    assert call is BITSTAMP_READ or len(script.came) == 1
    return caught.value


@cases(((BITSO_V2, BITSO_V4), BITSO), ((BITSTAMP_V1,), BITSTAMP))
def test_proven(call, status, body, kind):
    """A refusal that proves itself is of its class."""
    error = outcome(call, status, body)

    assert (kind, False, status) == (type(error), error.may_have_executed, error.status)


@cases(((BITSO_V2, BITSO_V4), UNPROVEN_BITSO), ((BITSTAMP_V1,), UNPROVEN_BITSTAMP))
def test_unproven(call, status, body, kind):
    """An answer that proves nothing leaves the outcome open, and says what it would have been."""
    error = outcome(call, status, body)

    assert (OutcomeUnknown, kind, True) == (type(error), type(error.__cause__), error.may_have_executed)


@cases(((BITSTAMP_READ,), [*BITSTAMP, *UNPROVEN_BITSTAMP]))
def test_reads_of_v2(call, status, body, kind):
    """A read of Bitstamp's v2 fails with the same class; what may pass was tried again before."""
    error = outcome(call, status, body)
    told = error.__cause__ if isinstance(error, ReadFailed) else error

    assert isinstance(error, ReadFailed) is (kind is Unavailable)
    assert (kind, False) == (type(told), error.may_have_executed)


@pytest.mark.parametrize("table", [[*BITSO, *UNPROVEN_BITSO], [*BITSTAMP, *UNPROVEN_BITSTAMP]])
def test_how_many(table):
    """Each table holds at least sixty bodies, and no class in it says nothing."""
    assert len({(status, body) for status, body, _ in table}) == len(table) >= 60
    assert errors.ExchangeError not in {kind for *_, kind in table}


def test_fields():
    """Words for fields keep their names, be they for all of them."""
    error = outcome(BITSTAMP_V1, 200, said({"__all__": ["Enter a number."], "price": ["This field is required."]}))

    assert {"__all__": ("Enter a number.",), "price": ("This field is required.",)} == error.fields


def second_request(exchange, method, *responses):
    """The request that a read repeats after it was refused once."""
    script = Script.of(*responses)

    assert [] == ask(exchange, method, script)
    return script.came[1].request


def test_going_on_from_a_larger_nonce():
    """After a refusal that names the largest nonce seen, the next one is larger."""
    largest = 10**14
    words = f"Nonce must be higher than {largest}"
    bitso = second_request(
        Bitso,
        lambda client: client.account.balance(),
        httpx.Response(401, content=envelope("0207", words).encode()),
        httpx.Response(200, content=b'{"success": true, "payload": {"balances": []}}'),
    )
    bitstamp = second_request(
        Bitstamp,
        lambda client: client.v1.trading.open_orders(),
        httpx.Response(200, content=said(words).encode()),
        httpx.Response(200, content=b"[]"),
    )

    assert largest < int(bitso.headers["Authorization"].split(":")[1])
    assert largest < int(parse_qs(bitstamp.content.decode())["nonce"][0])
