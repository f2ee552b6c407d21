"""What is read of error answers, and how they are judged. Codes and their classes: see `test_error_answers`."""

from decimal import Decimal

import pytest

from exchanges.bitso import errors as bitso
from exchanges.bitstamp import errors as bitstamp
from exchanges.errors import (
    AuthenticationFailed,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    Unavailable,
)

NOT_ENOUGH = "You have only 0 BTC available. Check your account balance for details."
# The retired generation of each exchange, whose every text is proof, and the current one.
OLD_READS = [bitso.read_problem_v2, bitstamp.read_problem_v1]
NEW_READS = [bitso.read_problem, bitstamp.read_problem]
OLD = pytest.mark.parametrize("read", OLD_READS, ids=["bitso", "bitstamp"])
ALL = pytest.mark.parametrize(
    "read", [*OLD_READS, *NEW_READS], ids=["bitso v2", "bitstamp v1", "bitso v3", "bitstamp v2"]
)


def coded_by_bitso(code, status=400, message="no"):
    """A refusal by Bitso, in the envelope of v3."""
    return bitso.read_problem(status, {"success": False, "error": {"code": code, "message": message, "details": []}})


def coded_by_bitstamp(code, status=400, reason="no", key="response_code"):
    """A refusal by Bitstamp, with a code."""
    return bitstamp.read_problem(status, {"status": "error", "reason": reason, key: code})


CODED = {"bitso": coded_by_bitso, "bitstamp": coded_by_bitstamp}


