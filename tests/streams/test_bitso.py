"""Public channels and books of Bitso, from a played server in virtual time."""

from datetime import timedelta
from decimal import Decimal

import pytest

from exchanges import BookStatus, bitso
from exchanges.bitso.streams import Streams
from exchanges.errors import ReadFailed, Unavailable
from exchanges.streams.delivery import Gap, GapReason
from tests.support.played_bitso import AT, BOOK, MILLIS, changes, confirms_and_sends, orders_read, streams, trades
from tests.support.streaming import START, items, played
from tests.support.virtual_time import in_virtual_time, settle


@in_virtual_time
async def test_several_trades_of_one_frame():
    """Each is handed out; ids are text, numbers are exact."""
    async with streams() as (live, server, _), live.trades(BOOK) as stream:
        server.last.send(trades(1, 2))
        server.last.send(trades(2, 3))
        found = await items(stream, 3)

    assert (["1", "2", "3"], Decimal("0.00120000"), "BUY") == (
        [t.tid for t in found],
        found[0].amount,
        found[0].side.name,
    )


@pytest.mark.parametrize("pages", [1, 1000])
@in_virtual_time
async def test_missed_trades_are_read_to_an_empty_page(pages):
    """Too many of them are a gap."""
    last = 5 + pages

    def read(book, marker, sort, limit):
        number = int(marker) + 1
        if number > last:
            return []
        side = bitso.Side.BUY
        trade = bitso.Trade(
            book=book, created_at=AT, amount=Decimal(1), maker_side=side, price=Decimal(2), tid=str(number)
        )
        return [trade]

    async with streams() as (live, server, host), live.trades(BOOK, backfill=True) as stream:
        host.answers["bitso.market.trades"] = read
        server.last.send(trades(5))
        await settle()
        server.last.drop()
        first, second = await items(stream, 2)

    if pages == 1:
        assert ("5", "6", "SELL") == (first.tid, second.tid, second.side.name)
    else:
        assert ("5", GapReason.RECONNECTED) == (first.tid, second.reason)


@pytest.mark.parametrize(
    ("listed", "expected"), [((3, 4, 5, 6), ["3", "5", "4", "6"]), ((4, 6), ["3", "5", "gap"]), ((), ["3", "5", "gap"])]
)
@in_virtual_time
async def test_what_a_list_of_missed_trades_shows(listed, expected):
    """Trades may change places; a list without the trade that it is joined to shows nothing."""

    def read(book, marker, **_):
        return [
            bitso.Trade(
                book=book, created_at=AT, amount=Decimal(1), maker_side=bitso.Side.BUY, price=Decimal(2), tid=str(tid)
            )
            for tid in listed
            if tid > int(marker)
        ]

    async with streams() as (live, server, host), live.trades(BOOK, backfill=True) as stream:
        host.answers["bitso.market.trades"] = read
        server.last.send(trades(3, 5))
        await settle()
        server.last.drop()
        found = await items(stream, len(expected))

    assert expected == ["gap" if isinstance(item, Gap) else item.tid for item in found]


@in_virtual_time
async def test_steps_of_a_book_are_counted():
    """One that is missing is a gap; the best orders are handed out as the newest alone."""
    async with streams() as (live, server, _), live.diff_orders(BOOK) as stream, live.orders(BOOK) as best:
        for sequence in (7, 8, 10):
            server.last.send(changes(sequence, ("a", "open", "1")))
        for amount in ("1", "2"):
            entry = {"o": "a", "t": 0, "r": "5", "a": amount, "v": "5", "s": "undefined", "d": MILLIS}
            payload = {"bids": [entry], "asks": []}
            server.last.send({"type": "orders", "book": BOOK, "payload": payload, "sent": MILLIS})
        found, top = await items(stream, 4), await anext(best)

    assert [7, 8, GapReason.CHAIN_BROKEN, 10] == [getattr(item, "sequence", None) or item.reason for item in found]
    assert (Decimal(2), 1) == (top.bids[0].amount, best.dropped)


@in_virtual_time
async def test_steps_that_are_counted_anew_are_not_doubles():
    """A gap stands before each whose number an older one has, as nobody knows what is between."""
    async with streams() as (live, server, _), live.diff_orders(BOOK) as stream:
        for sequence, oid in ((7, "a"), (8, "b"), (8, "b"), (7, "c"), (8, "d"), (9, "e")):
            server.last.send(changes(sequence, (oid, "open", "1")))
        found = await items(stream, 7)

    broken = GapReason.CHAIN_BROKEN
    assert ["a", "b", broken, "c", broken, "d", "e"] == [
        item.reason if isinstance(item, Gap) else item.payload[0].oid for item in found
    ]


