"""What strangers offer in a book: a pure function of the moment, less what was taken of it a short while ago."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from attrs import define, field

from exchanges.simulator.engine.prices import Level, Market

__all__ = ["REFILL_MS", "Side", "Strangers", "better"]

REFILL_MS = 60_000
"""Strangers offer again so long after somebody took what they offered."""


class Side(StrEnum):
    """What an order wants."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> Side:
        """Whom it trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


@define(eq=False)
class Strangers:
    """Knows what is left of the public book.

    Args:
        market: The book as it would be without the accounts.
    """

    _market: Market
    _taken: dict[tuple[Side, Decimal], tuple[Decimal, int]] = field(
        factory=dict[tuple[Side, Decimal], tuple[Decimal, int]], init=False
    )

    def levels(self, side: Side, now_ms: int) -> Iterator[Level]:
        """List what is left of the orders of strangers on *side*, best first."""
        now = self._market.snapshot(now_ms)
        for level in now.bids if side is Side.BUY else now.asks:
            if not self._taken:
                yield level
            elif left := level.amount - self._gone(side, level.price, now_ms):
                yield Level(level.price, left, level.id)

    def take(self, side: Side, price: Decimal, quantity: Decimal, now_ms: int) -> None:
        """Remember what was taken of the strangers on *side*."""
        self._taken[side, price] = self._gone(side, price, now_ms) + quantity, now_ms

    def _gone(self, side: Side, price: Decimal, now_ms: int) -> Decimal:
        taken, at_ms = self._taken.get((side, price), (Decimal(0), now_ms))
        return taken if now_ms - at_ms < REFILL_MS else Decimal(0)


def better(side: Side, mine: Decimal, yours: Decimal) -> bool:
    """Whether, to an order that is on *side*, *mine* is a strictly better price than *yours* to trade at."""
    return mine < yours if side is Side.BUY else mine > yours
