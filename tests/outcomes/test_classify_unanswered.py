"""What is proven about a call without an answer that says it: unknown outcomes, lost requests, and the last error."""

from datetime import UTC, datetime

import pytest

from exchanges.errors import (
    Blocked,
    DecodeError,
    NotFound,
    NotSent,
    OutcomeUnknown,
    ReadFailed,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from exchanges.http.answer import BadAnswer, Evidence, Lost
from exchanges.http.signing import Stamp
from exchanges.outcomes.classify import cancelled, final_error, transport_failure, unknown_outcome
from tests.support.attempts import attempt_of
from tests.support.sent_calls import IDEMPOTENT, MONEY, READ, REPEATABLE, RISKY, STAMP, WRITE, call, every_kind, sent

AT = datetime(2017, 3, 27, 9, 0, 0, 123000, tzinfo=UTC)


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
