from decimal import Decimal

import pytest

from exchanges.simulator import Venue
from exchanges.simulator.venues.bitstamp.v2 import BOOK_CACHE_MS
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import wired


@pytest.fixture
async def sim():
    """Bitstamp, whose clock moves by hand alone."""
    async with simulated(Venue.BITSTAMP, clock=lambda: NOW) as simulator:
        yield simulator


@pytest.fixture
async def wire(sim):
    """A socket."""
    async with wired(sim) as wire:
        yield wire


async def test_a_subscription_is_confirmed_by_its_channel(wire):
    """The answer names the channel, and nothing else comes before something changes."""
    assert {
        "data": {},
        "channel": "order_book_btcusd",
        "event": "bts:subscription_succeeded",
    } == await wire.subscribe("order_book_btcusd")
    assert [] == await wire.until_beat()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{", "Incorrect JSON format."),
        ({"event": "bts:subscribe"}, "Bad subscription string."),
        ({"event": "bts:more", "data": {"channel": "order_book_btcusd"}}, "Bad subscription string."),
        ([], "Bad subscription string."),
        ({"event": "bts:subscribe", "data": {"channel": "order_book_BTCUSD"}}, "Invalid channel provided."),
        ({"event": "bts:subscribe", "data": {"channel": "order_book_btc/usd"}}, "Invalid channel provided."),
        ({"event": "bts:subscribe", "data": {"channel": "ticker_btcusd"}}, "Invalid channel provided."),
    ],
)
async def test_what_cannot_be_read_is_refused_without_a_name(wire, message, words):
    """A refusal names neither channel nor request, and the socket stays open."""
    refusal = {"data": {"code": None, "message": words}, "channel": "", "event": "bts:error"}

    assert (refusal, []) == (await wire.ask(message), await wire.until_beat())


async def test_an_unknown_market_is_confirmed_and_stays_silent(sim, wire):
    """In lower case, any market is confirmed."""
    ack = await wire.subscribe("live_trades_zzzusd")
    sim.advance(60)

    assert ("bts:subscription_succeeded", []) == (ack["event"], await wire.until_beat())


async def test_frames_of_the_whole_book_are_the_true_book(sim, wire):
    """Each frame holds the best hundred levels of both sides as they were at its microtimestamp."""
    await wire.subscribe("order_book_btcusd")
    sim.advance(3)
    frames = [frame["data"] for frame in await wire.until_beat()]

    assert len(frames) > 5
    for frame in frames:
        true = sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=int(frame["microtimestamp"]))
        assert [(level.price, level.amount) for level in true.bids[:100]] == read(frame["bids"])
        assert [(level.price, level.amount) for level in true.asks[:100]] == read(frame["asks"])
    assert 100 == len(frames[0]["bids"]) < len(true.bids)


async def test_differences_add_up_to_the_true_book(sim, wire):
    """Whoever applies all frames to the true book before them has the true book after them."""
    await wire.subscribe("diff_order_book_btcusd")
    sim.advance(5)
    frames = [frame["data"] for frame in await wire.until_beat()]
    kept = levels(sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=int(frames[0]["microtimestamp"])))

    assert len(frames) > 5
    for frame in frames[1:]:
        for side in ("bids", "asks"):
            for price, amount in read(frame[side]):
                kept[side][price] = amount
                if not amount:
                    del kept[side][price]
        assert levels(sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=int(frame["microtimestamp"]))) == kept


async def test_differences_leave_out_what_came_and_went(sim, wire):
    """Between two frames the book was in states that no frame shows."""
    await wire.subscribe("diff_order_book_btcusd")
    sim.advance(3)
    frames = [frame["data"] for frame in await wire.until_beat()]
    shown = {(side, price, amount) for frame in frames for side in ("bids", "asks") for price, amount in frame[side]}
    last = sim.book_at(Venue.BITSTAMP, "btcusd").sequence
    states = [set(rows(sim.book_at(Venue.BITSTAMP, "btcusd", sequence=n))) for n in range(last - 60, last)]
    changed = set().union(*states) - states[0]

    assert changed - {(side, Decimal(price), Decimal(amount)) for side, price, amount in shown}


async def test_snapshots_come_from_a_cache(sim, wire, http):
    """For a second the same book is returned, with the moment of its last change."""
    first = (await http.get("/api/v2/order_book/btcusd/")).json()
    sim.advance(0.9)
    second = (await http.get("/api/v2/order_book/btcusd/")).json()
    sim.advance(0.1)
    third = (await http.get("/api/v2/order_book/btcusd/")).json()

    assert first == second != third
    assert int(third["microtimestamp"]) <= (NOW * 1000 + BOOK_CACHE_MS) * 1000


async def test_trades_are_those_of_rest(sim, wire, http):
    """A trade has the id, price and amount that REST shows, exactly in its text fields."""
    await wire.subscribe("live_trades_btcusd")
    sim.advance(300)
    frames = [frame["data"] for frame in await wire.until_beat()]
    listed = (await http.get("/api/v2/transactions/btcusd/?time=hour")).json()

    assert len(frames) > 5
    assert [
        (str(frame["id"]), Decimal(frame["price_str"]), Decimal(frame["amount_str"]), str(frame["type"]))
        for frame in reversed(frames)
    ] == [(row["tid"], Decimal(row["price"]), Decimal(row["amount"]), row["type"]) for row in listed[: len(frames)]]


async def test_frames_end_with_the_subscription(sim, wire):
    """Behind the confirmation nothing more comes."""
    await wire.subscribe("order_book_btcusd")
    sim.advance(1)
    await wire.until_beat()
    ack = await wire.ask({"event": "bts:unsubscribe", "data": {"channel": "order_book_btcusd"}})
    sim.advance(1)

    assert ("bts:unsubscription_succeeded", []) == (ack["event"], await wire.until_beat())


async def test_a_long_message_closes_the_socket(wire):
    """A message of 513 bytes closes it with 1009."""
    await wire.send("x" * 513)
    await wire.connection.wait_closed()

    assert 1009 == wire.connection.close_code


async def test_the_same_seed_sends_the_same_frames():
    """Seed and steps decide every frame."""
    seen = []
    for seed in (3, 3, 4):
        async with simulated(Venue.BITSTAMP, clock=lambda: NOW, seed=seed) as sim, wired(sim) as wire:
            for channel in ("order_book_btcusd", "diff_order_book_btcusd", "live_trades_btcusd"):
                await wire.subscribe(channel)
            sim.advance(5)
            seen.append(await wire.until_beat())

    assert seen[0] == seen[1] != seen[2]


def read(side):
    """Convert the rows of a frame."""
    return [(Decimal(price), Decimal(amount)) for price, amount in side]


def rows(state):
    """Return all levels of a book, each with its side."""
    return [
        (name, level.price, level.amount)
        for name, side in (("bids", state.bids), ("asks", state.asks))
        for level in side
    ]


def levels(state):
    """Return amounts by price, by side."""
    return {
        name: {level.price: level.amount for level in side}
        for name, side in (("bids", state.bids), ("asks", state.asks))
    }
