from decimal import Decimal

import pytest

from exchanges.bitex import Ask, Bid, Bitex, Buy, OrderReason, OrderStatus, Sell
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import OrderState
from exchanges.simulator.engine.prices import Market
from exchanges.simulator.venues.bitex import BitexExchange
from exchanges.simulator.venues.bitex.customers import BOOK
from exchanges.simulator.venues.bitex.trading import convert_order, sell_at_once
from tests.support.simulator_calls import NOW_MS, wrong_field
from tests.support.simulator_days import NOTHING, Walk, down, playing, sums

FEE = Decimal("0.005")


async def test_a_bid_trades_at_the_prices_of_the_book():
    """A bid above the best ask is spent whole, at the best price; half a percent of the coins is the fee."""
    async with playing() as (sim, bitex, _):
        best = (await bitex.market.order_book()).asks[0]
        before = await bitex.account.profile()
        placed = await bitex.trading.create_bid(amount=100, price=best.price + 1000)
        bid = await bitex.trading.bid(placed.id)
        after = await bitex.account.profile()
        [buy, *_] = await bitex.trading.trades()

        bought = down(Decimal(100) / best.price)
        fee = down(bought * FEE)

        assert (OrderStatus.COMPLETED, NOTHING, bought - fee, fee) == (
            bid.status,
            bid.remaining_amount,
            bid.produced_amount,
            bid.fee,
        )
        assert (Decimal(100), bought - fee) == (
            before.usd_balance - after.usd_balance,
            after.btc_balance - before.btc_balance,
        )
        assert Buy(buy.id, placed.created_at, 1, bought, Decimal(100), fee, best.price, placed.id) == buy
        assert (NOTHING, NOTHING) == sums(sim)


async def test_an_ask_trades_at_the_prices_of_the_book():
    """An ask below the best bid brings its price, half a percent of the money is the fee."""
    async with playing() as (_, bitex, _):
        best = (await bitex.market.order_book()).bids[0]
        placed = await bitex.trading.create_ask(amount="0.005", price=1)
        ask = await bitex.trading.ask(placed.id)
        [sell, *_] = await bitex.trading.trades()

        brought = down(Decimal("0.005") * best.price)
        fee = down(brought * FEE)

        assert (OrderStatus.COMPLETED, brought - fee, fee) == (ask.status, ask.produced_amount, ask.fee)
        assert Sell(sell.id, placed.created_at, 1, Decimal("0.005"), brought, fee, best.price, placed.id) == sell


async def test_what_depth_lacks_waits_in_the_book():
    """A bid takes all that is offered up to its price, and the rest is in the book at its own."""
    async with playing() as (_, bitex, _):
        book = await bitex.market.order_book()
        offered = [ask for ask in book.asks if ask.price <= book.asks[0].price]
        bid = await bitex.trading.create_bid(amount=110_000, price=book.asks[0].price)
        bid = await bitex.trading.bid(bid.id)
        spent = sum((down(ask.price * ask.amount) for ask in offered), NOTHING)
        now = await bitex.market.order_book()

        assert (OrderStatus.EXECUTING, 110_000 - spent) == (bid.status, bid.remaining_amount)
        assert (book.asks[0].price, down(bid.remaining_amount / bid.price)) == (now.bids[0].price, now.bids[0].amount)
        assert book.asks[1] == now.asks[0]
        assert bid.remaining_amount == (await bitex.account.profile()).usd_reserved


async def test_depth_that_was_taken_is_offered_again():
    """Depth that was taken is offered again a minute later, as far as prices stand still."""
    async with playing() as (sim, bitex, _):
        first = (await bitex.market.order_book()).asks[0]
        await bitex.trading.create_bid(amount=1000, price=first.price)
        taken = (await bitex.market.order_book()).asks[0]
        sim.advance(120)
        levels = {ask.price: ask.amount for ask in (await bitex.market.order_book()).asks}

        assert taken.amount < first.amount
        assert levels.get(first.price, first.amount) == first.amount


