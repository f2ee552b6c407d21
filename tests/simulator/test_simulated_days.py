"""A day at Bitso and one at Bitstamp through the public API: deposits, trades and withdrawals add up."""

from decimal import Decimal

import pytest

from exchanges.bitso import ConversionStatus
from exchanges.bitso.v2 import AmountUnit, OrderStatus
from exchanges.bitstamp.v1 import WithdrawalStatus
from exchanges.endpoint import waiting
from exchanges.errors import NotFound
from tests.support.simulator_days import NOTHING, playing_bitso, playing_bitstamp

PARTS = ("trades", "fees", "fundings", "withdrawals")
"""Of the ledger of Bitso, each in a list of its own."""


async def test_a_day_at_bitso():
    """Money is deposited, traded by market and limit orders, converted and withdrawn; rows explain it."""
    async with playing_bitso() as (sim, bitso, _):
        start = (await bitso.v2.account.balance()).currencies
        sim.bitso.deposit("mxn", Decimal(500_000))
        sim.bitso.deposit("btc", Decimal("0.25"))
        sim.advance(3600)
        await bitso.v2.trading.buy(amount="0.1", amount_unit=AmountUnit.MAJOR)
        bid = (await bitso.v2.market.ticker()).bid
        resting = await bitso.v2.trading.sell(amount="0.3", price=bid + 500_000)
        await bitso.v2.trading.sell(amount="0.05", price=bid)
        await bitso.v2.trading.cancel_order(resting.id)
        quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=20_000)
        conversion_id = await bitso.conversions.execute(quote)
        sim.advance(60)
        conversion = await bitso.conversions.conversion(conversion_id)
        await bitso.v2.funding.bitcoin_withdrawal(amount="0.2", address="1Elsewhere")
        sim.advance(3600)
        [looked_up] = await bitso.v2.trading.lookup_order(resting.id)
        now = (await bitso.v2.account.balance()).currencies
        rows = [row async for row in bitso.v2.account.every_user_transaction()]
        changes = {c: sum(row.amounts.get(c, NOTHING) for row in rows) for c in ("btc", "mxn")}
        changes["btc"] += conversion.to_amount
        changes["mxn"] -= conversion.from_amount

        assert (ConversionStatus.COMPLETED, OrderStatus.CANCELLED) == (conversion.status, looked_up.status)
        assert changes == {c: now[c].balance - start[c].balance for c in changes}
        assert {NOTHING} == {held.reserved for held in now.values()}
        assert {NOTHING} == {sum(sim.bitso.holdings(c).values(), NOTHING) for c in now}


