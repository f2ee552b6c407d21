"""What Bitstamp v2 answers with. Numbers, moments and ids travel as text.

"Base" is the first currency of a market, "counter" the second: in btcusd, BTC and USD.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from attrs import frozen

from exchanges.wire import (
    Deviation,
    Json,
    Number,
    OpenIntEnum,
    OpenStrEnum,
    Row,
    TextDecimal,
    UnixMicrosText,
    UnixTimeText,
)

__all__ = ["OrderBook", "PriceLevel", "Side", "Ticker", "TimeFrame", "Transaction"]


class TimeFrame(OpenStrEnum):
    """How far back a list of trades goes."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class Side(OpenIntEnum):
    """What the order that caused a trade wanted."""

    BUY = 0
    SELL = 1


class _CodeInText:
    """A code as the text of a whole number."""

    def read(self, value: Json, *, strict: bool) -> Side:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
            value = int(value)
        elif strict or type(value) is not int:
            raise Deviation("a code as text")
        side = Side(value)
        if strict and not side.is_known:
            raise Deviation("0 or 1 as text")
        return side

    def write(self, value: Side) -> Json:
        return str(value.value)


@frozen
class PriceLevel(Row):
    """An order, or all orders at one price. Wire: row of 2, or of 3 where each order stands for itself.

    Source:
        Bitstamp API v2, Market info, "Get order book".
    """

    price: TextDecimal
    """Counter per base."""
    amount: TextDecimal
    """Base."""
    order_id: str | None = None
    """Id of the order; None where orders are summed up by price."""


_NUMBER = Number(text=True)


class _LevelRow:
    """A price level of either length; to a row model as such the shorter one would be drift."""

    row = PriceLevel

    def read(self, value: Json, *, strict: bool) -> PriceLevel:
        if not isinstance(value, list) or len(value) < 2 or (strict and len(value) > 3):
            raise Deviation("a row of 2 or 3", ": PriceLevel")
        cells = value
        price = _number(cells[0], "0 (price)", strict=strict)
        amount = _number(cells[1], "1 (amount)", strict=strict)
        order_id = cells[2] if len(cells) > 2 else None
        if order_id is None:
            return PriceLevel(price, amount)
        if type(order_id) is int and not strict:
            order_id = str(order_id)
        if not isinstance(order_id, str):
            raise Deviation("a text", ": PriceLevel position 2 (order_id)")
        return PriceLevel(price, amount, order_id)

    def write(self, value: PriceLevel) -> Json:
        cells: list[Json] = [_NUMBER.write(value.price), _NUMBER.write(value.amount)]
        return cells if value.order_id is None else [*cells, value.order_id]


def _number(cell: Json, position: str, *, strict: bool) -> Decimal:
    try:
        return _NUMBER.read(cell, strict=strict)
    except Deviation as deviation:
        raise deviation.inside(f": PriceLevel position {position}") from None


Level = Annotated[PriceLevel, _LevelRow()]
SideInText = Annotated[Side, _CodeInText()]


@frozen(kw_only=True)
class Ticker:
    """Prices of the last 24 hours. Wire: object.

    Source:
        Bitstamp API v2, Tickers, "Get ticker"; the fields that may be None came later or stand in lists only.
    """

    last: TextDecimal
    """Counter per base: the last trade."""
    high: TextDecimal
    """Counter per base: the highest."""
    low: TextDecimal
    """Counter per base: the lowest."""
    vwap: TextDecimal | None = None
    """Counter per base: the average weighted by volume; None where nothing was traded."""
    volume: TextDecimal
    """Base traded."""
    bid: TextDecimal
    """Counter per base: the highest open order to buy."""
    ask: TextDecimal
    """Counter per base: the lowest open order to sell."""
    timestamp: UnixTimeText
    """UTC: when it was made."""
    open: TextDecimal
    """Counter per base: the first trade of the day."""
    open_24: TextDecimal | None = None
    """Counter per base: 24 hours ago; None where not sent."""
    percent_change_24: TextDecimal | None = None
    """Percent: the change since then; None where not sent."""
    side: SideInText | None = None
    """What the order that caused the last trade wanted; None where not sent."""
    pair: str | None = None
    """Such as BTC/USD; None where a single market was asked for."""


@frozen(kw_only=True)
class OrderBook:
    """Open orders of a market. Wire: object of lists of rows.

    Source:
        Bitstamp API v2, Market info, "Get order book".
    """

    bids: tuple[Level, ...]
    """Orders to buy, highest price first."""
    asks: tuple[Level, ...]
    """Orders to sell, lowest price first."""
    timestamp: UnixTimeText
    """UTC: when it was made, in whole seconds."""
    microtimestamp: UnixMicrosText
    """UTC: when it was made, in microseconds; by it books are put in order."""


@frozen(kw_only=True)
class Transaction:
    """One trade between any two users. Wire: object.

    Source:
        Bitstamp API v2, Transactions, "Get transactions".
    """

    date: UnixTimeText
    """UTC: when it took place."""
    tid: str
    """Id of the trade."""
    price: TextDecimal
    """Counter per base."""
    amount: TextDecimal
    """Base."""
    type: SideInText
    """What the order that caused it wanted."""
