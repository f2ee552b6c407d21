import json
import traceback

import httpx
import pytest
from attrs import evolve

from exchanges import errors
from exchanges.bitex import Account
from exchanges.endpoint import IDEMPOTENT, MONEY, READ, WRITE
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError, OutcomeUnknown
from exchanges.http.answer import Answer
from exchanges.http.signing import Stamp
from exchanges.intents import Phase
from exchanges.outcomes.response import interpret
from exchanges.wire.converter import wire
from tests.support.attempts import attempt_of
from tests.support.fourth import API, Orders, Thing, Trading

BUY = Orders.buy.endpoint
ORDER = {"id": 1, "amount": "3", "price": "5", "side": "buy"}
KINDS = [READ, IDEMPOTENT, WRITE, MONEY]
ONCE = [WRITE, MONEY]


def said(body, status=200, *, endpoint=BUY, arguments=None, **headers):
    """Settle an answer to a purchase."""
    asked = prepare(endpoint, {"amount": 3, "price": 5} if arguments is None else arguments, API.base_url)
    sent = attempt_of(asked, Stamp("7", 1_700_000_000_000), asked.render(secrets=("canary",)))
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return interpret(sent, Answer(status, httpx.Headers(named), text), wire())


def of_kind(kind, body, status=200, **headers):
    """Settle the same answer to a call of another kind."""
    return said(body, status, endpoint=evolve(BUY, kind=kind), **headers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value(kind):
    """An answer as documented is a value, and no error."""
    told = of_kind(kind, ORDER)

    assert (1, None, None, None) == (told.value.id, told.error, told.refusal, told.nonce_floor)


@pytest.mark.parametrize("kind", ONCE)
def test_an_answer_to_another_request(kind):
    """For a call that is never repeated, an answer that contradicts the request proves nothing."""
    told = of_kind(kind, ORDER | {"amount": "4"})

    assert (None, OutcomeUnknown, DecodeError, Phase.ANSWERED) == (
        told.value,
        type(told.error),
        type(told.error.__cause__),
        told.error.phase,
    )


@pytest.mark.parametrize("kind", [READ, IDEMPOTENT])
def test_what_may_differ(kind):
    """The answer to a call that may be repeated is not compared: the order may have changed since."""
    assert of_kind(kind, ORDER | {"amount": "4"}).value.amount == 4


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"{}", {"id": "x"}, {"amount": 3}, None, 5])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [(READ, DecodeError), (IDEMPOTENT, DecodeError), (WRITE, OutcomeUnknown), (MONEY, OutcomeUnknown)],
)
def test_another_shape(kind, expected, body):
    """An answer that is not as documented is a `DecodeError`, or proves nothing because of one."""
    error = of_kind(kind, body).error

    assert (expected, True) == (type(error), isinstance(error.__cause__ or error, DecodeError))


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize("code", ["funds", "auth", "limit"])
def test_a_refusal_that_proves_it(kind, code):
    """A refusal that proves that nothing was done is of its own class."""
    error = of_kind(kind, {"error": "no", "code": code}, 400).error

    assert (True, False) == (isinstance(error, errors.Rejected), error.may_have_executed)


@pytest.mark.parametrize("kind", ONCE)
@pytest.mark.parametrize(("status", "code"), [(400, "vague"), (200, "vague")])
def test_a_refusal_that_proves_nothing(kind, status, code):
    """A refusal that proves nothing makes the outcome unknown, with the refusal as its cause."""
    error = of_kind(kind, {"error": "no", "code": code}, status).error

    assert (OutcomeUnknown, status, code) == (type(error), error.status, error.code)
    assert isinstance(error.__cause__, errors.Rejected)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"error": "no", "code": "limit", "wait": 7}, {"retry_after": "3"}, 7.0),
        ({"error": "no", "code": "limit"}, {"retry_after": "3"}, 3.0),
        ({"error": "no", "code": "limit"}, {}, 20.0),
        (b"<html>", {"retry_after": "3"}, 3.0),
        ({"error": "no", "code": "limit", "wait": 1e9}, {}, 3600.0),
    ],
)
def test_how_long_the_exchange_is_closed(body, headers, expected):
    """A rate limit refusal gives the seconds to wait, from its body or its header."""
    told = said(body, 429, **headers)

    assert (expected, errors.RateLimited) == (told.refusal.seconds, type(told.error))


