"""One strategy in the words of `client.spot`, on the same journeys at every exchange that has it."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from exchanges import Ambiguous, Bitso, Bitstamp, Incomplete, Reconciled
from exchanges.errors import InsufficientFunds, OutcomeUnknown, RateLimited, UnresolvedOutcome, UsageError
from exchanges.simulator import Venue
from exchanges.spot import Market, Side
from exchanges.state import FileState
from tests.support.simulator_calls import NOW, simulated
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import in_virtual_time

VENUES = {
    Venue.BITSO: (Bitso, Market("BTC", "MXN"), "btc_mxn"),
    Venue.BITSTAMP: (Bitstamp, Market("BTC", "USD"), "btcusd"),
}
CACHED_SECONDS = 12
PRICE, AMOUNT, NOTHING = Decimal(100_000), Decimal("0.01"), Decimal(0)
at_every_venue = pytest.mark.parametrize("venue", VENUES)


class Strategy:
    """Quotes one market on both sides. It knows `client.spot` alone, and no exchange."""

    def __init__(self, client, market):
        self.client, self.spot, self.market = client, client.spot, market

    async def start(self):
        """Read the rules; prove what the last run left open; begin without orders."""
        await self.spot.markets()
        verdicts = [await self.client.reconcile(intent) for intent in list(self.client.unresolved)]
        for order in await self.spot.open_orders(self.market):
            await self.spot.cancel(order.order_id)
        return verdicts

    async def place(self, side=Side.BUY, *, away="0.02", amount=AMOUNT, **options):
        """Place an order, that far from the price."""
        sign = -1 if side is Side.BUY else 1
        price = self.spot.rules(self.market).round_price(PRICE * (1 + sign * Decimal(away)), side)
        return await self.spot.place_limit(self.market, side, amount=amount, price=price, **options)

    async def shown(self):
        """Return the open orders, once a list that an exchange keeps for a while is a new one."""
        await asyncio.sleep(CACHED_SECONDS)
        return await self.spot.open_orders(self.market)

    async def settled(self, order):
        """Return what an order traded, once that is final."""
        return await self.spot.wait_settled(order.order_id, timeout_seconds=60)


@asynccontextmanager
async def trading(venue, *, behind_seconds=0.0, state=None):
    """Simulate a venue whose price stands still, with controls, and the strategy on a client of its account."""
    kind, market, book = VENUES[venue]

    began = asyncio.get_running_loop().time()

    def clock():
        return NOW + asyncio.get_running_loop().time() - began

    async with simulated(venue, port=None, clock=clock) as sim:
        controls = getattr(sim, venue.value)
        controls.set_price(book, PRICE)
        options = {"base_url": sim.base_url, "transport": InProcess(sim), "limits": None, "strict": True}
        options |= {"clock": lambda: clock() - behind_seconds, "state": state, **sim.account(venue)}

        def connect():
            return Strategy(kind(**options), market)

        strategy = connect()
        await strategy.start()
        yield sim, controls, strategy, connect
        await strategy.client.aclose()


@at_every_venue
@in_virtual_time
async def test_quote(venue):
    """Both quotes are shown with their terms, and what they reserve is free again once they are cancelled."""
    async with trading(venue) as (_, _, strategy, _):
        before = await strategy.spot.balances()
        placed = {side: await strategy.place(side) for side in Side}
        shown = {order.side: order for order in await strategy.shown()}
        reserved = await strategy.spot.balances()
        cancelled = [await strategy.spot.cancel(order.order_id) for order in placed.values()]
        after = await strategy.spot.balances()
        expected = {(o.order_id, side, o.price, AMOUNT, AMOUNT, strategy.market) for side, o in placed.items()}

        assert expected == {(o.order_id, s, o.price, o.amount, o.unfilled, o.market) for s, o in shown.items()}
        assert AMOUNT == reserved["BTC"].reserved
        assert [True, True] == cancelled
        assert {c: b.available for c, b in before.items()} == {c: b.available for c, b in after.items()}


@at_every_venue
@in_virtual_time
async def test_fill(venue):
    """A filled order is settled with its trades, which are listed, and the balances show them."""
    async with trading(venue) as (_, controls, strategy, _):
        before = (await strategy.spot.balances())["BTC"].total
        order = await strategy.place()
        controls.fill_order(order.order_id, AMOUNT)
        state = await strategy.settled(order)
        (fill,) = await strategy.spot.fills(strategy.market)
        bought = (await strategy.spot.balances())["BTC"].total - before

        assert (True, AMOUNT, AMOUNT * order.price) == (state.is_settled, state.filled, state.value)
        assert (order.order_id, Side.BUY, order.price, AMOUNT) == (fill.order_id, fill.side, fill.price, fill.amount)
        assert bought == AMOUNT - (fill.fee if fill.fee_currency == "BTC" else NOTHING)
        assert fill.fee > 0


@at_every_venue
@in_virtual_time
async def test_partial_fill(venue):
    """What is left of an order is shown, can be cancelled, and what was traded stays."""
    async with trading(venue) as (_, controls, strategy, _):
        order = await strategy.place(Side.SELL)
        controls.fill_order(order.order_id, AMOUNT / 4)
        (shown,) = await strategy.shown()
        is_cancelled = await strategy.spot.cancel(order.order_id)
        state = await strategy.settled(order)

        assert (AMOUNT, AMOUNT * 3 / 4) == (shown.amount, shown.unfilled)
        assert (True, True, AMOUNT / 4) == (is_cancelled, state.is_settled, state.filled)


@at_every_venue
@in_virtual_time
async def test_a_cancel_that_loses(venue):
    """A cancel that comes after the fill says that the order is not open, and the fill is found."""
    async with trading(venue) as (_, controls, strategy, _):
        order = await strategy.place()
        controls.fill_order(order.order_id, AMOUNT)
        is_cancelled = await strategy.spot.cancel(order.order_id)
        state = await strategy.settled(order)

        assert (False, True, AMOUNT) == (is_cancelled, state.is_settled, state.filled)


@at_every_venue
@in_virtual_time
async def test_a_reject(venue):
    """An order beyond the balance is refused by the exchange, and nothing is open or reserved."""
    async with trading(venue) as (_, _, strategy, _):
        with pytest.raises(InsufficientFunds):
            await strategy.place(Side.SELL, amount=Decimal(20))
        assert [] == await strategy.shown()
        assert NOTHING == (await strategy.spot.balances())["BTC"].reserved
        assert {} == dict(strategy.client.unresolved)


@at_every_venue
@in_virtual_time
async def test_an_order_against_the_rules(venue):
    """Price and amount that the market would refuse are refused before anything is sent; rounded they are accepted."""
    async with trading(venue) as (sim, _, strategy, _):
        rules = strategy.spot.rules(strategy.market)
        sent = len(sim.requests)
        for wrong in ({"price": "90000.123456789"}, {"amount": "0.000000001"}, {"price": "-1"}, {"amount": 0.01}):
            with pytest.raises(UsageError):
                await strategy.spot.place_limit(
                    strategy.market, Side.BUY, **{"amount": AMOUNT, "price": "90000", **wrong}
                )
        refused = len(sim.requests)
        price, amount = rules.round_price("90000.123456789", "buy"), rules.round_amount("0.0123456789")
        order = await strategy.spot.place_limit(strategy.market, "buy", amount=amount, price=price)

        assert sent == refused
        assert (price, amount) == (order.price, order.amount)


@at_every_venue
@in_virtual_time
async def test_an_unknown_outcome_that_was_executed(venue):
    """Nothing is sent twice, the same order is refused meanwhile, and reconciling finds the order."""
    async with trading(venue) as (sim, _, strategy, _):
        sim.faults = {"close after executing": 1}
        with pytest.raises(OutcomeUnknown) as caught:
            await strategy.place()
        sim.faults = None
        with pytest.raises(UnresolvedOutcome):
            await strategy.place()
        verdict = await strategy.client.reconcile(caught.value.intent)

        assert isinstance(verdict, Reconciled)
        assert 1 == len(await strategy.shown())


@at_every_venue
@in_virtual_time
async def test_an_unknown_outcome_that_was_not_executed(venue):
    """It is never told as executed, and its absence is not claimed before it is certain."""
    async with trading(venue) as (sim, _, strategy, _):
        sim.faults = {"close before executing": 1}
        with pytest.raises(OutcomeUnknown) as caught:
            await strategy.place()
        sim.faults = None
        verdict = await strategy.client.reconcile(caught.value.intent)

        assert isinstance(verdict, Incomplete)
        assert [] == await strategy.shown()


@at_every_venue
async def test_a_restart_in_mid_order(venue, tmp_path):
    """A client that ends in the middle of an order finds it when it starts again, and can cancel it."""
    with FileState(tmp_path / "state.db") as state:
        async with trading(venue, state=state) as (sim, _, strategy, connect):
            sim.faults = {"close after executing": 1}
            with pytest.raises(OutcomeUnknown):
                await strategy.place()
            await strategy.client.aclose()
            sim.faults = None
            restarted = connect()
            (verdict,) = await restarted.start()
            (intent,) = [verdict.intent]
            left = dict(restarted.client.unresolved)
            await restarted.client.aclose()

    assert isinstance(verdict, Reconciled)
    assert intent.endpoint.startswith(f"{venue.value}.trading.")
    assert {} == left


@at_every_venue
@in_virtual_time
async def test_a_lockout(venue):
    """A refusal of too many calls is an error with its class, and once reopened the strategy goes on."""
    async with trading(venue) as (sim, _, strategy, _):
        sim.faults = {"too many requests, retry after seconds": 1}
        with pytest.raises((RateLimited, OutcomeUnknown)):
            await strategy.place()
        sim.faults = None
        assert any(limit.closed for limit in strategy.client.limits.values())
        strategy.client.limits.reopen()
        for intent in list(strategy.client.unresolved):
            assert not isinstance(await strategy.client.reconcile(intent), Reconciled | Ambiguous)
            strategy.client.unresolved.dismiss(intent)
        await strategy.place(away="0.03")

        assert 1 == len(await strategy.shown())


@at_every_venue
@in_virtual_time
async def test_a_drifting_clock(venue):
    """A clock that is a minute behind does not keep the strategy from trading."""
    async with trading(venue, behind_seconds=60) as (_, controls, strategy, _):
        order = await strategy.place()
        controls.fill_order(order.order_id, AMOUNT)

        assert AMOUNT == (await strategy.settled(order)).filled


@at_every_venue
@in_virtual_time
async def test_an_own_id(venue):
    """A client's id is used once: the second order under it is refused before anything is sent."""
    async with trading(venue) as (sim, _, strategy, _):
        await strategy.place(client_id="quote-1")
        sent = len(sim.requests)
        with pytest.raises(UsageError, match="quote-1"):
            await strategy.place(away="0.03", client_id="quote-1")

        assert sent == len(sim.requests)


