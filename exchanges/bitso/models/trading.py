"""Orders and their trades, by v3. Numbers travel as text, moments as ISO 8601.

"Major" is the base currency of a book, "minor" the quote: in btc_mxn, BTC and MXN.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypedDict

from exchanges.bitso.models.market import Side
from exchanges.values import frozen
from exchanges.wire import Amount, Deviation, Id, IsoTime, Json, Model, OpenStrEnum, TextDecimal


class OrderType(OpenStrEnum):
    """Kind of an order."""

    LIMIT = "limit"
    MARKET = "market"


class OrderStatus(OpenStrEnum):
    """Status of an order. A word that is not listed here is kept, and never taken for a final one."""

    QUEUED = "queued"
    """Accepted by the exchange, not in the book yet."""
    OPEN = "open"
    PARTIALLY_FILLED = "partially filled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether an order in this status never changes again."""
        return self in (OrderStatus.COMPLETED, OrderStatus.CANCELLED)


class TimeInForce(OpenStrEnum):
    """How long a limit order may wait in the book."""

    GOOD_TILL_CANCELLED = "goodtillcancelled"
    FILL_OR_KILL = "fillorkill"
    """All of it at once, or nothing."""
    IMMEDIATE_OR_CANCEL = "immediateorcancel"
    """What does not trade at once is cancelled."""
    POST_ONLY = "postonly"
    """Cancelled if it would trade at once."""


TimeInForceWord: TypeAlias = Literal["goodtillcancelled", "fillorkill", "immediateorcancel", "postonly"]


class MarginOrderType(OpenStrEnum):
    """Margin that an order uses."""

    CROSS_MARGIN = "CROSS_MARGIN"


class OrderSource(OpenStrEnum):
    """Which orders a list shows."""

    ALPHA = "alpha"
    """Without those of the exchange's app."""
    ALL = "all"


class _PlacedId:
    """The id of an order, alone in an object."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - anything else is no order
        oid = value.get("oid") if isinstance(value, dict) else None
        if not isinstance(oid, str) or not (oid.isascii() and oid.isalnum()):
            raise Deviation("an object with the id of an order")
        return oid

    def write(self, value: str) -> Json:
        return {"oid": value}


class _TextId:
    """The id of an order as text; the lists of cancels show nothing else, so that a number in them is no id."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - anything else proves no cancel
        if not isinstance(value, str) or not (value.isascii() and value.isalnum()):
            raise Deviation("the id of an order as text")
        return value

    def write(self, value: str) -> Json:
        return value


CancelledId = Annotated[str, _TextId()]
OrderId = Annotated[str, _PlacedId()]


@frozen(kw_only=True)
class Order(Model):
    """An order. Wire: object.

    Source:
        Bitso API v3, "List Open Orders", "Look Up Orders"; the fields that may be None came later.
    """

    oid: str
    """Id of the order."""
    book: str
    """Major and minor, such as btc_mxn."""
    side: Side
    type: OrderType
    """Open orders are always LIMIT."""
    status: OrderStatus
    created_at: IsoTime
    """UTC: when it was placed."""
    original_amount: TextDecimal | None = None
    """Major: the whole amount; may be None for an order in minor currency."""
    unfilled_amount: TextDecimal | None = None
    """Major: what did not trade yet; may be None for an order in minor currency."""
    original_value: TextDecimal | None = None
    """Minor: the whole value."""
    price: TextDecimal | None = None
    """Minor per major; None for a market order."""
    updated_at: IsoTime | None = None
    """UTC: the last change; None if there was none."""
    origin_id: str | None = None
    """The client's id of the order; None if it has none."""
    time_in_force: TimeInForce | None = None
    """None if not sent."""
    stop: TextDecimal | None = None
    """Minor per major: the price that triggers a stop order; None for other orders."""
    triggered_at: IsoTime | None = None
    """UTC: when a stop order was triggered; None if it was not."""
    margin_order_type: MarginOrderType | None = None
    """None for an order without margin."""


@frozen(kw_only=True)
class UserTrade(Model):
    """A trade of an own order. Wire: object.

    Source:
        Bitso API v3, "List User Trades", "List Trades Of An Order"; the fields that may be None came later.
    """

    tid: Id
    """Id of the trade; the value for *marker*. Text, though documented as a number."""
    oid: str
    """Id of the order."""
    book: str
    """Major and minor, such as btc_mxn."""
    side: Side
    """Of the own order."""
    price: TextDecimal
    """Minor per major."""
    major: TextDecimal
    """Major: what came into the account; negative for what left it."""
    minor: TextDecimal
    """Minor: what came into the account; negative for what left it."""
    # Quirk: positive in live answers, negative in samples of the documents.
    fees_amount: TextDecimal
    """Of *fees_currency*; the magnitude is the fee, whatever the sign."""
    fees_currency: str
    """Major for an order to buy, minor for one to sell."""
    created_at: IsoTime
    """UTC: when it took place."""
    maker_side: Side | None = None
    """Side of the order that was open in the book: equal to *side* if the own one was; None if not sent."""
    major_currency: str | None = None
    """Such as btc; None if not sent."""
    minor_currency: str | None = None
    """Such as mxn; None if not sent."""
    origin_id: str | None = None
    """The client's id of the order; None if it has none."""
    margin_order_type: MarginOrderType | None = None
    """None for an order without margin."""


class Changes(TypedDict, total=False):
    """What a modification of an order changes; what is left out stays.

    Attributes:
        major: Major: the new amount; not with *minor*.
        minor: Minor: the new value; not with *major*.
        price: Minor per major: the new limit. For an order to buy the exchange keeps the value, so that the amount
            becomes value divided by price; for one to sell it keeps the amount.
        stop: Minor per major: the new trigger of a stop order that was not triggered yet.
    """

    major: Amount | None
    minor: Amount | None
    price: Amount | None
    stop: Amount | None
