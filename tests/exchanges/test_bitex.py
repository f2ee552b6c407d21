import json
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from exchanges import wire
from exchanges.bitex import (
    Ask,
    Bid,
    Candle,
    DepositMethod,
    DepositReason,
    DepositStatus,
    Movement,
    Order,
    OrderReason,
    OrderStatus,
    SpecieWithdrawalReason,
    UnknownRow,
    UsdDeposit,
    UsdWithdrawal,
    UsdWithdrawalReason,
    WithdrawalStatus,
)
from exchanges.bitex.api import API
from exchanges.bitex.errors import read_problem
from exchanges.bitex.signing import ApiKeyScheme
from exchanges.endpoint import JSON, Access, Kind
from exchanges.endpoint.call import prepare
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    DecodeError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unavailable,
)
from exchanges.http.signing import Credentials, NoncePolicy, Stamp
from exchanges.wire import TaggedRow
from tests.support import bitex_requests
from tests.support.bitex_requests import BASE, ENDPOINTS

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "bitex.json").read_text())["vectors"]
# The numbers that the guide names.
NUMBERS = {
    OrderStatus: {1, 2, 3, 4, 5},
    OrderReason: {0, 1, 2, 3},
    WithdrawalStatus: {1, 2, 3, 4},
    SpecieWithdrawalReason: {0, 1, 2},
    UsdWithdrawalReason: {0, 1, 2, 3},
    DepositMethod: {1, 2, 3},
    DepositStatus: {1, 2, 3},
    DepositReason: {0, 1, 2, 3, 4},
}
# By kind the calls that change something; all others read.
KINDS = {
    Kind.MONEY: """
        trading.create_bid trading.create_ask bots.create_buying_bot bots.create_selling_bot
        funding.create_usd_withdrawal funding.create_btc_withdrawal concierge.create_work_order_request
    """,
    Kind.WRITE: """
        funding.create_usd_deposit funding.create_withdrawal_instruction funding.create_address kyc.create_profile
        kyc.create_file payments.create_payment resellers.create_user
    """,
    Kind.CANCEL: """
        trading.cancel_bid trading.cancel_ask bots.cancel_buying_bot bots.cancel_selling_bot funding.cancel_usd_deposit
    """,
    Kind.IDEMPOTENT: """
        kyc.update_profile kyc.update_default_profile payments.setup_pos webhooks.update_webhook webhooks.test_webhook
    """,
}


def sent(name, key="your_api_key", **options):
    """Return verb, URL and body of a request."""
    request = bitex_requests.sent(name, key=key, **options)
    return request.verb, request.origin + request.target, request.body.decode()


class TestDeclarations:
    def test_ids(self):
        """Market, trading and account hold the documented calls under these names."""
        market = "ticker order_book transactions transactions_archive last_24_hours last_7_days last_30_days"
        trading = "orders trades create_bid bid cancel_bid create_ask ask cancel_ask"
        expected = {f"market.{name}" for name in market.split()}
        expected |= {f"trading.{name}" for name in trading.split()}
        expected |= {"account.profile", "account.account_summary"}

        assert expected == {name for name in ENDPOINTS if name.partition(".")[0] in ("market", "trading", "account")}

    def test_number(self):
        """The guide documents 67 calls."""
        assert 67 == len(ENDPOINTS)

    @pytest.mark.parametrize(("kind", "names"), KINDS.items())
    def test_kinds(self, kind, names):
        """Placing and withdrawing moves money, creating happens once, changing and cancelling may be repeated."""
        assert set(names.split()) == {name for name, e in ENDPOINTS.items() if e.kind is kind}

    def test_body_of_a_work_order(self):
        """A work order is sent as JSON."""
        assert JSON == ENDPOINTS["concierge.create_work_order_request"].body

    def test_access(self):
        """Market and rates need no key, all other areas do; resellers have their own areas."""
        areas = {access: set() for access in Access}
        for name, endpoint in ENDPOINTS.items():
            areas[endpoint.access].add(name.partition(".")[0])

        assert {
            Access.PUBLIC: {"market", "rates"},
            Access.PRIVATE: {"account", "kyc", "trading", "bots", "funding", "payments"},
            Access.RESELLER: {"resellers", "concierge", "webhooks"},
        } == areas

    def test_the_archive_is_large_and_slow(self):
        """The archive has a deadline of 60 seconds and a bound of 64 MiB."""
        archive = ENDPOINTS["market.transactions_archive"]

        assert (60.0, 64 * 1024 * 1024) == (archive.timeout_seconds, archive.max_bytes)

    def test_the_summary_is_large(self):
        """A full account summary has a bound of 64 MiB."""
        assert 64 * 1024 * 1024 == ENDPOINTS["account.account_summary"].max_bytes

    def test_limit(self):
        """Public and private calls share one limit of 5 calls per second."""
        windows = [(w.slots, w.per_seconds) for w in API.public_limit.windows]

        assert ([(5, 1.0)], API.public_limit) == (windows, API.private_limit)


