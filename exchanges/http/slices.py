"""Work in slices, so that the event loop is never held for long."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator

from exchanges.http.answer import TimedOut

__all__ = ["in_slices"]


async def in_slices(steps: Iterator[None], deadline: float = math.inf) -> None:
    """Do all *steps*, and return to the event loop between them.

    Args:
        deadline: On the clock of the loop.

    Raises:
        TimedOut: The deadline passed before the last step.
    """
    loop = asyncio.get_running_loop()
    for _ in steps:
        if loop.time() >= deadline:
            raise TimedOut("decoding the answer")
        await asyncio.sleep(0)
