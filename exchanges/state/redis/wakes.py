"""Calls that wait for a key lock, and who wakes them: the host that releases it publishes the name of the account.

A message may be lost, with its connection or because the user may not subscribe. Then the call asks again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from attrs import define, field

from exchanges.instrumentation.lines import Log
from exchanges.state.leases import LeaseWaiter
from exchanges.state.redis.link import Link, LinkFailed

logger = Log(__name__)

AGAIN_SECONDS = 1.0
"""After how long a subscription that ended is tried again."""


@define(eq=False)
class Waiting:
    """One call that waits.

    Attributes:
        waiter: It.
        account: Whose key lock it waits for.
        overtakes: Whether it has waited long enough to go without the lock.
    """

    waiter: LeaseWaiter
    account: str
    overtakes: bool = False
    _woken: asyncio.Event = field(factory=asyncio.Event)

    def wake(self) -> None:
        """End the wait."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Wait to be woken, for so long at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()


class Wakes:
    """The calls of this host that wait.

    Args:
        link: Opens the connection of the subscription.
        channel: Where this host is woken.
    """

    def __init__(self, link: Link, channel: str) -> None:
        self._link = link
        self._channel = channel
        self._waiting: dict[LeaseWaiter, Waiting] = {}
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def waiting(self, waiter: LeaseWaiter, account: str) -> Generator[Waiting]:
        """Register a call to be woken in the block."""
        waiting = self._waiting[waiter] = Waiting(waiter, account)
        if waiter.request.in_order and self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen())
        try:
            yield waiting
        finally:
            del self._waiting[waiter]

    def wake(self, account: str) -> None:
        """Wake the calls that wait for the key lock of an account."""
        for waiting in self._waiting.values():
            if waiting.account == account:
                waiting.wake()

    def overtake(self, waiter: LeaseWaiter) -> None:
        """Wake a call, which asks for a lease without the key lock."""
        if (waiting := self._waiting.get(waiter)) is not None:
            waiting.overtakes = True
            waiting.wake()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _listen(self) -> None:
        while True:
            try:
                await self._link.subscribe(self._channel, self.wake)
            except LinkFailed as error:
                logger.debug("no subscription: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)
