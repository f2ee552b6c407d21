"""Every book trades, and what is calculated does not depend on the decimal context of the program."""

import decimal
import subprocess
import sys
from decimal import Decimal

import pytest

from exchanges.simulator import Venue
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.simulator import EXCHANGES
from tests.support.simulator_calls import BOOKS, NOW_MS
from tests.support.simulator_days import playing_bitso, playing_bitstamp

SPOT = {Venue.BITSO: playing_bitso, Venue.BITSTAMP: playing_bitstamp}
VALUES = {Venue.BITSO: 300, Venue.BITSTAMP: 30}
"""Of an order, in quote: above the least, and small enough for the depth of every book."""
TRAPS = [decimal.Clamped, decimal.Inexact, decimal.Rounded, decimal.Subnormal]
NARROW = decimal.Context(prec=2, Emax=3, Emin=-3, rounding=decimal.ROUND_UP, capitals=0, traps=TRAPS)


@pytest.mark.parametrize(("venue", "spec"), BOOKS, ids=lambda value: getattr(value, "name", value))
def test_every_book_trades_both_ways(venue, spec):
    """At each book of each exchange the first account buys and sells, and no money is created."""
    engine = EXCHANGES[venue](0, NOW_MS).engine
    book, wallet = engine.books[spec.name], engine.wallets[0]
    smallest = Decimal("0.01")
    fund(engine, wallet, spec.quote)
    fund(engine, wallet, spec.base)
    orders = [place(book, wallet, side, smallest) for side in Side]
    for _ in range(3):
        engine.pass_time(NOW_MS)

    assert [0, 0] == [order.left for order in orders]
    assert all(sum(engine.holdings(name).values()) == 0 for name in (spec.base, spec.quote))


def fund(engine, wallet, currency):
    """Credit enough of a currency for any order of the tests."""
    engine.credit(wallet, currency, Decimal(100_000), NOW_MS)


def place(book: MatchingEngine, wallet, side: Side, amount: Decimal):
    """Place an order that trades at once."""
    return book.place(wallet, side, amount, price=None, now_ms=NOW_MS)


@pytest.mark.stress
@pytest.mark.parametrize("venue", SPOT)
async def test_every_spot_market_trades_with_what_the_account_holds(venue):
    """A client buys in each market that the exchange lists, and the account holds what both sides need."""
    async with SPOT[venue]() as (sim, client, _):
        filled = {}
        for market, rules in (await client.spot.markets()).items():
            best = (await client.spot.order_book(market)).asks[0]
            amount = rules.round_amount(VALUES[venue] / best.price)
            for side in ("buy", "sell"):
                price = rules.round_price(best.price * (2 if side == "buy" else Decimal("0.5")), side)
                order = await client.spot.place_limit(market, side, amount=amount, price=price)
                state = await client.spot.wait_settled(order.order_id, timeout_seconds=1)
                filled[market, side] = state.filled == amount
        names = {name for market, _ in filled for name in (market.base.lower(), market.quote.lower())}

        assert 8 <= len(filled) == sum(filled.values())
        assert all(sum(sim.controls(venue).holdings(name).values()) == 0 for name in names)


async def session(context):
    """Run a session in a decimal context; return all that was shown."""
    shown = []
    with decimal.localcontext(context):
        async with playing_bitstamp() as (sim, bitstamp, _):
            controls = sim.controls(Venue.BITSTAMP)
            controls.deposit("usd", Decimal("1234.56"))
            shown += [await bitstamp.market.ticker("btcusd"), await bitstamp.market.order_book("btcusd")]
            await bitstamp.trading.buy_market(market="btcusd", amount="0.12345678")
            order = await bitstamp.trading.buy(market="btcusd", amount="0.12345678", price="51234.56")
            controls.fill_order(order.id, Decimal("0.02345678"))
            sim.advance(3600)
            controls.set_price("btcusd", Decimal("51234.56"))
            shown += [await bitstamp.account.account_balances(), await bitstamp.account.user_transactions()]
            shown += [await bitstamp.market.ohlc(market="btcusd", step=3600, limit=3)]
            shown += [controls.holdings("usd"), sim.book_at(Venue.BITSTAMP, "btcusd")]
    return shown


async def test_a_program_with_another_decimal_context():
    """A program that calculates with two digits, and traps all that is inexact, sees the same numbers as any other."""
    usual = await session(decimal.Context())

    assert usual == await session(NARROW)


@pytest.mark.stress
def test_an_import_with_another_decimal_context():
    """Nothing is calculated at import in the context of the program."""
    names = [f"decimal.{trap.__name__}" for trap in TRAPS]
    program = f"""
import decimal
context = decimal.getcontext()
context.prec = 2
for trap in ({", ".join(names)}):
    context.traps[trap] = True
import exchanges.simulator
from exchanges.simulator.simulator import EXCHANGES
fees = [exchange.matching.fee for exchange in EXCHANGES.values()]
print(*fees)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.split() == [str(exchange.matching.fee) for exchange in EXCHANGES.values()]
