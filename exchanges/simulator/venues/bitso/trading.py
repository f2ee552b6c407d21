"""Bitso v3 and v4: orders and their trades."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from attrs import define, field

from exchanges import bitso
from exchanges.bitso.trading import Trading
from exchanges.simulator.engine.balances import Cause, Movement, product
from exchanges.simulator.engine.book_log import Resting
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.orders import Lifetime, Order, OrderState, Terms
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import handles, lists
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, amount_of
from exchanges.wire import Json, encode

SHOWN_MS = 60 * 60_000
"""A finished order is shown for this long at most, by the documents; afterwards only its trades are."""
MINIMUM, MAXIMUM = Decimal("0.00015000"), Decimal("500.00000000")
"""Major."""
MINIMUM_VALUE, MAXIMUM_VALUE = Decimal("10.00"), Decimal("10000000.00")
"""Minor."""
MAX_PAGE = 100
_DIGITS = 8
OID_LENGTH = 2 * _DIGITS
_LIFETIMES = {
    "goodtillcancelled": Lifetime.UNTIL_CANCELLED,
    "fillorkill": Lifetime.ALL_OR_NOTHING,
    "immediateorcancel": Lifetime.AT_ONCE,
    "postonly": Lifetime.MAKER_ONLY,
}
_WORDS = {lifetime: word for word, lifetime in _LIFETIMES.items()}


def oid_of(order_id: int) -> str:
    """Return the id of an order as v3 shows it: 16 hex digits, of which the last ones are the number."""
    return hashlib.sha256(f"order {order_id}".encode()).hexdigest()[:_DIGITS] + f"{order_id:0{_DIGITS}x}"


def shown_oid(order: Resting) -> str:
    """Return the id of an order in the book: of an account, or of the background."""
    return oid_of(order.id) if order.owned else f"{order.id:0{OID_LENGTH}x}"


def order_number(oid: str) -> int:
    """Return the number in the id that v3 shows; -1 where it is not the id of any order."""
    try:
        number = int(oid[_DIGITS:], 16)
    except ValueError:
        return -1
    return number if oid_of(number) == oid else -1


def rows_behind(rows: list[dict[str, Json]], call: SpotCall, name: str) -> list[Json]:
    """Return the page of *rows*, newest first, that marker, sort and limit select; *name* is the key of their ids.

    Raises:
        Refused: The limit is out of range, or no row has the marker.
    """
    limit, marker = call.arguments.integer("limit", 25), call.arguments.words("marker")
    refuse_if(not 1 <= limit <= MAX_PAGE, Reason.WRONG_ARGUMENT, "limit")
    if call.arguments.text("sort", "desc") == "asc":
        rows = [*reversed(rows)]
    if marker is not None:
        places = [place for place, row in enumerate(rows) if row[name] == marker]
        refuse_if(not places, Reason.WRONG_ARGUMENT, "marker")
        rows = rows[places[0] + 1 :]
    return list(rows[:limit])


def _status(order: Order) -> bitso.OrderStatus:
    if order.state is OrderState.FILLED:
        return bitso.OrderStatus.COMPLETED
    if not order.is_open:
        return bitso.OrderStatus.CANCELLED
    return bitso.OrderStatus.OPEN if order.left == order.amount else bitso.OrderStatus.PARTIALLY_FILLED


def _shown(order: Order) -> bitso.Order:
    is_limit = order.price is not None
    return bitso.Order(
        oid=oid_of(order.id),
        book=order.book.name,
        side=bitso.Side[order.side.name],
        type=bitso.OrderType.LIMIT if is_limit else bitso.OrderType.MARKET,
        status=_status(order),
        created_at=moment(order.placed_ms),
        updated_at=moment(order.updated_ms),
        original_amount=order.amount,
        unfilled_amount=order.left,
        original_value=product(order.amount, order.limit) if is_limit else None,
        price=order.price,
        origin_id=order.terms.client_id or None,
        time_in_force=bitso.TimeInForce(_WORDS[order.terms.lifetime]) if is_limit else None,
        stop=order.terms.stop,
        triggered_at=None if order.triggered_ms is None else moment(order.triggered_ms),
    )


def trade_of(engine: Engine, movement: Movement) -> bitso.UserTrade:
    """Show a trade of an account."""
    order = engine.orders[movement.order_id]
    return bitso.UserTrade(
        tid=str(movement.id),
        oid=oid_of(order.id),
        book=order.book.name,
        side=bitso.Side[order.side.name],
        price=movement.price,
        major=movement.amounts[order.book.base],
        minor=movement.amounts[order.book.quote],
        fees_amount=movement.fee,
        fees_currency=movement.fee_currency,
        major_currency=order.book.base,
        minor_currency=order.book.quote,
        origin_id=order.terms.client_id or None,
        created_at=second(movement.at_ms),
    )


@define(eq=False)
class TradingHandlers(SpotHandlers):
    """Orders of all kinds.

    Attributes:
        shown_ms: How long a finished order is shown.
    """

    shown_ms: int = field(init=False, default=SHOWN_MS)

    # Orders

    @handles(Trading.place_order)
    def place_order(self, call: SpotCall) -> object:
        """Place an order."""
        arguments = call.arguments
        matching, side = self.engine.book(arguments.text("book").lower()), Side[arguments.text("side").upper()]
        client_id = arguments.text("origin_id", "")
        active = [o for o in self.engine.orders_of(call.wallet) if o.is_open and o.terms.client_id == client_id]
        refuse_if(client_id and active, Reason.TAKEN, "origin_id")
        price = amount_of(call, "price", matching.market.spec.tick) if "price" in arguments.values else None
        stop = amount_of(call, "stop", matching.market.spec.tick) if "stop" in arguments.values else None
        lifetime = _LIFETIMES[arguments.text("time_in_force", "goodtillcancelled")]
        amount = self._amount(call, matching, side)
        _check(amount, price)
        terms = Terms(lifetime, stop, client_id)
        order = matching.place(call.wallet, side, amount, price=price, now_ms=call.now_ms, terms=terms)
        return {"oid": oid_of(order.id)}

    def _amount(self, call: SpotCall, matching: MatchingEngine, side: Side) -> Decimal:
        """Return the amount in major currency; one in minor is worth what the book shows."""
        given = {"major", "minor"} & set(call.arguments.values)
        if len(given) != 1:
            raise Refused(Reason.MISSING_ARGUMENT, "major")
        if "major" in given:
            return amount_of(call, "major")
        return matching.worth(side, amount_of(call, "minor"), call.now_ms)

    def _is_shown(self, order: Order, now_ms: int) -> bool:
        return order.is_open or now_ms - order.updated_ms <= self.shown_ms

    def _orders(self, call: SpotCall) -> list[Order]:
        """List the orders of the account that are still shown, newest first."""
        return [order for order in self.engine.orders_of(call.wallet) if self._is_shown(order, call.now_ms)]

    def _named(self, call: SpotCall) -> list[Order]:
        """Return the orders that oids or origin_ids name."""
        oids, clients = (call.arguments.text(name, "").split(",") for name in ("oids", "origin_ids"))
        return [o for o in self._orders(call) if oid_of(o.id) in oids or (o.terms.client_id or None) in clients]

    open_orders = lists(
        Trading.open_orders,
        lambda self, call: [
            order
            for order in self.engine.orders_of(call.wallet)
            if order.is_open and call.arguments.text("book", order.book.name) == order.book.name
        ][: call.arguments.integer("limit", 500)],
        _shown,
    )
    orders = lists(Trading.orders, lambda self, call: self._named(call), _shown)

    @handles(Trading.order)
    def order(self, call: SpotCall) -> object:
        """Return a list of the order, or of nothing."""
        oid = call.arguments.text("oid")
        return [_shown(order) for order in self._orders(call) if oid_of(order.id) == oid]

    # Cancels

    def _cancel(self, orders: list[Order], now_ms: int) -> list[str]:
        """Cancel those that are open; return their ids."""
        cancelled = [order for order in orders if order.is_open]
        for order in cancelled:
            self.engine.cancel(order, now_ms)
        return [oid_of(order.id) for order in cancelled]

    @handles(Trading.cancel_order)
    def cancel_order(self, call: SpotCall) -> object:
        """Cancel one order."""
        order = self.engine.order(call.wallet, order_number(call.arguments.text("oid")))
        return self._cancel([] if order is None else [order], call.now_ms)

    @handles(Trading.cancel_orders)
    def cancel_orders(self, call: SpotCall) -> object:
        """Cancel several orders."""
        refuse_if(not {"oids", "origin_ids"} & set(call.arguments.values), Reason.MISSING_ARGUMENT, "oids")
        return self._cancel(self._named(call), call.now_ms)

    @handles(Trading.cancel_all_orders)
    def cancel_all_orders(self, call: SpotCall) -> object:
        """Cancel all orders of the account."""
        return self._cancel(self.engine.orders_of(call.wallet), call.now_ms)

    # Changes

    @handles(Trading.modify_order)
    def modify_order(self, call: SpotCall) -> object:
        """Change an order named by its id."""
        return self._modify(self.engine.order(call.wallet, order_number(call.arguments.text("oid"))), call)

    @handles(Trading.modify_order_by_origin_id)
    def modify_order_by_origin_id(self, call: SpotCall) -> object:
        """Change an active order named by the client's id."""
        name = call.arguments.text("origin_id")
        named = [o for o in self.engine.orders_of(call.wallet) if o.terms.client_id == name]
        return self._modify(next((o for o in named if o.is_open), next(iter(named), None)), call)

    def _modify(self, order: Order | None, call: SpotCall) -> object:
        if order is None:
            raise Refused(Reason.NOT_FOUND, "order to modify")
        refuse_if(not order.is_open, Reason.NOT_OPEN)
        given = call.arguments.values
        matching = self.engine.book(order.book.name)
        price = amount_of(call, "price", order.book.tick) if "price" in given else order.price
        stop = amount_of(call, "stop", order.book.tick) if "stop" in given else order.terms.stop
        refuse_if("stop" in given and not order.is_dormant, Reason.WRONG_ARGUMENT, "stop")
        left = order.left
        if "major" in given:
            left = amount_of(call, "major") - (order.amount - order.left)
        elif "minor" in given:
            left = product(amount_of(call, "minor"), 1 / (price or Decimal(1))) - (order.amount - order.left)
        elif price != order.price and order.side is Side.BUY and price is not None:
            # The value stays: at another price it buys another amount.
            left = product(product(order.left, order.limit), 1 / price)
        refuse_if((left, price, stop) == (order.left, order.price, order.terms.stop), Reason.UNCHANGED)
        refuse_if(left <= 0, Reason.WRONG_NUMBER, "major")
        _check(left, price)
        matching.change(order, left, price, stop, call.now_ms)
        return {"oid": oid_of(order.id)}

    # Trades

    def _trades(self, call: SpotCall) -> list[dict[str, Json]]:
        """List the trades of the account, newest first."""
        own = [m for m in reversed(call.wallet.movements) if m.cause is Cause.TRADE]
        return [row for m in own if isinstance(row := encode(trade_of(self.engine, m)), dict)]

    @handles(Trading.user_trades)
    def user_trades(self, call: SpotCall) -> object:
        """List a page of trades."""
        book = call.arguments.words("book")
        return rows_behind([row for row in self._trades(call) if book in (None, row["book"])], call, "tid")

    @handles(Trading.user_trade)
    def user_trade(self, call: SpotCall) -> object:
        """Return a list of one trade."""
        found = [row for row in self._trades(call) if row["tid"] == call.arguments.text("tid")]
        refuse_if(not found, Reason.NOT_FOUND, "tid")
        return found

    @handles(Trading.order_trades)
    def order_trades(self, call: SpotCall) -> object:
        """List the trades of one order."""
        return [row for row in self._trades(call) if row["oid"] == call.arguments.text("oid")]

    @handles(Trading.order_trades_by_origin_id)
    def order_trades_by_origin_id(self, call: SpotCall) -> object:
        """List the trades of all orders that bore a client's id."""
        return [row for row in self._trades(call) if row.get("origin_id") == call.arguments.text("origin_id")]


def _check(amount: Decimal, price: Decimal | None) -> None:
    """Refuse what is out of the bounds of a book."""
    refuse_if(amount < MINIMUM, Reason.TOO_SMALL, "major")
    refuse_if(amount > MAXIMUM, Reason.TOO_LARGE, "major")
    if price is not None:
        refuse_if(product(amount, price) < MINIMUM_VALUE, Reason.TOO_SMALL)
        refuse_if(product(amount, price) > MAXIMUM_VALUE, Reason.TOO_LARGE)
