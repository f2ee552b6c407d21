"""Faults of sockets: how they are drawn, and those of upgrades, subscriptions, tokens and snapshots."""

from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from exchanges.bitstamp import Bitstamp
from exchanges.simulator import Faults, StreamFault, Venue
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.faults.stream_points import DRAWN_AT, Place
from exchanges.simulator.venues.stream_faults import DELIVERIES
from tests.support.sockets import wired
from tests.support.stream_faults import BOOK, faulty

pytestmark = pytest.mark.sweep


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
