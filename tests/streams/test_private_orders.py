"""Own orders of Bitstamp and what became of them during a gap, from a played server in virtual time."""

import asyncio
from decimal import Decimal

import pytest

from exchanges.bitstamp.streams import EventSource
from exchanges.errors import NotFound, ReaderTooSlow, ReadFailed
from exchanges.streams.delivery import Gap, GapReason
from tests.support.bitstamp_account import WORDS, Account, event, open_order, status, told
from tests.support.played_bitstamp import streams
from tests.support.streaming import confirms, items
from tests.support.virtual_time import elapsed, in_virtual_time, settle


@in_virtual_time
async def test_a_reconnection_is_a_gap_then_what_became_of_the_orders():
    """Each order that changed is an event of REST; those that did not are none."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [open_order("1"), open_order("2"), open_order("3"), open_order("4")]
        async with live.my_orders("btcusd") as orders:
            await settle()
            server.last.send(event(5, "order_created", "5", "1.00000000"))
            account.statuses = {
                "1": lambda: status("1", WORDS.OPEN, "1"),
                "2": lambda: status("2", WORDS.FINISHED, None),
                "3": lambda: status("3", WORDS.CANCELED, "0.4"),
                "4": lambda: status("4", WORDS.OPEN, "0.7"),
                "5": lambda: status("5", WORDS.OPEN, "1"),
            }
            await settle()
            server.last.drop()
            account.open = [open_order("1"), open_order("4", "0.7"), open_order("5"), open_order("6")]
            found = await items(orders, 6)

            rest = EventSource.REST
            assert [
                ("order_created", "5", "1.00000000", EventSource.STREAM),
                GapReason.RECONNECTED,
                ("order_deleted", "2", "0", rest),
                ("order_deleted", "3", "0.4", rest),
                ("order_changed", "4", "0.7", rest),
                ("order_created", "6", "1", rest),
            ] == told(found)
            assert [Decimal(1), Decimal("0.6")] == [item.executed for item in found[2:4]]
            # The list of open orders may be ten seconds old.
            assert elapsed() > 10
            assert "mine-6" in host.settled


@in_virtual_time
async def test_what_is_read_is_not_newer_than_an_event():
    """An order of which an event came after the reconnection is not reconciled."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [open_order("1")]
        account.statuses = {"1": lambda: status("1", WORDS.OPEN, "0.9")}
        host.call_seconds = 0.1
        async with live.my_orders("btcusd") as orders:
            await asyncio.sleep(1)
            server.last.drop()
            account.open = []
            while len(server.connections) == 1 or len(server.last.sent) < 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await settle()
            server.last.send(event(1, "order_deleted", "1", "0.00000000"))
            await asyncio.sleep(20)
            found = await items(orders, 2)

            assert [GapReason.RECONNECTED, ("order_deleted", "1", "0E-8", EventSource.STREAM)] == told(found)
            assert 0 == len(orders._buffer)


@in_virtual_time
async def test_an_old_list_of_open_orders_invents_nothing():
    """An order of which an event has come is not placed again because a list still shows it."""
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.my_orders("btcusd") as orders:
            await settle()
            server.last.drop()
            account.open = [open_order("1")]
            await asyncio.sleep(5)
            server.last.send(event(1, "order_deleted", "1", "0.00000000"))
            await asyncio.sleep(20)

            assert [GapReason.RECONNECTED, "order_deleted"] == [
                item.reason if isinstance(item, Gap) else item.event.value for item in await items(orders, 2)
            ]
            assert 0 == len(orders._buffer)


@in_virtual_time
async def test_what_trails_or_comes_early_is_not_handed_out():
    """Frames of a channel count from its confirmation on."""

    def confirms_late(connection, frame):
        if frame["event"] == "bts:subscribe":
            connection.send(event(1, "order_created", "1", "1.00000000"))
        confirms(connection, frame)

    async with streams(confirms_late) as (live, server, host):
        Account(host)
        async with live.my_orders("btcusd") as orders:
            server.last.send(event(2, "order_created", "2", "1.00000000"))
            found = await items(orders, 1)

            assert ["2"] == [item.order.id for item in found]


