import gc
import json
import logging
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.bitex import Bitex
from exchanges.bitex.models.jsonapi import MAX_PARTS, expand
from exchanges.errors import (
    DecodeError,
    ExchangeError,
    OutcomeUnknown,
    ReadFailed,
    RedirectRefused,
    Unavailable,
    quotable,
)
from exchanges.http.answer import Answer
from exchanges.limits.lockouts import retry_after_seconds
from exchanges.wire import Deviation
from exchanges.wire.codecs import is_heavy
from tests.support.bitex_callbacks import CALLBACKS, DIGEST, is_refused
from tests.support.documented_answers import CALLS, UNEXPECTED, settled
from tests.support.hostile_answers import ANSWER, BODIES, DENSE, FAST, MIB, NUMBERS, SLOW, SMALL_BODIES
from tests.support.raw_server import serving
from tests.support.scripted_transport import Script
from tests.support.sending import error_of_sent
from tests.support.strategies import ENDPOINTS, QUICK, plain

pytestmark = pytest.mark.sweep

SLOW_SECONDS = 0.1
PATIENT_SECONDS = 20.0
READ, MONEY = "bitex.market.ticker", "bitex.trading.create_bid"

ANSWERED = (
    *("a body", "a bomb", "gzip", "no gzip", "another encoding", "status 20"),
    *("a header", "headers", "a status", "trailers", "a chunk that is announced", "chunks of", "patience without"),
)
# The error of a read. Without an answer it was retried until the deadline; with one it is not retried.
ENDS = dict.fromkeys(FAST, ReadFailed) | {name: DecodeError for name in FAST if name.startswith(ANSWERED)}
ENDS |= {"status 304": RedirectRefused, "status 20": ReadFailed}


@pytest.fixture
async def bitex(monkeypatch):
    """Create clients that retry without a pause."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    clients = []

    def create(server):
        clients.append(Bitex(api_key="key", base_url=server.origin, limits=None, timeout_seconds=PATIENT_SECONDS))
        return clients[-1]

    yield create
    for client in clients:
        await client.aclose()


def bid(client):
    """Send the order to which `ANSWER` is the answer."""
    return client.trading.create_bid(amount=Decimal(100), price=Decimal(1000))


async def error_of(call):
    """Return the class of the error that a call raises."""
    with pytest.raises(ExchangeError) as caught:
        await call
    return type(caught.value)


# Transport


@pytest.mark.parametrize("name", FAST)
async def test_no_answer(bitex, name):
    """Without a whole answer of bounded size a read fails, and the outcome of an order is unknown."""
    async with serving(FAST[name]) as server:
        client = bitex(server)
        errors = [await error_of(call) for call in (client.market.ticker(), bid(client))]

    assert [ENDS[name], OutcomeUnknown] == errors


@pytest.mark.parametrize("name", SLOW)
async def test_an_answer_that_never_ends(bitex, name):
    """An answer that never ends fails at the deadline; how soon after it, the stress stage `hostile` measures."""
    async with serving(SLOW[name]) as server:
        client = bitex(server)
        calls = [
            lambda seconds: client.with_options(timeout_seconds=seconds).market.ticker(),
            lambda seconds: bid(client.with_options(timeout_seconds=seconds)),
        ]
        errors = [type(await error_of_sent(call, SLOW_SECONDS)) for call in calls]

    assert [ReadFailed, OutcomeUnknown] == errors


# Bodies


@pytest.mark.parametrize("name", [name for name in SMALL_BODIES if not name.startswith("too many")])
def test_a_body(name):
    """With a body of another shape a read fails, and the outcome of an order is unknown."""
    body = SMALL_BODIES[name]()
    read, order = (settled(endpoint, body).error for endpoint in (READ, MONEY))

    assert isinstance(read, DecodeError | Unavailable)
    assert isinstance(order, OutcomeUnknown)


@pytest.mark.parametrize("name", DENSE)
def test_a_heavy_body(name):
    """A body of a mebibyte that would take tens of times its size in memory is refused before it is parsed."""
    assert is_heavy(DENSE[name](MIB))


@pytest.mark.parametrize(
    "row",
    [
        {"date": "1643640186", "tid": "215452", "amount": "0.01000000", "type": "0", "price": "38000.12"},
        {
            "book": "btc_mxn",
            "created_at": "2016-04-08T17:52:31.000+00:00",
            "amount": "0.02",
            "price": "5545.01",
            "tid": 1,
        },
        ["38000.12", "0.01000000"],
        [1404259200, 131234, 641.01, 0.05123123],
    ],
    ids=["trade", "long trade", "level", "row"],
)
def test_a_body_of_common_weight(row):
    """Half a mebibyte of what exchanges really answer is accepted."""
    number = MIB // 2 // len(json.dumps(row))

    assert not is_heavy(json.dumps([row] * number).encode())


@pytest.mark.parametrize("body", [b"[" * 1000, b'{"error": "no"}', b'{"error": "no"'])
@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_is_not_kept(body, status, monkeypatch):
    """The memory of a refused answer is freed at once, without the garbage collector."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    transport = Script.of(httpx.Response(status, content=body))
    async with Bitex(api_key="key", transport=transport, limits=None, timeout_seconds=0.1) as client:
        # Frozen objects are not listed: only what the calls leave behind is searched.
        gc.freeze()
        gc.disable()
        try:
            for call in (client.market.ticker, lambda: bid(client)):
                await error_of(call())
            kept = [found for found in gc.get_objects() if isinstance(found, Answer)]
        finally:
            gc.enable()
            gc.unfreeze()

    assert [] == kept


