"""Bitstamp v1, the API of 2014: a module per area, and its models.

Source:
    Bitstamp API v1.
"""

from __future__ import annotations

from exchanges.bitstamp.v1.account import Account
from exchanges.bitstamp.v1.funding import Funding
from exchanges.bitstamp.v1.market import Market
from exchanges.bitstamp.v1.models import (
    Balance,
    BitcoinWithdrawal,
    ConversionRate,
    Order,
    OrderBook,
    OrderType,
    PriceLevel,
    SortOrder,
    Ticker,
    TimeFrame,
    Transaction,
    TransactionType,
    UnconfirmedDeposit,
    UserTransaction,
    WithdrawalRequest,
    WithdrawalStatus,
    WithdrawalType,
)
from exchanges.bitstamp.v1.trading import Trading
from exchanges.endpoint import Areas
from exchanges.wire import CurrencyBalance

__all__ = [
    "V1",
    "Account",
    "Balance",
    "BitcoinWithdrawal",
    "ConversionRate",
    "CurrencyBalance",
    "Funding",
    "Market",
    "Order",
    "OrderBook",
    "OrderType",
    "PriceLevel",
    "SortOrder",
    "Ticker",
    "TimeFrame",
    "Trading",
    "Transaction",
    "TransactionType",
    "UnconfirmedDeposit",
    "UserTransaction",
    "WithdrawalRequest",
    "WithdrawalStatus",
    "WithdrawalType",
]


class V1(Areas):
    """The areas of v1. The exchange turned off its private calls at the end of 2021."""

    market: Market
    account: Account
    trading: Trading
    funding: Funding
