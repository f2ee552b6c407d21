"""Bitso v2: market data, account, trading and funding."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from attrs import evolve

from exchanges.bitso import Side, v2
from exchanges.bitso.v2 import OrderStatus, OrderType, TransactionType
from exchanges.simulator.engine.balances import Cause, Movement
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side as OrderSide
from exchanges.simulator.engine.orders import Order, OrderState
from exchanges.simulator.engine.prices import Trade
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues import spot
from exchanges.simulator.venues.bitso.v3 import FEE_PERCENT, MAX_PAGE
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import answers, handles, lists, show

MINIMUM_AMOUNT = Decimal("0.00015000")
CRYPTO_MS = 30 * 60_000
"""A bitcoin withdrawal is sent so long after its request."""
RIPPLE_MS = 5_000
SPEI_MS = 60_000
OPENS, CLOSES, SATURDAY = 9, 17, 5
_MEXICO_CITY = timezone(timedelta(hours=-6))
_HOUR = timedelta(hours=1)
_CLABE = re.compile("[0-9]{18}")
_WEIGHTS = (3, 7, 1) * 6
DIGITS = 12
_LONG_ID = re.compile("[0-9a-f]{64}")


def _book(call: spot.SpotCall) -> str:
    return call.arguments.text("book", "btc_mxn")


# Market data


def _transaction(trade: Trade) -> v2.Transaction:
    side = Side.BUY if trade.buyer_waited else Side.SELL
    return show(v2.Transaction, trade, date=second(trade.at_ms), tid=trade.id, side=side)


class MarketHandlers(spot.SpotHandlers):
    """Public market data."""

    transactions = spot.transactions(v2.Market.transactions, _book, _transaction)
    ticker = spot.ticker(v2.Market.ticker, _book, v2.Ticker)
    order_book = spot.order_book(v2.Market.order_book, _book, v2.OrderBook, v2.PriceLevel)


# Account


def _movements(handlers: spot.SpotHandlers, call: spot.SpotCall) -> list[Movement]:
    """Return a page of the trades of one book, and of the deposits and withdrawals of its two currencies.

    Version 2 is older than conversions, and shows none.
    """
    spec = handlers.engine.market(_book(call)).spec

    def wanted(movement: Movement) -> bool:
        if movement.cause is Cause.CONVERSION:
            return False
        return (movement.book or spec.name) == spec.name and movement.amounts.keys() <= {spec.base, spec.quote}

    return spot.page_of(call, MAX_PAGE, wanted)


def _movement(movement: Movement) -> v2.UserTransaction:
    traded = movement.cause is Cause.TRADE
    return v2.UserTransaction(
        id=movement.id if traded else None,
        datetime=second(movement.at_ms),
        type=TransactionType[movement.cause.name],
        method=movement.method or None,
        order_id=_long_id(movement.order_id) if traded else None,
        rate=movement.price if traded else None,
        amounts=movement.net,
    )


class AccountHandlers(spot.SpotHandlers):
    """Balances, and what changed them."""

    user_transactions = lists(v2.Account.user_transactions, _movements, _movement)
    balance = spot.balance(v2.Account.balance, v2.Balance, v2.CurrencyBalance, FEE_PERCENT)


# Trading


def _long_id(order_id: int) -> str:
    """Return the id of an order as v2 shows it: 64 hex digits, of which the last ones are the number."""
    return hashlib.sha256(f"order {order_id}".encode()).hexdigest()[:-DIGITS] + f"{order_id:0{DIGITS}x}"


def order_number(long_id: str) -> int:
    """Return the number in the id that v2 shows; -1 where it is not the id of any order."""
    number = int(long_id[-DIGITS:], 16) if _LONG_ID.fullmatch(long_id) else -1
    # The digits before the number are checked too, so that no other id leads to an order.
    return number if _long_id(number) == long_id else -1


def _find(engine: Engine, call: spot.SpotCall) -> Order | None:
    return engine.order(call.wallet, order_number(call.arguments.text("order_id")))


def _check(amount: Decimal, _: Decimal | None) -> None:
    refuse_if(amount < MINIMUM_AMOUNT, Reason.WRONG_NUMBER, text=f"Incorrect amount, the minimum is {MINIMUM_AMOUNT}")


def _status(order: Order) -> OrderStatus:
    if order.state is OrderState.FILLED:
        return OrderStatus.COMPLETE
    if not order.is_open:
        return OrderStatus.CANCELLED
    return OrderStatus.ACTIVE if order.left == order.amount else OrderStatus.PARTIALLY_FILLED


def _listed(order: Order) -> v2.Order:
    """Show an open order, with what is left of it."""
    return v2.Order(
        id=_long_id(order.id),
        type=OrderType[order.side.name],
        price=order.price,
        amount=order.left,
        status=_status(order),
        datetime=second(order.placed_ms),
    )


def _placed(order: Order) -> v2.Order:
    """Show a new order; a market order has neither price nor amount nor status."""
    shown = evolve(_listed(order), book=order.book.name)
    # A limit order that traded at once still shows the amount that was requested.
    return evolve(shown, amount=order.amount) if order.price is not None else evolve(shown, amount=None, status=None)


def _looked_up(order: Order) -> v2.Order:
    """Show an order in any state; the price of a market order is zero."""
    active = _status(order) is OrderStatus.ACTIVE
    return evolve(
        _listed(order),
        price=Decimal(0) if order.price is None else order.price,
        amount=order.amount,
        book=None if active else order.book.name,
        datetime=None,
        created=second(order.placed_ms),
        updated=None if active else second(order.updated_ms),
    )


class TradingHandlers(spot.SpotHandlers):
    """Limit and market orders; the amounts of both are base currency."""

    open_orders = lists(
        v2.Trading.open_orders, lambda self, call: self.engine.open_orders(call.wallet, _book(call)), _listed
    )
    cancel_order = spot.cancels(v2.Trading.cancel_order, _find, answer="true")
    buy = spot.places(v2.Trading.buy, OrderSide.BUY, book=_book, check=_check, convert=_placed)
    sell = spot.places(v2.Trading.sell, OrderSide.SELL, book=_book, check=_check, convert=_placed)

    @handles(v2.Trading.lookup_order)
    def lookup_order(self, call: spot.SpotCall) -> object:
        """Return one order or several; unknown ones are left out, unless all are."""
        given = call.arguments.values["order_id"]
        numbers = [order_number(str(long_id)) for long_id in (given if isinstance(given, list) else [given])]
        orders = [self.engine.order(call.wallet, number) for number in numbers]
        found = [_looked_up(order) for order in orders if order is not None]
        refuse_if(not found, Reason.NOT_FOUND, text="Order not found")
        return found


# Funding


def _check_clabe(call: spot.SpotCall) -> None:
    """Check the last digit, which makes the last digits of all weighted digits add up to a multiple of ten."""
    text = call.arguments.text("clabe")
    if not _CLABE.fullmatch(text) or sum(int(d) * w % 10 for d, w in zip(text, _WEIGHTS, strict=True)) % 10:
        raise Refused(Reason.WRONG_ARGUMENT, "clabe", "Invalid CLABE")


def spei_due(now_ms: int) -> int:
    """Return when a bank transfer requested now is done: at once from Monday to Friday, 9:00 to 17:00."""
    now = datetime.fromtimestamp(now_ms / 1000, _MEXICO_CITY)
    at = now
    # Holidays are not known here.
    while at.weekday() >= SATURDAY or not OPENS <= at.hour < CLOSES:
        at = at.replace(minute=0, second=0, microsecond=0) + _HOUR
    return now_ms + SPEI_MS + round((at - now) / timedelta(milliseconds=1))


def _accept_from(call: spot.SpotCall) -> None:
    """Accept deposits from the address of a withdrawal, from now on."""
    call.account.ripple_address = call.arguments.text("address")


class FundingHandlers(spot.SpotHandlers):
    """Withdrawals; until it is sent, one is outgoing and no longer part of the balance."""

    bitcoin_deposit_address = answers(v2.Funding.bitcoin_deposit_address, lambda _, call: call.account.deposit_address)
    bitcoin_withdrawal = spot.withdraws(
        v2.Funding.bitcoin_withdrawal, "Bitcoin", "ok", "btc", sent=lambda now_ms: now_ms + CRYPTO_MS
    )
    spei_withdrawal = spot.withdraws(
        v2.Funding.spei_withdrawal, "SPEI Transfer", "ok", "mxn", sent=spei_due, check=_check_clabe
    )
    ripple_withdrawal = spot.withdraws(
        v2.Funding.ripple_withdrawal, "Ripple", "ok", sent=lambda now_ms: now_ms + RIPPLE_MS, done=_accept_from
    )