async def test_a_day_at_bitso_v3():
    """Orders of all kinds, changes, deposits and withdrawals: ledger, trades and balances agree to the last digit."""
    async with playing_bitso() as (sim, bitso, other):
        start = {b.currency: b.total for b in await bitso.account.balance()}
        await bitso.market.available_books()
        rules = bitso.market.rules("btc_mxn")
        sim.bitso.deposit("mxn", Decimal(500_000))
        sim.bitso.set_price("btc_mxn", Decimal(1_000_000))
        order = {"book": "btc_mxn", "order_type": "limit"}
        resting = await bitso.trading.place_order(**order, side="buy", major="0.2", price="990000", origin_id="day-1")
        await bitso.trading.modify_order_by_origin_id(origin_id="day-1", major="0.1", price="991000")
        await other.trading.place_order(**order, side="sell", major="0.04", price="991000", origin_id="their-1")
        spent = await bitso.trading.place_order(book="btc_mxn", side="buy", order_type="market", minor="12345.67")
        stop = await bitso.trading.place_order(
            **order, side="sell", major="0.03", price=rules.round_price("900000", "sell"), stop="950000"
        )
        sim.bitso.set_price("btc_mxn", Decimal(940_000))
        sim.advance(60)
        settled = {oid: await bitso.trading.wait_settled(oid, timeout_seconds=10) for oid in (resting, spent, stop)}
        methods = await bitso.funding.withdrawal_methods("btc")
        sent = await bitso.funding.create_withdrawal(
            currency="btc", amount="0.05", method=methods[0], address="1" * 30, origin_id="day-w"
        )
        sim.advance(3600)
        (withdrawal,) = await bitso.funding.withdrawals(origin_ids=["day-w"])
        now = {b.currency: b for b in await bitso.account.balance()}
        entries = [entry async for entry in bitso.account.every_ledger()]
        trades = [trade async for trade in bitso.trading.every_user_trades()]
        deposits = [deposit async for deposit in bitso.funding.every_fundings()]
        withdrawals = [listed async for listed in bitso.funding.every_withdrawals(currency="btc")]
        parts = [getattr(bitso.account, f"every_ledger_{part}")() for part in PARTS]
        of_parts = [entry.eid for part in parts async for entry in part]
        public = bitso.market.every_trades("btc_mxn", sort="asc")
        oldest = [await anext(public) for _ in range(150)]
        changes = dict.fromkeys(start, NOTHING)
        for update in (update for entry in entries for update in entry.balance_updates):
            changes[update.currency] += update.amount

        assert changes == {name: now[name].total - start[name] for name in start}
        assert {NOTHING} == {balance.locked for balance in now.values()}
        assert {NOTHING} == {sum(sim.bitso.holdings(name).values(), NOTHING) for name in start}
        assert [True] * 3 == [state.is_settled for state in settled.values()]
        assert {trade.tid for trade in trades} == {t.tid for state in settled.values() for t in state.trades}
        assert ("day-w", sent.wid, "complete") == (withdrawal.origin_id, withdrawal.wid, withdrawal.status.value)
        assert [Decimal(500_000)] == [deposit.amount for deposit in deposits]
        assert [sent.wid] == [listed.wid for listed in withdrawals]
        assert sorted(of_parts) == sorted(entry.eid for entry in entries)
        assert (2, oldest) == (public.pages, sorted(oldest, key=lambda trade: trade.tid))


