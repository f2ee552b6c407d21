"""Public market data of v3. Numbers travel as text, moments as ISO 8601.

"Major" is the base currency of a book, "minor" the quote: in btc_mxn, BTC and MXN.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from exchanges.values import frozen
from exchanges.wire import Id, IsoTime, Model, OpenIntEnum, OpenStrEnum, TextDecimal, UnixMillis
from exchanges.wire.models import named


class Side(OpenStrEnum):
    """Side of the order that was open in the book."""

    BUY = "buy"
    SELL = "sell"


class SortOrder(OpenStrEnum):
    """The order of a list."""

    ASC = "asc"
    DESC = "desc"


SortOrderWord: TypeAlias = Literal["asc", "desc"]


@frozen(kw_only=True)
class FlatRate(Model):
    """The fees without regard to volume. Wire: object.

    Source:
        Bitso API v3, "List Available Books".
    """

    maker: TextDecimal
    """Fraction or percent, as the exchange has it: for an order that waits in the book."""
    taker: TextDecimal
    """Fraction or percent, as the exchange has it: for an order that meets one in the book."""


@frozen(kw_only=True)
class FeeTier(Model):
    """The fees from a volume on. Wire: object.

    Source:
        Bitso API v3, "List Available Books".
    """

    volume: TextDecimal
    """Minor: traded in 30 days."""
    maker: TextDecimal
    """Fraction: for an order that waits in the book."""
    taker: TextDecimal
    """Fraction: for an order that meets one in the book."""


@frozen(kw_only=True)
class Fees(Model):
    """The fees of trading in a book. Wire: object.

    Source:
        Bitso API v3, "List Available Books".
    """

    flat_rate: FlatRate
    """Whatever the volume."""
    structure: tuple[FeeTier, ...] = ()
    """By volume."""


@frozen(kw_only=True)
class Book(Model):
    """An order book and the bounds of orders in it, None for one that the exchange does not state. Wire: object.

    Source:
        Bitso API v3, "List Available Books"; the fields that may be None came later.
    """

    book: str
    """Major and minor, such as btc_mxn."""
    minimum_amount: TextDecimal | None
    """Major."""
    maximum_amount: TextDecimal | None
    """Major."""
    minimum_price: TextDecimal | None
    """Minor per major."""
    maximum_price: TextDecimal | None
    """Minor per major."""
    minimum_value: TextDecimal | None
    """Minor: amount times price."""
    maximum_value: TextDecimal | None
    """Minor: amount times price."""
    tick_size: TextDecimal | None = None
    """Minor per major: the step of prices; None if not sent."""
    default_chart: str | None = None
    """The chart that the exchange's pages show; None if not sent."""
    margin_enabled: bool | None = None
    """Whether it trades on margin; None if not sent."""
    fees: Fees | None = None
    """None if not sent."""


@frozen(kw_only=True)
class Prices:
    """What the tickers of every generation show of the last 24 hours; None for what the exchange has no value of."""

    last: TextDecimal | None
    """Minor per major: the last trade."""
    high: TextDecimal | None
    """Minor per major: the highest."""
    low: TextDecimal | None
    """Minor per major: the lowest."""
    vwap: TextDecimal | None = None
    """Minor per major: the average weighted by volume; None if nothing was traded."""
    volume: TextDecimal | None
    """Major traded."""
    bid: TextDecimal | None
    """Minor per major: the highest open order to buy."""
    ask: TextDecimal | None
    """Minor per major: the lowest open order to sell."""


@frozen(kw_only=True)
class Ticker(Prices, Model):
    """Prices of the last 24 hours. Wire: object.

    Source:
        Bitso API v3, "Get Ticker".
    """

    book: str
    """Major and minor, such as btc_mxn."""
    # Quirk: zones come as +0000 or +00:00, seconds with or without a fraction (documents and live server).
    created_at: IsoTime
    """UTC: when it was created."""
    change_24: TextDecimal | None = None
    """Minor per major: how far the price moved; None if not sent."""
    rolling_average_change: dict[str, TextDecimal] | None = None
    """Percent by number of hours: the mean of the hourly changes; None if not sent."""


