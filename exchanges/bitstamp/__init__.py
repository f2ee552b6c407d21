"""Bitstamp: the client, and what the current API (v2) answers with. The models of v1 stand in `exchanges.bitstamp.v1`.

Source:
    Bitstamp API v2.
"""

from __future__ import annotations

from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models import OrderBook, PriceLevel, Side, Ticker, TimeFrame, Transaction
from exchanges.bitstamp.v1 import V1
from exchanges.client import Client
from exchanges.outcomes.search import Searches

__all__ = [
    "V1",
    "Bitstamp",
    "Market",
    "OrderBook",
    "PriceLevel",
    "Side",
    "Ticker",
    "TimeFrame",
    "Transaction",
]


class Bitstamp(Client):
    """One account at Bitstamp, or nobody's for public calls.

    Private calls need an *api_key* and its *api_secret*; those of v1 a *client_id* too.

    Source:
        Bitstamp API v2; Bitstamp API v1 for what stands under ``v1``.
    """

    exchange = "bitstamp"

    market: Market
    v1: V1

    @classmethod
    def searches(cls) -> Searches:
        """Say how what its calls make is found again; see `exchanges.outcomes.search`."""
        from exchanges.bitstamp.reconcile import SEARCHES  # noqa: PLC0415 - loaded when a call first needs it

        return SEARCHES
