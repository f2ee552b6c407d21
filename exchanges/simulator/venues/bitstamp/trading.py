"""Bitstamp v2: orders, and what happened to them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from attrs import define, evolve, field

from exchanges import bitstamp
from exchanges.bitstamp.trading import Trading
from exchanges.simulator.engine.balances import Cause, Movement
from exchanges.simulator.engine.book_log import Resting
from exchanges.simulator.engine.events import Event, EventKind
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import InsufficientFunds, Lifetime, Order, OrderState, Terms
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues.bitstamp.events import (
    FIRST_ID,
    LoggedEvent,
    event_id,
    log_event,
    name_of,
    order_id_of,
    side_of,
)
from exchanges.simulator.venues.bitstamp.generations import ALL_FIELDS
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import Handler, answers, handles, lists
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, amount_of
from exchanges.wire import Json, encode

MINIMUM_VALUE = Decimal(10)
"""Counter."""
COUNTER_STEP = Decimal("0.01")
"""Counter: the step of instant orders."""
CACHE_MS = 10_000
"""Age of the lists of open orders."""
DAY_MS = 86_400_000
_FLAGS = {
    "ioc_order": Lifetime.AT_ONCE,
    "fok_order": Lifetime.ALL_OR_NOTHING,
    "moc_order": Lifetime.MAKER_ONLY,
}


def shown_id(order: Resting) -> int:
    """Return the id of an order in the book: of an account, or of the background."""
    return FIRST_ID + order.id if order.owned else order.id


def order_number(shown: str) -> int:
    """Return the engine's id of an order; -1 where it is not the id of any."""
    return int(shown) - FIRST_ID if shown.isascii() and shown.isdigit() and len(shown) <= len(str(FIRST_ID)) else -1


def _status(order: Order) -> bitstamp.OrderStatusWord:
    if order.state is OrderState.FILLED:
        return bitstamp.OrderStatusWord.FINISHED
    if order.state is OrderState.CANCELLING:
        return bitstamp.OrderStatusWord.CANCEL_PENDING
    return bitstamp.OrderStatusWord.OPEN if order.is_open else bitstamp.OrderStatusWord.CANCELED


def _placed(order: Order) -> bitstamp.PlacedOrder:
    return bitstamp.PlacedOrder(
        id=order_id_of(order),
        datetime=moment(order.placed_ms),
        type=side_of(order),
        price=order.price or Decimal(0),
        amount=order.amount,
        market=name_of(order.book),
        client_order_id=order.terms.client_id or None,
    )


def _open(order: Order, limit_price: Decimal | None) -> bitstamp.OpenOrder:
    return bitstamp.OpenOrder(
        id=order_id_of(order),
        datetime=second(order.placed_ms),
        type=side_of(order),
        price=order.limit,
        amount=order.left,
        amount_at_create=order.amount,
        market=name_of(order.book),
        limit_price=limit_price,
        client_order_id=order.terms.client_id or None,
    )


def _cancelled(order: Order) -> bitstamp.CancelledOrder:
    return bitstamp.CancelledOrder(
        id=order_id_of(order),
        amount=order.left,
        price=order.price or Decimal(0),
        type=side_of(order),
        market=name_of(order.book),
        status=_status(order),
    )


def _fill(movement: Movement) -> bitstamp.Fill:
    return bitstamp.Fill(
        tid=str(movement.id),
        price=movement.price,
        fee=movement.fee,
        datetime=moment(movement.at_ms),
        type=2,
        amounts={name: abs(amount) for name, amount in movement.amounts.items()},
    )


def _opposite_of(call: SpotCall, side: Side, price: Decimal | None, tick: Decimal) -> Decimal | None:
    """Return the limit of the order that is to follow; None for none."""
    if price is None or "limit_price" not in call.arguments.values:
        return None
    opposite = amount_of(call, "limit_price", tick)
    if not (opposite > price if side is Side.BUY else opposite < price):
        word, than = ("Sell", "higher") if side is Side.BUY else ("Buy", "lower")
        text = f"{word} if executed price must be {than} than the price of the order."
        raise Refused(Reason.WRONG_ARGUMENT, ALL_FIELDS, text)
    return opposite


def places(method: Callable[..., Any], side: Side, kind: str) -> Handler:
    """Return a handler that places a limit, market or instant order."""

    def place(handlers: TradingHandlers, call: SpotCall) -> object:
        return _placed(handlers.place(call, side, kind))

    return answers(method, place)