@in_virtual_time
async def test_an_unknown_state_makes_the_book_unreadable():
    """A change that nobody can apply is lost."""
    async with played(Streams, on_frame=confirms_and_sends(changes(6))) as (live, server, host):
        host.answers["bitso.market.order_book"] = lambda book, aggregate: bitso.OrderBook(
            bids=(bitso.PriceLevel(book=book, price=Decimal(1), amount=Decimal(1), oid="b"),),
            asks=tuple(
                bitso.PriceLevel(book=book, price=Decimal(1181000), amount=Decimal(1), oid=oid) for oid in ("a", "x")
            ),
            updated_at=AT,
            sequence="6",
        )
        async with live.order_book(BOOK) as book:
            kept = book.snapshot()
            server.last.send(changes(7, ("x", "moved", "1")))

            assert ("6", Decimal(1)) == (kept.sequence, kept.bids[0].price)
            assert BookStatus.GOOD is not book.status


@pytest.mark.parametrize("at", [AT, START - timedelta(hours=1), START])
@in_virtual_time
async def test_an_order_book_of_any_age(at):
    """Without a frame that continues it an order book is not believed, and the error says what was waited for."""
    async with streams() as (live, _, host):
        host.answers["bitso.market.order_book"] = lambda **_: orders_read(at=at)
        with pytest.raises(Unavailable, match="no change has come yet that continues the order book that was read"):
            await live.order_book(BOOK).__aenter__()


@pytest.mark.parametrize(
    ("answer", "call_seconds", "words"),
    [
        (ReadFailed("bitso.market.order_book at bitso.com: status 503"), 0.0, "at bitso.com: status 503"),
        (
            orders_read(name="eth_mxn"),
            0.0,
            "that bitso.market.order_book answered cannot be used: an order that is not of btc_mxn",
        ),
        (orders_read("7"), 99.0, "bitso.market.order_book is under way: unanswered, or waiting for its limit"),
        (orders_read("7"), 0.0, "so it may be old"),
    ],
    ids=["refused", "useless", "unanswered", "nothing wrong with it"],
)
@in_virtual_time
async def test_a_book_that_cannot_be_entered_says_what_its_reads_gave(answer, call_seconds, words):
    """What was called, where, what came, and what to do; nothing of it once a read was right."""

    def read(**_):
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with streams() as (live, _, host):
        host.answers["bitso.market.order_book"], host.call_seconds = read, call_seconds
        with pytest.raises(Unavailable) as caught:
            await live.order_book(BOOK).__aenter__()

    assert str(caught.value).endswith(f"{words}; try again, or allow more time (timeout_seconds)")


@pytest.mark.parametrize(
    "useless",
    [
        *[orders_read(number) for number in ("1_0", "-5", "+6", " 6", "\u0666", "0", "000", "", "6.0", "9" * 5000)],
        orders_read("0", oids=()),
        orders_read(name="eth_mxn"),
    ],
    ids=lambda book: f"{book.sequence:.5}-{len(book.bids)}",
)
@in_virtual_time
async def test_an_order_book_that_is_of_no_use(useless):
    """Its number is none, or it is of another book: however often it comes, the book begins with the next."""
    answers = [useless, useless]
    async with played(Streams, on_frame=confirms_and_sends(changes(7))) as (live, _, host):
        host.answers["bitso.market.order_book"] = lambda **_: answers.pop() if answers else orders_read("7")
        async with live.order_book(BOOK) as book:
            assert ("7", [Decimal(1)]) == (book.snapshot().sequence, [level.price for level in book.bids])


@in_virtual_time
async def test_an_order_book_from_the_future():
    """One is a lie, not a clock that was set."""
    answers = [orders_read(at=START + timedelta(days=400))]
    async with played(Streams, on_frame=confirms_and_sends(changes(7))) as (live, _, host):
        host.answers["bitso.market.order_book"] = lambda **_: answers.pop() if answers else orders_read("7")
        async with live.order_book(BOOK) as book:
            assert ("7", START) == (book.snapshot().sequence, book.as_of)
