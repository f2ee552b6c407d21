"""Orders and what became of them, by v2. "Base" is the first currency of a market, "counter" the second."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypedDict, cast

from attrs import field, fields

from exchanges.bitstamp.arguments import Flag
from exchanges.bitstamp.models.market import Side, SideInText
from exchanges.bitstamp.models.numbers import EitherDecimal, EitherTime
from exchanges.values import frozen
from exchanges.wire import (
    Amount,
    Choice,
    Id,
    Json,
    Model,
    NaiveTime,
    OpenStrEnum,
    TextDecimal,
    UnixMicrosText,
    UnixTimeText,
)
from exchanges.wire.currencies import nest_currencies


class OrderStatusWord(OpenStrEnum):
    """Status of an order. A word that is not listed here is kept, and never taken for a final one."""

    IN_QUEUE = "In Queue"
    OPEN = "Open"
    FINISHED = "Finished"
    CANCELED = "Canceled"
    EXPIRED = "Expired"
    CANCEL_PENDING = "Cancel pending"
    """A cancel is under way; the order may still trade."""

    @property
    def is_final(self) -> bool:
        """Whether an order in this status never changes again."""
        return self in (OrderStatusWord.FINISHED, OrderStatusWord.CANCELED, OrderStatusWord.EXPIRED)


class Subtype(OpenStrEnum):
    """Kind of an order; those with a stop or a target are for derivatives."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    INSTANT = "INSTANT"
    CASH = "CASH"
    STOP_MARKET = "STOP_MARKET"
    STOP_LIMIT = "STOP_LIMIT"
    STOP_LOSS = "STOP_LOSS"
    TAKE_PROFIT = "TAKE_PROFIT"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    TRAILING_STOP_LOSS = "TRAILING_STOP_LOSS"
    TRAILING_TAKE_PROFIT = "TRAILING_TAKE_PROFIT"
    TRAILING_STOP_LOSS_LIMIT = "TRAILING_STOP_LOSS_LIMIT"
    TRAILING_TAKE_PROFIT_LIMIT = "TRAILING_TAKE_PROFIT_LIMIT"


SubtypeWord: TypeAlias = Literal[
    "LIMIT",
    "MARKET",
    "INSTANT",
    "CASH",
    "STOP_MARKET",
    "STOP_LIMIT",
    "STOP_LOSS",
    "TAKE_PROFIT",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT_LIMIT",
    "TRAILING_STOP_LOSS",
    "TRAILING_TAKE_PROFIT",
    "TRAILING_STOP_LOSS_LIMIT",
    "TRAILING_TAKE_PROFIT_LIMIT",
]


class MarginMode(OpenStrEnum):
    """Margin of a derivative."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class Trigger(OpenStrEnum):
    """The price that triggers a stop order of a derivative."""

    LAST_TRADED_PRICE = "LAST_TRADED_PRICE"
    INDEX_PRICE = "INDEX_PRICE"
    MARK_PRICE = "MARK_PRICE"


TriggerWord: TypeAlias = Literal["LAST_TRADED_PRICE", "INDEX_PRICE", "MARK_PRICE"]


class OrderSource(OpenStrEnum):
    """Which orders a list of events is about."""

    ORDER_BOOK = "orderbook"
    STOP_ORDER = "stop_order"
    TOKENIZED_SECURITIES = "tokenized_securities"


class OrderEventKind(OpenStrEnum):
    """What happened to an order."""

    ORDER_CREATED = "order_created"
    ORDER_REPLACED = "order_replaced"
    ORDER_CHANGED = "order_changed"
    ORDER_DELETED = "order_deleted"
    STOP_ACTIVE = "stop_active"
    STOP_INACTIVE = "stop_inactive"


class Leveraged(TypedDict, total=False):
    """What orders of derivatives say in addition; nothing for spot markets.

    Attributes:
        margin_mode: CROSS or ISOLATED.
        leverage: Times, as the open orders of the market have it.
    """

    margin_mode: MarginMode | Literal["CROSS", "ISOLATED"] | None
    leverage: Amount | None


class Derivative(Leveraged, total=False):
    """What orders of derivatives with a stop or a target say in addition; nothing for spot markets.

    Attributes:
        subtype: Kind of the order.
        stop_price: Counter per base: what triggers it.
        trigger: Which price triggers it.
        activation_price: Counter per base: what activates a trailing order.
        trailing_delta: Basis points by which a trailing order follows, 1 to 2000.
        reduce_only: Whether it may only make a position smaller; sent if True.
    """

    subtype: Subtype | SubtypeWord | None
    stop_price: Amount | None
    trigger: Trigger | TriggerWord | None
    activation_price: Amount | None
    trailing_delta: int | None
    reduce_only: Flag


@frozen(kw_only=True)
class _Leveraged:
    """What answers about derivatives show in addition; None for orders of spot markets, or if not sent."""

    subtype: Subtype | None = None
    margin_mode: MarginMode | None = None
    leverage: EitherDecimal | None = None
    stop_price: EitherDecimal | None = None
    """Counter per base."""
    trigger: Trigger | None = None
    activation_price: EitherDecimal | None = None
    """Counter per base."""
    trailing_delta: int | None = None
    """Basis points."""
    client_order_id: str | None = None
    """The client's id of the order; None if it has none."""


EitherSide = Annotated[Side, Choice(Side)]


@frozen(kw_only=True)
class PlacedOrder(_Leveraged, Model):
    """An order that was accepted. Wire: object.

    Source:
        Bitstamp API v2, Orders, "Buy limit order" and the calls beside it.
    """

    id: Id
    """Id of the order."""
    datetime: NaiveTime
    """UTC: when it was accepted."""
    type: SideInText
    """Its side."""
    # No document says in what unit an instant order is answered, so neither is compared with the request there.
    price: EitherDecimal
    """Counter per base; of a market or instant order as the exchange has it."""
    amount: EitherDecimal
    """Base; of a market or instant order as the exchange has it."""
    market: str | None = None
    """Such as BTC/USD; None if not sent."""


