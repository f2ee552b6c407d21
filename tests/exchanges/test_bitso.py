import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exchanges import wire
from exchanges.bitso import Bitso, OrderBook, PriceLevel, Side, Ticker, Trade
from exchanges.bitso.api import PRIVATE_LIMIT, PUBLIC_LIMIT, V2, V3, payload
from exchanges.bitso.signing import BodySignature, HeaderSignature
from exchanges.bitso.v2 import Balance, CurrencyBalance
from exchanges.endpoint import Access, Kind, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError, UsageError
from exchanges.http.request import Request
from exchanges.http.signing import Credentials, Stamp
from exchanges.limits.limit import Scope
from exchanges.limits.nonces import NoncePolicy

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "bitso.json").read_text())["vectors"]
BODY_VECTORS = [v for v in VECTORS if v["scheme"] in ("bitso_v2", "bitso_v2_alternate")]
HEADER_VECTORS = [v for v in VECTORS if v["scheme"] == "bitso_v3"]
ENDPOINTS = {e.id: e for e in endpoints_of(Bitso)}


class Spy(Credentials):
    """Credentials that keep what they signed."""

    def sign(self, message):
        self.message = message.decode()
        return super().sign(message)


class Ready:
    """A call that is rendered already."""

    def __init__(self, request):
        self.request = request

    def render(self, *, secrets=()):
        return self.request


def named(vector):
    """Name the case."""
    return vector["name"]


def credentials(vector):
    """Who signs."""
    return Spy(api_key=vector["key"], api_secret=vector["secret"], client_id=vector.get("client_id"))


def stamp(vector):
    """The nonce of the vector."""
    return Stamp(vector["nonce"], 0)


def in_body(vector):
    """The message that was signed and the request."""
    who = credentials(vector)
    scheme = BodySignature(key_first=vector["scheme"] == "bitso_v2_alternate")
    call = prepare(ENDPOINTS["bitso.v2.account.balance"], {}, V2.base_url)
    return who, scheme.sign(call, who, stamp(vector))


def in_header(vector):
    """The message that was signed and the request."""
    who = credentials(vector)
    bare = Request(vector["method"], "https://bitso.com", vector["path"], (), vector["body"].encode())
    return who, HeaderSignature().sign(Ready(bare), who, stamp(vector))


def sent(endpoint_id, **arguments):
    """What goes out, as verb and address."""
    endpoint = ENDPOINTS[endpoint_id]
    request = prepare(endpoint, arguments, endpoint.api.base_url).render()
    return f"{request.verb} {request.origin}{request.target}"


class TestDeclarations:
    def test_ids(self):
        """Both generations hold market and account under the documented names."""
        expected = {f"bitso.v2.market.{name}" for name in ("ticker", "order_book", "transactions")}
        expected |= {f"bitso.market.{name}" for name in ("available_books", "ticker", "order_book", "trades")}
        expected |= {"bitso.v2.account.balance", "bitso.account.balance"}

        assert expected <= ENDPOINTS.keys()

    def test_kinds(self):
        """A balance of v2 is a read, although it is a POST."""
        endpoint = ENDPOINTS["bitso.v2.account.balance"]

        assert (Kind.READ, Access.PRIVATE) == (endpoint.kind, endpoint.access)

    def test_shared_limits(self):
        """Both generations count against the same two limits."""
        limits = {e.limit for e in ENDPOINTS.values()}

        assert {PUBLIC_LIMIT, PRIVATE_LIMIT} == limits

    def test_scopes(self):
        """Public calls are counted by address, private ones by key."""
        assert (Scope.ADDRESS, Scope.KEY) == (PUBLIC_LIMIT.scope, PRIVATE_LIMIT.scope)

    def test_lockout(self):
        """A lockout lasts a minute in both generations."""
        assert (60.0, 60.0) == (V2.lockout_seconds, V3.lockout_seconds)

    def test_v2_needs_a_client_id(self):
        """Only v2 signs with the client id."""
        assert ("client_id" in V2.scheme.needs, "client_id" in V3.scheme.needs) == (True, False)

    def test_nonces_are_strict(self):
        """Both schemes want nonces that arrive increasing."""
        assert {NoncePolicy.STRICT} == {V2.scheme.policy, V3.scheme.policy}


