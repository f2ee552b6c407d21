"""What Bitstamp's streams send. "Base" is the first currency of a market, "counter" the second.

Beside many texts the same number stands once more as a JSON number, which may be inexact: those are passed over.
"""

from __future__ import annotations

from decimal import Decimal

from attrs import field, frozen

from exchanges.bitstamp.models.market import Side, Transaction
from exchanges.bitstamp.models.numbers import EitherDecimal
from exchanges.bitstamp.models.trading import OrderEventKind, OrderSource
from exchanges.endpoint.amounts import EXACT
from exchanges.streams.delivery import EventSource
from exchanges.wire import Id, Json, OpenStrEnum, RawJson, TextDecimal, UnixMicrosText, UnixTimeText

__all__ = [
    "AccountTrade",
    "LiveFundingRate",
    "LiveOrder",
    "LiveOrderEvent",
    "LiveTrade",
    "OtherEvent",
    "SideWord",
]

_SOURCE = "_source"
"""No key of the exchange: where an item comes from."""


@frozen(kw_only=True)
class LiveTrade:
    """A trade between any two users, as it happens. Wire: object.

    Source:
        Bitstamp WebSocket API v2, "Live ticker".
    """

    id: Id
    """Id of the trade; the same as `Transaction.tid`."""
    # Quirk: the numbers without _str may be inexact, such as 0.014140160000000001.
    price: TextDecimal = field(metadata={"wire": "price_str"})
    """Counter per base."""
    amount: TextDecimal = field(metadata={"wire": "amount_str"})
    """Base."""
    side: Side = field(metadata={"wire": "type"})
    """Side of the order that caused it."""
    microtimestamp: UnixMicrosText
    """UTC: when it took place, to the millisecond; of a trade that was read from REST to the second."""
    buy_order_id: Id | None = None
    """Id of the order to buy; None if the trade was read from REST."""
    sell_order_id: Id | None = None
    """Id of the order to sell; None if the trade was read from REST."""
    id_str: str | None = None
    """The id as text; None if not sent."""
    # Quirk: seconds in most markets, milliseconds in perpetuals.
    timestamp: Id | None = None
    """When it took place, in the market's unit; None if the trade was read from REST."""
    amount_number: RawJson = field(metadata={"wire": "amount"}, default=None, repr=False)
    """The amount as a number, perhaps inexact."""
    price_number: RawJson = field(metadata={"wire": "price"}, default=None, repr=False)
    """The price as a number, perhaps inexact."""

    @classmethod
    def of(cls, trade: Transaction) -> LiveTrade:
        """Build it from a trade that was read from REST."""
        return cls(id=trade.tid, price=trade.price, amount=trade.amount, side=trade.type, microtimestamp=trade.date)


@frozen(kw_only=True)
class LiveOrder:
    """An order as an event left it. Wire: object. What is None was not sent.

    Source:
        Bitstamp WebSocket API v2, "Live orders" and "My orders".
    """

    # Quirk: a number in older frames, text in newer ones.
    id: Id
    """Id of the order."""
    side: Side = field(metadata={"wire": "order_type"})
    """Its side."""
    amount: EitherDecimal = field(metadata={"wire": "amount_str"})
    """Base: what did not trade yet."""
    price: EitherDecimal | None = field(metadata={"wire": "price_str"})
    """Counter per base: the limit; 999999999 or 0 for a market order; None if it was read from REST and not shown."""
    microtimestamp: UnixMicrosText
    """UTC: when it happened; of an event that was read from REST when it was read."""
    amount_traded: EitherDecimal | None = None
    """Base: what traded **by this event**, not in all: see `LiveOrderEvent.executed`."""
    amount_at_create: EitherDecimal | None = None
    """Base: the whole amount."""
    order_subtype: int | None = None
    """0: limit; 1, 2, 7: market; 3: for a day; 4: at once or cancelled; 5: in the book only; 6: whole or not at all;
    8: until a date; others: stops and targets."""
    client_order_id: str | None = None
    """The client's id of the order."""
    orig_order_id: Id | None = None
    """Id of the order whose place it took."""
    id_str: str | None = None
    datetime: UnixTimeText | None = None
    """UTC: when it happened, in whole seconds."""
    is_liquidation: bool | None = None
    trade_account_id: Id | None = None
    """0: the main account."""
    reduce_only: bool | None = None
    stop_price: EitherDecimal | None = None
    activation_price: EitherDecimal | None = None
    trailing_delta: int | None = None
    amount_number: RawJson = field(metadata={"wire": "amount"}, default=None, repr=False)
    """The amount as a number, perhaps inexact."""
    price_number: RawJson = field(metadata={"wire": "price"}, default=None, repr=False)
    """The price as a number, perhaps inexact."""