def test_other_refusals_close_nothing():
    """Any other refusal closes no limit, whatever its headers say."""
    assert said({"error": "no", "code": "funds"}, 400, retry_after="9").refusal is None


def test_a_floor_of_the_nonces():
    """The largest nonce that a refusal names is used."""
    assert said({"error": "no", "code": "nonce", "floor": 99}, 400).nonce_floor == 99


@pytest.mark.parametrize("place", ["read_problem", "payload"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_that_fails(kind, place):
    """An unexpected exception in a reader does not hide the outcome, and the message quotes nothing of the answer."""

    def fail(*_):
        raise KeyError("canary")

    api = evolve(API, **{place: fail})
    error = said(ORDER, endpoint=evolve(BUY, kind=kind, api=api)).error

    assert kind.is_once is isinstance(error, OutcomeUnknown)
    assert ("unexpected KeyError" in str(error), "canary" in str(error)) == (True, False)


@pytest.mark.parametrize(
    "body", [{"error": "the canary sings", "code": "funds"}, {"id": "canary"}, b"canary", ORDER | {"amount": "1234"}]
)
def test_nothing_holds_on_to_the_answer(body):
    """No error keeps the answer: not in its text, its frames or its causes."""
    error, behind = said(body, 200 if body != b"canary" else 500).error, []
    while error is not None:
        behind.append(error)
        error = error.__cause__

    assert behind
    assert [(None, None)] * len(behind) == [(e.__context__, e.__traceback__) for e in behind]
    shown = "".join(traceback.format_exception(behind[0]))
    assert not {"canary", "1234"} & set(shown.replace("'", " ").split())


def test_text():
    """An answer declared as text is returned unchanged; a refusal of it is read as usual."""
    plain = evolve(BUY, text=True, answer=str)

    assert ("grüezi", errors.InsufficientFunds) == (
        said("grüezi".encode(), endpoint=plain).value,
        type(said({"error": "no", "code": "funds"}, 400, endpoint=plain).error),
    )


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf", b"null", b"0", b'""', b"{}"])
def test_an_empty_body(body):
    """Nothing, and what looks like nothing, is no empty list; a list without entries is one."""
    listed = evolve(BUY, kind=READ, answer=list[Thing])

    assert (DecodeError, []) == (type(said(body, endpoint=listed).error), said(b"[]", endpoint=listed).value)


def test_rows_are_read_fast():
    """A list of rows of an exchange that has such lists is read in one go."""
    assert [] == said(b"[]", endpoint=Account.account_summary.endpoint, arguments={}).value


def test_no_field_is_needed():
    """A call whose answer repeats no argument is checked by its shape."""
    assert Thing(9) == said({"id": 9}, endpoint=Trading.create_order.endpoint, arguments={"amount": 3}).value


@pytest.mark.parametrize("kind", [IDEMPOTENT, *ONCE])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "no", "code": "vague", "code": "funds"}',
        b'{"error": "no", "code": "funds", "\\u0063ode": "funds"}',
        b'\xef\xbb\xbf{"error": "no", "code": "funds", "inner": [{"a": 1, "a": 2}]}',
        b'{"id": 1, "amount": "3", "price": "5", "side": "buy", "error": "no", "code": "funds", "error": null}',
        b'{"id": 2, "amount": "3", "price": "5", "side": "buy", "id": 1}',
    ],
)
def test_a_key_that_appears_twice(kind, status, body):
    """An answer that says two things under one key, at whatever depth, neither refuses nor confirms what was asked."""
    told = of_kind(kind, body, status)

    assert (None, True, False) == (told.value, told.error.may_have_executed, told.is_judged)
    assert not isinstance(told.error, errors.Rejected)


def test_a_key_that_appears_twice_in_a_read():
    """Neither is it the answer to a read."""
    told = of_kind(READ, b'{"id": 1, "amount": "3", "price": "5", "side": "buy", "id": 1}')

    assert (None, DecodeError, False) == (told.value, type(told.error), told.is_judged)


@pytest.mark.parametrize("body", [b'{"id": 1, "x": NaN}', b'\xef\xbb\xbf{"id": 1, "x": {"id": 2}, "y": {"id": 3}}'])
def test_keys_that_appear_once(body):
    """The keys of different objects, the byte order mark and numbers that nobody reads make no answer unreadable."""
    whole = body.replace(b'"id": 1', b'"id": 1, "amount": "3", "price": "5", "side": "buy"')

    assert of_kind(MONEY, whole).value.id == 1
