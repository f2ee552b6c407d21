"""Bitstamp: the client, and the models of the current API (v2). Those of v1 are in `exchanges.bitstamp.v1`.

The package holds the area of the current API (`market`), what all areas share (`api`, `signing`, `errors`), the models,
and in `reconcile` how the reads of v1 show what a call did.

Source:
    Bitstamp API v2.
"""

from __future__ import annotations

from exchanges.bitstamp.api import DOCUMENTED_LIMITS
from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models import MarketType, OrderBook, PriceLevel, Side, Ticker, TimeFrame, Transaction
from exchanges.bitstamp.v1 import V1
from exchanges.client import Client
from exchanges.outcomes.search import Searches

__all__ = [
    "DOCUMENTED_LIMITS",
    "V1",
    "Bitstamp",
    "Market",
    "MarketType",
    "OrderBook",
    "PriceLevel",
    "Side",
    "Ticker",
    "TimeFrame",
    "Transaction",
]


class Bitstamp(Client):
    """A client for one account at Bitstamp, or for public calls only.

    Private calls need an *api_key* and its *api_secret*; those of v1 a *client_id* as well.

    Source:
        Bitstamp API v2; Bitstamp API v1 for everything under ``v1``.
    """

    exchange = "bitstamp"

    market: Market
    v1: V1

    @classmethod
    def searches(cls) -> Searches:
        """Return how its reads show what its calls did; see `exchanges.outcomes.search`."""
        from exchanges.bitstamp.reconcile import CANCELS, SEARCHES  # noqa: PLC0415 - loaded when a call first needs it

        return {**SEARCHES, **CANCELS}
