"""Orders of v2."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal

from attrs import define

from exchanges.bitso import v2
from exchanges.bitso.v2 import OrderStatus, OrderType
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import Order
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitso.base import House
from exchanges.simulator.venues.spot import Customer, amount_of, customer_of
from exchanges.simulator.venues.venue import Call, handles, second

__all__ = ["MINIMUM_AMOUNT", "TradingCounter", "long_id"]

MINIMUM_AMOUNT = Decimal("0.00015000")
DIGITS = 12
_LONG_ID = re.compile("[0-9a-f]{64}")


@define(eq=False, slots=False)
class TradingCounter(House):
    """Takes orders to buy and to sell; their amounts are in major currency, those of market orders too."""

    @handles("bitso.v2.trading.open_orders")
    def open_orders(self, call: Call) -> object:
        """List what waits in one book, newest first."""
        book = self.market(call.arguments.text("book", "btc_mxn")).facts.name
        waiting = self.pits[book].waiting(customer_of(call).vault)
        return [_open(order) for order in sorted(waiting, key=lambda order: order.id, reverse=True)]

    @handles("bitso.v2.trading.lookup_order")
    def lookup_order(self, call: Call) -> object:
        """Find one order or several; those that are not there are left out, unless none is."""
        given, customer = call.arguments.values["order_id"], customer_of(call)
        wanted = given if isinstance(given, list) else [given]
        found = [_looked_up(order) for long in wanted if (order := _find(customer, str(long))) is not None]
        if not found:
            raise Refused(Reason.NOT_FOUND, text="Order not found")
        return found

    @handles("bitso.v2.trading.cancel_order")
    def cancel_order(self, call: Call) -> object:
        """Take an order out of the book."""
        order = _find(customer_of(call), call.arguments.text("order_id"))
        if order is None or not order.waits:
            raise Refused(Reason.NOT_FOUND, text="Order not found")
        self.pits[order.book.name].cancel(order, call.now_ms)
        return "true"

    @handles("bitso.v2.trading.buy")
    def buy(self, call: Call) -> object:
        """Take an order to buy."""
        return self._place(call, Side.BUY)

    @handles("bitso.v2.trading.sell")
    def sell(self, call: Call) -> object:
        """Take an order to sell."""
        return self._place(call, Side.SELL)

    def _place(self, call: Call, side: Side) -> v2.Order:
        facts = self.market(call.arguments.text("book", "btc_mxn")).facts
        amount = amount_of(call, "amount")
        price = amount_of(call, "price", facts.tick) if "price" in call.arguments.values else None
        if amount < MINIMUM_AMOUNT:
            raise Refused(Reason.WRONG_NUMBER, text=f"Incorrect amount, the minimum is {MINIMUM_AMOUNT}")
        return _placed(self.place(call, facts.name, side, amount, price))


def long_id(order_id: int) -> str:
    """Write the id of an order as v2 does: 64 hex digits, the last of which are the number."""
    return hashlib.sha256(f"order {order_id}".encode()).hexdigest()[:-DIGITS] + f"{order_id:0{DIGITS}x}"


def _find(customer: Customer, long: str) -> Order | None:
    """Find an order by its long id."""
    if not _LONG_ID.fullmatch(long):
        return None
    order = customer.orders.get(int(long[-DIGITS:], 16))
    return order if order is not None and long_id(order.id) == long else None


def _type(order: Order) -> OrderType:
    return OrderType.BUY if order.side is Side.BUY else OrderType.SELL


def _status(order: Order) -> OrderStatus:
    if order.cancelled:
        return OrderStatus.CANCELLED
    if not order.left:
        return OrderStatus.COMPLETE
    return OrderStatus.ACTIVE if order.left == order.amount else OrderStatus.PARTIALLY_FILLED


def _placed(order: Order) -> v2.Order:
    """Show a new order; of a market order neither price nor amount nor status."""
    limited = order.price is not None
    return v2.Order(
        id=long_id(order.id),
        type=_type(order),
        price=order.price,
        amount=order.amount if limited else None,
        status=_status(order) if limited else None,
        book=order.book.name,
        datetime=second(order.placed_ms),
    )


def _open(order: Order) -> v2.Order:
    """Show an order that waits, with what is left of it."""
    return v2.Order(
        id=long_id(order.id),
        type=_type(order),
        price=order.price,
        amount=order.left,
        status=_status(order),
        datetime=second(order.placed_ms),
    )


def _looked_up(order: Order) -> v2.Order:
    """Show an order whatever became of it; the price of a market order is zero."""
    status = _status(order)
    active = status is OrderStatus.ACTIVE
    return v2.Order(
        id=long_id(order.id),
        type=_type(order),
        price=Decimal(0) if order.price is None else order.price,
        amount=order.amount,
        status=status,
        book=None if active else order.book.name,
        created=second(order.placed_ms),
        updated=None if active else second(order.updated_ms),
    )
