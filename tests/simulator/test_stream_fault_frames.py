"""Faults of frames, as the exchange sends them and on the way to a client."""

import asyncio
import json
from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed

from exchanges.simulator import Faults, StreamFault, Venue
from exchanges.simulator.venues.stream_faults import UNKNOWN
from tests.support.sockets import wired
from tests.support.stream_faults import BOOK, faulty

pytestmark = pytest.mark.sweep

DIFFS = "diff_order_book_btcusd"


async def delivered(fault: StreamFault, channel: str = BOOK, seconds: float = 1.0, **options):
    """Return what comes of a channel without and with a fault, which hits every frame of the second half."""
    async with faulty(**options) as sim, wired(sim) as wire, wired(sim) as other:
        for socket in (wire, other):
            await socket.subscribe(channel)
        sim.advance(seconds)
        await other.until_beat()
        before = await wire.until_beat()
        sim.faults = Faults(streams={fault: 1.0}, **options)
        sim.advance(seconds)
        sim.faults = Faults(**options)
        frames, code = [], None
        try:
            await wire.send({"event": "bts:heartbeat"})
            while b'"bts:heartbeat"' not in (frame := await receive(wire)):
                frames.append(frame)
        except ConnectionClosed:
            code = wire.connection.close_code
        return before, frames, code, sim.hits[fault]


async def receive(wire):
    """Return the next message as bytes."""
    async with asyncio.timeout(20):
        message = await wire.connection.recv()
    return message if isinstance(message, bytes) else message.encode()


# When the exchange sends a frame


@pytest.mark.parametrize("channel", [BOOK, DIFFS])
async def test_frames_of_a_book_lie(channel):
    """Crossed, with a price of zero, without asks; what cannot be distorted is not counted."""
    lies = {}
    for fault in (StreamFault.CROSS_BOOK, StreamFault.ZERO_PRICE, StreamFault.EMPTY_SIDE):
        _, frames, _, hits = await delivered(fault, channel, 2.0)
        lies[fault] = [json.loads(frame)["data"] for frame in frames]
        assert len(frames) == hits > 0

    asks = (data["asks"] for data in lies[StreamFault.EMPTY_SIDE])
    assert not any(asks)
    assert all("0" in {price for price, _ in data["bids"]} for data in lies[StreamFault.ZERO_PRICE])
    for data in lies[StreamFault.CROSS_BOOK]:
        assert max(Decimal(price) for price, _ in data["bids"]) > Decimal(100_000)
    assert 0 == (await delivered(StreamFault.SEQUENCE_JUMP, channel))[3]
    assert 0 == (await delivered(StreamFault.CROSS_BOOK, "live_trades_btcusd", 60.0))[3]


async def test_a_lost_frame_is_lost_for_all():
    """The next one does not make up for it: the changes are gone."""
    async with faulty() as sim, wired(sim) as wire:
        await wire.subscribe(DIFFS)
        sim.advance(2)
        last = (await wire.until_beat())[-1]["data"]["microtimestamp"]
        sim.faults = Faults(streams={StreamFault.LOSE_FRAME: 1})
        sim.advance(10)
        sim.faults = Faults()
        sim.advance(1)
        frames = await wire.until_beat()
        kept = rows_at(sim, int(last))
        for frame in frames:
            for side in ("bids", "asks"):
                for price, amount in frame["data"][side]:
                    kept[side, Decimal(price)] = Decimal(amount)
        true = rows_at(sim, int(frames[-1]["data"]["microtimestamp"]))

    assert {key: amount for key, amount in kept.items() if amount} != true
    assert sim.hits[StreamFault.LOSE_FRAME] > 0


@pytest.mark.parametrize(("fault", "first"), [(StreamFault.SEQUENCE_JUMP, 3), (StreamFault.SEQUENCE_BACK, -3)])
async def test_sequences_jump(fault, first):
    """Ahead, or back to a number that was used."""
    async with faulty({fault: 1}) as sim, wired(sim, "/bitso") as wire:
        await wire.follow("btc_mxn", "diff-orders")
        began = sim.book_at(Venue.BITSO, "btc_mxn").sequence
        sim.advance(1)
        frames = [frame for frame in await wire.until_refusal() if frame.get("type") == "diff-orders"]

    assert began + 1 + first == frames[0]["sequence"]


@pytest.mark.parametrize("fault", [StreamFault.CROSS_BOOK, StreamFault.ZERO_PRICE, StreamFault.EMPTY_SIDE])
async def test_books_at_bitso_lie(fault):
    """In their own form."""
    async with faulty({fault: 1}) as sim, wired(sim, "/bitso") as wire:
        await wire.follow("btc_mxn", "diff-orders")
        await wire.follow("btc_mxn", "orders")
        sim.advance(2)
        frames = await wire.until_refusal()
    entries = [entry for frame in frames if frame.get("type") == "diff-orders" for entry in frame["payload"]]
    books = [frame["payload"] for frame in frames if frame.get("type") == "orders"]
    rates = {Decimal(entry["r"]) for entry in entries}

    assert (fault is StreamFault.ZERO_PRICE) is (Decimal(0) in rates)
    assert (fault is StreamFault.CROSS_BOOK) is (max(rates) > Decimal(1_800_000))
    assert (fault is StreamFault.EMPTY_SIDE) is not any(book["asks"] for book in books)


