from decimal import Decimal

import pytest

from exchanges.bitstamp import Bitstamp
from exchanges.simulator import Faults, Venue
from tests.support.simulator_calls import NOW, simulated
from tests.support.sockets import Wire, wired

USER = 7890
ORDERS = f"private-my_orders_btcusd-{USER}"
TRADES = f"private-my_trades_btcusd-{USER}"


@pytest.fixture
async def sim():
    """Bitstamp at a fixed price, whose clock moves by hand alone."""
    async with simulated(Venue.BITSTAMP, clock=lambda: NOW) as simulator:
        simulator.bitstamp.set_price("btcusd", Decimal(60_000))
        yield simulator


@pytest.fixture
async def bitstamp(sim):
    """The client of the first account."""
    async with Bitstamp(base_url=sim.base_url, clock=lambda: sim.now, **sim.account(Venue.BITSTAMP)) as client:
        yield client


@pytest.fixture
async def wire(sim):
    """A socket."""
    async with wired(sim) as wire:
        yield wire


async def enter(bitstamp: Bitstamp, wire: Wire, *channels: str) -> None:
    """Subscribe with a fresh token."""
    token = (await bitstamp.account.websockets_token()).token
    for channel in channels:
        assert "bts:subscription_succeeded" == (await wire.subscribe(channel, auth=token))["event"]


async def test_without_a_good_token_private_channels_are_closed(sim, bitstamp, wire):
    """One that is missing, invented, of another user, or a minute old is refused with 4009."""
    token = (await bitstamp.account.websockets_token()).token
    refusals = [await wire.ask({"event": "bts:subscribe", "data": {"channel": ORDERS}})]
    refusals.append(await wire.subscribe(ORDERS, auth="0" * 32))
    refusals.append(await wire.subscribe("private-my_orders_btcusd-7891", auth=token))
    sim.advance(61)
    refusals.append(await wire.subscribe(ORDERS, auth=token))

    assert [4009] * 4 == [refusal["data"]["code"] for refusal in refusals]
    assert {"Connection is unauthorized."} == {refusal["data"]["message"] for refusal in refusals}


async def test_a_token_is_of_one_connection(sim, bitstamp, wire):
    """It opens several channels there, and none on another one."""
    token = (await bitstamp.account.websockets_token()).token
    async with wired(sim) as other:
        events = [
            (await socket.subscribe(name, auth=token))["event"] for socket, name in ((wire, ORDERS), (wire, TRADES))
        ]
        events.append((await other.subscribe(ORDERS, auth=token))["event"])

    assert ["bts:subscription_succeeded"] * 2 + ["bts:error"] == events


async def test_a_subscription_outlives_its_token(sim, bitstamp, wire):
    """Events come long after the token has expired."""
    await enter(bitstamp, wire, ORDERS)
    sim.advance(600)
    await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000", client_order_id="mine-7")
    (frame,) = await wire.until_beat()

    assert ("order_created", "mine-7", "0.50000000") == (
        frame["event"],
        frame["data"]["client_order_id"],
        frame["data"]["amount_str"],
    )


async def test_the_life_of_an_order(sim, bitstamp, wire):
    """What is left falls with each trade; the amount of an event is what traded by it; each names the one before."""
    await enter(bitstamp, wire, ORDERS, TRADES)
    order = await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")
    for quantity in ("0.2", "0.3"):
        sim.bitstamp.fill_order(order.id, Decimal(quantity))
    frames = await wire.until_beat()
    orders = [frame for frame in frames if frame["channel"] == ORDERS]
    trades = [frame["data"] for frame in frames if frame["channel"] == TRADES]

    assert [
        ("order_created", "0.50000000", "0.00000000"),
        ("order_changed", "0.30000000", "0.20000000"),
        ("order_deleted", "0.00000000", "0.30000000"),
    ] == [(frame["event"], frame["data"]["amount_str"], frame["data"]["amount_traded"]) for frame in orders]
    assert [frame["event_id"] for frame in orders[:-1]] == [frame["pre_event_id"] for frame in orders[1:]]
    assert {order.id} == {frame["data"]["id"] for frame in orders} == {trade["order_id"] for trade in trades}
    assert ["0.20000000", "0.30000000"] == [trade["amount"] for trade in trades]


