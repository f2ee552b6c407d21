"""A day at Bitso through the public API of v2, v3 and v4: what comes in, is traded, converted and sent out adds up."""

from decimal import Decimal

import pytest
import pytest_asyncio

from exchanges import Bitso, InsufficientFunds, QuoteExpired
from exchanges.bitso import ConversionStatus
from exchanges.bitso.v2 import AmountUnit, OrderStatus, TransactionType
from exchanges.simulator import Venue, simulate

pytestmark = pytest.mark.asyncio

HOUR = 3600.0
CLABE = "032180000118359719"


@pytest_asyncio.fixture
async def sim():
    """The simulated exchange, time in the hands of the test."""
    async with simulate(Venue.BITSO, seed=5, delay_seconds=(0, 0), limits=False) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def bitso(sim):
    """A client of the first account that refuses every deviation from the documents."""
    clock = sim._now_ms
    async with Bitso(
        base_url=sim.base_url, limits=None, strict=True, clock=lambda: clock() / 1000, **sim.account(Venue.BITSO)
    ) as client:
        yield client


async def held(bitso):
    """What the account holds of each currency, by v3."""
    return {balance.currency: balance.total for balance in await bitso.account.balance()}


async def changes(bitso, transactions):
    """What *transactions* of v2 moved, by currency."""
    moved = {}
    for transaction in transactions:
        for currency, amount in transaction.amounts.items():
            moved[currency] = moved.get(currency, Decimal(0)) + amount
    return moved


async def test_an_order_rests_and_is_cancelled(bitso):
    """An order far from the market rests with its funds reserved, and gives them back when it is cancelled."""
    before = await held(bitso)
    bid = (await bitso.v2.market.ticker("btc_mxn")).bid
    placed = await bitso.v2.trading.buy(amount="0.01", price=(bid / 2).quantize(Decimal(10)))
    (resting,) = [o for o in await bitso.v2.trading.open_orders() if o.id == placed.id]
    await bitso.v2.trading.cancel_order(placed.id)
    (looked_up,) = await bitso.v2.trading.lookup_order(placed.id)

    assert (Decimal("0.01"), OrderStatus.CANCELLED) == (resting.amount, looked_up.status)
    assert before == await held(bitso)


async def test_a_fill_is_in_the_transactions(bitso):
    """What an order moved is what its trades say, currency by currency, to the last digit."""
    before = await held(bitso)
    ask = (await bitso.v2.market.ticker("btc_mxn")).ask
    placed = await bitso.v2.trading.buy(amount="0.25", price=(ask * 2).quantize(Decimal(10)))
    (order,) = await bitso.v2.trading.lookup_order(placed.id)
    trades = [t async for t in bitso.v2.account.every_user_transaction() if t.order_id == placed.id]
    after = await held(bitso)
    moved = await changes(bitso, trades)

    assert OrderStatus.COMPLETE is order.status
    assert {TransactionType.TRADE} == {t.type for t in trades}
    assert {c: after[c] - before[c] for c in moved} == moved
    assert Decimal("0.24") < moved["btc"] <= Decimal("0.25")


async def test_too_much(bitso):
    """An order that the account cannot pay is refused as such."""
    with pytest.raises(InsufficientFunds):
        await bitso.v2.trading.sell(amount=1_000_000, price="2000000")


async def test_a_conversion(bitso, sim):
    """A conversion within the limit on its rate is executed and ends completed, with both sides moved as quoted."""
    before = await held(bitso)
    quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="usd", spend_amount=2000)
    oid = await bitso.conversions.execute(quote)
    sim.advance(60)
    done = await bitso.conversions.conversion(oid)
    after = await held(bitso)

    assert ConversionStatus.COMPLETED is done.status
    assert (-quote.from_amount, quote.to_amount) == (after["mxn"] - before["mxn"], after["usd"] - before["usd"])


async def test_an_expired_quote(bitso, sim):
    """A quote past its moment is refused before anything is sent."""
    quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="usd", spend_amount=2000)
    sim.advance(31)
    calls = sim.calls
    with pytest.raises(QuoteExpired):
        await bitso.conversions.execute(quote)

    assert calls == sim.calls


async def test_the_whole_day_adds_up(bitso, sim):
    """Deposit, fill, market order, conversion and withdrawals: in the end nothing of any currency is missing."""
    sim.bitso.deposit("btc", Decimal("0.50000001"))
    sim.advance(HOUR)
    ask = (await bitso.v2.market.ticker("btc_mxn")).ask
    await bitso.v2.trading.buy(amount="0.02", price=(ask * 2).quantize(Decimal(10)))
    await bitso.v2.trading.buy(amount="0.01", amount_unit=AmountUnit.MAJOR)
    quote = await bitso.conversions.create_quote(from_currency="mxn", to_currency="usd", receive_amount=10)
    await bitso.conversions.execute(quote)
    await bitso.v2.funding.bitcoin_withdrawal(amount="0.1", address="1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
    await bitso.v2.funding.spei_withdrawal(
        amount="150.25",
        recipient_given_names="Andre",
        recipient_family_names="Lapierre",
        clabe=CLABE,
        notes_ref="rent",
        numeric_ref="1234567",
    )
    sim.advance(HOUR)

    assert {"btc": 0, "mxn": 0, "usd": 0} == {c: sum(sim.bitso.holdings(c).values()) for c in ("btc", "mxn", "usd")}
    assert (await bitso.v2.account.balance()).currencies["btc"].balance == (await held(bitso))["btc"]
