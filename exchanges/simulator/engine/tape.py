"""The trades of one book that everybody sees: those of the background, and those of accounts between them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from exchanges.simulator.engine.fills import Fill
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import Order
from exchanges.simulator.engine.prices import TRADE_IDS, Market, Trade, hashed
from exchanges.simulator.engine.snapshots import Shared


class Tape(Shared):
    """The trades of a book; their ids rise with time.

    Args:
        market: The book without the accounts' orders.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._own: list[Trade] = []

    def between(self, since_ms: int, until_ms: int) -> list[Trade]:
        """List all trades after *since_ms* up to *until_ms*, newest first."""
        own = (trade for trade in reversed(self._own) if since_ms < trade.at_ms <= until_ms)
        return list(heapq.merge(self._market.trades(since_ms, until_ms), own, key=lambda t: t.id, reverse=True))

    def by_id(self, oldest: int, newest: int, *, ascending: bool) -> Iterator[Trade]:
        """Iterate over the trades whose ids are not below *oldest* and not above *newest*."""
        numbers = range(oldest // TRADE_IDS, newest // TRADE_IDS + 1)
        background = map(self._market.trade, numbers if ascending else reversed(numbers))
        own = self._own if ascending else reversed(self._own)
        merged = heapq.merge(background, own, key=lambda trade: trade.id, reverse=not ascending)
        return (trade for trade in merged if oldest <= trade.id <= newest)

    def last_id(self, now_ms: int) -> int:
        """Return the id of the latest trade."""
        number = self._market.trade_number(now_ms) * TRADE_IDS + TRADE_IDS // 2
        return max(number, self._own[-1].id if self._own else 0)

    def bounds(self, since_ms: int, until_ms: int) -> tuple[int, int]:
        """Return a lower and an upper bound of the ids of the trades between two moments."""
        oldest, newest = (self._market.trade_number(at_ms) for at_ms in (since_ms, until_ms))
        return oldest * TRADE_IDS, (newest + 1) * TRADE_IDS + TRADE_IDS // 2 - 1

    def add(self, order: Order, other: Order | None, fill: Fill, *, rested: bool) -> None:
        """Add a fill.

        Args:
            order: One side.
            other: The other side; None for the background.
            fill: What they exchanged.
            rested: Whether *order* was the one in the book.
        """
        trade_id = self.last_id(fill.at_ms) + 1
        other_id = hashed(self._market.own_salt, trade_id) >> 12 if other is None else other.id
        sides = (order.id, True), (other_id, other is not None)
        maker, taker = sides if rested else reversed(sides)
        self._own.append(
            Trade(
                id=trade_id,
                at_ms=fill.at_ms,
                price=fill.price,
                amount=fill.quantity,
                buyer_waited=(order.side is Side.BUY) is rested,
                maker=maker[0],
                taker=taker[0],
                owned=(maker[1], taker[1]),
            )
        )
