"""A day at Bitstamp through the public API of v1: what comes in, is traded and sent out adds up."""

from decimal import Decimal

import pytest
import pytest_asyncio

from exchanges import Bitstamp, NotFound
from exchanges.bitstamp.v1 import TransactionType
from exchanges.simulator import Venue, simulate

pytestmark = pytest.mark.asyncio

HOUR = 3600.0
ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


@pytest_asyncio.fixture
async def sim():
    """The simulated exchange, time in the hands of the test."""
    async with simulate(Venue.BITSTAMP, seed=5, delay_seconds=(0, 0), limits=False) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def bitstamp(sim):
    """A client of the first account that refuses every deviation from the documents."""
    async with Bitstamp(base_url=sim.base_url, limits=None, strict=True, **sim.account(Venue.BITSTAMP)) as client:
        yield client


async def held(bitstamp):
    """What the account holds of either currency."""
    currencies = (await bitstamp.v1.account.balance()).currencies
    return currencies["usd"].balance, currencies["btc"].balance


async def test_an_order_rests_and_is_cancelled(bitstamp):
    """An order far from the market rests with its funds reserved; cancelled twice, the second time it is not there."""
    before = await held(bitstamp)
    bid = (await bitstamp.v1.market.ticker()).bid
    placed = await bitstamp.v1.trading.buy(amount="0.5", price=(bid / 2).quantize(Decimal(1)))
    resting = {order.id: order.amount for order in await bitstamp.v1.trading.open_orders()}
    await bitstamp.v1.trading.cancel_order(placed.id)
    with pytest.raises(NotFound):
        await bitstamp.v1.trading.cancel_order(placed.id)

    assert Decimal("0.5") == resting[placed.id]
    assert before == await held(bitstamp)


async def test_a_fill_is_in_the_transactions(bitstamp):
    """What an order moved, fee included, is what its trades say, to the last digit."""
    usd, btc = await held(bitstamp)
    ask = (await bitstamp.v1.market.ticker()).ask
    placed = await bitstamp.v1.trading.buy(amount="0.25", price=(ask * 2).quantize(Decimal(1)))
    trades = [t async for t in bitstamp.v1.account.every_user_transaction() if t.order_id == placed.id]
    moved_usd = sum(t.amounts["usd"] - t.fee for t in trades)
    moved_btc = sum(t.amounts["btc"] for t in trades)

    assert {TransactionType.MARKET_TRADE} == {t.type for t in trades}
    assert Decimal("0.25") == moved_btc
    assert (usd + moved_usd, btc + moved_btc) == await held(bitstamp)


async def test_the_whole_day_adds_up(bitstamp, sim):
    """Deposit, fill, withdrawals of coins: in the end not a cent and not a satoshi is missing."""
    sim.bitstamp.deposit("btc", Decimal("0.50000001"))
    unconfirmed = await bitstamp.v1.funding.unconfirmed_btc()
    sim.advance(HOUR)
    bid = (await bitstamp.v1.market.ticker()).bid
    await bitstamp.v1.trading.sell(amount="0.125", price=(bid / 2).quantize(Decimal(1)))
    sent = await bitstamp.v1.funding.bitcoin_withdrawal(amount="0.1", address=ADDRESS)
    await bitstamp.v1.funding.ripple_withdrawal(amount=10, address=ADDRESS, currency="USD")
    sim.advance(HOUR)
    requests = {request.id: request.amount for request in await bitstamp.v1.funding.withdrawal_requests()}

    assert [Decimal("0.50000001")] == [deposit.amount for deposit in unconfirmed]
    assert Decimal("0.1") == requests[sent.id]
    assert {"usd": 0, "btc": 0} == {c: sum(sim.bitstamp.holdings(c).values()) for c in ("usd", "btc")}