@in_virtual_time
async def test_a_market_order_is_created_with_nothing_executed():
    """Its amount of zero does not say that all of it traded."""
    async with streams() as (live, server, host):
        Account(host)
        async with live.my_orders("btcusd") as orders:
            server.last.send(event(1, "order_created", "1", "0.00000000"))
            server.last.send(event(2, "order_deleted", "1", "0.00000000"))
            created, deleted = await items(orders, 2)

            assert (None, Decimal(1)) == (created.executed, deleted.executed)


@pytest.mark.parametrize(
    "state",
    [
        lambda: status("1", WORDS.CANCELED, None),
        lambda: (_ for _ in ()).throw(NotFound("no such order")),
        lambda: (_ for _ in ()).throw(ReadFailed("no answer")),
    ],
)
@in_virtual_time
async def test_what_cannot_be_reconciled_is_said(state):
    """A second gap, which says that it stays."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open, account.statuses = [open_order("1")], {"1": state}
        async with live.my_orders("btcusd") as orders:
            await settle()
            server.last.drop()

            gap = (await items(orders, 1))[0]
            assert GapReason.RECONNECTED is gap.reason
            again = (await items(orders, 1))[0]
            assert (GapReason.NOT_RECONCILED, gap.since) == (again.reason, again.since)


@pytest.mark.parametrize("broken", [NotFound("no such order"), ReadFailed("no answer")])
@in_virtual_time
async def test_what_was_found_is_handed_on_though_not_all_is(broken):
    """What follows it says that the rest is not known; after the next connection that alone is read."""

    def unread():
        raise broken

    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [open_order("1"), open_order("2")]
        account.statuses = {"1": lambda: status("1", WORDS.FINISHED, None), "2": unread}
        async with live.my_orders("btcusd") as orders:
            await settle()
            account.open = [open_order("2"), open_order("3")]
            server.last.drop()
            found = await items(orders, 4)
            account.statuses = {n: lambda n=n: status(n, WORDS.FINISHED, None) for n in ("2", "3")}
            server.last.drop()
            found += await items(orders, 3)

            rest = EventSource.REST
            assert [
                GapReason.RECONNECTED,
                ("order_deleted", "1", "0", rest),
                ("order_created", "3", "1", rest),
                GapReason.NOT_RECONCILED,
                GapReason.RECONNECTED,
                ("order_deleted", "2", "0", rest),
                ("order_deleted", "3", "0", rest),
            ] == told(found)


@in_virtual_time
async def test_a_line_that_is_lost_while_orders_are_read():
    """What was read by then is read again: no reader has been told."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.open = [open_order("1"), open_order("2")]
        account.statuses = {
            "1": lambda: status("1", WORDS.FINISHED, None),
            "2": lambda: status("2", WORDS.OPEN, "1"),
        }
        async with live.my_orders("btcusd") as orders:
            await settle()
            host.call_seconds = 5.0  # of each of the reads
            server.last.drop()
            while "1" not in [given.get("order_id") for _, given in host.calls]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await asyncio.sleep(7)
            server.last.drop()
            host.call_seconds = 0.0
            found = await items(orders, 3)

            gaps = [GapReason.RECONNECTED] * 2
            assert [*gaps, ("order_deleted", "1", "0", EventSource.REST)] == told(found)


@in_virtual_time
async def test_a_private_buffer_ends_loudly():
    """What it held is handed out, then the error."""
    async with streams() as (live, server, host):
        Account(host)
        async with live.my_orders("btcusd", buffer=3) as orders:
            for number in range(1, 6):
                server.last.send(event(number, "order_created", str(number), "1.00000000"))
            found = await items(orders, 3)

            assert ["1", "2", "3"] == [item.order.id for item in found]
            with pytest.raises(ReaderTooSlow, match="3 events"):
                await anext(orders)


@in_virtual_time
async def test_an_unreadable_frame_is_read_again():
    """Also of an order of which an event came before: what is read is newer than that."""
    async with streams() as (live, server, host):
        account = Account(host)
        account.statuses["7"] = lambda: status("7", WORDS.FINISHED, "0")
        async with live.my_orders("btcusd") as orders:
            server.last.send(event(1, "order_created", "7", "1.00000000"))
            server.last.send({**event(2, "order_deleted", "7", "0"), "data": {}})
            found = told(await items(orders, 3))

    assert [GapReason.UNREADABLE, ("order_deleted", "7", "0", EventSource.REST)] == found[1:]
