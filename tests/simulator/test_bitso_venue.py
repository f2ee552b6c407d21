from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from exchanges.bitso import Bitso
from exchanges.bitso.v2 import AmountUnit, OrderStatus, OrderType, SortOrder, TransactionType
from exchanges.errors import InsufficientFunds, InvalidRequest, NotFound, OutcomeUnknown, ReadFailed
from exchanges.simulator.venues.bitso.v2 import spei_due
from tests.support.simulator_calls import ask_signed
from tests.support.simulator_days import NOTHING, Walk, down, playing_bitso

FEE = Decimal("0.0065")
CURRENCIES = ("btc", "eth", "xrp", "usd", "mxn")
CLABE = "032180000118359719"


async def held(bitso: Bitso, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Balance, reserved and available."""
    found = (await bitso.v2.account.balance()).currencies[currency]
    return found.balance, found.reserved, found.available


async def spei(bitso: Bitso, amount: Decimal | int) -> None:
    """Withdraw pesos to a bank."""
    await bitso.v2.funding.spei_withdrawal(
        amount=amount,
        recipient_given_names="Ana",
        recipient_family_names="Ruiz",
        clabe=CLABE,
        notes_ref="rent",
        numeric_ref="1",
    )


async def test_an_order_that_crosses_the_book_trades_at_its_prices():
    """A bid above the best ask trades there; the fee is taken from the coins, and the row shows what is left."""
    async with playing_bitso() as (sim, bitso, _):
        best = (await bitso.v2.market.order_book()).asks[0]
        before = await held(bitso, "mxn"), await held(bitso, "btc")
        placed = await bitso.v2.trading.buy(amount="0.01", price=best.price + 100)
        after = await held(bitso, "mxn"), await held(bitso, "btc")
        [row] = await bitso.v2.account.user_transactions()
        cost, fee = down(Decimal("0.01") * best.price), down(Decimal("0.01") * FEE)
        [order] = await bitso.v2.trading.lookup_order(placed.id)

        assert {"mxn": -cost, "btc": Decimal("0.01") - fee} == row.amounts
        assert (placed.id, TransactionType.TRADE, best.price) == (row.order_id, row.type, row.rate)
        assert (cost, Decimal("0.01") - fee) == (before[0][0] - after[0][0], after[1][0] - before[1][0])
        assert (64, OrderStatus.COMPLETE, "btc_mxn") == (len(order.id), order.status, order.book)
        assert fee == sim.bitso.holdings("btc")["fees"]


async def test_orders_are_filled_in_part_and_cancelled():
    """The rest of an order waits in the public book of every generation; cancelling it releases what it reserved."""
    async with playing_bitso() as (sim, bitso, _):
        sim.bitso.deposit("mxn", Decimal(100_000_000))
        best = (await bitso.v2.market.order_book()).asks[0]
        placed = await bitso.v2.trading.buy(amount=best.amount + 1, price=best.price)
        [waiting] = await bitso.v2.trading.open_orders()
        books = (await bitso.v2.market.order_book()).bids[0], (await bitso.market.order_book("btc_mxn")).bids[0]
        reserved = (await held(bitso, "mxn"))[1]
        await bitso.v2.trading.cancel_order(placed.id)
        [order] = await bitso.v2.trading.lookup_order(placed.id)

        assert (OrderStatus.PARTIALLY_FILLED, Decimal(1), best.price) == (waiting.status, waiting.amount, reserved)
        assert {(best.price, Decimal(1))} == {(level.price, level.amount) for level in books}
        assert (OrderStatus.CANCELLED, NOTHING) == (order.status, (await held(bitso, "mxn"))[1])
        with pytest.raises(NotFound, match="Order not found"):
            await bitso.v2.trading.cancel_order(placed.id)


async def test_two_accounts_trade_with_each_other():
    """Each side pays its fee in what it receives; neither account sees or cancels the orders of the other."""
    async with playing_bitso() as (sim, bitso, other):
        book = await bitso.v2.market.order_book()
        price = (book.bids[0].price + book.asks[0].price) / 2
        placed = await other.v2.trading.sell(amount="0.03", price=price)
        with pytest.raises(NotFound):
            await bitso.v2.trading.cancel_order(placed.id)
        await bitso.v2.trading.buy(amount="0.02", price=price + Decimal("0.1"))
        [bought], [sold] = await bitso.v2.account.user_transactions(), await other.v2.account.user_transactions()
        cost = down(price * Decimal("0.02"))

        assert {"btc": Decimal("0.02") - down(Decimal("0.02") * FEE), "mxn": -cost} == bought.amounts
        assert {"btc": Decimal("-0.02"), "mxn": cost - down(cost * FEE)} == sold.amounts
        assert ([], Decimal("0.01")) == (
            await bitso.v2.trading.open_orders(),
            (await other.v2.trading.open_orders())[0].amount,
        )
        assert NOTHING == sim.bitso.holdings("mxn")["liquidity"]


async def test_an_active_order_lacks_book_and_update():
    """Several orders are looked up at once; one that has not traded shows neither its book nor a change."""
    async with playing_bitso() as (_, bitso, _):
        waits = await bitso.v2.trading.sell(amount="0.01", price=9_000_000)
        done = await bitso.v2.trading.sell(amount="0.01", price=10_000)
        active, complete = await bitso.v2.trading.lookup_order([waits.id, done.id])

        assert (OrderStatus.ACTIVE, None, None) == (active.status, active.book, active.updated)
        assert (OrderStatus.COMPLETE, "btc_mxn", complete.created) == (complete.status, complete.book, complete.updated)
        with pytest.raises(NotFound):
            await bitso.v2.trading.lookup_order("0" * 64)


@pytest.mark.parametrize("side", OrderType)
async def test_market_orders_take_any_price(side):
    """A market order trades at once, answers without price, amount and status, and has the price 0 ever after."""
    async with playing_bitso() as (_, bitso, _):
        if side is OrderType.BUY:
            placed = await bitso.v2.trading.buy(amount="0.02", amount_unit=AmountUnit.MAJOR)
        else:
            placed = await bitso.v2.trading.sell(amount="0.02")
        [order] = await bitso.v2.trading.lookup_order(placed.id)

        assert (None, None, None, side) == (placed.price, placed.amount, placed.status, placed.type)
        assert (NOTHING, Decimal("0.02"), OrderStatus.COMPLETE) == (order.price, order.amount, order.status)


async def test_a_market_order_beyond_all_depth_is_given_up():
    """What the background does not buy is left unsold, and nothing is reserved for it."""
    async with playing_bitso() as (sim, bitso, _):
        sim.bitso.deposit("eth", Decimal(100_000))
        placed = await bitso.v2.trading.sell(amount=100_000, book="eth_mxn")
        [order] = await bitso.v2.trading.lookup_order(placed.id)
        book = await bitso.v2.market.order_book("eth_mxn")

        assert (OrderStatus.CANCELLED, NOTHING, ()) == (order.status, (await held(bitso, "eth"))[1], book.bids)
        assert (await bitso.v2.market.ticker("eth_mxn")).bid > 0


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"amount": "10", "price": "1000000"}, "You have only 750000.00 MXN available"),
        ({"amount": "400"}, "You have only 750000.00 MXN available"),
        ({"amount": "0.0001"}, {"code": 22, "message": "Incorrect amount, the minimum is 0.00015000"}),
        ({"price": "1.001"}, {"code": 22, "message": "Ensure that there are no more than 2 decimal places.: price"}),
        ({"book": "btc_eur"}, {"code": 20, "message": "Unknown order book: btc_eur"}),
    ],
)
async def test_orders_are_refused_in_the_shape_of_v2(http, fields, error):
    """A rejection is a number with a text, or a text alone."""
    response = await ask_signed(http, "bitso.v2.trading.buy", **fields)

    assert (400, {"error": error}) == (response.status_code, response.json())


async def test_refusals_become_the_errors_of_the_client():
    """A wrong amount is refused by its code; of missing funds no document has the words, so that they prove nothing."""
    async with playing_bitso() as (_, bitso, _):
        before = await bitso.v2.account.balance()
        with pytest.raises(OutcomeUnknown, match="You have only"):
            await bitso.v2.trading.sell(amount=4, price=1_000_000)
        with pytest.raises(OutcomeUnknown, match="You have only"):
            await bitso.v2.funding.bitcoin_withdrawal(amount=4, address="1Elsewhere")
        with pytest.raises(InvalidRequest):
            await bitso.v2.trading.sell(amount="0.0001", price=1_000_000)

        assert before == await bitso.v2.account.balance()


# Money in and out


async def test_withdrawals_are_pending_until_they_are_sent():
    """An outgoing withdrawal has left the balance, is pending in v3, and is listed at once."""
    async with playing_bitso() as (sim, bitso, _):
        await bitso.v2.funding.bitcoin_withdrawal(amount="0.5", address="1Elsewhere")
        await spei(bitso, 5000)
        pending = {b.currency: (b.total, b.pending_withdrawal) for b in await bitso.account.balance()}
        sim.advance(1800)
        later = {b.currency: (b.total, b.pending_withdrawal) for b in await bitso.account.balance()}
        rows = await bitso.v2.account.user_transactions()

        assert (Decimal(3), Decimal("0.5"), Decimal(745_000), Decimal(5000)) == (*pending["btc"], *pending["mxn"])
        assert (Decimal(3), NOTHING, Decimal(745_000), NOTHING) == (*later["btc"], *later["mxn"])
        assert [("SPEI Transfer", {"mxn": Decimal(-5000)}), ("Bitcoin", {"btc": Decimal("-0.5")})] == [
            (row.method, row.amounts) for row in rows
        ]
        assert {(TransactionType.WITHDRAWAL, None, None)} == {(row.type, row.id, row.order_id) for row in rows}


async def test_a_deposit_of_coins_takes_three_blocks():
    """Coins are pending for half an hour, pesos come at once."""
    async with playing_bitso() as (sim, bitso, _):
        assert await bitso.v2.funding.bitcoin_deposit_address()
        sim.bitso.deposit("btc", Decimal(1))
        sim.bitso.deposit("mxn", Decimal(100))
        pending = {b.currency: (b.total, b.pending_deposit) for b in await bitso.account.balance()}
        sim.advance(1800)

        assert (Decimal("3.5"), Decimal(1), Decimal(750_100), NOTHING) == (*pending["btc"], *pending["mxn"])
        assert Decimal("4.5") == (await held(bitso, "btc"))[0]


async def test_a_ripple_withdrawal_changes_the_ripple_address():
    """The receiver of a withdrawal becomes the sender of deposits."""
    async with playing_bitso() as (sim, bitso, _):
        before = sim.bitso.ripple_address
        await bitso.v2.funding.ripple_withdrawal(currency="XRP", amount=100, address="rElsewhere")

        assert ("", "rElsewhere") == (before, sim.bitso.ripple_address)
        assert Decimal(24_900) == (await held(bitso, "xrp"))[0]


@pytest.mark.parametrize(
    ("asked", "done"),
    [
        ("2023-11-14T16:13", "2023-11-14T16:14"),  # a Tuesday
        ("2023-11-14T17:00", "2023-11-15T09:01"),
        ("2023-11-15T08:10", "2023-11-15T09:01"),
        ("2023-11-17T18:00", "2023-11-20T09:01"),
    ],
)
def test_banks_send_in_their_hours(asked, done):
    """A bank transfer asked for at night or on a Saturday is done when banks open."""
    zone = timezone(timedelta(hours=-6))
    asked_ms, done_ms = (
        int(datetime.fromisoformat(moment).replace(tzinfo=zone).timestamp() * 1000) for moment in (asked, done)
    )

    assert done_ms == spei_due(asked_ms)


async def test_a_clabe_that_no_bank_has_is_refused(http):
    """The exchange checks the last digit too."""
    response = await ask_signed(http, "bitso.v2.funding.spei_withdrawal", clabe=CLABE[:-1] + "0")

    assert (400, {"error": "Invalid CLABE: clabe"}) == (response.status_code, response.json())


async def test_transactions_come_in_pages_of_one_book():
    """Offset, limit and sort select a page; movements of other currencies are not in it."""
    async with playing_bitso() as (sim, bitso, _):
        for number in range(1, 8):
            sim.bitso.deposit("mxn", Decimal(number))
            sim.bitso.deposit("usd", Decimal(number))
            sim.advance(1)
        account = bitso.v2.account
        rising = await account.user_transactions(sort=SortOrder.ASC, limit=3, offset=1)

        assert [2, 3, 4] == [row.amounts["mxn"] for row in rising]
        assert list(range(7, 0, -1)) == [r.amounts["mxn"] async for r in account.every_user_transaction(page_size=3)]
        assert 14 == len(await account.user_transactions(book="usd_mxn"))
        with pytest.raises(ReadFailed, match="Invalid arguments"):
            await account.user_transactions(limit=101)


class BitsoWalk(Walk):
    """A random walk through everything that moves money, over two books that share a currency."""

    async def step(self):
        self.bitso = self.chance.choice(self.clients)
        steps = [self.order] * 4 + [self.cancel, self.deposit, self.withdraw, self.convert, self.wait]
        try:
            await self.chance.choice(steps)()
        except InsufficientFunds:
            self.sim.advance(30)
        except OutcomeUnknown as error:  # of v2, which has no words for missing funds that prove anything
            self.bitso.unresolved.dismiss(error.intent)
            self.sim.advance(30)

    async def order(self):
        book, most = self.chance.choice([("btc_mxn", 2), ("eth_mxn", 20)])
        ticker = await self.bitso.v2.market.ticker(book)
        price = ticker.ask + Decimal(self.chance.randint(-200_000, 200_000)).scaleb(-2)
        limit = {} if self.chance.random() < 0.2 else {"price": price}
        if self.chance.random() < 0.5:
            await self.bitso.v2.trading.buy(amount=self.amount(most), book=book, amount_unit=AmountUnit.MAJOR, **limit)
        else:
            await self.bitso.v2.trading.sell(amount=self.amount(most), book=book, **limit)

    async def cancel(self):
        for order in (await self.bitso.v2.trading.open_orders())[:2]:
            await self.bitso.v2.trading.cancel_order(order.id)

    async def deposit(self):
        self.sim.bitso.deposit("mxn", self.amount(900_000))
        self.sim.bitso.deposit("btc", self.amount(1))

    async def withdraw(self):
        await self.bitso.v2.funding.bitcoin_withdrawal(amount=self.amount(1), address="1Elsewhere")
        await spei(self.bitso, self.amount(9000))

    async def convert(self):
        quote = await self.bitso.conversions.create_quote(
            from_currency="mxn", to_currency="btc", receive_amount=self.amount(1)
        )
        number = await self.bitso.conversions.execute(quote)
        if self.chance.random() < 0.3:
            self.sim.bitso.fail_conversion(number)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.stress) for seed in range(1, 5))])
async def test_money_is_conserved_to_the_last_digit(seed):
    """All holdings always add up, and nothing is reserved when no order and no conversion is left."""
    async with playing_bitso(seed) as (sim, bitso, other):
        walk = BitsoWalk(sim, [bitso, other], seed)
        for _ in range(120):
            await walk.step()

            assert {NOTHING} == {sum(sim.bitso.holdings(c).values(), NOTHING) for c in CURRENCIES}
            for balance in await walk.bitso.account.balance():
                assert min(balance.available, balance.locked) >= 0
        types = {row.type for row in await bitso.v2.account.user_transactions()}
        for client in (bitso, other):
            for book in ("btc_mxn", "eth_mxn"):
                for order in await client.v2.trading.open_orders(book):
                    await client.v2.trading.cancel_order(order.id)
        sim.advance(7 * 86_400)
        last = [*await bitso.account.balance(), *await other.account.balance()]

        assert set(TransactionType) == types
        assert {(NOTHING, NOTHING, NOTHING)} == {(b.locked, b.pending_deposit, b.pending_withdrawal) for b in last}
