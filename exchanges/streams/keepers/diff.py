"""Keeps a whole book from a channel of changed price levels that have no numbers.

Nothing in such a channel shows that a frame is missing, and the recipe that the exchange documents (keep frames, read
the order book, apply the newer frames) is not exact even if none is. A frame holds the *net* changes since the last
one, and an order book that is read shows a moment between two of them, out of a cache that may be a second old:

- **Covered.** A cached order book may be older than the subscription; the changes between them are nowhere. So a frame
  of this subscription must not be newer than it, or it must have been asked for once the cache had expired.
- **Confirmed.** A level that changed after a frame, was read, and changed back before the next frame is in the order
  book and in no frame: a phantom. So a second order book, at or after the first frame that is newer than the first one,
  must equal what was kept. If it does not, it takes the place of the first.
- **Checked.** A removal names a level that is held, a change differs from what is held, best prices do not cross,
  moments rise. The frame that straddles the order book may break the first two rightly.
- **Audited.** Three in ten lost frames pass these checks or heal late; comparing now and then bounds how long.

Books are compared *at the moment of the order book that was read*: the frames since then are taken back, and the levels
of the first of them are excused, since their changes may lie on either side of that moment.

Rules for editors: whatever raises a doubt makes the book unreadable first, and only a comparison makes it readable
again. An order book that decides nothing (too old, or too new for the frames so far) is asked for again, never taken
for either answer. Moments of the exchange are compared with each other alone, those of our clock likewise.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

from exchanges.market_data import BookStatus
from exchanges.streams.diff_side import DiffSide
from exchanges.streams.keepers.actions import Action, Purpose, Resubscribe
from exchanges.streams.keepers.comparing import Read, Step, is_equal
from exchanges.streams.keepers.frames import LevelsFrame, LevelsSnapshot
from exchanges.streams.keepers.kept import CHANGED, GOOD, LATE_SECONDS, Kept, delay_of
from exchanges.streams.sides import OddNumber, check_amounts, is_crossed, read_side

__all__ = ["DiffBook"]

AGAIN_SECONDS = 1.05
"""After so long a read is hardly from the cache that the last one came from."""
SOON_SECONDS = 0.4
"""So long after a frame an order book mostly holds it, if no other read has filled the cache before."""
GRACE_SECONDS = 3.0
"""A change that an order book shows comes as a frame in less."""
SETTLED_SECONDS = 2.5
"""An order book that is the same after so long shows no state between two frames."""
KEPT_SECONDS = 5.0
"""An order book that is asked for now is no older."""
MOST_ROWS = 20_000
"""Of the frames that wait or can be taken back."""
PATIENT_MISMATCHES = 3
"""So many order books in a row may differ before the next is asked for later."""
FALSE_ALARMS = 3
"""A check that was wrong so often in a row is one that this exchange does not keep."""

OLD = "a frame is not newer than the one before"
FUTURE = "a frame is from the future"
UNKNOWN = "a frame removes a price that is not held"
SAME = "a frame sets the amount that is held already"
CROSSED = "the best prices cross"
EMPTY = "a side is empty"
DIFFERS = "the exchange's order book differs"
SILENT = "no frame came for changes that the exchange's order book shows"


@define(eq=False)
class DiffBook(Kept[DiffSide]):
    """Keeps all levels of a book from frames of those that changed."""

    # Frames that wait for an order book, or that can be taken back to compare with one; oldest first.
    _steps: deque[Step] = field(factory=deque[Step], init=False, repr=False)
    _rows: int = field(default=0, init=False)
    # The moment of the state before the first of them, and since when (by our clock) none is missing.
    _steps_from: int = field(default=0, init=False)
    _whole_since: float = field(default=0.0, init=False)
    _newest: LevelsFrame | None = field(default=None, init=False, repr=False)
    _newest_received: float = field(default=0.0, init=False)
    _base: Read | None = field(default=None, init=False, repr=False)
    _straddling: LevelsFrame | None = field(default=None, init=False, repr=False)
    # An order book that is compared when the frames have come as far, or when none has come for long.
    _pending: Read | None = field(default=None, init=False, repr=False)
    # What an order book must show to end a doubt, and the one that raised it, which cannot confirm it.
    _decides_from: int = field(default=0, init=False)
    _differing: Read | None = field(default=None, init=False, repr=False)
    _alarm: str | None = field(default=None, init=False)
    _mismatches: int = field(default=0, init=False)
    _false_alarms: dict[str, int] = field(factory=dict[str, int], init=False)
    _may_be_empty: bool = field(default=False, init=False)

    def _new_side(self, *, is_bids: bool) -> DiffSide:
        return DiffSide(is_bids=is_bids)

    # Beginning

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Begin anew: keep the frames until an order book is read."""
        self._forget()
        self._confirmed = now
        self._begin(now)
        self._turn(BookStatus.SYNCING, None, now)
        self._want(Purpose.SEED, now + self.settings.cache_seconds)
        return self._done(now)

    def _forget(self) -> None:
        super()._forget()
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        """Drop the book and its frames."""
        self._steps.clear()
        self._rows, self._whole_since = 0, now
        self._newest = self._base = self._straddling = self._pending = self._alarm = self._due = None
        self._may_be_empty = False

    def _restart(self, cause: str, now: float) -> None:
        """Begin anew on the same subscription, later each time."""
        self._fail(now)
        self._begin(now)
        self._turn(BookStatus.RESYNCING, cause, now)
        self._want(Purpose.SEED, now + max(self.settings.cache_seconds, delay_of(self._failures)))

    # Frames

    def frame(self, frame: LevelsFrame, now: float) -> tuple[Action, ...]:
        """Apply a frame, or keep it until an order book is read."""
        if self._confirmed is None:
            return ()
        newest = self._newest
        if newest is not None and frame.at <= newest.at:
            if frame != newest:
                self._restart(OLD, now)
        elif not self._frame_pace.accepts(frame.at, now, self.wall):
            self._restart(FUTURE, now)
        else:
            self._newest, self._newest_received = frame, now
            if self._next(Step(frame, now, len(frame.bids) + len(frame.asks) or 1), now):
                return CHANGED
        return self._done(now)

    def unreadable(self, cause: str, now: float) -> tuple[Action, ...]:
        """Begin anew: a change is lost."""
        if self._confirmed is not None:
            self._restart(cause, now)
        return self._done(now)

    def _next(self, step: Step, now: float) -> bool:
        """Keep or apply a frame that is newer than all others; return whether the book is as good as before."""
        base = self._base
        if base is None:
            if not self._steps and delay_of(self._failures) == 0.0:
                self._want(Purpose.SEED, now + SOON_SECONDS)
            self._keep(step)
            return False
        if step.frame.at <= base.at:
            if now - base.received > LATE_SECONDS:
                self._restart("frames are older than an order book that was read before", now)
            return False
        alarm = self._apply(step, now)
        if alarm is not None and self.status in (BookStatus.GOOD, BookStatus.SUSPECT):
            self._alarm = alarm
            self._suspect(alarm, now)
        if self._pending is not None and step.frame.at >= self._pending.at:
            read, self._pending = self._pending, None
            self._judge(read, now)
        return self.status is GOOD and not self._actions

    def _apply(self, step: Step, now: float) -> str | None:
        """Apply a frame; return what is odd about it."""
        frame, bids, asks = step.frame, self._bids, self._asks
        bid_rows, ask_rows = frame.bids, frame.asks
        try:
            check_amounts(bid_rows, ask_rows)
            step.bids, step.asks = bids.apply(bid_rows), asks.apply(ask_rows)
        except OddNumber as error:
            self._restart(f"a frame has no {error}", now)
            return None
        self._at, self._received = frame.at, step.received
        self._keep(step)
        if bids.dropped or asks.dropped:
            self.dropped_rows += bids.dropped + asks.dropped
            bids.dropped = asks.dropped = 0
        if self._straddling is None:
            # It holds changes of before the order book too: what it removes may be gone already.
            self._straddling = frame
            self._want_confirmation(now)
        elif bids.has_removed_unknown or asks.has_removed_unknown:
            return self._unless_false(UNKNOWN)
        elif bids.has_set_same or asks.has_set_same:
            return self._unless_false(SAME)
        return self._contradiction()

    def _contradiction(self) -> str | None:
        """Return what is wrong with the book as it is."""
        bids, asks = self._bids.keys, self._asks.keys
        if bids and asks:
            self._may_be_empty = False
            return CROSSED if bids[-1] + asks[-1] >= 0 else None
        return None if self._may_be_empty else EMPTY

    def _unless_false(self, alarm: str) -> str | None:
        return self._contradiction() if self._false_alarms.get(alarm, 0) >= FALSE_ALARMS else alarm

    def _keep(self, step: Step) -> None:
        """Keep a frame, and drop those that no order book can reach back to."""
        steps = self._steps
        steps.append(step)
        self._rows += step.rows
        horizon = (self._reading_since if self._reading else step.received) - KEPT_SECONDS
        while self._rows > MOST_ROWS or (self._base is not None and steps[0].received < horizon):
            dropped = steps.popleft()
            self._rows -= dropped.rows
            self._steps_from, self._whole_since = dropped.frame.at, dropped.received

    def _suspect(self, cause: str, now: float) -> None:
        super()._suspect(cause, now)
        self._decides_from, self._differing = self._at or 0, None

    # Order books

    def snapshot(self, snapshot: LevelsSnapshot, asked_at: float, now: float) -> tuple[Action, ...]:
        """Begin with an order book, or compare it with what is kept."""
        if not self._is_current(asked_at):
            return ()
        try:
            read = self._read(snapshot, asked_at, now)
        except ValueError as error:
            self._again(now, f"the order book that was read has {error}")
            return self._done(now)
        self._reading, self._misses = None, 0
        if self._base is not None:
            self._judge(read, now)
        elif self._is_covered(read):
            self._adopt(read, now)
        else:
            self._want(Purpose.SEED, max(now, self._whole_since + self.settings.cache_seconds))
        return self._done(now)

    def _read(self, snapshot: LevelsSnapshot, asked_at: float, now: float) -> Read:
        bids, dropped = read_side(snapshot.bids, None, is_bids=True)
        asks, more = read_side(snapshot.asks, None, is_bids=False)
        self.dropped_rows += dropped + more
        if is_crossed(bids, asks):
            raise ValueError("best prices that cross")
        if not self._read_pace.accepts(snapshot.at, now, self.wall):
            raise ValueError("a moment in the future")
        return Read(snapshot.at, asked_at, now, bids, asks)

    def _is_covered(self, read: Read) -> bool:
        """Whether every change after *read* is in a frame that was kept or is to come."""
        if self._steps and self._steps[0].frame.at <= read.at:
            return True
        return read.asked_at >= self._whole_since + self.settings.cache_seconds

    def _adopt(self, read: Read, now: float) -> None:
        """Begin with an order book, and apply the frames that are newer."""
        newer = [step for step in self._steps if step.frame.at > read.at]
        self._steps.clear()
        self._rows, self._steps_from = 0, read.at
        self._base, self._straddling, self._pending = read, None, None
        self._bids, self._asks = DiffSide.of(read.bids), DiffSide.of(read.asks)
        self._at, self._received = read.at, now
        self._want(Purpose.CONFIRM, read.received + SETTLED_SECONDS + self._patience())
        for step in newer:
            if self._has_begun():  # an odd number begins anew
                self._apply(step, now)

    def _patience(self) -> float:
        # Flickering levels make some comparisons fail where nothing is lost.
        return delay_of(self._mismatches - PATIENT_MISMATCHES)

    def _has_begun(self) -> bool:
        return self._base is not None

    def _want_confirmation(self, now: float) -> None:
        if self.status is not BookStatus.GOOD:
            asked_at = self._base.asked_at if self._base is not None else now
            self._want(Purpose.CONFIRM, max(now + SOON_SECONDS, asked_at + AGAIN_SECONDS) + self._patience())

    # Comparing

    def _judge(self, read: Read, now: float) -> None:
        """Compare an order book with the one that is kept, if it shows a moment that decides."""
        position = self._at or 0
        if read.at > position:
            # The frames up to it are under way; or it shows changes that cancel out, or the channel is dead.
            self._pending = read
            return
        if self._is_fresh(read):
            equal = is_equal(read, self._bids, self._asks, (), straddled=False)
            if equal and read.at < position:
                self._reset_time(read.at)
        elif read.at < self._steps_from or (self._is_joining() and read.at < self._needed()):
            self._undecided(now)
            return
        else:
            newer = [step for step in self._steps if step.frame.at > read.at]
            before = self._steps[-len(newer) - 1].frame.at if len(newer) < len(self._steps) else self._steps_from
            equal = is_equal(read, self._bids, self._asks, newer, straddled=before < read.at)
        if not equal:
            self._differs(read, now)
        elif self.status is BookStatus.SUSPECT and read.at < self._decides_from and not self._is_fresh(read):
            self._undecided(now)
        else:
            self._equal(read, now)

    def _is_fresh(self, read: Read) -> bool:
        """Whether *read* was asked for so late that it holds all that is kept, whatever its moment is."""
        received = self._newest_received if self._newest is not None else self._whole_since
        if (
            self._straddling is None
            and self._base is not None
            and read.asked_at < self._base.received + SETTLED_SECONDS
        ):
            return False
        return read.asked_at >= received + self.settings.cache_seconds

    def _is_joining(self) -> bool:
        return self.status not in (BookStatus.GOOD, BookStatus.SUSPECT)

    def _needed(self) -> int:
        """Return the moment from which an order book confirms the one that the book began with."""
        # Only after the first frame past the beginning is a phantom gone from the exchange's book, but not from ours.
        return self._straddling.at if self._straddling is not None else (self._at or 0) + 1

    def _reset_time(self, at: int) -> None:
        """Trust the moment of an order book more than that of a frame, which it contains but seems older than."""
        self._steps.clear()
        self._rows, self._steps_from = 0, at
        self._newest, self._at = None, at

    def _undecided(self, now: float) -> None:
        purposes = {BookStatus.GOOD: Purpose.AUDIT, BookStatus.SUSPECT: Purpose.DECIDE}
        self._want(purposes.get(self.status, Purpose.CONFIRM), now + AGAIN_SECONDS)

    def _equal(self, read: Read, now: float) -> None:
        self._verified = read.asked_at
        if self.status is BookStatus.GOOD:
            self._want_audit(now)
            return
        if self._alarm is not None:
            self._false_alarms[self._alarm] = self._false_alarms.get(self._alarm, 0) + 1
            self._alarm = None
        self._may_be_empty = not (self._bids.keys and self._asks.keys)
        self._mismatches, self._differing = 0, None
        self._good(now)

    def _differs(self, read: Read, now: float, cause: str = DIFFERS) -> None:
        if self.status is BookStatus.GOOD:
            self._suspect(cause, now)
            self._due, self._differing = None, read
            self._want(Purpose.DECIDE, max(now, read.asked_at + AGAIN_SECONDS))
        elif self.status is BookStatus.SUSPECT and self._is_same_answer(read):
            self._want(Purpose.DECIDE, now + AGAIN_SECONDS)
        elif read.at < self._steps_from:
            self._restart(cause, now)
        else:
            self._false_alarms.clear()
            self._due = None
            if self.status is BookStatus.SUSPECT:
                self._turn(BookStatus.RESYNCING, cause, now)
            self._mismatches += 1
            self._adopt(read, now)

    def _is_same_answer(self, read: Read) -> bool:
        """Whether *read* may come from the cache that the one came from that raised the doubt."""
        first = self._differing
        return (
            first is not None and read.at == first.at and read.asked_at < first.asked_at + self.settings.cache_seconds
        )

    # Time

    def _deadlines(self) -> list[float]:
        pending = [self._pending.received + GRACE_SECONDS] if self._pending is not None else []
        return [*super()._deadlines(), *pending]

    def tick(self, now: float) -> tuple[Action, ...]:
        """Do what is due."""
        read = self._pending
        if read is not None and read.received + GRACE_SECONDS <= now:
            self._pending = None
            self._late(read, now)
        return super().tick(now)

    def _late(self, read: Read, now: float) -> None:
        """Judge an order book for whose changes no frame has come."""
        if is_equal(read, self._bids, self._asks, (), straddled=False):
            self._equal(read, now)
        elif self.status is BookStatus.GOOD:
            self._differs(read, now, SILENT)
        else:
            self._fail(now)
            self._begin(now)
            self._turn(BookStatus.RESYNCING, SILENT, now)
            self._actions.append(Resubscribe(SILENT))
