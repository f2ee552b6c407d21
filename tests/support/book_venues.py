"""Markets whose true book is known at each moment, with the channels and the endpoint that show them; virtual time.

What makes kept books wrong is played on purpose: frames of changes are net changes since the last frame, levels flash
up and vanish between two frames, and the order book that is read comes out of a cache and is stamped with its last
change.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

from exchanges.bitstamp.models.market import PriceLevel
from exchanges.streams.keepers import LevelsFrame, LevelsSnapshot, OrderChange, OrdersFrame, OrdersSnapshot

BEGIN = 1_789_000_000_000_000
MIDDLE = 50_000
LEAST, MOST = 6, 60
Amounts = dict[Decimal, Decimal]
Book = tuple[Amounts, Amounts]


def price_of(tick: int) -> Decimal:
    """The price of a tick."""
    return Decimal(tick).scaleb(-2)


class Market:
    """A book that changes by chance, and what it was at each moment.

    Attributes:
        bids: Amounts by price.
        asks: Amounts by price.
        at: Moment of the last change, in microseconds since 1970.
        watch: Called with each change: whether it is a bid, its price, the amount before.
    """

    def __init__(self, chance: random.Random, *, levels: int = 30) -> None:
        self.chance = chance
        self.bids: Amounts = {}
        self.asks: Amounts = {}
        self.at = BEGIN
        self.history: list[tuple[int, bool, Decimal, Decimal | None]] = []
        self.watch: list[Callable[[bool, Decimal, Decimal | None], None]] = []
        for distance in range(1, levels + 1):
            self._set(True, price_of(MIDDLE - 2 * distance), self._amount())
            self._set(False, price_of(MIDDLE + 2 * distance), self._amount())

    def _amount(self) -> Decimal:
        return Decimal(self.chance.randint(1, 10**9)).scaleb(-8)

    def _set(self, is_bid: bool, price: Decimal, amount: Decimal | None) -> None:
        side = self.bids if is_bid else self.asks
        before = side.get(price)
        if amount is None:
            side.pop(price, None)
        else:
            side[price] = amount
        self.history.append((self.at, is_bid, price, before))
        for watch in self.watch:
            watch(is_bid, price, before)

    def step(self, now: float) -> tuple[bool, Decimal, Decimal | None]:
        """Change one level; return what it was before, so that it can be changed back."""
        chance = self.chance
        self.at = max(self.at + 1, BEGIN + int(now * 1e6))
        is_bid = chance.random() < 0.5
        side = self.bids if is_bid else self.asks
        fate = chance.random()
        if (fate < 0.3 and len(side) > LEAST) or len(side) >= MOST:
            best = max(side) if is_bid else min(side)
            price, amount = (best if chance.random() < 0.4 else chance.choice(list(side))), None
        elif fate < 0.65:
            price, amount = chance.choice(list(side)), self._amount()
        else:
            price, amount = self._near(is_bid), self._amount()
        before = side.get(price)
        self._set(is_bid, price, amount)
        return is_bid, price, before

    def back(self, change: tuple[bool, Decimal, Decimal | None], now: float) -> None:
        """Change a level back, unless the book would cross."""
        is_bid, price, before = change
        if before is not None and not (price < min(self.asks) if is_bid else price > max(self.bids)):
            return
        if before is None and len(self.bids if is_bid else self.asks) <= LEAST:
            return
        self.at = max(self.at + 1, BEGIN + int(now * 1e6))
        self._set(is_bid, price, before)

    def _near(self, is_bid: bool) -> Decimal:
        """Return a price near the best of the other side, without crossing it."""
        if is_bid:
            return min(self.asks) - price_of(self.chance.randint(1, 30))
        return max(self.bids) + price_of(self.chance.randint(1, 30))

    def book(self, at: int) -> Book:
        """Return the book as it was at a moment."""
        bids, asks = dict(self.bids), dict(self.asks)
        for moment, is_bid, price, before in reversed(self.history):
            if moment <= at:
                break
            side = bids if is_bid else asks
            if before is None:
                side.pop(price, None)
            else:
                side[price] = before
        return bids, asks

    def read(self, at: int) -> LevelsSnapshot:
        """Return the order book of a moment, stamped with its last change."""
        for moment, *_ in reversed(self.history):
            if moment <= at:
                return levels_snapshot(self.book(moment), moment)
        return levels_snapshot(self.book(BEGIN), BEGIN)


def top(amounts: Amounts, depth: int, *, is_bids: bool) -> list[tuple[Decimal, Decimal]]:
    """Return the best levels, best first."""
    return sorted(amounts.items(), reverse=is_bids)[:depth]


def texts(rows: list[tuple[Decimal, Decimal]]) -> list[tuple[str, str]]:
    """Return rows as they are sent."""
    return [(format(price, "f"), format(amount, "f")) for price, amount in rows]


def levels_snapshot(book: Book, at: int) -> LevelsSnapshot:
    """Return a book as it is read."""
    bids, asks = (
        [PriceLevel(price, amount) for price, amount in top(side, 10_000, is_bids=is_bids)]
        for side, is_bids in ((book[0], True), (book[1], False))
    )
    return LevelsSnapshot(at, bids, asks)


class Diffs:
    """The channel of net changes."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.before: dict[tuple[bool, Decimal], Decimal | None] = {}
        market.watch.append(self._note)

    def _note(self, is_bid: bool, price: Decimal, before: Decimal | None) -> None:
        self.before.setdefault((is_bid, price), before)

    def frame(self) -> LevelsFrame | None:
        """Return what has changed since the last frame; None if nothing has."""
        rows: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        for (is_bid, price), before in self.before.items():
            now = (self.market.bids if is_bid else self.market.asks).get(price)
            if now != before:
                rows[is_bid].append((format(price, "f"), format(now or Decimal("0.00000000"), "f")))
        self.before.clear()
        if not rows[True] and not rows[False]:
            return None
        return LevelsFrame(self.market.at, rows[True], rows[False])


