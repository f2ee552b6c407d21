from decimal import ROUND_UP, Decimal

import pytest

from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.v1 import (
    OrderType,
    SortOrder,
    TransactionType,
    UnconfirmedDeposit,
    WithdrawalStatus,
    WithdrawalType,
)
from exchanges.errors import InsufficientFunds, InvalidRequest, NotFound
from exchanges.simulator.engine.liquidity import REFILL_MS
from exchanges.simulator.venues.bitstamp import BitstampExchange
from tests.support.simulator_calls import ask_signed
from tests.support.simulator_days import NOTHING, SATOSHI, Walk, down, playing_bitstamp

FEE = Decimal("0.0025")
NEED = "You need $100250.00 to open that order. You have only $42000.00 available."
CHECK = "Check your account balance for details."


async def held(bitstamp: Bitstamp, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Balance, reserved and available."""
    found = (await bitstamp.v1.account.balance()).currencies[currency]
    return found.balance, found.reserved, found.available


async def test_an_order_that_crosses_the_book_trades_at_its_prices():
    """A bid above the best ask trades there; the fee is a quarter percent of the dollars, on top of them."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        best = (await bitstamp.v1.market.order_book()).asks[0]
        before = await held(bitstamp, "usd"), await held(bitstamp, "btc")
        placed = await bitstamp.v1.trading.buy(amount="0.01", price=best.price + 100)
        after = await held(bitstamp, "usd"), await held(bitstamp, "btc")
        [row] = await bitstamp.v1.account.user_transactions()
        cost = down(Decimal("0.01") * best.price)
        fee = down(cost * FEE)

        assert ({"usd": -cost, "btc": Decimal("0.01")}, {"btc_usd": best.price}) == (row.amounts, row.rates)
        assert (placed.id, TransactionType.MARKET_TRADE, fee) == (row.order_id, row.type, row.fee)
        assert (cost + fee, Decimal("0.01")) == (before[0][0] - after[0][0], after[1][0] - before[1][0])
        assert (fee, [], NOTHING) == (
            sim.bitstamp.holdings("usd")["fees"],
            await bitstamp.v1.trading.open_orders(),
            after[0][1],
        )


async def test_what_depth_lacks_waits_and_is_seen_by_all():
    """A bid takes what is offered at its price; the rest is first in the public book of both generations."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        sim.bitstamp.deposit("usd", Decimal(1_000_000))
        best = (await bitstamp.v1.market.order_book()).asks[0]
        placed = await bitstamp.v1.trading.buy(amount=best.amount + 1, price=best.price)
        [order] = await bitstamp.v1.trading.open_orders()
        now = await bitstamp.v1.market.order_book()
        reserved = (await held(bitstamp, "usd"))[1]

        assert (placed.id, OrderType.BUY, Decimal(1), best.price) == (order.id, order.type, order.amount, order.price)
        assert (best.price, Decimal(1)) == (now.bids[0].price, now.bids[0].amount)
        assert now.asks[0].price > best.price
        assert (best.price, now.asks[0].price) == (
            (await bitstamp.v1.market.ticker()).bid,
            (await bitstamp.market.ticker("btcusd")).ask,
        )
        assert (best.price * (1 + FEE)).quantize(SATOSHI, ROUND_UP) == reserved


async def test_depth_that_was_taken_is_offered_again():
    """Depth that was taken is offered again a minute later, as far as prices stand still."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        first = (await bitstamp.v1.market.order_book()).asks[0]
        await bitstamp.v1.trading.buy(amount="0.01", price=first.price)
        taken = (await bitstamp.v1.market.order_book()).asks[0]
        sim.advance(REFILL_MS / 1000)
        levels = {ask.price: ask.amount for ask in (await bitstamp.v1.market.order_book()).asks}

        assert (first.price, first.amount - Decimal("0.01")) == (taken.price, taken.amount)
        assert first.amount == levels.get(first.price, first.amount)


async def test_two_accounts_trade_with_each_other():
    """An order that waits between the background's prices trades at its own, and each side pays its fee."""
    async with playing_bitstamp() as (sim, bitstamp, other):
        book = await bitstamp.v1.market.order_book()
        price = (book.bids[0].price + book.asks[0].price) / 2
        await other.v1.trading.sell(amount="0.03", price=price)
        await bitstamp.v1.trading.buy(amount="0.02", price=price + Decimal("0.1"))
        [bought], [sold] = (
            await bitstamp.v1.account.user_transactions(),
            await other.v1.account.user_transactions(),
        )
        [left] = await other.v1.trading.open_orders()

        assert (price, price, Decimal("0.02"), Decimal("0.01")) == (
            bought.rates["btc_usd"],
            sold.rates["btc_usd"],
            -sold.amounts["btc"],
            left.amount,
        )
        assert (NOTHING, bought.fee + sold.fee) == (
            sim.bitstamp.holdings("usd")["liquidity"],
            sim.bitstamp.holdings("usd")["fees"],
        )


async def test_an_order_that_waits_trades_at_its_own_price():
    """A bid below the market trades once the price has fallen, and at its own price."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        price = (await bitstamp.v1.market.ticker()).bid - 5
        placed = await bitstamp.v1.trading.buy(amount="0.02", price=price)
        for _ in range(200):
            sim.advance(600)
        rows = await bitstamp.v1.account.user_transactions()

        assert [] == await bitstamp.v1.trading.open_orders()
        assert {(placed.id, price)} == {(row.order_id, row.rates["btc_usd"]) for row in rows}
        assert Decimal("0.02") == sum(row.amounts["btc"] for row in rows)


async def test_cancelling_gives_back_what_was_held():
    """An order that is cancelled reserves nothing, and cannot be cancelled again."""
    async with playing_bitstamp() as (_, bitstamp, _):
        before = await held(bitstamp, "btc")
        placed = await bitstamp.v1.trading.sell(amount=1, price=100_000)
        during = await held(bitstamp, "btc")
        await bitstamp.v1.trading.cancel_order(placed.id)

        assert (Decimal(1), before) == (during[1], await held(bitstamp, "btc"))
        with pytest.raises(NotFound, match="Order not found"):
            await bitstamp.v1.trading.cancel_order(placed.id)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"amount": "10", "price": "10000"}, {"__all__": [f"{NEED} {CHECK}"]}),
        ({"amount": "0.0001", "price": "10000"}, {"__all__": ["Minimum order size is $5"]}),
        ({"price": "10000.001"}, {"price": ["Ensure that there are no more than 2 decimal places."]}),
        ({"amount": "0.000000001"}, {"amount": ["Ensure that there are no more than 8 decimal places."]}),
        ({"amount": "much"}, {"amount": ["Enter a number."]}),
    ],
)
async def test_orders_are_refused_with_status_200(http, fields, error):
    """A wrong order is rejected by field, under status 200."""
    response = await ask_signed(http, "bitstamp.v1.trading.buy", **fields)

    assert (200, {"error": error}) == (response.status_code, response.json())


async def test_refusals_become_the_errors_of_the_client():
    """Missing funds, too small an order and an unknown currency are distinguished, and change nothing."""
    async with playing_bitstamp() as (_, bitstamp, _):
        before = await bitstamp.v1.account.balance()
        with pytest.raises(InsufficientFunds, match=r"only 2\.25000000 BTC"):
            await bitstamp.v1.trading.sell(amount=3, price=10_000)
        with pytest.raises(InsufficientFunds, match="only"):
            await bitstamp.v1.funding.bitcoin_withdrawal(amount=3, address="1Elsewhere")
        with pytest.raises(InvalidRequest, match="Minimum"):
            await bitstamp.v1.trading.sell(amount="0.0001", price=10_000)
        with pytest.raises(InvalidRequest):
            await bitstamp.v1.funding.ripple_withdrawal(amount=1, address="rElsewhere", currency="XYZ")

        assert before == await bitstamp.v1.account.balance()


async def test_bitcoin_withdrawals_go_on():
    """Coins leave the balance at once; the request goes from OPEN over IN_PROCESS to FINISHED."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        made = await bitstamp.v1.funding.bitcoin_withdrawal(amount="0.25", address="1Elsewhere")
        seen = []
        for _ in range(3):
            [request] = await bitstamp.v1.funding.withdrawal_requests()
            seen.append(request.status)
            sim.advance(1800)
        [row] = await bitstamp.v1.account.user_transactions()

        assert [WithdrawalStatus.OPEN, WithdrawalStatus.IN_PROCESS, WithdrawalStatus.FINISHED] == seen
        assert (made.id, WithdrawalType.BITCOIN, Decimal("0.25"), "1Elsewhere") == (
            request.id,
            request.type,
            request.amount,
            request.data,
        )
        assert (TransactionType.WITHDRAWAL, Decimal("-0.25"), None) == (row.type, row.amounts["btc"], row.order_id)
        assert Decimal(2) == (await held(bitstamp, "btc"))[0]


async def test_bitcoin_deposits_are_unconfirmed_at_first():
    """Coins are listed with their confirmations until there are three, then they are in the balance."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        address = await bitstamp.v1.funding.bitcoin_deposit_address()
        sim.bitstamp.deposit("btc", Decimal("0.5"))
        sim.advance(1300)
        unconfirmed = await bitstamp.v1.funding.unconfirmed_btc()
        before = await held(bitstamp, "btc")
        sim.advance(500)

        assert [UnconfirmedDeposit(amount=Decimal("0.5"), address=address, confirmations=2)] == unconfirmed
        assert [] == await bitstamp.v1.funding.unconfirmed_btc()
        assert Decimal("0.5") == (await held(bitstamp, "btc"))[0] - before[0]


async def test_ripple_takes_dollars_at_once():
    """A withdrawal over Ripple leaves the balance; the address to receive at is a text."""
    async with playing_bitstamp() as (_, bitstamp, _):
        await bitstamp.v1.funding.ripple_withdrawal(amount=1000, address="rElsewhere", currency="USD")

        assert Decimal(41_000) == (await held(bitstamp, "usd"))[0]
        assert (await bitstamp.v1.funding.ripple_address()).startswith("r")


async def test_transactions_come_in_pages():
    """Offset, limit and sort select a page; all pages together are the list."""
    async with playing_bitstamp() as (sim, bitstamp, _):
        for number in range(1, 8):
            sim.bitstamp.deposit("usd", Decimal(number))
            sim.advance(1)
        account = bitstamp.v1.account
        rising = await account.user_transactions(sort=SortOrder.ASC, limit=3, offset=1)

        assert [2, 3, 4] == [row.amounts["usd"] for row in rising]
        assert [7, 6] == [row.amounts["usd"] for row in await account.user_transactions(limit=2)]
        assert list(range(7, 0, -1)) == [
            row.amounts["usd"] async for row in account.every_user_transaction(page_size=3)
        ]
        with pytest.raises(InvalidRequest):
            await account.user_transactions(limit=0)


class BitstampWalk(Walk):
    """A random walk through everything that moves money."""

    async def step(self):
        self.bitstamp = self.chance.choice(self.clients)
        steps = [self.order, self.order, self.order, self.order, self.cancel, self.deposit, self.withdraw, self.wait]
        try:
            await self.chance.choice(steps)()
        except InsufficientFunds:
            self.sim.advance(30)

    async def order(self):
        ticker = await self.bitstamp.v1.market.ticker()
        price = ticker.ask + Decimal(self.chance.randint(-20_000, 20_000)).scaleb(-2)
        place = self.bitstamp.v1.trading.buy if self.chance.random() < 0.5 else self.bitstamp.v1.trading.sell
        await place(amount=self.amount(3), price=price)

    async def cancel(self):
        for order in (await self.bitstamp.v1.trading.open_orders())[:2]:
            await self.bitstamp.v1.trading.cancel_order(order.id)

    async def deposit(self):
        self.sim.bitstamp.deposit("usd", self.amount(50_000))
        self.sim.bitstamp.deposit("btc", self.amount(1))

    async def withdraw(self):
        await self.bitstamp.v1.funding.bitcoin_withdrawal(amount=self.amount(1), address="1Elsewhere")
        await self.bitstamp.v1.funding.ripple_withdrawal(amount=self.amount(900), address="r", currency="USD")


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.stress) for seed in range(1, 5))])
async def test_money_is_conserved_to_the_last_digit(seed):
    """All holdings always add up; rows explain the balances, and orders explain what is reserved."""
    async with playing_bitstamp(seed) as (sim, bitstamp, other):
        walk, starts = BitstampWalk(sim, [bitstamp, other], seed), ((42_000, Decimal("2.25")), (9000, 1))
        for _ in range(120):
            await walk.step()

            assert {NOTHING} == {sum(sim.bitstamp.holdings(c).values(), NOTHING) for c in ("usd", "btc")}
        for client, (usd, btc) in zip((bitstamp, other), starts, strict=True):
            rows = [row async for row in client.v1.account.every_user_transaction()]
            orders = await client.v1.trading.open_orders()
            now = [*await held(client, "usd"), *await held(client, "btc")]
            bids = [order.amount * order.price * (1 + FEE) for order in orders if order.type is OrderType.BUY]
            asks = [order.amount for order in orders if order.type is OrderType.SELL]

            assert usd + sum(row.amounts["usd"] - row.fee for row in rows) == now[0]
            assert btc + sum(row.amounts["btc"] for row in rows) == now[3]
            assert (sum(bid.quantize(SATOSHI, ROUND_UP) for bid in bids), sum(asks)) == (now[1], now[4])
            assert min(now) >= 0
        assert set(TransactionType) == {row.type async for row in bitstamp.v1.account.every_user_transaction()}


def test_another_seed_begins_with_the_same_money():
    """The first balances of an account do not depend on the seed."""
    first, second = (BitstampExchange(seed, 0).engine.holdings("usd") for seed in (1, 2))

    assert first == second
