"""Polling of one value until it is final, as exchanges accept an order or a conversion first and decide later."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from exchanges.errors import UsageError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0

T = TypeVar("T")


def require_seconds(timeout_seconds: float) -> None:
    """Raise `UsageError` for what is no time to wait. Before a call that cannot be taken back, not behind it."""
    is_number = issubclass(type(timeout_seconds), int | float)
    if not is_number or not 0 <= timeout_seconds <= sys.float_info.max:
        raise UsageError("timeout_seconds must be a number of seconds; nothing was sent")


async def wait_until(
    read: Callable[[], Awaitable[T]],
    done: Callable[[T], bool],
    timeout_seconds: float,
    *,
    latest: T,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Read a value until it is *done* or the time is up.

    Args:
        read: Reads the value once. Its errors end the wait.
        done: Whether a value is final.
        timeout_seconds: How long to wait at most; a read in progress is cancelled then.
        latest: What is known already. If it is *done*, nothing is read.
        sleep: Waits between two reads: half a second at first, half as long again each time, at most four seconds.

    Returns:
        The value as last read, *latest* if no read has finished: it need not be *done*.

    Raises:
        UsageError: *timeout_seconds* is no number of seconds.
    """
    require_seconds(timeout_seconds)
    # Only the deadline raises TimeoutError here: what a read can raise is in the tree of `exchanges.errors`.
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_seconds):
            pause = FIRST_PAUSE_SECONDS
            while not done(latest):
                latest = await read()
                if not done(latest):
                    await sleep(pause)
                    pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return latest