class TestBodySignature:
    @pytest.mark.parametrize("vector", BODY_VECTORS, ids=named)
    def test_message(self, vector):
        """Nonce, client id and key are signed in the order of the vector."""
        who, _ = in_body(vector)

        assert vector["message"] == who.message

    @pytest.mark.parametrize("vector", BODY_VECTORS, ids=named)
    def test_signature(self, vector):
        """The body carries the signature in lower case."""
        _, request = in_body(vector)

        assert vector["signature"] == json.loads(request.body)["signature"]

    def test_body(self):
        """The default order sends key, nonce as text, and signature, without blanks."""
        vector = next(v for v in BODY_VECTORS if v["name"] == "bitso_v2_documented_order")
        _, request = in_body(vector)
        expected = json.dumps(vector["body_fields"], separators=(",", ":")).encode()

        assert expected == request.body

    def test_nonce_is_a_number_with_the_key_first(self):
        """The other documented order sends the nonce as a number."""
        vector = next(v for v in BODY_VECTORS if v["scheme"] == "bitso_v2_alternate")
        _, request = in_body(vector)

        assert int(vector["nonce"]) == json.loads(request.body)["nonce"]

    def test_content_type(self):
        """The body is declared as JSON."""
        _, request = in_body(BODY_VECTORS[0])

        assert (("Content-Type", "application/json"),) == request.headers

    def test_secrets(self):
        """Key and signature are named as secrets of the request."""
        vector = BODY_VECTORS[0]
        _, request = in_body(vector)

        assert (vector["key"], vector["signature"]) == request.secrets


class TestHeaderSignature:
    @pytest.mark.parametrize("vector", HEADER_VECTORS, ids=named)
    def test_message(self, vector):
        """Nonce, verb, path with query, and body are signed as they travel."""
        who, _ = in_header(vector)

        assert vector["message"] == who.message

    @pytest.mark.parametrize("vector", HEADER_VECTORS, ids=named)
    def test_header(self, vector):
        """The header is that of the vector."""
        _, request = in_header(vector)
        (header,) = request.headers

        assert vector["header"] == ": ".join(header)

    def test_declared_call(self):
        """The declared balance signs the path with its prefix and its slash."""
        vector = next(v for v in HEADER_VECTORS if v["name"] == "v3_get_balance_bitso_com")
        call = prepare(ENDPOINTS["bitso.account.balance"], {}, V3.base_url)
        request = V3.scheme.sign(call, credentials(vector), stamp(vector))

        assert vector["header"].partition(": ")[2] == dict(request.headers)["Authorization"]

    def test_other_host(self):
        """At the other host another path is signed."""
        vector = next(v for v in HEADER_VECTORS if v["name"] == "v3_get_balance_api_host")
        call = prepare(ENDPOINTS["bitso.account.balance"], {}, "https://api.bitso.com/v3")
        request = V3.scheme.sign(call, credentials(vector), stamp(vector))

        assert vector["header"].partition(": ")[2] == dict(request.headers)["Authorization"]

    def test_secrets(self):
        """Key and signature are named as secrets of the request."""
        vector = HEADER_VECTORS[0]
        _, request = in_header(vector)

        assert (vector["key"], vector["signature"]) == request.secrets


class TestRequests:
    def test_flag_as_word(self):
        """In v3 a flag is written as a word."""
        expected = "GET https://bitso.com/api/v3/order_book?book=btc_mxn&aggregate=true"

        assert expected == sent("bitso.market.order_book", book="btc_mxn", aggregate=True)

    def test_flag_as_digit(self):
        """In v2 a flag is written as a digit."""
        expected = "GET https://api.bitso.com/v2/order_book?group=0"

        assert expected == sent("bitso.v2.market.order_book", group=False)

    def test_page(self):
        """Marker, sort and limit follow the book."""
        expected = "GET https://bitso.com/api/v3/trades?book=btc_mxn&marker=7&sort=desc&limit=100"

        assert expected == sent("bitso.market.trades", book="btc_mxn", marker="7", sort="desc", limit=100)

    def test_defaults_are_not_sent(self):
        """What has a default at the exchange is left to it."""
        assert "GET https://api.bitso.com/v2/transactions" == sent("bitso.v2.market.transactions")

    @pytest.mark.parametrize(
        ("endpoint_id", "arguments"),
        [
            ("bitso.market.ticker", {}),
            ("bitso.market.trades", {"book": "btc_mxn", "limit": 0}),
            ("bitso.market.trades", {"book": "btc_mxn", "limit": 101}),
            ("bitso.market.trades", {"book": "btc_mxn", "sort": "up"}),
            ("bitso.market.order_book", {"book": "btc_mxn", "aggregate": 1}),
            ("bitso.v2.market.order_book", {"group": 1}),
            ("bitso.v2.market.transactions", {"time": "day"}),
        ],
    )
    def test_wrong_arguments(self, endpoint_id, arguments):
        """A wrong argument is refused before anything is sent."""
        with pytest.raises(UsageError, match="nothing was sent"):
            sent(endpoint_id, **arguments)


class TestPayload:
    def test_envelope(self):
        """The payload is taken out of the envelope."""
        assert [1] == payload({"success": True, "payload": [1]})

    def test_balances_are_documented_as_a_list(self):
        """The balances stand in an object of their own, which goes with the envelope."""
        assert [1] == payload({"success": True, "payload": {"balances": [1]}})

    def test_larger_object(self):
        """An object that says more than the list stays whole."""
        content = {"balances": [1], "more": 2}

        assert content == payload({"success": True, "payload": content})

    @pytest.mark.parametrize("answer", [[], {}, {"success": True}, "ok", None])
    def test_no_envelope(self, answer):
        """What stands in no envelope is left for the decoder to refuse."""
        assert answer == payload(answer)


