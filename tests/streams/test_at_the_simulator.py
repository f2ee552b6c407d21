"""Streams over real sockets, of client and simulator together, in a loop that does not wait."""

from decimal import Decimal

import pytest

import exchanges
from exchanges import Bitso, Bitstamp, Kind, OutcomeUnknown
from exchanges.bitso import UserTrade
from exchanges.errors import AuthenticationFailed, InvalidRequest, NotSent, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.simulator import Faults, Venue
from exchanges.simulator.venues.socket_controls import Cut
from tests.support.hasty_loop import in_hasty_time
from tests.support.sending import closed_port
from tests.support.streamed import bitso, bitstamp, exchange_world, until

pytestmark = pytest.mark.sweep


def micros(moment):
    """A moment in microseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def amounts(side):
    """Prices and amounts."""
    return [(level.price, level.amount) for level in side]


@in_hasty_time
async def test_a_kept_book_is_the_true_one():
    """At its own moment, step by step."""
    async with exchange_world(0) as sim, bitstamp(sim) as client, client.streams.order_book("btcusd") as book:
        for _ in range(5):
            await anext(book)
            true = sim.book_at(Venue.BITSTAMP, "btcusd", microtimestamp=micros(book.as_of))

            assert amounts(true.bids[:100]) == amounts(book.bids)
            assert amounts(true.asks[:100]) == amounts(book.asks)


@in_hasty_time
async def test_an_exact_book_is_the_true_one():
    """At its own number."""
    async with exchange_world(0) as sim, bitso(sim) as client, client.streams.order_book("btc_mxn") as book:
        for _ in range(5):
            await anext(book)
            kept = book.snapshot()
            true = sim.book_at(Venue.BITSO, "btc_mxn", sequence=int(kept.sequence))

            assert amounts(true.bids) == amounts(kept.bids)
            assert amounts(true.asks) == amounts(kept.asks)


@pytest.mark.parametrize("how", [Cut.CLOSE, Cut.HANG_UP, Cut.RESET])
@in_hasty_time
async def test_a_cut_socket_is_opened_again(how):
    """With the channels that it had, each once."""
    async with exchange_world(0) as sim, bitso(sim) as client:
        async with client.streams.order_book("btc_mxn") as book, client.streams.trades("btc_mxn") as trades:
            sim.bitso.sockets.cut(how)
            gap = await anext(trades)
            while book.status is not exchanges.BookStatus.GOOD:
                await anext(book)

            assert exchanges.GapReason.RECONNECTED is gap.reason
            assert {"diff-orders:btc_mxn": 1, "trades:btc_mxn": 1} == dict(sim.bitso.sockets.subscriptions)
        assert 0 == len(sim.bitso.sockets.subscriptions)


@in_hasty_time
async def test_own_orders_are_told():
    """As they happen, by a connection of their own."""
    async with exchange_world(0) as sim, bitstamp(sim) as client, client.streams.my_orders("btcusd") as orders:
        placed = await client.trading.buy(market="btcusd", amount="0.01", price="20000")
        created = await anext(orders)
        await client.trading.cancel_order(order_id=placed.id)
        deleted = await anext(orders)

    assert [("order_created", placed.id, Decimal("0.01")), ("order_deleted", placed.id, Decimal("0.01"))] == [
        (event.event.value, event.order.id, event.order.amount) for event in (created, deleted)
    ]
    assert [Decimal(0)] * 2 == [created.executed, deleted.executed]


@in_hasty_time
async def test_own_orders_are_found_in_public_channels():
    """Placed, traded and cancelled; a trade is the account's own."""
    async with exchange_world(0) as sim, bitso(sim) as client, client.streams.my_orders("btc_mxn") as orders:
        price = (await client.market.ticker("btc_mxn")).bid
        arguments = {"book": "btc_mxn", "order_type": "limit"}
        resting = await client.trading.place_order(**arguments, side="buy", major="0.01", price=f"{price / 2:.2f}")
        await client.trading.cancel_order(resting)
        taking = await client.trading.place_order(**arguments, side="buy", major="0.02", price=f"{price * 2:.2f}")
        events, traded = [], Decimal(0)
        while traded < Decimal("0.02"):
            item = await anext(orders)
            if isinstance(item, UserTrade):
                traded += item.major
                assert taking == item.oid
            else:
                events.append((item.oid, item.status.value))

    assert [(resting, "open"), (resting, "cancelled")] == [event for event in events if event[0] == resting]


