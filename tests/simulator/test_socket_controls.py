import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from exchanges.simulator import Venue
from exchanges.simulator.venues.socket_controls import Cut
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import wired

BOOK = "order_book_btcusd"


@pytest.fixture
async def sim():
    """Both exchanges with sockets, whose clock moves by hand alone."""
    async with simulated(Venue.BITSTAMP, Venue.BITSO, clock=lambda: NOW) as simulator:
        yield simulator


@pytest.fixture
def sockets(sim):
    """What can be done to Bitstamp's."""
    return sim.bitstamp.sockets


@pytest.fixture
async def wire(sim):
    """A socket at Bitstamp."""
    async with wired(sim) as wire:
        yield wire


@pytest.mark.parametrize(("how", "code"), [(Cut.CLOSE, 1001), (Cut.HANG_UP, 1006), (Cut.RESET, 1006)])
async def test_sockets_are_cut(sockets, wire, how, code):
    """With or without a word."""
    await wire.subscribe(BOOK)
    count = sockets.cut(how)
    with pytest.raises(ConnectionClosed):
        await wire.next()

    assert (1, code, 0) == (count, wire.connection.close_code, sockets.count)


async def test_a_frozen_socket_stays_open(sim, sockets, wire):
    """Nothing comes, not even an answer to a ping."""
    await wire.subscribe(BOOK)
    sockets.cut(Cut.FREEZE)
    sim.advance(5)
    pong = await wire.connection.ping()
    async with wired(sim) as other:
        await other.ask({"event": "bts:heartbeat"})

    assert (False, 1) == (pong.done(), sockets.count)


async def test_a_mute_socket_answers_pings_alone(sim, sockets, wire):
    """No frame comes, and no answer to a heartbeat."""
    await wire.subscribe(BOOK)
    sockets.mute()
    sim.advance(5)
    await wire.send({"event": "bts:heartbeat"})
    frame = asyncio.ensure_future(wire.connection.recv())
    await (await wire.connection.ping())
    came = frame.done()
    frame.cancel()

    assert not came


async def test_pings_can_be_ignored(sockets, wire):
    """Frames come as before."""
    sockets.ignore_pings()
    pong = await wire.connection.ping()
    await wire.until_beat()

    assert not pong.done()


async def test_signs_of_life_can_stop(sim, sockets, wire):
    """Heartbeats are not answered, and frames come as before."""
    await wire.subscribe(BOOK)
    sockets.stop_beats()
    await wire.send({"event": "bts:heartbeat"})
    sim.advance(0.5)

    assert "data" == (await wire.next())["event"]


async def test_a_channel_can_die_alone(sim, sockets, wire):
    """Until somebody subscribes to it anew."""
    await wire.subscribe(BOOK)
    sockets.kill_channel(BOOK)
    sim.advance(2)
    dead = await wire.until_beat()
    await wire.ask({"event": "bts:unsubscribe", "data": {"channel": BOOK}})
    await wire.subscribe(BOOK)
    sim.advance(2)

    assert ([], True) == (dead, bool(await wire.until_beat()))


async def test_the_next_frames_can_be_dropped(sim, sockets, wire):
    """For everybody."""
    async with wired(sim) as other:
        for socket in (wire, other):
            await socket.subscribe(BOOK)
        sim.advance(1)
        whole = await other.until_beat()
        await wire.until_beat()
        sockets.drop_next(BOOK, 2)
        sim.advance(1)
        frames = [await socket.until_beat() for socket in (wire, other)]

    assert frames[0] == frames[1]
    assert 0 < len(frames[0]) <= len(whole)


async def test_clients_are_asked_to_move(sim, sockets, wire):
    """Bitstamp says so, and cuts a while later."""
    sockets.ask_to_move(2.0)
    asked = await wire.next()
    sim.advance(2)
    with pytest.raises(ConnectionClosed):
        await wire.next()

    assert {"data": None, "channel": "", "event": "bts:request_reconnect"} == asked


async def test_new_sockets_can_be_refused(sim, sockets):
    """With any status, until they are accepted again."""
    sockets.refuse(429)
    with pytest.raises(InvalidStatus) as caught:
        async with wired(sim):
            pass
    sockets.refuse(None)
    async with wired(sim):
        count = sockets.count

    assert (429, 1) == (caught.value.response.status_code, count)


async def test_any_frame_can_be_sent(sockets, wire):
    """To those who are subscribed to its channel."""
    await wire.subscribe(BOOK)
    sockets.publish(BOOK, {"event": "more", "data": {"x": 1}})

    assert {"event": "more", "channel": BOOK, "data": {"x": 1}} == await wire.next()


async def test_subscriptions_are_counted(sim, sockets, wire):
    """Also twice on one socket, and those that have ended."""
    for _ in range(2):
        await wire.subscribe(BOOK)
    counts = dict(sockets.subscriptions), sockets.most_on_one
    await wire.ask({"event": "bts:unsubscribe", "data": {"channel": BOOK}})

    assert ({BOOK: 1}, 2) == counts
    assert ({}, {BOOK: 2}, 1) == (dict(sockets.subscriptions), dict(sockets.asked), sockets.opened)
    assert "SocketControls(1 sockets, 0 subscriptions)" == repr(sockets)


async def test_the_first_message_decides_who_answers(sim):
    """Both exchanges have one address here; a path that names neither is open until then."""
    for message, answer in (
        ({"event": "bts:heartbeat"}, "channel"),
        ({"action": "subscribe", "book": "btc_mxn", "type": "trades"}, "response"),
    ):
        async with wired(sim, "/") as wire:
            assert answer in await wire.ask(message)


async def test_one_packet_may_hold_several_messages(sim, wire):
    """Each is answered, in order."""
    async with asyncio.timeout(20):
        for n in range(3):
            await wire.connection.send(json.dumps({"event": "bts:subscribe", "data": {"channel": f"live_trades_x{n}"}}))
        names = [(await wire.next())["channel"] for _ in range(3)]

    assert ["live_trades_x0", "live_trades_x1", "live_trades_x2"] == names
