"""Reads of order books for keepers: spread over the time, the most wanted first.

They are ordinary reads, so every call of money goes before them. What a book cannot be read without goes before audits,
and audits use a fifth of what the limit sustains: when many books are kept, each is compared less often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from exchanges.errors import ExchangeError
from exchanges.instrumentation.lines import Log
from exchanges.streams.keepers import Purpose

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint
    from exchanges.streams.owner import Book, Owner

__all__ = ["Fetches", "Fetching"]

logger = Log(__name__)

AT_ONCE = 4
AUDIT_SHARE = 0.2
SEED_SHARE = 0.8
"""Of what the limit sustains: the rest is for the program."""
BURST = 10
"""How many reads of books that cannot be read may follow each other without a pause."""
RANKS = (Purpose.SEED, Purpose.CONFIRM, Purpose.DECIDE, Purpose.AUDIT)


@define(eq=False)
class Fetching:
    """A read that was asked for.

    Attributes:
        feed: The book that it is for.
        purpose: What for.
        done: Called with the answer, None if there is none, and the moment at which the read began.
        is_cancelled: Whether nobody waits for it any more.
    """

    feed: Book
    purpose: Purpose
    done: Callable[[Any, float], None] = field(repr=False)
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Wait for it no longer."""
        self.is_cancelled = True

    @property
    def is_urgent(self) -> bool:
        """Whether the book cannot be read before."""
        return self.purpose is not Purpose.AUDIT

    @property
    def rank(self) -> tuple[bool, int]:
        """What it is sorted by: books that cannot be read first, then those that most read."""
        return not self.is_urgent, -len(self.feed.readers)


class _Pace:
    """Spaces what follows each other, after a burst that a pause has saved up."""

    def __init__(self, burst: int) -> None:
        self._burst, self._at = burst, 0.0

    def due(self, per_second: float | None, now: float) -> float:
        """Return when the next may begin."""
        return now if per_second is None else max(now, self._at - (self._burst - 1) / per_second)

    def spend(self, per_second: float | None, now: float) -> None:
        """Count one that begins."""
        if per_second is not None:
            self._at = max(self._at, now) + 1 / per_second


class Fetches:
    """The reads of order books of one client."""

    def __init__(self, hub: Owner) -> None:
        self._hub = hub
        self._waiting: list[Fetching] = []
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None
        self._seeds, self._audits = _Pace(BURST), _Pace(1)

    def ask(self, feed: Book, purpose: Purpose, done: Callable[[Any, float], None]) -> Fetching:
        """Read the order book of a feed when its turn has come."""
        fetching = Fetching(feed, purpose, done)
        self._waiting.append(fetching)
        self._go_on()
        return fetching

    def close(self) -> None:
        """Begin no further read."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        """Begin what may begin now, and come back for the rest."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting = sorted((f for f in self._waiting if not f.is_cancelled), key=lambda f: f.rank)
        while self._waiting and self._running < AT_ONCE:
            now, first = loop.time(), self._waiting[0]
            due = self._due(first, now)
            if due > now:
                self._timer = loop.call_at(due, self._go_on)
                return
            self._begin(self._waiting.pop(0), now)

    def _due(self, fetching: Fetching, now: float) -> float:
        per_second = self._per_second(fetching.feed.rule.seed)
        if fetching.is_urgent:
            return self._seeds.due(_share(per_second, SEED_SHARE), now)
        return self._audits.due(_share(per_second, AUDIT_SHARE), now)

    def _begin(self, fetching: Fetching, now: float) -> None:
        per_second = self._per_second(fetching.feed.rule.seed)
        # An audit counts for both: seeds after it must not exceed what the limit sustains.
        self._seeds.spend(_share(per_second, SEED_SHARE), now)
        if not fetching.is_urgent:
            self._audits.spend(_share(per_second, AUDIT_SHARE), now)
        self._running += 1
        self._hub.spawn(self._read(fetching, now), f"streams read {fetching.feed.label}")

    def _per_second(self, endpoint: Endpoint) -> float | None:
        return self._hub.host.per_second(endpoint)

    async def _read(self, fetching: Fetching, asked_at: float) -> None:
        rule, feed = fetching.feed.rule, fetching.feed
        answer: Any = None
        try:
            answer = await self._hub.call(rule.seed, rule.seed_arguments(feed.arguments))
            feed.unread = None
        except ExchangeError as error:
            feed.unread = f"the order book could not be read: {error}"
            logger.warning("%s: %s", feed.label, feed.unread)
        finally:
            self._running -= 1
            self._go_on()
        if not fetching.is_cancelled:
            fetching.done(answer, asked_at)


def _share(per_second: float | None, share: float) -> float | None:
    return None if per_second is None else per_second * share
