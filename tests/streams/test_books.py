"""Kept order books, from a played server in virtual time."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import exchanges
from exchanges import BookStatus, BookUnknown, bitstamp
from exchanges.bitstamp.streams import Streams
from exchanges.errors import NotSent, ReadFailed, UsageError
from exchanges.streams import BookChange, Connected, Disconnected, Moved, Resynchronised, Subscribed
from tests.support.played_bitstamp import SUBSCRIBE, markets, trade
from tests.support.streaming import START, confirms, items, played
from tests.support.virtual_time import elapsed, in_virtual_time, settle

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOP, DIFF = "order_book_btcusd", "diff_order_book_btcusd"


def micros(seconds):
    """The exchange's moment so many seconds after the start of a test."""
    return (START + timedelta(seconds=seconds) - EPOCH) // timedelta(microseconds=1)


def frame(seconds, bids, asks, channel=TOP):
    """The frame of a book."""
    at = micros(seconds)
    data = {"timestamp": str(at // 10**6), "microtimestamp": str(at), "bids": bids, "asks": asks}
    return {"data": data, "channel": channel, "event": "data"}


def read(seconds, bids, asks):
    """The same book, as REST shows it."""
    sides = (
        tuple(bitstamp.PriceLevel(Decimal(price), Decimal(amount)) for price, amount in side) for side in (bids, asks)
    )
    at = START + timedelta(seconds=seconds)
    return bitstamp.OrderBook(
        bids=next(sides), asks=next(sides), timestamp=at.replace(microsecond=0), microtimestamp=at
    )


BIDS, ASKS = [["99", "1"], ["98", "2"]], [["101", "1"], ["102", "3"]]


def streams(on_frame=confirms):
    """A played Bitstamp."""
    return played(Streams, on_frame=on_frame)


async def opened(live, server, host, **options):
    """A book that was entered, with one frame."""
    markets(host)
    host.answers.setdefault("bitstamp.market.order_book", lambda **_: read(elapsed(), BIDS, ASKS))
    book = live.order_book("btcusd", **options)
    entering = asyncio.create_task(book.__aenter__())
    await settle()
    server.last.send(frame(elapsed(), BIDS, ASKS))
    await entering
    return book


@in_virtual_time
async def test_a_book_is_read_like_that_of_rest():
    """Best prices first, exact numbers; a snapshot is the model of REST and never changes."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        snapshot = book.snapshot()
        server.last.send(frame(1, [["97", "5.50"]], ASKS))

        assert (Decimal(97), Decimal("5.50")) == (book.bids[0].price, book.bids[0].amount)
        assert read(0, BIDS, ASKS) == snapshot
        assert (START + timedelta(seconds=1), BookStatus.GOOD, 100) == (book.as_of, book.status, book.depth)
        assert "live" in repr(book)
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_reader_gets_the_newest_state():
    """Changes in between are counted."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        await anext(book)
        for second in range(1, 6):
            server.last.send(frame(second, [[str(90 + second), "1"]], ASKS))

        assert BookChange(BookStatus.GOOD, 4) == await anext(book)
        assert Decimal(95) == book.bids[0].price
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_lost_connection_makes_the_book_unreadable_at_once():
    """Its reader is woken, and reading raises until a frame has come on the next connection."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        await anext(book)
        bids = book.bids
        server.last.drop()
        await settle()

        change = await anext(book)
        assert (BookStatus.DISCONNECTED, True) == (change.status, "lost" in change.cause)
        for access in (lambda: book.bids, lambda: book.asks, lambda: bids[0], book.snapshot):
            with pytest.raises(BookUnknown) as caught:
                access()
            assert (BookStatus.DISCONNECTED, START) == (caught.value.book_status, caught.value.since)
        assert (2, 2) == tuple(map(len, book.last_known))
        await asyncio.sleep(1.2)
        server.last.send(frame(2, [["90", "1"]], ASKS))
        assert (Decimal(90), BookStatus.GOOD) == (book.bids[0].price, book.status)
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_book_that_is_left_is_closed():
    """Nothing of it can be read any more."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        await book.__aexit__(None, None, None)

        assert (BookStatus.CLOSED, None) == (book.status, book.cause)
        with pytest.raises(BookUnknown, match="outside its block"):
            _ = book.bids
        with pytest.raises(StopAsyncIteration):
            await anext(book)


@in_virtual_time
async def test_two_readers_share_one_book():
    """The second has it at once; with other settings it is kept once more, from the same subscription."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        async with live.order_book("btcusd") as shared:
            assert shared.bids[0] == book.bids[0]
            entering = asyncio.create_task(live.order_book("btcusd", audit_seconds=5).__aenter__())
            await settle()
            server.last.send(frame(1, [["97", "1"]], ASKS))
            other = await entering
            await shared.__aexit__(None, None, None)

        assert Decimal(97) == other.bids[0].price == book.bids[0].price
        assert 1 == sum(sent["event"] == "bts:subscribe" for sent in server.last.sent)
        await book.__aexit__(None, None, None)
        assert server.last.is_open
        await other.__aexit__(None, None, None)
        assert not server.last.is_open


@in_virtual_time
async def test_all_levels_are_confirmed_before_they_are_shown():
    """Two order books of REST are needed; the second must equal what is kept."""
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.order_book"] = lambda **_: read(elapsed(), BIDS, ASKS)
        entering = asyncio.create_task(live.order_book("btcusd", depth=None).__aenter__())
        for second in range(1, 10):
            await asyncio.sleep(1)
            if server.connections:
                server.last.send(frame(second, [["50", "0" if second % 2 else "1"]], [], DIFF))
        book = await entering

        reads = [arguments for name, arguments in host.calls if name == "bitstamp.market.order_book"]
        assert [{"market": "btcusd", "group": 1}] * 2 == reads[:2]
        assert (None, True) == (book.depth, book.verified_at is not None)
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_read_that_fails_is_tried_again():
    """The book stays unreadable meanwhile."""
    async with streams() as (live, _, host):
        failures = [ReadFailed("no answer"), ReadFailed("no answer")]

        def order_book(**_):
            if failures:
                raise failures.pop()
            return read(elapsed(), BIDS, ASKS)

        markets(host)
        host.answers["bitstamp.market.order_book"] = order_book
        async with live.order_book("btcusd") as book:  # no frame comes: a quiet market is seeded from REST
            assert (Decimal(99), []) == (book.bids[0].price, failures)


@in_virtual_time
async def test_a_frame_that_cannot_be_read_makes_the_book_unreadable():
    """A change is lost, whichever channel it was of."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        for bad in (b"{", b'{"event":"data","channel":"order_book_btcusd","data":{"bids":1}}'):
            server.last.send(bad)

            with pytest.raises(BookUnknown):
                _ = book.bids
            server.last.send(frame(elapsed() + 1, BIDS, ASKS))
            assert 2 == len(book.bids)
            await asyncio.sleep(2)
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_move_never_shows_an_old_book():
    """The second connection's book takes over when it is good; the first is read until then."""
    async with streams() as (live, server, host):
        book, events = await opened(live, server, host), live.events()
        old = server.last
        old.send({"event": "bts:request_reconnect", "channel": "", "data": None})
        await settle(60)
        assert (2, True) == (len(server.connections), old.is_open)
        old.send(frame(1, [["98", "1"]], ASKS))
        assert Decimal(98) == book.bids[0].price
        server.last.send(frame(2, [["97", "1"]], ASKS))
        assert Decimal(97) == book.bids[0].price
        await asyncio.sleep(3)

        assert (Decimal(97), BookStatus.GOOD, False) == (book.bids[0].price, book.status, old.is_open)
        assert Moved("127.0.0.1:1") in [await anext(events) for _ in range(3)]
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_move_is_no_step_back():
    """A second connection that is behind takes over only when it has caught up."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        old = server.last
        old.send({"event": "bts:request_reconnect", "channel": "", "data": None})
        await settle(60)
        old.send(frame(5, [["98", "1"]], ASKS))
        server.last.send(frame(3, [["97", "1"]], ASKS))
        await settle(60)
        assert (Decimal(98), True) == (book.bids[0].price, old.is_open)
        server.last.send(frame(6, [["96", "1"]], ASKS))
        assert Decimal(96) == book.bids[0].price
        await asyncio.sleep(3)

        assert (Decimal(96), False) == (book.bids[0].price, old.is_open)
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_a_move_that_is_cut_short():
    """The connection ends before the second is good: nothing is shown until that is."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        old = server.last
        old.send({"event": "bts:request_reconnect", "channel": "", "data": None})
        await settle(60)
        old.drop()
        await settle(60)
        assert (BookStatus.SYNCING, 2) == (book.status, len(server.connections))
        server.last.send(frame(2, [["97", "1"]], ASKS))

        assert Decimal(97) == book.bids[0].price
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_events_say_what_happens():
    """Connections, channels, books that became readable again."""
    async with streams() as (live, server, host):
        events = live.events()
        book = await opened(live, server, host)
        server.last.drop()
        await asyncio.sleep(1.5)
        server.last.send(frame(2, BIDS, ASKS))
        came = [type(event) for event in await items(events, 7)]

        assert [Connected, Subscribed, Resynchronised, Disconnected, Connected, Subscribed, Resynchronised] == came
        await book.__aexit__(None, None, None)
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@pytest.mark.parametrize("options", [{"depth": 50}, {"audit_seconds": 0}, {"max_age_seconds": "5"}])
@in_virtual_time
async def test_wrong_options_are_refused(options):
    """Before anything is sent."""
    async with streams() as (live, _, host):
        with pytest.raises(UsageError):
            live.order_book("btcusd", **options)

        assert [] == host.calls


@in_virtual_time
async def test_followed_books():
    """The newest of each, as poll would hand it out; what cannot be read is an error."""
    async with streams() as (live, server, host):
        markets(host)
        host.answers["bitstamp.market.order_book"] = lambda **_: read(elapsed(), BIDS, ASKS)
        sources = {"good": live.order_book("btcusd"), "none": live.order_book("zzzusd")}
        async with exchanges.follow(sources) as updates:
            refused = await anext(updates)
            await settle()
            server.last.send(frame(1, BIDS, ASKS))
            good = await anext(updates)
            for second in (2, 3, 4):
                await settle()
                server.last.send(frame(second, [[str(90 + second), "1"]], ASKS))
            await settle()
            newest = await anext(updates)
            server.last.drop()
            await settle()
            lost = await anext(updates)

        assert ("none", "InvalidRequest") == (refused.source, type(refused.error).__name__)
        assert ("good", Decimal(99), None) == (good.source, good.value.bids[0].price, good.error)
        assert (Decimal(94), 2) == (newest.value.bids[0].price, newest.dropped)
        assert (None, BookStatus.DISCONNECTED) == (lost.value, lost.error.book_status)
        assert [] == server.open


@in_virtual_time
async def test_following_tries_again():
    """What cannot be entered because of the network is entered later."""
    async with streams() as (live, server, host):
        markets(host)
        server.refusals = 10**9
        trades = live.trades("btcusd", timeout_seconds=10)
        async with exchanges.follow({"trades": trades}) as updates:
            first = await anext(updates)
            server.refusals = 0
            while SUBSCRIBE not in ((server.connections and server.last.sent) or ()):  # noqa: ASYNC110
                await asyncio.sleep(1)
        assert isinstance(first.error, NotSent)


@in_virtual_time
async def test_following_is_checked():
    """What is no stream, and what was not entered."""
    async with streams() as (live, _, _):
        for wrong in ({}, [], {1: live.trades("btcusd")}, {"a": 1}):
            with pytest.raises(UsageError, match="follow"):
                exchanges.follow(wrong)
        updates = exchanges.follow({"a": live.trades("btcusd")})
        with pytest.raises(UsageError, match="enter the block"):
            await anext(updates)
        assert "['a']" in repr(updates)


@in_virtual_time
async def test_trades_without_frames_of_the_book_raise_a_doubt():
    """A channel that is dead while its market trades is compared with REST at once."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        async with live.trades("btcusd"):
            await asyncio.sleep(20)
            server.last.send(trade(1))
            host.answers["bitstamp.market.order_book"] = lambda **_: read(elapsed() - 1, BIDS, ASKS)
            await asyncio.sleep(4)
            assert BookStatus.GOOD is book.status
            before = len(host.calls)
            await asyncio.sleep(2)

            assert before < len(host.calls)
        await book.__aexit__(None, None, None)


@in_virtual_time
async def test_trades_with_frames_of_the_book_raise_none():
    """A frame shortly before or after explains the trade."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        async with live.trades("btcusd"):
            server.last.send(trade(1))
            server.last.send(trade(2))
            before = len(host.calls)
            await asyncio.sleep(10)

            assert (before, BookStatus.GOOD) == (len(host.calls), book.status)
        await book.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"bids": ', '"bids": [["97", "1"]], "bids": '),
        ('"event": "data"', '"event": "trade"'),
        ('"timestamp": "', '"timestamp": "1'),
        ('"bids": ', '"market": "ethusd", "bids": '),
        ('"bids": ', '"pair": "ETH/USD", "bids": '),
    ],
)
@in_virtual_time
async def test_a_frame_that_contradicts_itself(before, after):
    """The book cannot be read until the next frame."""
    async with streams() as (live, server, host):
        book = await opened(live, server, host)
        good = json.dumps(frame(1, BIDS, ASKS))
        server.last.send(good.replace(before, after, 1).encode())

        assert (BookStatus.RESYNCING, True) == (book.status, before in good)
        server.last.send(json.dumps(frame(2, BIDS, ASKS)).replace('"bids"', '"pair": "BTC/USD", "bids"').encode())

        assert BookStatus.GOOD is book.status
