import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from random import Random

import pytest

from exchanges.simulator import Line, proxy
from exchanges.simulator.proxy import CHUNKS, READ_BYTES, _Direction
from tests.support.simulator_calls import Wired, simulated, until
from tests.support.simulator_faults import TICKER, answered, rest, sell

PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def echo():
    """A server that sends back what it gets, and ends when its peer does."""
    ends = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(1 << 16):
                writer.write(part)
            ends.append("ended")
        except ConnectionError:
            ends.append("broke")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", ends


@asynccontextmanager
async def lined(**line):
    """An echo behind a proxy, and a connection to it."""
    async with echo() as (origin, ends), proxy(to=origin, **line) as between, await Wired.to(between) as wire:
        yield between, wire, ends


async def test_a_good_line_changes_nothing():
    """Answers come through whole, one after the other."""
    async with simulated() as sim, proxy(to=sim.base_url) as line, await Wired.to(line) as wire:
        for nonce in (1, 2):
            sell(wire, nonce)

            assert 200 == (await answered(wire))[0]
        assert (1, 0, 0, 2) == (line.connections, line.cuts, line.half_closes, len(sim.deeds))


async def test_much_comes_through_in_order():
    """Bytes keep their order, however many there are and however much each chunk jitters."""
    sent = b"".join(b"%07d\n" % number for number in range(100_000))
    async with lined(jitter_seconds=0.0005) as (_, wire, _):

        async def send() -> None:
            wire.writer.write(sent)
            await wire.writer.drain()
            wire.writer.write_eof()

        sending = asyncio.create_task(send())

        assert sent == await rest(wire)
        await sending


async def test_the_last_bytes_reach_who_reads_late():
    """A connection that ends well is closed when everything has gone."""
    sent = bytes(50_000)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with proxy(to=origin) as line:
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            narrow.connect(("127.0.0.1", int(line.base_url.rpartition(":")[2])))
            narrow.shutdown(socket.SHUT_WR)
            for _ in range(500):
                await asyncio.sleep(0)

            async with Wired(*await asyncio.open_connection(sock=narrow)) as wire:
                assert len(sent) == len(await rest(wire))


async def test_each_way_ends_by_itself():
    """A peer that says no more is still answered."""
    async with lined() as (_, wire, ends):
        wire.writer.write(b"hello")
        wire.writer.write_eof()

        assert b"hello" == await rest(wire)
    assert ["ended"] == ends


async def test_a_cut_breaks_both_sides():
    """So many bytes pass, then the connection is reset on either side."""
    line = Line(cut=1, after_bytes=(3, 3))
    async with lined(upstream=line, downstream=Line()) as (between, wire, ends):
        wire.writer.write(b"hello")
        with pytest.raises(ConnectionResetError):
            await wire.reader.readexactly(6)
        await until(lambda: ends)

        assert (1, 0, ["broke"]) == (between.cuts, between.half_closes, ends)


async def test_a_cut_of_the_answer_lets_the_request_through():
    """The exchange has sold, and nobody hears of it."""
    line = Line(cut=1, after_bytes=(20, 20))
    async with simulated() as sim, proxy(to=sim.base_url, downstream=line) as between, await Wired.to(between) as wire:
        sell(wire)

        assert len(await rest(wire)) <= 20
        assert (1, 1) == (len(sim.deeds), between.cuts)


async def test_a_cut_of_the_request_lets_nothing_be_done():
    """The exchange never sees the whole request."""
    line = Line(cut=1, after_bytes=(50, 50))
    async with simulated() as sim, proxy(to=sim.base_url, upstream=line) as between, await Wired.to(between) as wire:
        sell(wire)

        assert (b"", []) == (await rest(wire), sim.deeds)


async def test_half_a_close_upstream():
    """The server sees the end within a request, and its answer still comes."""
    line = Line(half_close=1, after_bytes=(10, 10))
    async with simulated() as sim, proxy(to=sim.base_url, upstream=line) as between, await Wired.to(between) as wire:
        wire.send(TICKER)

        assert 400 == (await answered(wire))[0]
        assert (0, 1) == (between.cuts, between.half_closes)


async def test_half_a_close_downstream():
    """The client sees the end, within the answer, and no break."""
    line = Line(half_close=1, after_bytes=(8, 8))
    async with simulated() as sim, proxy(to=sim.base_url, downstream=line) as between, await Wired.to(between) as wire:
        wire.send(TICKER)

        assert b"HTTP/1.1" == await wire.reader.read()


