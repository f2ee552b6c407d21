"""What Bitso and Bitstamp declare, sign and send. Signatures are compared with vectors of another tool."""

import json
from pathlib import Path

import pytest

from exchanges.bitex import api as bitex
from exchanges.bitso import Bitso
from exchanges.bitso import api as bitso
from exchanges.bitso import signing as bitso_signing
from exchanges.bitstamp import DOCUMENTED_LIMITS, Bitstamp
from exchanges.bitstamp import api as bitstamp
from exchanges.bitstamp import signing as bitstamp_signing
from exchanges.endpoint import Access, Kind, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import UsageError
from exchanges.http.request import Request
from exchanges.http.signing import Credentials, NoncePolicy, Stamp
from exchanges.limits.limit import Scope

VECTORS = {
    vector["name"]: vector
    for exchange in ("bitso", "bitstamp")
    for vector in json.loads((Path(__file__).parent.parent / "vectors" / f"{exchange}.json").read_text())["vectors"]
}
ENDPOINTS = {client: {e.id: e for e in endpoints_of(client)} for client in (Bitso, Bitstamp)}
ALL = {id_: endpoint for endpoints in ENDPOINTS.values() for id_, endpoint in endpoints.items()}
BODY = {
    "bitso_v2": ("bitso.v2.account.balance", bitso_signing.BodySignature()),
    "bitso_v2_alternate": ("bitso.v2.account.balance", bitso_signing.BodySignature(key_first=True)),
    "bitstamp_v1": ("bitstamp.v1.account.balance", bitstamp_signing.BodySignature()),
}
HEADERS = {"bitso_v3": bitso_signing.HeaderSignature(), "bitstamp_v2": bitstamp_signing.HeaderSignature()}


class Spy(Credentials):
    """Credentials that keep what they signed."""

    def sign(self, message):
        self.message = message.decode()
        return super().sign(message)


class Ready:
    """A call that is rendered already."""

    def __init__(self, request):
        self.bare = request


def names(schemes):
    """Parametrise over the vectors of *schemes*."""
    return pytest.mark.parametrize("name", [name for name, vector in VECTORS.items() if vector["scheme"] in schemes])


def in_body(name, **changes):
    """The vector, the credentials that signed, and the request."""
    vector = {**VECTORS[name], **changes}
    credentials = Spy(api_key=vector["key"], api_secret=vector["secret"], client_id=vector["client_id"])
    endpoint_id, scheme = BODY[vector["scheme"]]
    call = prepare(ALL[endpoint_id], {}, "https://here")
    return vector, credentials, scheme.sign(call, credentials, Stamp(vector["nonce"], 0))


def in_header(name):
    """The vector, the credentials that signed, and the request."""
    vector = VECTORS[name]
    credentials = Spy(api_key=vector["key"], api_secret=vector["secret"])
    target = vector["path"] + ("?" + vector["query"] if vector.get("query") else "")
    headers = (("Content-Type", vector["content_type"]),) if vector.get("content_type") else ()
    origin = f"https://{vector.get('host', 'bitso.com')}"
    bare = Request(vector["method"], origin, target, headers, vector["body"].encode())
    stamp = Stamp(vector["nonce"], int(vector.get("timestamp", 0)))
    return vector, credentials, HEADERS[vector["scheme"]].sign(Ready(bare), credentials, stamp)


def sent(endpoint_id, **arguments):
    """What goes out, as verb and address."""
    endpoint = ALL[endpoint_id]
    request = prepare(endpoint, arguments, endpoint.api.base_url).render()
    return f"{request.verb} {request.origin}{request.target}"


BITSTAMP_MARKET = {
    *("ticker", "tickers", "ticker_hour", "order_book", "transactions", "markets", "currencies", "eur_usd", "ohlc"),
    *("funding_rate", "funding_rate_history"),
}
LEDGERS = ("", "_trades", "_fees", "_fundings", "_withdrawals")


