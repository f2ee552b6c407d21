"""What the simulated Bitstamp does that takes time: cancels under way, requests of another time."""

from decimal import Decimal

import pytest

from exchanges import Bitstamp
from exchanges.bitstamp import OrderStatusWord
from exchanges.endpoint import waiting
from exchanges.errors import AuthenticationFailed, NotFound
from exchanges.simulator import Venue
from tests.support.simulator_calls import NOW, simulated
from tests.support.simulator_days import playing_bitstamp

ORDER = {"market": "btcusd", "amount": "0.01", "price": "50000"}
PENDING = OrderStatusWord.CANCEL_PENDING


async def test_a_cancel_under_way():
    """Until a cancel is done the order is pending, and so does another cancel answer, with nothing but that."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        sim.bitstamp.delay_cancels(5.0)
        order = await bitstamp.trading.buy(**ORDER)
        first = await bitstamp.trading.cancel_order(order_id=order.id)
        second = await bitstamp.trading.cancel_order(order_id=order.id)
        during = (await bitstamp.trading.order_status(order_id=order.id)).status
        with pytest.raises(NotFound):
            await bitstamp.trading.replace_order(order_id=order.id, amount="0.01", price="49000")
        sim.advance(6)
        after = (await bitstamp.trading.order_status(order_id=order.id)).status
        with pytest.raises(NotFound):
            await bitstamp.trading.cancel_order(order_id=order.id)

        assert (PENDING, PENDING, PENDING, OrderStatusWord.CANCELED) == (first.status, second.status, during, after)
        assert (order.id, None) == (first.id, second.id)


async def test_an_order_that_trades_while_it_is_cancelled(monkeypatch):
    """A cancel that loses to a trade leaves a finished order."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    async with playing_bitstamp() as (sim, bitstamp, _):
        sim.bitstamp.delay_cancels(5.0)
        order = await bitstamp.trading.buy(**ORDER)
        await bitstamp.trading.cancel_all_orders()
        sim.bitstamp.fill_order(order.id, Decimal("0.01"))
        sim.advance(6)
        settled = await bitstamp.trading.wait_settled(order_id=order.id, timeout_seconds=10)

        assert (True, Decimal("0.01")) == (settled.is_settled, settled.filled)


@pytest.mark.parametrize(("off", "accepted"), [(-151, False), (-149, True), (149, True), (151, False)])
async def test_the_time_of_a_request(off, accepted):
    """A signed request of version 2 is refused if its time is more than 150 seconds from that of the exchange."""
    async with (
        simulated(Venue.BITSTAMP) as sim,
        Bitstamp(base_url=sim.base_url, clock=lambda: NOW + off, limits=None, **sim.account(Venue.BITSTAMP)) as client,
    ):
        answered = True
        try:
            await client.account.account_balances()
        except AuthenticationFailed as refusal:
            answered = (refusal.code, refusal.status) != ("API0017", 403)

        assert accepted is answered
