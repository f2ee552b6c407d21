"""The end of an exchange or handshake, as whoever waits for it hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from exchanges.http.answer import Lost

__all__ = ["Ended", "OnEnd", "end_now", "ending"]

OnEnd = Callable[[Lost | None], None]
"""Called with what went wrong; None if nothing did."""
Ended = asyncio.Future[Lost | None]
"""The same for a task that waits."""


def ending(loop: asyncio.AbstractEventLoop) -> tuple[Ended, OnEnd]:
    """Return what a task awaits, and what is called at the end."""
    ended: Ended = loop.create_future()

    def end(failure: Lost | None) -> None:
        if not ended.done():  # else the task was cancelled
            ended.set_result(failure)

    return ended, end


def end_now(limit: asyncio.Timeout) -> None:
    """End what runs under a time limit, unless that has ended already."""
    with suppress(RuntimeError):
        limit.reschedule(0.0)
