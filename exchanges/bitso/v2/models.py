"""What Bitso v2 answers with. Numbers travel as text, moments as seconds since 1970 in text."""

from __future__ import annotations

from attrs import field, frozen

from exchanges.bitso.models import Side
from exchanges.wire import Json, OpenStrEnum, Row, TextDecimal, UnixTimeText, gathered, scattered

__all__ = ["Balance", "CurrencyBalance", "OrderBook", "PriceLevel", "Side", "Ticker", "TimeFrame", "Transaction"]


class TimeFrame(OpenStrEnum):
    """How far back a list of trades goes."""

    MINUTE = "minute"
    HOUR = "hour"


@frozen(kw_only=True)
class Ticker:
    """Prices of the last 24 hours. Wire: object.

    Source:
        Bitso API v2, Public Endpoints, "Ticker"; the timestamp stands in the sample only.
    """

    last: TextDecimal
    """Minor per major: the last trade."""
    high: TextDecimal
    """Minor per major: the highest."""
    low: TextDecimal
    """Minor per major: the lowest."""
    vwap: TextDecimal | None = None
    """Minor per major: the average weighted by volume; None where nothing was traded."""
    volume: TextDecimal
    """Major traded."""
    bid: TextDecimal
    """Minor per major: the highest open order to buy."""
    ask: TextDecimal
    """Minor per major: the lowest open order to sell."""
    timestamp: UnixTimeText | None = None
    """UTC: when it was made; None where not sent."""


@frozen
class PriceLevel(Row):
    """An order, or all orders at one price. Wire: row of 2.

    Source:
        Bitso API v2, Public Endpoints, "Order Book".
    """

    price: TextDecimal
    """Minor per major."""
    amount: TextDecimal
    """Major."""


@frozen(kw_only=True)
class OrderBook:
    """Open orders of a book. Wire: object of lists of rows.

    Source:
        Bitso API v2, Public Endpoints, "Order Book"; the timestamp stands in the sample only.
    """

    bids: tuple[PriceLevel, ...]
    """Orders to buy."""
    asks: tuple[PriceLevel, ...]
    """Orders to sell."""
    timestamp: UnixTimeText | None = None
    """UTC: when it was made; None where not sent."""


@frozen(kw_only=True)
class Transaction:
    """One trade between any two users. Wire: object.

    Source:
        Bitso API v2, Public Endpoints, "Transactions".
    """

    date: UnixTimeText
    """UTC: when it took place."""
    tid: int
    """Id of the trade."""
    price: TextDecimal
    """Minor per major."""
    amount: TextDecimal
    """Major."""
    side: Side
    """What the order that was open in the book wanted."""


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
        Bitso API v2, Private Endpoints, "Account balance". It shows btc and mxn; more came later.
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
