"""What a keeper asks for, and what it reports."""

from __future__ import annotations

from enum import Enum, auto

from attrs import frozen

from exchanges.market_data import BookStatus

__all__ = ["Action", "Change", "Fetch", "Purpose", "Resubscribe", "Turned"]


class Purpose(Enum):
    """What an order book is read for."""

    SEED = auto()
    """To begin with: the book cannot be read before."""
    CONFIRM = auto()
    """To compare with the one that the book began with: it cannot be read before."""
    DECIDE = auto()
    """To decide whether the book is right: it cannot be read before."""
    AUDIT = auto()
    """To compare with a book that is good. It may wait for whatever else needs the limit."""


@frozen
class Fetch:
    """Read the order book from the exchange.

    Attributes:
        purpose: What for.
    """

    purpose: Purpose


@frozen
class Resubscribe:
    """Subscribe to the channel again, on the same line: it is dead though the line lives.

    Attributes:
        cause: What shows it.
    """

    cause: str


@frozen
class Turned:
    """The status changed.

    Attributes:
        status: What it is now.
        cause: What changed it; None for a book that turned good.
    """

    status: BookStatus
    cause: str | None = None


@frozen
class Change:
    """A readable book changed."""


Action = Fetch | Resubscribe | Turned | Change
