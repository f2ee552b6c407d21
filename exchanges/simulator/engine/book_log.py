"""Everything that happens in one order book, change by change, so that streams and snapshots tell the same story.

The background moves once in each step, as a whole. Here its changes are spread over the step, each with a microsecond
and a sequence number of its own, and short-lived orders come and go between them. Whoever looks only now and then, at a
snapshot or at the net changes since the last frame, misses some of it, as at a real exchange.

Changes by accounts, and by tests, happen at once. At no time do bids and asks cross.

A log begins when something first asks for it. While nothing asks, steps are skipped: their net effect is one bundle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby, takewhile
from typing import TypeAlias

from attrs import evolve, field, frozen

from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.prices import MAX_GRID, PARTS, STEP_MS, Level, hashed
from exchanges.simulator.engine.snapshots import Shared

DEPTH = 120
"""Levels of the background on each side: more than the hundred that a short book shows."""
KEPT = 200_000
"""Changes that can be undone in order to look back."""
FLICKER_STEPS = 10
"""In one of so many steps an order comes that leaves soon: about one a second, so that one snapshot in ten has one of
which no frame tells."""
STEP_US = STEP_MS * 1000
_SMALLEST = Decimal("0.00000001")
_NOTHING = Decimal(0)


@frozen
class Resting:
    """An order in the book.

    Attributes:
        id: Unique in the book; of an account's order, the engine's id.
        side: What it wants.
        price: Quote per base.
        amount: Base: what is left of it.
        placed_us: Microseconds since 1970.
        owned: Whether it belongs to an account.
    """

    id: int
    side: Side
    price: Decimal
    amount: Decimal
    placed_us: int = field(eq=False)
    owned: bool = False


Key: TypeAlias = tuple[bool, int]
Orders: TypeAlias = dict[Key, Resting]
Step: TypeAlias = tuple[Key, Resting | None]
"""What becomes of one order."""


@frozen
class BookChange:
    """One change of a book.

    Attributes:
        sequence: One more than that of the change before, unless both happened at the same moment.
        at_us: Microseconds since 1970.
        before: The order before; None for a new one.
        after: The order now; None for one that left the book.
    """

    sequence: int
    at_us: int
    before: Resting | None
    after: Resting | None

    @property
    def order(self) -> Resting:
        """The order, as it is now or was last."""
        order = self.after or self.before
        if order is None:
            raise TypeError("a change without an order")
        return order


@frozen
class BookState:
    """A book at one moment.

    Attributes:
        sequence: Of the last change.
        at_us: Microseconds since 1970: when it changed last.
        orders: In the book.
    """

    sequence: int
    at_us: int
    orders: Orders

    def queue(self, side: Side) -> list[Resting]:
        """List the orders of one side, best first, at equal prices oldest first."""
        sign = -1 if side is Side.BUY else 1
        own = (order for order in self.orders.values() if order.side is side)
        return sorted(own, key=lambda order: (sign * order.price, order.placed_us, order.id))

    def levels(self, side: Side) -> tuple[Level, ...]:
        """Return one side by price, best first; a level has the id of one of its orders."""
        amounts: dict[Decimal, Decimal] = {}
        ids: dict[Decimal, int] = {}
        for order in self.orders.values():
            if order.side is side:
                amounts[order.price] = amounts.get(order.price, _NOTHING) + order.amount
                ids[order.price] = order.id
        prices = sorted(amounts, reverse=side is Side.BUY)
        return tuple(Level(price, amounts[price], ids[price]) for price in prices)

    @property
    def bids(self) -> tuple[Level, ...]:
        """Bids by price, best first."""
        return self.levels(Side.BUY)

    @property
    def asks(self) -> tuple[Level, ...]:
        """Asks by price, best first."""
        return self.levels(Side.SELL)


class BookLog(Shared):
    """The changes of one book from *now_ms* on.

    Args:
        matching: The book.
        now_ms: Milliseconds since 1970.
    """

    def __init__(self, matching: MatchingEngine, now_ms: int) -> None:
        self._matching = matching
        self._market = matching.market
        self._salt = hashed(self._market.own_salt, "log")
        self._step = self._market.step_of(now_ms)
        self._version = self._market.version
        self._touched_ms: int | None = None
        self._planned: deque[tuple[int, Sequence[Step]]] = deque()
        self._flickers: dict[Key, int] = {}
        self._changes: deque[BookChange] = deque(maxlen=KEPT)
        self._began_at_us = self._last_us = self._began_us(self._step)
        # Steps are counted from one origin for all starts, so the same steps of a test show the same numbers.
        self._sequence = self._step
        self._known: dict[tuple[int, Decimal], tuple[Resting, ...]] = {}
        self._orders = self._target(self._step)

    def touch(self, now_ms: int) -> None:
        """Note that an account has changed the book."""
        self._touched_ms = now_ms

    def sync(self, now_ms: int) -> None:
        """Carry out everything that is due by *now_ms*."""
        if self._market.version != self._version:
            self._version, self._touched_ms = self._market.version, now_ms
            self._known.clear()
        self.settle()
        self._advance(now_ms)

    def settle(self) -> None:
        """Apply what an account has changed, before anything else happens to the book."""
        if self._touched_ms is not None:
            touched_ms, self._touched_ms = max(self._touched_ms, self._market.began_ms(self._step)), None
            self._advance(touched_ms)
            self._flickers.clear()  # `_differences` removes them with the rest
            self._apply(self._target(self._market.step_of(touched_ms)), touched_ms * 1000)

    def state(self) -> BookState:
        """Return the book as it is."""
        return BookState(self._sequence, self._last_us, dict(self._orders))

    def state_at(self, *, at_us: int | None = None, sequence: int | None = None) -> BookState:
        """Return the book as it was at a microsecond, or behind the change with a sequence number.

        Raises:
            LookupError: That is longer ago than changes are kept, or the sequence number is yet to come.
        """
        if sequence is not None and sequence > self._sequence:
            raise LookupError(f"{self._market.spec.name}: no change {sequence} yet, the last one is {self._sequence}")
        orders = dict(self._orders)
        for change in reversed(self._changes):
            if (at_us is None or change.at_us <= at_us) and (sequence is None or change.sequence <= sequence):
                return BookState(change.sequence, change.at_us, orders)
            key = change.order.owned, change.order.id
            orders.pop(key, None)
            if change.before is not None:
                orders[key] = change.before
        oldest = self._changes[0].sequence - 1 if self._changes else self._sequence
        if (at_us is not None and at_us < self.oldest_us) or (sequence is not None and sequence < oldest):
            raise LookupError(f"{self._market.spec.name}: changes are kept from {oldest} on")
        return BookState(oldest, self.oldest_us, orders)

    def since(self, sequence: int) -> list[BookChange]:
        """List the changes behind *sequence*, oldest first."""
        newest_first = takewhile(lambda change: change.sequence > sequence, reversed(self._changes))
        return list(newest_first)[::-1]

    @property
    def sequence(self) -> int:
        """Of the last change."""
        return self._sequence

    @property
    def oldest_us(self) -> int:
        """From when on it is known what the book was, in microseconds since 1970."""
        return self._changes[0].at_us - 1 if len(self._changes) == KEPT else self._began_at_us

    # Within

    def _began_us(self, step: int) -> int:
        return self._market.began_ms(step) * 1000

    def _advance(self, now_ms: int) -> None:
        """Plan and carry out the steps up to the one that *now_ms* lies in."""
        step = self._market.step_of(now_ms)
        if step > self._step + 1:
            self._carry_out(None)
            self._flickers.clear()
            self._step = step - 1
            self._apply(self._target(self._step), self._began_us(step) - STEP_US // 2)
        if step > self._step:
            self._carry_out(None)
            self._step = step
            self._plan()
        self._carry_out(now_ms * 1000)

    def _carry_out(self, until_us: int | None) -> None:
        while self._planned and (until_us is None or self._planned[0][0] <= until_us):
            self._change(*self._planned.popleft())

    def _apply(self, target: Orders, at_us: int) -> None:
        """Change what differs from *target*, at once."""
        self._planned.clear()
        for step in self._differences(target):
            self._change(at_us, [step])

    def _change(self, at_us: int, steps: Sequence[Step]) -> None:
        """Carry out what happens at the same moment, under one sequence number."""
        steps = [(key, after) for key, after in steps if after is not None or key in self._orders]
        if len(steps) == 1 and self._is_moved(*steps[0]):
            # An order at another price leaves the book and comes back.
            self._change(at_us, [(steps[0][0], None)])
        elif not steps:
            return
        self._sequence += 1
        self._last_us = max(self._last_us + 1, at_us)
        for key, order in steps:
            before, after = self._orders.pop(key, None), order
            if after is not None:
                placed_us = before.placed_us if before is not None else self._last_us
                after = after if after.owned else evolve(after, placed_us=placed_us)
                self._orders[key] = after
            self._changes.append(BookChange(self._sequence, self._last_us, before, after))

    def _is_moved(self, key: Key, after: Resting | None) -> bool:
        before = self._orders.get(key)
        return before is not None and after is not None and before.price != after.price

    def _differences(self, target: Orders) -> Iterator[Step]:
        """Iterate over what has to change: first what leaves, so that bids and asks never cross."""
        orders = self._orders
        for key in [key for key in orders if key not in target and key not in self._flickers]:
            yield key, None
        for key, after in target.items():
            if orders.get(key) != after:
                yield key, after

    # Plans

    def _plan(self) -> None:
        """Spread the changes of the step that has begun over its microseconds."""
        began_us, target = self._began_us(self._step), self._target(self._step)
        self._planned.clear()
        ended = [key for key in self._flickers if self._reached(self._orders[key], target)]
        leaving: list[Sequence[Step]] = [[(key, None)] for key in ended]
        for key in ended:
            del self._flickers[key]
        differences = [*self._differences(target)]
        leaving += [[step] for step in differences if step[1] is None]
        # The orders of a new level come together.
        coming = [[*steps] for _, steps in groupby((step for step in differences if step[1] is not None), _price_of)]
        planned = [*_spread(leaving, began_us + 1_000, began_us + STEP_US * 2 // 5)]
        planned += _spread(coming, began_us + STEP_US * 2 // 5, began_us + STEP_US * 9 // 10)
        for key, end_us in [*self._flickers.items()]:
            if end_us < began_us + STEP_US:
                del self._flickers[key]
                planned.append((max(end_us, began_us), [(key, None)]))
        planned += self._flicker(began_us, target)
        self._planned.extend(sorted(planned, key=lambda change: change[0]))

    def _flicker(self, began_us: int, target: Orders) -> Iterable[tuple[int, Sequence[Step]]]:
        """Plan an order that comes in this step and leaves in this one or a later one; not in every step."""
        random = hashed(self._salt, self._step)
        if not self._market.moves or random % FLICKER_STEPS:
            return
        random //= FLICKER_STEPS
        side = Side.BUY if random >> 1 & 1 else Side.SELL
        level = next(_some(target, side, 2 + (random >> 2) % 12), None)
        if level is None:
            return
        key, at_us = (False, random >> 8), began_us + STEP_US // 2 + (random >> 20) % (STEP_US // 5)
        amount = _SMALLEST * (1_000_000 + (random >> 30) % 50_000_000)
        yield at_us, [(key, Resting(key[1], side, level.price, amount, at_us))]
        end_us = at_us + 20_000 + (random >> 12) % 900_000
        if end_us < began_us + STEP_US:
            yield end_us, [(key, None)]
        else:
            self._flickers[key] = end_us

    def _reached(self, order: Resting, target: Orders) -> bool:
        """Whether the market has come too close to an order that flickers."""
        best = next(_some(target, order.side, 1), None)
        return best is None or (order.price > best.price if order.side is Side.BUY else order.price < best.price)

    # What the book should be

    def _target(self, step: int) -> Orders:
        """Return the orders of accounts, and of the background what does not cross them, best first."""
        own = {side: self._matching.waiting(side) for side in Side}
        orders: Orders = {}
        for side in Side:
            bound = own[side.other][0].limit if own[side.other] else None
            for level in self._matching.background(side, step, DEPTH):
                crosses = bound is not None and (level.price <= bound if side is Side.SELL else level.price >= bound)
                for part in () if crosses else self._parts(level, side):
                    orders[False, part.id] = part
            for order in own[side]:
                shown = Resting(order.id, side, order.limit, order.base_left, order.placed_ms * 1000, owned=True)
                orders[True, order.id] = shown
        return orders

    def _parts(self, level: Level, side: Side) -> tuple[Resting, ...]:
        """Return the orders of a level of the background."""
        parts = self._known.get((level.id, level.amount))
        if parts is None:
            if len(self._known) > MAX_GRID:
                self._known.clear()
            parts = self._known[level.id, level.amount] = tuple(self._divide(level, side))
        return parts

    def _divide(self, level: Level, side: Side) -> Iterator[Resting]:
        # What a test has set is one order for each level.
        count = 1 + level.id % PARTS if self._market.moves else 1
        part = (level.amount / (count + 1)).quantize(_SMALLEST)
        for n in range(count):
            amount = part if n else level.amount - part * (count - 1)
            if amount > 0:
                yield Resting(level.id * PARTS + n, side, level.price, amount, self._last_us)


def _some(target: Orders, side: Side, depth: int) -> Iterator[Resting]:
    """Iterate over the background orders of one side from the order at *depth* on, nearly best first."""
    seen = 0
    for (owned, _), order in target.items():
        if order.side is side and not owned:
            if seen >= depth * PARTS:
                yield order
            seen += 1


def _price_of(step: Step) -> tuple[Side, Decimal] | None:
    return None if step[1] is None else (step[1].side, step[1].price)


def _spread(changes: Sequence[Sequence[Step]], start_us: int, end_us: int) -> Iterator[tuple[int, Sequence[Step]]]:
    for n, steps in enumerate(changes):
        yield start_us + (end_us - start_us) * n // len(changes), steps