class TestDeclarations:
    @pytest.mark.parametrize(
        ("area", "calls"),
        [
            ("bitso.v2.market", {"ticker", "order_book", "transactions"}),
            ("bitso.market", {"available_books", "ticker", "tickers", "order_book", "trades", "ohlc", "catalogues"}),
            ("bitso.account", {"balance", "account_status", "fees", *(f"ledger{k}" for k in LEDGERS)}),
            ("bitstamp.v1.market", {"ticker", "order_book", "transactions", "eur_usd"}),
            ("bitstamp.market", BITSTAMP_MARKET),
        ],
    )
    def test_ids(self, area, calls):
        """Both generations hold their calls under the documented names."""
        assert calls == {name.rpartition(".")[2] for name in ALL if name.rpartition(".")[0] == area}

    @pytest.mark.parametrize("name", ["bitso.v2.account.balance", "bitstamp.v1.account.balance"])
    def test_kinds(self, name):
        """A balance of the old generation is a read, although it is a POST."""
        assert (Kind.READ, Access.PRIVATE) == (ALL[name].kind, ALL[name].access)

    @pytest.mark.parametrize(
        ("client", "limits"),
        [
            (Bitso, {bitso.PUBLIC_LIMIT: Scope.ADDRESS, bitso.PRIVATE_LIMIT: Scope.KEY}),
            (Bitstamp, {bitstamp.LIMIT: Scope.ADDRESS, bitstamp.V1_LIMIT: Scope.ADDRESS}),
        ],
    )
    def test_limits(self, client, limits):
        """Bitso's private calls are counted by key, all others by address; v1 of Bitstamp has a limit of its own."""
        assert limits == {e.limit: e.limit.scope for e in ENDPOINTS[client].values()}

    @pytest.mark.parametrize(
        ("api", "first", "longest"),
        [
            (bitso.V2, 60.0, 86400.0),
            (bitso.V3, 60.0, 86400.0),
            (bitso.V4, 60.0, 86400.0),
            (bitstamp.V1, 600.0, 600.0),
            (bitstamp.V2, 5.0, 600.0),
            (bitex.API, 1.0, 60.0),
        ],
    )
    def test_lockout(self, api, first, longest):
        """How long a limit is closed after a first refusal without a time, and at most."""
        assert (first, longest) == (api.lockout_seconds, api.max_lockout_seconds)

    def test_v1_counts_in_v2(self):
        """Calls of v1 of Bitstamp count against the limit of v2 as well, whose figures are the lowest published."""
        published = [(w.slots, w.per_seconds) for w in bitstamp.LIMIT.windows]

        assert (bitstamp.LIMIT, [(8000, 600.0), (100, 1.0)]) == (bitstamp.V1_LIMIT.within, published)

    def test_todays_limits_of_bitstamp(self):
        """The figures of today's document replace the limit of v2."""
        assert [[(10_000, 600.0), (400, 1.0)]] == [
            [(w.slots, w.per_seconds) for w in limit.windows] for limit in DOCUMENTED_LIMITS
        ]
        assert {bitstamp.LIMIT.name} == {limit.name for limit in DOCUMENTED_LIMITS}

    @pytest.mark.parametrize(("old", "new"), [(bitso.V2, bitso.V3), (bitstamp.V1, bitstamp.V2)])
    def test_client_id(self, old, new):
        """Only the old generation signs with the client id."""
        assert (True, False) == ("client_id" in old.scheme.needs, "client_id" in new.scheme.needs)

    @pytest.mark.parametrize("api", [bitso.V2, bitso.V3, bitstamp.V1])
    def test_nonces_are_strict(self, api):
        """These schemes want nonces that arrive increasing."""
        assert NoncePolicy.STRICT is api.scheme.policy

    def test_nonces_are_unique(self):
        """Nonces of Bitstamp's v2 are merely unique."""
        assert NoncePolicy.UNIQUE is bitstamp.V2.scheme.policy

    def test_slash(self):
        """Every path of Bitstamp ends in a slash."""
        assert all(e.route.endswith("/") for e in ENDPOINTS[Bitstamp].values())


class TestBodySignature:
    @names(BODY)
    def test_message(self, name):
        """Nonce, client id and key are signed in the order of the vector."""
        vector, credentials, _ = in_body(name)

        assert vector["message"] == credentials.message

    @names(["bitso_v2", "bitso_v2_alternate"])
    def test_signature(self, name):
        """Bitso's body carries the signature in lower case."""
        vector, _, request = in_body(name)

        assert vector["signature"] == json.loads(request.body)["signature"]

    def test_body_of_bitso(self):
        """The default order sends key, nonce as text, and signature, without blanks."""
        vector, _, request = in_body("bitso_v2_documented_order")

        assert json.dumps(vector["body_fields"], separators=(",", ":")).encode() == request.body

    @names(["bitstamp_v1"])
    def test_body_of_bitstamp(self, name):
        """Key, signature in upper case, and nonce make the form, in this order."""
        vector, _, request = in_body(name)

        assert vector["body"].encode() == request.body

    @names(["bitso_v2_alternate"])
    def test_nonce_is_a_number_with_the_key_first(self, name):
        """The other order that Bitso documents sends the nonce as a number."""
        vector, _, request = in_body(name)

        assert int(vector["nonce"]) == json.loads(request.body)["nonce"]

    @names(BODY)
    def test_content_type(self, name):
        """The body is declared as JSON at Bitso, as a form at Bitstamp."""
        _, _, request = in_body(name)
        subtype = "x-www-form-urlencoded" if "bitstamp" in name else "json"

        assert (("Content-Type", f"application/{subtype}"),) == request.headers

    @names(["bitso_v2", "bitso_v2_alternate"])
    def test_secrets_of_bitso(self, name):
        """Key and signature are named as secrets of the request."""
        vector, _, request = in_body(name)

        assert (vector["key"], vector["signature"]) == request.secrets

    @names(["bitstamp_v1"])
    def test_secrets_of_bitstamp(self, name):
        """The key, as it is and as the form writes it, and the signature are secrets of the request."""
        _, _, request = in_body(name, key="a+b/c")

        assert {"a+b/c", "a%2Bb%2Fc"} < set(request.secrets)


