"""What each refusal that Bitstamp is known to make, or may make, comes to."""

import json
from urllib.parse import parse_qs

import httpx
import pytest

from exchanges import Bitstamp, errors
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
    RateLimited,
    ReadFailed,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from tests.support.scripted_transport import Script
from tests.support.virtual_time import run

HTML = "<!DOCTYPE html><title>Just a moment...</title>"
FUNDS = "You have only 0 BTC available. Check your account balance for details."


def said(error):
    """The shape of v1."""
    return json.dumps({"error": error})


def coded(code, reason="no"):
    """The later shape, for authentication."""
    return json.dumps({"status": "error", "reason": reason, "code": code})


def answered(response_code, reason="no"):
    """The later shape, for everything else."""
    return json.dumps({"status": "error", "reason": reason, "response_code": response_code})


# Status, body and class; those under UNPROVEN do not say whether the money moved.
PROVEN = [
    (200, said("Invalid nonce"), NonceRejected),
    (200, said("Invalid signature"), AuthenticationFailed),
    (200, said("API key not found"), AuthenticationFailed),
    (200, said("Missing key, signature and nonce parameters"), AuthenticationFailed),
    (200, said("No permission found"), PermissionDenied),
    (200, said("Order not found"), NotFound),
    (200, said("Not enough funds"), InsufficientFunds),
    (200, said("Minimum order size is $1"), InvalidRequest),
    (200, said("Request limit exceeded"), RateLimited),
    (200, said("Your account is frozen"), PermissionDenied),
    (200, said({"amount": [FUNDS]}), InsufficientFunds),
    (200, said({"__all__": [FUNDS]}), InsufficientFunds),
    (200, said({"amount": ["Ensure that there are no more than 8 decimal places."]}), InvalidRequest),
    (200, said({"price": ["Enter a number."], "amount": ["This field is required."]}), InvalidRequest),
    (200, said({"__all__": ["Price is more than 20% below market price."]}), InvalidRequest),
    (200, json.dumps([{"error": "Invalid nonce"}]), NonceRejected),
    *((403, coded(f"API{number:04}"), AuthenticationFailed) for number in (1, 5, 8, 10, 11, 12, 13, 14, 15, 16)),
    (403, coded("API0002"), PermissionDenied),
    (403, coded("API0003", "No permission found"), PermissionDenied),
    (403, coded("API0004", "Invalid nonce"), NonceRejected),
    (403, coded("API0006"), PermissionDenied),
    (403, coded("API0009"), PermissionDenied),
    (403, coded("API0017"), AuthenticationFailed),
    (403, coded("API0018"), AuthenticationFailed),
    (403, coded("API0019"), InvalidRequest),
    (403, coded("API0020"), InvalidRequest),
    (403, coded("API0021"), InvalidRequest),
    (400, answered("400.001"), InvalidRequest),
    (400, answered("400.002"), RateLimited),
    (400, answered("400.067"), RateLimited),
    (400, answered("400.068"), RateLimited),
    (400, answered("400.009", {"amount": ["Too small"]}), InvalidRequest),
    (400, answered("400.010", {"__all__": [FUNDS]}), InsufficientFunds),
    (403, answered("403.003"), PermissionDenied),
    (404, answered("404.002"), NotFound),
    (405, answered("405.001"), InvalidRequest),
    (410, answered("410.001"), Rejected),
    (200, json.dumps({"message": "Order not found"}), NotFound),
    (400, json.dumps({"errors": [{"field": "price", "message": "Bad", "code": "400.009"}]}), InvalidRequest),
    (403, said("Invalid signature"), AuthenticationFailed),
    (429, said("So?"), RateLimited),
    (429, HTML, RateLimited),
    (420, "", RateLimited),
]
UNPROVEN = [
    *((500, answered(f"500.{number:03}"), Unavailable) for number in range(12, 18)),
    (400, answered("418.001"), Rejected),
    (500, said("So?"), Unavailable),
    (502, HTML, Unavailable),
    (503, "", Unavailable),
    (403, HTML, Blocked),
    (404, HTML, NotFound),
    (404, "", NotFound),
    (301, "", RedirectRefused),
    (200, HTML, DecodeError),
    (200, "", DecodeError),
    (200, "[]", DecodeError),
]
# What only v1 takes for its own word.
ONLY_V1 = [
    (200, said("Try again on Monday"), Rejected),
    (403, said("Banned"), RateLimited),
    (200, "false", Rejected),
]


async def withdraw(client):
    """Move money, by v1."""
    await client.v1.funding.bitcoin_withdrawal(amount=1, address="3Ca")


async def look(client):
    """Read, by v2."""
    await client.market.ticker("btcusd")


def outcome(call, status, body):
    """The error of one call."""
    script = Script.of(httpx.Response(status, content=body.encode()))

    async def asking():
        credentials = {"api_key": "k", "api_secret": "s", "client_id": "7"}
        async with Bitstamp(transport=script, limits=None, **credentials) as client:
            with pytest.raises(ExchangeError) as caught:
                await call(client)
            return caught.value

    return run(asking())


@pytest.mark.parametrize(("status", "body", "kind"), [*PROVEN, *ONLY_V1])
def test_proven(status, body, kind):
    """A refusal that proves itself is of its class."""
    error = outcome(withdraw, status, body)

    assert (kind, False, status) == (type(error), error.may_have_executed, error.status)


@pytest.mark.parametrize(("status", "body", "kind"), UNPROVEN)
def test_unproven(status, body, kind):
    """An answer that proves nothing leaves the outcome open, and says what it would have been."""
    error = outcome(withdraw, status, body)

    assert (OutcomeUnknown, kind, True) == (type(error), type(error.__cause__), error.may_have_executed)


@pytest.mark.parametrize(("status", "body", "kind"), [*PROVEN, *UNPROVEN])
def test_reads_of_v2(status, body, kind):
    """A read of v2 that is answered so fails with the same class; what may pass was tried again before."""
    error = outcome(look, status, body)
    told = error.__cause__ if isinstance(error, ReadFailed) else error

    assert (kind, False) == (type(told), error.may_have_executed)


def test_how_many():
    """The table holds at least sixty bodies, and no class in it says nothing."""
    rows = [*PROVEN, *UNPROVEN, *ONLY_V1]

    assert len({(status, body) for status, body, _ in rows}) == len(rows) >= 60
    assert errors.ExchangeError not in {kind for *_, kind in rows}


def test_fields():
    """Words for fields keep their names, be they for all of them."""
    error = outcome(withdraw, 200, said({"__all__": ["Odd"], "price": ["Enter a number."]}))

    assert {"__all__": ("Odd",), "price": ("Enter a number.",)} == error.fields


def test_going_on_from_a_larger_nonce():
    """After a refusal that names the largest nonce seen, the next one is larger."""
    largest = 10**14
    script = Script.of(
        httpx.Response(200, content=said(f"Nonce must be higher than {largest}").encode()),
        httpx.Response(200, content=b"[]"),
    )

    async def asking():
        credentials = {"api_key": "k", "api_secret": "s", "client_id": "7"}
        async with Bitstamp(transport=script, limits=None, **credentials) as client:
            return await client.v1.trading.open_orders()

    assert [] == run(asking())
    assert largest < int(parse_qs(script.came[1].request.content.decode())["nonce"][0])
