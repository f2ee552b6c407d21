from decimal import Decimal

import pytest

from exchanges.simulator import Venue
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.venues.bitso.streams import _order
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import wired

BOOK = "btc_mxn"


@pytest.fixture
async def sim():
    """Bitso, whose clock moves by hand alone."""
    async with simulated(Venue.BITSO, clock=lambda: NOW) as simulator:
        yield simulator


@pytest.fixture
async def wire(sim):
    """A socket."""
    async with wired(sim, "/bitso") as wire:
        yield wire


async def test_a_subscription_is_confirmed_by_book_and_type(wire):
    """The second time the answer says so."""
    first, second = await wire.follow(BOOK, "diff-orders"), await wire.follow(BOOK, "diff-orders")

    assert {
        "action": "subscribe",
        "response": "ok",
        "time": NOW * 1000,
        "type": "diff-orders",
        "book": BOOK,
    } == first
    assert "Already subscribed to channel: diff-orders:btc_mxn" == second["response"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{", "invalid message"),
        ({"action": "more", "book": BOOK, "type": "trades"}, "unknown subscription"),
        ({"action": "subscribe", "book": "zzz_mxn", "type": "trades"}, "This book is not supported - zzz_mxn"),
        ({"action": "subscribe", "book": "BTC_MXN", "type": "trades"}, "This book is not supported - BTC_MXN"),
        ({"action": "subscribe", "book": BOOK, "type": "ticker"}, "This type of channel is not supported - ticker"),
    ],
)
async def test_what_cannot_be_read_is_refused(wire, message, words):
    """The text names book or type, and no field does."""
    refusal = await wire.ask(message)

    assert (words, False) == (refusal["error"], "book" in refusal)
    assert "ok" == (await wire.follow(BOOK, "trades"))["response"]


async def test_a_subscription_without_a_book_closes_the_socket(sim, wire):
    """Half a second later, with 1011."""
    await wire.send({"action": "subscribe", "type": "trades"})
    await wire.follow(BOOK, "trades")
    sim.advance(0.5)
    await wire.connection.wait_closed()

    assert 1011 == wire.connection.close_code


async def test_differences_lead_from_one_snapshot_to_the_next(sim, wire, http):
    """Applied to a snapshot of REST in the order of their sequence, frames give any later snapshot."""
    await wire.follow(BOOK, "diff-orders")
    first = await snapshot(http)
    sim.advance(3)
    last = await snapshot(http)
    frames = [frame for frame in await wire.until_refusal() if frame.get("type") == "diff-orders"]
    kept = orders(first)
    for frame in frames:
        apply(kept, frame["payload"])

    assert [*range(int(first["sequence"]) + 1, int(last["sequence"]) + 1)] == [frame["sequence"] for frame in frames]
    assert max(len(frame["payload"]) for frame in frames) > 1
    assert orders(last) == kept


async def test_frames_of_the_best_orders_are_those_of_the_kept_book(sim, wire, http):
    """The best twenty orders of each side are those of the true book, best first."""
    await wire.follow(BOOK, "orders")
    first = sim.book_at(Venue.BITSO, BOOK).sequence
    sim.advance(6)
    frames = [frame for frame in await wire.until_refusal() if frame.get("type") == "orders"]

    assert len(frames) > 2
    for frame in frames:
        last = sim.book_at(Venue.BITSO, BOOK, microtimestamp=frame["sent"] * 1000 + 999)
        # Several changes may have the same millisecond.
        numbers = range(max(first, last.sequence - 3), last.sequence + 1)
        states = [sim.book_at(Venue.BITSO, BOOK, sequence=number) for number in numbers]
        assert frame["payload"] in [
            {"bids": best(state.queue(Side.BUY)), "asks": best(state.queue(Side.SELL))} for state in states
        ]


def best(orders):
    """Return the best twenty orders of one side, as a frame shows them."""
    return [{**_order(order), "s": "undefined"} for order in orders[:20]]


async def test_trades_are_those_of_rest(sim, wire, http):
    """A trade has the id that REST shows, and the side of its taker."""
    await wire.follow(BOOK, "trades")
    sim.advance(300)
    frames = [frame for frame in await wire.until_refusal() if frame.get("type") == "trades"]
    told = [entry for frame in frames for entry in frame["payload"]]
    listed = (await http.get(f"/api/v3/trades?book={BOOK}&limit={len(told)}")).json()["payload"]

    assert len(told) > 5
    assert [(str(x["i"]), Decimal(x["r"]), Decimal(x["a"])) for x in reversed(told)] == [
        (row["tid"], Decimal(row["price"]), Decimal(row["amount"])) for row in listed
    ]
    assert [x["t"] for x in reversed(told)] == [{"buy": 1, "sell": 0}[row["maker_side"]] for row in listed]


async def test_a_sign_of_life_comes_every_twenty_seconds(sim, wire):
    """Even without a subscription."""
    await wire.until_refusal()
    sim.advance(60)

    assert [{"type": "ka"}] * 3 == await wire.until_refusal()


async def test_frames_may_trail_the_end_of_a_subscription(sim, wire):
    """A second later nothing comes any more."""
    await wire.follow(BOOK, "diff-orders")
    await wire.ask({"action": "unsubscribe", "book": BOOK, "type": "diff-orders"})
    sim.advance(1)
    await wire.until_refusal()
    sim.advance(1)

    assert [] == await wire.until_refusal()


async def test_a_dead_channel_lives_again_at_once(sim, wire):
    """Who subscribes again while frames may still trail has a new subscription."""
    await wire.follow(BOOK, "diff-orders")
    sim.bitso.sockets.kill_channel(f"diff-orders:{BOOK}")
    await wire.ask({"action": "unsubscribe", "book": BOOK, "type": "diff-orders"})
    await wire.follow(BOOK, "diff-orders")
    sim.advance(1)

    assert await wire.until_refusal()
    assert {f"diff-orders:{BOOK}": 2} == dict(sim.bitso.sockets.asked)


async def snapshot(http):
    """Return the whole book, order by order."""
    return (await http.get(f"/api/v3/order_book?book={BOOK}&aggregate=false")).json()["payload"]


def orders(book):
    """Return price and amount by side and order."""
    return {
        (side, row["oid"]): (Decimal(row["price"]), Decimal(row["amount"]))
        for side in ("bids", "asks")
        for row in book[side]
    }


def apply(kept, entries):
    """Apply a frame, as the documents have it."""
    for entry in entries:
        key = ("bids", "asks")[entry["t"]], entry["o"]
        if entry["s"] == "open":
            kept[key] = Decimal(entry["r"]), Decimal(entry["a"])
        else:
            del kept[key]
