import asyncio
import sys

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from exchanges.simulator import Venue
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import wired

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "a" * 24,
}


@pytest.fixture
async def sim():
    """Bitstamp, whose clock moves by hand alone."""
    async with simulated(Venue.BITSTAMP, clock=lambda: NOW) as simulator:
        yield simulator


async def test_without_websockets_the_answer_names_the_extra(sim, http, monkeypatch):
    """An upgrade is answered with 501, and everything else as ever."""
    for name in ("exchanges.simulator.http.websocket", "websockets"):
        monkeypatch.setitem(sys.modules, name, None)
    answer = await http.get("/", headers=UPGRADE)

    assert (501, True) == (answer.status_code, b"aioexchanges[streams]" in answer.content)
    assert 200 == (await http.get("/api/v2/ticker/btcusd/")).status_code


async def test_a_handshake_without_a_key_is_refused(http):
    """What is no valid handshake gets the status of the protocol."""
    answer = await http.get("/", headers={name: value for name, value in UPGRADE.items() if "Key" not in name})

    assert 400 == answer.status_code


async def test_the_stop_of_the_server_closes_sockets():
    """A client sees a clean end."""
    async with simulated(Venue.BITSTAMP, clock=lambda: NOW) as sim:
        connection = await connect(sim.base_url.replace("http", "ws"), proxy=None)
    await connection.wait_closed()

    assert 1001 == connection.close_code


async def test_what_follows_the_handshake_at_once_is_read(sim):
    """A message in the same packet as the handshake is answered."""
    host, port = httpx.URL(sim.base_url).host, httpx.URL(sim.base_url).port
    reader, writer = await asyncio.open_connection(host, port)
    head = "GET / HTTP/1.1\r\nHost: x\r\n" + "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
    masked = b"\x81\x8b\x00\x00\x00\x00" + b'{"event":1}'
    writer.write(head.replace("a" * 24, "dGhlIHNhbXBsZSBub25jZQ==").encode() + b"\r\n" + masked)
    answer = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 101")


async def test_two_fragments_are_one_message(sim):
    """A message may come in pieces."""
    async with wired(sim) as wire:
        await wire.connection.send(iter(['{"event": "bts:', 'heartbeat"}']))

        assert "bts:heartbeat" == (await wire.next())["event"]


async def test_an_unknown_path_still_finds_the_only_exchange(sim):
    """With one exchange simulated, any path is its."""
    async with wired(sim, "/") as wire:
        assert "bts:heartbeat" == (await wire.ask({"event": "bts:heartbeat"}))["event"]


async def test_exchanges_without_sockets_refuse_them():
    """Bitex has none."""
    async with simulated(Venue.BITEX, clock=lambda: NOW) as sim:
        with pytest.raises(InvalidStatus) as caught:
            await connect(sim.base_url.replace("http", "ws"), proxy=None)

    assert 404 == caught.value.response.status_code
