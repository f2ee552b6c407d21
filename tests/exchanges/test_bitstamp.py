import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exchanges import wire
from exchanges.bitstamp import Bitstamp, OrderBook, PriceLevel, Side, Ticker, Transaction
from exchanges.bitstamp import v1 as bitstamp_v1
from exchanges.bitstamp.api import LIMIT, V1, V2
from exchanges.bitstamp.signing import BodySignature, HeaderSignature
from exchanges.endpoint import Access, Kind, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError, UsageError
from exchanges.http.request import Request
from exchanges.http.signing import Credentials, Stamp
from exchanges.limits.limit import Scope
from exchanges.limits.nonces import NoncePolicy

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "bitstamp.json").read_text())["vectors"]
BODY_VECTOR = next(v for v in VECTORS if v["scheme"] == "bitstamp_v1")
HEADER_VECTORS = [v for v in VECTORS if v["scheme"] == "bitstamp_v2"]
ENDPOINTS = {e.id: e for e in endpoints_of(Bitstamp)}


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


def in_body(key=BODY_VECTOR["key"]):
    """Who signed, and the request."""
    who = Spy(api_key=key, api_secret=BODY_VECTOR["secret"], client_id=BODY_VECTOR["client_id"])
    call = prepare(ENDPOINTS["bitstamp.v1.account.balance"], {}, V1.base_url)
    return who, BodySignature().sign(call, who, Stamp(BODY_VECTOR["nonce"], 0))


def in_header(vector):
    """Who signed, and the request."""
    who = Spy(api_key=vector["key"], api_secret=vector["secret"])
    target = vector["path"] + ("?" + vector["query"] if vector["query"] else "")
    headers = (("Content-Type", vector["content_type"]),) if vector["content_type"] else ()
    bare = Request(vector["method"], f"https://{vector['host']}", target, headers, vector["body"].encode())
    return who, HeaderSignature().sign(Ready(bare), who, Stamp(vector["nonce"], int(vector["timestamp"])))


def sent(endpoint_id, **arguments):
    """What goes out, as verb and address."""
    endpoint = ENDPOINTS[endpoint_id]
    request = prepare(endpoint, arguments, endpoint.api.base_url).render()
    return f"{request.verb} {request.origin}{request.target}"


class TestDeclarations:
    def test_ids(self):
        """Both generations hold the documented calls under these names."""
        expected = {f"bitstamp.v1.market.{name}" for name in ("ticker", "order_book", "transactions", "eur_usd")}
        expected |= {f"bitstamp.market.{name}" for name in ("ticker", "order_book", "transactions")}
        expected |= {"bitstamp.v1.account.balance"}

        assert expected <= ENDPOINTS.keys()

    def test_kinds(self):
        """A balance is a read, although it is a POST."""
        endpoint = ENDPOINTS["bitstamp.v1.account.balance"]

        assert (Kind.READ, Access.PRIVATE) == (endpoint.kind, endpoint.access)

    def test_one_limit(self):
        """All calls of both generations count against one limit, by address."""
        assert ({LIMIT}, Scope.ADDRESS) == ({e.limit for e in ENDPOINTS.values()}, LIMIT.scope)

    def test_lockout(self):
        """A lockout lasts ten minutes in both generations."""
        assert (600.0, 600.0) == (V1.lockout_seconds, V2.lockout_seconds)

    def test_nonces(self):
        """Nonces of v1 arrive increasing, those of v2 are merely unique."""
        assert (NoncePolicy.STRICT, NoncePolicy.UNIQUE) == (V1.scheme.policy, V2.scheme.policy)

    def test_v1_needs_a_client_id(self):
        """Only v1 signs with the client id."""
        assert ("client_id" in V1.scheme.needs, "client_id" in V2.scheme.needs) == (True, False)


class TestBodySignature:
    def test_message(self):
        """Nonce, client id and key are signed, in this order."""
        who, _ = in_body()

        assert BODY_VECTOR["message"] == who.message

    def test_body(self):
        """Key, signature in upper case, and nonce make the form, in this order."""
        _, request = in_body()

        assert BODY_VECTOR["body"].encode() == request.body

    def test_content_type(self):
        """The body is declared as a form."""
        _, request = in_body()

        assert (("Content-Type", "application/x-www-form-urlencoded"),) == request.headers

    def test_secrets(self):
        """The key, as it is and as the form writes it, and the signature are secrets of the request."""
        _, request = in_body("a+b/c")

        assert {"a+b/c", "a%2Bb%2Fc"} < set(request.secrets)


