import asyncio
import gzip
import socket
from contextlib import suppress
from urllib.parse import urlencode

import httpx
import pytest

from exchanges.simulator import Simulator, Venue, serve, simulate
from tests.support.simulator_calls import BITEX_KEY, PRIVATE, Wired, plain_http, simulated, until

# HTTP


async def test_a_connection_serves_many_requests(sim):
    """The connection stays open after an answer, and after a refusal."""
    async with await Wired.to(sim) as wired:
        statuses = []
        for path in ("/api/ticker/", "/nothing", "/api/ticker/"):
            wired.send(f"GET {path} HTTP/1.1")
            statuses.append(await wired.status())

    assert [200, 404, 200] == statuses


async def test_pipelined_requests_are_answered_in_order(sim):
    """Requests sent without awaiting answers get theirs in turn."""
    paths = ["/api/ticker/", "/nothing", "/api/v3/trades"] * 20
    async with await Wired.to(sim) as wired:
        for path in paths:
            wired.send(f"GET {path} HTTP/1.1")
        statuses = [await wired.status() for _ in paths]

    assert [200, 404, 400] * 20 == statuses


async def test_pipelined_requests_wait_for_a_delayed_answer():
    """A peer that keeps sending is made to wait, and gets all answers in order."""
    body = urlencode({"api_key": "x" * 60_000}).encode()
    async with simulate(delay_seconds=(0.001, 0.001), limits=False) as sim, await Wired.to(sim) as wired:
        head = (f"Content-Length: {len(body)}", "Content-Type: application/x-www-form-urlencoded")
        for _ in range(5):
            wired.send(f"POST {PRIVATE}/bids HTTP/1.1", *head, body=body)
            wired.send("GET /api/ticker/ HTTP/1.1")
        statuses = [await wired.status() for _ in range(10)]

    assert [401, 200] * 5 == statuses


@pytest.mark.sweep
async def test_a_peer_that_does_not_read_is_made_to_wait(sim):
    """Answers to a peer that reads late are all there in the end."""
    async with await Wired.to(sim) as wired:
        for _ in range(300):
            wired.send("GET /api-v1/rest/btc_usd/market/transactions HTTP/1.1")
        await wired.writer.drain()
        statuses = {await wired.status() for _ in range(300)}

    assert {200} == statuses


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n" + b"a" * 1_100, 413),
    ],
    ids=["nonsense", "no host", "length", "long head", "long body"],
)
async def test_malformed_requests_are_refused_and_cut_off(sim, monkeypatch, sent, status):
    """What is no request gets 4xx, counts as an error, and ends the connection."""
    monkeypatch.setattr("exchanges.simulator.server.MAX_BODY_BYTES", 1_000)
    async with await Wired.to(sim) as wired:
        wired.writer.write(sent)

        assert status == await wired.status()
        with suppress(ConnectionError):
            assert b"" == await wired.reader.read()
    assert (1, 1, status, "malformed request") == (
        sim.calls,
        sim.errors,
        sim.requests[-1].status,
        sim.requests[-1].outcome,
    )


async def test_a_request_that_breaks_off_is_malformed(sim):
    """The end of the connection within a request is told apart from its end between two."""
    async with await Wired.to(sim) as wired:
        wired.writer.write(b"GET / HT")
        wired.writer.write_eof()

        assert 400 == await wired.status()
    async with await Wired.to(sim) as wired:
        wired.writer.write_eof()

        assert b"" == await wired.reader.read()
    assert 1 == sim.calls


async def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(sim):
    """``Expect: 100-continue`` gets its 100, then the answer."""
    async with await Wired.to(sim) as wired:
        wired.send("POST /api/balance/ HTTP/1.1", "Content-Length: 1", "Expect: 100-continue")
        first = await wired.status()
        wired.writer.write(b"x")

        assert (100, 200) == (first, await wired.status())


async def test_http_1_0_and_close_end_the_connection(sim):
    """A client that wants one answer gets one."""
    for line in (("GET /api/ticker/ HTTP/1.0",), ("GET /api/ticker/ HTTP/1.1", "Connection: close")):
        async with await Wired.to(sim) as wired:
            wired.send(*line)

            assert (200, b"") == (await wired.status(), await wired.reader.read())


