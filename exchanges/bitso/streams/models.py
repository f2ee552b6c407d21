"""What Bitso's streams send, under names of one letter. "Major" is the base currency of a book, "minor" the quote."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import field, frozen

from exchanges.bitso.models.market import Side, Trade
from exchanges.streams.delivery import EventSource
from exchanges.wire import Id, OpenIntEnum, OpenStrEnum, TextDecimal, UnixMillis

__all__ = [
    "LiveOrder",
    "LiveSide",
    "LiveTrade",
    "OrderChange",
    "OrderChanges",
    "OrderState",
    "OwnOrder",
    "TopOrders",
]


class LiveSide(OpenIntEnum):
    """A side, as streams number it."""

    BUY = 0
    SELL = 1


@frozen(kw_only=True)
class LiveTrade:
    """A trade between any two users, as it happens. Wire: object in a list.

    Source:
        Bitso WebSocket API, "Trades Channel".
    """

    tid: Id = field(metadata={"wire": "i"})
    """Id of the trade; the same as `Trade.tid`."""
    amount: TextDecimal = field(metadata={"wire": "a"})
    """Major."""
    price: TextDecimal = field(metadata={"wire": "r"})
    """Minor per major."""
    value: TextDecimal | None = field(default=None, metadata={"wire": "v"})
    """Minor: amount times price; None if the trade was read from REST."""
    maker_oid: str | None = field(default=None, metadata={"wire": "mo"})
    """Id of the order that was open in the book; None if the trade was read from REST."""
    taker_oid: str | None = field(default=None, metadata={"wire": "to"})
    """Id of the order that caused it; None if the trade was read from REST."""
    # Quirk: documents of 2022 say that it is the side of the order in the book, those of 2026 of the one that met it.
    side: LiveSide = field(metadata={"wire": "t"})
    """Side of the order that caused it, by the newer documents. `maker_oid` in the order book shows it case by case."""
    created_at: UnixMillis = field(metadata={"wire": "x"})
    """UTC: when it took place."""

    @classmethod
    def of(cls, trade: Trade) -> LiveTrade:
        """Build it from a trade that was read from REST, which names the side of the order in the book."""
        side = LiveSide.SELL if trade.maker_side is Side.BUY else LiveSide.BUY
        return cls(tid=trade.tid, amount=trade.amount, price=trade.price, side=side, created_at=trade.created_at)


class OrderState(OpenStrEnum):
    """What a change leaves an order in."""

    OPEN = "open"
    """In the book, with the amount that is shown."""
    CANCELLED = "cancelled"
    COMPLETED = "completed"


@frozen(kw_only=True)
class OrderChange:
    """An order as a change left it. Wire: object in a list.

    Source:
        Bitso WebSocket API, "Diff-Orders".
    """

    oid: str = field(metadata={"wire": "o"})
    """Id of the order."""
    side: LiveSide = field(metadata={"wire": "t"})
    """Its side."""
    price: TextDecimal = field(metadata={"wire": "r"})
    """Minor per major."""
    amount: TextDecimal | None = field(default=None, metadata={"wire": "a"})
    """Major: what did not trade yet; None for a completed order."""
    value: TextDecimal | None = field(default=None, metadata={"wire": "v"})
    """Minor: amount times price; None for a completed order."""
    status: OrderState = field(metadata={"wire": "s"})
    created_at: UnixMillis = field(metadata={"wire": "d"})
    """UTC: when it was placed."""
    # Quirk: it may be zero.
    updated_at: UnixMillis | None = field(default=None, metadata={"wire": "z"})
    """UTC: the last change; 1970 or None if the exchange has no moment."""


@frozen(kw_only=True)
class OrderChanges:
    """The changes of one step of an order book. Wire: the whole frame.

    Source:
        Bitso WebSocket API, "Diff-Orders".
    """

    sequence: int
    """One more than that of the step before."""
    payload: tuple[OrderChange, ...]
    """In the order in which they apply."""
    sent: UnixMillis
    """UTC: when the exchange sent it."""
    type: str = field(default="diff-orders", repr=False)
    book: str | None = None
    """Major and minor, such as btc_mxn."""


@frozen(kw_only=True)
class LiveOrder:
    """An order in the book. Wire: object in a list.

    Source:
        Bitso WebSocket API, "Orders Channel".
    """

    oid: str = field(metadata={"wire": "o"})
    """Id of the order."""
    side: LiveSide = field(metadata={"wire": "t"})
    price: TextDecimal = field(metadata={"wire": "r"})
    """Minor per major."""
    amount: TextDecimal = field(metadata={"wire": "a"})
    """Major."""
    value: TextDecimal | None = field(default=None, metadata={"wire": "v"})
    """Minor: amount times price."""
    created_at: UnixMillis | None = field(default=None, metadata={"wire": "d"})
    """UTC: when it was placed."""
    status: str | None = field(default=None, metadata={"wire": "s"}, repr=False)


@frozen(kw_only=True)
class TopOrders:
    """The best 20 orders of each side. Wire: object of lists.

    The last price may be cut in the middle of its orders, so the sum of their amounts is the least that is there.

    Source:
        Bitso WebSocket API, "Orders Channel".
    """

    bids: tuple[LiveOrder, ...]
    """Highest price first."""
    asks: tuple[LiveOrder, ...]
    """Lowest price first."""


@frozen(kw_only=True)
class OwnOrder:
    """An own order as a change left it.

    Attributes:
        oid: Id of the order.
        book: Major and minor, such as btc_mxn.
        side: Its side.
        status: What it is now.
        price: Minor per major; None for a market order that was read.
        amount: Major: what did not trade yet; None if it is not known.
        at: When it changed, or was read (UTC).
        source: Where this comes from.
    """

    oid: str
    book: str
    side: LiveSide
    status: OrderState
    price: Decimal | None
    amount: Decimal | None
    at: datetime
    source: EventSource