class TestHeaderSignature:
    @pytest.mark.parametrize("vector", HEADER_VECTORS, ids=named)
    def test_message(self, vector):
        """Everything that identifies the request is signed, joined without separators."""
        who, _ = in_header(vector)

        assert vector["message"] == who.message

    @pytest.mark.parametrize("vector", HEADER_VECTORS, ids=named)
    def test_headers(self, vector):
        """The headers are those of the vector, with a content type only where there is a body."""
        _, request = in_header(vector)

        assert vector["headers"] == dict(request.headers)

    @pytest.mark.parametrize("vector", HEADER_VECTORS, ids=named)
    def test_body(self, vector):
        """The body goes out as it was signed."""
        _, request = in_header(vector)

        assert vector["body"].encode() == request.body

    def test_secrets(self):
        """Key and signature are named as secrets of the request."""
        vector = HEADER_VECTORS[0]
        _, request = in_header(vector)

        assert (vector["key"], vector["signature"]) == request.secrets


class TestRequests:
    def test_slash(self):
        """Every path ends in a slash."""
        assert all(e.route.endswith("/") for e in ENDPOINTS.values())

    def test_market_in_the_path(self):
        """The market is part of the path."""
        assert "GET https://www.bitstamp.net/api/v2/ticker/btcusd/" == sent("bitstamp.market.ticker", market="btcusd")

    def test_odd_market(self):
        """A market cannot leave its place in the path."""
        expected = "GET https://www.bitstamp.net/api/v2/ticker/..%2Fbtc%3Fusd/"

        assert expected == sent("bitstamp.market.ticker", market="../btc?usd")

    def test_group_of_v1(self):
        """In v1 grouping is a flag, written as a digit."""
        expected = "GET https://www.bitstamp.net/api/order_book/?group=1"

        assert expected == sent("bitstamp.v1.market.order_book", group=True)

    def test_group_of_v2(self):
        """In v2 grouping is one of three ways."""
        expected = "GET https://www.bitstamp.net/api/v2/order_book/btcusd/?group=2"

        assert expected == sent("bitstamp.market.order_book", market="btcusd", group=2)

    def test_defaults_are_not_sent(self):
        """What has a default at the exchange is left to it."""
        assert "GET https://www.bitstamp.net/api/transactions/" == sent("bitstamp.v1.market.transactions")

    @pytest.mark.parametrize(
        ("endpoint_id", "arguments"),
        [
            ("bitstamp.market.ticker", {}),
            ("bitstamp.market.ticker", {"market": ".."}),
            ("bitstamp.market.order_book", {"market": "btcusd", "group": 3}),
            ("bitstamp.market.order_book", {"market": "btcusd", "group": True}),
            ("bitstamp.market.transactions", {"market": "btcusd", "time": "week"}),
            ("bitstamp.v1.market.transactions", {"time": "day"}),
            ("bitstamp.v1.market.order_book", {"group": 1}),
        ],
    )
    def test_wrong_arguments(self, endpoint_id, arguments):
        """A wrong argument is refused before anything is sent."""
        with pytest.raises(UsageError, match="nothing was sent"):
            sent(endpoint_id, **arguments)


TICKER = {
    **dict.fromkeys(("last", "high", "low", "volume", "bid", "ask", "open", "vwap"), "1.50"),
    "timestamp": "1694608800",
}
BOOK = {"timestamp": "1643643584", "microtimestamp": "1643643584684047", "bids": [], "asks": []}


