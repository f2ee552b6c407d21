"""Orders, by v1: one market, BTC in USD."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitstamp.api import V1
from exchanges.bitstamp.v1.models import Done, Order, OrderType
from exchanges.endpoint import CANCEL, MONEY, READ, Area, Param, private
from exchanges.endpoint.contradictions import fault_of_orders
from exchanges.wire import Amount


class Trading(Area, api=V1):
    """Place and cancel limit orders."""

    @private("POST /open_orders/", kind=READ, fault=fault_of_orders)
    async def open_orders(self) -> list[Order]:
        """Orders that are open, wholly or in part.

        Returns:
            Wire: list of objects. An empty body is refused: nothing says that there are no orders.

        Source:
            Bitstamp API v1, Private Functions, "Open orders".
        """
        ...

    # A second cancel of the same order finds nothing to cancel, so it may be repeated.
    @private("POST /cancel_order/", kind=CANCEL)
    async def cancel_order(self, order_id: Annotated[int, Param(wire="id")]) -> Done:
        """Cancel an order.

        Args:
            order_id: The `Order.id`.

        Returns:
            None: it was found and cancelled. Wire: ``true``.

        Raises:
            NotFound: There is no such order: filled, cancelled, or never there.

        Source:
            Bitstamp API v1, Private Functions, "Cancel order".
        """
        ...

    @private("POST /buy/", kind=MONEY, echoes={"type": OrderType.BUY})
    async def buy(self, *, amount: Amount, price: Amount) -> Order:
        """Place a limit order to buy.

        Args:
            amount: Base currency to buy, in BTC.
            price: Highest price per unit, in USD per BTC.

        Returns:
            The new order. Wire: object.

        Source:
            Bitstamp API v1, Private Functions, "Buy limit order".
        """
        ...

    @private("POST /sell/", kind=MONEY, echoes={"type": OrderType.SELL})
    async def sell(self, *, amount: Amount, price: Amount) -> Order:
        """Place a limit order to sell.

        Args:
            amount: Base currency to sell, in BTC.
            price: Lowest price per unit, in USD per BTC.

        Returns:
            The new order. Wire: object.

        Source:
            Bitstamp API v1, Private Functions, "Sell limit order".
        """
        ...
