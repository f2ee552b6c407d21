from decimal import Decimal
from itertools import pairwise

import pytest

from exchanges.simulator.engine.prices import DAY_MS, HOUR_MS, BookSpec, Market
from exchanges.simulator.venues.bitex import BitexExchange
from exchanges.wire import dumps
from tests.support.simulator_calls import BOOKS, ENDPOINTS, NOW_MS, ask_declared, plain_http, simulated

# Prices


async def bodies(seed: int, endpoints=ENDPOINTS) -> list[bytes]:
    """Call every public endpoint of a new simulator."""
    async with simulated(seed=seed) as sim, plain_http(sim.base_url) as http:
        sim.bitso.deposit("mxn", Decimal(100))
        sim.bitstamp.deposit("usd", Decimal(100))
        return [(await ask_declared(http, endpoint)).content for endpoint in endpoints]


@pytest.mark.sweep
async def test_the_same_seed_gives_the_same_answers():
    """Requests repeated at the same times on a new simulator get the same bytes; another seed gives others."""
    first, again, other = await bodies(1), await bodies(1), await bodies(2, ENDPOINTS[:1])

    assert first == again
    assert first[0] != other[0]


@pytest.mark.parametrize(("venue", "facts"), BOOKS, ids=lambda value: getattr(value, "name", value))
def test_a_book_makes_sense_at_any_moment(venue, facts):
    """Bids stand below asks, best first; the last price is one of the best; the day's bounds hold all prices."""
    market = Market(facts, 3, venue)
    for at in range(NOW_MS, NOW_MS + DAY_MS, 7_654_321):
        now = market.snapshot(at)
        bids, asks = [x.price for x in now.bids], [x.price for x in now.asks]

        assert sorted(bids, reverse=True) + sorted(asks) == bids + asks
        assert 0 < bids[0] < asks[0]
        assert now.last in (bids[0], asks[0])
        assert now.day.low <= min(now.last, now.day.open, now.day.vwap)
        assert max(now.last, now.day.open, now.day.vwap) <= now.day.high
        assert {facts.tick.as_tuple().exponent} == {price.as_tuple().exponent for price in (*bids, *asks, now.last)}


@pytest.mark.parametrize(("venue", "facts"), BOOKS, ids=lambda value: getattr(value, "name", value))
def test_trades_stay_the_same(venue, facts):
    """A trade is the same whenever it is asked for, newest first, within the bounds of its day."""
    market = Market(facts, 3, venue)
    trades = market.trades(NOW_MS - HOUR_MS, NOW_MS)
    later = market.trades(NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)
    day = market.snapshot(NOW_MS).day

    assert trades == later[-len(trades) :]
    assert all(a.id > b.id and a.at_ms > b.at_ms for a, b in pairwise(trades))
    assert all(day.low <= trade.price <= day.high for trade in trades)


def test_prices_move_and_venues_differ_a_little():
    """Within a minute the price has moved; two venues of one seed are less than a hundredth apart."""
    facts = BookSpec("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=1)
    here, there = Market(facts, 3, "here"), Market(facts, 3, "there")
    prices = {here.price(NOW_MS + 1000 * second) for second in range(60)}

    assert len(prices) > 50
    assert 0 < abs(here.price(NOW_MS) - there.price(NOW_MS)) < here.price(NOW_MS) / 100


def test_candles_hold_their_prices():
    """The lowest price of a candle is no higher than any other, the highest no lower."""
    market = Market(BitexExchange.books[0], 3, "bitex")
    bars = market.bars(HOUR_MS, 24, NOW_MS)

    assert [NOW_MS // HOUR_MS * HOUR_MS - 23 * HOUR_MS, 24] == [bars[0].start_ms, len(bars)]
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close, bar.vwap, bar.before_close)
        assert max(bar.open, bar.close, bar.vwap, bar.before_close) <= bar.high


async def test_pages_of_trades_follow_the_marker(http):
    """The page beyond a marker begins right after it, in either direction."""
    whole = (await http.get("/api/v3/trades?book=btc_mxn&limit=5")).json()["payload"]
    first, more = whole[:3], whole[3:]
    marker = first[-1]["tid"]
    down = (await http.get(f"/api/v3/trades?book=btc_mxn&limit=2&marker={marker}")).json()["payload"]
    up = (await http.get(f"/api/v3/trades?book=btc_mxn&sort=asc&marker={marker}")).json()["payload"]

    assert more == down
    assert [t["tid"] for t in reversed(first[:-1])] == [t["tid"] for t in up]


async def test_orders_have_ids_where_they_are_not_summed_up(http):
    """Bitso shows ids without aggregation, Bitstamp in group 2."""
    bitso = (await http.get("/api/v3/order_book?book=btc_mxn&aggregate=false")).json()["payload"]["bids"][0]
    bitstamp = (await http.get("/api/v2/order_book/btcusd/?group=2")).json()["bids"][0]

    assert ({"book", "price", "amount", "oid"}, 3) == (set(bitso), len(bitstamp))


def test_amounts_never_travel_with_an_exponent():
    """No number in a book or in trades is written with an exponent."""
    market = Market(BitexExchange.books[0], 3, "bitex")
    told = dumps([[x.price, x.amount] for x in market.snapshot(NOW_MS).bids])

    assert b"E" not in told
