"""What keeps an order book from a channel: it does what a keeper asks for, and wakes those who read the book."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve

from exchanges.errors import ExchangeError, UsageError
from exchanges.instrumentation.lines import Log
from exchanges.market_data import BookStatus
from exchanges.streams.channel import BookRule, Channel
from exchanges.streams.feeds import Feed
from exchanges.streams.happenings import AuditFailed, Resynchronised
from exchanges.streams.keepers import Action, Change, Fetch, Keeper, Resubscribe, Settings, Turned
from exchanges.wire import Deviation

if TYPE_CHECKING:
    from exchanges.streams.dialect import Data
    from exchanges.streams.owner import Cancellable, Carrier, Owner

__all__ = ["BookFeed", "BookReader", "settings_of"]

logger = Log(__name__)

TRADE_SECONDS = 5.0
"""How long before and after a trade a frame of the book may come that shows it."""


def settings_of(rule: BookRule, options: Mapping[str, Any]) -> Settings:
    """Return how a book is to be kept.

    Raises:
        UsageError: An option is wrong.
    """
    settings = rule.settings
    audit, age = (_seconds(name, options) for name in ("audit_seconds", "max_age_seconds"))
    return evolve(settings, audit_seconds=audit or settings.audit_seconds, max_age_seconds=age)


def _seconds(name: str, options: Mapping[str, Any]) -> float | None:
    value = options.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0):
        raise UsageError(f"{name} must be a positive number, or None")
    return None if value is None else float(value)


class _Kept:
    """A keeper on one link, and what it waits for."""

    def __init__(self, keeper: Keeper[Any, Any], number: int) -> None:
        self.keeper, self.number = keeper, number
        self.fetching: Cancellable | None = None

    def cancel(self) -> None:
        """Wait for no order book any more."""
        if self.fetching is not None:
            self.fetching.cancel()
            self.fetching = None


class BookFeed(Feed):
    """A channel from which an order book is kept.

    While the exchange moves a connection there are two keepers: the second takes over when its book is good.

    Attributes:
        keeper: What keeps the book that is read.
        unread: Why the last read of the exchange's order book gave nothing; None if it gave one.
    """

    def __init__(
        self,
        hub: Owner,
        line: Carrier,
        channel: Channel,
        arguments: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(hub, line, channel, arguments)
        if channel.book is None:
            raise TypeError(f"{channel.id}: no book is declared")
        self.rule = channel.book
        self.settings = settings_of(self.rule, options)
        self.readers: list[BookReader] = []
        self.unread: str | None = None
        self._loop = asyncio.get_running_loop()
        self._hold(_Kept(self._new_keeper(), 0))
        self._next: _Kept | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._bad_since = self._loop.time()
        self._frame_at = self._loop.time()
        self._doubting: asyncio.TimerHandle | None = None
        self._is_over = False

    def serves(self, options: Mapping[str, Any]) -> bool:
        """Whether it keeps the book as a reader wants it."""
        return settings_of(self.rule, options) == self.settings

    def _hold(self, kept: _Kept) -> None:
        """Register a keeper, whose book is to be read."""
        self._kept = kept
        self.keeper: Keeper[Any, Any] = kept.keeper

    @property
    def is_ready(self) -> bool:
        """Whether the book can be read."""
        return self.keeper.status is BookStatus.GOOD

    def is_ready_on(self, number: int) -> bool:
        """Whether the book of one link can be read."""
        return self._kept.number == number and self.is_ready

    @property
    def cause(self) -> str | None:
        """Why the book cannot be read: what its last read gave, what the keeper waits for."""
        unread = self.unread
        if unread is None and self._kept.fetching is not None:
            unread = f"{self.rule.seed.id} is under way: unanswered, or waiting for its limit"
        return "; ".join(words for words in (self.keeper.cause, unread) if words) or None

    def _new_keeper(self) -> Keeper[Any, Any]:
        return self.rule.keeper(self.label, self._wall, self.settings)

    def _wall(self, moment: float) -> datetime:
        """Convert a moment of the loop's clock to UTC."""
        return (self.hub.host.now() + timedelta(seconds=moment - self._loop.time())).astimezone(UTC)

    # What the line reports

    def confirmed(self, number: int) -> None:
        """Begin to keep the book from the frames of a link."""
        had_other = self.is_live and number not in self._links
        super().confirmed(number)
        if not had_other:
            self._kept.number = number
            self._begin(self._kept)
        else:
            self._next = _Kept(self._new_keeper(), number)
            self._begin(self._next)

    def _begin(self, kept: _Kept) -> None:
        kept.cancel()
        self._act(kept, kept.keeper.confirmed(self._loop.time()))

    def arrived(self, number: int, data: Data) -> None:
        """Apply a frame."""
        kept = self._on(number)
        if kept is None or number not in self._links:
            return
        try:
            frame = self.rule.frame(data)
        except Deviation as deviation:
            self.unreadable(number, f"a frame that is not {deviation.expected}")
            return
        self._frame_at = self._loop.time()
        self._act(kept, kept.keeper.frame(frame, self._frame_at))

    def traded(self) -> None:
        """Doubt the book if no frame of it comes within some seconds: a trade changes it."""
        if self._doubting is None and self.is_ready:
            self._doubting = self._loop.call_later(TRADE_SECONDS, self._doubt, self._loop.time())

    def _doubt(self, traded_at: float) -> None:
        self._doubting = None
        if self._frame_at < traded_at - TRADE_SECONDS and self.is_ready:
            cause = f"trades came, but no frame of the order book for {TRADE_SECONDS:g} s"
            self._act(self._kept, self.keeper.doubt(cause, self._loop.time()))

    def unreadable(self, number: int, cause: str) -> None:
        """Note that a change is lost."""
        kept = self._on(number)
        if kept is not None and number in self._links:
            self._act(kept, kept.keeper.unreadable(cause, self._loop.time()))

    def lost(self, number: int, cause: str) -> None:
        """Note that a link is gone."""
        super().lost(number, cause)
        if self._next is not None and number in (self._next.number, self._kept.number):
            gone = self._next if number == self._next.number else self._kept
            if gone is self._kept:
                self._hold(self._next)
            gone.cancel()
            gone.keeper.closed(self._loop.time())
            self._next = None
            self._tell()
        elif number == self._kept.number:
            self._kept.cancel()
            self._act(self._kept, self.keeper.lost(cause, self._loop.time()))

    def refused(self, error: ExchangeError) -> None:
        """End for all readers with an error."""
        super().refused(error)
        self._end(error)

    def close(self) -> None:
        """End for all readers."""
        super().close()
        self._end(None)

    def _end(self, error: ExchangeError | None) -> None:
        self._is_over = True
        for timer in (self._timer, self._doubting):
            if timer is not None:
                timer.cancel()
        for kept in (self._kept, self._next):
            if kept is not None:
                kept.cancel()
                kept.keeper.closed(self._loop.time())
        for reader in self.readers:
            reader.end(error)

    def _on(self, number: int) -> _Kept | None:
        if self._next is not None and self._next.number == number:
            return self._next
        return self._kept if self._kept.number == number else None

    # What keepers ask for

    def _act(self, kept: _Kept, actions: Sequence[Action]) -> None:
        if len(actions) == 1 and isinstance(actions[0], Change):
            # By far the most frequent, and nothing that is due has come closer.
            if kept is self._kept:
                self._tell()
            else:
                self._take_over()
            return
        for action in actions:
            match action:
                case Fetch(purpose=purpose):
                    kept.cancel()
                    kept.fetching = self.hub.fetch(self, purpose, functools.partial(self._fetched, kept))
                case Resubscribe(cause=cause):
                    logger.warning("%s: subscribing again: %s", self.label, cause)
                    self.line.resubscribe(self, kept.number)
                case Turned(status=status, cause=cause):
                    self._turned(kept, status, cause)
                case Change():
                    if kept is self._kept:
                        self._tell()
        self._set_timer()

    def _fetched(self, kept: _Kept, answer: Any, asked_at: float) -> None:  # noqa: ANN401 - as declared
        """Hand the answer of a read, or None, to the keeper that asked for it."""
        kept.fetching, now = None, self._loop.time()
        try:
            snapshot = None if answer is None else self.rule.snapshot(answer, self.arguments)
        except (ExchangeError, ValueError) as error:
            self.unread = f"the order book that {self.rule.seed.id} answered cannot be used: {error}"
            logger.warning("%s: %s", self.label, self.unread)
            snapshot = None
        if snapshot is None:
            self._act(kept, kept.keeper.failed(asked_at, now))
        else:
            self._act(kept, kept.keeper.snapshot(snapshot, asked_at, now))

    def _turned(self, kept: _Kept, status: BookStatus, cause: str | None) -> None:
        now = self._loop.time()
        if kept is not self._kept:
            self._take_over()
            return
        if status is BookStatus.GOOD:
            self.hub.publish(Resynchronised(self.label, now - self._bad_since))
        else:
            if status is BookStatus.RESYNCING:
                self.hub.publish(AuditFailed(self.label, cause or ""))
            self._bad_since = now
        self._changed.set()
        self._tell()

    def _take_over(self) -> None:
        """Read the book of the second link from now on, if it is good and no step back."""
        new, old = self._next, self._kept
        if new is None or new.keeper.status is not BookStatus.GOOD:
            return
        if self.is_ready and _is_older(new.keeper.as_of, old.keeper.as_of):
            return
        self._hold(new)
        self._next = None
        old.cancel()
        old.keeper.closed(self._loop.time())
        self.line.wake()
        self._changed.set()
        self._tell()

    def _tell(self) -> None:
        for reader in self.readers:
            reader.changed()

    def _set_timer(self) -> None:
        """Call the keepers when they want it."""
        moments = [k.keeper.next_tick for k in (self._kept, self._next) if k is not None]
        due = min((moment for moment in moments if moment is not None), default=None)
        if self._is_over:
            due = None
        if self._timer is not None:
            if due is not None and self._timer.when() <= due and not self._timer.cancelled():
                return  # it is set again when it fires: cheaper than with every frame
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for kept in (self._kept, self._next):
            if kept is not None and (due := kept.keeper.next_tick) is not None and due <= self._loop.time():
                self._act(kept, kept.keeper.tick(self._loop.time()))
        self._set_timer()


def _is_older(moment: datetime | None, other: datetime | None) -> bool:
    return moment is not None and other is not None and moment < other


class BookReader:
    """Wakes one reader of a book."""

    def __init__(self) -> None:
        self._unread = 0
        self._end: Exception | None = None
        self._is_over = False
        # One for each task that waits; an `asyncio.Event` takes several times as long, and with every change.
        self._waiters: list[asyncio.Future[None]] = []

    def changed(self) -> None:
        """Note a change."""
        self._unread += 1
        if self._waiters:
            self._wake()

    def end(self, error: Exception | None) -> None:
        """Note that there will be none any more."""
        self._is_over, self._end = True, self._end or error
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> int | None:
        """Wait for a change; return how many came, None at the end.

        Raises:
            ExchangeError: The stream ended with it.
        """
        while not self._unread:
            if self._end is not None:
                raise self._end
            if self._is_over:
                return None
            waiter = asyncio.get_running_loop().create_future()
            # Without those of tasks that were cancelled: a channel may be silent for long.
            self._waiters = [*(w for w in self._waiters if not w.done()), waiter]
            await waiter
        unread, self._unread = self._unread, 0
        return unread
