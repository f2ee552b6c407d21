"""Private channels of Bitstamp, their tokens and own trades, from a played server in virtual time."""

import asyncio
from decimal import Decimal

import pytest

from exchanges import bitstamp
from exchanges.bitstamp.streams import EventSource
from exchanges.bitstamp.streams import missed as missed_streams
from exchanges.errors import AuthenticationFailed, RateLimited, ReadFailed, Unavailable
from exchanges.streams.delivery import GapReason
from tests.support.bitstamp_account import CHANNEL, MOMENT, USER, Account, event
from tests.support.played_bitstamp import streams
from tests.support.streaming import confirms, items
from tests.support.virtual_time import in_virtual_time, settle


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
    """Show rows of the account's list: there is none before the subscription."""

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