# On the way to a client


async def test_frames_are_dropped():
    """None of them comes."""
    before, frames, code, hits = await delivered(StreamFault.DROP_FRAME)

    assert before
    assert ([], None) == (frames, code)
    assert hits > 0


async def test_frames_come_twice():
    """One behind the other."""
    _, frames, _, _ = await delivered(StreamFault.DOUBLE_FRAME)

    assert frames
    assert frames[::2] == frames[1::2]


async def test_frames_are_swapped():
    """The first comes behind the second."""
    _, frames, _, _ = await delivered(StreamFault.SWAP_FRAMES)
    moments = [json.loads(frame)["data"]["microtimestamp"] for frame in frames]

    assert moments[0] > moments[1]


async def test_frames_are_garbled():
    """No JSON, of the same length."""
    _, frames, _, _ = await delivered(StreamFault.GARBLE_FRAME)

    assert frames
    for frame in frames:
        with pytest.raises(json.JSONDecodeError):
            json.loads(frame)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (StreamFault.CUT_FRAME, 1006),
        (StreamFault.RESET_LINE, 1006),
        (StreamFault.HANG_UP_LINE, 1006),
        (StreamFault.CLOSE_LINE, 1001),
    ],
)
async def test_lines_end(fault, expected):
    """With or without a word."""
    _, _, code, _ = await delivered(fault)

    assert expected == code


@pytest.mark.parametrize("fault", [StreamFault.BINARY_FRAME, StreamFault.FRAGMENT_FRAME, StreamFault.GIANT_FRAME])
async def test_frames_in_another_dress_say_the_same(fault):
    """The JSON is that of any frame."""
    _, frames, _, _ = await delivered(fault, giant_bytes=4096)

    assert frames
    assert {BOOK} == {json.loads(frame)["channel"] for frame in frames}
    assert (fault is StreamFault.GIANT_FRAME) is (b" " * 4096 in frames[0])


@pytest.mark.parametrize(
    ("fault", "more"), [(StreamFault.EMPTY_FRAME, b""), (StreamFault.UNKNOWN_EVENT, UNKNOWN["event"])]
)
async def test_something_else_comes_before_a_frame(fault, more):
    """An empty message, or a kind of frame that nobody knows."""
    _, frames, _, _ = await delivered(fault)

    assert frames
    assert {more} == {frame and json.loads(frame)["event"] for frame in frames[::2]}
    assert {BOOK} == {json.loads(frame)["channel"] for frame in frames[1::2]}


async def test_frames_come_in_bursts():
    """Held back, then sent at once, in their order."""
    async with faulty({StreamFault.BURST: 1}, slow_seconds=2.0) as sim, wired(sim) as wire:
        await wire.subscribe(BOOK)
        sim.advance(1)
        nothing = await wire.until_beat()
        sim.advance(2)
        moments = [frame["data"]["microtimestamp"] for frame in await wire.until_beat()]

    assert ([], sorted(moments)) == (nothing, moments)
    assert len(moments) > 5


@pytest.mark.parametrize("fault", [StreamFault.CHANNEL_DIES, StreamFault.IGNORE_PINGS])
async def test_a_socket_lives_on(fault):
    """Heartbeats are answered."""
    _, frames, code, hits = await delivered(fault)

    assert (fault is StreamFault.IGNORE_PINGS, None) == (bool(frames), code)
    assert hits > 0


@pytest.mark.parametrize("fault", [StreamFault.FREEZE_LINE, StreamFault.MUTE_LINE, StreamFault.STOP_BEATS])
async def test_signs_of_life_stop(fault):
    """Of a mute line pings alone are answered, of a frozen one nothing is."""
    async with faulty({fault: 1}) as sim, wired(sim) as wire, wired(sim) as other:
        await wire.subscribe(BOOK)
        sim.advance(1)
        sim.faults = Faults()
        pong = await wire.connection.ping()
        await wire.send({"event": "bts:heartbeat"})
        if fault is not StreamFault.FREEZE_LINE:
            async with asyncio.timeout(20):
                await pong
        await other.until_beat()
        wire.connection.transport.abort()
        seen = {frame["event"] for frame in await wire.until_closed()}

    assert "bts:heartbeat" not in seen
    assert (fault is StreamFault.FREEZE_LINE) is not pong.done() or pong.exception() is not None
    assert sim.hits[fault] > 0


async def test_a_client_is_asked_to_move():
    """Then its socket ends."""
    async with faulty({StreamFault.ASK_TO_MOVE: 1}, slow_seconds=2.0) as sim, wired(sim) as wire:
        await wire.subscribe(BOOK)
        sim.advance(1)
        sim.faults = Faults()
        events = {frame["event"] for frame in await wire.until_beat()}
        sim.advance(2)
        await wire.until_closed()

    assert {"bts:request_reconnect", "data"} == events


def rows_at(sim, microtimestamp):
    """Return all amounts of Bitstamp's book at a moment, by side and price."""
    state = sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=microtimestamp)
    sides = (("bids", state.bids), ("asks", state.asks))
    return {(name, level.price): level.amount for name, side in sides for level in side}