class TestScheme:
    def test_vector(self):
        """The key is sent in the query of a GET."""
        vector = next(v for v in VECTORS if v["name"] == "bitex_get")

        assert ("GET", vector["url"], "") == sent("account.profile", key=vector["key"])

    def test_needs_the_key_alone(self):
        """Neither a secret nor a nonce is used."""
        assert (("api_key",), NoncePolicy.NONE) == (ApiKeyScheme().needs, ApiKeyScheme().policy)

    def test_the_key_is_a_secret_of_the_request(self):
        """Errors can redact the key in foreign texts, escaped or not."""
        request = prepare(ENDPOINTS["account.profile"], {}, BASE)

        signed = ApiKeyScheme().sign(request, Credentials(api_key="a key/1"), Stamp("", 0))

        assert {"a key/1", "a+key%2F1"} == set(signed.secrets)

    def test_odd_keys_are_escaped(self):
        """A key with special characters cannot add arguments."""
        _, url, _ = sent("account.profile", key="k&full=true")

        assert f"{BASE}/private/profile?api_key=k%26full%3Dtrue" == url


class TestRequests:
    def test_a_bid(self):
        """A bid is sent as in the guide's curl example, key first."""
        assert (
            "POST",
            f"{BASE}/private/bids",
            "api_key=your_api_key&amount=10000.05&price=500.00&orderbook=1",
        ) == sent("trading.create_bid", amount="10000.05", price=Decimal("500.00"))

    def test_an_ask_in_another_book(self):
        """The order book is sent as its number."""
        _, _, body = sent("trading.create_ask", amount=10, price="500.00", orderbook=5)

        assert "api_key=your_api_key&amount=10&price=500.00&orderbook=5" == body

    def test_cancelling(self):
        """A cancel has the order in its path and the key in its body."""
        assert ("POST", f"{BASE}/private/asks/7/cancel", "api_key=your_api_key") == sent("trading.cancel_ask", ask_id=7)

    def test_a_public_call(self):
        """A public call is sent without a query."""
        assert ("GET", f"{BASE}/btc_usd/market/order_book", "") == sent("market.order_book")

    def test_the_sandbox(self):
        """The sandbox has the same paths on another host."""
        _, url, _ = sent("market.ticker", base_url=API.sandbox_url)

        assert "https://sandbox.bitex.la/api-v1/rest/btc_usd/market/ticker" == url

    @pytest.mark.parametrize(
        ("full", "query"), [(True, "api_key=k&full=true"), (False, "api_key=k"), (None, "api_key=k")]
    )
    def test_full_works_by_being_there(self, full, query):
        """A summary that is not full omits the flag, because any value would mean true."""
        _, url, _ = sent("account.account_summary", key="k", full=full)

        assert f"{BASE}/private/account_summary?{query}" == url

    @pytest.mark.parametrize("full", [1, 0, "true", ""])
    def test_full_is_a_bool(self, full):
        """Only a bool is accepted as a flag."""
        assert "full must be a bool" in bitex_requests.refused("account.account_summary", full=full)


