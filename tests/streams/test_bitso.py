"""Channels of Bitso, and own orders that are found in them, from a played server in virtual time."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges import BookStatus, bitso
from exchanges.bitso.streams import OwnOrder, Streams, own_events
from exchanges.errors import DecodeError, NotFound, ReadFailed, Unavailable, UsageError
from exchanges.streams.delivery import Gap, GapReason
from tests.support.streaming import START, confirms_at_bitso, items, played
from tests.support.virtual_time import in_virtual_time, settle

AT = datetime(2026, 11, 1, tzinfo=UTC)
BOOK = "btc_mxn"
MILLIS = 1789000304111


def streams():
    """A played Bitso."""
    return played(Streams, on_frame=confirms_at_bitso)


def trades(*numbers, maker="maker", taker="taker"):
    """A frame of trades."""
    payload = [
        {"i": n, "a": "0.00120000", "r": "1180000", "v": "1416.0", "mo": maker, "to": taker, "t": 0, "x": MILLIS}
        for n in numbers
    ]
    return {"type": "trades", "book": BOOK, "payload": payload, "sent": MILLIS}


def confirms_and_sends(frame):
    """Confirm subscriptions, each followed by a frame."""

    def answer(connection, asked):
        confirms_at_bitso(connection, asked)
        connection.send(frame)

    return answer


def changes(sequence, *entries):
    """A frame of changes; each entry is an order id, a state and an amount."""
    payload = [
        {"o": oid, "t": 1, "r": "1181000", "s": state, "d": MILLIS, "z": MILLIS, **({"a": amount} if amount else {})}
        for oid, state, amount in entries
    ]
    return {"type": "diff-orders", "book": BOOK, "payload": payload, "sequence": sequence, "sent": MILLIS}


def order(oid, status="open", left="1", **more):
    """An order, as it is read."""
    return bitso.Order(
        oid=oid,
        book=BOOK,
        side=bitso.Side.SELL,
        type=bitso.OrderType.LIMIT,
        status=bitso.OrderStatus(status),
        created_at=AT,
        unfilled_amount=Decimal(left),
        price=Decimal(1181000),
        **more,
    )


def own_trade(tid, oid="mine", **more):
    """An own trade, as it is read."""
    return bitso.UserTrade(
        tid=str(tid),
        oid=oid,
        book=BOOK,
        side=bitso.Side.SELL,
        price=Decimal(1181000),
        major=Decimal(-1),
        minor=Decimal(1181000),
        fees_amount=Decimal(1),
        fees_currency="mxn",
        created_at=AT,
        **more,
    )


class Account:
    """The account at the exchange: what its reads show."""

    def __init__(self, host):
        self.open, self.looked_up, self.trades, self.late = [], [], [], []
        host.answers["bitso.trading.open_orders"] = self.open_orders
        host.answers["bitso.trading.orders"] = lambda oids: [o for o in self.looked_up if o.oid in oids]
        host.answers["bitso.trading.user_trades"] = self.user_trades
        host.answers["bitso.trading.user_trade"] = self.user_trade

    def open_orders(self, marker=None, **_):
        """One page, then an empty one."""
        return [] if marker else list(self.open)

    def user_trades(self, sort, limit, marker=None, **_):
        """Those behind a marker."""
        if sort is bitso.SortOrder.DESC:
            return self.trades[-1:]
        return [trade for trade in self.trades if marker is None or int(trade.tid) > int(marker)]

    def user_trade(self, tid):
        """One that is listed late."""
        found = [trade for trade in self.late if trade.tid == tid]
        if not found:
            raise NotFound("no such trade")
        return found[0]


def told(found):
    """What was handed out, in short."""
    return [
        item.reason
        if isinstance(item, Gap)
        else (item.oid, item.status.value, item.source.value)
        if isinstance(item, OwnOrder)
        else item.tid
        for item in found
    ]


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


def orders_read(sequence="6", *, name=BOOK, oids=("b", "a"), at=START):
    """An order book, as it is read: one order to buy, one to sell."""
    sides = [
        tuple(bitso.PriceLevel(book=name, price=Decimal(price), amount=Decimal(1), oid=oid) for oid in oids[n : n + 1])
        for n, price in enumerate((1, 1181000))
    ]
    return bitso.OrderBook(bids=sides[0], asks=sides[1], updated_at=at, sequence=sequence)


@pytest.mark.parametrize("at", [AT, START - timedelta(hours=1), START])
@in_virtual_time
async def test_an_order_book_of_any_age(at):
    """Without a frame that continues it an order book is not believed, and the error says what was waited for."""
    async with streams() as (live, _, host):
        host.answers["bitso.market.order_book"] = lambda **_: orders_read(at=at)
        with pytest.raises(Unavailable, match="no change has come yet that continues the order book that was read"):
            await live.order_book(BOOK).__aenter__()


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


@in_virtual_time
async def test_own_orders_and_trades():
    """Others' orders are no events; a trade is the account's own, not the public one."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open, account.trades = [order("mine")], [own_trade(1)]
        async with live.my_orders(BOOK) as stream:
            assert stream.is_live
            server.last.send(changes(1, ("other", "open", "1"), ("mine", "open", "0.5")))
            account.trades.append(own_trade(5, origin_id="id-5"))
            server.last.send(trades(4))
            server.last.send(trades(5, maker="mine"))
            server.last.send(changes(2, ("mine", "completed", None)))
            found = await items(stream, 3)

            assert {("mine", "open", "stream"), ("mine", "completed", "stream"), "5"} == set(told(found))
            assert ["id-5"] == host.settled
        assert [] == server.open


