"""Orders, trades and balances, converted from what the engine holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from exchanges.bitex import Ask, Bid, Buy, OrderReason, OrderStatus, Sell
from exchanges.bitex.trading import Trading
from exchanges.simulator.engine.balances import Cause, Movement, Wallet, quotient
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import Lifetime, Order, OrderState, Terms
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues.bitex.customers import BOOK, BitexCall, BitexHandlers, amount_of, created_since
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import Handler, answers, handles, show

FEE_PERCENT = Decimal("0.5")
MINIMUM = {Side.BUY: Decimal(1), Side.SELL: Decimal("0.005")}
"""Smallest amount of an order: in USD to buy, in BTC to sell."""
REMEMBERED_MS = 2 * 3_600_000
"""An order that ended is listed for this time."""
ANY_PRICE = Decimal("0.01")
WEEK, MOST_TRADES = timedelta(days=7), 500
_STATES = {
    OrderState.RECEIVED: (OrderStatus.RECEIVED, OrderReason.NOT_CANCELLED),
    OrderState.OPEN: (OrderStatus.EXECUTING, OrderReason.NOT_CANCELLED),
    OrderState.CANCELLING: (OrderStatus.TO_CANCEL, OrderReason.NOT_CANCELLED),
    OrderState.FILLED: (OrderStatus.COMPLETED, OrderReason.NOT_CANCELLED),
    OrderState.CANCELLED: (OrderStatus.CANCELLED, OrderReason.USER_CANCELLED),
    OrderState.UNFUNDED: (OrderStatus.CANCELLED, OrderReason.NOT_ENOUGH_FUNDS),
    OrderState.EXPIRED: (OrderStatus.CANCELLED, OrderReason.OTHER),
}


def convert_order(order: Order) -> Bid | Ask:
    """Show an order."""
    status, reason = _STATES[order.state]
    kind: type[Bid | Ask] = Bid if order.side is Side.BUY else Ask
    return show(
        kind,
        order,
        created_at=second(order.placed_ms),
        orderbook=1,
        remaining_amount=order.left,
        status=status,
        reason=reason,
        produced_amount=order.received,
        issuer=order.terms.issuer,
    )


def convert_trade(movement: Movement) -> Buy | Sell:
    """Show one side of a trade."""
    btc, usd = movement.amounts["btc"], movement.amounts["usd"]
    kind, at = Buy if btc > 0 else Sell, second(movement.at_ms)
    return kind(movement.id, at, 1, abs(btc), abs(usd), movement.fee, movement.price, movement.order_id)


def trades_of(wallet: Wallet) -> list[Buy | Sell]:
    """List the trades of an account, oldest first."""
    return [convert_trade(movement) for movement in wallet.movements if movement.cause is Cause.TRADE]


def sell_at_once(engine: Engine, wallet: Wallet, quantity: Decimal, now_ms: int, issuer: str) -> Order:
    """Sell at whatever prices there are; what finds no buyer is left unsold."""
    book = engine.book(BOOK)
    terms = Terms(Lifetime.AT_ONCE, issuer=issuer)
    return book.place(wallet, Side.SELL, quantity, price=ANY_PRICE, now_ms=now_ms, terms=terms)


def _order_of(handlers: BitexHandlers, call: BitexCall, side: Side, argument: str) -> Order:
    order = handlers.engine.order(call.wallet, call.arguments.integer(argument))
    # Bids and asks have separate paths: the id of an ask is no bid.
    if order is None or order.side is not side:
        raise Refused(Reason.NOT_FOUND)
    return order


def _places(method: Callable[..., Any], side: Side) -> Handler:
    def place(handlers: BitexHandlers, call: BitexCall) -> object:
        refuse_if(call.arguments.integer("orderbook", 1) != 1, Reason.WRONG_ARGUMENT, "orderbook", "no existe")
        amount, price = amount_of(call, "amount", MINIMUM[side]), amount_of(call, "price")
        if side is Side.BUY and not quotient(amount, price):
            raise Refused(Reason.WRONG_NUMBER, "amount", "no alcanza para nada")
        book, now_ms = handlers.engine.book(BOOK), call.now_ms
        terms = Terms(issuer="ApiKey#1")
        return convert_order(book.place(call.wallet, side, amount, price=price, now_ms=now_ms, terms=terms))

    return handles(method)(place)


def _finds(method: Callable[..., Any], side: Side, argument: str) -> Handler:
    return answers(method, lambda handlers, call: convert_order(_order_of(handlers, call, side, argument)))


def _cancels(method: Callable[..., Any], side: Side, argument: str) -> Handler:
    def cancel(handlers: BitexHandlers, call: BitexCall) -> object:
        order = _order_of(handlers, call, side, argument)
        handlers.engine.cancel(order, call.now_ms)
        return convert_order(order)

    return handles(method)(cancel)


class TradingHandlers(BitexHandlers):
    """Orders to buy and to sell."""

    create_bid = _places(Trading.create_bid, Side.BUY)
    create_ask = _places(Trading.create_ask, Side.SELL)
    bid = _finds(Trading.bid, Side.BUY, "bid_id")
    ask = _finds(Trading.ask, Side.SELL, "ask_id")
    cancel_bid = _cancels(Trading.cancel_bid, Side.BUY, "bid_id")
    cancel_ask = _cancels(Trading.cancel_ask, Side.SELL, "ask_id")

    @handles(Trading.orders)
    def orders(self, call: BitexCall) -> object:
        """List what is active, or ended a short while ago."""
        since_ms = call.now_ms - REMEMBERED_MS
        orders = self.engine.orders_of(call.wallet)
        return [convert_order(o) for o in orders if not o.state.is_final or o.updated_ms > since_ms]

    @handles(Trading.trades)
    def trades(self, call: BitexCall) -> object:
        """List the last seven days, newest first."""
        rows = [*reversed(trades_of(call.wallet)), *call.account.history.trades]
        return created_since(rows, call.now_ms, WEEK)[:MOST_TRADES]
