import pytest

from exchanges.bitso.errors import BY_FAMILY, read_problem, read_problem_v2
from exchanges.errors import (
    AuthenticationFailed,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    PermissionDenied,
    QuoteExpired,
    RateLimited,
    Rejected,
    Unavailable,
)


def refusal(code, status=400, message="no"):
    """A refusal in the envelope of v3."""
    return read_problem(status, {"success": False, "error": {"code": code, "message": message, "details": []}})


def said(text, status=200, read=read_problem_v2):
    """A refusal that is a text."""
    return read(status, {"error": text})


class TestCodes:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("0201", AuthenticationFailed),
            ("0202", PermissionDenied),
            ("0203", AuthenticationFailed),
            ("0206", NonceRejected),
            ("0207", NonceRejected),
            ("0213", PermissionDenied),
            ("0215", AuthenticationFailed),
            ("0301", InvalidRequest),
            ("0312", NotFound),
            ("0343", InvalidRequest),
            ("0345", QuoteExpired),
            ("0356", InvalidRequest),
            ("0367", Rejected),
            ("0373", QuoteExpired),
            ("0379", InsufficientFunds),
            ("0403", InvalidRequest),
            ("0501", Rejected),
            ("0601", InsufficientFunds),
            ("0602", InsufficientFunds),
            ("0701", PermissionDenied),
            ("0801", RateLimited),
            ("0802", RateLimited),
            ("0901", InvalidRequest),
            ("1001", Rejected),
            ("1201", InvalidRequest),
            ("1301", AuthenticationFailed),
            ("1401", NotFound),
        ],
    )
    def test_proof(self, code, kind):
        """A code of these proves that nothing was executed."""
        problem = refusal(code)

        assert (kind, True, code) == (problem.kind, problem.proves_not_executed, problem.code)

    @pytest.mark.parametrize("code", ["0101", "0100", "0377", "0378", "1003", "1101", "1103", 101, 1103])
    def test_no_proof(self, code):
        """A code of these does not say what happened."""
        problem = refusal(code)

        assert (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("code", ["9901", "1007", "1601", "1701", "x", "", 7])
    def test_unknown_family(self, code):
        """A code of a family that no document names proves nothing."""
        problem = refusal(code)

        assert (Rejected, False) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize("code", ["0301", "0801", "0207", "9901"])
    @pytest.mark.parametrize("status", [302, 500, 503])
    def test_status_takes_proof_away(self, code, status):
        """Under a status of 3xx or 5xx nothing is proven."""
        assert refusal(code, status).proves_not_executed is False

    @pytest.mark.parametrize("status", [420, 429])
    def test_limited_by_status(self, status):
        """A status for too many requests counts where the code says nothing."""
        problem = refusal("9901", status)

        assert (RateLimited, True) == (problem.kind, problem.proves_not_executed)

    def test_limit_with_its_status(self):
        """Code 0801 with status 420 is the limit."""
        problem = refusal("0801", 420)

        assert (RateLimited, True) == (problem.kind, problem.proves_not_executed)

    def test_wrong_signature_that_talks_of_nonces(self):
        """Code 0215 is a wrong signature, whatever its text says."""
        assert AuthenticationFailed is refusal("0215", 401, "Invalid Nonce or Invalid Credentials").kind

    @pytest.mark.parametrize(
        ("status", "kind"), [(401, AuthenticationFailed), (403, PermissionDenied), (404, NotFound)]
    )
    def test_status_of_an_unknown_code(self, status, kind):
        """The status names the class of an unknown code, and proves nothing."""
        problem = refusal("9901", status)

        assert (kind, False) == (problem.kind, problem.proves_not_executed)

    def test_number_code(self):
        """A code that is a number is text without a leading zero, of the same family."""
        problem = refusal(301)

        assert ("301", InvalidRequest) == (problem.code, problem.kind)

    def test_v2_number_in_the_envelope(self):
        """Number 104 inside the envelope is the nonce, not the family 01."""
        problem = refusal(104, 401, "The nonce must be higher than 1700000000123")

        assert (NonceRejected, 1700000000123, True) == (
            problem.kind,
            problem.nonce_floor,
            problem.proves_not_executed,
        )

    def test_families(self):
        """A family is the first two characters of its codes."""
        assert {2} == {len(family) for family in BY_FAMILY}


class TestShapes:
    def test_unknown_book_in_the_shape_of_v2(self):
        """The ticker of v3 refuses an unknown book in the shape of v2."""
        problem = read_problem(400, {"error": {"code": 20, "message": "Unknown OrderBook nope"}})

        assert (InvalidRequest, "20", True) == (problem.kind, problem.code, problem.proves_not_executed)

    def test_bad_credentials_under_the_same_number(self):
        """Number 20 is also that of bad credentials."""
        problem = read_problem_v2(400, {"error": {"code": 20, "message": "Bad API credentials"}})

        assert (AuthenticationFailed, True) == (problem.kind, problem.proves_not_executed)

    def test_number_20_without_words(self):
        """Number 20 without words is a wrong argument."""
        assert InvalidRequest is read_problem(400, {"error": {"code": 20}}).kind

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Invalid nonce", NonceRejected),
            ("Nonce must be higher than 5", NonceRejected),
            ("Invalid signature", AuthenticationFailed),
            ("API key not found", AuthenticationFailed),
            ("Permission denied", PermissionDenied),
            ("Order not found", NotFound),
            ("You have only 0 BTC available.", InsufficientFunds),
            ("Rate limit exceeded", RateLimited),
            ("Incorrect amount", InvalidRequest),
        ],
    )
    @pytest.mark.parametrize("read", [read_problem, read_problem_v2])
    def test_known_words(self, read, text, kind):
        """Known words without a code are proof in both generations."""
        problem = said(text, read=read)

        assert (kind, True, None) == (problem.kind, problem.proves_not_executed, problem.code)

    def test_other_words_on_v2(self):
        """On v2 any text of the exchange's own proves that nothing was executed."""
        problem = said("Cannot do that")

        assert (Rejected, True) == (problem.kind, problem.proves_not_executed)

    def test_other_words_on_v3(self):
        """On v3 a text without a code is foreign and proves nothing."""
        problem = said("Cannot do that", read=read_problem)

        assert (Rejected, False) == (problem.kind, problem.proves_not_executed)

    def test_words_with_a_server_error(self):
        """A text with a status of 5xx proves nothing, on v2 neither."""
        problem = said("Something broke", status=502)

        assert (Unavailable, False) == (problem.kind, problem.proves_not_executed)

    def test_unknown_v3_code_on_v2(self):
        """A code of four characters is foreign to v2 and proves nothing where no document names it."""
        problem = read_problem_v2(400, {"error": {"code": "9901", "message": "no"}})

        assert problem.proves_not_executed is False

    def test_amount_or_precision(self):
        """Number 22 is a wrong amount."""
        assert InvalidRequest is read_problem_v2(400, {"error": {"code": 22, "message": "?"}}).kind

    def test_first_of_a_list(self):
        """A list whose first entry holds an error is a refusal."""
        problem = read_problem_v2(200, [{"error": "Invalid nonce"}, {}])

        assert NonceRejected is problem.kind

    def test_fields(self):
        """Words for single fields are kept, and prove that nothing was executed."""
        problem = read_problem(400, {"error": {"amount": ["Too small", "Too odd"], "__all__": "No", "n": {"a": 1}}})

        assert (InvalidRequest, {"amount": ("Too small", "Too odd"), "__all__": ("No",)}, True) == (
            problem.kind,
            problem.fields,
            problem.proves_not_executed,
        )

    def test_envelope_with_a_text(self):
        """An envelope without success may hold a plain text."""
        problem = read_problem(400, {"success": False, "error": "Invalid signature"})

        assert AuthenticationFailed is problem.kind

    @pytest.mark.parametrize("answer", [{"success": False}, {"success": False, "error": None, "payload": [1]}])
    def test_envelope_without_words(self, answer):
        """An envelope without success and without words proves nothing."""
        problem = read_problem(400, answer)

        assert (Rejected, False, {}) == (problem.kind, problem.proves_not_executed, problem.fields)

    def test_envelope_with_code_beside_it(self):
        """Code and message are found beside ``success`` too."""
        problem = read_problem(400, {"success": False, "code": "0301", "message": "Unknown book"})

        assert ("0301", "Unknown book", InvalidRequest) == (problem.code, problem.text, problem.kind)

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            "true",
            "ok",
            5,
            [],
            [{"tid": 1}],
            [[1]],
            {},
            {"last": "1"},
            {"success": True, "payload": []},
            {"success": True, "error": "odd", "payload": {}},
            {"error": None, "last": "1"},
        ],
    )
    @pytest.mark.parametrize("read", [read_problem, read_problem_v2])
    def test_no_refusal(self, read, answer):
        """Every other answer is no refusal."""
        assert read(200, answer) is None

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
    def test_nonce_floor(self, text, floor):
        """A text that names the largest nonce seen says from where to go on, if it is of a sane length."""
        assert floor == said(text).nonce_floor
