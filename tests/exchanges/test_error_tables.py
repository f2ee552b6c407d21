"""What is read of error answers, and how they are judged. Codes and their classes: see `test_error_answers`."""

from decimal import Decimal

import pytest

from exchanges.bitso import errors as bitso
from exchanges.bitstamp import errors as bitstamp
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)

NOT_ENOUGH = "You have only 0 BTC available. Check your account balance for details."
READS = [bitso.read_problem, bitstamp.read_problem]
ALL = pytest.mark.parametrize("read", READS, ids=["bitso", "bitstamp"])


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
            *(("bitso", code) for code in ("9901", "1007", "1601", "1708", "x", 7)),
            *(("bitstamp", code) for code in ("418.001", "4001", "X", ".")),
        ],
    )
    @pytest.mark.parametrize("words", ["no", "Invalid something"])
    def test_unknown_family(self, exchange, code, words):
        """A code of a family that no document names proves nothing, whatever the words."""
        problem = CODED[exchange](code, 400, words)

        assert (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("exchange", "code"), [*(("bitso", code) for code in ("0301", "0801", "0207", "9901")), ("bitstamp", "400.001")]
    )
    @pytest.mark.parametrize("status", [201, 202, 206, 302, 500, 503])
    def test_status_takes_proof_away(self, exchange, code, status):
        """Only under the status 200 or 4xx anything is proven."""
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
        """A status for too many requests counts where the code says nothing, and is no proof by itself."""
        problem = CODED[exchange]("9901", status)

        assert (RateLimited, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(("status", "kind"), [(401, Unavailable), (403, Blocked), (404, Unavailable)])
    @pytest.mark.parametrize("exchange", CODED)
    def test_status_of_an_unknown_code(self, exchange, status, kind):
        """The status of an unknown code proves nothing: not that a key is wrong, nor that something does not exist."""
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
        problem = bitso.read_problem(400, {"error": {"code": "9901", "message": "no"}})

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
            ("Minimum order size is $1", InvalidRequest),
            ("MISSING AMOUNT AND/OR PRICE.", InvalidRequest),
        ],
    )
    def test_known_texts(self, text, kind):
        """A text of the table is proof without a code, even with status 200; case and full stop do not matter."""
        problem = bitstamp.read_problem(200, {"error": text})

        assert (kind, True, text, None) == (problem.kind, problem.proves_not_executed, problem.text, problem.code)

    @pytest.mark.parametrize(
        "text",
        [
            *("So?", "", "Internal error, please try again", "Request timed out", "Order could not be placed"),
            *("invalid", "not found", "Order not found or internal error", "Nonsense about an order not found"),
            *("You have only 1 BTC available, try again later", "Rate limit exceeded", "Too many requests"),
        ],
    )
    @pytest.mark.parametrize("shape", [lambda text: text, lambda text: {"__all__": [text]}, lambda text: [text]])
    @pytest.mark.parametrize("status", [200, 400])
    @ALL
    def test_other_texts(self, read, text, shape, status):
        """A text that nobody knows, or that speaks of time or the inside of the exchange, proves nothing."""
        problem = read(status, {"error": shape(text)})

        assert problem is None or (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @ALL
    def test_one_unknown_text(self, read):
        """One unknown text beside a known one takes the proof away."""
        assert read(200, {"error": {"a": ["Invalid signature"], "b": ["So?"]}}).kind is Unavailable

    @pytest.mark.parametrize("more", [{"id": 7}, {"success": True}, {"payload": {"id": 7}}])
    @ALL
    def test_more_than_a_refusal(self, read, more):
        """An answer that is a success as well as a refusal proves neither."""
        problem = read(200, {"error": "Invalid signature"} | more)

        assert problem is None or (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("status", [420, 429])
    @pytest.mark.parametrize("answer", [{"error": "So?"}, {"message": "So?", "success": False}])
    @ALL
    def test_words_with_a_limiting_status(self, read, status, answer):
        """A status for too many requests counts for more than words."""
        problem = read(status, answer)

        assert (RateLimited, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("text", "floor"),
        [
            ("nonce must be higher than 1455830400123", 1455830400123),
            ("Nonce must be greater than the last one (1455830400123456), got 7", 1455830400123456),
            ("Invalid nonce", None),
            ("nonce must be higher than 12345678901234567890", None),
            ("amount must be more than 5", None),
        ],
    )
    @ALL
    def test_nonce_floor(self, read, text, floor):
        """A text that names the largest nonce seen says from where to go on, if it is of a sane length."""
        assert floor == read(200, {"error": text}).nonce_floor


class TestShapes:
    @ALL
    def test_fields(self, read):
        """Texts for single fields are kept by field."""
        problem = read(400, {"error": {"amount": ["Too small", "Odd"], "__all__": "No", "n": {"a": 1}, "e": ""}})

        assert ({"amount": ("Too small", "Odd"), "__all__": ("No",)}, "Too small; Odd; No") == (
            problem.fields,
            problem.text,
        )

    @pytest.mark.parametrize("key", ["reason", "errors"])
    def test_fields_elsewhere(self, key):
        """At Bitstamp they are kept wherever they stand."""
        problem = bitstamp.read_problem(400, {"status": "error", key: {"price": "No"}})

        assert {"price": ("No",)} == problem.fields

    def test_funds_in_a_field(self):
        """Missing funds are told in words for a field, or for all of them."""
        problems = [bitstamp.read_problem(200, {"error": {name: [NOT_ENOUGH]}}) for name in ("amount", "__all__")]

        assert [InsufficientFunds] * 2 == [problem.kind for problem in problems]

    @ALL
    @pytest.mark.parametrize("answer", [{"success": False}, {"success": False, "error": None, "payload": [1]}])
    def test_no_success(self, read, answer):
        """An answer without success and without words proves nothing."""
        problem = read(400, answer)

        assert (Unavailable, False, {}) == (problem.kind, problem.proves_not_executed, problem.fields)

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

    def test_success_is_no_refusal(self):
        """Bitso's envelope with success is no refusal, whatever else it says; it may be no success either."""
        assert bitso.read_problem(200, {"success": True, "error": "odd", "payload": {}}) is None

    def test_unknown_market_is_answered_with_all_tickers(self):
        """The array of all tickers in place of one says that there is no such market."""
        prices = {"last": "1.50", "bid": "1.40", "ask": "1.60", "timestamp": "1694608800"}
        answer = [{**prices, "pair": "BTC/USD"}, {**prices, "pair": "ETH/USD"}]
        problem = bitstamp.tickers_of_all(answer)

        assert bitstamp.read_problem(200, answer) is None

        assert (InvalidRequest, True) == (problem.kind, problem.proves_not_executed)
