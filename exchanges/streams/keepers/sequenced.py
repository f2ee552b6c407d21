"""Keeps a whole book, order by order, from a channel of numbered changes.

Each frame has the number after that of the one before, and an order book that is read states the number up to which it
holds the changes; so the book is exact from the moment at which the frames have reached it. What is lost shows in the
next frame.

Rules for editors: a gap, a step back, or a number that comes twice with other changes makes the book unreadable, and so
does a removal of an order that is not held. The number of an order book is not believed while the frames are behind it:
one from the future would make all that follow look old. Nor is it believed before any frame has come: a cache may be of
any age, its moment shows only when the book changed last, and a channel may be dead from its beginning.
"""

from __future__ import annotations

from collections import deque
from decimal import DecimalException

from attrs import define, field, frozen

from exchanges.market_data import BookStatus
from exchanges.streams.keepers.actions import Action, Purpose, Resubscribe
from exchanges.streams.keepers.frames import OrdersFrame, OrdersSnapshot
from exchanges.streams.keepers.kept import CHANGED, Kept, delay_of
from exchanges.streams.keepers.orders import Contradiction, Orders, agree, orders_of
from exchanges.streams.sides import OddNumber, Side, is_crossed

__all__ = ["SequencedBook"]

AGAIN_SECONDS = 1.0
"""Before an order book is asked for again that came too early."""
GRACE_SECONDS = 5.0
"""A frame whose changes an order book holds comes in less."""
CROSSED_SECONDS = 2.0
"""Best prices cross for less, while the frames of one trade come."""
MOST_CHANGES = 50_000
"""Of the frames that are kept for an order book."""

CROSSED = "the best prices cross"
BEHIND = "the frames do not come as far as the exchange's order book"
UNPROVEN = "no change has come yet that continues the order book that was read, so it may be old"
UNPROVEN_SECONDS = 5.0
"""Before an order book is compared again that no frame continues: a later one shows whether the channel is dead."""


@frozen
class Ahead:
    """An order book that the frames have not reached, to be compared when they have.

    Attributes:
        snapshot: The order book.
        asked_at: When it was asked for.
        until: When they must have.
    """

    snapshot: OrdersSnapshot
    asked_at: float
    until: float


