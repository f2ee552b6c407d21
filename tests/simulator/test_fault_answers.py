import asyncio
import gzip
import json
import zlib

from exchanges.simulator.faults.effects import compressed_spaces
from exchanges.simulator.server import GZIP_FROM_BYTES
from tests.support.simulator_calls import Wired, ask_bitex, simulated, until
from tests.support.simulator_faults import PATIENCE_SECONDS, TICKER, answered, asked, rest, sell, whole, wired


async def test_closing_inside_the_head():
    """What arrives is a part of the head."""
    async with wired({"close inside the head": 1}) as (_, wire):
        wire.send(TICKER, "Connection: close")
        received = await rest(wire)

    assert b"\r\n\r\n" not in received
    assert (await whole())[0].startswith(received)


async def test_closing_inside_the_body_of_an_answer():
    """The head and some of the body arrive, unless the connection breaks so that it takes them along."""
    head, body = await whole()
    shares = []
    for seed in range(10):
        async with simulated(seed=0, faults={"close inside the body": 1}) as sim, await Wired.to(sim) as wire:
            for _ in range(seed):
                sim._dispatcher.begin("GET", "/api/ticker/")
            wire.send(TICKER, "Connection: close")
            received = await rest(wire)
            if received:
                assert (head + b"\r\n\r\n" + body).startswith(received)
                shares.append(len(received) - len(head) - 4)

    assert 0 < min(shares) <= max(shares) < len(body)


async def test_an_answer_that_comes_twice():
    """The same bytes come again, and the next answer after them."""
    async with wired({"answer twice": 1}) as (sim, wire):
        sell(wire)
        first, second = await answered(wire), await answered(wire)
        sim.faults = None
        sell(wire, 2)
        third = await answered(wire)

    assert first == second
    assert (1001, 1002) == tuple(json.loads(body)["id"] for _, body in (first, third))


async def test_dripping():
    """The answer is whole in the end, and each byte takes its time."""
    async with wired({"drip": 1}, drip_seconds=0.0001) as (_, wire):
        wire.send(TICKER)

        began = asyncio.get_running_loop().time()
        assert (200, (await whole())[1]) == await answered(wire)
        assert asyncio.get_running_loop().time() - began > 300 * 0.0001


async def test_dripping_ends_with_the_peer():
    """A peer that leaves stops it."""
    async with wired({"drip": 1}, drip_seconds=0.005) as (sim, wire):
        wire.send(TICKER)
        await wire.reader.read(1)
        wire.writer.transport.abort()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: not sim._listener.connections)


async def test_dripping_ends_with_the_simulator():
    """No timer is left that would send the next byte."""
    async with wired({"drip": 1}, drip_seconds=60) as (sim, wire):
        wire.send(TICKER)
        await wire.reader.read(1)
        (connection,) = sim._listener.connections
        await sim.stop()

        assert connection._runner._handle.cancelled()


async def test_noise():
    """The body is as long as it would be, and nobody can read it."""
    async with wired({"garble": 1}) as (_, wire):
        wire.send(TICKER)
        status, body = await answered(wire)

    polite = (await whole())[1]
    assert (200, len(polite)) == (status, len(body))
    assert body != polite


async def test_a_bomb():
    """It unpacks to what it says, in JSON that is right at its very end."""
    size = 3 * 1024 * 1024
    async with wired({"gzip bomb": 1}, bomb_bytes=size) as (_, wire):
        wire.send(TICKER, "Accept-Encoding: gzip")
        _, body = await answered(wire)

    assert len(body) < size / 500
    assert b" " * size + (await whole())[1] == gzip.decompress(body)


async def test_a_bomb_in_a_bomb():
    """It is packed twice, and smaller than a bomb."""
    size = 30 * 1024 * 1024
    async with wired({"double gzip bomb": 1}, bomb_bytes=size) as (_, wire):
        wire.send(TICKER)
        _, body = await answered(wire)

    assert len(body) < size / 20_000
    assert size == gzip.decompress(gzip.decompress(body)).count(b" ")


async def test_bombs_are_sent_to_everybody():
    """Nobody has to say that he unpacks."""
    async with wired({"gzip bomb": 1}, bomb_bytes=1) as (_, wire):
        wire.send(TICKER, "Accept-Encoding: identity")
        head = await wire.reader.readuntil(b"\r\n\r\n")

    assert b"Content-Encoding: gzip\r\n" in head


async def test_an_endless_body():
    """It begins as the answer, and goes on for as long as somebody reads."""
    polite = (await whole())[1]
    async with wired({"endless body": 1}) as (sim, wire):
        wire.send(TICKER)
        head = await wire.reader.readuntil(b"\r\n\r\n")
        first = await wire.reader.readline(), await wire.reader.readexactly(len(polite))
        await wire.reader.readexactly(20_000_000)
        wire.writer.transport.abort()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: not sim._listener.connections)

    assert b"Transfer-Encoding: chunked\r\n" in head
    assert (b"%x\r\n" % len(polite), polite) == first