@in_hasty_time
async def test_an_event_resolves_a_call_whose_answer_is_lost():
    """It names the client's id of the order, which is then read."""
    async with exchange_world(0) as sim, bitstamp(sim) as client, client.streams.my_orders("btcusd") as orders:
        sim.faults = Faults({"close after executing": 1}, kinds={Kind.MONEY})
        with pytest.raises(OutcomeUnknown) as caught:
            await client.trading.buy(market="btcusd", amount="0.01", price="20000")
        sim.faults = Faults()
        event = await anext(orders)

        assert await until(lambda: not client.unresolved, 10.0)
        assert caught.value.intent.tag == event.order.client_order_id


@in_hasty_time
async def test_followed_books_of_two_exchanges():
    """Moving from poll to streams is one line."""
    seen = {}
    async with exchange_world(0) as sim, bitso(sim) as one, bitstamp(sim) as two:
        sources = {"bitso": one.streams.order_book("btc_mxn"), "bitstamp": two.streams.order_book("btcusd")}
        async with exchanges.follow[exchanges.MarketOrderBook](sources) as updates:
            async for update in updates:
                seen[update.source] = update.value.bids[0].price < update.value.asks[0].price
                if len(seen) == 2:
                    break

    assert {"bitso": True, "bitstamp": True} == seen


@in_hasty_time
async def test_unknown_markets_are_refused():
    """One exchange says so itself, the other only by its list."""
    async with exchange_world(0) as sim, bitso(sim) as one, bitstamp(sim) as two:
        for stream in (one.streams.trades("zzz_mxn"), two.streams.trades("zzzusd")):
            with pytest.raises(InvalidRequest, match="zzz"):
                async with stream:
                    pass


@in_hasty_time
async def test_a_private_channel_needs_a_key():
    """Nothing is subscribed to without one, nor with a wrong one."""
    async with exchange_world(0) as sim:
        async with Bitstamp(base_url=sim.base_url) as client:
            with pytest.raises(UsageError, match="api_key"):
                async with client.streams.my_orders("btcusd"):
                    pass
        keys = {**sim.account(Venue.BITSTAMP), "api_secret": "wrong"}
        async with Bitstamp(base_url=sim.base_url, clock=lambda: sim.now, **keys) as client:
            with pytest.raises(AuthenticationFailed):
                async with client.streams.my_orders("btcusd"):
                    pass


@in_hasty_time
async def test_nobody_listens():
    """The error says that nothing was sent, and why."""
    async with Bitso(base_url=f"http://127.0.0.1:{closed_port()}") as client:
        with pytest.raises(NotSent, match=r"no connection within 0\.5 s"):
            async with client.streams.trades("btc_mxn", timeout_seconds=0.5):
                pass


@in_hasty_time
async def test_a_mocked_client_has_no_streams():
    """A test whose calls are mocked must not reach a real server in another way."""
    import httpx

    async with Bitso(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        with pytest.raises(UsageError, match="transport="):
            async with client.streams.trades("btc_mxn"):
                pass


@in_hasty_time
async def test_websockets_is_an_extra(monkeypatch):
    """Without it the error names the extra."""
    import sys

    monkeypatch.setitem(sys.modules, "exchanges.streams.connection", None)
    async with exchange_world(0) as sim, bitso(sim) as client:
        with pytest.raises(UsageError, match=r"aioexchanges\[streams\]"):
            async with client.streams.trades("btc_mxn"):
                pass


@in_hasty_time
async def test_a_client_closes_with_open_streams():
    """Its readers come to their end, and no socket is left."""
    async with exchange_world(0) as sim:
        client = bitso(sim)
        stream = client.streams.trades("btc_mxn")
        await stream.__aenter__()
        await client.aclose()

        assert [] == [item async for item in stream]
        with pytest.raises(UsageError, match="closed"):
            async with client.streams.trades("btc_mxn"):
                pass
        assert await until(lambda: sim.bitso.sockets.count == 0, 10.0)


@in_hasty_time
async def test_a_socket_that_is_refused():
    """The status is in the message."""
    async with exchange_world(0) as sim, bitstamp(sim) as client:
        sim.bitstamp.sockets.refuse(503)
        with pytest.raises(NotSent, match="status 503"):
            async with client.streams.trades("btcusd", timeout_seconds=0.5):
                pass


def test_the_rate_of_order_books():
    """Reads of books keep to what the limit sustains, that of the caller where there is one."""
    from exchanges.bitso.streams.books import BOOK

    limit = Limit("bitso public", (Window(10, per_seconds=10.0),), Scope.ADDRESS)
    clients = [Bitso(), Bitso(limits=[limit]), Bitso(limits=None)]
    rates = [client._hub().host.per_second(BOOK.seed) for client in clients]

    assert [0.9, 0.9, None] == rates
