"""Events of orders at Bitstamp, as REST lists them and private channels send them: both show the same ids."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve, frozen

from exchanges import bitstamp
from exchanges.simulator.engine.balances import Movement
from exchanges.simulator.engine.events import Event, EventKind
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import Order, OrderState
from exchanges.simulator.engine.prices import BookSpec
from exchanges.simulator.venues.calls import moment, second

FIRST_ID = 1_463_489_000_000_000
"""Before the ids of orders, which have 16 digits."""
_KINDS = {
    EventKind.ORDER_PLACED: bitstamp.OrderEventKind.ORDER_CREATED,
    EventKind.ORDER_CHANGED: bitstamp.OrderEventKind.ORDER_CHANGED,
    EventKind.ORDER_TRADED: bitstamp.OrderEventKind.ORDER_CHANGED,
    EventKind.ORDER_CANCELLED: bitstamp.OrderEventKind.ORDER_DELETED,
}


def name_of(spec: BookSpec) -> str:
    """Return the name of a market, such as BTC/USD."""
    return f"{spec.base}/{spec.quote}".upper()


def order_id_of(order: Order) -> str:
    """Return the id of an order as v2 shows it."""
    return str(FIRST_ID + order.id)


def side_of(order: Order) -> bitstamp.Side:
    """Return the side of an order as v2 shows it."""
    return bitstamp.Side.BUY if order.side is Side.BUY else bitstamp.Side.SELL


def event_id(at_us: int, number: int) -> str:
    """Return the id of an event: 16 hex digits of its microsecond, and a counter."""
    return f"{at_us:016x}{number % 2**32:08x}"


@frozen
class LoggedEvent:
    """An event of an account, as it was published.

    Attributes:
        owner: Of the account.
        market: Such as BTC/USD.
        symbol: Such as btcusd.
        shown: As REST lists it.
        before: Id of the event before it, of this account in this market; empty for the first.
        traded: Base: what traded by this event.
        is_market: Whether the order has no limit.
        movement: The trade; None if there was none.
    """

    owner: int
    market: str
    symbol: str
    shown: bitstamp.OrderEvent
    before: str
    traded: Decimal = Decimal(0)
    is_market: bool = False
    movement: Movement | None = None


def log_event(events: list[LoggedEvent], event: Event) -> None:
    """Add what happened to an order."""
    order = event.order
    if order is None:
        return
    is_filled, is_market = order.state is OrderState.FILLED, order.price is None
    kind = bitstamp.OrderEventKind.ORDER_DELETED if is_filled and not is_market else _KINDS[event.kind]
    _add(events, event, order, kind)
    if is_filled and is_market:
        # Quirk: a market order changes with its last trade, and is deleted by an event of its own (seen in frames).
        _add(events, evolve(event, movement=None), order, bitstamp.OrderEventKind.ORDER_DELETED)


def _add(events: list[LoggedEvent], event: Event, order: Order, kind: bitstamp.OrderEventKind) -> None:
    owner, market, movement = order.wallet.owner, name_of(order.book), event.movement
    data = bitstamp.OrderEventData(
        id=order_id_of(order),
        order_type=side_of(order),
        datetime=second(event.at_ms),
        microtimestamp=moment(event.at_ms),
        amount=order.left,
        price=order.price or Decimal(0),
        amount_traded=order.amount - order.left,
        amount_at_create=order.amount,
        client_order_id=order.terms.client_id or None,
    )
    shown = bitstamp.OrderEvent(
        event=kind,
        event_id=event_id(event.at_ms * 1000, len(events)),
        order_source=bitstamp.OrderSource.ORDER_BOOK,
        data=data,
    )
    own = (logged for logged in reversed(events) if (logged.owner, logged.market) == (owner, market))
    before = next(own, None)
    events.append(
        LoggedEvent(
            owner,
            market,
            order.book.name,
            shown,
            "" if before is None else before.shown.event_id,
            Decimal(0) if movement is None else abs(movement.amounts[order.book.base]),
            order.price is None,
            movement,
        )
    )