@define(eq=False)
class SequencedBook(Kept[Side]):
    """Keeps all orders of a book from numbered frames."""

    _orders: Orders | None = field(default=None, init=False, repr=False)
    # The number up to which the book holds the changes.
    _sequence: int | None = field(default=None, init=False)
    _last: OrdersFrame | None = field(default=None, init=False, repr=False)
    # Frames without a gap up to the last, for an order book that may still come.
    _frames: deque[OrdersFrame] = field(factory=deque[OrdersFrame], init=False, repr=False)
    _changes: int = field(default=0, init=False)
    _whole_since: float = field(default=0.0, init=False)
    _behind_until: float | None = field(default=None, init=False)
    _crossed_until: float | None = field(default=None, init=False)
    _ahead: Ahead | None = field(default=None, init=False, repr=False)
    # Which sides the order book that was read last had nothing on; two in a row are believed.
    _empty: tuple[bool, bool] = field(default=(False, False), init=False)
    _unproven: int = field(default=0, init=False)

    def _new_side(self, *, is_bids: bool) -> Side:
        return Side(is_bids)

    @property
    def sequence(self) -> int | None:
        """Number of the last frame whose changes the book holds; None before there is one."""
        return self._sequence

    # Beginning

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Begin anew: keep the frames, and read the order book."""
        self._forget()
        self._confirmed = self._whole_since = now
        self._turn(BookStatus.SYNCING, None, now)
        self._want(Purpose.SEED, now)
        return self._done(now)

    def _forget(self) -> None:
        super()._forget()
        self._begin(0.0)
        self._empty = (False, False)

    def _begin(self, now: float) -> None:
        """Drop the book and its frames."""
        self._drop_frames()
        self._whole_since = now
        self._orders = self._last = self._ahead = self._due = None
        self._behind_until = self._crossed_until = None
        self._unproven = 0

    def _drop_frames(self) -> None:
        self._frames.clear()
        self._changes = 0

    def _restart(self, cause: str, now: float) -> None:
        """Begin anew on the same subscription, later each time."""
        self._fail(now)
        self._begin(now)
        self._turn(BookStatus.RESYNCING, cause, now)
        self._want(Purpose.SEED, now + delay_of(self._failures))

    # Frames

    def frame(self, frame: OrdersFrame, now: float) -> tuple[Action, ...]:
        """Apply a frame, or keep it until the order book is read."""
        if self._confirmed is None:
            return ()
        last = self._last
        if last is not None and frame.sequence == last.sequence and frame.changes == last.changes:
            return self._done(now)
        gap = self._gap(frame)
        if gap is not None:
            self._restart(gap, now)
            if last is not None and frame.sequence <= last.sequence:
                return self._done(now)  # whether it is old or the numbers began anew, the next frame shows
        self._last = frame
        self._keep(frame)
        if self._orders is not None:
            self._follow(self._orders, frame, now)
        if self._ahead is not None and self._orders is not None and frame.sequence >= self._ahead.snapshot.sequence:
            ahead, self._ahead = self._ahead, None
            self._compare(ahead, now)
        return self._done(now)

    def unreadable(self, cause: str, now: float) -> tuple[Action, ...]:
        """Begin anew: a change is lost."""
        if self._confirmed is not None:
            self._restart(cause, now)
        return self._done(now)

    def _gap(self, frame: OrdersFrame) -> str | None:
        """Return why *frame* does not follow; None if it does."""
        if self._last is not None and frame.sequence != self._last.sequence + 1:
            return f"frame {frame.sequence} came after {self._last.sequence}"
        if self._orders is not None and frame.sequence > (self._sequence or 0) + 1:
            return f"frame {frame.sequence} came after an order book of {self._sequence}"
        return None

    def _keep(self, frame: OrdersFrame) -> None:
        if self._orders is not None and self._reading is None and self._ahead is None and self._behind_until is None:
            if self._frames:
                self._drop_frames()
            return
        self._frames.append(frame)
        self._changes += len(frame.changes) or 1
        while self._changes > MOST_CHANGES:
            self._changes -= len(self._frames.popleft().changes) or 1

    def _follow(self, orders: Orders, frame: OrdersFrame, now: float) -> None:
        """Bring the book to the number of *frame*, if it is not there yet."""
        at = self._sequence or 0
        if frame.sequence > at:
            if self._apply(orders, frame, now):
                self._reached(now)
        elif frame.sequence == at:
            if self._is_consistent(orders, now):
                self._reached(now)
        elif self._behind_until is None:
            # The order book was read before any frame had come, and claims to be newer than this one.
            self._turn(BookStatus.SYNCING, BEHIND, now)
            self._behind_until = now + GRACE_SECONDS

    def _apply(self, orders: Orders, frame: OrdersFrame, now: float) -> bool:
        try:
            self.dropped_rows += orders.apply(frame.changes)
        except OddNumber as error:
            self._restart(f"frame {frame.sequence} has no {error}", now)
        except (Contradiction, DecimalException) as error:
            self._restart(f"frame {frame.sequence} has {error}", now)
        else:
            self._sequence, self._at, self._received = frame.sequence, frame.at, now
            return True
        return False

    def _is_consistent(self, orders: Orders, now: float) -> bool:
        """Compare the order book that was read with the frames up to its number, before any newer one is applied."""
        number = self._sequence or 0
        try:
            known = [change for frame in self._frames if frame.sequence <= number for change in frame.changes]
            consistent = agree(orders, known)
        except OddNumber:
            consistent = False
        if not consistent:
            self._restart("the frames contradict the order book that was read", now)
        return consistent

    def _reached(self, now: float) -> None:
        """Open the book to readers: the frames have come as far as it."""
        self._behind_until = None
        if self.status is BookStatus.GOOD and not is_crossed(self._bids, self._asks):
            self._actions.append(CHANGED[0])
        elif not self._is_doubted():
            self._good(now)

    def _is_doubted(self) -> bool:
        """Whether an order book is to decide first."""
        is_due = self._due is not None and self._due[1] is Purpose.DECIDE
        return is_due or self._reading is Purpose.DECIDE or (self._ahead is not None and not self._is_good())

    def _is_good(self) -> bool:
        return self.status is BookStatus.GOOD

    def _good(self, now: float) -> None:
        if is_crossed(self._bids, self._asks):
            # No order book decides it: the numbers show that nothing is missing, so the next frames do.
            self._crossed_until = self._crossed_until or now + CROSSED_SECONDS
            self._turn(BookStatus.SUSPECT, CROSSED, now)
        else:
            self._crossed_until = None
            super()._good(now)

    # Order books

    def snapshot(self, snapshot: OrdersSnapshot, asked_at: float, now: float) -> tuple[Action, ...]:
        """Begin with an order book, or compare it with what is kept."""
        if not self._is_current(asked_at):
            return ()
        if not self._read_pace.accepts(snapshot.at, now, self.wall):
            self._again(now, "the order book that was read has a moment in the future")
            return self._done(now)
        if self._orders is not None and self._behind_until is None:
            self._reading, self._misses = None, 0
            self._weigh(Ahead(snapshot, asked_at, now + GRACE_SECONDS), now)
            return self._done(now)
        try:
            orders, dropped = orders_of(snapshot)
        except (ValueError, DecimalException) as error:
            self._again(now, f"the order book that was read has {error}")
            return self._done(now)
        self._reading, self._misses = None, 0
        empty = (not orders.bids.keys, not orders.asks.keys)
        believed, self._empty = empty in ((False, False), self._empty), empty
        if believed and self._is_covered(snapshot, asked_at):
            self.dropped_rows += dropped
            self._adopt(snapshot, orders, asked_at, now)
        else:
            self._want(Purpose.SEED, now + AGAIN_SECONDS)
        return self._done(now)

    def _is_covered(self, snapshot: OrdersSnapshot, asked_at: float) -> bool:
        """Whether every change after *snapshot* is in a frame that was kept or is to come."""
        if self._frames:
            return self._frames[0].sequence <= snapshot.sequence + 1
        return asked_at >= self._whole_since

    def _adopt(self, snapshot: OrdersSnapshot, orders: Orders, asked_at: float, now: float) -> None:
        self._orders, self._bids, self._asks = orders, orders.bids, orders.asks
        self._sequence, self._at, self._received, self._verified = snapshot.sequence, snapshot.at, now, asked_at
        self._crossed_until, self._behind_until = None, now + GRACE_SECONDS
        if not self._is_consistent(orders, now):
            return
        for frame in tuple(self._frames):
            if frame.sequence > snapshot.sequence and not self._apply(orders, frame, now):
                return
        if self._last is None:
            self._behind_until = None
            self._wait_for_frame(now)
        elif self._last.sequence >= self._sequence:
            self._reached(now)
        else:
            self._turn(self.status, BEHIND, now)

    def _wait_for_frame(self, now: float) -> None:
        """Keep the book from readers until a frame continues it; compare it meanwhile, ever more rarely."""
        self._turn(self.status, UNPROVEN, now)
        self._unproven += 1
        self._want(Purpose.AUDIT, now + max(UNPROVEN_SECONDS, delay_of(self._unproven)))

    # Comparing

    def _weigh(self, read: Ahead, now: float) -> None:
        """Compare an order book with the one that is kept, or have it wait for the frames up to it."""
        if read.snapshot.sequence > (self._sequence or 0):
            self._ahead = read
        else:
            self._compare(read, now)

    def _compare(self, read: Ahead, now: float) -> None:
        number = read.snapshot.sequence
        newer = [frame for frame in self._frames if frame.sequence > number]
        reaches = number + len(newer) == self._sequence
        if reaches and not self._is_equal(read.snapshot, newer):
            self._restart("the exchange's order book differs", now)
        elif self._last is None:
            self._wait_for_frame(now)
        elif reaches or self.status is BookStatus.GOOD:
            # Also without comparing orders: the number lies within frames that came without a gap.
            self._verified = read.asked_at
            if self.status is BookStatus.GOOD:
                self._want_audit(now)
            else:
                self._good(now)
        else:
            self._want(Purpose.DECIDE, now + AGAIN_SECONDS)

    def _is_equal(self, snapshot: OrdersSnapshot, newer: list[OrdersFrame]) -> bool:
        """Whether an order book and the frames after it give the book that is kept."""
        try:
            orders, _ = orders_of(snapshot)
            for frame in newer:
                orders.apply(frame.changes)
        except (Contradiction, OddNumber, DecimalException):
            return False
        return self._orders is not None and orders.by_id == self._orders.by_id

    # Time

    def _deadlines(self) -> list[float]:
        ahead = self._ahead.until if self._ahead is not None else None
        mine = (self._behind_until, self._crossed_until, ahead)
        return [*super()._deadlines(), *(moment for moment in mine if moment is not None)]

    def tick(self, now: float) -> tuple[Action, ...]:
        """Do what is due."""
        if self._behind_until is not None and self._behind_until <= now:
            self._restart(BEHIND, now)
        elif self._crossed_until is not None and self._crossed_until <= now:
            self._restart(CROSSED, now)
        elif self._ahead is not None and self._ahead.until <= now:
            self._fail(now)
            self._begin(now)
            self._turn(BookStatus.RESYNCING, BEHIND, now)
            self._actions.append(Resubscribe(BEHIND))
        return super().tick(now)
