"""Delivery: what is between a frame that arrived and a reader that is slower, or away.

Nothing is dropped in silence. A buffer is bounded; in the place of what it had to drop stands a `Gap` with the number,
or, where dropping is no choice, it ends with an error.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from attrs import evolve, frozen

from exchanges.errors import ReaderTooSlow

__all__ = ["Buffer", "Cell", "Ended", "EventSource", "Gap", "GapReason"]

T = TypeVar("T")

MOST_BYTES = 8 * 1024 * 1024
ITEM_BYTES = 1024
"""A buffer holds so many in any case, and so many for each item: frames are smaller, unless somebody floods."""


class EventSource(StrEnum):
    """Where an event of an own order or trade comes from."""

    STREAM = "stream"
    """The channel."""
    REST = "rest"
    """A read, after there was no connection, or where no channel shows it: it happened at some moment before."""


class GapReason(StrEnum):
    """Why something may be missing."""

    RECONNECTED = "reconnected"
    """There was no connection; the exchange sends nothing again."""
    LAGGED = "lagged"
    """The reader was too slow, and the buffer full; of own orders at Bitso also: too many changes of others came."""
    UNREADABLE = "unreadable"
    """A frame could not be read."""
    CHAIN_BROKEN = "chain broken"
    """An event names another one before it than the last that came."""
    NOT_RECONCILED = "not reconciled"
    """What happened meanwhile could not be read from the exchange."""


@frozen
class Gap:
    """A stretch of time in which something may be missing.

    Attributes:
        since: Up to this moment nothing is missing (UTC).
        until: From this moment on nothing is missing (UTC).
        reason: Why.
        missed: How many items are missing; None if nobody knows.
    """

    since: datetime
    until: datetime
    reason: GapReason
    missed: int | None = None

    def joined(self, later: Gap) -> Gap:
        """Return the gap that covers this one and a later one."""
        known = self.missed is not None and later.missed is not None
        return Gap(
            min(self.since, later.since),
            max(self.until, later.until),
            self.reason if self.reason is later.reason else GapReason.RECONNECTED,
            (self.missed or 0) + (later.missed or 0) if known else None,
        )


class Ended(Exception):
    """The buffer ended without an error."""


class Buffer(Generic[T]):
    """Items for one reader, bounded, in order.

    Args:
        size: How many items it holds; and at most 8 MiB of frames, or 1 KiB for each item if that is more.
        name: Of the channel, for messages.
        is_loud: Whether it ends with an error when it is full, in place of dropping the oldest items.
    """

    def __init__(self, size: int, name: str, *, is_loud: bool = False) -> None:
        self._size, self._name, self._is_loud = size, name, is_loud
        self._most_bytes = max(MOST_BYTES, size * ITEM_BYTES)
        self._items: deque[tuple[datetime, T | Gap, int]] = deque()
        self._bytes = self._waiting_bytes = 0
        self._lag: Gap | None = None
        self._held: Gap | None = None
        self._waiting: list[tuple[datetime, T, int]] = []
        self._end: Exception | None = None
        self._changed = asyncio.Event()
        self.missed = 0

    def __len__(self) -> int:
        """Return how many items it holds."""
        return len(self._items) + len(self._waiting)

    def put(self, at: datetime, item: T, size: int = 0) -> bool:
        """Add an item that came at a moment; return whether something was dropped for it for the first time.

        Args:
            at: The moment.
            item: The item.
            size: Bytes of its frame.
        """
        if self._held is None:
            return self._push(at, item, size)
        self._waiting.append((at, item, size))
        self._waiting_bytes += size
        if len(self._waiting) >= self._size or self._waiting_bytes >= self._most_bytes:
            self.unfilled()
        return False

    def gap(self, gap: Gap) -> None:
        """Add a gap; it is joined with one that stands last."""
        if self._items and isinstance(last := self._items[-1][1], Gap):
            self._items.pop()
            gap = last.joined(gap)
        self._push(gap.until, gap, 0)

    def hold(self, gap: Gap) -> None:
        """Keep what comes back until `fill` or `unfilled`: what the gap holds may be read, and comes first."""
        self._held = gap if self._held is None else evolve(gap, since=self._held.since)

    def fill(self, at: datetime, items: Collection[T], key: Callable[[T], str]) -> None:
        """Add what was missing, then what came meanwhile, each once."""
        if self._held is None:
            return
        waiting = self._release()
        known = {key(item) for item in items}
        for item in items:
            self._push(at, item, 0)
        for came, item, size in waiting:
            if key(item) not in known:
                self._push(came, item, size)

    def unfilled(self) -> None:
        """Add the gap that was held, as it cannot be filled, then what came meanwhile."""
        if self._held is None:
            return
        gap, waiting = self._held, self._release()
        self.gap(gap)
        for came, item, size in waiting:
            self._push(came, item, size)

    def _release(self) -> list[tuple[datetime, T, int]]:
        """Return what was kept back, and keep nothing back."""
        waiting, self._held, self._waiting, self._waiting_bytes = self._waiting, None, [], 0
        return waiting

    def end(self, error: Exception | None = None) -> None:
        """Add nothing more; the reader gets what is here, then *error*, or the end."""
        if self._end is None:
            self.unfilled()
            self._end = Ended() if error is None else error
            self._changed.set()

    def discard(self) -> None:
        """Remove everything, and end: the reader has left."""
        self._items.clear()
        self._bytes, self._lag = 0, None
        self._release()
        self.end()

    async def get(self) -> T | Gap:
        """Wait for the next item, or gap, and return it.

        Raises:
            Ended: There is none, nor will there be one.
            ExchangeError: The stream ended with it.
        """
        while True:
            if self._lag is not None:
                lag, self._lag = self._lag, None
                return lag
            if self._items:
                return self._pop()[1]
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()

    def _push(self, at: datetime, item: T | Gap, size: int) -> bool:
        if self._end is not None:
            return False
        first = False
        while self._is_full:
            if self._is_loud:
                kept = f"{len(self._items)} events ({self._bytes:,} bytes)"
                words = f"{self._name}: {kept} were not read in time; the stream ended to lose none unseen"
                self._end = ReaderTooSlow(words, endpoint=self._name)
                self._changed.set()
                return True
            first = self._drop() or first
        self._items.append((at, item, size))
        self._bytes += size
        self._changed.set()
        return first

    @property
    def _is_full(self) -> bool:
        return len(self._items) >= self._size or self._bytes >= self._most_bytes

    def _pop(self) -> tuple[datetime, T | Gap]:
        """Remove the oldest item, and return it with its moment."""
        at, item, size = self._items.popleft()
        self._bytes -= size
        return at, item

    def _drop(self) -> bool:
        """Drop the oldest item into the gap before it; return whether this opened the gap."""
        at, item = self._pop()
        lost = item if isinstance(item, Gap) else Gap(at, at, GapReason.LAGGED, 1)
        self.missed += 1
        is_first = self._lag is None
        self._lag = lost if self._lag is None else self._lag.joined(lost)
        return is_first


class Cell(Generic[T]):
    """The newest item for one reader; those that were replaced unread are counted."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._unread = 0
        self._end: Exception | None = None
        self._changed = asyncio.Event()

    def put(self, item: T) -> None:
        """Replace the item."""
        self._item = item
        self._unread += 1
        self._changed.set()

    def end(self, error: Exception | None = None) -> None:
        """Add nothing more."""
        if self._end is None:
            self._end = Ended() if error is None else error
            self._changed.set()

    async def get(self) -> tuple[T, int]:
        """Wait for an item that was not read yet; return it, and how many before it were not read.

        Raises:
            Ended: There is none, nor will there be one.
            ExchangeError: The stream ended with it.
        """
        while self._item is None:
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        item, dropped, self._item, self._unread = self._item, self._unread - 1, None, 0
        return item, dropped