TICKER = json.dumps({
    "last": 632.0, "open": 630.0, "high": 648.5, "low": 625.0, "vwap": 635.3, "volume": 75.1, "bid": 631.0,
    "ask": 632.0, "price_before_last": 633.0,
}).encode()  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: n[:20].decode(errors="replace"))
def test_a_number(number):
    """A number that is invalid or of unbounded length is refused, as a text and in a row too."""
    cases = {
        "bitstamp.v1.market.eur_usd": b'{"buy": %s, "sell": "1"}' % number,
        "bitstamp.market.order_book": b'{"timestamp":"1","microtimestamp":"1","bids":[[%s,"1"]],"asks":[]}' % number,
        "bitex.market.transactions": b"[[946685400,1,%s,1.5]]" % number,
    }
    errors = [type(settled(endpoint, body).error) for endpoint, body in cases.items()]

    assert [DecodeError] * 3 == errors
    assert isinstance(settled(MONEY, ANSWER.replace(b"50.0", number, 1)).error, OutcomeUnknown)


def test_a_good_number():
    """The same answers with a number are accepted."""
    assert settled(READ, TICKER).value.last == Decimal(632)
    assert settled("bitex.market.transactions", b"[[946685400,1,1.0,1.5]]").error is None


@QUICK
@given(st.sampled_from(sorted(CALLS)), plain, st.sampled_from([200, 201, 400, 404, 429, 500]))
def test_any_json(endpoint, value, status):
    """Any JSON is a value or an error of the library, and no unexpected exception is raised while it is read."""
    said = settled(endpoint, json.dumps(value, default=str).encode(), status)

    assert UNEXPECTED not in str(said.error)


# Words

WORDS = [
    "\x1b[2J\x1b[31mowned",
    "line\nand line\r\nINFO all is well",
    "\u202efdp.exe\u2066",
    "\u2028and\u2029so on\x85",
    "\x00\x07\x08\x7f",
    "\u200b\ufeff\u00ad",
    "\U000e0041",
    "x" * 1_000_000,
    "\x1b" * 1_000_000,
]


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
@pytest.mark.parametrize(
    ("endpoint", "shape"),
    [
        ("bitex.trading.bid", {"errors": [{"code": "W", "detail": "W", "source": {"pointer": "/W"}}]}),
        ("bitso.account.balance", {"success": False, "error": {"code": "W", "message": "W"}}),
        ("bitso.v2.account.balance", {"error": {"W": ["W", "W"]}}),
        ("bitstamp.v1.account.balance", {"status": "error", "reason": {"W": ["W"]}, "code": "W"}),
    ],
)
def test_words_in_messages(endpoint, shape, words):
    """A message quotes an exchange on one line, cut to 200 characters and without control characters."""
    body = json.dumps(shape).replace('"W"', json.dumps(words)).replace('"/W"', json.dumps("/" + words))
    error = settled(endpoint, body.encode(), 400).error
    shown = [str(error), error.text or "", error.code or "", *_of_fields(error)]

    assert all(text.isprintable() for text in shown)
    assert max(map(len, shown[1:])) <= 200


def _of_fields(error):
    fields = getattr(error, "fields", {})
    return [*fields, *(text for texts in fields.values() for text in texts)]


def test_words_in_places():
    """A message that names a key of the answer is one printable line."""
    error = settled("bitex.rates.tree", json.dumps({"\x1b[2J\n" * 100: 1}).encode()).error

    assert (True, True) == (isinstance(error, DecodeError), str(error).isprintable())


