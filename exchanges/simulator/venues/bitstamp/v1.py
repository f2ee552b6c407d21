"""Bitstamp v1: market data, account, trading and funding."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from attrs import define, evolve, field

from exchanges.bitstamp import v1
from exchanges.simulator.engine.balances import Cause, Movement
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import Order
from exchanges.simulator.engine.prices import Trade
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues import spot
from exchanges.simulator.venues.bitstamp.generations import ALL_FIELDS
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import answers, handles, lists, show
from exchanges.wire import Json, encode

FEE_PERCENT = Decimal("0.2500")
BOOK = "btcusd"
"""The only book of v1."""
MINIMUM_USD = Decimal(5)
MAX_PAGE = 1000
_NOTHING = Decimal("0.00")
_PROGRESS = ((10 * 60_000, v1.WithdrawalStatus.IN_PROCESS), (60 * 60_000, v1.WithdrawalStatus.FINISHED))
"""Status of a withdrawal after a time since its request, in milliseconds."""
_TYPES = {
    Cause.DEPOSIT: v1.TransactionType.DEPOSIT,
    Cause.WITHDRAWAL: v1.TransactionType.WITHDRAWAL,
    Cause.TRADE: v1.TransactionType.MARKET_TRADE,
}


def _transaction(trade: Trade) -> v1.Transaction:
    return show(v1.Transaction, trade, date=second(trade.at_ms), tid=trade.id)


class MarketHandlers(spot.SpotHandlers):
    """Public market data."""

    transactions = spot.transactions(v1.Market.transactions, lambda _: BOOK, _transaction)
    ticker = spot.ticker(v1.Market.ticker, lambda _: BOOK, v1.Ticker)
    order_book = spot.order_book(v1.Market.order_book, lambda _: BOOK, v1.OrderBook, v1.PriceLevel)

    @handles(v1.Market.eur_usd)
    def eur_usd(self, call: spot.SpotCall) -> object:
        """Return the best prices of the book of EUR."""
        now = self.engine.market("eurusd").snapshot(call.now_ms)
        return v1.ConversionRate(buy=now.asks[0].price, sell=now.bids[0].price)


def _movement(movement: Movement) -> Json:
    """Convert a movement."""
    traded = movement.cause is Cause.TRADE
    row = encode(
        v1.UserTransaction(
            id=movement.id,
            datetime=second(movement.at_ms),
            type=_TYPES[movement.cause],
            fee=movement.fee or _NOTHING,
            order_id=movement.order_id if traded else None,
            amounts={"usd": _NOTHING, "btc": _NOTHING, **movement.amounts},
            rates={"btc_usd": movement.price if traded else _NOTHING},
        )
    )
    # Quirk: a deposit or a withdrawal has null for an order (seen in recordings).
    return {"order_id": None, **row} if isinstance(row, dict) else row


class AccountHandlers(spot.SpotHandlers):
    """Balances, and what changed them."""

    user_transactions = lists(v1.Account.user_transactions, lambda _, call: spot.page_of(call, MAX_PAGE), _movement)
    balance = spot.balance(v1.Account.balance, v1.Balance, v1.CurrencyBalance, FEE_PERCENT)


def _find(engine: Engine, call: spot.SpotCall) -> Order | None:
    return engine.order(call.wallet, call.arguments.integer("order_id"))


def _check(amount: Decimal, price: Decimal | None) -> None:
    if price is not None and amount * price < MINIMUM_USD:
        raise Refused(Reason.WRONG_NUMBER, ALL_FIELDS, f"Minimum order size is ${MINIMUM_USD}")


def _order(order: Order) -> v1.Order:
    kind = v1.OrderType[order.side.name]
    return show(v1.Order, order, datetime=second(order.placed_ms), type=kind, amount=order.left)


def _placed(order: Order) -> v1.Order:
    # Quirk: an order just placed has fractions of a second, a listed one does not (seen in recordings).
    return evolve(_order(order), datetime=moment(order.placed_ms), amount=order.amount)


class TradingHandlers(spot.SpotHandlers):
    """Limit orders to buy and to sell BTC for USD."""

    open_orders = lists(v1.Trading.open_orders, lambda self, call: self.engine.open_orders(call.wallet, BOOK), _order)
    cancel_order = spot.cancels(v1.Trading.cancel_order, _find, answer=True)
    buy = spot.places(v1.Trading.buy, Side.BUY, book=lambda _: BOOK, check=_check, convert=_placed)
    sell = spot.places(v1.Trading.sell, Side.SELL, book=lambda _: BOOK, check=_check, convert=_placed)


@define(eq=False)
class FundingHandlers(spot.SpotHandlers):
    """Deposits and withdrawals of coins, and over Ripple. A withdrawal leaves the balance at once."""

    withdrawals: Store[v1.WithdrawalRequest] = field(init=False, factory=Store[v1.WithdrawalRequest])

    # Quirk: withdrawals over Ripple have no type and are not listed.
    withdrawal_requests = lists(v1.Funding.withdrawal_requests, lambda self, call: self.withdrawals.of(call.owner))
    bitcoin_deposit_address = answers(v1.Funding.bitcoin_deposit_address, lambda _, call: call.account.deposit_address)
    ripple_address = answers(v1.Funding.ripple_address, lambda _, call: {"address": call.account.ripple_address})
    ripple_withdrawal = spot.withdraws(v1.Funding.ripple_withdrawal, "ripple", answer=True)

    @handles(v1.Funding.bitcoin_withdrawal)
    def bitcoin_withdrawal(self, call: spot.SpotCall) -> object:
        """Withdraw coins, which are sent later."""
        amount, address = spot.amount_of(call, "amount"), call.arguments.text("address")
        self.engine.withdraw(call.wallet, "btc", amount, call.now_ms, method="bitcoin")
        number = self.withdrawals.next_id()
        request = v1.WithdrawalRequest(
            id=number,
            datetime=call.now,
            type=v1.WithdrawalType.BITCOIN,
            amount=amount,
            status=v1.WithdrawalStatus.OPEN,
            data=address,
        )
        self.withdrawals.put(call.owner, number, request)
        for after_ms, status in _PROGRESS:
            self.engine.scheduler.at(call.now_ms + after_ms, partial(self._progress, number, status))
        return v1.BitcoinWithdrawal(id=number)

    def _progress(self, number: int, status: v1.WithdrawalStatus, _: int) -> None:
        self.withdrawals.change(number, status=status)

    @handles(v1.Funding.unconfirmed_btc)
    def unconfirmed_btc(self, call: spot.SpotCall) -> object:
        """List deposits of coins with too few confirmations."""
        return [
            v1.UnconfirmedDeposit(
                amount=deposit.amount,
                address=call.account.deposit_address,
                confirmations=(call.now_ms - deposit.sent_ms) // spot.BLOCK_MS,
            )
            for deposit in call.wallet.incoming
            if deposit.currency == "btc"
        ]
