"""Prices that move: an order book, its trades and its candles at any moment.

Everything is a pure function of the seed and the moment, in whole numbers of ticks. So there is no history to keep: a
trade of an hour ago, or of two days ago, is the same whenever and however often it is asked for, and two venues with
the same seed move together, a little apart.

The price is a fixed centre times the sum of several noises, each of them linear between random points that lie one
period apart. What is last, what is bid and what is asked stand on the same grid of levels.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from itertools import pairwise

from attrs import frozen

from exchanges.simulator.engine.snapshots import Shared

__all__ = ["Bar", "BookFacts", "Level", "Market", "Snapshot", "Trade"]

STEP_MS = 100
"""The price stands still for so long."""
TRADE_MS = 30_000
"""One trade in each stretch of so long."""
DEPTH = 50
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
_SAMPLE_MS = 20 * MINUTE_MS
_SLOW = ((6 * HOUR_MS, 30_000), (_SAMPLE_MS, 6_000))  # period, and how far up and down in millionths
_FAST = ((MINUTE_MS, 1_500), (2_000, 300))
_OWN = (37_000, 900)
_MARGIN = sum(size for _, size in (*_FAST, _OWN))
_MILLION = 1_000_000
_MASK = (1 << 64) - 1


def _mix(value: int) -> int:
    """Spread *value* over 64 bits (splitmix64)."""
    value = (value * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _salt(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


@frozen
class BookFacts:
    """What an order book is.

    Attributes:
        name: As the exchange writes it.
        base: The currency that is bought and sold.
        quote: The currency that is paid.
        centre: About what one unit of base costs.
        tick: The step of prices; its digits are those of all prices.
        gap: Ticks between two levels.
    """

    name: str
    base: str
    quote: str
    centre: Decimal | int
    tick: Decimal
    gap: int


@frozen
class Level:
    """What is offered, or wanted, at one price."""

    price: Decimal
    amount: Decimal
    id: int


@frozen
class Trade:
    """One trade between two strangers.

    Attributes:
        id: Grows by one with each trade of the book.
        at_ms: Milliseconds since 1970.
        price: Quote per base.
        amount: Base.
        buyer_waited: Whether the order to buy was the one that stood in the book.
    """

    id: int
    at_ms: int
    price: Decimal
    amount: Decimal
    buyer_waited: bool


@frozen
class Bar:
    """What happened in one stretch of time. Prices in quote per base, volume in base."""

    start_ms: int
    open: Decimal
    close: Decimal
    high: Decimal
    low: Decimal
    before_close: Decimal
    vwap: Decimal
    volume: Decimal


@frozen
class Snapshot:
    """A book at one moment; best prices first."""

    at_ms: int
    last: Decimal
    before_last: Decimal
    seller_waited: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    day: Bar


class Market(Shared):
    """One order book of one venue.

    Args:
        facts: What it is.
        seed: Where chance begins.
        venue: Has a noise of its own; all others are shared with the venues of the same seed.
    """

    def __init__(self, facts: BookFacts, seed: int, venue: str) -> None:
        self.facts = facts
        self._shared = _salt(seed, facts.base, facts.quote)
        self._own = _salt(seed, venue, facts.name)
        self._centre = int(facts.centre / facts.tick)
        self._days: dict[int, Bar] = {}
        self._snapshots: dict[int, Snapshot] = {}

    def price(self, at_ms: int) -> Decimal:
        """Say what one unit of base costs."""
        return self._on_grid(self._ticks(at_ms))

    def snapshot(self, at_ms: int) -> Snapshot:
        """Look at the book."""
        step = at_ms // STEP_MS
        if step not in self._snapshots:
            self._snapshots.clear()
            self._snapshots[step] = self._look(step * STEP_MS)
        return self._snapshots[step]

    def trades(self, since_ms: int, until_ms: int) -> list[Trade]:
        """List all trades after *since_ms* up to *until_ms*, newest first."""
        numbers = range(until_ms // TRADE_MS, since_ms // TRADE_MS - 1, -1)
        return [trade for trade in map(self.trade, numbers) if since_ms < trade.at_ms <= until_ms]

    def trade(self, number: int) -> Trade:
        """Find a trade by its id."""
        chance = _mix(self._own ^ (number << 8))
        at_ms = number * TRADE_MS + chance % TRADE_MS
        buyer_waited = bool(chance >> 63)
        level = self._ticks(at_ms) // self.facts.gap + (not buyer_waited)
        amount = self._amount(3, number)
        return Trade(number, at_ms, self._decimal(level * self.facts.gap), amount, buyer_waited)

    def trade_number(self, at_ms: int) -> int:
        """Give the id of the latest trade."""
        number = at_ms // TRADE_MS
        return number if self.trade(number).at_ms <= at_ms else number - 1

    def bars(self, period_ms: int, count: int, at_ms: int) -> list[Bar]:
        """Draw *count* stretches of *period_ms*, oldest first; the last of them is not over yet."""
        current = at_ms // period_ms
        starts = (number * period_ms for number in range(current - count + 1, current + 1))
        return [self._bar(start, min(start + period_ms, at_ms), points=8) for start in starts]

    # Within

    def _noise(self, salt: int, at_ms: int, period_ms: int, size: int) -> int:
        """Make a noise between -size and size, in millionths."""
        number, within = divmod(at_ms, period_ms)
        left, right = _mix(salt ^ (number * period_ms)) >> 44, _mix(salt ^ ((number + 1) * period_ms)) >> 44
        height = (left * (period_ms - within) + right * within) // period_ms - (1 << 19)
        return height * size >> 19

    def _slow(self, at_ms: int) -> int:
        return sum(self._noise(self._shared ^ size, at_ms, period, size) for period, size in _SLOW)

    def _ticks(self, at_ms: int) -> int:
        millionths = _MILLION + self._slow(at_ms) + self._noise(self._own, at_ms, *_OWN)
        millionths += sum(self._noise(self._shared ^ size, at_ms, period, size) for period, size in _FAST)
        return self._centre * millionths // _MILLION

    def _decimal(self, ticks: int) -> Decimal:
        return ticks * self.facts.tick

    def _on_grid(self, ticks: int) -> Decimal:
        return self._decimal(ticks // self.facts.gap * self.facts.gap)

    def _amount(self, salt: int, number: int) -> Decimal:
        """Draw an amount between about 0.01 and 2.6 units of base, with eight decimals."""
        return Decimal(1_000_000 + (_mix(self._own ^ salt ^ number) >> 36)).scaleb(-8)

    def _look(self, at_ms: int) -> Snapshot:
        level = self._ticks(at_ms) // self.facts.gap
        seller_waited = bool(_mix(self._own ^ at_ms) & 1)
        asks = tuple(self._level(level + 1 + n, salt=1) for n in range(DEPTH))
        bids = tuple(self._level(level - n, salt=2) for n in range(DEPTH))
        return Snapshot(
            at_ms=at_ms,
            last=asks[0].price if seller_waited else bids[0].price,
            before_last=self.price(at_ms - STEP_MS),
            seller_waited=seller_waited,
            bids=bids,
            asks=asks,
            day=self._day(at_ms // _SAMPLE_MS),
        )

    def _level(self, number: int, salt: int) -> Level:
        salt = _mix(salt)
        amount = self._amount(salt, number)
        return Level(self._decimal(number * self.facts.gap), amount, _mix(self._own ^ salt ^ number) >> 12)

    def _day(self, sample: int) -> Bar:
        """Sum up the 24 hours up to now, in bounds that no price in them leaves."""
        if sample not in self._days:
            self._days.clear()
            start, end = sample * _SAMPLE_MS - DAY_MS, (sample + 1) * _SAMPLE_MS
            slow = [self._slow(at) for at in range(start, end + 1, _SAMPLE_MS)]
            high = self._centre * (_MILLION + max(slow) + _MARGIN) // _MILLION
            low = self._centre * (_MILLION + min(slow) - _MARGIN) // _MILLION
            bar = self._bar(start, sample * _SAMPLE_MS, points=len(slow))
            gap = self.facts.gap * self.facts.tick
            self._days[sample] = Bar(
                start_ms=start,
                open=bar.open,
                close=bar.close,
                high=self._on_grid(high) + 2 * gap,
                low=self._on_grid(low) - gap,
                before_close=bar.before_close,
                vwap=bar.vwap,
                volume=bar.volume,
            )
        return self._days[sample]

    def _bar(self, start_ms: int, end_ms: int, points: int) -> Bar:
        ticks = [self._ticks(start_ms + (end_ms - start_ms) * n // points) for n in range(points + 1)]
        weights = [1 + (_mix(self._own ^ (start_ms + n)) >> 57) for n in range(points)]
        paid = sum(weight * (a + b) for weight, (a, b) in zip(weights, pairwise(ticks), strict=True))
        return Bar(
            start_ms=start_ms,
            open=self._on_grid(ticks[0]),
            close=self._on_grid(ticks[-1]),
            high=self._on_grid(max(ticks)),
            low=self._on_grid(min(ticks)),
            before_close=self._on_grid(ticks[-2]),
            vwap=self._on_grid(paid // (2 * sum(weights))),
            volume=sum((self._amount(4, start_ms + n) * weight for n, weight in enumerate(weights)), Decimal(0)),
        )
