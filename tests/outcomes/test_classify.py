from datetime import UTC, datetime, timedelta

import pytest

from exchanges.endpoint import Kind, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    DecodeError,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    Problem,
    QuoteExpired,
    RateLimited,
    ReadFailed,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from exchanges.http.answer import Answer, BadAnswer, Evidence, Lost
from exchanges.http.signing import Credentials, Stamp
from exchanges.outcomes.classify import (
    cancelled,
    final_error,
    problem_of_status,
    rejection,
    transport_failure,
    unknown_outcome,
)
from tests.support.attempts import attempt_of
from tests.support.documented_answers import settled
from tests.support.fourth import API, Fourth

READ, IDEMPOTENT, WRITE, MONEY = Kind.READ, Kind.IDEMPOTENT, Kind.WRITE, Kind.MONEY
REPEATABLE, RISKY = [READ, IDEMPOTENT], [WRITE, MONEY]
KINDS = REPEATABLE + RISKY
CALLS = {
    READ: ("fourth.trading.order", {}),
    IDEMPOTENT: ("fourth.trading.cancel", {"order_id": 7}),
    WRITE: ("fourth.trading.create_address", {}),
    MONEY: ("fourth.trading.create_order", {"amount": "1.5"}),
}
STAMP = Stamp("1490605200123", 1490605200123)
AT = datetime(2017, 3, 27, 9, 0, 0, 123000, tzinfo=UTC)

every_kind = pytest.mark.parametrize("kind", KINDS)


def call(kind):
    """A checked call of *kind*, not yet signed."""
    endpoint_id, arguments = CALLS[kind]
    endpoint = next(e for e in endpoints_of(Fourth) if e.id == endpoint_id)
    return prepare(endpoint, arguments, API.base_url)


def sent(kind, evidence=None):
    """Return a signed call of *kind* that was sent, unless *evidence* says otherwise."""
    credentials = Credentials(api_key="canary-key", api_secret="canary-secret")
    request = API.scheme.sign(call(kind), credentials, STAMP)
    return attempt_of(call(kind), STAMP, request, evidence or Evidence(watched=True, started=True))


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


class TestUnknown:
    def test_what_it_carries(self):
        """An unknown outcome carries what was to be done, when, and its nonce."""
        error = unknown_outcome(sent(MONEY), Unavailable("gone", status=502, code="7", text="words"))

        assert ("fourth.trading.create_order", {"amount": "1.5"}, AT, STAMP.nonce) == (
            error.intent.endpoint,
            error.intent.arguments,
            error.intent.at,
            error.nonce,
        )

    def test_facts(self):
        """An unknown outcome has the facts of what it would have been."""
        error = unknown_outcome(sent(MONEY), Unavailable("gone", status=502, code="7", text="words"))

        assert (502, "7", "words") == (error.status, error.code, error.text)

    def test_message(self):
        """The message of an unknown outcome says to reconcile first."""
        error = unknown_outcome(sent(MONEY), Unavailable("gone"))

        expected = (
            "fourth.trading.create_order (POST /orders at fourth.example): "
            "it may have been executed (an answer came that does not say); "
            "await client.reconcile(error.intent) before you repeat it: gone"
        )
        assert expected == str(error)

    def test_no_nonce(self):
        """A call without a nonce has None as its nonce."""
        one = sent(MONEY)

        unstamped = attempt_of(one.call, Stamp("", 0), one.request, one.evidence)

        assert unknown_outcome(unstamped, Unavailable("gone")).nonce is None

    @pytest.mark.parametrize("kind", REPEATABLE)
    def test_not_for_what_may_be_repeated(self, kind):
        """A call that may be repeated keeps its error."""
        error = Unavailable("gone")

        assert error is unknown_outcome(sent(kind), error)