class TestCodes:
    @pytest.mark.parametrize(
        ("exchange", "code"),
        [
            *(("bitso", code) for code in ("9901", "1007", "1601", "1701", "x", 7)),
            *(("bitstamp", code) for code in ("418.001", "4001", "X", ".")),
        ],
    )
    @pytest.mark.parametrize("words", ["no", "Invalid something"])
    def test_unknown_family(self, exchange, code, words):
        """A code of a family that no document names proves nothing, whatever the words."""
        problem = CODED[exchange](code, 400, words)

        assert (Rejected, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("exchange", "code"), [*(("bitso", code) for code in ("0301", "0801", "0207", "9901")), ("bitstamp", "400.001")]
    )
    @pytest.mark.parametrize("status", [302, 500, 503])
    def test_status_takes_proof_away(self, exchange, code, status):
        """Under a status of 3xx or 5xx nothing is proven."""
        assert CODED[exchange](code, status).proves_not_executed is False

    @pytest.mark.parametrize(
        ("exchange", "code"),
        [("bitso", "0100"), ("bitso", 101), ("bitso", 1103), ("bitstamp", "500.011"), ("bitstamp", "500.018")],
    )
    @pytest.mark.parametrize("words", ["no", "Invalid something"])
    def test_families_without_proof(self, exchange, code, words):
        """A code of unknown or operational errors, or of the matching engine, does not say what happened."""
        problem = CODED[exchange](code, 400, words)

        assert (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("status", [420, 429])
    @pytest.mark.parametrize("exchange", CODED)
    def test_limited_by_status(self, exchange, status):
        """A status for too many requests counts where the code says nothing."""
        problem = CODED[exchange]("9901", status)

        assert (RateLimited, True) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("exchange", "status", "kind"),
        [
            ("bitso", 401, AuthenticationFailed),
            ("bitso", 403, PermissionDenied),
            ("bitso", 404, NotFound),
            ("bitstamp", 401, AuthenticationFailed),
            ("bitstamp", 403, RateLimited),  # how a ban looks
            ("bitstamp", 404, NotFound),
        ],
    )
    def test_status_of_an_unknown_code(self, exchange, status, kind):
        """The status names the class of an unknown code, and proves nothing."""
        problem = CODED[exchange]("9901", status)

        assert (kind, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("exchange", "code", "words"),
        [("bitso", "0215", "Invalid Nonce or Invalid Credentials"), ("bitstamp", "API0005", "Invalid nonce")],
    )
    def test_words_say_less_than_a_code(self, exchange, code, words):
        """The code of a wrong signature is that, whatever its text says."""
        assert AuthenticationFailed is CODED[exchange](code, 401, words).kind

    @pytest.mark.parametrize(
        ("reason", "kind"), [(NOT_ENOUGH, InsufficientFunds), ("Order not found", NotFound), ("So?", InvalidRequest)]
    )
    def test_words_say_more_than_a_family_of_bitstamp(self, reason, kind):
        """Words decide within a family."""
        assert kind is coded_by_bitstamp("400.099", 400, reason).kind

    def test_number_of_bitso(self):
        """A code that is a number is text without a leading zero, of the same family."""
        problem = coded_by_bitso(301)

        assert ("301", InvalidRequest) == (problem.code, problem.kind)

    def test_number_of_bitstamp(self):
        """A response code that is a number keeps its zeros."""
        assert "400.010" == coded_by_bitstamp(Decimal("400.010")).code

    def test_v2_number_in_the_envelope(self):
        """Number 104 inside Bitso's envelope is the nonce, not the family 01."""
        problem = coded_by_bitso(104, 401, "The nonce must be higher than 1700000000123")

        assert (NonceRejected, 1700000000123, True) == (problem.kind, problem.nonce_floor, problem.proves_not_executed)

    def test_unknown_v3_code_on_v2(self):
        """A code of four characters is foreign to Bitso's v2 and proves nothing where no document names it."""
        problem = bitso.read_problem_v2(400, {"error": {"code": "9901", "message": "no"}})

        assert problem.proves_not_executed is False

    def test_number_20_without_words(self):
        """Bitso's number 20 has two meanings; without words it is a wrong argument."""
        assert InvalidRequest is bitso.read_problem(400, {"error": {"code": 20}}).kind

    def test_known_code_beside_an_unknown_one(self):
        """Of two codes of Bitstamp the one that is known decides."""
        answer = {"status": "error", "reason": "no", "code": "X1", "response_code": "400.002"}
        problem = bitstamp.read_problem(400, answer)

        assert (RateLimited, "400.002") == (problem.kind, problem.code)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Invalid nonce", NonceRejected),
            ("Nonce must be higher than 5", NonceRejected),
            ("Invalid signature", AuthenticationFailed),
            ("API key not found", AuthenticationFailed),
            ("No permission found", PermissionDenied),
            ("Order not found", NotFound),
            (NOT_ENOUGH, InsufficientFunds),
            ("Rate limit exceeded", RateLimited),
            ("Minimum order size is $1", InvalidRequest),
        ],
    )
    @ALL
    def test_known_words(self, read, text, kind):
        """Known words without a code are proof in both generations, even with status 200."""
        problem = read(200, {"error": text})

        assert (kind, True, text, None) == (problem.kind, problem.proves_not_executed, problem.text, problem.code)

    @pytest.mark.parametrize(
        ("reads", "status", "kind", "proven"),
        [
            # On the old any text of the exchange's own proves that nothing was executed, on the new it is foreign.
            (OLD_READS, 200, Rejected, True),
            (NEW_READS, 200, Rejected, False),
            (NEW_READS, 400, Rejected, False),
            ([*OLD_READS, *NEW_READS], 502, Unavailable, False),
        ],
    )
    def test_other_words(self, reads, status, kind, proven):
        """A text that nobody knows proves something only on the old generation, and nothing with a status of 5xx."""
        problems = [read(status, {"error": "So?"}) for read in reads]

        assert [(kind, proven)] * len(reads) == [(p.kind, p.proves_not_executed) for p in problems]

    @pytest.mark.parametrize("status", [420, 429])
    @pytest.mark.parametrize("answer", [{"error": "So?"}, {"message": "So?", "success": False}])
    @ALL
    def test_words_with_a_limiting_status(self, read, status, answer):
        """A status for too many requests counts for more than words."""
        problem = read(status, answer)

        assert (RateLimited, True) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("text", "floor"),
        [
            ("nonce must be higher than 1455830400123", 1455830400123),
            ("Nonce must be greater than the last one (1455830400123456), got 7", 1455830400123456),
            ("Invalid nonce", None),
            ("Invalid nonce 7", None),
            ("nonce must be higher than 12345678901234567890", None),
            ("amount must be more than 5", None),
        ],
    )
    @OLD
    def test_nonce_floor(self, read, text, floor):
        """A text that names the largest nonce seen says from where to go on, if it is of a sane length."""
        assert floor == read(200, {"error": text}).nonce_floor


