"""Models of Bitstamp v2. Numbers, moments and ids travel as text.

"Base" is the first currency of a market, "counter" the second: in btcusd, BTC and USD.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, cast

from exchanges.values import frozen
from exchanges.wire import Choice, Json, Model, OpenIntEnum, OpenStrEnum, Row, TextDecimal, UnixMicrosText, UnixTimeText


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
class Ticker(Prices, Model):
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
class OrderBook(Model):
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
class Transaction(Model):
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


@frozen(kw_only=True)
class HourTicker(Prices, Model):
    """Prices of the last hour. Wire: object.

    Source:
        Bitstamp API v2, Tickers, "Get hourly ticker".
    """

    timestamp: UnixTimeText
    """UTC: when it was created."""
    open: TextDecimal | None
    """Counter per base: the first trade of the hour; None if there is none."""
    side: SideInText | None = None
    """Side of the order that caused the last trade; None if not sent."""
    market_type: MarketType | None = None
    """Kind of the market; None if not sent."""
    mark_price: TextDecimal | None = None
    """Counter per base: at which positions are valued; None if the market is no perpetual."""
    index_price: TextDecimal | None = None
    """Counter per base: on the markets that the perpetual follows; None if the market is no perpetual."""
    open_interest: TextDecimal | None = None
    """Base: all open positions; None if the market is no perpetual."""
    open_interest_value: TextDecimal | None = None
    """Counter: what they are worth; None if the market is no perpetual."""


class Switch(OpenStrEnum):
    """Whether something is on."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


@frozen(kw_only=True)
class MarketInfo(Model):
    """A market and the bounds of orders in it. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Market info, "Get markets".
    """

    name: str
    """Such as BTC/USD."""
    market_symbol: str
    """The value for *market*, such as btcusd."""
    base_currency: str
    """Such as BTC."""
    counter_currency: str
    """Such as USD."""
    base_decimals: int
    """Of amounts in base currency."""
    counter_decimals: int
    """Of prices."""
    minimum_order_value: TextDecimal | None
    """Counter: amount times price; None if the exchange has no value."""
    instant_order_counter_decimals: int | None = None
    """Of amounts in counter currency."""
    maximum_order_value: TextDecimal | None = None
    """Counter."""
    minimum_order_amount: TextDecimal | None = None
    """Base."""
    maximum_order_amount: TextDecimal | None = None
    """Base."""
    trading: Switch = Switch.ENABLED
    """Whether it accepts orders."""
    instant_and_market_orders: Switch | None = None
    """Whether it accepts instant and market orders."""
    description: str | None = None
    market_type: MarketType | None = None
    tick_size: TextDecimal | None = None
    """Counter per base: the step of prices."""
    underlying_asset: str | None = None
    """Perpetuals alone, as what follows."""
    payoff_type: str | None = None
    contract_size: TextDecimal | None = None
    max_leverage: TextDecimal | None = None
    isin: str | None = None
    asset_class: str | None = None
    has_market_hours: bool | None = None
    exchange: str | None = None


class CurrencyType(OpenStrEnum):
    """Kind of a currency."""

    CRYPTO = "crypto"
    FIAT = "fiat"


@frozen(kw_only=True)
class Network(Model):
    """A chain on which a currency travels. Wire: object."""

    network: str
    """Its name, the value for *network*."""
    withdrawal_decimals: int
    """Of amounts that are withdrawn."""
    withdrawal_minimum_amount: TextDecimal | None = None
    """Of the currency; None if not sent."""
    deposit: Switch | None = None
    withdrawal: Switch | None = None


@frozen(kw_only=True)
class Currency(Model):
    """A currency. Wire: object.

    Source:
        Bitstamp API v2, Market info, "Get currencies".
    """

    name: str
    currency: str
    """Such as BTC."""
    type: CurrencyType
    decimals: int
    """Of amounts."""
    symbol: str | None = None
    logo: str | None = None
    available_supply: TextDecimal | None = None
    deposit: Switch | None = None
    withdrawal: Switch | None = None
    networks: tuple[Network, ...] = ()
    """Empty for money of states."""


@frozen(kw_only=True)
class ConversionRate(Model):
    """The price of one EUR. Wire: object.

    Source:
        Bitstamp API v2, Market info, "Get EUR/USD conversion rate".
    """

    buy: TextDecimal
    """USD per EUR: the price for buyers of EUR."""
    sell: TextDecimal
    """USD per EUR: the price for sellers of EUR."""


class Step(OpenIntEnum):
    """Length of a candle, in seconds."""

    MINUTE = 60
    MINUTES_3 = 180
    MINUTES_5 = 300
    MINUTES_15 = 900
    MINUTES_30 = 1800
    HOUR = 3600
    HOURS_2 = 7200
    HOURS_4 = 14400
    HOURS_6 = 21600
    HOURS_12 = 43200
    DAY = 86400
    DAYS_3 = 259200


@frozen(kw_only=True)
class Candle(Model):
    """The trades of one period. Wire: object."""

    timestamp: UnixTimeText
    """UTC: when the period begins."""
    open: TextDecimal
    """Counter per base."""
    high: TextDecimal
    """Counter per base."""
    low: TextDecimal
    """Counter per base."""
    close: TextDecimal
    """Counter per base."""
    volume: TextDecimal
    """Base traded."""


@frozen(kw_only=True)
class Candles(Model):
    """Candles of a market, oldest first. Wire: object under ``data``.

    Source:
        Bitstamp API v2, Market info, "Get OHLC data".
    """

    market: str
    """Such as BTC/USD."""
    ohlc: tuple[Candle, ...]
    pair: str | None = None
    """The same under its older name; None if not sent."""

    @staticmethod
    def from_wire(value: Json) -> Json:
        """Return the content of ``data``."""
        content = cast("dict[str, Json]", value).get("data")
        return content if isinstance(content, dict) else value

    @staticmethod
    def to_wire(value: Json) -> Json:
        """Put the content under ``data``."""
        return {"data": value}


@frozen(kw_only=True)
class FundingRate(Model):
    """What holders of positions in a perpetual pay each other. Wire: object.

    Source:
        Bitstamp API v2, Market info, "Get funding rate".
    """

    funding_rate: TextDecimal
    """Fraction for 8 hours: paid by buyers to sellers; below zero the other way round."""
    timestamp: UnixTimeText
    """UTC: when it was determined."""
    market: str
    """Such as BTC/USD-PERP."""
    next_funding_time: UnixTimeText
    """UTC: when it is paid next."""


@frozen(kw_only=True)
class PastFundingRate(Model):
    """A funding rate of the past. Wire: object."""

    funding_rate: TextDecimal
    """Fraction for 8 hours."""
    timestamp: UnixTimeText
    """UTC: when it was paid."""


@frozen(kw_only=True)
class FundingRateHistory(Model):
    """Funding rates of a perpetual, oldest first. Wire: object.

    Source:
        Bitstamp API v2, Market info, "Get funding rate history".
    """

    market: str
    """Such as BTC/USD-PERP."""
    funding_rate_history: tuple[PastFundingRate, ...]