async def test_two_accounts_trade_with_each_other():
    """An order that waits between the background's prices trades at its own price, and each side pays its fee."""
    async with playing() as (sim, bitex, ordinary):
        book = await bitex.market.order_book()
        price = (book.bids[0].price + book.asks[0].price) / 2
        ask = await ordinary.trading.create_ask(amount="0.02", price=price)
        await ordinary.trading.orders()
        bid = await bitex.trading.create_bid(amount=500, price=price + 1)
        bid, ask = await bitex.trading.bid(bid.id), await ordinary.trading.ask(ask.id)
        bought, fees = down(500 / price), (down(down(500 / price) * FEE), Decimal("2.5"))

        assert (OrderStatus.COMPLETED, OrderStatus.EXECUTING) == (bid.status, ask.status)
        assert (fees[0], bought - fees[0]) == (bid.fee, bid.produced_amount)
        assert (fees[1], Decimal("497.5"), Decimal("0.02") - bought) == (
            ask.fee,
            ask.produced_amount,
            ask.remaining_amount,
        )
        assert fees[::-1] == (sim.bitex.holdings("usd")["fees"], sim.bitex.holdings("btc")["fees"])
        assert NOTHING == sim.bitex.holdings("usd")["liquidity"]


async def test_cancelling_gives_back_what_is_left():
    """The rest of a bid that traded in part is released."""
    async with playing() as (_, bitex, _):
        best = (await bitex.market.order_book()).asks[0]
        bid = await bitex.trading.create_bid(amount=110_000, price=best.price)
        await bitex.trading.cancel_bid(bid.id)
        bid = await bitex.trading.bid(bid.id)
        profile = await bitex.account.profile()

        assert (OrderStatus.CANCELLED, OrderReason.USER_CANCELLED, True) == (
            bid.status,
            bid.reason,
            bid.remaining_amount > 0,
        )
        assert (NOTHING, profile.usd_balance) == (profile.usd_reserved, profile.usd_available)


async def test_orders_that_wait_trade_when_the_market_comes_to_them():
    """A bid below the market trades once the price has fallen."""
    async with playing() as (sim, bitex, _):
        price = (await bitex.market.ticker()).bid - 5
        bid = await bitex.trading.create_bid(amount=10, price=price)
        for _ in range(200):
            sim.advance(600)
        bid = await bitex.trading.bid(bid.id)
        [buy, *_] = [t for t in await bitex.account.account_summary(full=True) if isinstance(t, Buy)]

        assert OrderStatus.COMPLETED == bid.status
        assert (bid.id, True) == (buy.bid_id, buy.price <= price)


@pytest.mark.parametrize("amount", ["100.000000001", "1000000000000", "99999999999999999999"])
async def test_amounts_are_bounded_and_have_eight_decimals(http, amount):
    """Amounts that no balance could hold exactly are rejected by field."""
    fields = {"api_key": "simulated-bitex-key", "amount": amount, "price": "1"}
    response = await http.post("/api-v1/rest/private/bids", data=fields)

    assert "amount" == wrong_field(response)


def new_engine() -> Engine:
    """Create an engine that matches as Bitex does, without accounts."""
    return Engine([Market(BitexExchange.books[0], 0, "bitex")], BitexExchange.matching)


def test_what_buys_nothing_is_given_back():
    """A bid whose money does not buy a satoshi is cancelled by Bitex, and nothing is reserved."""
    engine = new_engine()
    wallet = engine.open_wallet(1, {"usd": Decimal(10), "btc": NOTHING})
    price = Decimal(100_000)
    order = engine.book(BOOK).place(wallet, Side.BUY, Decimal("0.0001"), price=price, now_ms=NOW_MS)
    engine.pass_time(NOW_MS)
    bid = convert_order(order)

    assert (OrderStatus.CANCELLED, OrderReason.OTHER) == (bid.status, bid.reason)
    assert NOTHING == wallet.balances["usd"].reserved


def test_a_sale_beyond_all_depth_is_left_unsold():
    """What a payment brings is sold as far as there are buyers; the rest stays coins."""
    engine = new_engine()
    wallet = engine.open_wallet(1, {"usd": NOTHING, "btc": Decimal(1000)})
    ask = sell_at_once(engine, wallet, Decimal(1000), NOW_MS, "Payment#1")
    sold = sum((-trade.amounts["btc"] for trade in wallet.movements), NOTHING)
    bids, asks = (engine.book(BOOK).levels(side, NOW_MS) for side in Side)

    assert (OrderState.EXPIRED, 1000 - sold, 50) == (ask.state, ask.left, len(wallet.movements))
    assert (ask.left, NOTHING) == (wallet.balances["btc"].total, wallet.balances["btc"].reserved)
    assert ((), 50) == (bids, len(asks))


