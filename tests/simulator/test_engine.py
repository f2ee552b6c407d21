"""The matching engine, with the options of each exchange."""

from decimal import Decimal

import pytest

from exchanges.simulator.engine.balances import Cause
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.events import EventKind
from exchanges.simulator.engine.fills import MatchingOptions
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import InsufficientFunds, OrderState
from exchanges.simulator.engine.prices import BookSpec, Market
from tests.support.simulator_calls import NOW_MS

SPEC = BookSpec("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=100)
PRICE = Decimal(60_000)
FEE = Decimal("0.01")


def engine_with(**options) -> Engine:
    """Create an engine of one book, whose price stands still."""
    market = Market(SPEC, 0, "test")
    market.fix_book([(PRICE - 10, Decimal(1))], [(PRICE + 10, Decimal(1))])
    return Engine([market], MatchingOptions(FEE, **options))


def wallet_of(engine: Engine, owner: int = 1):
    """Open a wallet with 100,000 USD and 2 BTC."""
    return engine.open_wallet(owner, {"usd": Decimal(100_000), "btc": Decimal(2)})


def place(engine: Engine, wallet, side: Side, amount: str, price: Decimal | None = PRICE, **options):
    """Place an order in the only book."""
    return engine.book("btc_usd").place(wallet, side, Decimal(amount), price=price, now_ms=NOW_MS, **options)


def test_funds_are_checked_when_an_order_is_placed():
    """Without `accept_later` an order beyond the funds is never created."""
    engine = engine_with()

    with pytest.raises(InsufficientFunds, match=r"120000\.00000000 usd needed, 100000 available"):
        place(engine, wallet_of(engine), Side.BUY, "2")
    assert {} == engine.orders


def test_funds_are_checked_with_the_next_request():
    """With `accept_later` an order beyond the funds is received, and unfunded later."""
    engine = engine_with(accept_later=True)
    order = place(engine, wallet_of(engine), Side.BUY, "2")
    state = order.state
    engine.pass_time(NOW_MS)

    assert (OrderState.RECEIVED, OrderState.UNFUNDED) == (state, order.state)


def test_an_order_to_buy_may_spend_quote():
    """With `spend_in_quote` the amount of an order to buy is spent to the last digit."""
    engine = engine_with(spend_in_quote=True)
    wallet = wallet_of(engine)
    order = place(engine, wallet, Side.BUY, "100", PRICE + 10)

    assert (OrderState.FILLED, Decimal(0)) == (order.state, order.left)
    assert Decimal(99_900) == wallet.balances["usd"].total
    assert Decimal("0.00164972") == order.received


@pytest.mark.parametrize(("in_quote", "btc", "usd"), [(False, "0.99", "60010"), (True, "1", "60610.1")])
def test_a_fee_is_paid_in_quote_or_in_what_is_received(in_quote, btc, usd):
    """A buyer pays the fee in coins, unless it is always paid in quote currency."""
    engine = engine_with(fee_in_quote=in_quote)
    wallet = wallet_of(engine)
    place(engine, wallet, Side.BUY, "1", PRICE + 10)

    assert (Decimal(btc), Decimal(usd)) == (
        wallet.balances["btc"].total - 2,
        100_000 - wallet.balances["usd"].total,
    )


@pytest.mark.parametrize("accept_later", [False, True])
def test_an_order_is_cancelled_now_or_later(accept_later):
    """With `accept_later` an order still trades until the next request; both ways its funds are released."""
    engine = engine_with(accept_later=accept_later)
    wallet = wallet_of(engine)
    order = place(engine, wallet, Side.BUY, "1")
    engine.pass_time(NOW_MS)
    reserved = wallet.balances["usd"].reserved
    engine.book("btc_usd").cancel(order, NOW_MS)
    still_open = order.is_open
    engine.pass_time(NOW_MS)

    assert (PRICE, accept_later) == (reserved, still_open)
    assert (OrderState.CANCELLED, Decimal(0)) == (order.state, wallet.balances["usd"].reserved)


def test_the_resting_order_sets_the_price():
    """Two accounts trade at the price of the order that was there before, whichever side it is on."""
    engine = engine_with()
    buyer, seller = wallet_of(engine, 1), wallet_of(engine, 2)
    place(engine, seller, Side.SELL, "0.5", PRICE + 5)
    place(engine, buyer, Side.BUY, "0.5", PRICE + 9)

    assert [PRICE + 5] == [movement.price for movement in buyer.movements]
    assert [PRICE + 5] == [movement.price for movement in seller.movements]


def test_a_market_order_leaves_nothing_in_the_book():
    """What a market order cannot trade is given up at once."""
    engine = engine_with()
    order = place(engine, wallet_of(engine), Side.SELL, "1.5", None)

    assert (OrderState.EXPIRED, Decimal("0.5")) == (order.state, order.left)
    assert [] == engine.book("btc_usd").open_orders(order.wallet)


# Events


def test_orders_publish_what_happens_to_them():
    """Placing, trading and cancelling are published in order, each with the order in its new state."""
    engine, events = engine_with(), []
    end = engine.events.subscribe(lambda event: events.append((event.kind, event.order.state, event.order.left)))
    order = place(engine, wallet_of(engine), Side.BUY, "1.5", PRICE + 10)
    engine.book("btc_usd").cancel(order, NOW_MS)
    end()
    place(engine, order.wallet, Side.BUY, "0.1")

    assert [
        (EventKind.ORDER_PLACED, OrderState.RECEIVED, Decimal("1.5")),
        (EventKind.ORDER_TRADED, OrderState.OPEN, Decimal("0.5")),
        (EventKind.ORDER_CANCELLED, OrderState.CANCELLED, Decimal("0.5")),
    ] == events


def test_an_order_that_is_accepted_later_publishes_each_state():
    """Under `accept_later` the changes of state between placing and cancelling are published too."""
    engine, kinds = engine_with(accept_later=True), []
    engine.events.subscribe(lambda event: kinds.append(event.kind))
    order = place(engine, wallet_of(engine), Side.BUY, "1")
    engine.pass_time(NOW_MS)
    engine.book("btc_usd").cancel(order, NOW_MS)
    engine.pass_time(NOW_MS)

    assert [
        EventKind.ORDER_PLACED,
        EventKind.ORDER_CHANGED,
        EventKind.ORDER_CHANGED,
        EventKind.ORDER_CANCELLED,
    ] == kinds


def test_money_publishes_when_it_moves():
    """A deposit is published when it is credited, a withdrawal when it is debited."""
    engine, events = engine_with(), []
    wallet = wallet_of(engine)
    engine.events.subscribe(lambda event: events.append((event.kind, event.at_ms, event.movement.amounts)))
    engine.deposit(wallet, "btc", Decimal(1), NOW_MS, after_ms=5)
    engine.withdraw(wallet, "usd", Decimal(7), NOW_MS)
    engine.pass_time(NOW_MS + 9)

    assert [
        (EventKind.WITHDRAWAL, NOW_MS, {"usd": Decimal(-7)}),
        (EventKind.DEPOSIT, NOW_MS + 5, {"btc": Decimal(1)}),
    ] == events
    assert [Cause.WITHDRAWAL, Cause.DEPOSIT] == [movement.cause for movement in wallet.movements]