@in_virtual_time
async def test_a_modified_order_stays_own():
    """It is cancelled, then open again under the same id."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [order("mine")]
        async with live.my_orders(BOOK) as stream:
            server.last.send(changes(1, ("mine", "cancelled", "1")))
            server.last.send(changes(2, ("mine", "open", "0.5")))
            server.last.send(changes(3, ("mine", "completed", None)))
            found = await items(stream, 3)

            assert ["cancelled", "open", "completed"] == [item.status.value for item in found]


@in_virtual_time
async def test_an_order_whose_change_comes_before_its_answer():
    """It is kept until the order is known to be own; nobody else's ever is handed out."""
    async with streams() as (live, server, host):
        Account(host)
        async with live.my_orders(BOOK) as stream:
            server.last.send(changes(1, ("other", "open", "1"), ("new", "open", "1")))
            server.last.send(changes(2, ("new", "completed", None)))
            await asyncio.sleep(1)
            host.own.add("new")
            found = await items(stream, 2)

            assert [("new", "open", "stream"), ("new", "completed", "stream")] == told(found)


@in_virtual_time
async def test_changes_of_an_own_order_stay_in_their_order():
    """One that was kept comes before the one that shows that the order is own by now."""
    async with streams() as (live, server, host):
        Account(host)
        async with live.my_orders(BOOK) as stream:
            server.last.send(changes(1, ("new", "open", "1")))
            await settle()
            host.own.add("new")
            server.last.send(changes(2, ("new", "cancelled", "1")))
            await asyncio.sleep(1)

            assert ["open", "cancelled"] == [item.status.value for item in await items(stream, len(stream._buffer))]


@in_virtual_time
async def test_too_many_changes_that_may_be_own(monkeypatch):
    """Those of one order count too; what is dropped is a gap, after which the orders are read."""
    monkeypatch.setattr(own_events, "MOST", 5)
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.my_orders(BOOK) as stream:
            await asyncio.sleep(2)
            server.last.send(changes(1, *[("other", "open", "1")] * 3, ("mine", "open", "1"), ("x", "open", "1")))
            await asyncio.sleep(3)
            account.open = [order("mine")]
            server.last.send(changes(2, ("y", "open", "1")))
            gap, found = await items(stream, 2)

    assert (GapReason.LAGGED, 3.0) == (gap.reason, (gap.until - gap.since).total_seconds())
    assert [("mine", "open", "rest")] == told([found])


@in_virtual_time
async def test_kept_changes_that_are_old_count_no_more(monkeypatch):
    """They are dropped after two minutes: an order that is open by then is found in the list."""
    monkeypatch.setattr(own_events, "MOST", 2)
    async with streams() as (live, server, host):
        Account(host)
        async with live.my_orders(BOOK) as stream:
            for sequence in range(1, 6):
                server.last.send(changes(sequence, (f"other{sequence}", "open", "1")))
                for _ in range(5):
                    await asyncio.sleep(20)
                    server.last.send({"type": "ka"})

            assert 0 == len(stream._buffer)


@in_virtual_time
async def test_the_other_side_of_a_trade_that_is_listed_late():
    """It is expected by itself: by the id of the trade alone it would be taken for known."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [order("mine"), order("also")]
        async with live.my_orders(BOOK) as stream:
            account.trades = [own_trade(5)]
            server.last.send(trades(5, maker="mine", taker="also"))
            await asyncio.sleep(3)
            account.trades = [own_trade(5), own_trade(5, oid="also")]
            found = await items(stream, 2)

            assert [("5", "mine"), ("5", "also")] == [(item.tid, item.oid) for item in found]


@in_virtual_time
async def test_a_trade_whose_answer_cannot_be_read():
    """It is asked for no more often than one that does not come, and said to be missing."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [order("mine")]

        def two_rows(tid):
            raise DecodeError("two objects in place of one")

        host.answers["bitso.trading.user_trade"] = two_rows
        async with live.my_orders(BOOK) as stream:
            server.last.send(trades(5, maker="mine"))

            assert [GapReason.NOT_RECONCILED] == told(await items(stream, 1))


