"""Models of Bitstamp v2. Numbers, moments and ids travel as text.

"Base" is the first currency of a market, "counter" the second: in btcusd, BTC and USD.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from attrs import frozen

from exchanges.wire import Choice, OpenIntEnum, OpenStrEnum, Row, TextDecimal, UnixMicrosText, UnixTimeText


class TimeFrame(OpenStrEnum):
    """The period of a list of trades."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class Side(OpenIntEnum):
    """Side of the order that caused a trade."""

    BUY = 0
    SELL = 1


class MarketType(OpenStrEnum):
    """Kind of a market."""

    SPOT = "SPOT"
    PERPETUAL = "PERPETUAL"


@frozen
class PriceLevel(Row):
    """An order, or all orders at one price. Wire: row of 2, or of 3 if orders are not summed up.

    Source:
        Bitstamp API v2, Market info, "Get order book".
    """

    # Rows have a third cell only where the request asks for orders one by one.
    shortest: ClassVar[int | None] = 2

    price: TextDecimal
    """Counter per base."""
    amount: TextDecimal
    """Base."""
    order_id: str | None = None
    """Id of the order; None if orders are summed up by price."""


# Quirk: declared as an integer, sent as a digit in text.
SideInText = Annotated[Side, Choice(Side, text=True)]


@frozen(kw_only=True)
class Prices:
    """What the tickers of every generation show of the last 24 hours; None for what the exchange has no value of."""

    last: TextDecimal | None
    """Counter per base: the last trade."""
    high: TextDecimal | None
    """Counter per base: the highest."""
    low: TextDecimal | None
    """Counter per base: the lowest."""
    vwap: TextDecimal | None = None
    """Counter per base: the average weighted by volume; None if nothing was traded, or not sent."""
    volume: TextDecimal | None
    """Base traded."""
    bid: TextDecimal | None
    """Counter per base: the highest open order to buy."""
    ask: TextDecimal | None
    """Counter per base: the lowest open order to sell."""


@frozen(kw_only=True)
class Ticker(Prices):
    """Prices of the last 24 hours. Wire: object.

    Source:
        Bitstamp API v2, Tickers, "Get ticker"; the fields that may be None came later or are in lists only.
    """

    timestamp: UnixTimeText
    """UTC: when it was created."""
    open: TextDecimal | None
    """Counter per base: the first trade of the day; None if there is none."""
    open_24: TextDecimal | None = None
    """Counter per base: 24 hours ago; None if not sent."""
    percent_change_24: TextDecimal | None = None
    """Percent: the change since then; None if not sent."""
    side: SideInText | None = None
    """Side of the order that caused the last trade; None if not sent."""
    market_type: MarketType | None = None
    """Kind of the market; None if not sent."""
    pair: str | None = None
    """Such as BTC/USD; None if a single market was asked for."""
    market: str | None = None
    """The same under its newer name."""
    mark_price: TextDecimal | None = None
    """Counter per base: at which positions are valued; None if the market is no perpetual."""
    index_price: TextDecimal | None = None
    """Counter per base: on the markets that the perpetual follows; None if the market is no perpetual."""
    open_interest: TextDecimal | None = None
    """Base: all open positions; None if the market is no perpetual."""
    open_interest_value: TextDecimal | None = None
    """Counter: what they are worth; None if the market is no perpetual."""


@frozen(kw_only=True)
class OrderBook:
    """Open orders of a market. Wire: object of lists of rows.

    Source:
        Bitstamp API v2, Market info, "Get order book".
    """

    bids: tuple[PriceLevel, ...]
    """Orders to buy, highest price first."""
    asks: tuple[PriceLevel, ...]
    """Orders to sell, lowest price first."""
    timestamp: UnixTimeText
    """UTC: when it was created, in whole seconds."""
    microtimestamp: UnixMicrosText
    """UTC: when it was created, in microseconds; order books are sorted by it."""


@frozen(kw_only=True)
class Transaction:
    """One trade between any two users. Wire: object.

    Source:
        Bitstamp API v2, Transactions, "Get transactions".
    """

    date: UnixTimeText
    """UTC: when it took place."""
    # Quirk: declared as an integer of 32 bits, which ids have outgrown, and sent as text: kept as text.
    tid: str
    """Id of the trade."""
    price: TextDecimal
    """Counter per base."""
    amount: TextDecimal
    """Base."""
    type: SideInText
    """Side of the order that caused it."""
