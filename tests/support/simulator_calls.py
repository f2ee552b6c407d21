"""What the tests of the simulator share: signed requests made with hmac alone, and a bare connection."""

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Self
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from exchanges.endpoint import JSON, MULTIPART, Access, Endpoint
from exchanges.simulator import Simulator, Venue, simulate
from exchanges.simulator.simulator import EXCHANGES

NOW = 1_700_000_000.0
NOW_MS = int(NOW * 1000)
BITEX_KEY = "api_key=simulated-bitex-key"
PRIVATE = "/api-v1/rest/private"
BOOKS = [(exchange.venue, spec) for exchange in EXCHANGES.values() for spec in exchange.books]
ENDPOINTS = [e for exchange in EXCHANGES.values() for e in exchange.endpoints()]
PLACEHOLDERS = {
    "book": "btc_usd",
    "market": "btcusd",
    "bid_id": "1001",
    "ask_id": "1002",
    "kyc_profile_id": "1001",
    "deposit_id": "1001",
    "withdrawal_id": "1001",
    "public_address": "nobody's",
    "bot_id": "1001",
    "payment_id": "1001",
    "work_order_request_id": "1001",
    "currency": "btc",
    "country": "mx",
}
BITEX_FIELDS: dict[str, Any] = {
    "path": "ars/cash/btc/bitex/more_mt",
    "usage_tier": "small",
    "country": "UY",
    "currency": "UYU",
    "deposit_method": "bank",
    "withdrawal_instruction_id": "1001",
    "body": '{"payment_method": "third_party", "country": "AR", "name": "N", "city": "C", "phone": "1"}',
    "address": "1Elsewhere",
    "amount": "10",
    "price": "1",
    "chunk_size": "10",
    "time_to_live": "20",
    "currency_id": "3",
    "email": "user@example.com",
    "password": "secret",
    "webhook_url": "https://example.com/webhook",
    "echo": "hello world",
    "payer_id": 5001,
    "outputs": [{"user_id": 5001, "country": "US", "currency": "USD", "amount": None, "withdrawal_instruction_id": 1}],
    "inputs": [{"amount": 1000, "country": "AR", "currency": "ARS"}],
}
NONCES = count(1_000_000)
SIGNED_FIELDS: dict[str, Any] = {
    "amount": "0.01",
    "price": "10000",
    "address": "1Elsewhere",
    "currency": "BTC",
    "id": "1001",
    "from_currency": "mxn",
    "to_currency": "btc",
    "recipient_given_names": "Ana",
    "recipient_family_names": "Ruiz",
    "clabe": "032180000118359719",
    "notes_ref": "rent",
    "numeric_ref": "1",
    "book": "btc_mxn",
    "side": "sell",
    "type": "limit",
    "fund_currency": "btc",
    "origin_id": "x1-0001",
    "alias": "Cold wallet",
    "taxonomy": dict.fromkeys(("network", "asset", "protocol", "integration", "currency"), "btc"),
    "callback_url": "https://example.com/bitso",
}
BITSTAMP_FIELDS: dict[str, Any] = {
    **SIGNED_FIELDS,
    "market": "BTC/USD",
    "order_source": "orderbook",
    "account_currency": "usd",
    "name": "Ana Ruiz",
    "iban": "DE00",
    "bic": "EXAMPLEX",
    "postal_code": "1",
    "city": "C",
    "country": "DE",
    "type": "sepa",
    "liquidation_currency": "USD",
    "subAccount": "7",
}
OHLC = {"book": "btc_mxn", "time_bucket": "3600", "step": "60", "limit": "2"}


