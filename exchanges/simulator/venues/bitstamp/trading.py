"""Orders of v1."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.bitstamp import v1
from exchanges.bitstamp.v1 import OrderType
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import Order
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitstamp.base import ALL_FIELDS, V1_MARKET, House
from exchanges.simulator.venues.spot import amount_of, customer_of
from exchanges.simulator.venues.venue import Call, handles, moment, second

__all__ = ["MINIMUM_USD", "TradingCounter"]

MINIMUM_USD = Decimal(5)


@define(eq=False, slots=False)
class TradingCounter(House):
    """Takes limit orders to buy and to sell BTC for USD."""

    @handles("bitstamp.v1.trading.open_orders")
    def open_orders(self, call: Call) -> object:
        """List what waits, newest first."""
        waiting = self.pits[V1_MARKET].waiting(customer_of(call).vault)
        return [
            v1.Order(
                id=order.id,
                datetime=second(order.placed_ms),
                type=_type(order),
                price=order.limit,
                amount=order.left,
            )
            for order in sorted(waiting, key=lambda order: order.id, reverse=True)
        ]

    @handles("bitstamp.v1.trading.cancel_order")
    def cancel_order(self, call: Call) -> object:
        """Take an order out of the book."""
        order = customer_of(call).orders.get(call.arguments.integer("order_id"))
        if order is None or not order.waits:
            raise Refused(Reason.NOT_FOUND, text="Order not found")
        self.pits[V1_MARKET].cancel(order, call.now_ms)
        return True

    @handles("bitstamp.v1.trading.buy")
    def buy(self, call: Call) -> object:
        """Take an order to buy."""
        return self._place(call, Side.BUY)

    @handles("bitstamp.v1.trading.sell")
    def sell(self, call: Call) -> object:
        """Take an order to sell."""
        return self._place(call, Side.SELL)

    def _place(self, call: Call, side: Side) -> v1.Order:
        amount = amount_of(call, "amount")
        price = amount_of(call, "price", self.markets[V1_MARKET].facts.tick)
        if amount * price < MINIMUM_USD:
            raise Refused(Reason.WRONG_NUMBER, ALL_FIELDS, f"Minimum order size is ${MINIMUM_USD}")
        order = self.place(call, V1_MARKET, side, amount, price)
        # Quirk: an order just placed tells fractions of a second, a listed one does not (seen in recordings).
        placed_at = moment(call.now_ms)
        return v1.Order(id=order.id, datetime=placed_at, type=_type(order), price=price, amount=amount)


def _type(order: Order) -> OrderType:
    return OrderType.BUY if order.side is Side.BUY else OrderType.SELL
