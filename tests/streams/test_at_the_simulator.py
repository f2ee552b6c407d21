"""Streams over real sockets: the client and the simulator together."""

import asyncio
import time
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

import exchanges
from exchanges import Bitso, Bitstamp, Kind, OutcomeUnknown
from exchanges.bitso import UserTrade
from exchanges.bitso.streams import own_events
from exchanges.errors import AuthenticationFailed, InvalidRequest, NotSent, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.simulator import Faults, Venue
from exchanges.simulator.venues.socket_controls import Cut
from tests.support.sending import closed_port
from tests.support.simulator_calls import simulated

pytestmark = pytest.mark.sweep


@pytest.fixture
async def sim():
    """Both exchanges, whose time passes faster than ours."""
    async with simulated(Venue.BITSO, Venue.BITSTAMP) as simulator:
        passing = asyncio.create_task(_pass_time(simulator))
        yield simulator
        passing.cancel()


async def _pass_time(simulator):
    while True:
        simulator.advance(0.2)
        await asyncio.sleep(0.01)


@pytest.fixture
async def bitstamp(sim):
    """A client for public calls: signatures of a time that passes faster would be refused."""
    async with Bitstamp(base_url=sim.base_url) as client:
        yield client


@asynccontextmanager
async def account_at_bitstamp():
    """A simulator whose time is ours, and an account there."""
    async with (
        simulated(Venue.BITSTAMP, clock=time.time) as sim,
        Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)) as client,
    ):
        yield sim, client


@pytest.fixture
async def bitso(sim):
    """An account at Bitso."""
    async with Bitso(base_url=sim.base_url, **sim.account(Venue.BITSO)) as client:
        yield client


@pytest.fixture(autouse=True)
async def _nothing_is_left():
    """No task outlives a test."""
    yield
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("streams")]
    assert [] == left


def micros(moment):
    """A moment in microseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def amounts(side):
    """Prices and amounts."""
    return [(level.price, level.amount) for level in side]


async def test_a_kept_book_is_the_true_one(sim, bitstamp):
    """At its own moment, step by step."""
    async with bitstamp.streams.order_book("btcusd") as book:
        for _ in range(5):
            await anext(book)
            true = sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=micros(book.as_of))

            assert amounts(true.bids[:100]) == amounts(book.bids)
            assert amounts(true.asks[:100]) == amounts(book.asks)


async def test_an_exact_book_is_the_true_one(sim, bitso):
    """At its own number."""
    async with bitso.streams.order_book("btc_mxn") as book:
        for _ in range(5):
            await anext(book)
            kept = book.snapshot()
            true = sim.book_at(Venue.BITSO, "btc_mxn", sequence=int(kept.sequence))

            assert amounts(true.bids) == amounts(kept.bids)
            assert amounts(true.asks) == amounts(kept.asks)


@pytest.mark.parametrize("how", [Cut.CLOSE, Cut.HANG_UP, Cut.RESET])
async def test_a_cut_socket_is_opened_again(sim, bitso, how):
    """With the channels that it had, each once."""
    async with bitso.streams.order_book("btc_mxn") as book, bitso.streams.trades("btc_mxn") as trades:
        sim.bitso.sockets.cut(how)
        gap = await anext(trades)
        while book.status is not exchanges.BookStatus.GOOD:
            await anext(book)

        assert exchanges.GapReason.RECONNECTED is gap.reason
        assert {"diff-orders:btc_mxn": 1, "trades:btc_mxn": 1} == dict(sim.bitso.sockets.subscriptions)
    assert 0 == len(sim.bitso.sockets.subscriptions)


async def test_own_orders_are_told():
    """As they happen, by a connection of their own."""
    async with account_at_bitstamp() as (_, client), client.streams.my_orders("btcusd") as orders:
        placed = await client.trading.buy(market="btcusd", amount="0.01", price="20000")
        created = await anext(orders)
        await client.trading.cancel_order(order_id=placed.id)
        deleted = await anext(orders)

    assert [("order_created", placed.id, Decimal("0.01")), ("order_deleted", placed.id, Decimal("0.01"))] == [
        (event.event.value, event.order.id, event.order.amount) for event in (created, deleted)
    ]
    assert [Decimal(0)] * 2 == [created.executed, deleted.executed]


async def test_own_orders_are_found_in_public_channels(sim, bitso, monkeypatch):
    """Placed, traded and cancelled; a trade is the account's own."""
    monkeypatch.setattr(own_events, "MOST", 10**6)  # the book changes fast, and a busy machine is slow
    async with bitso.streams.my_orders("btc_mxn") as orders:
        price = (await bitso.market.ticker("btc_mxn")).bid
        arguments = {"book": "btc_mxn", "order_type": "limit"}
        resting = await bitso.trading.place_order(**arguments, side="buy", major="0.01", price=f"{price / 2:.2f}")
        await bitso.trading.cancel_order(resting)
        taking = await bitso.trading.place_order(**arguments, side="buy", major="0.02", price=f"{price * 2:.2f}")
        events, traded = [], Decimal(0)
        while traded < Decimal("0.02"):
            item = await anext(orders)
            if isinstance(item, UserTrade):
                traded += item.major
                assert taking == item.oid
            else:
                events.append((item.oid, item.status.value))

    assert [(resting, "open"), (resting, "cancelled")] == [event for event in events if event[0] == resting]


