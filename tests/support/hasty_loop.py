"""An event loop with real sockets, whose clock jumps to the next timer whenever no byte is on its way.

Time stands still while code runs. So waits of minutes take seconds, and a machine that is busy, or stops for a while,
makes nothing late: only what the programs wait for is counted.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

GRACE_SECONDS = 0.0001
"""How long the sockets are watched before the clock jumps: bytes on loopback arrive at once, unless it is very busy."""

SPIN_SECONDS = 0.00001

PATIENCE_SECONDS = 600.0
"""How long a test may wait by the clock that jumps: the timers of a server would let it wait for ever."""


class _HastySelector(selectors.SelectSelector):
    """A selector that moves the clock instead of waiting."""

    loop: HastyLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, move the clock to the next timer."""
        if timeout is None:
            return super().select(None)
        if timeout <= 0:
            # A program that spins would else never see the time that it waits for.
            self.loop.jump(SPIN_SECONDS)
            return super().select(0)
        found = super().select(GRACE_SECONDS)
        if not found:
            self.loop.jump(timeout)
        return found


class HastyLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes next to no time."""

    def __init__(self) -> None:
        selector = _HastySelector()
        selector.loop = self
        self._now = 1_000_000.0
        super().__init__(selector)

    def time(self) -> float:
        """Return the time of the clock that jumps."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Move the clock by *seconds*."""
        self._now += seconds


def run_hasty(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop that does not wait."""
    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        return runner.run(main)


def in_hasty_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in a loop that does not wait; no task of a stream may be left behind."""

    @functools.wraps(test)
    def run_test(*args: P.args, **kwargs: P.kwargs) -> None:
        run_hasty(_alone(test(*args, **kwargs)))

    return run_test


async def _alone(test: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await test

    assert [] == [task for task in asyncio.all_tasks() if task.get_name().startswith("streams")]
