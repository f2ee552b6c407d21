# ruff: noqa: INP001, S101, SIM300 - examples are not a package, and tests assert: expected == actual
"""Tests of a strategy against the simulator, to copy: ``pytest examples/test_with_simulator.py``.

They need pytest and pytest-asyncio. Prices are set, orders fill, answers are lost and time moves only as a test says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio
from attrs import frozen

from exchanges import Bitstamp, Kind, OutcomeUnknown, Reconciled, UnresolvedOutcome
from exchanges.simulator import FaultPoint, Faults, Simulator, Venue, simulate


@frozen
class Desk:
    """The exchange of a test, and a client of its first account."""

    sim: Simulator
    bitstamp: Bitstamp

    async def buy(self, price: str) -> str:
        """Buy a hundredth of a BTC; return the id of the order."""
        return (await self.bitstamp.trading.buy(market="btcusd", amount="0.01", price=price)).id


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Start an exchange whose clock stands still, where BTC costs 50,000 USD."""
    async with simulate(Venue.BITSTAMP, clock=lambda: 1_700_000_000, delay_seconds=(0, 0)) as sim:
        sim.bitstamp.set_price("btcusd", Decimal(50_000))
        # The client reads the same clock: it signs with it, and the exchange checks that.
        account = sim.account(Venue.BITSTAMP)
        async with Bitstamp(base_url=sim.base_url, clock=lambda: 1_700_000_000, **account) as client:
            yield Desk(sim, client)


@pytest.mark.asyncio
async def test_an_order_below_the_market_waits(desk: Desk) -> None:
    """Nothing trades before the price comes down."""
    order_id = await desk.buy("40000")

    assert [order_id] == [order.id for order in await desk.bitstamp.trading.open_orders()]


@pytest.mark.asyncio
async def test_it_trades_when_the_market_falls(desk: Desk) -> None:
    """The order trades at its own price once the market is below it."""
    order_id = await desk.buy("40000")
    desk.sim.bitstamp.set_price("btcusd", Decimal(39_000))
    state = await desk.bitstamp.trading.wait_settled(order_id=order_id, timeout_seconds=10)

    assert (True, Decimal("0.01"), Decimal(400)) == (state.is_settled, state.filled, state.value)


@pytest.mark.asyncio
async def test_a_lost_answer_is_not_a_second_order(desk: Desk) -> None:
    """While the outcome is unknown the same order is refused; then it is found, and there is one."""
    desk.sim.faults = Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})
    with pytest.raises(OutcomeUnknown) as caught:
        await desk.buy("40000")
    with pytest.raises(UnresolvedOutcome):
        await desk.buy("40000")
    verdict = await desk.bitstamp.reconcile(caught.value.intent)

    assert isinstance(verdict, Reconciled)
    assert 1 == len(desk.sim.deeds)
