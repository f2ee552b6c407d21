"""The fields that the market data of all exchanges has in common.

The models keep the names of their exchange; these Protocols list only the fields that all of them share, with the same
type everywhere. A type checker verifies that each model fits.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

__all__ = ["BookStatus", "MarketLevel", "MarketOrderBook", "MarketTicker", "MarketTrade"]


class MarketTicker(Protocol):
    """Prices of the last 24 hours, in quote currency per unit of base; None for what the exchange has no value of."""

    @property
    def last(self) -> Decimal | None:
        """Price of the last trade."""
        ...

    @property
    def bid(self) -> Decimal | None:
        """Highest price of all offers to buy."""
        ...

    @property
    def ask(self) -> Decimal | None:
        """Lowest price of all offers to sell."""
        ...

    @property
    def high(self) -> Decimal | None:
        """Highest price of the last 24 hours."""
        ...

    @property
    def low(self) -> Decimal | None:
        """Lowest price of the last 24 hours."""
        ...

    @property
    def vwap(self) -> Decimal | None:
        """Volume-weighted average price of the last 24 hours."""
        ...

    @property
    def volume(self) -> Decimal | None:
        """Base currency traded in the last 24 hours."""
        ...


class MarketLevel(Protocol):
    """One price level of an order book."""

    @property
    def price(self) -> Decimal:
        """Quote currency per unit of base."""
        ...

    @property
    def amount(self) -> Decimal:
        """Base currency on offer, or wanted, at this price."""
        ...


class MarketOrderBook(Protocol):
    """Offers to buy and to sell, best price first."""

    @property
    def bids(self) -> Sequence[MarketLevel]:
        """Offers to buy."""
        ...

    @property
    def asks(self) -> Sequence[MarketLevel]:
        """Offers to sell."""
        ...


class MarketTrade(Protocol):
    """One trade that took place."""

    @property
    def price(self) -> Decimal:
        """Quote currency per unit of base."""
        ...

    @property
    def amount(self) -> Decimal:
        """Base currency traded."""
        ...


class BookStatus(StrEnum):
    """Whether a kept order book can be read, or why not."""

    SYNCING = "syncing"
    """The first frames and order books are being joined."""
    GOOD = "good"
    """It can be read."""
    SUSPECT = "suspect"
    """Something contradicts it; one comparison with the exchange decides."""
    RESYNCING = "resyncing"
    """It was found wrong, and is being built again."""
    DISCONNECTED = "disconnected"
    """There is no connection."""
    CLOSED = "closed"
    """Nobody keeps it any more."""
