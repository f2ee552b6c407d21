"""Background liquidity of one book: a pure function of time, less what was taken of it recently."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from attrs import define, field

from exchanges.simulator.engine.prices import Level, Market

REFILL_MS = 60_000
"""Depth that was taken is offered again after this time."""


class Side(StrEnum):
    """What an order wants."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> Side:
        """The side that it trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


@define(eq=False)
class Liquidity:
    """What is left of the background orders.

    Args:
        market: The book as it would be without the accounts.
    """

    _market: Market
    _taken: dict[tuple[Side, Decimal], tuple[Decimal, int]] = field(
        factory=dict[tuple[Side, Decimal], tuple[Decimal, int]], init=False
    )

    def levels(self, side: Side, now_ms: int) -> Iterator[Level]:
        """Iterate over what is left of the background orders on *side*, best first."""
        now = self._market.snapshot(now_ms)
        return self._left(now.bids if side is Side.BUY else now.asks, side, now_ms)

    def deep(self, side: Side, step: int, depth: int) -> Iterator[Level]:
        """Iterate over the same at the begin of a step, up to *depth* levels."""
        bids, asks = self._market.sides(step, depth)
        return self._left(bids if side is Side.BUY else asks, side, self._market.began_ms(step))

    def _left(self, levels: tuple[Level, ...], side: Side, now_ms: int) -> Iterator[Level]:
        for level in levels:
            if not self._taken:
                yield level
            # An order book set by a test may hold less than was taken of the old one.
            elif (left := level.amount - self._gone(side, level.price, now_ms)) > 0:
                yield Level(level.price, left, level.id)

    def take(self, side: Side, price: Decimal, quantity: Decimal, now_ms: int) -> None:
        """Record that *quantity* was taken from *side* at *price*."""
        self._taken[side, price] = self._gone(side, price, now_ms) + quantity, now_ms

    def _gone(self, side: Side, price: Decimal, now_ms: int) -> Decimal:
        taken, at_ms = self._taken.get((side, price), (Decimal(0), now_ms))
        return taken if now_ms - at_ms < REFILL_MS else Decimal(0)


def better(side: Side, one: Decimal, other: Decimal) -> bool:
    """Return whether, for an order on *side*, trading at *one* is strictly better than at *other*."""
    return one < other if side is Side.BUY else one > other
