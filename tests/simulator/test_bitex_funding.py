from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exchanges.bitex import (
    DepositMethod,
    DepositReason,
    DepositStatus,
    SpecieWithdrawalReason,
    UsdWithdrawalReason,
    WithdrawalStatus,
)
from exchanges.errors import InvalidRequest, NotFound
from tests.support.simulator_calls import NOW
from tests.support.simulator_days import NOTHING, playing, sums

HOUR = 3600
TRANSFER = {"country": "UY", "currency": "UYU", "deposit_method": "bank"}


async def test_announced_money_arrives_within_the_hour():
    """A deposit is PENDING until the hour is over, then DONE and credited in USD."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        deposit = await bitex.funding.create_usd_deposit(amount=1000, request_details="A bank", **TRANSFER)
        sim.advance(HOUR - 1)
        pending = await bitex.funding.usd_deposit(deposit.id)
        sim.advance(1)
        [done] = await bitex.funding.usd_deposits()
        after = await bitex.account.profile()

        assert (DepositStatus.PENDING, None) == (pending.status, pending.amount)
        assert (DepositStatus.DONE, DepositMethod.OTHER, Decimal(35)) == (done.status, done.deposit_method, done.amount)
        assert (datetime.fromtimestamp(NOW, UTC), "A bank") == (done.created_at, done.request_details)
        assert Decimal(35) == after.usd_balance - before.usd_balance
        assert (NOTHING, NOTHING) == sums(sim)


async def test_a_deposit_is_called_off_only_while_it_is_pending():
    """A cancelled deposit never arrives; one that arrived is not cancelled; cancelling twice changes nothing."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        first = await bitex.funding.create_usd_deposit(amount=1000, **TRANSFER)
        await bitex.funding.cancel_usd_deposit(first.id)
        cancelled = await bitex.funding.cancel_usd_deposit(first.id)
        sim.advance(2 * HOUR)
        after = await bitex.account.profile()
        second = await bitex.funding.create_usd_deposit(amount=1000, **TRANSFER)
        sim.advance(HOUR)

        assert (DepositStatus.CANCELLED, DepositReason.USER_CANCELLED) == (cancelled.status, cancelled.reason)
        assert before.usd_balance == after.usd_balance
        with pytest.raises(InvalidRequest, match="acreditado"):
            await bitex.funding.cancel_usd_deposit(second.id)


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"deposit_method": "pigeon"}, "deposit_method"),
        ({"kyc_profile_id": 7}, "kyc_profile_id"),
    ],
)
async def test_deposits_that_make_no_sense_are_refused_by_field(changes, about):
    """Unknown currencies, methods and profiles are refused."""
    async with playing() as (_, bitex, _):
        with pytest.raises(InvalidRequest) as caught:
            await bitex.funding.create_usd_deposit(amount=1000, **{**TRANSFER, **changes})

        assert [about] == list(caught.value.fields)


async def test_coins_are_withdrawn_at_once_and_sent_later():
    """A withdrawal is debited when it is RECEIVED, PENDING with the next request, DONE hours later with its id."""
    async with playing() as (sim, bitex, _):
        before = await bitex.account.profile()
        received = await bitex.funding.create_btc_withdrawal(address="1Elsewhere", amount="0.5", label="cold")
        pending = await bitex.funding.btc_withdrawal(received.id)
        after = await bitex.account.profile()
        sim.advance(2 * HOUR)
        [done] = await bitex.funding.btc_withdrawals()

        statuses = [WithdrawalStatus.RECEIVED, WithdrawalStatus.PENDING, WithdrawalStatus.DONE]

        assert statuses == [w.status for w in (received, pending, done)]
        assert (None, 64, "cold") == (pending.transaction_id, len(done.transaction_id or ""), done.label)
        assert Decimal("0.5") == before.btc_balance - after.btc_balance
        assert (NOTHING, NOTHING) == sums(sim)


async def test_withdrawals_without_funds_are_cancelled():
    """What orders reserve cannot be withdrawn; the withdrawal is accepted, then cancelled, and nothing is debited."""
    async with playing() as (_, _, ordinary):
        await ordinary.trading.create_ask(amount="0.6", price=100_000)
        coins = await ordinary.funding.create_btc_withdrawal(address="1Elsewhere", amount="0.5")
        how = await ordinary.funding.create_withdrawal_instruction(body={"payment_method": "x", "country": "UY"})
        money = await ordinary.funding.create_usd_withdrawal(amount=10_001, withdrawal_instruction_id=how.id)
        coins, money = (
            await ordinary.funding.btc_withdrawal(coins.id),
            await ordinary.funding.usd_withdrawal(money.id),
        )
        profile = await ordinary.account.profile()

        assert (WithdrawalStatus.CANCELLED, WithdrawalStatus.CANCELLED) == (coins.status, money.status)
        assert (SpecieWithdrawalReason.NOT_ENOUGH_FUNDS, UsdWithdrawalReason.NOT_ENOUGH_FUNDS) == (
            coins.reason,
            money.reason,
        )
        assert (Decimal(1), Decimal(10_000)) == (profile.btc_balance, profile.usd_balance)


