"""Events of the engine, published as they happen: orders placed, changed, traded, cancelled; money moved."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from exchanges.simulator.engine.balances import Movement, Wallet
from exchanges.simulator.engine.orders import Order
from exchanges.simulator.engine.snapshots import Shared


class EventKind(StrEnum):
    """What happened."""

    ORDER_PLACED = "order placed"
    ORDER_CHANGED = "order changed"
    ORDER_TRADED = "order traded"
    ORDER_CANCELLED = "order cancelled"
    """By its owner, or by the exchange; `Order.state` tells which."""
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    CONVERSION = "conversion"


@frozen(eq=False)
class Event:
    """One thing that happened to an account.

    Attributes:
        kind: What.
        at_ms: Milliseconds since 1970.
        wallet: Of the account.
        order: The order, in its new state; None for deposits and withdrawals.
        movement: The change of balances; None where none changed.
    """

    kind: EventKind
    at_ms: int
    wallet: Wallet
    order: Order | None = None
    movement: Movement | None = None


Subscriber: TypeAlias = Callable[[Event], object]


class Events(Shared):
    """Subscribers, called in the order in which they subscribed."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call *subscriber* with each later event, at once and within the request that causes it.

        Returns:
            A function that ends the subscription.
        """
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, event: Event) -> None:
        """Call every subscriber."""
        # A copy, as a subscriber may end its own subscription while it is called.
        for subscriber in tuple(self._subscribers):
            subscriber(event)
