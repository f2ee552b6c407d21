"""Bitex: the client, what it answers with, and the codes in it.

Source:
    Bitex developer guide.
"""

from __future__ import annotations

from exchanges.bitex.account import Account
from exchanges.bitex.codes import (
    DepositMethod,
    DepositReason,
    DepositStatus,
    OrderReason,
    OrderStatus,
    SpecieWithdrawalReason,
    UsdWithdrawalReason,
    WithdrawalStatus,
)
from exchanges.bitex.market import Market
from exchanges.bitex.models import Candle, OrderBook, PriceLevel, Profile, Ticker, Transaction
from exchanges.bitex.movements import (
    Ask,
    Bid,
    Buy,
    Movement,
    Order,
    Sell,
    SpecieDeposit,
    SpecieWithdrawal,
    Trade,
    UsdDeposit,
    UsdWithdrawal,
)
from exchanges.bitex.trading import Trading
from exchanges.client import Client
from exchanges.wire import UnknownRow

__all__ = [
    "Account",
    "Ask",
    "Bid",
    "Bitex",
    "Buy",
    "Candle",
    "DepositMethod",
    "DepositReason",
    "DepositStatus",
    "Market",
    "Movement",
    "Order",
    "OrderBook",
    "OrderReason",
    "OrderStatus",
    "PriceLevel",
    "Profile",
    "Sell",
    "SpecieDeposit",
    "SpecieWithdrawal",
    "SpecieWithdrawalReason",
    "Ticker",
    "Trade",
    "Trading",
    "Transaction",
    "UnknownRow",
    "UsdDeposit",
    "UsdWithdrawal",
    "UsdWithdrawalReason",
    "WithdrawalStatus",
]


class Bitex(Client):
    """One account at Bitex, or nobody's for public calls.

    Private calls need an *api_key* alone: nothing is signed, the key itself travels.

    Source:
        Bitex developer guide, "Your API keys".
    """

    exchange = "bitex"

    market: Market
    trading: Trading
    account: Account
