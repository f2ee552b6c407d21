"""Keeps a book from a channel each of whose frames is the whole book, to a certain depth.

A lost frame does no harm: the next one replaces everything. What can go wrong is a frame that contradicts itself or is
older than the last one, and a channel that is dead without a sign. The first is answered by the next frame, or by a
read if none comes; the second is seen only by an audit.

Rules for editors: whatever is not accepted makes the book unreadable, unless it is the last frame once more. The moment
of a frame is never trusted alone: one from the future would make all that follow look old.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field, frozen

from exchanges.market_data import BookStatus
from exchanges.streams.keepers.actions import Action, Purpose, Resubscribe
from exchanges.streams.keepers.frames import LevelsFrame, LevelsSnapshot
from exchanges.streams.keepers.kept import CHANGED, Kept
from exchanges.streams.sides import Level, Numbers, OddNumber, Prices, Side, is_crossed, ranked, read_side

__all__ = ["WholeBook"]

GRACE_SECONDS = 3.0
"""A change that an order book shows comes as a frame in less."""
SILENT = "no frame came for changes that the exchange's order book shows"


@frozen
class Ahead:
    """An order book that shows changes for which no frame has come.

    Attributes:
        at: Its moment.
        until: When a frame must have come.
    """

    at: int
    until: float


@define(eq=False)
class WholeBook(Kept[Side]):
    """Keeps the best levels of a book from frames that are whole."""

    _prices: Prices = field(factory=Prices, init=False, repr=False)
    _amounts: Numbers = field(factory=Numbers, init=False, repr=False)
    _last: LevelsFrame | None = field(default=None, init=False, repr=False)
    _last_received: float = field(default=0.0, init=False)
    _ahead: Ahead | None = field(default=None, init=False)
    # A side that is empty is taken for a fault until a frame and a read have shown it, or two reads if no frame comes.
    _may_be_empty: frozenset[bool] = field(default=frozenset(), init=False)
    _read_empty: frozenset[bool] = field(default=frozenset(), init=False)
    _sent_empty: frozenset[bool] | None = field(default=None, init=False)

    def _new_side(self, *, is_bids: bool) -> Side:
        return Side(is_bids)

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Begin anew: the next frame is the book, or an order book if none comes."""
        self._forget()
        self._confirmed = now
        self._turn(BookStatus.SYNCING, None, now)
        # A cached order book may be older than the subscription, and what changed between would be shown nowhere.
        self._want(Purpose.SEED, now + self.settings.cache_seconds)
        return self._done(now)

    def _forget(self) -> None:
        super()._forget()
        self._ahead = None  # the last frame stays: none of another line is older, or it is to be doubted
        self._may_be_empty = self._read_empty = frozenset()
        self._sent_empty = None

    # Frames

    def frame(self, frame: LevelsFrame, now: float) -> tuple[Action, ...]:
        """Replace the book, or make it unreadable until the next frame or read."""
        if self._confirmed is None:
            return ()
        last = self._last
        if last is not None and frame.at <= last.at:
            if frame != last:
                self._doubtful("a frame is not newer than the one before", now)
            return self._done(now)
        if not self._frame_pace.accepts(frame.at, now, self.wall):
            self._doubtful("a frame is from the future", now)
            return self._done(now)
        self._last, self._last_received = frame, now
        try:
            sides = self._side(frame.bids, is_bids=True), self._side(frame.asks, is_bids=False)
        except OddNumber as error:
            self._doubtful(f"a frame has no {error}", now)
        except ValueError as error:
            self._doubtful(f"a frame has {error}", now)
        else:
            self._sent_empty = frozenset(side.is_bids for side in sides if not side.keys)
            self._replace(*sides, frame.at, now)
        return self._done(now)

    def unreadable(self, cause: str, now: float) -> tuple[Action, ...]:
        """Close the book to readers until the next frame or read."""
        if self._confirmed is not None:
            self._doubtful(cause, now)
        return self._done(now)

    def _side(self, rows: Sequence[tuple[str, str]], *, is_bids: bool) -> Side:
        # Amounts are kept by their texts too: from frame to frame most of them are the same.
        prices, amounts = self._prices, self._amounts
        known = prices.known
        found = [(*(known.get(price) or prices.learn(price)), amounts[amount]) for price, amount in rows]
        side, dropped = ranked([(key, Level(p, a)) for key, p, a in found], self.settings.depth, is_bids=is_bids)
        self.dropped_rows += dropped
        return side

    def _replace(self, bids: Side, asks: Side, at: int, now: float) -> None:
        if is_crossed(bids, asks):
            self._doubtful("the best prices of a frame cross", now)
            return
        empty = {side.is_bids for side in (bids, asks) if not side.keys}
        if not empty <= self._may_be_empty:
            self._doubtful("a side of a frame is empty", now)
            return
        if self.status is BookStatus.GOOD and self._contradicts(bids, asks, at):
            self._doubtful("a frame contradicts the order book that was read", now)
            return
        self._may_be_empty = frozenset(empty)
        self._bids, self._asks, self._at, self._received = bids, asks, at, now
        if self._ahead is not None and at >= self._ahead.at:
            self._ahead = None
        if self.status is BookStatus.GOOD:
            self._actions.append(CHANGED[0])
        else:
            self._good(now)

    def _contradicts(self, bids: Side, asks: Side, at: int) -> bool:
        """Whether a frame is older than what is kept, which it cannot be, or shows another book of that moment."""
        kept = self._at or 0
        return at < kept or (at == kept and not self._shows(bids, asks))

    def _doubtful(self, cause: str, now: float) -> None:
        """Close the book to readers; the next frame decides, or a read if none comes."""
        self._turn(BookStatus.RESYNCING, cause, now)
        self._want(Purpose.DECIDE, now + self.settings.cache_seconds)

    # Order books

    def snapshot(self, snapshot: LevelsSnapshot, asked_at: float, now: float) -> tuple[Action, ...]:
        """Compare an order book with a book that has frames, or begin with it."""
        if not self._is_current(asked_at):
            return ()
        try:
            bids, asks = self._read(snapshot, now)
        except ValueError as error:
            self._again(now, f"the order book that was read has {error}")
            return self._done(now)
        self._reading, self._misses = None, 0
        if self.status in (BookStatus.GOOD, BookStatus.SUSPECT):
            self._weigh(snapshot.at, bids, asks, asked_at, now)
        else:
            self._seed(snapshot.at, bids, asks, asked_at, now)
        return self._done(now)

    def _read(self, snapshot: LevelsSnapshot, now: float) -> tuple[Side, Side]:
        bids, dropped = read_side(snapshot.bids, self.settings.depth, is_bids=True)
        asks, more = read_side(snapshot.asks, self.settings.depth, is_bids=False)
        self.dropped_rows += dropped + more
        if is_crossed(bids, asks):
            raise ValueError("best prices that cross")
        if not self._read_pace.accepts(snapshot.at, now, self.wall):
            raise ValueError("a moment in the future")
        return bids, asks

    def _is_fresh(self, asked_at: float) -> bool:
        """Whether a read that was asked for then is newer than the last frame, whatever cache it came from."""
        return self._last is None or asked_at >= self._last_received + self.settings.cache_seconds

    def _seed(self, at: int, bids: Side, asks: Side, asked_at: float, now: float) -> None:
        confirmed = self._confirmed or 0.0
        if asked_at < confirmed + self.settings.cache_seconds or (
            self._last is not None and at < self._last.at and not self._is_fresh(asked_at)
        ):
            # It may be older than a frame that was not accepted.
            newest = max(confirmed, self._last_received)
            self._want(Purpose.SEED, max(now, newest + self.settings.cache_seconds))
            return
        if self._last is not None and at < self._last.at:
            # A frame from the future: what comes is compared with it no more.
            self._last = None
        empty = frozenset(side.is_bids for side in (bids, asks) if not side.keys)
        shown = self._read_empty if self._sent_empty is None else self._sent_empty
        self._may_be_empty, self._read_empty = empty & shown, empty
        self._verified = asked_at
        self._replace(bids, asks, at, now)

    def _weigh(self, at: int, bids: Side, asks: Side, asked_at: float, now: float) -> None:
        """Compare the book with an order book that was read."""
        ours = self._at or 0
        if self._shows(bids, asks):
            self._equal(asked_at, now)
        elif at < ours and not self._is_fresh(asked_at):
            self._undecided(now)
        elif at > ours and self.status is BookStatus.GOOD:
            # Not wrong, but old: the frame is under way, or the channel is dead.
            self._ahead = self._ahead or Ahead(at, now + GRACE_SECONDS)
            self._undecided(now)
        elif at > ours and not self._is_fresh(asked_at):
            self._undecided(now)
        elif at > ours:
            self._dead(now)
        else:
            self._last = None
            self._doubtful("the exchange's order book differs", now)

    def _shows(self, bids: Side, asks: Side) -> bool:
        """Whether the book that is kept is the same."""
        return bids.amounts() == self._bids.amounts() and asks.amounts() == self._asks.amounts()

    def _equal(self, asked_at: float, now: float) -> None:
        self._verified, self._ahead = asked_at, None
        if self.status is not BookStatus.GOOD:
            self._good(now)
        else:
            self._want_audit(now)

    def _dead(self, now: float) -> None:
        """Request that the channel is subscribed to again: the line may live all the same."""
        self._due = None
        self._turn(BookStatus.RESYNCING, SILENT, now)
        self._actions.append(Resubscribe(SILENT))

    def _undecided(self, now: float) -> None:
        if self.status is BookStatus.GOOD:
            self._want_audit(now)
        else:
            self._want(Purpose.DECIDE, now + self.settings.cache_seconds)

    # Time

    def _deadlines(self) -> list[float]:
        return [*super()._deadlines(), *([self._ahead.until] if self._ahead else ())]

    def tick(self, now: float) -> tuple[Action, ...]:
        """Do what is due."""
        if self._ahead is not None and self._ahead.until <= now:
            self._ahead = None
            self._suspect(SILENT, now)
        return super().tick(now)
