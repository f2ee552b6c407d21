"""What an answer proves: by its status, and by what the exchange says."""

from datetime import timedelta

import pytest

from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    DecodeError,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Problem,
    QuoteExpired,
    RateLimited,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from exchanges.http.answer import Answer
from exchanges.outcomes.classify import problem_of_status, rejection
from tests.support.documented_answers import settled
from tests.support.sent_calls import IDEMPOTENT, MONEY, READ, REPEATABLE, RISKY, STAMP, WRITE, every_kind, sent


def answered(status, body=b"", **headers):
    """Return an answer."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class TestStatus:
    @pytest.mark.parametrize("status", [200, 201, 202])
    def test_success(self, status):
        """A status of success that the exchange is known to use is no problem."""
        assert settled("bitex.market.order_book", b'{"bids": [], "asks": []}', status).error is None

    @pytest.mark.parametrize("status", [203, 204, 206, 226, 299])
    def test_another_success(self, status):
        """Any other status of 2xx is no answer, whatever it comes with, and the message says what was expected."""
        error = settled("bitex.market.order_book", b'{"bids": [], "asks": []}', status).error

        assert (DecodeError, status) == (type(error), error.status)
        assert "expected status 200 or 201 or 202; a JSON object of 24 bytes" in str(error)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (200, Blocked),
            (301, RedirectRefused),
            (302, RedirectRefused),
            (304, RedirectRefused),
            (308, RedirectRefused),
            (400, Unavailable),
            (401, Unavailable),
            (403, Blocked),
            (404, Unavailable),
            (418, Unavailable),
            (420, RateLimited),
            (429, RateLimited),
            (500, Unavailable),
            (502, Unavailable),
            (503, Unavailable),
            (522, Unavailable),
            (101, Unavailable),
            (999, Unavailable),
        ],
    )
    def test_table(self, status, kind):
        """If the body gives no problem, the status names its class, and proves nothing."""
        problem = problem_of_status(status)

        assert (kind, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("status", [420, 429])
    @pytest.mark.parametrize(
        "exchange", ["bitex.trading.create_bid", "bitso.conversions.execute", "bitstamp.v1.trading.buy"]
    )
    def test_too_many_requests(self, exchange, status):
        """A status for too many requests proves that nothing was executed only where it is documented."""
        documented = {"bitex": 429, "bitso": 420}.get(exchange.partition(".")[0])
        result = settled(exchange, b"", status)

        expected = RateLimited if status == documented else OutcomeUnknown
        assert (expected, True) == (type(result.error), result.refusal is not None)


class TestRefused:
    @every_kind
    @pytest.mark.parametrize(
        "problem_kind", [Rejected, AuthenticationFailed, InsufficientFunds, QuoteExpired, NotFound]
    )
    def test_proven(self, kind, problem_kind):
        """A refusal that proves itself is of its own class for every call."""
        assert problem_kind is type(rejection(sent(kind), answered(400), Problem(problem_kind, text="words")))

    @pytest.mark.parametrize("kind", RISKY)
    def test_not_found_without_words(self, kind):
        """A 404 without words says that what the path names is missing: no proof for a call that names nothing."""
        error = rejection(sent(kind), answered(404), Problem(NotFound))

        assert (OutcomeUnknown, NotFound) == (type(error), type(error.__cause__))

    @pytest.mark.parametrize("kind", REPEATABLE)
    @pytest.mark.parametrize("problem_kind", [Rejected, NotFound, AuthenticationFailed])
    def test_not_proven_where_it_may_be_repeated(self, kind, problem_kind):
        """Without proof no call is `Rejected`, nor an object `NotFound`: not even a read or a cancel."""
        error = rejection(sent(kind), answered(404), Problem(problem_kind, proves_not_executed=False))

        assert (Unavailable, kind is IDEMPOTENT) == (type(error), error.may_have_executed)

    @pytest.mark.parametrize("kind", RISKY)
    @pytest.mark.parametrize("problem_kind", [Rejected, NotFound, Unavailable, Blocked, RedirectRefused])
    def test_not_proven(self, kind, problem_kind):
        """Without proof the outcome of a call that is never repeated is unknown."""
        error = rejection(sent(kind), answered(404), Problem(problem_kind, proves_not_executed=False))

        assert (OutcomeUnknown, problem_kind) == (type(error), type(error.__cause__))

    def test_facts(self):
        """A refusal carries endpoint, status, the exchange's code and its text."""
        error = rejection(sent(READ), answered(400), Problem(Rejected, text="words", code="7"))

        assert ("fourth.trading.order", 400, "7", "words") == (error.endpoint, error.status, error.code, error.text)

    def test_message(self):
        """The message of a refusal has the call, the status, the code and the text."""
        error = rejection(sent(READ), answered(400), Problem(Rejected, text="words", code="7"))

        assert "fourth.trading.order (GET /orders at fourth.example): the exchange answered 400, code 7: words" == str(
            error
        )

    def test_message_without_words(self):
        """The message of a refusal without code and text has the status alone."""
        error = rejection(sent(READ), answered(400), Problem(Rejected))

        expected = (
            "fourth.trading.order (GET /orders at fourth.example): nothing with status 400 came in place of an answer"
        )
        assert expected == str(error)

    @pytest.mark.parametrize(
        ("kind", "advice"),
        [
            (AuthenticationFailed, "; check the key, the secret and the client id"),
            (PermissionDenied, "; grant the key this permission at the exchange"),
            (NonceRejected, "pass nonce_floor= with the largest nonce ever used"),
            (Blocked, "; a proxy in front of the exchange refused this address or request, or the exchange a feature"),
            (RedirectRefused, "; check base_url; redirects are never followed"),
        ],
    )
    def test_advice(self, kind, advice):
        """If the user can do something about a refusal, the message says what."""
        assert str(rejection(sent(READ), answered(400), Problem(kind))).endswith(advice)

    def test_fields(self):
        """A refusal of arguments carries the messages of each field."""
        error = rejection(sent(MONEY), answered(400), Problem(InvalidRequest, fields={"amount": ("too small\n",)}))

        assert {"amount": (r"too small\n",)} == error.fields

    def test_retry_at(self, noon):
        """The error of a rate limit says until when it lasts."""
        error = rejection(sent(READ), answered(429), Problem(RateLimited, retry_after_seconds=60.0))

        assert noon + timedelta(seconds=60) == error.retry_at
        assert str(error).endswith(f"; the limit is closed until {error.retry_at:%Y-%m-%d %H:%M:%S} UTC")

    @pytest.mark.parametrize(("kind", "proven"), [(READ, True), (IDEMPOTENT, False), (WRITE, False), (MONEY, False)])
    @pytest.mark.parametrize("floor", [None, 1, int(STAMP.nonce)])
    def test_a_nonce_that_was_seen(self, kind, proven, floor):
        """A refused nonce proves nothing for a call that changes something: the request may have come twice."""
        problem = Problem(NonceRejected, nonce_floor=floor, is_about_nonce=True)
        error = rejection(sent(kind), answered(400), problem)

        assert proven is not error.may_have_executed

    @every_kind
    def test_a_larger_nonce_of_somebody_else(self, kind):
        """A refused nonce is proof if the exchange names a larger one, which only another program can have sent."""
        problem = Problem(NonceRejected, nonce_floor=int(STAMP.nonce) + 1, is_about_nonce=True)

        assert NonceRejected is type(rejection(sent(kind), answered(400), problem))

    def test_what_came(self):
        """An error about an answer carries host, content type and what the body was."""
        page = b"<html><title>Just a moment...</title>" + b" " * 12_000
        error = rejection(
            sent(MONEY), answered(403, page, content_type="text/html"), Problem(Blocked, proves_not_executed=False)
        )

        carried = ("fourth.example", 403, "text/html", "an HTML page of 12 kB ('Just a moment...')")
        for one in (error, error.__cause__):
            assert carried == (one.host, one.status, one.content_type, one.received)
        assert f"{carried[3]} with status 403 came in place of an answer" in str(error)

    @pytest.mark.parametrize("proven", [True, False])
    def test_secrets(self, proven):
        """Credentials that the exchange repeats are redacted everywhere."""
        words = "unknown key canary-key\x00"
        problem = Problem(InvalidRequest, words, words, {words: (words,)}, proves_not_executed=proven)

        error = rejection(sent(MONEY), answered(400), problem)

        shown = [str(vars(e)) + str(e) for e in (error, error.__cause__) if e is not None]
        assert not any("canary" in text or "\x00" in text for text in shown)