class TestMinimums:
    @pytest.mark.parametrize(
        ("call", "amount", "words"),
        [
            ("create_bid", "0.99999999", "amount must be at least 1 USD"),
            ("create_ask", "0.00499999", "amount must be at least 0.005 of the base currency"),
        ],
    )
    def test_too_little(self, call, amount, words):
        """An amount below the documented minimum is rejected before it is sent."""
        assert words in bitex_requests.refused(f"trading.{call}", amount=amount, price=500)

    @pytest.mark.parametrize(("call", "amount"), [("create_bid", "1"), ("create_ask", "0.005")])
    def test_just_enough(self, call, amount):
        """The minimum itself is accepted."""
        _, _, body = sent(f"trading.{call}", key="k", amount=amount, price=500)

        assert f"api_key=k&amount={amount}&price=500&orderbook=1" == body


POINTER = {"pointer": "/data/attributes/amount"}


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "answer", "kind", "proven"),
        [
            (401, {"error": "Invalid Api Key"}, AuthenticationFailed, True),
            (403, {"error": "Invalid Api Key"}, AuthenticationFailed, True),
            (401, {"error": "You don't have enough permissions"}, PermissionDenied, True),
            (401, {"error": "No tiene permisos"}, PermissionDenied, True),
            (401, {"error": "You do not have enough permissions"}, PermissionDenied, True),
            (403, {"error": "Forbidden"}, Blocked, False),
            (404, {"errors": [{"code": None, "detail": None}]}, NotFound, True),
            (404, {"errors": [{"code": 1003, "message": "no route"}]}, Unavailable, False),
            (400, {"error": "bad request"}, Unavailable, False),
            (422, {"errors": [{"detail": "no puede estar en blanco", "source": POINTER}]}, InvalidRequest, True),
            (422, {"errors": [{"detail": "no puede estar en blanco"}]}, Unavailable, False),
            (422, {"errors": [{"detail": "internal error", "source": POINTER}]}, Unavailable, False),
            (200, {"errors": [{"detail": "no puede estar en blanco", "source": POINTER}]}, Unavailable, False),
            (429, {"error": "Too many requests"}, RateLimited, False),  # its `Api` says that this status is proof
            (409, {"error": "conflict"}, Unavailable, False),
            (200, {"error": "something"}, Unavailable, False),
            (401, {"error": "Invalid Api Key", "id": 1}, Unavailable, False),
            (500, {"error": "Invalid Api Key"}, Unavailable, False),
            (503, {"errors": [{"title": "maintenance"}]}, Unavailable, False),
        ],
    )
    def test_table(self, status, answer, kind, proven):
        """Text and status determine the error, and whether it proves that nothing was executed."""
        problem = read_problem(status, answer)

        assert (kind, proven) == (problem.kind, problem.proves_not_executed)

    @pytest.mark.parametrize(
        "answer",
        [None, [], "error", {}, {"error": None}, {"errors": []}, {"errors": None}, {"errors": ["x"]}, {"status": 404}],
    )
    @pytest.mark.parametrize("status", [200, 401, 404, 502])
    def test_no_known_shape(self, status, answer):
        """An answer in another shape is judged by its status."""
        assert read_problem(status, answer) is None

    def test_fields(self):
        """An error of fields names each by the end of its pointer, with the detail rather than the title."""
        amount = {"source": {"pointer": "/data/attributes/amount"}, "title": "Invalid", "meta": {}, "status": "422"}
        price = {"source": {"pointer": "/data/attributes/price"}, "title": "is blank", "detail": None}
        answer = {"errors": [{**amount, "detail": "too small"}, {**amount, "detail": "odd"}, price]}

        problem = read_problem(422, answer)

        assert {"amount": ("too small", "odd"), "price": ("is blank",)} == dict(problem.fields)

    def test_text_and_code(self):
        """The texts of all entries are joined; the first code is kept as text."""
        answer = {"errors": [{"code": None, "detail": "one", "source": None}, {"code": 7, "title": "two"}]}

        problem = read_problem(422, answer)

        assert ("one; two", "7", {}) == (problem.text, problem.code, dict(problem.fields))

    @pytest.mark.parametrize("source", [None, "amount", {}, {"pointer": None}, {"pointer": "/"}, {"pointer": ""}])
    def test_no_pointer(self, source):
        """An entry without a usable pointer belongs to no field."""
        problem = read_problem(422, {"errors": [{"detail": "wrong", "source": source}]})

        assert {} == dict(problem.fields)