def plain_http(base_url: str) -> httpx.AsyncClient:
    """Return an HTTP client for a server without TLS: reading certificates would take most of a test's time."""
    return httpx.AsyncClient(base_url=base_url, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def simulated(*venues: Venue, seed: int = 0, limits: bool = False, **options: Any) -> Any:
    """Simulate without delay, while the clock stands still."""
    options = {"delay_seconds": (0, 0), "clock": lambda: NOW, **options}
    return simulate(*venues, seed=seed, limits=limits, **options)


def mac(secret: str, message: str) -> str:
    """Hex HMAC-SHA256 in lower case."""
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def bitstamp_v1(number: int, **changes: str) -> dict[str, str]:
    """The three fields of Bitstamp v1, correct except for *changes*."""
    key, client_id = "SimulatedBitstampKey", "7890"
    signature = mac("simulated-bitstamp-secret", f"{number}{client_id}{key}").upper()
    return {"key": key, "signature": signature, "nonce": str(number), **changes}


def bitstamp_v2(request: httpx.Request, nonce: str = "") -> dict[str, str]:
    """The headers of Bitstamp v2."""
    nonce = nonce or str(uuid4())
    host, content_type = request.headers["host"], request.headers.get("content-type", "")
    identity, time = "BITSTAMP SimulatedBitstampKey", str(NOW_MS)
    target = request.url.raw_path.decode()
    message = f"{identity}{request.method}{host}{target}{content_type}{nonce}{time}v2{request.content.decode()}"
    return {
        "X-Auth": identity,
        "X-Auth-Signature": mac("simulated-bitstamp-secret", message),
        "X-Auth-Nonce": nonce,
        "X-Auth-Timestamp": time,
        "X-Auth-Version": "v2",
    }


def bitso_v2(number: int, *, key_first: bool = False, **changes: object) -> dict[str, object]:
    """The three fields of Bitso v2, correct except for *changes*."""
    key, client_id = "simulatedbitsokey", "102030"
    order = f"{number}{key}{client_id}" if key_first else f"{number}{client_id}{key}"
    signature = mac("simulated-bitso-secret", order)
    return {"key": key, "nonce": number if key_first else str(number), "signature": signature, **changes}


def bitso_v3(
    nonce: int, target: str = "/api/v3/balance/", key: str = "simulatedbitsokey", verb: str = "GET", body: str = ""
) -> dict[str, str]:
    """The header of Bitso v3."""
    signature = mac("simulated-bitso-secret", f"{nonce}{verb}{target}{body}")
    return {"Authorization": f"Bitso {key}:{nonce}:{signature}"}


async def ask_declared(http: httpx.AsyncClient, endpoint: Endpoint) -> httpx.Response:
    """Send a signed request to *endpoint*, with the fewest arguments that it accepts."""
    if endpoint.api.exchange == "bitex":
        return await ask_bitex(http, endpoint, **await live_a_little(http, endpoint))
    if endpoint.access is not Access.PUBLIC:
        name, known = endpoint.id.split(".")[-1], {}
        if endpoint.id.startswith(("bitso.trading.", "bitso.funding.")):
            known = await _trade_at_bitso(http, name)
        elif endpoint.api.name == "bitstamp":
            known = await _trade_at_bitstamp(http, name)
        else:
            known = await trade_a_little(http, endpoint)
        return await ask_signed(http, endpoint, **known)
    needed = {a.wire: OHLC.get(a.wire, "btc_mxn") for a in endpoint.arguments if a.required and not a.in_path}
    return await http.get(path_of(endpoint), params=needed)


async def ask_signed(http: httpx.AsyncClient, endpoint: Endpoint | str, **known: object) -> httpx.Response:
    """Send a request to a private *endpoint* of Bitso or Bitstamp with what is *known* and all required arguments."""
    if isinstance(endpoint, str):
        endpoint = next(e for e in ENDPOINTS if e.id == endpoint)
    nonce, path = next(NONCES), path_of(endpoint, **known)
    in_path = {a.wire for a in endpoint.arguments if a.in_path}
    needed = [a for a in endpoint.arguments if a.required and not a.in_path and not a.param.is_spread]
    known_fields = BITSTAMP_FIELDS if endpoint.api.name == "bitstamp" else SIGNED_FIELDS
    fields = {a.wire: known_fields[a.wire] for a in needed}
    fields.update({name: value for name, value in known.items() if name not in in_path})
    if endpoint.api.name == "bitstamp.v1":
        return await http.post(path, data={**bitstamp_v1(nonce), **fields})
    if endpoint.api.name == "bitso.v2":
        return await http.post(path, json={**bitso_v2(nonce), **fields})
    query = {a.wire: str(fields.pop(a.wire)) for a in endpoint.arguments if a.param.in_query and a.wire in fields}
    if endpoint.verb in ("GET", "DELETE"):
        query, fields = {**query, **fields}, {}
    path += "?" + urlencode(query) if query else ""
    if endpoint.api.name == "bitstamp":
        content = {"json": fields} if endpoint.body is JSON else {"data": fields}
        request = http.build_request(endpoint.verb, path, **(content if fields else {}))
        request.headers.update(bitstamp_v2(request))
        return await http.send(request)
    body = "" if endpoint.verb in ("GET", "DELETE") else json.dumps(fields)
    headers = bitso_v3(nonce, path, verb=endpoint.verb, body=body)
    if body:
        headers["Content-Type"] = "application/json"
    return await http.request(endpoint.verb, path, content=body.encode(), headers=headers)


async def _trade_at_bitstamp(http: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Create at Bitstamp v2 what a call needs, and return the arguments that refer to it."""

    async def create(call: str, **arguments: object) -> Any:
        return (await ask_signed(http, f"bitstamp.{call}", **arguments)).json()

    if name in ("fiat_withdrawal_status", "cancel_withdrawal"):
        return {"id": (await create("funding.open_bank_withdrawal"))["withdrawal_id"]}
    if "deposit_originator" in name or name == "reject_crypto_deposit":
        return {"deposit_id": (await create("funding.crypto_deposits"))[0]["id"]}
    if name in ("buy", "sell"):
        return {"price": "200000" if name == "sell" else "1000"}
    if name.startswith(("buy_", "sell_")):
        return {"amount": "20" if name == "buy_instant" else "0.01"}
    client_id = f"x-{name}"
    sold = name in ("user_transactions", "user_transactions_for_market")
    order = await create("trading.sell", price="1000" if sold else "200000", client_order_id=client_id)
    needs = {"id": order["id"]} if name in ("order_status", "cancel_order", "replace_order") else {}
    return needs | ({"price": "300000", "amount": "0.02"} if name == "replace_order" else {})


async def trade_a_little(http: httpx.AsyncClient, endpoint: Endpoint) -> dict[str, Any]:
    """Create at Bitso or Bitstamp what *endpoint* needs, and return the arguments that refer to it."""
    exchange, name = endpoint.api.name, endpoint.id.split(".")[-1]
    if ".trading." in endpoint.id:
        resting = (await ask_signed(http, f"{exchange}.trading.sell", price="2000000")).json()
        return {"id": resting["id"]} if name.endswith("_order") else {}
    if name in ("execute", "conversion"):
        asked = await ask_signed(http, "bitso.conversions.create_quote", spend_amount="100")
        quote_id = asked.json()["payload"]["id"]
        if name == "execute":
            return {"quote_id": quote_id}
        executed = await ask_signed(http, "bitso.conversions.execute", quote_id=quote_id)
        return {"conversion_id": executed.json()["payload"]["oid"]}
    if name == "create_quote":
        return {"spend_amount": "100"}
    if name == "user_transactions":
        await ask_signed(http, f"{exchange}.trading.sell", price="10000")
        await ask_signed(http, f"{exchange}.funding.bitcoin_withdrawal")
    if name == "withdrawal_requests":
        await ask_signed(http, f"{exchange}.funding.bitcoin_withdrawal")
    return {}


async def _trade_at_bitso(http: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Create at Bitso v3 what a call needs, and return the arguments that refer to it."""

    async def create(call: str, **arguments: object) -> Any:
        return (await ask_signed(http, f"bitso.{call}", **arguments)).json()["payload"]

    # One id for each call: the exchange refuses a second active order under it.
    client_id = f"x-{name}"
    if name == "funding":
        return {"fid": (await create("funding.fundings"))[0]["fid"]}
    sent = {"currency": "btc", "amount": "0.1", "address": "1Elsewhere", "network": "btc", "protocol": "btc"}
    if "withdrawal" in name:
        known = {} if name != "withdrawal" else {"wid": (await create("funding.create_withdrawal", **sent))["wid"]}
        return sent if name == "create_withdrawal" else known
    if "contact" in name:
        stored = await create("funding.create_contact", address="1Elsewhere", currency="btc")
        known = {
            "delete_contact": {"contact_id": stored["contact_id"]},
            "create_contact": {"currency": "btc", "address": "1Else"},
        }
        return known.get(name, {})
    traded = "trades" in name or name == "user_trade"
    placed = {"major": "0.01", "price": "10000" if traded else "2000000"}
    if name == "place_order":
        return placed
    oid = (await create("trading.place_order", **placed, origin_id=client_id))["oid"]
    if name == "user_trade":
        return {"tid": (await create("trading.user_trades"))[0]["tid"]}
    needs = {"oid": oid} if name in ("order", "cancel_order", "order_trades", "modify_order") else {}
    needs |= {"origin_id": client_id} if name.endswith("by_origin_id") else {}
    needs |= {"oids": oid} if name in ("orders", "cancel_orders") else {}
    return needs | ({"price": "1999999"} if name.startswith("modify") else {})


def path_of(endpoint: Endpoint, **known: object) -> str:
    """Fill in the path of *endpoint*."""
    path = httpx.URL(endpoint.api.base_url).path + endpoint.route
    for name, value in {**PLACEHOLDERS, **known}.items():
        path = path.replace("{" + name + "}", str(value))
    return path


async def ask_bitex(http: httpx.AsyncClient, endpoint: Endpoint | str, **known: object) -> httpx.Response:
    """Send a request to *endpoint* of Bitex with what is *known* and all required arguments."""
    if isinstance(endpoint, str):
        endpoint = next(e for e in ENDPOINTS if e.id == f"bitex.{endpoint}")
    open_ = [a for a in endpoint.arguments if not a.in_path]
    fields: dict[str, Any] = {a.wire: BITEX_FIELDS.get(a.wire) for a in open_ if a.required and a.type != "file"}
    fields.update({name: value for name, value in known.items() if name not in PLACEHOLDERS})
    if endpoint.access is not Access.PUBLIC:
        fields.setdefault("api_key", "simulated-bitex-key")
    path = path_of(endpoint, **known)
    if endpoint.verb == "GET":
        return await http.get(path, params=fields)
    if endpoint.body is MULTIPART:
        files = {"document": ("id.png", b"\x89PNG", "image/png")}
        return await http.post(path, data=fields, files=files)
    return await http.request(endpoint.verb, path, **{"json" if endpoint.body is JSON else "data": fields})


def wrong_field(response: httpx.Response) -> str:
    """Return the field to which a rejection by Bitex points; it has the status 422."""
    assert 422 == response.status_code
    return response.json()["errors"][0]["source"]["pointer"].removeprefix("/data/attributes/")


async def live_a_little(http: httpx.AsyncClient, endpoint: Endpoint) -> dict[str, object]:
    """Create at Bitex what *endpoint* needs, and return the arguments that refer to it."""
    area, name = endpoint.id.split(".")[1:]
    if area == "trading":
        await ask_bitex(http, "trading.create_bid")
        await ask_bitex(http, "trading.create_ask", amount="1", price="100000")
    for create in CREATORS.get(area, ()):
        await ask_bitex(http, f"{area}.{create}")
    if name == "address":
        made = (await ask_bitex(http, "funding.create_address")).json()
        return {"public_address": made["public_address"]}
    if area == "concierge":
        await ask_bitex(http, "resellers.create_user")
        await ask_bitex(http, "funding.create_withdrawal_instruction", as_user="5001")
        output: dict[str, object] = {**BITEX_FIELDS["outputs"][0], "withdrawal_instruction_id": 1001}
        order = {"outputs": [output], "inputs": BITEX_FIELDS["inputs"]}
        await ask_bitex(http, "concierge.create_work_order_request", **order)
        return order if name.startswith("create") else {}
    return {"email": "another@example.com"} if name == "create_user" else {}


CREATORS = {
    "kyc": ["create_file"],
    "funding": [
        "create_usd_deposit",
        "create_withdrawal_instruction",
        "create_usd_withdrawal",
        "create_btc_withdrawal",
        "create_address",
    ],
    "bots": ["create_buying_bot", "create_selling_bot"],
    "payments": ["create_payment"],
    "resellers": ["create_user"],
}


class Wired:
    """A bare connection, for what no client would send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, simulator: Simulator) -> Self:
        url = httpx.URL(simulator.base_url)
        return cls(*await asyncio.open_connection(url.host, url.port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def send(self, *lines: str, body: bytes = b"") -> None:
        self.writer.write("\r\n".join([*lines, "Host: here", "", ""]).encode() + body)

    async def status(self) -> int:
        """Read one answer and return its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        self.body = await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
        return int(head.split(b" ")[1])


async def until(condition: Callable[[], object]) -> None:
    """Run the event loop until *condition* holds."""
    while not condition():  # noqa: ASYNC110 - what is awaited belongs to the simulator, which has no event for it
        await asyncio.sleep(0)
