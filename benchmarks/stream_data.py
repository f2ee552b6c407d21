"""What Bitstamp's channel of changed price levels would send: a market that changes by chance, always the same."""

from __future__ import annotations

import json
import random
from decimal import Decimal

__all__ = ["CHANNEL", "Market", "Rows", "frame"]

CHANNEL = "diff_order_book_btcusd"
MIDDLE = 6_300_000
Rows = tuple[list[list[str]], list[list[str]]]


class Market:
    """An order book, prices and amounts in text.

    Args:
        levels: Of each side at the beginning.
        changes: Rows of each frame, at most.

    Attributes:
        sides: Amounts by price, of bids and of asks.
    """

    def __init__(self, levels: int, changes: int) -> None:
        self._levels, self._changes = levels, changes
        self._chance = random.Random(f"{levels} {changes}")
        self.sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for side, sign in zip(self.sides, (-1, 1), strict=True):
            for distance in range(1, levels + 1):
                side[_price(MIDDLE + sign * 3 * distance)] = self._amount()

    def change(self) -> Rows:
        """Change it; return the rows that say how."""
        rows: Rows = ([], [])
        for _ in range(self._changes):
            which = self._chance.randrange(2)
            row = self._row(self.sides[which], -1 if which == 0 else 1)
            if row[0] not in {price for price, _ in rows[which]}:
                rows[which].append(row)
                self.sides[which][row[0]] = row[1]
                if not Decimal(row[1]):
                    del self.sides[which][row[0]]
        return rows

    def _row(self, side: dict[str, str], sign: int) -> list[str]:
        """Change an amount, as half of the rows do, or remove a level, or add one; mostly near the best price."""
        kind = self._chance.random()
        for _ in range(20):
            distance = int(min(self._chance.expovariate(1 / 60), 3 * self._levels))
            price = _price(MIDDLE + sign * (1 + distance))
            if (price in side) == (kind < 0.75):
                break
        return [price, "0.00000000" if price in side and kind >= 0.5 else self._amount()]

    def _amount(self) -> str:
        return format(Decimal(self._chance.randint(1, 10**9)).scaleb(-8), "f")


def _price(tick: int) -> str:
    return format(Decimal(tick).scaleb(-2), "f")


def frame(rows: Rows, at: int) -> bytes:
    """Write a frame; *at* is its moment in microseconds since 1970."""
    moment = str(at)
    data = {"timestamp": moment[:10], "microtimestamp": moment, "bids": rows[0], "asks": rows[1]}
    return json.dumps({"data": data, "channel": CHANNEL, "event": "data"}).encode()