class TestLost:
    @every_kind
    @pytest.mark.parametrize(
        "evidence", [Evidence(refused=True), Evidence(watched=True), Evidence(refused=True, watched=True, started=True)]
    )
    @pytest.mark.parametrize("failure", [Lost("no connection"), None])
    def test_never_left(self, kind, evidence, failure):
        """A call of which nothing left was not sent, whatever its kind."""
        assert NotSent is type(transport_failure(sent(kind, evidence), failure))

    @pytest.mark.parametrize("evidence", [Evidence(), Evidence(started=True), Evidence(watched=True, started=True)])
    @pytest.mark.parametrize("failure", [Lost("reset"), BadAnswer("too large"), None])
    @pytest.mark.parametrize("kind", RISKY)
    def test_no_answer(self, kind, evidence, failure):
        """Without proof that nothing left, the outcome of a call that is never repeated is unknown."""
        assert OutcomeUnknown is type(transport_failure(sent(kind, evidence), failure))

    @pytest.mark.parametrize("failure", [Lost("reset"), None])
    @pytest.mark.parametrize("kind", REPEATABLE)
    def test_no_answer_where_it_does_not_matter(self, kind, failure):
        """Without an answer, a call that may be repeated raises `Unavailable`."""
        assert Unavailable is type(transport_failure(sent(kind), failure))

    def test_a_bad_answer_to_a_read(self):
        """A read whose answer is too large is not repeated."""
        assert DecodeError is type(transport_failure(sent(READ), BadAnswer("more than 1 MiB")))

    @pytest.mark.parametrize(("failure", "words"), [(None, "no answer before the deadline"), (Lost("reset"), "reset")])
    def test_message(self, failure, words):
        """The message says why there is no complete answer."""
        expected = f"fourth.trading.order (GET /orders at fourth.example): {words}; no complete answer arrived"

        assert expected == str(transport_failure(sent(READ), failure))

    @every_kind
    def test_cause(self, kind):
        """The failure of the transport is the last in the chain of causes."""
        failure = Lost("reset")

        error = transport_failure(sent(kind), failure)

        assert failure is (error.__cause__ if kind in REPEATABLE else error.__cause__.__cause__)

    @pytest.mark.parametrize(
        ("kind", "expected"), [(READ, ReadFailed), (IDEMPOTENT, NotSent), (MONEY, NotSent), (WRITE, NotSent)]
    )
    def test_ended(self, kind, expected):
        """A call whose task was cancelled before it was sent is `ReadFailed` for a read and `NotSent` otherwise."""
        assert expected is type(cancelled(call(kind), is_closed=True))

    @pytest.mark.parametrize(
        ("is_closed", "said"), [(True, "the client was closed"), (False, "cancelled from outside")]
    )
    def test_why_a_read_ended(self, is_closed, said):
        """A read whose task was cancelled says whether its client was closed."""
        assert said in str(cancelled(call(READ), is_closed=is_closed))


class TestFinal:
    @pytest.mark.parametrize("error", [NotSent("gone"), Unavailable("gone", status=503)])
    def test_a_read(self, error):
        """A read that used up its attempts raises `ReadFailed` with the last failure as its cause."""
        told = final_error(call(READ), error, None)

        assert (ReadFailed, error, error.status) == (type(told), told.__cause__, told.status)

    @pytest.mark.parametrize("error", [Blocked("no"), RedirectRefused("no"), NotFound("no"), DecodeError("no")])
    def test_a_read_that_was_answered(self, error):
        """A read that was answered keeps its error."""
        assert error is final_error(call(READ), error, Unavailable("before"))

    @pytest.mark.parametrize("kind", RISKY)
    @pytest.mark.parametrize("error", [NotSent("gone"), Unavailable("gone"), Rejected("no")])
    def test_what_is_never_repeated(self, kind, error):
        """A call that is never repeated keeps its only error."""
        assert error is final_error(call(kind), error, None)

    def test_a_cancel_that_failed_at_once(self):
        """A cancel without a doubtful attempt keeps its error."""
        error = Rejected("no")

        assert error is final_error(call(IDEMPOTENT), error, None)

    def test_a_cancel_after_doubt(self):
        """A cancel that was refused after a doubtful attempt may have been executed by that."""
        error = Rejected("no", status=400)

        told = final_error(call(IDEMPOTENT), error, Unavailable("before"))

        assert (OutcomeUnknown, error, {"order_id": "7"}) == (type(told), told.__cause__, told.intent.arguments)

    def test_not_found_after_doubt(self):
        """`NotFound` after an uncertain attempt may be the effect of that attempt: nobody knows."""
        told = final_error(call(IDEMPOTENT), NotFound("not found"), Unavailable("before"))

        assert (OutcomeUnknown, NotFound, True) == (
            type(told),
            type(told.__cause__),
            "read it (not found)" in str(told),
        )

    def test_that_belongs_to_one_error(self):
        """An error of one executed call does not change its class."""
        final_error(call(IDEMPOTENT), NotFound("not found"), Unavailable("before"))

        assert not NotFound("another").may_have_executed
