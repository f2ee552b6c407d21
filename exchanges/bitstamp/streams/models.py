"""What Bitstamp's streams send. "Base" is the first currency of a market, "counter" the second."""

from __future__ import annotations

from attrs import field, frozen

from exchanges.bitstamp.models.market import Side, Transaction
from exchanges.wire import Id, RawJson, TextDecimal, UnixMicrosText


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
