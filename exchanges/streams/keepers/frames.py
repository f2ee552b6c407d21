"""What keepers are given: frames of channels and order books that were read, without what is particular to an exchange.

Frames hold numbers as the texts that came: the keeper checks and converts them, each distinct one once. What was read
from the exchange's endpoint is converted already.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from attrs import frozen

from exchanges.market_data import MarketLevel

__all__ = ["LevelsFrame", "LevelsSnapshot", "OrderChange", "OrdersFrame", "OrdersSnapshot"]


class LevelsFrame(msgspec.Struct, frozen=True, gc=False):
    """A frame of price levels: all of a book, or those that changed.

    Attributes:
        at: Moment of the change by the exchange's clock, in microseconds since 1970.
        bids: Rows of price (quote per base) and amount (base) in text. Of changes, the amount is the new total.
        asks: Likewise.
    """

    at: int
    bids: Sequence[tuple[str, str]]
    asks: Sequence[tuple[str, str]]


class OrderChange(msgspec.Struct, frozen=True, gc=False):
    """A change of one order.

    Attributes:
        order_id: Id of the order.
        is_bid: Whether it is an order to buy.
        is_open: Whether it is in the book, with *amount*; otherwise it leaves the book.
        price: Quote per base, in text.
        amount: Base that is left, in text; None if it leaves the book.
    """

    order_id: str
    is_bid: bool
    is_open: bool
    price: str
    amount: str | None = None


class OrdersFrame(msgspec.Struct, frozen=True, gc=False):
    """A numbered frame of changes of single orders.

    Attributes:
        sequence: One more than that of the frame before.
        at: When the exchange sent it, in microseconds since 1970.
        changes: In the order in which they apply.
    """

    sequence: int
    at: int
    changes: Sequence[OrderChange]


@frozen
class LevelsSnapshot:
    """The whole order book as read from the exchange's endpoint, summed up by price.

    Attributes:
        at: Moment of its last change by the exchange's clock, in microseconds since 1970.
        bids: Best price first.
        asks: Best price first.
    """

    at: int
    bids: Sequence[MarketLevel]
    asks: Sequence[MarketLevel]


@frozen
class OrdersSnapshot:
    """The whole order book as read from the exchange's endpoint, order by order.

    Attributes:
        sequence: Of the last frame whose changes it holds.
        at: Moment of its last change by the exchange's clock, in microseconds since 1970.
        bids: Rows of order id, price (quote per base) and amount (base).
        asks: Likewise.
    """

    sequence: int
    at: int
    bids: Sequence[tuple[str, Decimal, Decimal]]
    asks: Sequence[tuple[str, Decimal, Decimal]]
