"""The orders of one Bitex account, and how far they have come.

An order moves on by one stage with each later request of its account: from RECEIVED to EXECUTING, where the funds are
looked at and held, or to CANCELLED if they do not suffice; from TO_CANCEL to CANCELLED. Orders rest: nothing matches
them.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import TypeVar

from attrs import define, evolve, field

from exchanges.bitex import Ask, Bid, OrderReason, OrderStatus
from exchanges.simulator.exchange import second
from exchanges.simulator.purses import Purse

__all__ = ["Desk"]

REMEMBERED_MS = 2 * 3_600_000
"""An order that ended is listed for so long."""
FIRST_ID = 1001

O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order
Reference = tuple[type[Bid] | type[Ask], int]


@define
class Desk:
    """Takes orders, moves them on, cancels them.

    Attributes:
        usd: What bids are paid from.
        btc: What asks are paid from.
    """

    usd: Purse
    btc: Purse
    _orders: dict[Reference, Bid | Ask] = field(factory=dict["Reference", "Bid | Ask"], init=False)
    _moving: set[Reference] = field(factory=set["Reference"], init=False)
    _ended_ms: dict[Reference, int] = field(factory=dict["Reference", int], init=False)
    _ids: count[int] = field(factory=lambda: count(FIRST_ID), init=False)

    def place(self, kind: type[O], amount: Decimal, price: Decimal, now_ms: int) -> O:
        """Take an order; whether the funds suffice is looked at later."""
        order = kind(
            id=next(self._ids),
            created_at=second(now_ms),
            orderbook=1,
            amount=amount,
            remaining_amount=amount,
            price=price,
            status=OrderStatus.RECEIVED,
            reason=OrderReason.NOT_CANCELLED,
            produced_amount=Decimal(0),
            issuer="ApiKey#1",
            fee=Decimal(0),
        )
        self._keep(order, moving=True)
        return order

    def find(self, kind: type[O], order_id: int) -> O | None:
        """Find an order by kind and id."""
        order = self._orders.get((kind, order_id))
        return order if isinstance(order, kind) else None

    def listed(self, now_ms: int) -> list[Bid | Ask]:
        """List what is active or ended a short while ago, newest first."""
        since = now_ms - REMEMBERED_MS
        return [o for r, o in reversed(self._orders.items()) if self._ended_ms.get(r, now_ms) > since]

    def cancel(self, order: O) -> O:
        """Begin to cancel an order; one that has ended stays as it is."""
        if order.status is OrderStatus.EXECUTING:
            order = evolve(order, status=OrderStatus.TO_CANCEL)
            self._keep(order, moving=True)
        return order

    def move_on(self, now_ms: int) -> None:
        """Move each order that is neither resting nor over to its next stage."""
        for reference in sorted(self._moving, key=lambda r: r[1]):
            order = self._orders[reference]
            if order.status is OrderStatus.TO_CANCEL:
                self._purse(order).release(order.remaining_amount)
                self._end(order, OrderReason.USER_CANCELLED, now_ms)
            elif self._purse(order).reserve(order.remaining_amount):
                self._keep(evolve(order, status=OrderStatus.EXECUTING), moving=False)
            else:
                self._end(order, OrderReason.NOT_ENOUGH_FUNDS, now_ms)

    def _purse(self, order: Bid | Ask) -> Purse:
        return self.usd if isinstance(order, Bid) else self.btc

    def _end(self, order: Bid | Ask, reason: OrderReason, now_ms: int) -> None:
        self._ended_ms[type(order), order.id] = now_ms
        self._keep(evolve(order, status=OrderStatus.CANCELLED, reason=reason), moving=False)

    def _keep(self, order: Bid | Ask, *, moving: bool) -> None:
        reference = (type(order), order.id)
        self._orders[reference] = order
        if moving:
            self._moving.add(reference)
        else:
            self._moving.discard(reference)
