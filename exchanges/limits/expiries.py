"""When those who wait have waited in vain: one timer in each event loop, however many calls wait in it.

A timer of its own for each call would take as long as its place in the line, and leave the garbage collector three more
objects to walk through.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import insort
from collections import deque
from collections.abc import Callable
from operator import attrgetter

from exchanges.limits.waiters import Waiter

FEWEST = 64
"""With fewer in the list, those that do not wait any more stay in it until their time."""
_moment = attrgetter("expires_at")


class _Timetable:
    """The waiters of one loop, in the order in which they expire; and how many they may be until they are thinned."""

    def __init__(self) -> None:
        self.waiters: deque[Waiter] = deque()
        self.timer: asyncio.TimerHandle | None = None
        self.most = FEWEST

    def thin(self) -> deque[Waiter]:
        """Drop those that do not wait any more, and return the others."""
        self.waiters = deque(waiter for waiter in self.waiters if waiter.is_queued)
        self.most = max(FEWEST, 2 * len(self.waiters))
        return self.waiters


class Expiries:
    """The waiters of one limiter. All but the timers is called with its lock held.

    Args:
        lock: Of the limiter.
        grant: Grants what can be granted now.
    """

    def __init__(self, lock: threading.RLock, grant: Callable[[], None]) -> None:
        self._lock = lock
        self._grant = grant
        self._by_loop: dict[asyncio.AbstractEventLoop, _Timetable] = {}

    def add(self, waiter: Waiter, expires_at: float) -> None:
        """End the waiting of *waiter* at *expires_at*, unless it has ended; called in its own loop."""
        waiter.expires_at = expires_at
        table = self._by_loop.get(waiter.loop)
        if table is None:
            table = self._by_loop[waiter.loop] = _Timetable()
        # Before those that do not wait any more are more than half of all.
        waiters = table.waiters if len(table.waiters) < table.most else table.thin()
        # Mostly behind all others, as all calls of a client have one timeout.
        if not waiters or waiters[-1].expires_at <= expires_at:
            waiters.append(waiter)
        else:
            insort(waiters, waiter, key=_moment)
        if table.timer is None or table.timer.when() > expires_at:  # else the next is set when that is due
            self._arm(waiter.loop, table, expires_at)

    def clear(self) -> None:
        """Forget all waiters, when none waits any more; the timers find nothing."""
        for table in self._by_loop.values():
            table.waiters.clear()

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget the waiters of a loop that is closed."""
        self._by_loop.pop(loop, None)

    def _arm(self, loop: asyncio.AbstractEventLoop, table: _Timetable, moment: float) -> None:
        if table.timer is not None:
            table.timer.cancel()
        table.timer = loop.call_at(moment, self._due, loop, table)

    def _due(self, loop: asyncio.AbstractEventLoop, table: _Timetable) -> None:
        with self._lock:
            self._grant()  # what comes free at this very moment still counts
            now, table.timer = loop.time(), None
            waiters = table.waiters
            while waiters and (waiters[0].expires_at <= now or not waiters[0].is_queued):
                waiter = waiters.popleft()
                if waiter.is_queued:
                    waiter.expire()
            if waiters:
                self._arm(loop, table, waiters[0].expires_at)
