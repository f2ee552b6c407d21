import asyncio
import json
from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from exchanges.bitstamp import Bitstamp
from exchanges.simulator import Faults, StreamFault, Venue
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.faults.stream_points import DRAWN_AT, Place
from exchanges.simulator.venues.stream_faults import DELIVERIES, UNKNOWN
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import wired

pytestmark = pytest.mark.sweep

BOOK = "order_book_btcusd"
DIFFS = "diff_order_book_btcusd"


def faulty(at: dict[StreamFault, float] | None = None, **options):
    """Simulate both exchanges with sockets, with faults."""
    faults = Faults(streams=at or {}, **options)
    return simulated(Venue.BITSTAMP, Venue.BITSO, clock=lambda: NOW, faults=faults)


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


# What faults are


def test_every_fault_has_one_place():
    """And those of the way to a client have an effect each."""
    assert [*StreamFault] == [fault for faults in DRAWN_AT.values() for fault in faults]
    assert set(DRAWN_AT[Place.DELIVERY]) == set(DELIVERIES)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ({"more": 0.1}, "unknown fault 'more'; the faults of sockets are: refuse upgrade"),
        ({"no ack": 1.1}, "no ack: the probability must be between 0 and 1, got 1.1"),
        ({"no ack": 0.6, "late ack": 0.6}, "add up to 1.2, but at most one fault hits a subscription"),
    ],
)
def test_shares_are_checked(at, words):
    """By name, and for each place."""
    with pytest.raises(ValueError, match=words):
        Faults(streams=at)


def test_different_places_do_not_share():
    """A frame and a subscription may both fail for certain."""
    assert 2 == len(Faults(streams={"no ack": 1, "drop frame": 1}).streams)


@pytest.mark.parametrize("settings", [{"slow_seconds": -1}, {"old_seconds": -1}, {"giant_bytes": 0}])
def test_settings_are_checked(settings):
    """Times are not negative, and a giant has a size."""
    with pytest.raises(ValueError, match="slow_seconds"):
        Faults(**settings)


async def test_the_same_seed_draws_the_same_faults():
    """For the same steps."""
    hits = []
    for _ in range(2):
        shares = dict.fromkeys(DRAWN_AT[Place.SENDING], 0.02) | {"drop frame": 0.1, "double frame": 0.1}
        async with faulty(shares) as sim, wired(sim) as wire:
            await wire.subscribe(BOOK)
            sim.advance(8)
            hits.append((sim.hits, await wire.until_beat()))

    assert hits[0] == hits[1]
    assert hits[0][0][StreamFault.DROP_FRAME] > 0


# When a socket is asked for


async def test_an_upgrade_is_refused():
    """With one of three statuses."""
    statuses = set()
    async with faulty({StreamFault.REFUSE_UPGRADE: 1}) as sim:
        for _ in range(20):
            with pytest.raises(InvalidStatus) as caught:
                async with wired(sim):
                    pass
            statuses.add(caught.value.response.status_code)

    assert ({403, 429, 503}, 20) == (statuses, sim.hits[StreamFault.REFUSE_UPGRADE])


async def test_an_upgrade_is_slow():
    """It is answered all the same."""
    async with faulty({StreamFault.SLOW_UPGRADE: 1}, slow_seconds=0.01) as sim, wired(sim) as wire:
        assert [] == await wire.until_beat()
        assert 1 == sim.hits[StreamFault.SLOW_UPGRADE]


async def test_a_socket_ends_at_once():
    """Behind a complete handshake."""
    async with faulty({StreamFault.CLOSE_AFTER_UPGRADE: 1}) as sim, wired(sim) as wire:
        with pytest.raises(ConnectionClosed):
            await wire.next()


# When something is subscribed to


@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (StreamFault.NO_ACK, None),
        (StreamFault.WRONG_ACK, "bts:subscription_succeeded"),
        (StreamFault.NAMELESS_ERROR, "bts:error"),
        (StreamFault.SILENT_ACK, "bts:subscription_succeeded"),
        (StreamFault.LATE_ACK, "bts:subscription_succeeded"),
    ],
)
async def test_a_subscription_fails(fault, first):
    """Each in its way."""
    async with faulty({fault: 1}) as sim, wired(sim) as wire:
        await wire.send({"event": "bts:subscribe", "data": {"channel": BOOK}})
        at_once = await wire.until_beat()
        sim.advance(3)
        later = await wire.until_beat()
    acks = [frame for frame in (*at_once, *later) if frame["event"] != "data"]
    frames = [frame for frame in later if frame["event"] == "data"]

    assert [first] * (first is not None) == [frame["event"] for frame in acks]
    assert (fault in (StreamFault.NO_ACK, StreamFault.WRONG_ACK, StreamFault.LATE_ACK)) is bool(frames)
    assert (fault is StreamFault.LATE_ACK) is (first is not None and not at_once)
    assert {BOOK, f"{BOOK}x"}.issuperset({frame["channel"] for frame in acks if frame["channel"]})
    assert 1 == sim.hits[fault]


async def test_subscriptions_at_bitso_fail_too():
    """A refusal without a name."""
    async with faulty({StreamFault.NAMELESS_ERROR: 1}) as sim, wired(sim, "/bitso") as wire:
        assert {"error", "time"} == set(await wire.follow("btc_mxn", "trades"))


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


# Tokens and snapshots


@pytest.mark.parametrize("fault", [StreamFault.REFUSE_TOKEN, StreamFault.EXPIRED_TOKEN, StreamFault.FOREIGN_TOKEN])
async def test_tokens_are_bad(fault):
    """They open nothing; the next one does."""
    events = []
    async with (
        faulty({fault: 1}) as sim,
        wired(sim) as wire,
        Bitstamp(base_url=sim.base_url, clock=lambda: sim.now, **sim.account(Venue.BITSTAMP)) as bitstamp,
    ):
        for _ in range(2):
            token = (await bitstamp.account.websockets_token()).token
            events.append((await wire.subscribe("private-my_orders_btcusd-7890", auth=token))["event"])
            sim.faults = Faults()

    assert ["bts:error", "bts:subscription_succeeded"] == events
    assert 1 == sim.hits[fault]


async def test_snapshots_are_old(http):
    """Older than the cache allows, and true at their own moment."""
    async with faulty(old_seconds=10.0) as sim:
        sim.book_at(Venue.BITSO, "btc_mxn")
        sim.advance(20)
        now = sim.book_at(Venue.BITSO, "btc_mxn")
        sim.faults = Faults(streams={StreamFault.OLD_SNAPSHOT: 1})
        path = "/api/v3/order_book?book=btc_mxn&aggregate=false"
        book = (await http.get(sim.base_url + path)).json()["payload"]
        true = sim.book_at(Venue.BITSO, "btc_mxn", sequence=int(book["sequence"]))

    assert int(book["sequence"]) < now.sequence
    assert [order.price for order in true.queue(Side.BUY)] == [Decimal(row["price"]) for row in book["bids"]]
    assert 1 == sim.hits[StreamFault.OLD_SNAPSHOT]


def rows_at(sim, microtimestamp):
    """Return all amounts of Bitstamp's book at a moment, by side and price."""
    state = sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=microtimestamp)
    sides = (("bids", state.bids), ("asks", state.asks))
    return {(name, level.price): level.amount for name, side in sides for level in side}
