"""Orders by id, and their sums by price. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec
from attrs import define, field

from exchanges.streams.keepers.frames import OrderChange, OrdersSnapshot
from exchanges.streams.sides import Level, Side, is_crossed, parse
from exchanges.wire.codecs import BOUNDS

__all__ = ["Contradiction", "Order", "Orders", "agree", "orders_of"]


class Contradiction(ValueError):
    """A change, or an order book, does not fit itself or what is kept."""


class Order(msgspec.Struct, frozen=True, gc=False):
    """An order in the book.

    Attributes:
        is_bid: Whether it is an order to buy.
        price: Quote per base; an order without a price above zero is in no level.
        amount: Base that is left; above zero.
    """

    is_bid: bool
    price: Decimal
    amount: Decimal


@define(eq=False)
class Orders:
    """Orders by id, and their sums by price."""

    by_id: dict[str, Order] = field(factory=dict[str, Order])
    bids: Side = field(factory=lambda: Side(is_bids=True))
    asks: Side = field(factory=lambda: Side(is_bids=False))

    def apply(self, changes: Iterable[OrderChange]) -> int:
        """Apply changes in their order; return how many of them have no price above zero.

        Raises:
            Contradiction: A change does not fit; those before it are applied.
            OddNumber: A change holds one; likewise.
        """
        dropped = 0
        for change in changes:
            if not change.is_open:
                self._remove(change)
                continue
            if change.amount is None:
                raise Contradiction("an order without an amount")
            order = Order(change.is_bid, parse(change.price), parse(change.amount))
            held = self.by_id.get(change.order_id)
            if not order.amount or (held is not None and held.is_bid is not order.is_bid):
                raise Contradiction("an order of nothing, or one that changes sides")
            if held is not None:
                self._sum(held, held.amount.copy_negate())
            self.by_id[change.order_id] = order
            self._sum(order, order.amount)
            dropped += not order.price
        return dropped

    def _remove(self, change: OrderChange) -> None:
        held = self.by_id.pop(change.order_id, None)
        if held is None:
            raise Contradiction("a removal of an order that is not held")
        self._sum(held, held.amount.copy_negate())

    def _sum(self, order: Order, amount: Decimal) -> None:
        if order.price:
            (self.bids if order.is_bid else self.asks).add(order.price, amount)


def agree(orders: Orders, changes: Iterable[OrderChange]) -> bool:
    """Whether a book shows what *changes* that it is said to hold have left of their orders."""
    for change in {change.order_id: change for change in changes}.values():
        held = orders.by_id.get(change.order_id)
        if held is None or not change.is_open:
            if change.is_open or held is not None:
                return False
        elif change.amount is None or held != Order(change.is_bid, parse(change.price), parse(change.amount)):
            return False
    return True


def orders_of(snapshot: OrdersSnapshot) -> tuple[Orders, int]:
    """Build a book from an order book that was read.

    Returns:
        The book, and how many of its orders have no price above zero.

    Raises:
        Contradiction: An order comes twice, an amount is not above zero, or the best prices cross.
    """
    orders, dropped = Orders(), 0
    for side, rows in ((orders.bids, snapshot.bids), (orders.asks, snapshot.asks)):
        sums: dict[Decimal, Decimal] = {}
        for order_id, price, amount in rows:
            if order_id in orders.by_id or amount <= 0 or price < 0:
                raise Contradiction("an order twice, or a number that is not above zero")
            orders.by_id[order_id] = Order(side.is_bids, price, amount)
            if price:
                sums[price] = BOUNDS.add(sums[price], amount) if price in sums else amount
            dropped += not price
        made = Side.of(map(Level, sums.keys(), sums.values()), is_bids=side.is_bids)
        side.by_key, side.keys = made.by_key, made.keys
    if is_crossed(orders.bids, orders.asks):
        raise Contradiction("best prices that cross")
    return orders, dropped
