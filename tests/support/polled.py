"""Sources that are polled."""

import asyncio

from tests.support.virtual_time import elapsed


class Source:
    """Counts up, and notes when it is asked."""

    def __init__(self, *, seconds=0.0, error=None):
        self.seconds = seconds
        self.error = error
        self.asked = []
        self.inside = 0

    async def __call__(self):
        self.asked.append(round(elapsed(), 3))
        self.inside += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.inside -= 1
        if self.error is not None:
            raise self.error
        return len(self.asked)


async def take(updates, count):
    """Return the next *count* updates."""
    return [await anext(updates) for _ in range(count)]
