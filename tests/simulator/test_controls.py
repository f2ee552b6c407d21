"""What tests set at a simulated exchange: prices, order books, fills."""

from decimal import Decimal

import pytest

from exchanges.bitex import OrderStatus as BitexStatus
from exchanges.bitso.v2 import AmountUnit, OrderStatus
from exchanges.simulator import Backstage, BitexControls, Venue
from tests.support.simulator_calls import ENDPOINTS, NOW, ask_declared, plain_http, simulated
from tests.support.simulator_days import NOTHING, playing, playing_bitso, playing_bitstamp


async def test_the_old_names_stay():
    """`Backstage` and `Simulator.bitex` are the controls of Bitex."""
    async with simulated(Venue.BITEX) as sim:
        assert BitexControls is Backstage
        assert type(sim.bitex) is type(sim.controls(Venue.BITEX)) is BitexControls


async def test_a_price_is_set_and_moves_again():
    """A price that is set stands still, with the book around it, until it is released."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        moving = (await bitstamp.market.ticker("btcusd")).last
        sim.controls(Venue.BITSTAMP).set_price("btcusd", Decimal(50_000))
        tickers = [await bitstamp.market.ticker("btcusd")]
        sim.advance(86_400)
        tickers.append(await bitstamp.market.ticker("btcusd"))
        book = await bitstamp.market.order_book("btcusd")
        sim.controls(Venue.BITSTAMP).set_price("btcusd", None)
        later = (await bitstamp.market.ticker("btcusd")).last

        assert [Decimal(50_000)] * 2 == [ticker.last for ticker in tickers]
        assert all(ticker.low <= ticker.last <= ticker.high for ticker in tickers)
        assert (Decimal(50_000), Decimal(50_001)) == (book.bids[0].price, book.asks[0].price)
        assert moving != later
        assert abs(moving - later) < moving / 10


async def test_an_order_that_a_set_price_reaches_trades():
    """An order that waits trades at its own price as soon as the price is set beyond it."""
    async with playing_bitso() as (sim, bitso, _):
        order = await bitso.v2.trading.buy(amount="0.1", price=900_000, book="btc_mxn", amount_unit=AmountUnit.MAJOR)
        sim.controls(Venue.BITSO).set_price("btc_mxn", Decimal(800_000))
        [found] = await bitso.v2.trading.lookup_order(order.id)
        [trade] = [t for t in await bitso.v2.account.user_transactions() if t.order_id == order.id]

        assert (OrderStatus.COMPLETE, Decimal(900_000)) == (found.status, trade.rate)


async def test_an_order_book_is_set():
    """The levels that are set are those that are shown and traded with, best first."""
    async with playing() as (sim, bitex, _):
        bids = [(Decimal(90), Decimal(1)), (Decimal(95), Decimal(2))]
        sim.controls(Venue.BITEX).set_order_book("btc_usd", bids, [(Decimal(100), Decimal("0.5"))])
        book, ticker = await bitex.market.order_book(), await bitex.market.ticker()
        placed = await bitex.trading.create_bid(amount=60, price=100)
        bid = await bitex.trading.bid(placed.id)

        assert [(95, 2), (90, 1)] == [(level.price, level.amount) for level in book.bids]
        assert (95, 100) == (ticker.bid, ticker.ask)
        assert (BitexStatus.EXECUTING, Decimal(10)) == (bid.status, bid.remaining_amount)


@pytest.mark.parametrize(
    ("bids", "asks", "words"),
    [
        ([], [(2, 1)], "both sides need levels"),
        ([(2, 1)], [(2, 1)], "bids must lie below the asks"),
        ([(0, 1)], [(2, 1)], "must be positive"),
        ([(1, 1)], [(2, 0)], "must be positive"),
    ],
)
async def test_an_order_book_that_makes_no_sense_is_rejected(bids, asks, words):
    """Both sides, positive and not crossed; what was there before stays."""
    async with simulated(Venue.BITSO) as sim:
        sides = ([(Decimal(price), Decimal(amount)) for price, amount in side] for side in (bids, asks))

        with pytest.raises(ValueError, match=words):
            sim.controls(Venue.BITSO).set_order_book("btc_mxn", *sides)


@pytest.mark.parametrize("price", ["-1", "0", "50000.001"])
async def test_a_price_off_the_grid_is_rejected(price):
    """A price is a positive multiple of the tick."""
    async with simulated(Venue.BITSTAMP) as sim:
        with pytest.raises(ValueError, match=r"btcusd: prices are at least 1\.00, in steps of 0\.01"):
            sim.controls(Venue.BITSTAMP).set_price("btcusd", Decimal(price))


async def test_an_order_is_filled_in_part():
    """A fill trades at the price of the order, which stays open with the rest."""
    async with playing_bitso() as (sim, bitso, _):
        order = await bitso.v2.trading.sell(amount="0.5", price=2_000_000, book="btc_mxn")
        sim.controls(Venue.BITSO).fill_order(order.id, Decimal("0.2"))
        [found] = await bitso.v2.trading.open_orders("btc_mxn")
        [trade] = [t for t in await bitso.v2.account.user_transactions() if t.order_id == order.id]

        assert (OrderStatus.PARTIALLY_FILLED, Decimal("0.3")) == (found.status, found.amount)
        assert Decimal(2_000_000) == trade.rate
        assert {NOTHING} == {sum(sim.bitso.holdings(c).values(), NOTHING) for c in ("btc", "mxn")}


async def test_a_bid_that_spends_money_is_filled_in_part():
    """At Bitex the quantity is coins too, although the amount of a bid is money; the bid is opened first."""
    async with playing() as (sim, bitex, _):
        placed = await bitex.trading.create_bid(amount=100, price=1_000)
        sim.controls(Venue.BITEX).fill_order(placed.id, Decimal("0.06"))
        bid = await bitex.trading.bid(placed.id)
        sim.controls(Venue.BITEX).fill_order(placed.id, Decimal("0.04"))
        filled = await bitex.trading.bid(placed.id)

        assert (BitexStatus.EXECUTING, Decimal(40)) == (bid.status, bid.remaining_amount)
        assert (BitexStatus.COMPLETED, NOTHING) == (filled.status, filled.remaining_amount)


async def test_only_what_is_left_can_be_filled():
    """More than is left, and an unknown order, are refused."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        order = await bitstamp.v1.trading.sell(amount=1, price=1_000_000)
        controls = sim.controls(Venue.BITSTAMP)

        with pytest.raises(ValueError, match=f"order {order.id} cannot trade 1.1: it is open, 1 left"):
            controls.fill_order(order.id, Decimal("1.1"))
        with pytest.raises(KeyError):
            controls.fill_order(1, Decimal(1))


