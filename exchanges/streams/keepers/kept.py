"""What the keepers share: status, sides, reads that are due, and what can be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from attrs import define, field

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers.actions import Action, Change, Fetch, Purpose, Turned
from exchanges.streams.keepers.settings import Settings
from exchanges.streams.sides import Level, Levels, Ranked, is_crossed

__all__ = ["CHANGED", "GOOD", "Kept", "Pace", "delay_of"]

S = TypeVar("S", bound=Ranked)

CHANGED = (Change(),)
GOOD = BookStatus.GOOD  # read several times for each frame, and members of an enum are slow to look up
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_DELAY = 60.0
STEADY_SECONDS = 10.0
"""A book that was good for so long has recovered: the next failure is again the first."""
LATE_SECONDS = 5.0
"""No frame that was sent before an order book was read arrives so long after it."""
AHEAD_SECONDS = 10.0
AGREEING_SECONDS = 120.0
"""Two order books of one moment may be read so long after each other."""


def delay_of(failures: int) -> float:
    """Return how many seconds to wait before the next try: 0, 1, 2, 4 ... 60."""
    return min(LONGEST_DELAY, 2.0 ** (min(failures, 8) - 2)) if failures > 1 else 0.0


@define
class Pace:
    """Notices moments of the exchange's clock that run ahead of ours.

    Both clocks run equally fast, and nothing comes before it is sent: the lead of the exchange's clock over ours, taken
    when something arrives, is never much larger than it was. One moment that is ahead is a lie; two in a row that agree
    mean that a clock was set.

    Attributes:
        lead: The largest lead, in seconds; at first that of UTC over our monotonic clock.
        doubted: The lead of what was refused last; None if it was accepted.
    """

    lead: float | None = None
    doubted: float | None = None

    def accepts(self, at: int, now: float, wall: Callable[[float], datetime]) -> bool:
        """Whether a moment (in microseconds since 1970) is not from the future, by what was seen before."""
        lead = at / 1e6 - now
        if self.doubted is None and self.lead is not None and lead <= self.lead:
            return True
        if self.lead is None:
            self.lead = wall(now).timestamp() - now
        agrees = self.doubted is not None and abs(lead - self.doubted) <= AGREEING_SECONDS
        if lead > self.lead + AHEAD_SECONDS and not agrees:
            self.doubted = lead
            return False
        self.lead, self.doubted = max(lead, self.lead), None
        return True


@define(eq=False)
class Kept(Generic[S]):
    """The common part of all keepers; see `exchanges.streams.keepers.protocol.Keeper`.

    Attributes:
        name: Exchange and market, for messages.
        wall: Converts a moment of the monotonic clock to UTC.
        settings: What the user has chosen.
    """

    name: str
    wall: Callable[[float], datetime]
    settings: Settings = field(factory=Settings)
    status: BookStatus = field(default=BookStatus.SYNCING, init=False)
    cause: str | None = field(default=None, init=False)
    dropped_rows: int = field(default=0, init=False)
    _bids: S = field(init=False, repr=False)
    _asks: S = field(init=False, repr=False)
    _views: tuple[Levels, Levels] = field(init=False, repr=False)
    _frame_pace: Pace = field(init=False, factory=Pace)
    _read_pace: Pace = field(init=False, factory=Pace)
    _actions: list[Action] = field(init=False, factory=list[Action], repr=False)
    # Moments of our clock; `_at` and other moments of the exchange are integers, in microseconds.
    _at: int | None = field(default=None, init=False)
    _received: float | None = field(default=None, init=False)
    _verified: float | None = field(default=None, init=False)
    _since: float | None = field(default=None, init=False)
    _good_at: float | None = field(default=None, init=False)
    _confirmed: float | None = field(default=None, init=False)
    # The one read that is wanted, and the one that is under way.
    _due: tuple[float, Purpose] | None = field(default=None, init=False)
    _reading: Purpose | None = field(default=None, init=False)
    _reading_since: float = field(default=0.0, init=False)
    # How many times in a row reads were in vain: of books that had to be given up, and of reads that gave nothing.
    _failures: int = field(default=0, init=False)
    _has_read: bool = field(default=False, init=False)
    _misses: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._bids, self._asks = self._new_side(is_bids=True), self._new_side(is_bids=False)
        self._views = Levels(self._readable_bids), Levels(self._readable_asks)

    def _new_side(self, *, is_bids: bool) -> S:
        """Build a side without levels."""
        raise NotImplementedError

    # What can be read

    def _readable_bids(self) -> S:
        if self.status is not GOOD:
            raise self.unknown()
        return self._bids

    def _readable_asks(self) -> S:
        if self.status is not GOOD:
            raise self.unknown()
        return self._asks

    def unknown(self) -> BookUnknown:
        """Build the error of a book that cannot be read."""
        since = self._moment(self._since)
        when = f" since {since:%H:%M:%S} UTC" if since else ""
        why = f": {self.cause}" if self.cause else ""
        return BookUnknown(
            f"the order book {self.name} cannot be read{when} ({self.status.value}){why}; `last_known` has what was"
            " kept last",
            book_status=self.status,
            since=since,
            cause=self.cause,
        )

    @property
    def bids(self) -> Levels:
        """Offers to buy, highest price first."""
        if self.status is not GOOD:
            raise self.unknown()
        return self._views[0]

    @property
    def asks(self) -> Levels:
        """Offers to sell, lowest price first."""
        if self.status is not GOOD:
            raise self.unknown()
        return self._views[1]

    @property
    def last_known(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks as they were kept last, right or not."""
        return self._bids.levels(), self._asks.levels()

    @property
    def as_of(self) -> datetime | None:
        """The exchange's moment at which the book was as it is kept (UTC)."""
        return None if self._at is None else EPOCH + timedelta(microseconds=self._at)

    @property
    def received_at(self) -> datetime | None:
        """When the last frame, or the order book that replaced it, came (UTC)."""
        return self._moment(self._received)

    @property
    def verified_at(self) -> datetime | None:
        """When the exchange's order book was last asked for that was found equal (UTC)."""
        return self._moment(self._verified)

    @property
    def depth(self) -> int | None:
        """How many price levels of each side are kept; None for all."""
        return self.settings.depth

    def _moment(self, moment: float | None) -> datetime | None:
        return None if moment is None else self.wall(moment)

    # Time

    @property
    def next_tick(self) -> float | None:
        """When something is due; None if nothing is."""
        due = [self._due[0]] if self._due is not None and self._is_free(self._due[1]) else []
        return min((*due, *self._deadlines()), default=None)

    def _deadlines(self) -> list[float]:
        """Return when something is due that is no read."""
        silent = self._silent_at()
        return [] if silent is None else [silent]

    def _silent_at(self) -> float | None:
        age = self.settings.max_age_seconds
        if age is None or self.status is not BookStatus.GOOD or self._received is None:
            return None
        return (self._received if self._verified is None else max(self._received, self._verified)) + age

    def tick(self, now: float) -> tuple[Action, ...]:
        """Do what is due."""
        silent = self._silent_at()
        if silent is not None and silent <= now:
            self._suspect(f"no frame for {self.settings.max_age_seconds:g} s", now)
        return self._done(now)

    def _done(self, now: float) -> tuple[Action, ...]:
        """Return the actions; the read that is due is one of them."""
        if self._due is not None and self._is_free(self._due[1]) and self._due[0] <= now:
            self._reading = self._due[1]
            self._due, self._reading_since, self._has_read = None, now, True
            self._actions.append(Fetch(self._reading))
        if not self._actions:
            return ()
        actions, self._actions = tuple(self._actions), []
        return actions

    def _is_free(self, purpose: Purpose) -> bool:
        """Whether a read can be begun: none is under way, or one that may wait long for its turn."""
        return self._reading is None or (self._reading is Purpose.AUDIT and purpose is not Purpose.AUDIT)

    def _want(self, purpose: Purpose, at: float) -> None:
        """Schedule a read of the order book at a moment, or earlier if that is due already."""
        if self._due is not None and self._due[1] is not Purpose.AUDIT:
            at = min(at, self._due[0])  # or frames that come often would put it off for ever
        self._due = (at, purpose)

    def _want_audit(self, now: float) -> None:
        if self.settings.audit_seconds is not None:
            self._want(Purpose.AUDIT, now + self.settings.audit_seconds)

    # Status

    def _turn(self, status: BookStatus, cause: str | None, now: float) -> None:
        if status is self.status and cause == self.cause:
            return
        if self.status is BookStatus.GOOD:
            self._since = now
        if status is BookStatus.GOOD:
            self._since, self._good_at = None, now
        self.status, self.cause = status, cause
        self._actions.append(Turned(status, cause))

    def _fail(self, now: float) -> None:
        """Count a failure, if it cost a read: what is spared by waiting is the limit of the exchange."""
        if self.status is BookStatus.GOOD and self._good_at is not None and now - self._good_at >= STEADY_SECONDS:
            self._failures = 0
        self._failures += self._has_read
        self._has_read = False

    def _good(self, now: float) -> None:
        """Open the book to readers, unless it contradicts itself."""
        if is_crossed(self._bids, self._asks):
            self._suspect("the best prices cross", now)
            return
        self._turn(BookStatus.GOOD, None, now)
        self._actions.append(CHANGED[0])
        self._due = None
        self._want_audit(now)

    def _suspect(self, cause: str, now: float) -> None:
        """Request a comparison, which decides before the book can be read again."""
        self._fail(now)
        self._turn(BookStatus.SUSPECT, cause, now)
        self._want(Purpose.DECIDE, now + delay_of(self._failures))

    # What happens

    def doubt(self, cause: str, now: float) -> tuple[Action, ...]:
        """Require that a good book is compared before it can be read again."""
        if self.status is BookStatus.GOOD:
            self._suspect(cause, now)
        return self._done(now)

    def failed(self, asked_at: float, now: float) -> tuple[Action, ...]:
        """Note that a read failed; the next one waits longer."""
        if not self._is_current(asked_at):
            return ()
        self._again(now)
        return self._done(now)

    def _again(self, now: float, cause: str = "") -> None:
        """Read again later: the last read failed, or shows nothing."""
        purpose, self._reading = self._reading or Purpose.SEED, None
        self._misses += 1
        if cause and self.status is not BookStatus.GOOD:
            self._turn(self.status, cause, now)
        self._want(purpose, now + max(1.0, delay_of(self._misses)))

    def _is_current(self, asked_at: float) -> bool:
        """Whether a read was begun for the present subscription."""
        return self._reading is not None and self._confirmed is not None and asked_at >= self._confirmed

    def lost(self, cause: str, now: float) -> tuple[Action, ...]:
        """Note that the line is gone: what was kept is worthless."""
        self._forget()
        self._confirmed = None
        self._turn(BookStatus.DISCONNECTED, cause, now)
        return self._done(now)

    def closed(self, now: float) -> tuple[Action, ...]:
        """End for good."""
        self._forget()
        self._confirmed = None
        self._turn(BookStatus.CLOSED, "it was closed", now)
        return self._done(now)

    def _forget(self) -> None:
        """Drop what is under way."""
        self._due = self._reading = None
