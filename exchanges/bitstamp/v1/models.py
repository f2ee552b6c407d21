"""What Bitstamp v1 answers with. Numbers travel as text, moments as seconds since 1970 in text."""

from __future__ import annotations

from attrs import field, frozen

from exchanges.wire import Json, OpenStrEnum, Row, TextDecimal, UnixTimeText, gathered, scattered

__all__ = [
    "Balance",
    "ConversionRate",
    "CurrencyBalance",
    "OrderBook",
    "PriceLevel",
    "Ticker",
    "TimeFrame",
    "Transaction",
]


class TimeFrame(OpenStrEnum):
    """How far back a list of trades goes."""

    MINUTE = "minute"
    HOUR = "hour"


@frozen(kw_only=True)
class Ticker:
    """Prices of the last 24 hours. Wire: object.

    Source:
        Bitstamp API v1, Public Data Functions, "Ticker"; recordings of 2013 have a timestamp and no vwap.
    """

    last: TextDecimal
    """USD per BTC: the last trade."""
    high: TextDecimal
    """USD per BTC: the highest."""
    low: TextDecimal
    """USD per BTC: the lowest."""
    vwap: TextDecimal | None = None
    """USD per BTC: the average weighted by volume; None where not sent."""
    volume: TextDecimal
    """BTC traded."""
    bid: TextDecimal
    """USD per BTC: the highest open order to buy."""
    ask: TextDecimal
    """USD per BTC: the lowest open order to sell."""
    timestamp: UnixTimeText | None = None
    """UTC: when it was made; None where not sent."""


@frozen
class PriceLevel(Row):
    """An order, or all orders at one price. Wire: row of 2.

    Source:
        Bitstamp API v1, Public Data Functions, "Order book".
    """

    price: TextDecimal
    """USD per BTC."""
    amount: TextDecimal
    """BTC."""


@frozen(kw_only=True)
class OrderBook:
    """Open orders. Wire: object of lists of rows.

    Source:
        Bitstamp API v1, Public Data Functions, "Order book"; the timestamp stands in recordings only.
    """

    bids: tuple[PriceLevel, ...]
    """Orders to buy, highest price first."""
    asks: tuple[PriceLevel, ...]
    """Orders to sell, lowest price first."""
    timestamp: UnixTimeText | None = None
    """UTC: when it was made; None where not sent."""


@frozen(kw_only=True)
class Transaction:
    """One trade between any two users. Wire: object.

    Source:
        Bitstamp API v1, Public Data Functions, "Transactions".
    """

    date: UnixTimeText
    """UTC: when it took place."""
    tid: int
    """Id of the trade."""
    price: TextDecimal
    """USD per BTC."""
    amount: TextDecimal
    """BTC."""


@frozen(kw_only=True)
class ConversionRate:
    """What one EUR costs. Wire: object.

    Source:
        Bitstamp API v1, Public Data Functions, "EUR/USD conversion rate".
    """

    buy: TextDecimal
    """USD per EUR: who buys EUR pays this."""
    sell: TextDecimal
    """USD per EUR: who sells EUR gets this."""


@frozen(kw_only=True)
class CurrencyBalance:
    """What the account holds of one currency. Wire: three keys of the object that holds all of them."""

    balance: TextDecimal
    """Of the currency: available and reserved together."""
    reserved: TextDecimal
    """Of the currency: in open orders."""
    available: TextDecimal
    """Of the currency: free to use."""


_PARTS = ("balance", "reserved", "available")


@frozen(kw_only=True)
class Balance:
    """What the account holds. Wire: flat object with three keys per currency, such as ``btc_available``.

    Source:
        Bitstamp API v1, Private Functions, "Account balance". It lists usd and btc; more came later.
    """

    fee: TextDecimal
    """Percent of each trade."""
    currencies: dict[str, CurrencyBalance] = field(factory=dict[str, CurrencyBalance])
    """By currency, such as btc."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Gather the keys of each currency."""
        return gathered(value, _PARTS, "currencies")

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Give each currency keys of its own."""
        return scattered(value, "currencies")