async def test_nothing_happens_where_too_few_bytes_go():
    """A connection that ends before its cut is not cut."""
    async with lined(cut=1, after_bytes=(100, 100)) as (between, wire, _):
        wire.writer.write(b"hello")
        wire.writer.write_eof()

        assert b"hello" == await rest(wire)
        assert 0 == between.cuts


async def test_some_connections_are_cut_and_the_same_from_the_same_seed():
    """The probability is one of connections, drawn in their order."""

    async def lost_connections(seed: int) -> list[bool]:
        lost = []
        async with echo() as (origin, _), proxy(to=origin, seed=seed, cut=0.3, after_bytes=(0, 0)) as line:
            for _ in range(20):
                async with await Wired.to(line) as wire:
                    wire.writer.write(b"x")
                    with suppress(ConnectionError):
                        wire.writer.write_eof()
                    lost.append(not await rest(wire))
        return lost

    first = await lost_connections(1)

    assert first == await lost_connections(1) != await lost_connections(2)
    assert 2 < sum(first) < 18


async def test_a_server_that_is_not_there():
    """The connection breaks, and the proxy goes on."""
    async with simulated() as sim:
        origin = sim.base_url
    async with proxy(to=origin) as line:
        for _ in range(2):
            async with await Wired.to(line) as wire:
                assert b"" == await rest(wire)

    assert 2 == line.connections


async def test_the_end_of_a_proxy_breaks_its_connections():
    """No task is left, and nobody waits for ever."""
    before = asyncio.all_tasks()
    async with echo() as (origin, _):
        async with proxy(to=origin, latency_seconds=(60, 60)) as line:
            wire = await Wired.to(line)
            wire.writer.write(b"hello")
            await until(lambda: line.connections)
        with pytest.raises(ConnectionResetError):
            await wire.reader.read()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: asyncio.all_tasks() == before)


async def test_a_peer_that_does_not_read_is_not_read_from():
    """What is under way is bounded."""
    async with lined(latency_seconds=(60, 60)) as (between, wire, _):
        await until(lambda: between.connections)
        wire.writer.write(bytes(64 * CHUNKS * READ_BYTES))
        for _ in range(2000):
            await asyncio.sleep(0)

        assert wire.writer.transport.get_write_buffer_size() > 0
        wire.writer.transport.abort()


# What is drawn


def test_latency_is_drawn_for_each_connection_and_jitter_for_each_chunk():
    """What is taken at one moment arrives after at least the latency, and at most so much later."""
    direction = _Direction.draw(Line(latency_seconds=(1, 2), jitter_seconds=0.5), Random(1))
    arrivals = [direction.arrives_at(10.0 * number) - 10.0 * number for number in range(100)]

    assert 1 <= direction.latency_seconds <= min(arrivals) < max(arrivals) <= direction.latency_seconds + 0.5 <= 2.5


def test_nothing_overtakes():
    """What was taken later arrives no earlier."""
    direction = _Direction.draw(Line(jitter_seconds=5), Random(1))
    arrivals = [direction.arrives_at(number / 10) for number in range(100)]

    assert sorted(arrivals) == arrivals


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"latency_seconds": (2, 1)}, r"latency_seconds must be the least and the largest value, got \(2, 1\)"),
        ({"after_bytes": (-1, 1)}, r"after_bytes must be the least and the largest value, got \(-1, 1\)"),
        (
            {"cut": 0.7, "half_close": 0.7},
            "cut and half_close must be probabilities, together at most 1, got 0.7 and 0.7",
        ),
        ({"cut": -0.1}, "probabilities"),
        ({"jitter_seconds": -1}, "jitter_seconds must be at least 0, got -1"),
    ],
)
def test_what_cannot_be_is_refused(line, words):
    """Wrong ranges and probabilities are told."""
    with pytest.raises(ValueError, match=words):
        Line(**line)


async def test_the_target_must_be_named():
    """A URL without a port leads nowhere."""
    with pytest.raises(ValueError, match="needs the URL of a server with host and port, got"):
        async with proxy(to="http://127.0.0.1"):
            pass


async def test_a_proxy_prints_where_it_is():
    """Its place and what happened are in its repr."""
    async with proxy(to="http://127.0.0.1:9") as line:
        assert f"Proxy({line.base_url}: 0 connections, 0 cut)" == repr(line)
