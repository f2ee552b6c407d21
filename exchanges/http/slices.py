"""Work in slices, so that the event loop is never held for long."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Generator
from typing import TypeVar

from exchanges.http.answer import TimedOut

__all__ = ["in_slices"]

T = TypeVar("T")


async def in_slices(steps: Generator[None, None, T], deadline: float = math.inf) -> T:
    """Do all *steps*, and return to the event loop between them.

    Args:
        steps: Yields where others may run.
        deadline: On the clock of the loop.

    Returns:
        What *steps* returns.

    Raises:
        TimedOut: The deadline passed before the last step.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        if loop.time() >= deadline:
            raise TimedOut("decoding the answer")
        await asyncio.sleep(0)