async def test_the_controls_publish_events():
    """A subscriber hears of orders and money until it ends its subscription."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        kinds = []
        end = sim.controls(Venue.BITSTAMP).subscribe(lambda event: kinds.append(event.kind.value))
        order = await bitstamp.v1.trading.sell(amount=1, price=1_000_000)
        sim.controls(Venue.BITSTAMP).deposit("usd", Decimal(5))
        end()
        await bitstamp.v1.trading.cancel_order(order.id)

        assert ["order placed", "deposit"] == kinds


# The clock of prices


async def shown_at(start: float) -> list[bytes]:
    """Return the books of a simulator that starts at *start*, now and after each of a few steps."""
    shown = []
    names = (
        "bitso.v2.market.order_book",
        "bitex.market.order_book",
        "bitex.market.ticker",
        "bitstamp.v1.market.eur_usd",
    )
    endpoints = [endpoint for endpoint in ENDPOINTS if endpoint.id in names]
    async with simulated(clock=lambda: start) as sim, plain_http(sim.base_url) as http:
        for seconds in (0, 0.25, 59, 7200):
            sim.advance(seconds)
            answers = [(await ask_declared(http, endpoint)).json() for endpoint in endpoints]
            shown.append([{k: v for k, v in answer.items() if k != "timestamp"} for answer in answers])
    return shown


async def test_prices_follow_the_time_since_the_start():
    """Simulators of one seed show the same prices after the same steps, whatever the wall clock says at their start."""
    first, later = await shown_at(NOW), await shown_at(NOW + 123_456_789)

    assert first == later
    assert first[0] != first[1] != first[2] != first[3]
