"""Own orders and trades that are found in the channels of Bitso, from a played server in virtual time."""

import asyncio

import pytest

from exchanges.bitso.streams import own_events
from exchanges.errors import DecodeError, ReadFailed, UsageError
from exchanges.streams.delivery import Gap, GapReason
from tests.support.played_bitso import AT, BOOK, Account, changes, order, own_trade, streams, told, trades
from tests.support.streaming import items
from tests.support.virtual_time import in_virtual_time, settle


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
async def test_a_trade_that_comes_before_the_answer_of_its_order():
    """It is read as soon as the order is known to be own, not with the look of the next minute."""
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.my_orders(BOOK) as stream:
            server.last.send(trades(4, maker="other"))
            server.last.send(trades(5, maker="new"))
            await asyncio.sleep(1)
            account.trades.append(own_trade(5, oid="new"))
            host.own.add("new")
            began = asyncio.get_running_loop().time()
            (found,) = await items(stream, 1)

            assert ("5", "new") == (found.tid, found.oid)
            assert asyncio.get_running_loop().time() - began < 5


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