async def test_an_event_resolves_a_call_whose_answer_is_lost():
    """It names the client's id of the order, which is then read."""
    async with account_at_bitstamp() as (sim, client), client.streams.my_orders("btcusd") as orders:
        sim.faults = Faults({"close after executing": 1}, kinds={Kind.MONEY})
        with pytest.raises(OutcomeUnknown) as caught:
            await client.trading.buy(market="btcusd", amount="0.01", price="20000")
        sim.faults = Faults()
        event = await anext(orders)
        while client.unresolved:  # noqa: ASYNC110 - what ends it is no event of ours
            await asyncio.sleep(0.01)

        assert caught.value.intent.tag == event.order.client_order_id


async def test_followed_books_of_two_exchanges(bitso, bitstamp):
    """Moving from poll to streams is one line."""
    sources = {"bitso": bitso.streams.order_book("btc_mxn"), "bitstamp": bitstamp.streams.order_book("btcusd")}
    seen = {}
    async with exchanges.follow[exchanges.MarketOrderBook](sources) as updates:
        async for update in updates:
            seen[update.source] = update.value.bids[0].price < update.value.asks[0].price
            if len(seen) == 2:
                break

    assert {"bitso": True, "bitstamp": True} == seen


async def test_unknown_markets_are_refused(bitso, bitstamp):
    """One exchange says so itself, the other only by its list."""
    for stream in (bitso.streams.trades("zzz_mxn"), bitstamp.streams.trades("zzzusd")):
        with pytest.raises(InvalidRequest, match="zzz"):
            async with stream:
                pass


async def test_a_private_channel_needs_a_key(sim):
    """Nothing is subscribed to without one, nor with a wrong one."""
    async with Bitstamp(base_url=sim.base_url) as client:
        with pytest.raises(UsageError, match="api_key"):
            async with client.streams.my_orders("btcusd"):
                pass
    keys = {**sim.account(Venue.BITSTAMP), "api_secret": "wrong"}
    async with Bitstamp(base_url=sim.base_url, **keys) as client:
        with pytest.raises(AuthenticationFailed):
            async with client.streams.my_orders("btcusd"):
                pass


async def test_nobody_listens():
    """The error says that nothing was sent, and why."""
    async with Bitso(base_url=f"http://127.0.0.1:{closed_port()}") as client:
        with pytest.raises(NotSent, match=r"no connection within 0\.5 s"):
            async with client.streams.trades("btc_mxn", timeout_seconds=0.5):
                pass


async def test_a_mocked_client_has_no_streams():
    """A test whose calls are mocked must not reach a real server in another way."""
    import httpx

    async with Bitso(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        with pytest.raises(UsageError, match="transport="):
            async with client.streams.trades("btc_mxn"):
                pass


async def test_websockets_is_an_extra(sim, monkeypatch):
    """Without it the error names the extra."""
    import sys

    monkeypatch.setitem(sys.modules, "exchanges.streams.connection", None)
    async with Bitso(base_url=sim.base_url) as client:
        with pytest.raises(UsageError, match=r"aioexchanges\[streams\]"):
            async with client.streams.trades("btc_mxn"):
                pass


async def test_a_client_closes_with_open_streams(sim):
    """Its readers come to their end, and no socket is left."""
    client = Bitso(base_url=sim.base_url)
    stream = client.streams.trades("btc_mxn")
    await stream.__aenter__()
    await client.aclose()

    assert [] == [item async for item in stream]
    with pytest.raises(UsageError, match="closed"):
        async with client.streams.trades("btc_mxn"):
            pass
    while sim.bitso.sockets.count:  # noqa: ASYNC110 - the other side closes by itself
        await asyncio.sleep(0.01)


async def test_a_socket_that_is_refused(sim, bitso):
    """The status is in the message."""
    sim.bitso.sockets.refuse(503)
    with pytest.raises(NotSent, match="status 503"):
        async with bitso.streams.trades("btc_mxn", timeout_seconds=0.5):
            pass


def test_the_rate_of_order_books():
    """Reads of books keep to what the limit sustains, that of the caller where there is one."""
    from exchanges.bitso.streams.books import BOOK

    limit = Limit("bitso public", (Window(10, per_seconds=10.0),), Scope.ADDRESS)
    clients = [Bitso(), Bitso(limits=[limit]), Bitso(limits=None)]
    rates = [client._hub().host.per_second(BOOK.seed) for client in clients]

    assert [0.9, 0.9, None] == rates
