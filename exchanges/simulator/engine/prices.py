"""Prices that move: an order book, its trades and its candles at any time.

Everything is a pure function of the seed and of the time since the simulator started, in whole ticks. So no history is
kept: a trade of two days ago is the same however often it is requested, two simulators with the same seed show the same
prices after the same time whenever they are started, and two venues with the same seed move together, a little apart.

The price is a fixed centre times the sum of several noises, each of them linear between random points one period apart.
The last price, bids and asks lie on the same grid of levels.

Inside, time is counted from `ORIGIN_MS`, when every simulator starts; arguments and results are wall-clock times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TypeAlias

from attrs import evolve, frozen

from exchanges.simulator.engine.snapshots import Shared

ORIGIN_MS = 1_700_000_000_000
"""The start of every simulator on the clock that prices follow. Large, so that trades before the start have ids too."""

STEP_MS = 100
"""The price changes this often."""
TRADE_MS = 30_000
"""There is one trade in each period of this length."""
TRADE_IDS = 1000
"""Ids for the trades of one period: those of accounts come before or behind that of the background."""
PARTS = 3
"""A level of the background is made of up to this many orders, with consecutive ids."""
DEPTH = 50
MAX_GRID = 4096
"""How many levels are remembered; each is always the same, and costs several hashes."""
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
_SAMPLE_MS = 20 * MINUTE_MS
_SLOW = ((6 * HOUR_MS, 30_000), (_SAMPLE_MS, 6_000))  # period, and how far up and down in millionths
_FAST = ((MINUTE_MS, 1_500), (2_000, 300))
_OWN = (37_000, 900)
_MARGIN = sum(size for _, size in (*_FAST, _OWN))
_MILLION = 1_000_000
_MASK = (1 << 64) - 1


def _mix(value: int) -> int:
    """Hash *value* to 64 bits (splitmix64)."""
    value = (value * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def hashed(*parts: object) -> int:
    """Hash values to 64 bits."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


