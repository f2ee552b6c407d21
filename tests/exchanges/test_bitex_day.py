"""A day at Bitex through the public API: what comes in, is traded, paid and sent out adds up to the last digit."""

from decimal import Decimal

import pytest
from attrs import define, field

from examples.bitex_callbacks import CallbackEndpoint
from exchanges import Bitex, CallbackRejected
from exchanges.bitex import (
    Bid,
    Buy,
    Currency,
    DepositStatus,
    DomesticBank,
    OrderStatus,
    Payment,
    PaymentStatus,
    UsageTier,
    UsdWithdrawal,
    WithdrawalStatus,
    calculate,
)
from exchanges.simulator import Venue, forward_to, simulate
from tests.support.asgi import hosted

HOUR = 3600.0
BANK = DomesticBank(
    country="AR",
    currency="ARS",
    bank="galicia",
    name="Billy Bob",
    city="Buenos Aires",
    address="Calle 1",
    account_type="savings",
    cbu="0" * 22,
    bank_account_number="12345678",
    phone="555120921",
    cuit="33222111019",
)


@define
class Day:
    """The simulated exchange, the customer's client, and what was posted to the customer's server."""

    sim: object
    bitex: Bitex
    news: list = field(factory=list)

    async def balances(self):
        profile = await self.bitex.account.profile()
        return profile.usd_balance, profile.btc_balance

    async def hear(self, news):
        self.news.append(news)


@pytest.fixture
async def day():
    """Create a new account of a reseller, without limits, with time controlled by the test."""
    async with simulate(Venue.BITEX, seed=11, delay_seconds=(0, 0), limits=False) as sim:
        keys = sim.account(Venue.BITEX)
        async with Bitex(base_url=sim.base_url, limits=None, api_key=keys["api_key"], strict=True) as bitex:
            today = Day(sim, bitex)
            async with hosted(CallbackEndpoint(bitex, today.hear)) as origin:
                sim.bitex.deliver = forward_to(origin)
                yield today


def sums(sim):
    """Return the total balance of all accounts in both currencies."""
    return [sum(sim.bitex.holdings(currency).values()) for currency in ("usd", "btc")]


async def test_a_deposit_is_credited_once(day):
    """An announced deposit raises the balance by the credited amount once it has arrived, not before."""
    usd, _ = await day.balances()
    deposit = await day.bitex.funding.create_usd_deposit(
        country="US", amount=Decimal("5000.25"), currency="USD", deposit_method="bank"
    )
    before = await day.balances()
    day.sim.advance(2 * HOUR)
    done = await day.bitex.funding.usd_deposit(deposit.id)

    assert (DepositStatus.PENDING, DepositStatus.DONE) == (deposit.status, done.status)
    assert (usd, usd + done.amount) == (before[0], (await day.balances())[0])


async def test_a_bid_is_filled_and_adds_up(day):
    """What a bid spent and produced agrees with its trades and with the change of the balances."""
    usd, btc = await day.balances()
    ask = (await day.bitex.market.order_book()).asks[0].price
    placed = await day.bitex.trading.create_bid(amount=Decimal("750.50"), price=ask + 500)
    bid = await day.bitex.trading.wait_settled(placed, timeout_seconds=5.0)
    buys = [t for t in await day.bitex.trading.trades() if isinstance(t, Buy) and t.bid_id == bid.id]

    assert OrderStatus.COMPLETED is bid.status
    assert (bid.amount - bid.remaining_amount, bid.produced_amount, bid.fee) == (
        sum(b.amount for b in buys),
        sum(b.quantity - b.fee for b in buys),
        sum(b.fee for b in buys),
    )
    assert (usd - sum(b.amount for b in buys), btc + bid.produced_amount) == await day.balances()


async def test_a_payment_calls_back_and_is_confirmed(day):
    """Each change of a payment is posted over a socket, verified and confirmed, until it is credited."""
    usd, _ = await day.balances()
    payment = await day.bitex.payments.create_payment(
        currency_id=Currency.USD,
        amount=Decimal(100),
        callback_url="https://shop.example.com/payment",
        keep=Decimal(0),
        merchant_reference="order 7",
    )
    day.sim.bitex.pay(payment.id)
    await day.sim.bitex.delivered()
    day.sim.advance(HOUR)
    await day.sim.bitex.delivered()
    settled = await day.bitex.payments.payment(payment.id)

    assert PaymentStatus.SETTLED is settled.status
    assert {200} == {d.status for d in day.sim.bitex.deliveries}
    assert {(Payment, "order 7")} == {(type(n), n.merchant_reference) for n in day.news}
    assert usd + settled.settlement_amount == (await day.balances())[0]