def test_words_in_logs(caplog):
    """Drift is logged without texts of the answer."""
    with caplog.at_level(logging.DEBUG):
        settled("bitex.trading.bid", ANSWER.replace(b"[1,", b"[99,").replace(b"]", b', "\\u001b[2J"]'))

    assert "[2J" not in caplog.text


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
def test_words_in_names(words):
    """A text of a model is printed on one line and kept as received."""
    body = json.dumps({"webhook_url": words})
    profile = settled("bitex.webhooks.webhook", body.encode()).value

    assert (words, True) == (profile.webhook_url, repr(profile).isprintable())


@QUICK
@given(st.text())
def test_any_words(words):
    """Any quoted text is printable and short."""
    shown = quotable(words)

    assert (True, True) == (shown.isprintable(), len(shown) <= 200)


# Long refusals


@pytest.mark.parametrize(
    ("endpoint", "shape"),
    [
        ("bitex.trading.bid", {"errors": [{"detail": "no", "source": {"pointer": f"/{n}"}} for n in range(10_000)]}),
        ("bitso.v2.account.balance", {"error": {str(n): ["no"] * 9 for n in range(1000)}}),
        ("bitso.account.balance", {"success": False, **{str(n): "no" for n in range(10_000)}}),
        ("bitstamp.v1.account.balance", {"error": {str(n): ["no"] * 9 for n in range(1000)}}),
        ("bitstamp.market.ticker", {"errors": [{"field": str(n), "message": "no"} for n in range(10_000)]}),
    ],
)
def test_a_refusal_of_many_fields(endpoint, shape):
    """Of a refusal that names thousands of fields the first fifty are kept."""
    problem = ENDPOINTS[endpoint].api.read_problem(400, shape)

    assert (50, True) == (len(problem.fields), max(map(len, problem.fields.values())) <= 50)


@pytest.mark.parametrize("endpoint", ["bitso.v2.account.balance", "bitstamp.v1.account.balance"])
@pytest.mark.parametrize("number", [9_999_999_999_999_999_999, 4_000_000_000_000_000_000, 10**19])
def test_a_nonce_beyond_all_clocks(endpoint, number):
    """A refusal that names a nonce beyond all clocks does not move the counter."""
    said = settled(endpoint, b'{"error": "nonce must be greater than %d"}' % number)

    assert (None, True) == (said.nonce_floor, "Nonce" in type(said.error).__name__)


@pytest.mark.parametrize("endpoint", ["bitso.v2.account.balance", "bitstamp.v1.account.balance"])
def test_a_nonce_in_nanoseconds(endpoint):
    """A refusal that names a nonce of a clock in nanoseconds moves the counter."""
    assert 10**18 == settled(endpoint, b'{"error": "nonce must be greater than 1000000000000000000"}').nonce_floor


@QUICK
@given(st.text() | st.text("0123456789 :,-+GMTWedOct.e"))
def test_any_retry_after(value):
    """Any Retry-After is a time or none, never a negative one."""
    seconds = retry_after_seconds(value, value, datetime.now(UTC))

    assert seconds is None or seconds >= 0


# Documents and callbacks


def test_many_references_to_a_large_resource():
    """A document whose references would copy a large resource thousands of times is refused."""
    user = {"type": "users", "id": "1", "relationships": {}, "attributes": {str(n): 0 for n in range(1000)}}
    often = [{"type": "users", "id": "1"}] * (MAX_PARTS // 1000)
    document = {"data": {"type": "a", "id": "1", "relationships": {"users": {"data": often}}}, "included": [user]}

    with pytest.raises(Deviation, match="bounded size"):
        expand(document)


@pytest.mark.parametrize("name", ["too many keys", "too many numbers", "deep objects that end", "many references"])
def test_a_callback(name):
    """A callback that would take too much memory is refused like any other, even if its signature is right."""
    body = BODIES[name]()

    assert is_refused(lambda: CALLBACKS.webhook({"Webhook-Auth": DIGEST}, body))


@pytest.mark.parametrize(("number", "is_too_much"), [(10, False), (100_000, True)])
def test_a_callback_of_many_values(number, is_too_much):
    """A callback with too many values is refused, even if its documented fields are right."""
    body = b'{"echo": "hello", "more": [' + b"{}," * number + b"1]}"

    assert is_too_much is is_refused(lambda: CALLBACKS.webhook({"Webhook-Auth": DIGEST}, body))
