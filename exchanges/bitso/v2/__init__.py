"""Bitso v2, the API of 2015: a module per area, and its models.

Source:
    Bitso API v2.
"""

from __future__ import annotations

from exchanges.bitso.models.market import Side, SortOrder
from exchanges.bitso.v2.account import Account
from exchanges.bitso.v2.funding import Funding
from exchanges.bitso.v2.market import Market
from exchanges.bitso.v2.models import (
    AmountUnit,
    Balance,
    Order,
    OrderBook,
    OrderStatus,
    OrderType,
    PriceLevel,
    Ticker,
    TimeFrame,
    Transaction,
    TransactionType,
    UserTransaction,
)
from exchanges.bitso.v2.trading import Trading
from exchanges.endpoint import Areas
from exchanges.wire import CurrencyBalance

__all__ = [
    "V2",
    "Account",
    "AmountUnit",
    "Balance",
    "CurrencyBalance",
    "Funding",
    "Market",
    "Order",
    "OrderBook",
    "OrderStatus",
    "OrderType",
    "PriceLevel",
    "Side",
    "SortOrder",
    "Ticker",
    "TimeFrame",
    "Trading",
    "Transaction",
    "TransactionType",
    "UserTransaction",
]


class V2(Areas):
    """The areas of v2. Undocumented since 2017; no use of it is known since 2018."""

    market: Market
    account: Account
    trading: Trading
    funding: Funding
