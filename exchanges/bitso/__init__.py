"""Bitso: the client, and what the current API (v3) answers with. The models of v2 stand in `exchanges.bitso.v2`.

Source:
    Bitso API v3.
"""

from __future__ import annotations

from exchanges.bitso.account import Account
from exchanges.bitso.market import Market
from exchanges.bitso.models import (
    Balance,
    Book,
    Fees,
    FeeTier,
    FlatRate,
    OrderBook,
    PriceLevel,
    Side,
    SortOrder,
    Ticker,
    Trade,
)
from exchanges.bitso.v2 import V2
from exchanges.client import Client

__all__ = [
    "V2",
    "Account",
    "Balance",
    "Bitso",
    "Book",
    "FeeTier",
    "Fees",
    "FlatRate",
    "Market",
    "OrderBook",
    "PriceLevel",
    "Side",
    "SortOrder",
    "Ticker",
    "Trade",
]


class Bitso(Client):
    """One account at Bitso, or nobody's for public calls.

    Private calls need an *api_key* and its *api_secret*; those of v2 a *client_id* too.

    Source:
        Bitso API v3; Bitso API v2 for what stands under ``v2``.
    """

    exchange = "bitso"

    market: Market
    account: Account
    v2: V2