@at_every_venue
@in_virtual_time
async def test_an_order_that_may_only_wait(venue):
    """A post-only order waits in the book where it does not trade at once."""
    async with trading(venue) as (_, _, strategy, _):
        order = await strategy.place(post_only=True)
        (shown,) = await strategy.shown()

        assert order.order_id == shown.order_id


@at_every_venue
@in_virtual_time
async def test_bad_arguments(venue):
    """What is no market, side or flag is refused before anything is sent."""
    async with trading(venue) as (sim, _, strategy, _):
        sent, order = len(sim.requests), {"amount": AMOUNT, "price": PRICE}
        wrong = [("BTC/MXN", "buy", {}), (strategy.market, "Buy", {}), (strategy.market, 0, {})]
        for market, side, more in [*wrong, (strategy.market, "buy", {"post_only": "no"})]:
            with pytest.raises(UsageError, match="nothing was sent"):
                await strategy.spot.place_limit(market, side, **order, **more)
        for read in (strategy.spot.ticker, strategy.spot.order_book, strategy.spot.open_orders, strategy.spot.fills):
            with pytest.raises(UsageError):
                await read("btcusd")

        assert sent == len(sim.requests)


@at_every_venue
@in_virtual_time
async def test_market_data(venue):
    """Ticker and order book are those of the market, and agree."""
    async with trading(venue) as (_, _, strategy, _):
        ticker = await strategy.spot.ticker(strategy.market)
        book = await strategy.spot.order_book(strategy.market)

        assert strategy.market in await strategy.spot.markets()
        assert (ticker.bid, ticker.ask) == (book.bids[0].price, book.asks[0].price)