async def test_a_cancelled_order_is_deleted_with_its_remainder(bitstamp, wire):
    """The amount of the last event is what did not trade."""
    await enter(bitstamp, wire, ORDERS)
    order = await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")
    await bitstamp.trading.cancel_order(order_id=order.id)
    last = (await wire.until_beat())[-1]

    assert ("order_deleted", "0.50000000") == (last["event"], last["data"]["amount_str"])


async def test_a_market_order_is_created_with_nothing(bitstamp, wire):
    """Its first event has no amount and a price that nobody pays, the last one is no trade."""
    await enter(bitstamp, wire, ORDERS)
    await bitstamp.trading.buy_market(market="btcusd", amount="0.001")
    frames = await wire.until_beat()

    assert [
        ("order_created", "0.00000000", "0.00000000"),
        ("order_changed", "0.00000000", "0.00100000"),
        ("order_deleted", "0.00000000", "0.00000000"),
    ] == [(frame["event"], frame["data"]["amount_str"], frame["data"]["amount_traded"]) for frame in frames]
    assert "999999999" == frames[0]["data"]["price_str"]


async def test_events_are_those_of_rest(bitstamp, wire):
    """REST lists the same ids."""
    await enter(bitstamp, wire, ORDERS)
    order = await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")
    await bitstamp.trading.cancel_order(order_id=order.id)
    frames = await wire.until_beat()
    listed = await bitstamp.trading.account_order_data(market="BTC/USD", order_source="orderbook")

    assert [event.event_id for event in listed] == [frame["event_id"] for frame in frames]


async def test_another_account_sees_nothing_of_it(sim, bitstamp, wire):
    """Private channels show one account."""
    async with Bitstamp(base_url=sim.base_url, clock=lambda: sim.now, **sim.account(Venue.BITSTAMP, 1)) as other:
        await enter(other, wire, "private-my_orders_btcusd-7891")
    await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")

    assert [] == await wire.until_beat()


async def test_public_trades_show_those_of_accounts(sim, bitstamp, wire):
    """A trade of an account names its order, under the id by which REST lists it."""
    await wire.subscribe("live_trades_btcusd")
    order = await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")
    sim.bitstamp.fill_order(order.id, Decimal("0.5"))
    (frame,) = await wire.until_beat()
    listed = (await bitstamp.market.transactions("btcusd"))[0]

    assert (order.id, 1) == (str(frame["data"]["buy_order_id"]), frame["data"]["type"])
    assert listed.tid == str(frame["data"]["id"])


async def test_public_orders_are_a_chain(sim, bitstamp, wire):
    """Each event names the one before; an account's order is among them."""
    await wire.subscribe("live_orders_btcusd")
    order = await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")
    sim.bitstamp.set_price("btcusd", None)
    sim.advance(5)
    frames = await wire.until_beat()

    assert len(frames) > 100
    assert [frame["event_id"] for frame in frames[:-1]] == [frame["pre_event_id"] for frame in frames[1:]]
    assert ["order_created"] == [frame["event"] for frame in frames if frame["data"]["id_str"] == order.id]


async def test_the_funding_rate_comes_every_second(sim, wire):
    """Of perpetuals; a spot market has none."""
    await wire.subscribe("funding_rate_btcusd-perp")
    await wire.subscribe("funding_rate_btcusd")
    sim.advance(3)
    frames = await wire.until_beat()

    assert [("funding_rate_saved", "BTC/USD-PERP")] * 3 == [
        (frame["event"], frame["data"]["market"]) for frame in frames
    ]


async def test_stale_reads_copy_no_sockets(sim, bitstamp, wire):
    """A copy of the exchange's state shares its sockets, so events are sent once."""
    sim.faults = Faults(late_seconds=(5, 5))
    await enter(bitstamp, wire, ORDERS)
    await bitstamp.trading.buy(market="btcusd", amount="0.5", price="50000")

    assert 1 == len(await wire.until_beat())
    assert 1 == sim.bitstamp.sockets.count
    assert {ORDERS: 1} == dict(sim.bitstamp.sockets.subscriptions)