class Wholes:
    """The channel of the best levels."""

    def __init__(self, market: Market, depth: int) -> None:
        self.market, self.depth = market, depth
        self.last: object = None

    def frame(self) -> LevelsFrame | None:
        """Return the best levels; None if they are as in the last frame."""
        best = tuple(top(s, self.depth, is_bids=b) for s, b in ((self.market.bids, True), (self.market.asks, False)))
        if best == self.last:
            return None
        self.last = best
        return LevelsFrame(self.market.at, texts(best[0]), texts(best[1]))


class Cache:
    """The endpoint, behind a cache that others' reads keep filled: what it answers is up to a second old."""

    def __init__(self, market: Market, seconds: float = 1.0) -> None:
        self.market, self.seconds = market, seconds
        self.phase = market.chance.random() * seconds

    def read(self, now: float) -> LevelsSnapshot:
        """Return the book as it was when the cache was filled last."""
        filled = (now + self.phase) // self.seconds * self.seconds - self.phase
        return self.market.read(BEGIN + int(filled * 1e6))


class Numbered:
    """A market of single orders, its numbered channel and its endpoint.

    Attributes:
        sequence: Of the last frame.
    """

    def __init__(self, chance: random.Random, *, orders: int = 40) -> None:
        self.chance = chance
        self.sequence = 900_000_000
        self.orders: dict[str, tuple[bool, Decimal, Decimal]] = {}
        self.bids: Amounts = {}
        self.asks: Amounts = {}
        self.history: list[tuple[int, bool, Decimal, Decimal | None]] = []
        self.made = 0
        self.pending: list[OrderChange] = []
        for _ in range(orders):
            for is_bid in (True, False):
                tick = MIDDLE + (-1 if is_bid else 1) * chance.randint(1, 60)
                self._open(is_bid, price_of(tick))
        self.pending.clear()
        self.history.clear()

    def _sum(self, is_bid: bool, price: Decimal, amount: Decimal) -> None:
        side = self.bids if is_bid else self.asks
        before = side.get(price)
        total = (before or Decimal(0)) + amount
        if total:
            side[price] = total
        else:
            del side[price]
        self.history.append((self.sequence, is_bid, price, before))

    def _open(self, is_bid: bool, price: Decimal, order_id: str = "") -> None:
        amount = Decimal(self.chance.randint(1, 10**9)).scaleb(-8)
        self.made += 1
        order_id = order_id or f"order{self.made:011}"
        self.orders[order_id] = (is_bid, price, amount)
        self._sum(is_bid, price, amount)
        self.pending.append(OrderChange(order_id, is_bid, True, format(price, "f"), format(amount, "f")))

    def _remove(self, order_id: str) -> None:
        is_bid, price, amount = self.orders.pop(order_id)
        self._sum(is_bid, price, -amount)
        self.pending.append(OrderChange(order_id, is_bid, False, format(price, "f"), None))

    def step(self, now: float) -> OrdersFrame:
        """Change some orders; return the frame that says so."""
        chance = self.chance
        self.sequence += 1
        for _ in range(1 if chance.random() < 0.8 else chance.randint(2, 3)):
            fate = chance.random()
            if fate < 0.45 and len(self.orders) > 20:
                order_id = chance.choice(list(self.orders))
                is_bid, price, _ = self.orders[order_id]
                if len(self.bids if is_bid else self.asks) > 2:
                    self._remove(order_id)
            elif fate < 0.6 and self.orders:
                order_id = chance.choice(list(self.orders))
                is_bid, price, amount = self.orders[order_id]
                self._sum(is_bid, price, -amount)
                self._open(is_bid, price, order_id)
            else:
                is_bid = chance.random() < 0.5
                best = min(self.asks) if is_bid else max(self.bids)
                distance = price_of(chance.randint(1, 30))
                self._open(is_bid, best - distance if is_bid else best + distance)
        changes, self.pending = self.pending, []
        return OrdersFrame(self.sequence, BEGIN + int(now * 1e6), changes)

    def read(self, now: float) -> OrdersSnapshot:
        """Return the book as it is now."""
        rows: dict[bool, list[tuple[str, Decimal, Decimal]]] = {True: [], False: []}
        for order_id, (is_bid, price, amount) in self.orders.items():
            rows[is_bid].append((order_id, price, amount))
        return OrdersSnapshot(self.sequence, BEGIN + int(now * 1e6), rows[True], rows[False])

    book = Market.book
