"""The simulator in a thread of its own, for code that brings its own event loop."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from exchanges.simulator import Simulator, Venue, simulate

START_SECONDS = 30.0


@contextmanager
def simulated(*venues: Venue) -> Iterator[Simulator]:
    """Play *venues*, all of them if none is named, until the block is left."""
    started: Future[tuple[Simulator, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def play() -> None:
        over = asyncio.Event()
        async with simulate(*venues, delay_seconds=(0.0, 0.0)) as sim:
            started.set_result((sim, asyncio.get_running_loop(), over))
            await over.wait()

    def run() -> None:
        try:
            asyncio.run(play())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = Thread(target=run)
    thread.start()
    sim, loop, over = started.result(START_SECONDS)
    try:
        yield sim
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
