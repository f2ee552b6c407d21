"""Private channels of Bitstamp, from a played server in virtual time."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exchanges import bitstamp
from exchanges.bitstamp.streams import EventSource, Streams
from exchanges.bitstamp.streams import missed as missed_streams
from exchanges.errors import (
    AuthenticationFailed,
    NotFound,
    RateLimited,
    ReaderTooSlow,
    ReadFailed,
    Unavailable,
)
from exchanges.streams.delivery import Gap, GapReason
from tests.support.played_bitstamp import markets
from tests.support.streaming import confirms, items, played
from tests.support.virtual_time import elapsed, in_virtual_time, settle

USER = "8812345"
CHANNEL = f"private-my_orders_btcusd-{USER}"
WORDS = bitstamp.OrderStatusWord
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def event(number, kind, order_id, left, *, of="1.00000000", traded="0.00000000", client_id=None):
    """The frame of an event of an own order."""
    data = {
        "id": order_id,
        "id_str": order_id,
        "order_type": 0,
        "order_subtype": 0,
        "datetime": "1789000200",
        "microtimestamp": "1789000200123000",
        "amount": float(left),
        "amount_str": left,
        "amount_traded": traded,
        "amount_at_create": of,
        "price": 62000,
        "price_str": "62000",
        "is_liquidation": False,
        "trade_account_id": 0,
    }
    if client_id is not None:
        data["client_order_id"] = client_id
    return {
        "data": data,
        "channel": CHANNEL,
        "event": kind,
        "event_id": f"{number:024x}",
        "pre_event_id": f"{number - 1:024x}",
        "order_source": "orderbook",
        "trade_account_id": 0,
    }


def open_order(order_id, amount="1"):
    """An order in the list of open ones."""
    return bitstamp.OpenOrder(
        id=order_id,
        datetime=MOMENT,
        type=bitstamp.Side.BUY,
        price=Decimal(62000),
        amount=Decimal(amount),
        amount_at_create=Decimal(1),
        client_order_id=f"mine-{order_id}",
    )


def status(order_id, word, left):
    """The state of an order."""
    return bitstamp.OrderStatus(
        id=order_id, status=word, amount_remaining=None if left is None else Decimal(left), type=bitstamp.Side.BUY
    )


class Account:
    """The account at the exchange.

    Attributes:
        tokens: How many were asked for.
        user: Whose they are.
        open: Its open orders.
        statuses: States of orders by id.
    """

    def __init__(self, host):
        self.tokens = 0
        self.user = USER
        self.open = []
        self.statuses = {}
        self.failures = []
        markets(host)
        host.answers["bitstamp.account.websockets_token"] = self.token
        host.answers["bitstamp.trading.open_orders_for_market"] = lambda market: list(self.open)
        host.answers["bitstamp.trading.order_status"] = lambda order_id: self.statuses[order_id]()

    def token(self):
        """Create a token."""
        if self.failures:
            raise self.failures.pop(0)
        self.tokens += 1
        return bitstamp.WebsocketsToken(token=f"secret-{self.tokens}", valid_sec=60, user_id=self.user)


def streams(on_frame=confirms):
    """A played Bitstamp."""
    return played(Streams, on_frame=on_frame)


def told(found):
    """What was handed out, in short."""
    return [
        item.reason if isinstance(item, Gap) else (item.event.value, item.order.id, str(item.order.amount), item.source)
        for item in found
    ]


@in_virtual_time
async def test_a_private_channel_is_opened_with_a_fresh_token():
    """Its name holds the account's id; the connection is another one than that of public channels."""
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.trades("btcusd"), live.my_orders("btcusd") as orders:
            public, private = server.connections
            private.send(event(1, "order_created", "7", "1.00000000"))
            private.send(event(2, "order_changed", "7", "0.75000000", traded="0.25000000", client_id="mine-7"))
            created, changed = await items(orders, 2)

            assert {"channel": CHANNEL, "auth": "secret-1"} == private.sent[0]["data"]
            assert (1, {"channel": "live_trades_btcusd"}) == (account.tokens, public.sent[0]["data"])
        assert [] == server.open
        unsubscribed = [sent["data"] for sent in private.sent if sent["event"] == "bts:unsubscribe"]
        assert [{"channel": CHANNEL}] == unsubscribed

    assert (Decimal(0), Decimal("0.25")) == (created.executed, changed.executed)
    assert (Decimal("0.25"), Decimal("0.75"), EventSource.STREAM) == (
        changed.order.amount_traded,
        changed.order.amount,
        changed.source,
    )
    assert ["mine-7"] == host.settled