class TestCodes:
    @pytest.mark.parametrize("codes", NUMBERS)
    def test_open(self, codes):
        """A number that the guide does not name is kept and encodes as received."""
        odd = codes(99)

        assert (99, "UNKNOWN_99", False) == (odd, odd.name, odd.is_known)

    @pytest.mark.parametrize(("codes", "numbers"), NUMBERS.items())
    def test_numbers(self, codes, numbers):
        """The documented numbers have names."""
        assert numbers == {int(c) for c in codes}


class TestRows:
    def test_class_references(self):
        """The eight classes have the numbers of the guide, in its order."""
        rows = [r for r in get_args(Movement) if issubclass(r, TaggedRow)]
        names = "Bid Ask Buy Sell SpecieDeposit SpecieWithdrawal UsdDeposit UsdWithdrawal"

        assert dict(enumerate(names.split(), start=1)) == {r.class_reference: r.__name__ for r in rows}

    def test_a_bid_counts_in_quote(self):
        """Amount, remaining amount and price are at positions 4, 5 and 6."""
        bid = wire.decode(b"[1, 9, 946685400, 1, 100.5, 10.25, 1000.125, 2]", Bid)

        assert tuple(map(Decimal, ("100.5", "10.25", "1000.125"))) == (bid.amount, bid.remaining_amount, bid.price)

    def test_old_rows_are_short(self):
        """An old ask ends with its status; missing fields are None."""
        ask = wire.decode(b"[2, 9, 946685400, 1, 1, 1, 1000, 4]", Ask)

        assert (OrderStatus.CANCELLED, None, None, None, None) == (
            ask.status,
            ask.reason,
            ask.produced_amount,
            ask.issuer,
            ask.fee,
        )

    def test_too_short(self):
        """A bid without its status names the position of the status."""
        with pytest.raises(DecodeError) as caught:
            wire.decode(b"[1, 9, 946685400, 1, 100, 10, 1000]", Bid)

        assert "Bid position 7 (status)" in str(caught.value)

    def test_an_unknown_class(self):
        """A row of a class that the guide does not name keeps its cells."""
        orders = wire.decode(b'[[9, 1, "new"]]', list[Order])

        assert [UnknownRow((9, 1, "new"))] == orders

    def test_lowest_before_opening(self):
        """In a candle the lowest price precedes opening, closing and highest."""
        candle = wire.decode(b"[1490605200, 1, 2, 3, 4, 5.5, 6, null]", Candle)

        assert (1, 2, 3, 4, None) == (candle.low, candle.open, candle.close, candle.high, candle.vwap)

    @pytest.mark.parametrize("astropay", [{"link": "https://x.test"}, '{"link":"https://x.test"}', None])
    def test_astropay(self, astropay):
        """AstroPay's answer is kept as received: an object, text, or nothing."""
        cells = [7, 1, 946685400, "", None, 1, 1, 0, "UY", "UYU", 1, "Bank", astropay, "ABC", 3]

        deposit = wire.decode(wire.dumps(cells), UsdDeposit)

        assert (None, None, astropay) == (deposit.requested_amount, deposit.amount, deposit.astropay_response)

    @pytest.mark.parametrize("instructions", [{"bank": {"iban": "x"}}, "Bank of X"])
    def test_instructions(self, instructions):
        """Withdrawal instructions are kept as received and encode the same."""
        cells = [8, 1, 946685400, 100, 1, 0, "UY", "UYU", "bb", "Billy Bob", 1, instructions, 3]

        assert cells == wire.encode(wire.decode(wire.dumps(cells), UsdWithdrawal))