class TestShapes:
    @ALL
    def test_fields(self, read):
        """Words for single fields are kept, and prove that nothing was executed."""
        problem = read(400, {"error": {"amount": ["Too small", "Odd"], "__all__": "No", "n": {"a": 1}, "e": ""}})

        assert ({"amount": ("Too small", "Odd"), "__all__": ("No",)}, "Too small; Odd; No") == (
            problem.fields,
            problem.text,
        )
        assert (InvalidRequest, True) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("key", ["reason", "errors"])
    def test_fields_elsewhere(self, key):
        """At Bitstamp they are kept wherever they stand."""
        problem = bitstamp.read_problem(400, {"status": "error", key: {"price": "No"}})

        assert {"price": ("No",)} == problem.fields

    @ALL
    def test_funds_in_a_field(self, read):
        """Missing funds are told in words for a field, or for all of them."""
        problems = [read(200, {"error": {name: [NOT_ENOUGH]}}) for name in ("amount", "__all__")]

        assert [InsufficientFunds] * 2 == [problem.kind for problem in problems]

    @ALL
    @pytest.mark.parametrize("answer", [{"success": False}, {"success": False, "error": None, "payload": [1]}])
    def test_no_success(self, read, answer):
        """An answer without success and without words proves nothing."""
        problem = read(400, answer)

        assert (Rejected, False, {}) == (problem.kind, problem.proves_not_executed, problem.fields)

    def test_envelope_with_code_beside_it(self):
        """Code and message are found beside ``success`` too."""
        problem = bitso.read_problem(400, {"success": False, "code": "0301", "message": "Unknown book"})

        assert ("0301", "Unknown book", InvalidRequest) == (problem.code, problem.text, problem.kind)

    def test_errors_as_entries(self):
        """A list of errors of Bitstamp names field, message and code in each."""
        entries = [
            {"field": "price", "message": "Bad", "code": "400.009"},
            {"field": "price", "message": "Worse"},
            {"message": "All"},
            "Plain",
        ]
        problem = bitstamp.read_problem(400, {"errors": entries})

        assert ("400.009", {"price": ("Bad", "Worse"), "__all__": ("All",)}, "Plain; Bad; Worse; All") == (
            problem.code,
            problem.fields,
            problem.text,
        )

    @pytest.mark.parametrize("answer", [{"reason": "So?"}, {"code": "API0001"}, {"detail": 1, "message": "So?"}])
    def test_words_with_a_bad_status(self, answer):
        """At Bitstamp, with a status for refusals, words or a code are enough."""
        assert bitstamp.read_problem(404, answer) is not None

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            True,
            "text",
            5,
            [],
            [[1]],
            [{"tid": 1}],
            {},
            {"last": "1"},
            {"errors": [], "id": 1},
            {"error": None, "id": 1},
            {"status": "ok"},
            {"status": "Open", "id": 1, "transactions": []},
            {"id": 1, "message": "of an order"},
            {"canceled": [], "success": True},
            {"success": True, "payload": []},
        ],
    )
    @ALL
    def test_no_refusal(self, read, answer):
        """Every other answer is no refusal."""
        assert read(200, answer) is None

    @pytest.mark.parametrize("read", [bitso.read_problem, bitso.read_problem_v2])
    def test_success_counts_for_more(self, read):
        """Bitso's envelope with success is no refusal, whatever else it says."""
        assert read(200, {"success": True, "error": "odd", "payload": {}}) is None

    def test_unknown_market_is_answered_with_all_tickers(self):
        """The array of all tickers in place of one says that there is no such market."""
        prices = {"last": "1.50", "bid": "1.40", "ask": "1.60", "timestamp": "1694608800"}
        problem = bitstamp.read_problem(200, [{**prices, "pair": "BTC/USD"}, {**prices, "pair": "ETH/USD"}])

        assert (InvalidRequest, True) == (problem.kind, problem.proves_not_executed)