async def test_a_day_at_bitstamp():
    """Money is deposited, traded by limit orders and withdrawn; the rows explain it to the last digit."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        v1 = bitstamp.v1
        start = (await v1.account.balance()).currencies
        sim.bitstamp.deposit("usd", Decimal("12345.67"))
        sim.bitstamp.deposit("btc", Decimal("0.25"))
        sim.advance(3600)
        ticker = await v1.market.ticker()
        await v1.trading.buy(amount="0.1", price=ticker.ask)
        resting = await v1.trading.sell(amount="0.3", price=ticker.bid + 30_000)
        await v1.trading.sell(amount="0.05", price=ticker.bid)
        await v1.trading.cancel_order(resting.id)
        with pytest.raises(NotFound):
            await v1.trading.cancel_order(resting.id)
        await v1.funding.bitcoin_withdrawal(amount="0.2", address=await v1.funding.bitcoin_deposit_address())
        await v1.funding.ripple_withdrawal(amount=100, address=await v1.funding.ripple_address(), currency="USD")
        sim.advance(3600)
        now = (await v1.account.balance()).currencies
        rows = [row async for row in v1.account.every_user_transaction()]
        fees = sum(row.fee for row in rows)
        changes = {c: sum(row.amounts[c] for row in rows) for c in ("btc", "usd")}

        assert {"btc": changes["btc"], "usd": changes["usd"] - fees} == {
            c: now[c].balance - start[c].balance for c in changes
        }
        assert fees == sim.bitstamp.holdings("usd")["fees"]
        assert [WithdrawalStatus.FINISHED] == [request.status for request in await v1.funding.withdrawal_requests()]
        assert {NOTHING} == {held.reserved for held in now.values()}
        assert {NOTHING} == {sum(sim.bitstamp.holdings(c).values(), NOTHING) for c in now}


async def test_a_day_at_bitstamp_v2(monkeypatch):
    """Orders of all kinds, a deposit and withdrawals: transactions and balances agree to the last digit."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    async with playing_bitstamp() as (sim, bitstamp, other):
        start = {b.currency: b.total for b in await bitstamp.account.account_balances()}
        await bitstamp.market.markets()
        rules, trading = bitstamp.market.rules("btcusd"), bitstamp.trading
        sim.bitstamp.deposit("usd", Decimal("50000.67"))
        sim.bitstamp.set_price("btcusd", Decimal(60_000))
        order, best = {"market": "btcusd"}, (await bitstamp.market.order_book("btcusd")).asks[0].price - rules.tick
        resting = await trading.buy(**order, amount="0.2", price="59000.01", client_order_id="day-1", moc_order=True)
        replaced = await trading.replace_order(orig_client_order_id="day-1", amount="0.1", price=best)
        await other.trading.sell(**order, amount="0.04", price=best, client_order_id="their-1")
        await trading.cancel_order(order_id=replaced.order_id)
        placed = [
            await trading.buy_instant(**order, amount=rules.round_value("1234.567")),
            await trading.sell_instant(**order, amount="321.09", amount_in_counter=True),
            await trading.sell_instant(**order, amount="0.01234567"),
            await trading.buy_market(**order, amount="0.0777"),
            await trading.sell_market(**order, amount="0.0555"),
            await trading.buy(**order, amount="0.03", price=rules.round_price("61000.019", "buy"), ioc_order=True),
            await trading.buy(**order, amount="0.03", price="50000", fok_order=True),
            await trading.sell(**order, amount="0.02", price="66000.5", limit_price="50000.25"),
            await trading.sell(**order, amount="0.01", price="99000", daily_order=True),
        ]
        sim.bitstamp.set_price("btcusd", Decimal(67_000))
        sim.advance(86_400)
        cancelled = await trading.cancel_all_orders()
        settled = {
            order_id: await trading.wait_settled(order_id=order_id, timeout_seconds=60)
            for order_id in (resting.id, replaced.order_id, *(order.id for order in placed))
        }
        sent = await bitstamp.funding.crypto_withdrawal(currency="btc", amount="0.05", address="1" * 30)
        back = await bitstamp.funding.crypto_withdrawal(currency="btc", amount="0.01", address="1" * 30)
        await bitstamp.funding.cancel_withdrawal(back.id)
        sim.advance(3600)
        requests = await bitstamp.funding.withdrawal_requests(timedelta=86_400)
        now = {b.currency: b for b in await bitstamp.account.account_balances()}
        rows = [row async for row in bitstamp.account.every_user_transactions()]
        changes = {name: sum(row.amounts.get(name, NOTHING) for row in rows) for name in start}
        fees = sum(row.fee for row in rows)
        words = [state.status.status.value for state in settled.values()]

        assert {**changes, "usd": changes["usd"] - fees} == {name: now[name].total - start[name] for name in start}
        assert {NOTHING} == {balance.reserved for balance in now.values()}
        assert {NOTHING} == {sum(sim.bitstamp.holdings(name).values(), NOTHING) for name in start}
        assert [True] * len(settled) == [state.is_settled for state in settled.values()]
        assert ["Canceled", "Canceled", *["Finished"] * 6, "Canceled", "Finished", "Canceled"] == words
        assert Decimal("0.04") == settled[replaced.order_id].filled
        assert fees == sum(state.fees for state in settled.values())
        assert {fill.tid for state in settled.values() for fill in state.fills} == {row.id for row in rows if row.rates}
        # The order that followed the one to sell at 66000.5, which no answer shows.
        assert [Decimal("50000.25")] == [order.price for order in cancelled.canceled if order.price < 59_000]
        assert {sent.id: "FINISHED", back.id: "CANCELED"} == {request.id: request.status.name for request in requests}
