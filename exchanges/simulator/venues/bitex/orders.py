"""The orders of one Bitex account, and what it has of money and coins."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TypeVar

from attrs import define, evolve, field

from exchanges.bitex import Ask, Bid, Buy, OrderReason, OrderStatus, Sell
from exchanges.simulator.engine.balances import Purse

__all__ = ["Desk", "Reference"]

REMEMBERED_MS = 2 * 3_600_000
"""An order that ended is listed for so long."""

O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order
Reference = tuple[type[Bid] | type[Ask], int]


@define(eq=False)
class Desk:
    """Keeps orders and what became of them.

    Attributes:
        usd: What bids are paid from.
        btc: What asks are paid from.
        trades: Own sides of trades, oldest first.
    """

    usd: Purse = field(factory=lambda: Purse(Decimal(0)))
    btc: Purse = field(factory=lambda: Purse(Decimal(0)))
    trades: list[Buy | Sell] = field(factory=list["Buy | Sell"], init=False)
    _orders: dict[Reference, Bid | Ask] = field(factory=dict["Reference", "Bid | Ask"], init=False)
    _ended_ms: dict[Reference, int] = field(factory=dict["Reference", int], init=False)

    def __deepcopy__(self, memo: dict[int, object]) -> Desk:
        """Hold in a picture what is there now."""
        picture = Desk(copy.copy(self.usd), copy.copy(self.btc))
        picture.trades = self.trades.copy()
        picture._orders, picture._ended_ms = self._orders.copy(), self._ended_ms.copy()
        return picture

    def get(self, reference: Reference) -> Bid | Ask:
        """Find an order that is there."""
        return self._orders[reference]

    def find(self, kind: type[O], order_id: int) -> O | None:
        """Find an order by kind and id."""
        order = self._orders.get((kind, order_id))
        return order if isinstance(order, kind) else None

    def keep(self, order: Bid | Ask) -> None:
        """Store an order, or store it anew."""
        self._orders[type(order), order.id] = order

    def end(self, order: Bid | Ask, status: OrderStatus, reason: OrderReason, now_ms: int) -> None:
        """Store an order that trades no more, and give back what it still held."""
        if order.status is not OrderStatus.RECEIVED:
            self.purse(order).release(order.remaining_amount)
        self._ended_ms[type(order), order.id] = now_ms
        self.keep(evolve(order, status=status, reason=reason))

    def purse(self, order: Bid | Ask) -> Purse:
        """Find what an order is paid from."""
        return self.usd if isinstance(order, Bid) else self.btc

    def listed(self, now_ms: int) -> list[Bid | Ask]:
        """List what is active or ended a short while ago, newest first."""
        since = now_ms - REMEMBERED_MS
        return [o for r, o in reversed(self._orders.items()) if self._ended_ms.get(r, now_ms) > since]

    def matched(self) -> list[Bid | Ask]:
        """List the orders that brought something in."""
        return [order for order in self._orders.values() if order.produced_amount]