@in_virtual_time
async def test_each_connection_gets_a_token_of_its_own():
    """An old one is void after a reconnection."""
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.my_orders("btcusd"), live.my_orders("ethusd"):
            server.last.drop()
            await asyncio.sleep(3)

            tokens = [[f["data"]["auth"] for f in c.sent if "auth" in f.get("data", {})] for c in server.connections]
            assert ["secret-1", "secret-2"] == tokens[0]
            assert [["secret-3"] * 2, 3] == [tokens[1], account.tokens]


def unauthorized(times):
    """Refuse the first subscriptions for their token."""
    left = [times]

    def answer(connection, frame):
        if frame["event"] == "bts:subscribe" and left[0]:
            left[0] -= 1
            words = {"code": 4009, "message": "Connection is unauthorized."}
            connection.send({"event": "bts:error", "channel": "", "data": words})
        else:
            confirms(connection, frame)

    return answer


@in_virtual_time
async def test_a_refused_token_is_replaced_once():
    """The second one is taken."""
    async with streams(unauthorized(1)) as (live, _, host):
        account = Account(host)
        async with live.my_orders("btcusd") as orders:
            assert (2, True) == (account.tokens, orders.is_live)


@in_virtual_time
async def test_a_fresh_token_that_is_refused_is_final():
    """The error names the channel, and no token."""
    async with streams(unauthorized(2)) as (live, server, host):
        account = Account(host)
        with pytest.raises(AuthenticationFailed, match="unauthorized") as caught:
            async with live.my_orders("btcusd"):
                pass

        assert (2, "4009", []) == (account.tokens, caught.value.code, server.open)
        assert "secret" not in str(caught.value)


@in_virtual_time
async def test_a_key_that_gets_no_token():
    """The exchange's refusal is raised as it is."""
    async with streams() as (live, server, host):
        Account(host).failures = [AuthenticationFailed("bitstamp.account.websockets_token: no such key")]
        with pytest.raises(AuthenticationFailed, match="no such key"):
            async with live.my_orders("btcusd"):
                pass

        assert [] == server.open


@in_virtual_time
async def test_a_token_that_cannot_be_read_is_asked_for_again():
    """Whatever may pass is no refusal."""
    async with streams() as (live, _, host):
        account = Account(host)
        account.failures = [ReadFailed("no answer"), RateLimited("too many"), ReadFailed("no answer")]
        async with live.my_orders("btcusd") as orders:
            assert (1, True) == (account.tokens, orders.is_live)


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


def transaction(number, order_id="7", amount="1", kind=bitstamp.TransactionType.MARKET_TRADE):
    """A row of the account's list."""
    return bitstamp.UserTransaction(
        id=str(number),
        datetime=MOMENT,
        type=kind,
        fee=Decimal("0.5"),
        order_id=order_id,
        amounts={"btc": Decimal(amount), "usd": Decimal(-100) * Decimal(amount)},
        rates={"btc_usd": Decimal(100)},
    )


def own_trade(number, order_id="7"):
    """The frame of an own trade."""
    data = {"id": number, "order_id": order_id, "amount": "1", "price": "100", "fee": "0.5", "side": "buy"}
    data["microtimestamp"] = "1789000200123000"
    return {"data": data, "channel": CHANNEL.replace("orders", "trades"), "event": "trade"}


def lists(host, rows):
    """Let a host show rows of the account's list: there is none before the subscription."""

    def transactions(market, sort, limit, since_id=None):
        found = [r for r in rows if since_id is None or int(r.id) >= int(since_id)]
        return found[:limit] if sort is bitstamp.SortOrder.ASC else []

    host.answers["bitstamp.account.user_transactions_for_market"] = transactions