async def test_an_endless_body_waits_for_a_reader():
    """Nothing piles up while the peer does not read."""
    async with wired({"endless body": 1}) as (sim, wire):
        wire.send(TICKER)
        await until(lambda: sim.requests)
        (connection,) = sim._listener.connections
        await until(lambda: connection._writing_paused)
        for _ in range(500):
            await asyncio.sleep(0)
        waiting = connection._transport.get_write_buffer_size()
        await wire.reader.readexactly(20_000_000)

        assert 0 < waiting < 1 << 20


async def test_an_endless_body_ends_with_the_simulator():
    """It does not hold up its end."""
    async with wired({"endless body": 1}) as (sim, wire):
        wire.send(TICKER)
        await until(lambda: sim.requests)
        await sim.stop()

    assert set() == sim._listener.connections


async def test_a_length_that_is_too_large():
    """More is announced than comes, then the connection is closed."""
    head, body = await whole(seed=1)
    async with wired({"length too large": 1}, seed=1) as (_, wire):
        wire.send(TICKER, "Connection: close")
        received = await rest(wire)

    assert head.replace(b": %d" % len(body), b": %d" % (len(body) + 7)) + b"\r\n\r\n" + body == received


async def test_a_length_that_is_too_small():
    """Less is announced than comes, and the rest stands before the next answer."""
    _, body = await whole()
    async with wired({"length too small": 1}) as (sim, wire):
        wire.send(TICKER)
        _, first = await answered(wire)
        sim.faults = None
        wire.send(TICKER)
        left = await wire.reader.readuntil(b"HTTP/1.1")

    assert (body[:-7], body[-7:] + b"HTTP/1.1") == (first, left)


async def test_packed_answers_are_hit_like_others():
    """A large answer is packed first, then cut."""
    async with wired({"length too large": 1}, seed=1) as (_, wire):
        wire.send("GET /api/order_book/ HTTP/1.1", "Accept-Encoding: gzip", "Connection: close")
        received = await rest(wire)
    body = received.partition(b"\r\n\r\n")[2]

    assert len(gzip.decompress(body)) > GZIP_FROM_BYTES
    assert b"Content-Length: %d\r\n" % (len(body) + 7) in received


def test_a_bomb_is_as_long_as_asked():
    """Unpacked it holds the spaces, rounded up to MiB, and what follows them."""
    unpacked = zlib.decompress(compressed_spaces(b"[]", 1024 * 1024 + 1), 31)

    assert b" " * (2 * 1024 * 1024) + b"[]" == unpacked


# Other JSON


async def said(path: str, point: str | None = None) -> bytes:
    """Ask, and give the body of the answer."""
    async with asked(point or "drip") as (sim, http):
        if point is None:
            sim.faults = None
        return (await http.get(path)).content


BITSTAMP_TICKER = "/api/v2/ticker/btcusd/"


async def test_shuffled_keys():
    """The same is said in another order."""
    polite, shuffled = await said(BITSTAMP_TICKER), await said(BITSTAMP_TICKER, "shuffle keys")

    assert polite != shuffled
    assert json.loads(polite) == json.loads(shuffled)


async def test_added_fields():
    """Every object says something more, and all that it said before."""
    more = json.loads(await said("/api/v3/order_book?book=btc_mxn", "add fields"))
    polite = json.loads(await said("/api/v3/order_book?book=btc_mxn"))
    levels = more["payload"]["bids"]

    assert {"simulated_news"} == more.keys() - polite.keys() == levels[0].keys() - polite["payload"]["bids"][0].keys()
    assert polite["payload"]["bids"] == [
        {key: value for key, value in level.items() if key != "simulated_news"} for level in levels
    ]


async def test_numbers_as_strings():
    """Every number is in quotes, with the same digits."""
    ticker = json.loads(await said("/api-v1/rest/btc_usd/market/ticker"), parse_float=str, parse_int=str)

    assert ticker == json.loads(await said("/api-v1/rest/btc_usd/market/ticker", "numbers as strings"))


async def test_true_is_no_number():
    """True, false and null stay what they are."""
    path = "/api/v3/order_book?book=btc_mxn"

    assert json.loads(await said(path))["success"] is json.loads(await said(path, "numbers as strings"))["success"]


async def test_strings_as_numbers():
    """What looks like a number is one; other strings stay."""
    polite = json.loads(await said(BITSTAMP_TICKER))
    ticker = json.loads(await said(BITSTAMP_TICKER, "strings as numbers"), parse_float=str, parse_int=str)

    assert polite == ticker
    assert b'"last":"' not in await said(BITSTAMP_TICKER, "strings as numbers")


async def test_what_is_no_json_stays():
    """A table is not changed."""
    async with asked("numbers as strings") as (_, http):
        await ask_bitex(http, "resellers.create_user")
        table = (await ask_bitex(http, "resellers.users_csv")).text

    assert table.startswith("5001,user@example.com,0.00000000")