@frozen(kw_only=True)
class OpenOrder(_Leveraged, Model):
    """An order in the book. Wire: object.

    Source:
        Bitstamp API v2, Orders, "Get all open orders".
    """

    id: Id
    """Id of the order."""
    datetime: NaiveTime
    """UTC: when it was placed, in whole seconds."""
    type: SideInText
    """Its side."""
    price: EitherDecimal
    """Counter per base."""
    amount: EitherDecimal
    """Base: what did not trade yet."""
    amount_at_create: EitherDecimal | None = None
    """Base: the whole amount; None if not sent."""
    market: str | None = None
    """Such as BTC/USD; None if not sent."""
    currency_pair: str | None = None
    """The same under its older name; None if not sent."""
    limit_price: EitherDecimal | None = None
    """Counter per base: of the opposite order that the exchange places once this one traded; None if there is none."""
    reserved_margin: EitherDecimal | None = None
    """Of a derivative; None for all else."""
    reduce_only: bool | None = None
    """Of a derivative; None for all else."""


@frozen(kw_only=True)
class Fill(Model):
    """A trade of an order. Wire: object with a key per currency.

    Source:
        Bitstamp API v2, Orders, "Get order status".
    """

    tid: Id
    """Id of the trade."""
    price: EitherDecimal
    """Counter per base."""
    fee: EitherDecimal
    """Counter: the fee of the exchange."""
    datetime: NaiveTime
    """UTC: when it took place."""
    type: int
    """2: a trade."""
    # Quirk: without a sign in older answers, with one in newer ones.
    amounts: dict[str, EitherDecimal] = field(factory=dict[str, EitherDecimal])
    """Of each currency, such as btc: the magnitude is what moved, whatever the sign."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Collect the keys of currencies."""
        nested = nest_currencies(value, {a.name for a in fields(cls)} - {"amounts"})
        nested.pop("rates")
        return nested

    @staticmethod
    def to_wire(value: dict[str, Json]) -> dict[str, Json]:
        """Write a key for each currency."""
        rest = {name: item for name, item in value.items() if name != "amounts"}
        return {**rest, **cast("dict[str, Json]", value["amounts"])}


@frozen(kw_only=True)
class OrderStatus(_Leveraged, Model):
    """The state of an order, and its trades. Wire: object. It shows neither price nor whole amount.

    Source:
        Bitstamp API v2, Orders, "Get order status".
    """

    id: Id
    """Id of the order."""
    status: OrderStatusWord
    datetime: NaiveTime | None = None
    """UTC: when it was placed; None if not sent."""
    type: EitherSide | None = None
    """Its side; None if not sent."""
    market: str | None = None
    """Such as BTC/USD; None if not sent."""
    amount_remaining: EitherDecimal | None = None
    """Base: what did not trade yet; None if not sent."""
    transactions: tuple[Fill, ...] = ()
    """Its trades; empty where they were left out."""


@frozen(kw_only=True)
class ReplacedOrder(Model):
    """The order that took the place of another. Wire: object.

    Source:
        Bitstamp API v2, Orders, "Replace order".
    """

    order_id: Id
    """Id of the new order."""
    orig_order_id: Id
    """Id of the old one."""
    order_type: SideInText
    """Its side."""
    market: str
    """Such as BTC/USD."""
    amount: EitherDecimal
    """Base."""
    price: EitherDecimal
    """Counter per base."""
    datetime: EitherTime
    """UTC: when it was placed."""
    status: OrderStatusWord | None = None
    """None if not sent."""
    orig_client_order_id: str | None = None
    """The client's id of the old one; None if it has none."""


@frozen(kw_only=True)
class OrderEventData(Model):
    """An order as an event left it. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Orders, "Get account order data" and "Get order data".
    """

    id: Id
    """Id of the order."""
    order_type: EitherSide
    """Its side."""
    datetime: UnixTimeText
    """UTC: when it happened, in whole seconds."""
    microtimestamp: UnixMicrosText
    """UTC: when it happened."""
    amount: EitherDecimal
    """Base: what did not trade yet; zero of a deleted order says that all of it traded. *amount_str* is exact."""
    price: EitherDecimal
    """Counter per base; *price_str* is exact."""
    id_str: str | None = None
    """The id as text."""
    order_subtype: int | None = None
    """0: limit; 2: market; others were seen."""
    amount_str: TextDecimal | None = None
    """Base."""
    amount_traded: EitherDecimal | None = None
    """Base: what traded so far."""
    amount_at_create: EitherDecimal | None = None
    """Base: the whole amount."""
    # Quirk: in scientific notation at times.
    price_str: EitherDecimal | None = None
    """Counter per base."""
    is_liquidation: bool | None = None
    trade_account_id: Id | None = None
    """0: the main account."""
    client_order_id: str | None = None
    """The client's id of the order."""
    orig_order_id: Id | None = None
    """Id of the order whose place it took."""
    reduce_only: bool | None = None
    stop_price: EitherDecimal | None = None
    activation_price: EitherDecimal | None = None
    trailing_delta: int | None = None


@frozen(kw_only=True)
class OrderEvent(Model):
    """Something that happened to an order. Wire: object.

    Source:
        Bitstamp API v2, Orders, "Get account order data" and "Get order data".
    """

    event: OrderEventKind
    event_id: str
    """Rises with time within a market and source; the value for *since_id*."""
    order_source: OrderSource
    data: OrderEventData
    trade_account_id: Id | None = None
    """0: the main account; None in lists of all orders."""