@pytest.mark.parametrize(
    ("accepted", "path", "zipped"),
    [
        ("gzip", "/api/order_book/", True),
        ("br, gzip;q=0.5", "/api/order_book/", True),
        ("gzip;q=0", "/api/order_book/", False),
        ("identity", "/api/order_book/", False),
        ("gzip", "/api/ticker/", False),
    ],
)
async def test_a_long_body_is_compressed_for_who_asks(sim, accepted, path, zipped):
    """Gzip goes to clients that accept it, where it is worth it; the length is that of what travels."""
    async with await Wired.to(sim) as wired:
        wired.send(f"GET {path} HTTP/1.1", f"Accept-Encoding: {accepted}")
        await wired.status()

    assert zipped == wired.body.startswith(b"\x1f\x8b")
    assert "bid" in (gzip.decompress(wired.body) if zipped else wired.body).decode()


# Opening and closing


async def test_shutting_down_closes_idle_connections():
    """Connections that wait for nothing see their end, and the address is free again."""
    async with simulated() as sim:
        wireds = [await Wired.to(sim) for _ in range(5)]
        wireds[0].send("GET /api/ticker/ HTTP/1.1")
        await wireds[0].status()
    ends = [await wired.reader.read() for wired in wireds]
    for wired in wireds:
        wired.writer.close()

    assert [b""] * 5 == ends
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await Wired.to(sim)


@pytest.mark.parametrize("steps", range(5))
async def test_shutting_down_while_connections_arrive_is_quiet(steps, caplog):
    """However far a crowd of new connections has come, closing logs nothing (in debug mode) and leaves none open."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 60  # that the machine is busy is no news
    async with simulated() as sim:
        url = httpx.URL(sim.base_url)
        crowd = [socket.create_connection((url.host, url.port), timeout=5) for _ in range(20)]
        for _ in range(steps):
            await asyncio.sleep(0)
    for connection in crowd:
        with connection, suppress(ConnectionError):
            assert b"" == connection.recv(1)

    assert "" == caplog.text


async def test_shutting_down_lets_answers_out():
    """A request that is delayed is answered before its connection ends."""
    async with simulate(delay_seconds=(0.01, 0.01)) as sim:
        wired = await Wired.to(sim)
        wired.send("GET /api/ticker/ HTTP/1.1")
        await until(lambda: sim.calls)
    status = await wired.status()
    wired.writer.close()

    assert 200 == status


async def test_shutting_down_does_not_wait_for_ever(monkeypatch):
    """What takes too long is dropped, and leaves no timer behind."""
    monkeypatch.setattr("exchanges.simulator.server.GRACE_SECONDS", 0.0)
    async with simulate(delay_seconds=(600, 600)) as sim:
        wired = await Wired.to(sim)
        wired.send("GET /api/ticker/ HTTP/1.1")
        await until(lambda: sim.calls)
    with suppress(ConnectionError):
        assert b"" == await wired.reader.read()
    wired.writer.close()

    assert (1, []) == (sim.calls, sim.requests)


async def test_a_client_that_left_changes_nothing():
    """A request whose client is gone is executed all the same."""
    async with simulate(delay_seconds=(0.005, 0.005)) as sim:
        async with await Wired.to(sim) as wired:
            wired.send(f"GET {PRIVATE}/profile?{BITEX_KEY} HTTP/1.1")
            await until(lambda: sim.calls)
        await until(lambda: sim.requests)

        assert "ok" == sim.requests[-1].outcome


async def test_serving_lasts_until_cancelled():
    """`serve` says when it listens, and closes when it is cancelled."""
    ready: asyncio.Future[Simulator] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(Venue.BITSTAMP, port=0, ready=ready.set_result))
    sim = await ready
    async with plain_http(sim.base_url) as http:
        status = (await http.get("/api/ticker/")).status_code
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (200, (Venue.BITSTAMP,)) == (status, sim.venues)