@frozen(kw_only=True)
class PriceLevel(Model):
    """An order, or all orders at one price. Wire: object.

    Source:
        Bitso API v3, "List Order Book".
    """

    book: str
    """Major and minor, such as btc_mxn."""
    price: TextDecimal
    """Minor per major."""
    amount: TextDecimal
    """Major."""
    oid: str | None = None
    """Id of the order; None if orders are summed up by price."""


@frozen(kw_only=True)
class OrderBook(Model):
    """Open orders of a book. Wire: object of lists of objects.

    Source:
        Bitso API v3, "List Order Book".
    """

    bids: tuple[PriceLevel, ...]
    """Orders to buy."""
    asks: tuple[PriceLevel, ...]
    """Orders to sell."""
    updated_at: IsoTime
    """UTC: the last change."""
    # Quirk: documented as a number, sent as text (seen on the live server).
    sequence: Id
    """Grows by one with each change; joins the stream of changes. Text, though documented as a number."""

    @property
    def book(self) -> str | None:
        """Its name, such as btc_mxn, as the best order of each side shows it; both with a comma if they differ."""
        names = dict.fromkeys(side[0].book for side in (self.bids, self.asks) if side)
        return ", ".join(names) or None


@frozen(kw_only=True)
class Trade(Model):
    """One trade between any two users. Wire: object.

    Source:
        Bitso API v3, "List Trades".
    """

    book: str
    """Major and minor, such as btc_mxn."""
    created_at: IsoTime
    """UTC: when it took place."""
    amount: TextDecimal
    """Major."""
    maker_side: Side
    """Side of the order that was open in the book."""
    price: TextDecimal
    """Minor per major."""
    # Quirk: documented as a number, recorded as a number, seen as text.
    tid: Id
    """Id of the trade; the value for *marker*."""


class TimeBucket(OpenIntEnum):
    """Length of a candle, in seconds."""

    MINUTE = 60
    MINUTES_5 = 300
    MINUTES_15 = 900
    MINUTES_30 = 1800
    HOUR = 3600
    HOURS_4 = 14400
    HOURS_6 = 21600
    HOURS_12 = 43200
    DAY = 86400
    """Begins at 06:00 UTC."""
    DAYS_3 = 259200
    WEEK = 604800


@frozen(kw_only=True)
class Candle(Model):
    """The trades of one period. Without trades it has the last rate, volume and count zero. Wire: object.

    Source:
        Seen on the live server; on no page of the documents.
    """

    bucket_start_time: UnixMillis
    """UTC: when the period begins."""
    first_trade_time: UnixMillis | None = None
    """UTC; may be None where nothing was traded."""
    last_trade_time: UnixMillis | None = None
    """UTC; may be None where nothing was traded."""
    first_rate: TextDecimal
    """Minor per major."""
    last_rate: TextDecimal
    """Minor per major."""
    min_rate: TextDecimal
    """Minor per major."""
    max_rate: TextDecimal
    """Minor per major."""
    trade_count: int
    volume: TextDecimal
    """Major traded."""
    vwap: TextDecimal | None = None
    """Minor per major: the average weighted by volume; may be None where nothing was traded."""


class CurrencyType(OpenStrEnum):
    """Kind of a currency."""

    FIAT = "fiat"
    CRYPTO = "crypto"


@frozen(kw_only=True)
class CurrencyMetadata(Model):
    """One currency. Wire: object. What is None was not sent.

    Source:
        Seen on the live server; on no page of the documents.
    """

    code: str
    """Such as btc."""
    precision: int
    """Decimals of an amount."""
    type: CurrencyType
    full_name: str | None = None
    display_ticker: str | None = None
    color: str | None = None
    """Of the exchange's pages: red, green and blue in hex."""
    margin_available: bool | None = named("marginAvailable", default=None)


@frozen(kw_only=True)
class Currencies(Model):
    """All currencies. Wire: object."""

    metadata: tuple[CurrencyMetadata, ...]
    supported: tuple[str, ...] | None = None
    """Codes; None if not sent."""
    allowed_as_preferred: tuple[str, ...] | None = None
    """Codes; None if not sent."""


@frozen(kw_only=True)
class Catalogues(Model):
    """What the exchange lists of itself. Wire: object.

    Source:
        Seen on the live server; on no page of the documents.
    """

    currencies: Currencies
