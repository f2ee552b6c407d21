"""What is reported about connections and channels, beside what they bring."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, Self

from attrs import frozen

__all__ = [
    "AuditFailed",
    "Connected",
    "Disconnected",
    "Event",
    "Events",
    "Lagged",
    "Listener",
    "Moved",
    "Refused",
    "Reporter",
    "Resynchronised",
    "Subscribed",
]


@frozen
class Connected:
    """A connection is open.

    Attributes:
        host: The server.
    """

    host: str


@frozen
class Disconnected:
    """A connection ended, or could not be opened.

    Attributes:
        host: The server.
        reason: Why.
        retry_in_seconds: When the next attempt begins.
    """

    host: str
    reason: str
    retry_in_seconds: float


@frozen
class Moved:
    """The exchange asked to connect again, and all channels have moved to another connection.

    Attributes:
        host: The server.
    """

    host: str


@frozen
class Subscribed:
    """The exchange sends a channel from now on.

    Attributes:
        channel: Its name.
    """

    channel: str


@frozen
class Refused:
    """The exchange refused a channel.

    Attributes:
        channel: Its name.
        text: The exchange's words, made safe to show.
    """

    channel: str
    text: str


@frozen
class Resynchronised:
    """A book became readable again, or a channel complete.

    Attributes:
        channel: Its name.
        seconds: How long that took.
    """

    channel: str
    seconds: float


@frozen
class AuditFailed:
    """A book that could be read differed from that of the exchange.

    Attributes:
        channel: Its name.
        differences: What differed.
    """

    channel: str
    differences: str


@frozen
class Lagged:
    """A reader is too slow, and items are being dropped; reported once until it has caught up.

    Attributes:
        channel: Its name.
    """

    channel: str


Event = Connected | Disconnected | Moved | Subscribed | Refused | Resynchronised | AuditFailed | Lagged

MOST = 1000


class Events:
    """What happens to connections and channels, from the moment on at which it was created: an asynchronous iterator.

    Attributes:
        missed: How many events were dropped because they were not read in time; the oldest are.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=MOST)
        self._is_over = False
        self._changed = asyncio.Event()
        self.missed = 0

    def put(self, event: Event) -> None:
        """Add an event."""
        self.missed += len(self._events) == MOST
        self._events.append(event)
        self._changed.set()

    def end(self) -> None:
        """Add nothing more."""
        self._is_over = True
        self._changed.set()

    def __aiter__(self) -> Self:
        """Iterate over events as they happen, until the client is closed."""
        return self

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        while not self._events:
            if self._is_over:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()


class Listener(Protocol):
    """What events are reported to."""

    def put(self, event: Event) -> None:
        """Receive an event."""
        ...

    def end(self) -> None:
        """Note that the client is closed."""
        ...


class Reporter(Protocol):
    """A hub, as the channels of a client see it."""

    def listen(self, listener: Listener) -> None:
        """Report events from now on, as long as the listener is not dropped."""
        ...