class TestModels:
    @pytest.mark.parametrize("tid", [1093643, "1093643"])
    def test_trade_id(self, tid):
        """A trade's id may be a number or text, and is kept as text."""
        trade = {"book": "b", "created_at": "2017-08-01T21:26:54+0000", "amount": "1", "price": "2"}
        body = wire.dumps([{**trade, "maker_side": "buy", "tid": tid}])

        assert ["1093643"] == [t.tid for t in wire.decode(body, list[Trade], strict=True)]

    @pytest.mark.parametrize("zone", ["+0000", "+00:00", ".000+00:00", "Z"])
    def test_moments(self, zone):
        """A moment is read with every way of writing the zone that was seen."""
        body = wire.dumps({"bids": [], "asks": [], "sequence": "1", "updated_at": f"2017-08-01T21:07:54{zone}"})
        book = wire.decode(body, OrderBook, strict=True)

        assert datetime(2017, 8, 1, 21, 7, 54, tzinfo=UTC) == book.updated_at

    def test_sequence_is_text(self):
        """The sequence travels as text and comes back as it was."""
        value = {"bids": [], "asks": [], "sequence": "18805917", "updated_at": "2017-08-01T21:07:54+00:00"}

        assert value == wire.encode(wire.decode(wire.dumps(value), OrderBook, strict=True))

    def test_unsummed_levels(self):
        """An order that stands for itself has an id."""
        value = {"book": "btc_mxn", "price": "1.10", "amount": "2", "oid": "x"}
        level = wire.decode(wire.dumps(value), PriceLevel, strict=True)

        assert PriceLevel(book="btc_mxn", price=Decimal("1.10"), amount=Decimal(2), oid="x") == level

    def test_old_ticker(self):
        """A ticker without the later fields is still a ticker."""
        prices = dict.fromkeys(("last", "high", "low", "vwap", "volume", "bid", "ask"), "1.0")
        value = {**prices, "book": "btc_mxn", "created_at": "2017-08-07T17:12:43+00:00"}

        assert wire.decode(wire.dumps(value), Ticker, strict=True).change_24 is None

    def test_unknown_side(self):
        """A side that no document names is kept."""
        trade = {"book": "b", "created_at": "2017-08-01T21:26:54+0000", "amount": "1", "price": "2", "tid": 1}
        body = wire.dumps([{**trade, "maker_side": "both"}])

        assert ["both"] == [t.maker_side.value for t in wire.decode(body, list[Trade])]

    def test_sides(self):
        """The documented sides are known."""
        assert {"buy", "sell"} == {side.value for side in Side}

    def test_odd_id(self):
        """An id is text or a whole number, nothing else."""
        body = wire.dumps({"bids": [], "asks": [], "sequence": True, "updated_at": "2017-08-01T21:07:54Z"})

        with pytest.raises(DecodeError, match=r"OrderBook\.sequence: expected an id"):
            wire.decode(body, OrderBook)


FLAT = {
    "btc_balance": "46.67902107",
    "btc_reserved": "0.00000000",
    "btc_available": "46.67902107",
    "my_coin_balance": "3",
    "my_coin_reserved": "1",
    "my_coin_available": "2",
    "fee": "1.0000",
}


class TestFlatBalance:
    def test_currencies(self):
        """Three keys make one currency, whatever it is called."""
        balance = wire.decode(wire.dumps(FLAT), Balance, strict=True)
        coin = CurrencyBalance(balance=Decimal(3), reserved=Decimal(1), available=Decimal(2))

        assert coin == balance.currencies["my_coin"]

    def test_round_trip(self):
        """What was gathered is spread again."""
        assert FLAT == wire.encode(wire.decode(wire.dumps(FLAT), Balance, strict=True))

    def test_no_currencies(self):
        """An account without currencies has a fee."""
        assert Balance(fee=Decimal("0.5")) == wire.decode(b'{"fee": "0.5"}', Balance, strict=True)

    @pytest.mark.parametrize("key", ["_balance", "btc_total", "currencies"])
    def test_other_keys(self, key):
        """A key that belongs to no currency is ignored."""
        balance = wire.decode(wire.dumps({"fee": "0.5", key: "1"}), Balance)

        assert Balance(fee=Decimal("0.5")) == balance

    def test_other_keys_strictly(self):
        """A key that belongs to no currency is a deviation."""
        with pytest.raises(DecodeError, match="no keys but the documented ones"):
            wire.decode(b'{"fee": "0.5", "btc_total": "1"}', Balance, strict=True)

    def test_missing_part(self):
        """A currency of which a part is missing is refused."""
        with pytest.raises(DecodeError, match=r"CurrencyBalance\.reserved"):
            wire.decode(b'{"fee": "0.5", "btc_balance": "1", "btc_available": "1"}', Balance)
