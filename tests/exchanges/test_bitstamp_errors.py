from decimal import Decimal

import pytest

from exchanges.bitstamp.errors import read_problem, read_problem_v1
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


def coded(code, reason="no", status=403):
    """A refusal with a code."""
    return read_problem(status, {"status": "error", "reason": reason, "code": code})


def answered(response_code, reason="no", status=400):
    """A refusal with a response code."""
    return read_problem(status, {"status": "error", "reason": reason, "response_code": response_code})


class TestCodes:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("API0001", AuthenticationFailed),
            ("API0002", PermissionDenied),
            ("API0003", PermissionDenied),
            ("API0004", NonceRejected),
            ("API0005", AuthenticationFailed),
            ("API0006", PermissionDenied),
            ("API0008", AuthenticationFailed),
            ("API0011", AuthenticationFailed),
            ("API0017", AuthenticationFailed),
            ("API0020", InvalidRequest),
            ("API0099", AuthenticationFailed),
        ],
    )
    @pytest.mark.parametrize("read", [read_problem, read_problem_v1])
    def test_authentication(self, read, code, kind):
        """A code for authentication proves that nothing was executed."""
        problem = read(403, {"status": "error", "reason": "no", "code": code})

        assert (kind, True, code) == (problem.kind, problem.proves_not_executed, problem.code)

    @pytest.mark.parametrize(
        ("response_code", "kind"),
        [
            ("400.002", RateLimited),
            ("400.067", RateLimited),
            ("400.068", RateLimited),
            ("400.001", InvalidRequest),
            ("403.003", PermissionDenied),
            ("404.002", NotFound),
            ("405.001", InvalidRequest),
            ("410.001", Rejected),
        ],
    )
    def test_response_codes(self, response_code, kind):
        """A response code of a known family proves that nothing was executed."""
        problem = answered(response_code)

        assert (kind, True, response_code) == (problem.kind, problem.proves_not_executed, problem.code)

    @pytest.mark.parametrize("number", range(11, 19))
    def test_engine(self, number):
        """A response code of the engine does not say what happened."""
        problem = answered(f"500.{number:03}", "Invalid something")

        assert (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("code", ["418.001", "4001", "X", "."])
    def test_unknown_family(self, code):
        """A code of a family that no document names proves nothing, whatever the words."""
        problem = answered(code, "Invalid something")

        assert problem.proves_not_executed is False

    def test_number_code(self):
        """A response code that is a number keeps its zeros."""
        assert "400.010" == answered(Decimal("400.010")).code

    def test_known_code_beside_an_unknown_one(self):
        """Of two codes the one that is known decides."""
        answer = {"status": "error", "reason": "no", "code": "X1", "response_code": "400.002"}
        problem = read_problem(400, answer)

        assert (RateLimited, "400.002") == (problem.kind, problem.code)

    @pytest.mark.parametrize(
        ("reason", "kind"), [(NOT_ENOUGH, InsufficientFunds), ("Order not found", NotFound), ("So?", InvalidRequest)]
    )
    def test_words_say_more_than_a_family(self, reason, kind):
        """Words decide within a family."""
        assert kind is answered("400.099", reason).kind

    def test_words_say_less_than_a_code(self):
        """Words never overrule a code of their own."""
        assert AuthenticationFailed is coded("API0005", "Invalid nonce or signature").kind

    @pytest.mark.parametrize("status", [302, 500, 503])
    def test_status_takes_proof_away(self, status):
        """Under a status of 3xx or 5xx nothing is proven."""
        assert coded("API0004", status=status).proves_not_executed is False

    @pytest.mark.parametrize("status", [420, 429])
    @pytest.mark.parametrize("answer", [{"error": "So?"}, {"message": "So?"}, {"status": "error", "code": "X"}])
    def test_limited_by_status(self, status, answer):
        """A status for too many requests counts where no code says otherwise."""
        problem = read_problem(status, answer)

        assert (RateLimited, True) == (problem.kind, problem.proves_not_executed)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Invalid nonce", NonceRejected),
            ("Invalid signature", AuthenticationFailed),
            ("API key not found", AuthenticationFailed),
            ("Missing key, signature and nonce parameters", AuthenticationFailed),
            ("No permission found", PermissionDenied),
            ("Order not found", NotFound),
            (NOT_ENOUGH, InsufficientFunds),
            ("Minimum order size is $1", InvalidRequest),
            ("Request limit exceeded", RateLimited),
        ],
    )
    @pytest.mark.parametrize("read", [read_problem, read_problem_v1])
    def test_known_words(self, read, text, kind):
        """Known words without a code are proof in both generations, even with status 200."""
        problem = read(200, {"error": text})

        assert (kind, True, text) == (problem.kind, problem.proves_not_executed, problem.text)

    def test_other_words_on_v1(self):
        """On v1 any text of the exchange's own proves that nothing was executed."""
        problem = read_problem_v1(200, {"error": "So?"})

        assert (Rejected, True) == (problem.kind, problem.proves_not_executed)

    def test_other_words_on_v2(self):
        """On v2 a text that nobody knows proves nothing."""
        problem = read_problem(400, {"status": "error", "reason": "So?"})

        assert (Rejected, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("read", [read_problem, read_problem_v1])
    def test_server_error(self, read):
        """A text with a status of 5xx proves nothing."""
        problem = read(500, {"error": "So?"})

        assert (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        ("status", "kind"), [(401, AuthenticationFailed), (403, RateLimited), (404, NotFound), (400, Rejected)]
    )
    def test_status(self, status, kind):
        """The status names the class where the words do not; 403 is how a ban looks."""
        assert kind is read_problem(status, {"error": "So?"}).kind

    @pytest.mark.parametrize(
        ("text", "floor"),
        [
            ("nonce must be higher than 1455830400123", 1455830400123),
            ("Invalid nonce", None),
            ("nonce must be higher than 12345678901234567890", None),
            ("amount must be more than 5", None),
        ],
    )
    def test_nonce_floor(self, text, floor):
        """A text that names the largest nonce seen says from where to go on, if it is of a sane length."""
        assert floor == read_problem_v1(200, {"error": text}).nonce_floor


class TestShapes:
    @pytest.mark.parametrize("key", ["error", "reason", "errors"])
    def test_fields(self, key):
        """Words for single fields are kept wherever they stand."""
        problem = read_problem(400, {"status": "error", key: {"amount": ["Too small", "Odd"], "price": "No"}})

        assert ({"amount": ("Too small", "Odd"), "price": ("No",)}, "Too small; Odd; No") == (
            problem.fields,
            problem.text,
        )

    @pytest.mark.parametrize("read", [read_problem, read_problem_v1])
    def test_fields_prove(self, read):
        """Words for single fields prove that nothing was executed."""
        problem = read(200, {"error": {"amount": ["So?"]}})

        assert (InvalidRequest, True) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("name", ["amount", "__all__"])
    def test_funds_in_a_field(self, name):
        """Missing funds are told in words for a field, or for all of them."""
        problem = read_problem_v1(200, {"error": {name: [NOT_ENOUGH]}})

        assert (InsufficientFunds, {name: (NOT_ENOUGH,)}) == (problem.kind, problem.fields)

    def test_errors_as_entries(self):
        """A list of errors names field, message and code in each."""
        entries = [
            {"field": "price", "message": "Bad", "code": "400.009"},
            {"field": "price", "message": "Worse"},
            {"message": "All"},
            "Plain",
        ]
        problem = read_problem(400, {"errors": entries})

        assert ("400.009", {"price": ("Bad", "Worse"), "__all__": ("All",)}, "Plain; Bad; Worse; All") == (
            problem.code,
            problem.fields,
            problem.text,
        )

    def test_message(self):
        """A lone message is a refusal whatever the status."""
        assert "Order not found" == read_problem(200, {"message": "Order not found"}).text

    def test_first_of_a_list(self):
        """A list whose first entry holds an error is a refusal."""
        assert NonceRejected is read_problem_v1(200, [{"error": "Invalid nonce"}, {}]).kind

    def test_no_success(self):
        """An answer without success and without words proves nothing."""
        problem = read_problem(200, {"success": False})

        assert (Rejected, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("answer", [{"reason": "So?"}, {"code": "API0001"}, {"detail": 1, "message": "So?"}])
    def test_words_with_a_bad_status(self, answer):
        """With a status for refusals, words or a code are enough."""
        assert read_problem(404, answer) is not None

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            True,
            "text",
            5,
            [],
            [[]],
            [{"tid": 1}],
            {},
            {"last": "1"},
            {"errors": [], "id": 1},
            {"error": None, "id": 1},
            {"status": "ok"},
            {"status": "Open", "id": 1, "transactions": []},
            {"id": 1, "message": "of an order"},
            {"canceled": [], "success": True},
        ],
    )
    @pytest.mark.parametrize("read", [read_problem, read_problem_v1])
    def test_no_refusal(self, read, answer):
        """Every other answer is no refusal."""
        assert read(200, answer) is None

    def test_unknown_market_is_answered_with_all_tickers(self):
        """The array of all tickers in place of one says that there is no such market."""
        prices = {"last": "1.50", "bid": "1.40", "ask": "1.60", "timestamp": "1694608800"}
        problem = read_problem(200, [{**prices, "pair": "BTC/USD"}, {**prices, "pair": "ETH/USD"}])

        assert (InvalidRequest, True) == (problem.kind, problem.proves_not_executed)