class BitexWalk(Walk):
    """A random walk through everything that moves money, by both accounts."""

    async def step(self):
        client = self.chance.choice(self.clients)
        actions = [self.order, self.order, self.order, self.cancel, self.deposit, self.withdraw, self.pay, self.wait]
        await self.chance.choice(actions)(client)

    async def order(self, client: Bitex):
        ticker = await client.market.ticker()
        price = (ticker.ask + self.chance.randint(-200, 200) + self.amount(1)).quantize(Decimal("0.0001"))
        if self.chance.random() < 0.5:
            await client.trading.create_bid(amount=self.amount(5000), price=price)
        else:
            await client.trading.create_ask(amount=self.amount(1), price=price)

    async def cancel(self, client: Bitex):
        for order in (await client.trading.orders())[:2]:
            if isinstance(order, Bid):
                await client.trading.cancel_bid(order.id)
            elif isinstance(order, Ask):
                await client.trading.cancel_ask(order.id)

    async def deposit(self, client: Bitex):
        made = await client.funding.create_usd_deposit(
            country="UY", amount=self.amount(900), currency="UYU", deposit_method="bank"
        )
        if self.chance.random() < 0.3:
            await client.funding.cancel_usd_deposit(made.id)
        address = (await client.funding.addresses())[0].public_address
        self.sim.bitex.send_btc(address, self.amount(1))

    async def withdraw(self, client: Bitex):
        await client.funding.create_btc_withdrawal(address="1Elsewhere", amount=self.amount(2))
        how = await client.funding.create_withdrawal_instruction(body={"payment_method": "bb", "country": "UY"})
        await client.funding.create_usd_withdrawal(amount=self.amount(3000), withdrawal_instruction_id=how.id)

    async def pay(self, client: Bitex):
        payment = await client.payments.create_payment(currency_id=4, amount=self.amount(5000), keep=self.amount(99))
        self.sim.bitex.pay(payment.id, self.chance.choice([None, self.amount(1)]))


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.stress) for seed in range(1, 5))])
async def test_money_is_conserved_to_the_last_digit(seed):
    """All holdings always add up, and the rows of each account explain its balances."""
    async with playing(seed) as (sim, bitex, ordinary):
        walk = BitexWalk(sim, [bitex, ordinary], seed)
        starts = [await client.account.profile() for client in (bitex, ordinary)]
        for _ in range(60):
            await walk.step()

            assert (NOTHING, NOTHING) == sums(sim)
        assert {"fees", "outside", "liquidity"} == {
            name for name, held in sim.bitex.holdings("usd").items() if held
        } - {"accounts"}
        for client, start in zip((bitex, ordinary), starts, strict=True):
            now = await client.account.profile()

            assert (now.usd_balance, now.btc_balance) == await explained(client, start)
            assert min(now.usd_reserved, now.usd_available, now.btc_reserved, now.btc_available) >= 0
            assert (now.usd_reserved, now.btc_reserved) == await reserved(client)


async def explained(client: Bitex, start) -> tuple[Decimal, Decimal]:
    """Calculate the balances from the rows of what happened since *start*."""
    orders = [o for o in await client.account.account_summary(full=True) if isinstance(o, Bid | Ask) and o.id > 1000]
    usd, btc = start.usd_balance, start.btc_balance
    for order in orders:
        given, got = order.amount - order.remaining_amount, order.produced_amount or NOTHING
        usd, btc = (usd - given, btc + got) if isinstance(order, Bid) else (usd + got, btc - given)
    usd += sum(((d.amount or NOTHING) for d in await client.funding.usd_deposits()), NOTHING)
    btc += sum((d.quantity for d in await client.funding.btc_deposits()), NOTHING)
    usd -= sum((w.amount for w in await client.funding.usd_withdrawals() if not w.reason), NOTHING)
    btc -= sum((w.quantity for w in await client.funding.btc_withdrawals() if not w.reason), NOTHING)
    return usd, btc


async def reserved(client: Bitex) -> tuple[Decimal, Decimal]:
    """Calculate what is reserved from the orders that wait."""
    orders = [o for o in await client.trading.orders() if o.status in (OrderStatus.EXECUTING, OrderStatus.TO_CANCEL)]
    bids = sum((o.remaining_amount for o in orders if isinstance(o, Bid)), NOTHING)
    return bids, sum((o.remaining_amount for o in orders if isinstance(o, Ask)), NOTHING)
