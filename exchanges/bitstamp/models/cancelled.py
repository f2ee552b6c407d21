"""What cancels did, by v2. Most fields may be missing, so that what is there must show that an order was cancelled."""

from __future__ import annotations

import re
from itertools import chain

from exchanges.bitstamp.arguments import symbol_of
from exchanges.bitstamp.models.numbers import EitherDecimal
from exchanges.bitstamp.models.trading import EitherSide, OrderStatusWord
from exchanges.values import frozen
from exchanges.wire import Deviation, Id, Json, Model

_ENDED = frozenset({*filter(lambda word: word.is_final, OrderStatusWord), OrderStatusWord.CANCEL_PENDING})
_ORDER_ID = r"[1-9][0-9]{0,59}"


@frozen(kw_only=True)
class CancelledOrder(Model):
    """What a cancel did. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Orders, "Cancel order".
    """

    id: Id | None = None
    """Id of the order."""
    status: OrderStatusWord | None = None
    """CANCEL_PENDING: another cancel is under way, and the order may still trade; read its status."""
    amount: EitherDecimal | None = None
    """Base; no document says whether the whole or the rest."""
    price: EitherDecimal | None = None
    """Counter per base."""
    type: EitherSide | None = None
    """Its side."""
    market: str | None = None
    """Such as BTC/USD."""
    currency_pair: str | None = None
    """The same under its older name."""
    client_order_id: str | None = None
    """The client's id of the order."""

    @staticmethod
    def from_wire(value: dict[str, Json]) -> dict[str, Json]:
        """Refuse what shows no order, or one that is still open: the fields that may be missing prove nothing."""
        order_id, status = value.get("id"), value.get("status")
        if value.get("error") or (status is not None and not (isinstance(status, str) and status in _ENDED)):
            raise Deviation("an order that was cancelled", ": CancelledOrder")
        # Only while another cancel is under way the status may stand alone.
        is_alone = order_id is None and status == OrderStatusWord.CANCEL_PENDING
        if not is_alone and (isinstance(order_id, bool) or not re.fullmatch(_ORDER_ID, str(order_id))):
            raise Deviation("the id of an order", ": CancelledOrder.id")
        return value


@frozen(kw_only=True)
class CancelledOrders(Model):
    """What a cancel of all orders did. Wire: object.

    Source:
        Bitstamp API v2, Orders, "Cancel all orders".
    """

    canceled: tuple[CancelledOrder, ...]
    """Those that were cancelled."""
    success: bool
    """Whether these are all: False with some in *canceled* is a part of the work; read the open orders."""

    @property
    def market(self) -> str | None:
        """Symbol of the market of all, such as btcusd, or of several, with commas; None if none is shown."""
        names = chain.from_iterable((order.market, order.currency_pair) for order in self.canceled)
        return ", ".join(sorted({symbol_of(name) for name in names if name})) or None