@define(eq=False)
class TradingHandlers(SpotHandlers):
    """Orders of all kinds of spot markets.

    Attributes:
        cache_ms: Age of the lists of open orders.
        cancel_ms: How long a cancel takes.
        logged: Events of all orders, oldest first.
    """

    cache_ms: int = field(init=False, default=CACHE_MS)
    cancel_ms: int = field(init=False, default=0)
    _cached: dict[tuple[int, str], tuple[int, list[bitstamp.OpenOrder]]] = field(init=False, factory=dict[Any, Any])
    logged: list[LoggedEvent] = field(init=False, factory=list[LoggedEvent])
    _opposites: dict[int, Decimal] = field(init=False, factory=dict[int, Decimal])

    def __attrs_post_init__(self) -> None:
        self.engine.events.subscribe(self._log)
        self.engine.events.subscribe(self._place_opposite)

    buy = places(Trading.buy, Side.BUY, "limit")
    sell = places(Trading.sell, Side.SELL, "limit")
    buy_market = places(Trading.buy_market, Side.BUY, "market")
    sell_market = places(Trading.sell_market, Side.SELL, "market")
    buy_instant = places(Trading.buy_instant, Side.BUY, "instant")
    sell_instant = places(Trading.sell_instant, Side.SELL, "instant")

    def place(self, call: SpotCall, side: Side, kind: str) -> Order:
        """Place an order."""
        arguments = call.arguments
        matching = self.engine.book(arguments.text("market").lower())
        flags = [name for name in _FLAGS if arguments.flag(name, default=False)]
        refuse_if(len(flags) > 1, Reason.WRONG_ARGUMENT, ALL_FIELDS, "Only one time in force flag is allowed.")
        price = amount_of(call, "price", matching.market.spec.tick) if kind == "limit" else None
        in_counter = kind == "instant" and (side is Side.BUY or arguments.flag("amount_in_counter", default=False))
        amount = amount_of(call, "amount", COUNTER_STEP) if in_counter else amount_of(call, "amount")
        value = amount if in_counter else amount * (price or matching.best(side.other, call.now_ms))
        if value < MINIMUM_VALUE:
            text = f"Minimum order size is {MINIMUM_VALUE:.1f} {matching.market.spec.quote.upper()}."
            raise Refused(Reason.TOO_SMALL, ALL_FIELDS, text)
        if in_counter:
            amount = matching.worth(side, amount, call.now_ms)
        terms = Terms(
            _FLAGS[flags[0]] if flags else Lifetime.UNTIL_CANCELLED, None, arguments.text("client_order_id", "")
        )
        opposite = _opposite_of(call, side, price, matching.market.spec.tick)
        order = matching.place(call.wallet, side, amount, price=price, now_ms=call.now_ms, terms=terms)
        if opposite is not None:
            self._opposites[order.id] = opposite
            self._if_filled(order, call.now_ms)
        self._end_in_time(order, call)
        return order

    def _place_opposite(self, event: Event) -> None:
        """Place the opposite of an order that traded in full, if it says so, under an id that no answer shows."""
        if event.kind is EventKind.ORDER_TRADED and event.order is not None:
            self._if_filled(event.order, event.at_ms)

    def _if_filled(self, order: Order, at_ms: int) -> None:
        if order.state is OrderState.FILLED and order.id in self._opposites:
            price = self._opposites.pop(order.id)

            def place(now_ms: int) -> None:
                # Without the funds for it there is none.
                with suppress(InsufficientFunds):
                    matching = self.engine.book(order.book.name)
                    matching.place(order.wallet, order.side.other, order.amount, price=price, now_ms=now_ms)

            # Later: the book is being matched at this moment.
            self.engine.scheduler.at(at_ms, place)

    def _end_in_time(self, order: Order, call: SpotCall) -> None:
        """Cancel an order at the end of the day, or earlier, where it says so."""
        midnight = (call.now_ms // DAY_MS + 1) * DAY_MS
        if call.arguments.flag("gtd_order", default=False):
            midnight = min(midnight, call.arguments.integer("expire_time"))
        elif not call.arguments.flag("daily_order", default=False):
            return
        self.engine.scheduler.at(midnight, lambda at_ms: self.engine.cancel(order, at_ms))

    def _named(self, call: SpotCall, by_id: str = "order_id", by_client: str = "client_order_id") -> Order:
        """Return the order that an id names, or the newest under a client's id."""
        shown, client_id = call.arguments.words(by_id), call.arguments.words(by_client)
        orders = self.engine.orders_of(call.wallet)
        found = [
            order
            for order in orders
            if (shown is not None and order.id == order_number(shown))
            or (client_id is not None and order.terms.client_id == client_id)
        ]
        if not found:
            raise Refused(Reason.NO_ORDER, text="Order not found")
        return found[0]

    # Reads

    def _open_orders(self, call: SpotCall, market: str) -> list[bitstamp.OpenOrder]:
        """List the open orders as they were when they were asked for last, up to ten seconds ago."""
        key = (call.owner, market)
        at_ms, rows = self._cached.get(key, (-self.cache_ms, []))
        if call.now_ms - at_ms >= self.cache_ms:
            own = [order for order in self.engine.orders_of(call.wallet) if order.is_open and order.price is not None]
            rows = [_open(order, self._opposites.get(order.id)) for order in own if market in ("", order.book.name)]
            self._cached[key] = call.now_ms, rows
        return rows

    open_orders = lists(Trading.open_orders, lambda self, call: self._open_orders(call, ""))

    @handles(Trading.open_orders_for_market)
    def open_orders_for_market(self, call: SpotCall) -> object:
        """List the open orders of one market, or, by a path of older documents, of all."""
        market = call.arguments.text("market").lower()
        return self._open_orders(call, "" if market == "all" else self.engine.book(market).market.spec.name)

    @handles(Trading.order_status)
    def order_status(self, call: SpotCall) -> object:
        """Return the state of an order, with its trades."""
        order = self._named(call)
        fills = [m for m in call.wallet.movements if m.cause is Cause.TRADE and m.order_id == order.id]
        return bitstamp.OrderStatus(
            id=order_id_of(order),
            status=_status(order),
            datetime=second(order.placed_ms),
            type=side_of(order),
            subtype=bitstamp.Subtype.LIMIT if order.price is not None else bitstamp.Subtype.MARKET,
            market=name_of(order.book),
            amount_remaining=order.left,
            client_order_id=order.terms.client_id or None,
            transactions=() if call.arguments.flag("omit_transactions", default=False) else tuple(map(_fill, fills)),
        )

    # Cancels

    @handles(Trading.cancel_order)
    def cancel_order(self, call: SpotCall) -> object:
        """Cancel an open order."""
        order = self._named(call)
        refuse_if(not order.is_open, Reason.NO_ORDER, text="Order not found")
        if order.state is OrderState.CANCELLING:
            return {"status": bitstamp.OrderStatusWord.CANCEL_PENDING.value}
        self._cancel(order, call.now_ms)
        return _cancelled(order)

    def _cancel(self, order: Order, now_ms: int) -> None:
        """Cancel an open order, at once or, where cancels take time, later; until then it trades."""
        if self.cancel_ms and order.state is OrderState.OPEN:
            order.state = OrderState.CANCELLING
            self.engine.scheduler.at(now_ms + self.cancel_ms, lambda at_ms: self._end_cancel(order, at_ms))
        elif not self.cancel_ms:
            self.engine.cancel(order, now_ms)

    def _end_cancel(self, order: Order, at_ms: int) -> None:
        if order.state is OrderState.CANCELLING:
            order.state = OrderState.OPEN
            self.engine.cancel(order, at_ms)

    def _cancel_all(self, call: SpotCall, market: str) -> object:
        orders = [o for o in self.engine.orders_of(call.wallet) if o.is_open and market in ("", o.book.name)]
        for order in orders:
            self._cancel(order, call.now_ms)
        return bitstamp.CancelledOrders(canceled=tuple(map(_cancelled, orders)), success=True)

    cancel_all_orders = answers(Trading.cancel_all_orders, lambda self, call: self._cancel_all(call, ""))
    cancel_all_orders_for_market = answers(
        Trading.cancel_all_orders_for_market, lambda self, call: self._cancel_all(call, call.arguments.text("market"))
    )

    @handles(Trading.replace_order)
    def replace_order(self, call: SpotCall) -> object:
        """Cancel an order and place another."""
        old = self._named(call, by_client="orig_client_order_id")
        refuse_if(old.state is not OrderState.OPEN, Reason.NO_ORDER, text="Order not found")
        matching = self.engine.book(old.book.name)
        amount, price = amount_of(call, "amount"), amount_of(call, "price", old.book.tick)
        self.engine.cancel(old, call.now_ms)
        terms = evolve(old.terms, client_id=call.arguments.text("client_order_id", ""))
        new = matching.place(call.wallet, old.side, amount, price=price, now_ms=call.now_ms, terms=terms)
        return bitstamp.ReplacedOrder(
            order_id=order_id_of(new),
            orig_order_id=order_id_of(old),
            order_type=side_of(new),
            market=name_of(new.book),
            amount=new.amount,
            price=new.limit,
            datetime=moment(call.now_ms),
            status=_status(new),
            orig_client_order_id=old.terms.client_id or None,
        )

    # Events

    def _log(self, event: Event) -> None:
        """Keep what happened to an order."""
        log_event(self.logged, event)

    def _events_of(self, call: SpotCall, owner: int | None) -> list[Json]:
        """List events between two ids, of one account or of all, oldest first."""
        arguments = call.arguments
        since = arguments.text("since_id", event_id((call.now_ms - DAY_MS) * 1000, 0))
        until = arguments.text("until_id", "g")
        found = [
            logged.shown
            for logged in self.logged
            if logged.market == arguments.text("market").upper()
            and owner in (None, logged.owner)
            and since <= logged.shown.event_id < until
        ][:1000]
        refuse_if(not found, Reason.NO_EVENTS, text="No events found")
        hidden = [e if owner is not None else evolve(e, data=evolve(e.data, client_order_id=None)) for e in found]
        return [encode(event) for event in hidden]

    account_order_data = answers(Trading.account_order_data, lambda self, call: self._events_of(call, call.owner))
    order_data = answers(Trading.order_data, lambda self, call: self._events_of(call, None))
