"""One timer in each event loop that uses a limiter: a call that waits in one loop may depend on a call of another."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from contextlib import suppress


class Forks:
    """How many forks have led to this process: to ask the system which one it is takes longer than to get a permit."""

    def __init__(self) -> None:
        self.count = 0
        os.register_at_fork(after_in_child=self._note)

    def _note(self) -> None:
        self.count += 1


FORKS = Forks()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop of this thread; None if none runs in it."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Timers:
    """The timers of one limiter.

    Attributes:
        is_shared: Whether several loops use the limiter, of which one may have been closed.

    Args:
        ring: Called when a timer is due, in the thread of its loop.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring, self.is_shared = ring, False
        self._timers: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle | None] = {}

    def __contains__(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether *loop* uses the limiter."""
        return loop in self._timers

    def enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Register a loop."""
        self._timers[loop] = None
        self.is_shared = len(self._timers) > 1

    def drop_closed(self) -> list[asyncio.AbstractEventLoop]:
        """Forget the loops that are closed, and return them."""
        closed = [loop for loop in self._timers if loop.is_closed()]
        for loop in closed:
            del self._timers[loop]
        self.is_shared = len(self._timers) > 1
        return closed

    def now(self) -> float:
        """Return the time, which is the same in all loops; minus infinity as long as there is none."""
        loop = running_loop()
        if loop not in self._timers:
            loop = next((loop for loop in self._timers if not loop.is_closed()), None)
        return -math.inf if loop is None else loop.time()

    def arm(self, moment: float) -> None:
        """Set the timers of all loops; an earlier moment is replaced as well."""
        here = running_loop()
        for loop, timer in list(self._timers.items()):
            if timer is not None and timer.when() == moment:
                continue
            if loop is here:
                self._arm(loop, moment)
            else:
                with suppress(RuntimeError):  # it was closed meanwhile
                    loop.call_soon_threadsafe(self._arm, loop, moment)

    def _arm(self, loop: asyncio.AbstractEventLoop, moment: float) -> None:
        timer = self._timers.get(loop)
        if timer is not None:
            timer.cancel()
        self._timers[loop] = loop.call_at(moment, self._due, loop)

    def _due(self, loop: asyncio.AbstractEventLoop) -> None:
        # A loop may call a clock tick early: then a timer for the same moment must be set once more.
        self._timers[loop] = None
        self._ring()
