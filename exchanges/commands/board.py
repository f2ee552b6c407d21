"""What a poll has seen so far: one line per market."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median

from attrs import define, field

from exchanges import Update
from exchanges.commands.markets import Sight, names

__all__ = ["HEADS", "NUMBERS", "Board", "price"]

HEADS = ("exchange", "book", "last", "bid", "ask", "spread", "updates", "p50 latency")
NUMBERS = HEADS[2:]
LATENCIES_KEPT = 1000


@define
class _Market:
    """The newest prices of one market, how many answers came and, in seconds, how long the newest of them took."""

    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    updates: int = 0
    latencies: deque[float] = field(factory=lambda: deque[float](maxlen=LATENCIES_KEPT))

    def take(self, sight: Sight, seconds: float) -> None:
        """Take in an answer."""
        self.updates += 1
        self.latencies.append(seconds)
        self.bid, self.ask = sight.bid, sight.ask
        self.last = self.last if sight.last is None else sight.last

    def cells(self) -> tuple[str, ...]:
        """Write it under the last of `HEADS`."""
        spread = None if self.bid is None or self.ask is None else self.ask - self.bid
        latency = f"{median(self.latencies) * 1000:.1f} ms" if self.latencies else "-"
        return (*map(price, (self.last, self.bid, self.ask, spread)), str(self.updates), latency)


class Board:
    """The newest of every market, and the sources that fail or have not answered yet.

    Args:
        books: The books of each exchange.
    """

    def __init__(self, books: Mapping[str, Sequence[str]]) -> None:
        self.silent = names(books)
        self.failing: dict[str, Exception] = {}
        self._markets = {f"{exchange} {book}": _Market() for exchange in books for book in books[exchange]}

    def take(self, update: Update[Sight]) -> Board:
        """Take in what one source said."""
        if update.error is not None:
            self.failing[update.source] = update.error
        if update.value is not None:
            self.failing.pop(update.source, None)
            if update.source in self.silent:
                self.silent.remove(update.source)
            self._markets[update.source.rpartition(" ")[0]].take(update.value, update.latency_seconds)
        return self

    def rows(self) -> list[tuple[str, ...]]:
        """Write one line per market, under `HEADS`."""
        return [(*name.split(" "), *market.cells()) for name, market in self._markets.items()]


def price(number: Decimal | None) -> str:
    """Write a price in plain digits; a dash for none."""
    return "-" if number is None else f"{number:f}"
