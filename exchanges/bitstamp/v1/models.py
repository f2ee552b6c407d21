"""Models of Bitstamp v1. Numbers travel as text, moments of market data as seconds since 1970 in text.

Moments of the account travel as 2013-09-26 23:15:04 without a zone, at times with microseconds; they are read as UTC.
"""

from __future__ import annotations

from typing import Annotated

from attrs import field

from exchanges.bitstamp.models.market import Prices
from exchanges.values import frozen
from exchanges.wire import (
    BitcoinAddress,
    Choice,
    Confirmation,
    CurrencyAmounts,
    CurrencyBalances,
    Id,
    Model,
    NaiveTime,
    OpenIntEnum,
    OpenStrEnum,
    RawJson,
    Row,
    TextDecimal,
    UnixTimeText,
)

# Quirk: recordings of a cancel have the JSON boolean; an old client compares the body with the same word.
Done = Annotated[None, Confirmation(True)]  # noqa: FBT003 - the value itself, not a flag
"""The answer of a call that did something and has nothing to return."""


class SortOrder(OpenStrEnum):
    """The order of a list."""

    ASC = "asc"
    DESC = "desc"


class OrderType(OpenIntEnum):
    """Side of an order."""

    BUY = 0
    SELL = 1


class TransactionType(OpenIntEnum):
    """Kind of a transaction."""

    DEPOSIT = 0
    WITHDRAWAL = 1
    MARKET_TRADE = 2


class WithdrawalType(OpenIntEnum):
    """Destination of a withdrawal. The document lists two numbers for the Bitstamp code, without a difference."""

    SEPA = 0
    BITCOIN = 1
    WIRE_TRANSFER = 2
    # Quirk: the document gives the same name to 3 and 4.
    BITSTAMP_CODE = 3
    OTHER_BITSTAMP_CODE = 4
    MTGOX_CODE = 5


class WithdrawalStatus(OpenIntEnum):
    """Status of a withdrawal; from FINISHED on it is final."""

    OPEN = 0
    IN_PROCESS = 1
    FINISHED = 2
    CANCELED = 3
    FAILED = 4


class TimeFrame(OpenStrEnum):
    """The period of a list of trades."""

    MINUTE = "minute"
    HOUR = "hour"


@frozen(kw_only=True)
class Ticker(Prices, Model):
    """Prices of the last 24 hours, in USD per BTC. Wire: object.

    Source:
        Bitstamp API v1, Public Data Functions, "Ticker"; recordings of 2013 have a timestamp and no vwap.
    """

    # Quirk: the document does not list it, recordings have it.
    timestamp: UnixTimeText | None = None
    """UTC: when it was created; None if not sent."""
    open: TextDecimal | None = None
    """USD per BTC: the first trade of the day; None if not sent."""


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
class OrderBook(Model):
    """Open orders. Wire: object of lists of rows.

    Source:
        Bitstamp API v1, Public Data Functions, "Order book"; the timestamp is in recordings only.
    """

    bids: tuple[PriceLevel, ...]
    """Orders to buy, highest price first."""
    asks: tuple[PriceLevel, ...]
    """Orders to sell, lowest price first."""
    timestamp: UnixTimeText | None = None
    """UTC: when it was created; None if not sent."""


@frozen(kw_only=True)
class Transaction(Model):
    """One trade between any two users. Wire: object.

    Source:
        Bitstamp API v1, Public Data Functions, "Transactions"; the type came later.
    """

    date: UnixTimeText
    """UTC: when it took place."""
    tid: int
    """Id of the trade."""
    price: TextDecimal
    """USD per BTC."""
    amount: TextDecimal
    """BTC."""
    type: Annotated[OrderType, Choice(OrderType, text=True)] | None = None
    """Side of the order that caused it; None if not sent."""


@frozen(kw_only=True)
class ConversionRate(Model):
    """The price of one EUR. Wire: object.

    Source:
        Bitstamp API v1, Public Data Functions, "EUR/USD conversion rate".
    """

    buy: TextDecimal
    """USD per EUR: the price for buyers of EUR."""
    sell: TextDecimal
    """USD per EUR: the price for sellers of EUR."""