@frozen(kw_only=True)
class LiveOrderEvent:
    """Something that happened to an order. Wire: the whole frame.

    Source:
        Bitstamp WebSocket API v2, "Live orders" and "My orders".
    """

    event: OrderEventKind
    order: LiveOrder = field(metadata={"wire": "data"})
    """The order after it."""
    event_id: str | None = None
    """Its id; None if it was read from REST, or not sent."""
    pre_event_id: str | None = None
    """Id of the event before it; None if it was read from REST, or not sent."""
    order_source: OrderSource | None = None
    """Whether the order is in the book, or waits for its trigger."""
    trade_account_id: Id | None = None
    """0: the main account; None on public channels."""
    channel: str | None = field(default=None, repr=False)
    source: EventSource = field(default=EventSource.STREAM, metadata={"wire": _SOURCE})
    """Where it comes from."""

    @property
    def executed(self) -> Decimal | None:
        """Base: what traded of the order so far; None if the event does not show it.

        A market order is created with an amount of zero, which does not say that all of it traded; nor does an event
        that shows no amount at the beginning.
        """
        order = self.order
        if not order.amount_at_create or (self.event is OrderEventKind.ORDER_CREATED and not order.amount):
            return None
        return EXACT.subtract(order.amount_at_create, order.amount)

    @staticmethod
    def to_wire(value: Json) -> Json:
        """Leave out what is no part of the frame."""
        return _without_source(value)


class SideWord(OpenStrEnum):
    """Side of an own order."""

    BUY = "buy"
    SELL = "sell"


@frozen(kw_only=True)
class AccountTrade:
    """A trade of an own order. Wire: object. What is None was not sent.

    Source:
        Bitstamp WebSocket API v2, "My trades".
    """

    id: Id
    """Id of the trade."""
    order_id: Id
    """Id of the order."""
    # Quirk: numbers in older documents, text in frames.
    amount: EitherDecimal
    """Base."""
    price: EitherDecimal
    """Counter per base."""
    fee: EitherDecimal | None = None
    """Counter, as far as is known: the fee of the exchange."""
    side: SideWord | None = None
    """Of the own order."""
    microtimestamp: UnixMicrosText
    """UTC: when it took place."""
    client_order_id: str | None = None
    """The client's id of the order."""
    trade_account_id: Id | None = None
    """0: the main account."""
    id_str: str | None = None
    trade_uti: str | None = None
    position_id: Id | None = None
    """Of a derivative."""
    is_liquidation: bool | None = None
    trade_type: RawJson = None
    source: EventSource = field(default=EventSource.STREAM, metadata={"wire": _SOURCE})
    """Where it comes from."""

    @staticmethod
    def to_wire(value: Json) -> Json:
        """Leave out what is no part of the frame."""
        return _without_source(value)


@frozen(kw_only=True)
class LiveFundingRate:
    """The funding rate of a perpetual. Wire: object.

    Source:
        Bitstamp WebSocket API v2, "Funding rate".
    """

    market: str
    """Such as BTC/USD-PERP."""
    mark_price: TextDecimal
    """Counter per base: at which positions are valued."""
    # Quirk: it may carry the tail of a float, such as 2697.7360000000003; every digit is kept as sent.
    index_price: TextDecimal
    """Counter per base: on the markets that the perpetual follows."""
    funding_rate: TextDecimal
    """Fraction for 8 hours: paid by buyers to sellers; below zero the other way round."""
    timestamp: UnixTimeText
    """UTC: when it was determined."""
    next_funding_time: UnixTimeText
    """UTC: when it is paid next."""


@frozen(kw_only=True)
class OtherEvent:
    """An event of a channel whose documents are thin: what the exchange sent, as it sent it. Wire: the whole frame.

    Source:
        Bitstamp WebSocket API v2, private channels.
    """

    event: str
    """Such as ``settlement`` or ``mm_breach_warning``."""
    data: RawJson = None
    """What it says; numbers keep all digits."""
    channel: str | None = field(default=None, repr=False)


def _without_source(value: Json) -> Json:
    return {key: item for key, item in value.items() if key != _SOURCE} if isinstance(value, dict) else value
