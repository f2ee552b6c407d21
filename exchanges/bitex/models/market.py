"""Models of the market and the account. Money is a JSON number, a time is seconds since 1970.

Rows with a class reference are in `exchanges.bitex.models.rows`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from exchanges.values import frozen
from exchanges.wire import BitcoinAddress, Model, Row, UnixTime


@frozen(kw_only=True)
class Ticker(Model):
    """Prices of the last 24 hours, in quote per unit of base; None for what the exchange has no value of. Wire: object.

    Source:
        Bitex developer guide, Public Market Data, "Ticker"; recordings of 2014 lack the fields that may be missing.
    """

    last: Decimal | None
    """Quote per base: the last trade."""
    price_before_last: Decimal | None = None
    """Quote per base: the trade before the last, for the direction of the price; None if not sent."""
    open: Decimal | None = None
    """Quote per base: 24 hours ago; None if not sent."""
    high: Decimal | None
    """Quote per base: the highest."""
    low: Decimal | None
    """Quote per base: the lowest."""
    # Quirk: the guide shows a number; recorded answers have null where nothing was traded.
    vwap: Decimal | None = None
    """Quote per base: the average weighted by volume; None if nothing was traded."""
    volume: Decimal | None
    """Base: traded in 24 hours."""
    bid: Decimal | None
    """Quote per base: the highest open bid."""
    ask: Decimal | None
    """Quote per base: the lowest open ask."""


@frozen
class PriceLevel(Row):
    """All orders of one side at one price. Wire: row of 2.

    Source:
        Bitex developer guide, Public Market Data, "Order Book".
    """

    price: Decimal
    """Quote per base."""
    amount: Decimal
    """Base, on both sides; the amount of a `Bid` itself is in quote."""


@frozen
class OrderBook(Model):
    """All bids and asks, aggregated by price. Wire: object of lists of rows.

    Source:
        Bitex developer guide, Public Market Data, "Order Book".
    """

    bids: tuple[PriceLevel, ...]
    """Best price, the highest, first."""
    asks: tuple[PriceLevel, ...]
    """Best price, the lowest, first."""


@frozen
class Transaction(Row):
    """One trade between any two users. Wire: row of 4, without class reference.

    Source:
        Bitex developer guide, Public Market Data, "Transactions".
    """

    timestamp: UnixTime
    """UTC, whole seconds: when it was executed."""
    id: int
    """Unique among transactions."""
    price: Decimal
    """Quote per base."""
    amount: Decimal
    """Base: traded."""


@frozen
class Candle(Row):
    """Prices and volume of one period. Wire: row of 8, without class reference; the lowest price precedes the opening.

    Source:
        Bitex developer guide, Public Market Data, "Last 24 Hourly Candles".
    """

    timestamp: UnixTime
    """UTC: start of the period."""
    # Quirk: the lowest price comes before the opening one, unlike the order of other exchanges (guide and recordings).
    low: Decimal
    """Quote per base: the lowest."""
    open: Decimal
    """Quote per base: the first."""
    close: Decimal
    """Quote per base: the last."""
    high: Decimal
    """Quote per base: the highest."""
    volume: Decimal
    """Base: traded in the period."""
    price_before_last: Decimal
    """Quote per base: the price before the closing one."""
    vwap: Decimal | None = None
    """Quote per base: the average weighted by volume; zero or None if nothing was traded."""


@frozen
class Profile(Model):
    """Balances of the account, its trading fee and where to send deposits. Wire: object.

    Source:
        Bitex developer guide, Account Information, "Profile & Balances".
    """

    usd_balance: Decimal
    """USD: reserved and available together."""
    usd_reserved: Decimal
    """USD: held by open bids."""
    usd_available: Decimal
    """USD: free to trade."""
    btc_balance: Decimal
    """BTC: reserved and available together."""
    btc_reserved: Decimal
    """BTC: held by open asks."""
    btc_available: Decimal
    """BTC: free to trade."""
    fee: Decimal
    """Percent of each trade: 0.5 is half a percent."""
    btc_deposit_address: Annotated[str, BitcoinAddress()] | None = None
    """Address for deposits of BTC; None if there is none."""
    more_mt_deposit_code: str | None = None
    """Code that identifies the account in a deposit at MoreMT; None if there is none."""
