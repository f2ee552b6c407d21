"""What the tests of the simulator share: signed requests made with hmac alone, and a bare connection."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import httpx

from exchanges.endpoint import Endpoint
from exchanges.simulator import Simulator, Venue, simulate
from exchanges.simulator.simulator import PLAYS

NOW = 1_700_000_000.0
NOW_MS = int(NOW * 1000)
BITEX_KEY = "api_key=simulated-bitex-key"
PRIVATE = "/api-v1/rest/private"
BOOKS = [(play.venue, facts) for play in PLAYS.values() for facts in play.books]
ENDPOINTS = [e for play in PLAYS.values() for e in play.endpoints()]
PLACEHOLDERS = {"book": "btc_usd", "market": "btcusd", "bid_id": "1001", "ask_id": "1001"}


def simulated(*venues: Venue, seed: int = 0, limits: bool = False) -> Any:
    """Play without delay, while the clock stands still."""
    return simulate(*venues, seed=seed, delay_seconds=(0, 0), limits=limits, clock=lambda: NOW)


def mac(secret: str, message: str) -> str:
    """Hex HMAC-SHA256 in lower case."""
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def bitstamp_v1(number: int, **changes: str) -> dict[str, str]:
    """The three fields of Bitstamp v1, right but for *changes*."""
    key, client_id = "SimulatedBitstampKey", "7890"
    signature = mac("simulated-bitstamp-secret", f"{number}{client_id}{key}").upper()
    return {"key": key, "signature": signature, "nonce": str(number), **changes}


def bitso_v2(number: int, *, key_first: bool = False, **changes: object) -> dict[str, object]:
    """The three fields of Bitso v2, right but for *changes*."""
    key, client_id = "simulatedbitsokey", "102030"
    order = f"{number}{key}{client_id}" if key_first else f"{number}{client_id}{key}"
    signature = mac("simulated-bitso-secret", order)
    return {"key": key, "nonce": number if key_first else str(number), "signature": signature, **changes}


def bitso_v3(nonce: int, target: str = "/api/v3/balance/", key: str = "simulatedbitsokey") -> dict[str, str]:
    """The header of Bitso v3."""
    signature = mac("simulated-bitso-secret", f"{nonce}GET{target}")
    return {"Authorization": f"Bitso {key}:{nonce}:{signature}"}


async def ask_declared(http: httpx.AsyncClient, endpoint: Endpoint) -> httpx.Response:
    """Call *endpoint* with the least that it needs, signed."""
    path = httpx.URL(endpoint.api.base_url).path + endpoint.route
    for name, value in PLACEHOLDERS.items():
        path = path.replace("{" + name + "}", value)
    needed = {
        a.wire: "btc_mxn" if a.type == "str" else "10" for a in endpoint.arguments if a.required and not a.in_path
    }
    if endpoint.id == "bitso.account.balance":
        return await http.get(path, headers=bitso_v3(1))
    if endpoint.id == "bitso.v2.account.balance":
        return await http.post(path, json=bitso_v2(1))
    if endpoint.id == "bitstamp.v1.account.balance":
        return await http.post(path, data=bitstamp_v1(1))
    if "/private/" in path:
        needed["api_key"] = "simulated-bitex-key"
    if endpoint.verb == "POST":
        return await http.post(path, data=needed)
    return await http.get(path, params=needed)


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
        """Read one answer and give its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        self.body = await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
        return int(head.split(b" ")[1])


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until *condition* holds."""
    while not condition():  # noqa: ASYNC110 - what is awaited belongs to the simulator, which has no event for it
        await asyncio.sleep(0)