class TestHeaderSignature:
    @names(HEADERS)
    def test_message(self, name):
        """Everything that identifies the request is signed as it is sent, joined without separators."""
        vector, credentials, _ = in_header(name)

        assert vector["message"] == credentials.message

    @names(["bitso_v3"])
    def test_header_of_bitso(self, name):
        """The header is that of the vector."""
        vector, _, request = in_header(name)
        (header,) = request.headers

        assert vector["header"] == ": ".join(header)

    @names(["bitstamp_v2"])
    def test_headers_of_bitstamp(self, name):
        """The headers are those of the vector, with a content type only where there is a body."""
        vector, _, request = in_header(name)

        assert vector["headers"] == dict(request.headers)

    @names(HEADERS)
    def test_body(self, name):
        """The body goes out as it was signed."""
        vector, _, request = in_header(name)

        assert vector["body"].encode() == request.body

    @pytest.mark.parametrize(
        ("name", "call", "arguments", "base_url"),
        [
            ("v3_get_balance_bitso_com", "account.balance", {}, bitso.V3.base_url),
            ("v3_get_balance_api_host", "account.balance", {}, "https://api.bitso.com/v3"),
            ("v4_put_execute_empty_object", "conversions.execute", {"quote_id": "7316"}, bitso.V4.base_url),
            ("v4_get_conversion", "conversions.conversion", {"conversion_id": "7316"}, bitso.V4.base_url),
        ],
    )
    def test_declared_call(self, name, call, arguments, base_url):
        """Bitso's declared calls sign the path with its slash, with the prefix of the host, and an empty object."""
        vector, endpoint = VECTORS[name], ALL[f"bitso.{call}"]
        credentials = Credentials(api_key=vector["key"], api_secret=vector["secret"])
        request = endpoint.api.scheme.sign(
            prepare(endpoint, arguments, base_url), credentials, Stamp(vector["nonce"], 0)
        )

        assert vector["header"].partition(": ")[2] == dict(request.headers)["Authorization"]

    @names(HEADERS)
    def test_secrets(self, name):
        """Key and signature are named as secrets of the request."""
        vector, _, request = in_header(name)

        assert (vector["key"], vector["signature"]) == request.secrets


class TestRequests:
    @pytest.mark.parametrize(
        ("endpoint_id", "arguments", "address"),
        [
            # In Bitso's v3 a flag is written as a word, in v2 and in Bitstamp's v1 as a digit.
            (
                "bitso.market.order_book",
                {"book": "btc_mxn", "aggregate": True},
                "bitso.com/api/v3/order_book?book=btc_mxn&aggregate=true",
            ),
            ("bitso.v2.market.order_book", {"group": False}, "api.bitso.com/v2/order_book?group=0"),
            ("bitstamp.v1.market.order_book", {"group": True}, "www.bitstamp.net/api/order_book/?group=1"),
            # In Bitstamp's v2 grouping is one of three ways, and the market is part of the path.
            (
                "bitstamp.market.order_book",
                {"market": "btcusd", "group": 2},
                "www.bitstamp.net/api/v2/order_book/btcusd/?group=2",
            ),
            # A market cannot leave its place in the path.
            ("bitstamp.market.ticker", {"market": "../btc?usd"}, "www.bitstamp.net/api/v2/ticker/..%2Fbtc%3Fusd/"),
            # Marker, sort and limit follow the book.
            (
                "bitso.market.trades",
                {"book": "btc_mxn", "marker": "7", "sort": "desc", "limit": 100},
                "bitso.com/api/v3/trades?book=btc_mxn&marker=7&sort=desc&limit=100",
            ),
            # What has a default at the exchange is left to it.
            ("bitso.v2.market.transactions", {}, "api.bitso.com/v2/transactions"),
            ("bitstamp.v1.market.transactions", {}, "www.bitstamp.net/api/transactions/"),
        ],
    )
    def test_addresses(self, endpoint_id, arguments, address):
        """Arguments are rendered as the exchange documents them."""
        assert f"GET https://{address}" == sent(endpoint_id, **arguments)

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