class TestModels:
    def test_ticker_of_2013(self):
        """A ticker of v1 need not have a vwap."""
        value = {key: TICKER[key] for key in ("last", "high", "low", "volume", "bid", "ask", "timestamp")}

        assert wire.decode(wire.dumps(value), bitstamp_v1.Ticker, strict=True).vwap is None

    @pytest.mark.parametrize(("side", "expected"), [("0", Side.BUY), ("1", Side.SELL)])
    def test_side(self, side, expected):
        """A side is a digit in text."""
        ticker = wire.decode(wire.dumps({**TICKER, "side": side}), Ticker, strict=True)

        assert (expected, side) == (ticker.side, wire.encode(ticker)["side"])

    @pytest.mark.parametrize(("side", "expected"), [(1, Side.SELL), ("7", 7)])
    def test_odd_side(self, side, expected):
        """A side that is a number, or that no document names, is kept."""
        assert expected == wire.decode(wire.dumps({**TICKER, "side": side}), Ticker).side

    @pytest.mark.parametrize("side", ["7", 1, "buy"])
    def test_odd_side_strictly(self, side):
        """A side that is a number, or that no document names, is a deviation."""
        with pytest.raises(DecodeError, match=r"Ticker\.side"):
            wire.decode(wire.dumps({**TICKER, "side": side}), Ticker, strict=True)

    def test_microseconds(self):
        """An order book is dated to the microsecond."""
        book = wire.decode(wire.dumps(BOOK), OrderBook, strict=True)

        assert datetime(2022, 1, 31, 15, 39, 44, 684047, tzinfo=UTC) == book.microtimestamp

    @pytest.mark.parametrize("row", [["1.10", "2"], ["1.10", "2", "1452885170618369"]])
    def test_levels_of_both_lengths(self, row):
        """A level has an order id or has none, and is written as it came."""
        book = wire.decode(wire.dumps({**BOOK, "bids": [row]}), OrderBook, strict=True)

        assert [row] == wire.encode(book)["bids"] == [wire.encode(book.bids[0])]

    def test_level(self):
        """The third cell of a level is the id of its order."""
        book = wire.decode(wire.dumps({**BOOK, "asks": [["1.10", "2", "7"]]}), OrderBook, strict=True)

        assert (PriceLevel(Decimal("1.10"), Decimal(2), "7"),) == book.asks

    def test_odd_levels(self):
        """Numbers in place of text, and cells beyond the third, are survived."""
        book = wire.decode(b'{"timestamp":"1","microtimestamp":"1","bids":[],"asks":[[1.10,2,7,8]]}', OrderBook)

        assert (PriceLevel(Decimal("1.10"), Decimal(2), "7"),) == book.asks

    @pytest.mark.parametrize(
        ("row", "place"),
        [
            ({}, "a row"),
            (["1"], r"position 1 \(amount\): expected a value, found the end"),
            (["x", "1"], r"position 0 \(price\)"),
            (["1", None], r"position 1 \(amount\)"),
            (["1", "1", []], r"position 2 \(order_id\)"),
        ],
    )
    def test_broken_levels(self, row, place):
        """A level that cannot be read names the place."""
        with pytest.raises(DecodeError, match=r"OrderBook\.bids\[0\]: PriceLevel.*" + place):
            wire.decode(wire.dumps({**BOOK, "bids": [row]}), OrderBook)

    @pytest.mark.parametrize("row", [["1", "1", "7", "8"], ["1", "1", 7], [1, "1"]])
    def test_odd_levels_strictly(self, row):
        """Numbers in place of text, and cells beyond the third, are deviations."""
        with pytest.raises(DecodeError, match="PriceLevel"):
            wire.decode(wire.dumps({**BOOK, "bids": [row]}), OrderBook, strict=True)

    def test_transaction_ids_as_numbers(self):
        """An id that comes as a number is kept as text."""
        value = [{"date": "1", "tid": 7, "price": "1", "amount": "1", "type": "1"}]

        assert ["7"] == [t.tid for t in wire.decode(wire.dumps(value), list[Transaction])]


FLAT = {
    "usd_balance": "6953.07",
    "usd_reserved": "1.02",
    "usd_available": "6952.05",
    "btc_balance": "0",
    "btc_reserved": "0",
    "btc_available": "0",
    "fee": "0.4000",
}


class TestFlatBalance:
    def test_currencies(self):
        """Three keys make one currency."""
        balance = wire.decode(wire.dumps(FLAT), bitstamp_v1.Balance, strict=True)

        assert (["usd", "btc"], Decimal("1.02")) == (list(balance.currencies), balance.currencies["usd"].reserved)

    def test_round_trip(self):
        """What was gathered is spread again."""
        assert FLAT == wire.encode(wire.decode(wire.dumps(FLAT), bitstamp_v1.Balance, strict=True))

    def test_other_keys(self):
        """A key that belongs to no currency is ignored."""
        value = {**FLAT, "btcusd_fee": "0.25"}

        assert Decimal("0.4000") == wire.decode(wire.dumps(value), bitstamp_v1.Balance).fee
