"""The queue of a limiter: who waits for what, in which order they are looked at. It neither grants nor waits."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from heapq import heapify, heappop, heapreplace
from typing import TypeAlias

from exchanges.limits.permits import CANCEL, IN_ORDER, Lane, Permit, Priority
from exchanges.limits.timers import running_loop
from exchanges.limits.windows import Slots
from exchanges.values import define

OVERTAKE_SECONDS = 3.0
"""How long a cancel waits for a key lock before it passes it."""
OVERTAKE_GAP_SECONDS = 0.01
"""How long a call holds a key lock at least: nonces that are sent so far apart arrive in order, as a rule."""


@define(eq=False, repr=False)
class Waiter:
    """One call that waits.

    Attributes:
        lane: What it needs beside slots.
        slots: Where it needs a slot.
        priority: In which order it is served.
        future: Receives its permit; None when it waited in vain.
        loop: Of the future.
        deadline: When it must have been answered.
        send_by: When it must have been sent.
        scope: The part of the limit that it belongs to; empty if it has none.
        is_spare: Whether it leaves the reserve even where nobody signs: a repetition.
        number: Its place in the order of arrival.
        passes_at: When it passes the key lock; infinity for all but cancels.
        expires_at: When it has waited in vain.
        is_queued: Whether it is in the queue.
    """

    lane: Lane
    slots: tuple[Slots, ...]
    priority: Priority
    future: asyncio.Future[Permit | None]
    loop: asyncio.AbstractEventLoop
    deadline: float = math.inf
    send_by: float = math.inf
    scope: str = ""
    is_spare: bool = False
    number: int = 0
    passes_at: float = math.inf
    expires_at: float = math.inf
    is_queued: bool = False

    def finds_lane(self, now: float) -> bool:
        """Whether connection and key lock are free, or it may pass the key lock now."""
        connections, key_lock = self.lane.connections, self.lane.key_lock
        if connections.taken >= (connections.most if self.priority is CANCEL else connections.for_all):
            return False
        return key_lock is None or not key_lock.taken or now >= self.may_pass_at

    @property
    def may_pass_at(self) -> float:
        """When it may pass the call that holds its key lock now."""
        key_lock = self.lane.key_lock
        holder = None if key_lock is None else key_lock.holder
        return self.passes_at if holder is None else max(self.passes_at, holder.since + OVERTAKE_GAP_SECONDS)

    def expire(self) -> None:
        """Stop waiting in vain; may be called from the thread of another loop."""
        self.grant(None)

    def grant(self, permit: Permit | None) -> None:
        """Pass the permit to the call; it ends if nobody waits for it any more."""
        if self.loop is not running_loop():
            # Where that loop was closed meanwhile, the limiter counts the permit as lost.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self.grant, permit)
        elif not self.future.done():
            self.future.set_result(permit)
        elif permit is not None:
            permit.end(sent=False)


# Calls that are held up by different things stand in different lines, so that none waits behind one that cannot go.
_Place: TypeAlias = tuple[Lane, str, bool]


class WaiterQueue:
    """All who wait for one limiter.

    Attributes:
        count: How many they are.
    """

    def __init__(self) -> None:
        self._lines: tuple[dict[_Place, deque[Waiter]], ...] = tuple({} for _ in IN_ORDER)
        self.count = 0

    def add(self, waiter: Waiter) -> bool:
        """Put *waiter* in its place in its line; return whether it is the first."""
        place, lines = (waiter.lane, waiter.scope, waiter.is_spare), self._lines[waiter.priority]
        line = lines.get(place)
        if line is None:
            line = lines[place] = deque()
        elif line and (not line[0].is_queued or line[0].future.done()):
            self._drop_gone(line)
        if line and waiter.number < line[-1].number:  # it had its turn and could not go
            line.insert(bisect(line, waiter.number, key=lambda other: other.number), waiter)
        else:
            line.append(waiter)
        waiter.is_queued = True
        self.count += 1
        return line[0] is waiter

    def remove(self, waiter: Waiter) -> None:
        """Remove *waiter* if it is still there."""
        # It leaves its line when it comes to the head: a search in a long line would cost more than all the waiting.
        self.count -= waiter.is_queued
        waiter.is_queued = False

    def heads(self, order: Iterable[Priority]) -> Iterator[Waiter]:
        """Iterate over those who are first in their line: by priority, and in order of arrival within one.

        Whoever is removed meanwhile is followed by the next in the same line, when it is the turn of that one.
        """
        for lines in self._lines if order is IN_ORDER else [self._lines[priority] for priority in order]:
            if not lines:
                continue
            if len(lines) > 1:
                yield from self._in_turns(lines)
                if len(lines) != 1:
                    continue
            ((place, line),) = lines.items()
            while line:
                waiter = line[0]
                if waiter.is_queued and not waiter.future.done():
                    yield waiter
                    if waiter.is_queued:
                        break
                # Written out: almost always it is this one alone that has left.
                if line and line[0] is waiter:
                    line.popleft()
                    if waiter.is_queued:
                        self.remove(waiter)
            else:
                del lines[place]

    def _in_turns(self, lines: dict[_Place, deque[Waiter]]) -> Iterator[Waiter]:
        """Iterate over the heads of several lines."""
        turns: list[tuple[int, deque[Waiter]]] = []
        for place, line in list(lines.items()):
            self._drop_gone(line)
            if line:
                turns.append((line[0].number, line))
            else:
                del lines[place]
        heapify(turns)
        while turns:
            number, line = turns[0]
            self._drop_gone(line)
            if not line:
                heappop(turns)
            elif line[0].number != number:
                heapreplace(turns, (line[0].number, line))
            else:
                waiter = line[0]
                yield waiter
                if waiter.is_queued:
                    heappop(turns)

    def _drop_gone(self, line: deque[Waiter]) -> None:
        """Remove those at the head of *line* who do not wait any more."""
        while line:
            first = line[0]
            if first.is_queued and not first.future.done():
                return
            line.popleft()
            self.count -= first.is_queued
            first.is_queued = False

    def __iter__(self) -> Iterator[Waiter]:
        """Iterate over all who wait."""
        for lines in self._lines:
            for line in list(lines.values()):
                yield from [waiter for waiter in line if waiter.is_queued]
