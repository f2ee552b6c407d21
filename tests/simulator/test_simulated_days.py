"""A day at Bitso and one at Bitstamp through the public API: deposits, trades and withdrawals add up."""

from decimal import Decimal

import pytest

from exchanges.bitso import ConversionStatus
from exchanges.bitso.v2 import AmountUnit, OrderStatus
from exchanges.bitstamp.v1 import WithdrawalStatus
from exchanges.errors import NotFound
from tests.support.simulator_days import NOTHING, playing_bitso, playing_bitstamp


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