async def test_a_forged_callback_reaches_nobody(day):
    """A forged callback is rejected by the same endpoint, and not handled."""
    with pytest.raises(CallbackRejected):
        day.bitex.callbacks.payment(b'{"api_key": "wrong", "payment": {"id": 1}}')

    assert [] == day.news


async def test_a_withdrawal_goes_out(day):
    """A withdrawal is debited at once, and done by the staff hours later."""
    usd, _ = await day.balances()
    instruction = await day.bitex.funding.create_withdrawal_instruction(body=BANK, label="rent")
    sent = await day.bitex.funding.create_usd_withdrawal(
        amount=Decimal("1200.75"), withdrawal_instruction_id=instruction.id
    )
    day.sim.advance(3 * HOUR)
    done = await day.bitex.funding.usd_withdrawal(sent.id)

    assert (WithdrawalStatus.RECEIVED, WithdrawalStatus.DONE) == (sent.status, done.status)
    assert usd - Decimal("1200.75") == (await day.balances())[0]


async def test_a_user_of_a_reseller_has_balances_of_his_own(day):
    """A call of a reseller as a user moves the user's coins, not the reseller's."""
    before = await day.balances()
    created = await day.bitex.resellers.create_user(email="new@example.com", password="a long one")
    as_user = day.bitex.as_user(created.user_id)
    address = (await as_user.account.profile()).btc_deposit_address
    day.sim.bitex.send_btc(address, Decimal("0.75000001"))
    day.sim.advance(HOUR)

    assert Decimal("0.75000001") == (await as_user.account.profile()).btc_balance
    assert before == await day.balances()
    assert created.user_id in {user.id for user in await day.bitex.resellers.users()}


async def test_the_whole_day_adds_up(day):
    """Deposit, fill, payment, withdrawal and a reseller's user: in the end not a cent and not a satoshi is missing."""
    expected = sums(day.sim)
    deposit = await day.bitex.funding.create_usd_deposit(
        country="US", amount=Decimal("999.99"), currency="USD", deposit_method="bank"
    )
    day.sim.advance(2 * HOUR)
    ask = (await day.bitex.market.order_book()).asks[0].price
    placed = await day.bitex.trading.create_bid(amount=Decimal("333.33"), price=ask + 500)
    bid = await day.bitex.trading.wait_settled(placed, timeout_seconds=5.0)
    payment = await day.bitex.payments.create_payment(currency_id=Currency.USD, amount=Decimal(50), keep=Decimal(25))
    day.sim.bitex.pay(payment.id)
    day.sim.advance(HOUR)
    instruction = await day.bitex.funding.create_withdrawal_instruction(body=BANK)
    await day.bitex.funding.create_usd_withdrawal(amount=Decimal("77.77"), withdrawal_instruction_id=instruction.id)
    day.sim.advance(3 * HOUR)
    movements = [m async for m in day.bitex.account.every_movement()]

    assert [Decimal(0), Decimal(0)] == expected == sums(day.sim)
    assert bid in [m for m in movements if isinstance(m, Bid)]
    assert deposit.id in [d.id for d in await day.bitex.funding.usd_deposits()]
    assert Decimal("77.77") in [m.amount for m in movements if isinstance(m, UsdWithdrawal)]


async def test_the_calculators_agree(day):
    """The local calculation equals the exchange's for every path of the tree."""
    tree = await day.bitex.rates.tree()
    paths = [path for path in tree.paths if path[-1] != "reference"]
    theirs = [await day.bitex.rates.calculate_path(amount=1000, path=path) for path in paths]

    assert len(paths) > 1
    assert [calculate(1000, tree[path]) for path in paths] == theirs


async def test_a_reviewed_profile_is_told_and_confirmed(day):
    """A decision on a KYC profile is posted to the webhook, verified by the header, and confirmed."""
    await day.bitex.webhooks.update_webhook(webhook_url="https://shop.example.com/webhook")
    echo = await day.bitex.webhooks.test_webhook(echo="hello")
    profile = await day.bitex.kyc.default_profile()
    day.sim.bitex.review(profile.id, UsageTier.LARGE)
    await day.sim.bitex.delivered()

    assert "hello" == echo.echo
    assert [(profile.id, UsageTier.LARGE)] == [(n.id, n.accepted_usage_tier) for n in day.news if hasattr(n, "id")]