@frozen
class BookSpec:
    """What defines an order book.

    Attributes:
        name: As the exchange writes it.
        base: The currency that is bought and sold.
        quote: The currency of prices.
        centre: Average price of one unit of base.
        tick: The step of prices; all prices have its number of digits.
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
    """The amount of base at one price."""

    price: Decimal
    amount: Decimal
    id: int


@frozen
class Trade:
    """One trade.

    Attributes:
        id: Grows with each trade of the book.
        at_ms: Milliseconds since 1970.
        price: Quote per base.
        amount: Base.
        buyer_waited: Whether the order to buy was the resting one.
        maker: Id of the resting order.
        taker: Id of the order that met it.
        owned: Whether maker and taker are orders of accounts.
    """

    id: int
    at_ms: int
    price: Decimal
    amount: Decimal
    buyer_waited: bool
    maker: int = 0
    taker: int = 0
    owned: tuple[bool, bool] = (False, False)


@frozen
class Bar:
    """What happened in one period. Prices in quote per base, volume in base."""

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
    """A book at one time; best prices first."""

    at_ms: int
    last: Decimal
    before_last: Decimal
    seller_waited: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    day: Bar


Levels: TypeAlias = Sequence[tuple[Decimal, Decimal]]


class Market(Shared):
    """One order book of one venue, without the orders of accounts.

    Args:
        spec: What defines it.
        seed: Seed of the prices.
        venue: Has a noise of its own; all others are shared with the venues of the same seed.
        started_ms: When the simulator started, in milliseconds since 1970.
    """

    def __init__(self, spec: BookSpec, seed: int, venue: str, started_ms: int = ORIGIN_MS) -> None:
        self.spec = spec
        self.started_ms = started_ms
        self._since_start_ms = started_ms - ORIGIN_MS
        self._shared = hashed(seed, spec.base, spec.quote)
        self._own = hashed(seed, venue, spec.name)
        self._centre = int(spec.centre / spec.tick)
        self._days: dict[int, Bar] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._grid: dict[tuple[int, int], Level] = {}
        self._fixed_price: Decimal | None = None
        self._fixed_sides: tuple[tuple[Level, ...], tuple[Level, ...]] | None = None
        self.trade_ms = TRADE_MS
        """There is one trade of the background in each period of this length."""
        self.version = 0
        """How often a test has set something."""

    def price(self, at_ms: int) -> Decimal:
        """Return what one unit of base costs."""
        if self._fixed_price is not None:
            return self._fixed_price
        return self._on_grid(self._ticks(at_ms - self._since_start_ms))

    def snapshot(self, at_ms: int) -> Snapshot:
        """Return the book."""
        step = self.step_of(at_ms)
        # Only the latest is kept: requests come at about the same time, and a long simulation has millions of steps.
        if step not in self._snapshots:
            self._snapshots.clear()
            self._snapshots[step] = self._fixed(self._look(step * STEP_MS))
        return self._snapshots[step]

    @property
    def own_salt(self) -> int:
        """What is random at this book alone."""
        return self._own

    @property
    def moves(self) -> bool:
        """Whether no test has set price or book."""
        return self._fixed_price is None and self._fixed_sides is None

    def step_of(self, at_ms: int) -> int:
        """Return the number of the step that *at_ms* lies in, counted from `ORIGIN_MS`."""
        return (at_ms - self._since_start_ms) // STEP_MS

    def began_ms(self, step: int) -> int:
        """Return when a step began."""
        return step * STEP_MS + self._since_start_ms

    def sides(self, step: int, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return bids and asks in one step, best first, *depth* levels of each unless a test has set them."""
        if self._fixed_sides is not None:
            return self._fixed_sides
        return self._sides(self._level_at(step * STEP_MS), depth)

    def trades(self, since_ms: int, until_ms: int) -> list[Trade]:
        """List all trades of the background after *since_ms* up to *until_ms*, newest first."""
        first, last = ((at_ms - self._since_start_ms) // self.trade_ms for at_ms in (since_ms, until_ms))
        return [trade for trade in map(self.trade, range(last, first - 1, -1)) if since_ms < trade.at_ms <= until_ms]

    def trade(self, number: int) -> Trade:
        """Return the trade of the background in the period with this number."""
        random = _mix(self._own ^ (number << 8))
        at_ms = number * self.trade_ms + random % self.trade_ms
        buyer_waited = bool(random >> 63)
        level = self._level(self._ticks(at_ms) // self.spec.gap + (not buyer_waited), 2 if buyer_waited else 1)
        amount, taker = self._amount(3, number), _mix(random) >> 12
        trade_id = number * TRADE_IDS + TRADE_IDS // 2
        maker = level.id * PARTS
        return Trade(trade_id, at_ms + self._since_start_ms, level.price, amount, buyer_waited, maker, taker)

    def trade_number(self, at_ms: int) -> int:
        """Return the number of the period with the latest trade of the background."""
        number = (at_ms - self._since_start_ms) // self.trade_ms
        return number if self.trade(number).at_ms <= at_ms else number - 1

    def bars(self, period_ms: int, count: int, at_ms: int, now_ms: int | None = None) -> list[Bar]:
        """Return *count* bars of *period_ms*, oldest first, up to the one that *at_ms* lies in.

        They begin at whole periods of the wall clock, as those of an exchange do. The one that *now_ms* lies in
        (default: *at_ms*) is not over yet.
        """
        now_ms = at_ms if now_ms is None else now_ms
        current = at_ms // period_ms
        starts = (number * period_ms for number in range(current - count + 1, current + 1))
        return [self._bar(start, min(start + period_ms, now_ms), points=8) for start in starts]

    # Set by tests

    def fix_price(self, price: Decimal | None) -> None:
        """Stop the price at *price*, with the levels of the book around it; None: let it move again.

        Raises:
            ValueError: Below the first level, or not a multiple of the tick.
        """
        lowest = self._decimal(self.spec.gap)
        if price is not None and (price < lowest or price % self.spec.tick):
            raise ValueError(
                f"{self.spec.name}: prices are at least {lowest}, in steps of {self.spec.tick}; got {price}"
            )
        self._fixed_price = None if price is None else price.quantize(self.spec.tick)
        self._snapshots.clear()
        self.version += 1

    def fix_book(self, bids: Levels, asks: Levels) -> None:
        """Stop the order book at these levels of price and amount; two empty sides: let it move again.

        Raises:
            ValueError: One side is empty, an amount or a price is not positive, or bids and asks cross.
        """
        self._snapshots.clear()
        self.version += 1
        if not bids and not asks:
            self._fixed_sides = None
            return
        if not bids or not asks or max(bids)[0] >= min(asks)[0]:
            raise ValueError(f"{self.spec.name}: both sides need levels, and the bids must lie below the asks")
        if min(price for price, _ in bids) <= 0 or min(amount for _, amount in (*bids, *asks)) <= 0:
            raise ValueError(f"{self.spec.name}: prices and amounts must be positive")
        best_first = sorted(bids, reverse=True), sorted(asks)
        self._fixed_sides = self._levels(best_first[0]), self._levels(best_first[1])

    # Within

    def _levels(self, side: Levels) -> tuple[Level, ...]:
        return tuple(
            Level(price, amount, _mix(self._own ^ int(price / self.spec.tick)) >> 12) for price, amount in side
        )

    def _fixed(self, now: Snapshot) -> Snapshot:
        """Apply what was set by tests; the bounds of the day keep holding all prices."""
        if self._fixed_sides is None and self._fixed_price is None:
            return now
        if self._fixed_sides is not None:
            bids, asks = self._fixed_sides
            last = (asks[0] if now.seller_waited else bids[0]).price
            now = evolve(now, bids=bids, asks=asks, last=last, before_last=last)
        if self._fixed_price is not None:
            now = evolve(now, last=self._fixed_price, before_last=self._fixed_price)
        day = evolve(now.day, low=min(now.day.low, now.last), high=max(now.day.high, now.last))
        return evolve(now, day=day)

    def _noise(self, salt: int, at_ms: int, period_ms: int, size: int) -> int:
        """Return a noise between -size and size, in millionths."""
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
        return ticks * self.spec.tick

    def _on_grid(self, ticks: int) -> Decimal:
        return self._decimal(ticks // self.spec.gap * self.spec.gap)

    def _amount(self, salt: int, number: int) -> Decimal:
        """Return an amount between about 0.01 and 2.6 units of base, with eight decimals."""
        return Decimal(1_000_000 + (_mix(self._own ^ salt ^ number) >> 36)).scaleb(-8)

    def _level_at(self, at_ms: int) -> int:
        """Return the number of the level of the best bid."""
        ticks = self._ticks(at_ms) if self._fixed_price is None else int(self._fixed_price / self.spec.tick)
        return ticks // self.spec.gap

    def _sides(self, level: int, depth: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        asks = tuple(self._level(level + 1 + n, salt=1) for n in range(depth))
        return tuple(self._level(level - n, salt=2) for n in range(min(depth, level))), asks

    def _look(self, at_ms: int) -> Snapshot:
        seller_waited = bool(_mix(self._own ^ at_ms) & 1)
        bids, asks = self._sides(self._level_at(at_ms), DEPTH)
        return Snapshot(
            at_ms=at_ms + self._since_start_ms,
            last=asks[0].price if seller_waited else bids[0].price,
            before_last=self._on_grid(self._ticks(at_ms - STEP_MS)),
            seller_waited=seller_waited,
            bids=bids,
            asks=asks,
            day=self._day(at_ms // _SAMPLE_MS),
        )

    def _level(self, number: int, salt: int) -> Level:
        level = self._grid.get((number, salt))
        if level is None:
            if len(self._grid) >= MAX_GRID:
                self._grid.clear()
            mixed = _mix(salt)
            amount, level_id = self._amount(mixed, number), _mix(self._own ^ mixed ^ number) >> 12
            level = self._grid[number, salt] = Level(self._decimal(number * self.spec.gap), amount, level_id)
        return level

    def _day(self, sample: int) -> Bar:
        """Return the 24 hours before a sample, with a low and a high that no price in them exceeds."""
        if sample not in self._days:
            self._days.clear()
            start, end = sample * _SAMPLE_MS - DAY_MS, (sample + 1) * _SAMPLE_MS
            # The slow noises are linear between samples, and the others never exceed the margin.
            slow = [self._slow(at) for at in range(start, end + 1, _SAMPLE_MS)]
            high = self._centre * (_MILLION + max(slow) + _MARGIN) // _MILLION
            low = self._centre * (_MILLION + min(slow) - _MARGIN) // _MILLION
            since, gap = self._since_start_ms, self.spec.gap * self.spec.tick
            bar = self._bar(start + since, sample * _SAMPLE_MS + since, points=len(slow))
            self._days[sample] = evolve(bar, high=self._on_grid(high) + 2 * gap, low=self._on_grid(low) - gap)
        return self._days[sample]

    def _bar(self, start_ms: int, end_ms: int, points: int) -> Bar:
        start, end = start_ms - self._since_start_ms, end_ms - self._since_start_ms
        ticks = [self._ticks(start + (end - start) * n // points) for n in range(points + 1)]
        weights = [1 + (_mix(self._own ^ (start + n)) >> 57) for n in range(points)]
        paid = sum(weight * (a + b) for weight, (a, b) in zip(weights, pairwise(ticks), strict=True))
        return Bar(
            start_ms=start_ms,
            open=self._on_grid(ticks[0]),
            close=self._on_grid(ticks[-1]),
            high=self._on_grid(max(ticks)),
            low=self._on_grid(min(ticks)),
            before_close=self._on_grid(ticks[-2]),
            vwap=self._on_grid(paid // (2 * sum(weights))),
            volume=sum((self._amount(4, start + n) * weight for n, weight in enumerate(weights)), Decimal(0)),
        )
