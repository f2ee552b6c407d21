import time

import httpx
import pytest

from tests.support.simulator_calls import NOW, ask_bitex, ask_signed, simulated
from tests.support.simulator_in_process import InProcess


@pytest.mark.parametrize("ahead", [300, -300])
async def test_a_skewed_clock_shows_in_all_that_is_dated(ahead):
    """Orders, trades and withdrawals are dated by the clock of the exchange."""
    began = time.time() + ahead
    async with (
        simulated(port=None, clock=lambda: time.time() + ahead) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        bid = (await ask_bitex(http, "trading.create_bid")).json()
        await ask_bitex(http, "trading.create_ask", amount="1", price="100")
        await ask_bitex(http, "funding.create_btc_withdrawal", amount="1")
        trade = (await ask_bitex(http, "trading.trades")).json()[0]
        withdrawal = (await ask_bitex(http, "funding.btc_withdrawals")).json()[0]

    assert {0} == {(row[2] - int(began)) // 10 for row in (bid, trade, withdrawal)}
    assert 0 == (sim.deeds[0].at_ms / 1000 - began) // 10


async def test_nonces_do_not_depend_on_the_clock():
    """Any nonce above the last is good, whatever the clock shows."""
    now = [NOW]
    async with (
        simulated(port=None, clock=lambda: now[0]) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        for moment in (NOW, NOW + 10**6, NOW - 10**6):
            now[0] = moment
            await ask_signed(http, "bitstamp.v1.account.balance")

    assert ["ok"] * 3 == [seen.outcome for seen in sim.requests]


async def prices(seed, clock):
    """Return what each exchange shows between the same steps."""
    seen = []
    async with (
        simulated(port=None, seed=seed, clock=clock) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        for seconds in (0, 1, 3600):
            sim.advance(seconds)
            for path in PRICES:
                answer = (await http.get(path)).json()
                seen.append({key: value for key, value in answer.items() if "time" not in key})
    return seen


PRICES = (
    *("/api-v1/rest/btc_usd/market/ticker", "/api-v1/rest/btc_usd/market/order_book"),
    *("/api/v2/ticker/btcusd/", "/api/v2/order_book/btcusd/", "/v2/ticker?book=btc_mxn", "/v2/order_book?book=btc_mxn"),
)


async def test_the_same_steps_get_the_same_prices():
    """With a clock of its own the simulator moves by steps alone: seed and steps decide every price."""
    first, second, other = (
        await prices(7, lambda: NOW),
        await prices(7, lambda: NOW + 86_399),
        await prices(8, lambda: NOW),
    )

    assert first == second != other
    assert first[0] != first[-len(PRICES)]  # an hour later they have moved
