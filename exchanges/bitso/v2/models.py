"""Models of Bitso v2. Numbers travel as text, moments of market data as seconds since 1970 in text.

Moments of the account travel as 2015-11-12 12:37:01 without a zone; they are read as UTC, which no document confirms.
"""

from __future__ import annotations

from typing import Annotated

from attrs import field

from exchanges.bitso.models.market import Prices, Side
from exchanges.values import frozen
from exchanges.wire import (
    Choice,
    Confirmation,
    CurrencyAmounts,
    CurrencyBalances,
    Id,
    Model,
    NaiveTime,
    OpenIntEnum,
    OpenStrEnum,
    Row,
    TextDecimal,
    UnixTimeText,
)

# Quirk: texts, not the boolean that one of the words suggests: the exchange's own client compares them with their
# quotes.
Cancelled = Annotated[None, Confirmation("true")]
"""The answer to a cancel."""
Accepted = Annotated[None, Confirmation("ok")]
"""The answer to a withdrawal."""


class AmountUnit(OpenStrEnum):
    """Unit of the amount of an order."""

    MAJOR = "major"
    MINOR = "minor"


class OrderType(OpenIntEnum):
    """Side of an order."""

    BUY = 0
    SELL = 1


class OrderStatus(OpenIntEnum):
    """Status of an order."""

    CANCELLED = -1
    ACTIVE = 0
    PARTIALLY_FILLED = 1
    COMPLETE = 2


class TransactionType(OpenIntEnum):
    """Kind of a transaction."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    TRADE = 2


class TimeFrame(OpenStrEnum):
    """The period of a list of trades."""

    MINUTE = "minute"
    HOUR = "hour"


@frozen(kw_only=True)
class Ticker(Prices, Model):
    """Prices of the last 24 hours. Wire: object.

    Source:
        Bitso API v2, Public Endpoints, "Ticker"; the timestamp is in the sample only.
    """

    timestamp: UnixTimeText | None = None
    """UTC: when it was created; None if not sent."""


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
class OrderBook(Model):
    """Open orders of a book. Wire: object of lists of rows.

    Source:
        Bitso API v2, Public Endpoints, "Order Book"; the timestamp is in the sample only.
    """

    bids: tuple[PriceLevel, ...]
    """Orders to buy."""
    asks: tuple[PriceLevel, ...]
    """Orders to sell."""
    timestamp: UnixTimeText | None = None
    """UTC: when it was created; None if not sent."""


@frozen(kw_only=True)
class Transaction(Model):
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
    """Side of the order that was open in the book: the maker's, so a SELL was bought from it."""


@frozen(kw_only=True)
class Balance(CurrencyBalances, Model):
    """The balances of the account. Wire: flat object with three keys per currency, such as ``btc_available``.

    Source:
        Bitso API v2, Private Endpoints, "Account balance". It shows btc and mxn; more came later.
    """


@frozen(kw_only=True)
class UserTransaction(CurrencyAmounts, Model):
    """A deposit, a withdrawal or a trade of the account. Wire: object with a key per currency.

    Source:
        Bitso API v2, Private Endpoints, "User Transactions"; the exchange's own client reads rates under the name
        of a book.
    """

    datetime: NaiveTime
    """UTC: when it took place."""
    type: TransactionType
    """Its kind."""
    id: int | None = None
    """Unique among trades; None for deposits and withdrawals."""
    method: str | None = None
    """The way of the money, such as SPEI Transfer; None for trades."""
    order_id: str | None = None
    """The `Order.id` that traded; None for deposits and withdrawals."""
    rate: TextDecimal | None = None
    """Minor per major: the price; None for deposits and withdrawals, and if it is in *rates*."""
    amounts: dict[str, TextDecimal] = field(factory=dict[str, TextDecimal])
    """Of each currency, such as btc: received (above zero) or spent (below)."""
    # Quirk: the documents name `rate`; the exchange's own client reads a key that is called like the book.
    rates: dict[str, TextDecimal] = field(factory=dict[str, TextDecimal])
    """Minor per major, by book such as btc_mxn: the price, if it is sent so."""


@frozen(kw_only=True)
class Order(Model):
    """An order of the account. Wire: object; codes travel as text.

    Source:
        Bitso API v2, Private Endpoints, "Open Orders", "Lookup Order", "Place a Buy Order" and "Place a Sell Order".
    """

    id: Id
    """64 characters; the value for *order_id*."""
    type: Annotated[OrderType, Choice(OrderType, text=True)]
    """Its side."""
    # Quirk: the answer to a new market order lacks the price, the lookup of the same order shows zero.
    price: TextDecimal | None = None
    """Minor per major: the limit; None, or zero, for a market order."""
    amount: TextDecimal | None = None
    """Major; None if a market order has just been placed."""
    status: Annotated[OrderStatus, Choice(OrderStatus, text=True)] | None = None
    """Its status; None if a market order has just been placed."""
    book: str | None = None
    """Such as btc_mxn; None if not sent: open orders never have it, and ACTIVE orders may not."""
    datetime: NaiveTime | None = None
    """UTC: when it was placed; None when it was looked up, see *created*."""
    created: NaiveTime | None = None
    """UTC: when it was placed, in the answer of a lookup; None elsewhere."""
    updated: NaiveTime | None = None
    """UTC: when it changed last; None if it was not looked up, and while its status is ACTIVE."""