@in_virtual_time
async def test_an_order_of_another_program_is_found_within_a_minute():
    """The list of open orders shows that it is own."""
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.my_orders(BOOK) as stream:
            server.last.send(changes(1, ("foreign", "open", "1")))
            account.open = [order("foreign"), order("older")]
            for _ in range(3):
                await asyncio.sleep(20)
                server.last.send({"type": "ka"})
            found = await items(stream, 2)

            assert [("foreign", "open", "stream"), ("older", "open", "rest")] == told(found)


@in_virtual_time
async def test_what_became_of_own_orders_after_a_gap():
    """Those that are open no more are looked up; one that is shown no more is said to be unknown."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [order("same"), order("less"), order("gone"), order("lost")]
        async with live.my_orders(BOOK) as stream:
            await settle()
            account.open = [order("same"), order("less", left="0.5"), order("new")]
            account.looked_up = [order("gone", "cancelled", "0.2")]
            server.last.drop()
            found = await items(stream, 4)
            await asyncio.sleep(5)
            left = [await stream._buffer.get() for _ in range(len(stream._buffer))]

            rest = "rest"
            assert [("less", "open", rest), ("new", "open", rest), ("gone", "cancelled", rest)] == [
                item for item in told(found + left) if isinstance(item, tuple)
            ]
            assert {GapReason.RECONNECTED, GapReason.NOT_RECONCILED} == {
                item.reason for item in found + left if isinstance(item, Gap)
            }


@in_virtual_time
async def test_an_own_trade_that_is_listed_late():
    """It is looked up by its id until it is there; one that never comes is a gap."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open, account.trades = [order("mine")], [own_trade(9)]
        async with live.my_orders(BOOK) as stream:
            server.last.send(trades(5, 6, taker="mine"))
            await asyncio.sleep(3)
            account.late = [own_trade(5)]
            found = await items(stream, 2)

            assert ["5", GapReason.NOT_RECONCILED] == told(found)


@in_virtual_time
async def test_a_trade_of_two_own_orders_comes_for_each():
    """It is listed twice under one id; read again, neither is new."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [order("mine"), order("also")]
        async with live.my_orders(BOOK) as stream:
            account.trades = [own_trade(5), own_trade(5, oid="also"), own_trade(5)]
            server.last.send(trades(5, maker="mine", taker="also"))
            account.trades.append(own_trade(6))
            found = await items(stream, 3)

            assert [("5", "mine"), ("5", "also"), ("6", "mine")] == [(item.tid, item.oid) for item in found]


@in_virtual_time
async def test_reads_that_fail_are_tried_again():
    """Nothing is lost for it."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [order("mine")]
        async with live.my_orders(BOOK) as stream:
            failures = [ReadFailed("no answer")] * 3
            read = account.user_trades

            def failing(**arguments):
                if failures:
                    raise failures.pop()
                return read(**arguments)

            host.answers["bitso.trading.user_trades"] = failing
            account.trades = [own_trade(5)]
            server.last.send(trades(5, taker="mine"))

            assert ["5"] == told(await items(stream, 1))


@in_virtual_time
async def test_an_old_list_revives_nothing():
    """An order that has ended is not open because a list still shows it, and a trade comes once."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open, account.trades = [order("mine")], [own_trade(1)]
        async with live.my_orders(BOOK) as stream:
            server.last.send(changes(1, ("mine", "completed", None)))
            account.late = [own_trade(5)]
            server.last.send(trades(5, taker="mine"))
            await asyncio.sleep(5)
            account.trades.append(own_trade(5))
            for _ in range(4):
                await asyncio.sleep(20)
                server.last.send({"type": "ka"})
            stream._events.missed(Gap(AT, AT, GapReason.RECONNECTED))
            await asyncio.sleep(5)
            found = await items(stream, len(stream._buffer))

            assert [("mine", "completed", "stream"), "5", GapReason.RECONNECTED] == told(found)


@in_virtual_time
async def test_own_orders_need_a_key():
    """What the first private read raises is raised; nothing stays subscribed to."""
    async with streams() as (live, server, host):
        account = Account(host)

        def refuse(**_):
            raise UsageError("needs api_key")

        host.answers["bitso.trading.open_orders"] = refuse
        stream = live.my_orders(BOOK)
        with pytest.raises(UsageError, match="api_key"):
            await stream.__aenter__()
        with pytest.raises(UsageError, match="entered already"):
            await stream.__aenter__()

        assert ([], True) == (server.open, account.open == [])


@in_virtual_time
async def test_closing_the_client_ends_own_orders():
    """No task goes on."""
    async with streams() as (live, _, host):
        Account(host)
        stream = live.my_orders(BOOK)
        await stream.__aenter__()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await stream.__aexit__(None, None, None)
