"""An event loop whose clock jumps to the next timer, so that waiting is tested without waiting.

The loop does no real input or output: when nothing is ready to run, the clock moves to the next timer at once. When
there is no timer either, nothing can ever happen again, and `Stuck` is raised in place of a test that hangs.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

BEGIN = 1_000_000.0
"""The time of a new loop."""


class Stuck(Exception):
    """All tasks wait and no timer is set."""


class _JumpingSelector(selectors.SelectSelector):
    """A selector that moves the clock instead of waiting."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("everybody waits and no timer is set")
        if timeout > 0:
            self.loop.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time.

    Args:
        begin: What its clock shows at first.
    """

    def __init__(self, begin: float = BEGIN) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self._now = begin
        self.faults: list[dict[str, Any]] = []
        super().__init__(selector)
        self.set_exception_handler(lambda _, context: self.faults.append(context))

    def time(self) -> float:
        """Return the virtual time."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Move the clock: to the next timer exactly, or by *seconds* where that comes first."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # heap of the base class
        self._now = max(self._now, timers[0].when()) if timers else self._now + seconds


def run(main: Coroutine[Any, Any, T], *, begin: float = BEGIN) -> T:
    """Run *main* in virtual time; fail if a task is left or a callback raised."""
    loops: list[VirtualLoop] = []

    def new_loop() -> VirtualLoop:
        loops.append(VirtualLoop(begin))
        return loops[-1]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        value = runner.run(main)
        left = asyncio.all_tasks(runner.get_loop())
        assert not left, f"tasks left over: {left}"
    assert not loops[0].faults, f"went wrong unseen: {loops[0].faults}"
    return value


def in_virtual_time(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Turn a coroutine function into a plain test."""

    @functools.wraps(function)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        run(function(*args, **kwargs))

    return test


def elapsed() -> float:
    """Return the virtual seconds since the test began."""
    return asyncio.get_running_loop().time() - BEGIN


async def settle(rounds: int = 20) -> None:
    """Run everything that can run without time passing."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def wait_until(moment: float, action: Callable[[], Awaitable[T]]) -> T:
    """Run *action* when *moment* seconds have passed since the test began."""
    await asyncio.sleep(moment - elapsed())
    return await action()