async def test_money_is_paid_out_as_instructed():
    """A withdrawal has country, currency, label and body of its instruction."""
    async with playing() as (sim, bitex, _):
        body = {"payment_method": "international_bank", "country": "US", "currency": "USD", "bank": "B"}
        how = await bitex.funding.create_withdrawal_instruction(body=body, label="mine")
        made = await bitex.funding.create_usd_withdrawal(amount=100, withdrawal_instruction_id=how.id)
        sim.advance(3 * HOUR)
        done = await bitex.funding.usd_withdrawal(made.id)

        assert (WithdrawalStatus.DONE, "US", "USD", "international_bank", "mine", body) == (
            done.status,
            done.country,
            done.currency,
            done.payment_method,
            done.label,
            done.instructions,
        )
        with pytest.raises(InvalidRequest) as caught:
            await bitex.funding.create_usd_withdrawal(amount=100, withdrawal_instruction_id=7)
        assert ["withdrawal_instruction_id"] == list(caught.value.fields)


async def test_coins_are_credited_when_confirmed():
    """Coins sent to an address are credited half an hour later; an address that sells starts a bot."""
    async with playing() as (sim, bitex, _):
        address = await bitex.funding.create_address(auto_sell=True)
        sim.bitex.send_btc(address.public_address, Decimal("0.25"))
        unconfirmed = await bitex.funding.btc_deposits()
        sim.advance(HOUR / 2)
        [deposit] = await bitex.funding.btc_deposits()
        [bot] = await bitex.bots.selling_bots()

        assert ([], Decimal("0.25")) == (unconfirmed, deposit.quantity)
        assert deposit == await bitex.funding.btc_deposit(deposit.id)
        assert ("CoinDeposit", deposit.id, Decimal("0.25")) == (bot.issuer_type, bot.issuer_id, bot.amount)
        with pytest.raises(LookupError, match="no account has the address 1Nobody"):
            sim.bitex.send_btc("1Nobody", Decimal(1))


async def test_addresses_belong_to_one_account():
    """The first address is that of the profile; those of others are not found."""
    async with playing() as (_, bitex, ordinary):
        made = await bitex.funding.create_address()
        mine = await bitex.funding.addresses()
        profile = await bitex.account.profile()

        assert [made.public_address, profile.btc_deposit_address] == [a.public_address for a in mine]
        assert made == await bitex.funding.address(made.public_address)
        with pytest.raises(NotFound):
            await ordinary.funding.address(made.public_address)


async def test_the_summary_tells_of_everything_for_thirty_days():
    """Deposits, withdrawals, orders that traded and trades are listed; after a month in the full summary only."""
    async with playing() as (sim, bitex, _):
        past = len(await bitex.account.account_summary(full=True))
        await bitex.funding.create_usd_deposit(amount=1000, **TRANSFER)
        await bitex.funding.create_btc_withdrawal(address="1Elsewhere", amount="0.5")
        await bitex.trading.create_bid(amount=10, price=100_000)
        await bitex.trading.create_bid(amount=10, price=1)
        new = [row.class_reference for row in await bitex.account.account_summary(full=True)]
        sim.advance(31 * 24 * HOUR)

        assert {7, 6, 1, 3} == set(new[: len(new) - past])
        assert 4 == len(new) - past
        assert [] == await bitex.account.account_summary()
        assert len(new) == len(await bitex.account.account_summary(full=True))


async def test_the_clock_goes_forward_only():
    """Time is moved forward by a number of seconds; prices follow it."""
    async with playing() as (sim, bitex, _):
        before = await bitex.market.ticker()
        sim.advance(6 * HOUR)

        assert before != await bitex.market.ticker()
        with pytest.raises(ValueError, match="back"):
            sim.advance(-1)


async def test_the_fixed_tree_has_all_steps_and_is_walked():
    """Every path of the tree gives what its steps give; the four types of steps are there."""
    async with playing() as (_, bitex, _):
        tree = await bitex.rates.tree()
        kinds = {type(step).__name__ for steps in tree.values() for step in steps}
        asked = [await bitex.rates.calculate_path(amount=10_000, path=path) for path in tree]

        assert {"ExchangeRate", "PercentualFee", "FixedFee", "MinimumFee"} == kinds
        assert [round(bitex.rates.calculate(10_000, steps), 18) for steps in tree.values()] == [
            round(a, 18) for a in asked
        ]
        with pytest.raises(NotFound):
            await bitex.rates.calculate_path(amount=1, path="no/such/path")