async def after_a_loss(rows, *came, count):
    """Lose the connection after some trades; return what the reader gets."""
    async with streams() as (live, server, host):
        Account(host)
        lists(host, rows)
        async with live.my_trades("btcusd") as trades:
            await settle()
            for frame in came:
                server.last.send(frame)
            await settle()
            server.last.drop()
            return await items(trades, count)


@in_virtual_time
async def test_own_trades_are_read_after_a_reconnection():
    """Those that came already, and those that are none, are left out."""
    deposit = transaction(11, kind=bitstamp.TransactionType.DEPOSIT)
    rows = [transaction(10), deposit, transaction(12, amount="-2")]
    first, gap, missed = await after_a_loss(rows, own_trade(10), count=3)

    assert ("10", EventSource.STREAM, GapReason.RECONNECTED) == (first.id, first.source, gap.reason)
    assert ("12", Decimal(2), Decimal(100), "SELL", EventSource.REST) == (
        missed.id,
        missed.amount,
        missed.price,
        missed.side.name,
        missed.source,
    )


@pytest.mark.parametrize("page", [1000, 3])
@in_virtual_time
async def test_the_other_side_of_a_trade_across_the_cut(monkeypatch, page):
    """Of a trade between two own orders one side came, the other is read; so is one that a page separates."""
    monkeypatch.setattr(missed_streams, "PAGE", page)
    rows = [transaction(10), transaction(10, "8", "-1"), transaction(12), transaction(12, "8", "-1"), transaction(13)]
    found = await after_a_loss(rows, own_trade(10), count=6)

    assert [("10", "8"), ("12", "7"), ("12", "8"), ("13", "7")] == [(t.id, t.order_id) for t in found[2:]]


@in_virtual_time
async def test_a_list_without_the_last_trade_shows_nothing():
    """It is older than what came, so nothing shows what is missing."""
    found = await after_a_loss([transaction(9)], own_trade(10), count=3)

    assert [GapReason.RECONNECTED, GapReason.NOT_RECONCILED] == [gap.reason for gap in found[1:]]


@in_virtual_time
async def test_trades_after_a_loss_before_any_came():
    """They follow the newest transaction of the beginning."""
    _, missed = await after_a_loss([transaction(3)], count=2)

    assert "3" == missed.id


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


@pytest.mark.parametrize("channel", ["my_trades", "live_order_trades"])
@in_virtual_time
async def test_a_trade_of_two_own_orders_comes_for_each(channel):
    """Both frames have the id of the trade; a double of either is dropped."""
    async with streams() as (live, server, host):
        Account(host)
        host.answers["bitstamp.account.user_transactions_for_market"] = lambda **_: []
        async with getattr(live, channel)("btcusd") as trades:
            for number, order_id in ((10, "7"), (10, "8"), (10, "7"), (11, "7")):
                data = {"id": number, "order_id": order_id, "amount": "1", "price": "100"}
                data["microtimestamp"] = "1789000200123000"
                server.last.send({"data": data, "channel": f"private-{channel}_btcusd-{USER}", "event": "trade"})
            found = await items(trades, 3)

    assert [("10", "7"), ("10", "8"), ("11", "7")] == [(item.id, item.order_id) for item in found]


@in_virtual_time
async def test_channels_without_a_market():
    """What the exchange sends there is handed out as it is."""
    async with streams() as (live, server, host):
        Account(host)
        async with live.my_liquidations() as warnings:
            frame = {"data": {"position_id": 5, "x": 1.50}, "event": "mm_breach_warning"}
            server.last.send({**frame, "channel": f"private-my_liquidations-{USER}"})
            (came,) = await items(warnings, 1)

    assert ("mm_breach_warning", {"position_id": 5, "x": Decimal("1.5")}) == (came.event, came.data)


@in_virtual_time
async def test_no_token_in_time():
    """Entering says that the exchange did not answer."""
    async with streams() as (live, _, host):
        account = Account(host)
        account.failures = [ReadFailed("no answer")] * 10_000
        with pytest.raises(Unavailable):
            async with live.my_orders("btcusd", timeout_seconds=20):
                pass