@frozen(kw_only=True)
class Balance(CurrencyBalances, Model):
    """The balances of the account. Wire: flat object with three keys per currency, such as ``btc_available``.

    Source:
        Bitstamp API v1, Private Functions, "Account balance". It lists usd and btc; more came later.
    """


@frozen(kw_only=True)
class UserTransaction(CurrencyAmounts, Model):
    """A deposit, a withdrawal or a trade of the account. Wire: object with a key per currency and one per pair.

    Source:
        Bitstamp API v1, Private Functions, "User transactions", which lists usd and btc; recordings have the price
        under ``btc_usd``.
    """

    id: int
    """Unique."""
    datetime: NaiveTime
    """UTC: when it took place."""
    type: TransactionType
    """Its kind."""
    fee: TextDecimal
    """Counter currency: the fee of the exchange."""
    # Quirk: null for deposits and withdrawals in recordings; the document does not say so.
    order_id: int | None = None
    """The `Order.id` that traded; None for deposits and withdrawals."""
    amounts: dict[str, TextDecimal] = field(factory=dict[str, TextDecimal])
    """Of each currency, such as btc: received (above zero) or spent (below); zero if nothing moved."""
    rates: dict[str, TextDecimal] = field(factory=dict[str, TextDecimal])
    """Second currency per first, by pair such as btc_usd: the price; zero for deposits and withdrawals."""


@frozen(kw_only=True)
class Order(Model):
    """A limit order of the account. Wire: object.

    Source:
        Bitstamp API v1, Private Functions, "Open orders", "Buy limit order" and "Sell limit order".
    """

    id: int
    """The value for *order_id*."""
    # Quirk: with microseconds in the answer to a new order, without them in the list of open orders (recordings).
    datetime: NaiveTime
    """UTC: when it was placed."""
    type: OrderType
    """Its side."""
    price: TextDecimal
    """USD per BTC."""
    amount: TextDecimal
    """BTC."""


@frozen(kw_only=True)
class WithdrawalRequest(Model):
    """A withdrawal that was requested. Wire: object.

    Source:
        Bitstamp API v1, Private Functions, "Withdrawal requests"; the fields from the currency on came later.
    """

    id: int
    """Id of the withdrawal, though the document calls it that of an order."""
    datetime: NaiveTime
    """UTC: when it was requested."""
    type: WithdrawalType
    """Its destination."""
    amount: TextDecimal
    """Of *currency*, or of that of its type if none is sent."""
    status: WithdrawalStatus
    """Its status."""
    # Quirk: the document does not say what it holds, so it is kept as received.
    data: RawJson = None
    """Data of the type, such as the code; None if there are none."""
    currency: str | None = None
    """Such as BTC; None if not sent."""
    network: str | None = None
    """The chain on which it is sent, such as ethereum; None if not sent."""
    address: str | None = None
    """Where it goes, a tag of Ripple appended as ``?dt=1455``; None if not sent."""
    txid: Id | None = None
    """Id of the exchange's own transaction; None if not sent."""
    transaction_id: str | None = None
    """Id of the transaction on the chain; None if not sent, or not yet known."""


@frozen(kw_only=True)
class BitcoinWithdrawal(Model):
    """A withdrawal that was accepted. Wire: object.

    Source:
        Bitstamp API v1, Private Functions, "Bitcoin withdrawal".
    """

    id: int
    """The `WithdrawalRequest.id`."""


@frozen(kw_only=True)
class UnconfirmedDeposit(Model):
    """Bitcoins on their way in. Wire: object.

    Source:
        Bitstamp API v1, Private Functions, "Unconfirmed bitcoin deposits".
    """

    amount: TextDecimal
    """BTC."""
    address: Annotated[str, BitcoinAddress()]
    """The account's address to which they were sent."""
    confirmations: int
    """How many blocks confirm it so far."""
