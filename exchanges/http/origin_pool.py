"""The connections to one server: how many, which request gets which, and when they are closed.

Theory. A server may close an idle connection just as a request is written to it, and then the outcome of that request
is unknown. So there are two age limits: reads use any connection that is kept; requests that must not be repeated, and
cancels, use one that was idle for less than a second, or one that has not been used. So that an order does not wait for
the handshake, one unused connection is kept ready while orders are sent.

Rules for editors:

1. `OriginPool.acquire` either returns a connection or releases its capacity, however it ends.
2. A connection is either idle, ready, or in use by one request.
3. There is no ``await`` between the last check of a connection and its return.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable

from attrs import field

from exchanges.http.answer import Lost, TimedOut
from exchanges.http.connection import Connection
from exchanges.http.request_head import Origin
from exchanges.limits.permits import CANCEL, MONEY, READ, Priority
from exchanges.values import define

__all__ = ["OriginPool"]

KEEP_FOR_READS_SECONDS = 60.0
KEEP_FOR_MONEY_SECONDS = 1.0
KEEP_READY_SECONDS = 15.0
READY_AFTER_MONEY_SECONDS = 600.0
READY_PAUSE_SECONDS = 1.0
READY_MAX_PAUSE_SECONDS = 60.0
MEASURED_ANSWERS = 31

Open = Callable[[Origin, float, Callable[[Connection], None]], Awaitable[Connection]]


@define(order=True)
class _Waiter:
    priority: int
    number: int
    granted: asyncio.Future[None] = field(order=False)


class OriginPool:
    """The connections to one server.

    Attributes:
        origin: The server.
        connections: All that are open, including those in use.
        answer_seconds: Seconds that the last answers took.
        loop: The loop that it belongs to.

    Args:
        open_connection: Opens one, until a time on the clock of the loop; it calls back when it is closed.
        size: Largest number of connections.
        reserve: How many of them only cancels may use.
        keeps_ready: Whether an unused connection is kept ready for orders.
    """

    def __init__(self, origin: Origin, open_connection: Open, *, size: int, reserve: int, keeps_ready: bool) -> None:
        self.origin = origin
        self.connections: set[Connection] = set()
        self.answer_seconds: deque[float] = deque(maxlen=MEASURED_ANSWERS)
        self._open_connection, self._size, self._reserve = open_connection, size, reserve
        self._keeps_ready, self.loop = keeps_ready, asyncio.get_running_loop()
        self._idle: list[Connection] = []  # longest idle first
        self._ready: Connection | None = None
        self._in_use = 0
        self._waiters: list[_Waiter] = []
        self._arrivals = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready_until = 0.0
        self._changed: asyncio.Future[bool] | None = None
        self._is_closed = False

    def acquire_now(self, priority: Priority, now: float, *, fresh: bool) -> Connection | None:
        """Return a connection as `acquire` does, if that need not wait for anything."""
        if fresh or self._waiters or not self._has_capacity(priority):
            return None
        connection = self._youngest(priority, now)
        if connection is None or not connection.is_quiet():
            return None
        self._in_use += 1
        return self._idle.pop()

    async def acquire(self, priority: Priority, deadline: float, *, fresh: bool) -> Connection:
        """Return an open connection without unread bytes, for one request.

        Args:
            priority: Order of waiting requests, and age limit of the connection.
            deadline: On the clock of the loop.
            fresh: Whether to open a new one.

        Raises:
            Lost: No connection could be opened, or none became free before the deadline.
        """
        await self._acquire_capacity(priority, deadline)
        try:
            while (connection := self._pick(priority, fresh=fresh)) is not None:
                if connection.is_quiet() or await connection.becomes_quiet():
                    return connection
                connection.abort()
            self._make_room()
            return await self._open(deadline)
        except BaseException:
            self._release_capacity()
            raise

    def release(self, connection: Connection, priority: Priority) -> None:
        """Return a connection after its request, and wake the next waiter."""
        if connection.is_open and not self._is_closed and self._idle_seconds(connection) > 0:
            self._idle.append(connection)
            if self._sweeper is None:
                self._start_sweeper()
        else:
            connection.abort()
        self._release_capacity()
        if priority is MONEY and self._keeps_ready and not self._is_closed:
            self._keep_ready()

    def give_up(self, connection: Connection) -> None:
        """Close a connection, unless it was acquired again."""
        if connection in self._idle:
            connection.abort()

    def drop_idle(self) -> None:
        """Close all unused connections: if one has died silently, so have the others."""
        ready, self._ready = self._ready, None
        for connection in (*self._idle, *(() if ready is None else (ready,))):
            connection.abort()
        if ready is not None:
            self._notify_keeper(was_closed=False)  # not by the server, so its lifetime stays as it is

    def abandon(self) -> None:
        """Keep no connection ready any more: the client was dropped. May be called from any thread."""
        self._keeps_ready, self._ready_until = False, 0.0

    async def aclose(self) -> None:
        """Close all connections, wait until their sockets are closed, and end the keeper task."""
        self.close()
        if self.loop is not asyncio.get_running_loop():  # its loop is closed, and so are its connections
            return
        if self._keeper is not None:
            await asyncio.wait((self._keeper,))
        if self.connections:
            await asyncio.wait([connection.closed for connection in self.connections])

    def close(self) -> None:
        """Close all connections, without waiting until their sockets are closed."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self.loop is not asyncio.get_running_loop():
            return
        if self._keeper is not None:
            self._keeper.cancel()
        for connection in list(self.connections):
            connection.close()

    # Capacity

    async def _acquire_capacity(self, priority: Priority, deadline: float) -> None:
        self._drop_cancelled_waiters()
        is_first = not self._waiters or priority < self._waiters[0].priority
        if is_first and self._has_capacity(priority):
            self._in_use += 1
            return
        self._arrivals += 1
        waiter = _Waiter(priority, self._arrivals, self.loop.create_future())
        heapq.heappush(self._waiters, waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.granted
        except BaseException as error:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._release_capacity()  # granted in the same turn of the loop
            if isinstance(error, TimeoutError):
                raise TimedOut("waiting for a connection") from None
            raise

    def _has_capacity(self, priority: int) -> bool:
        return self._in_use < self._size - (0 if priority == CANCEL else self._reserve)

    def _release_capacity(self) -> None:
        self._in_use -= 1
        if not self._waiters:
            return
        self._drop_cancelled_waiters()
        while self._waiters and self._has_capacity(self._waiters[0].priority):
            heapq.heappop(self._waiters).granted.set_result(None)
            self._in_use += 1
            self._drop_cancelled_waiters()

    def _drop_cancelled_waiters(self) -> None:
        while self._waiters and self._waiters[0].granted.done():
            heapq.heappop(self._waiters)

    # Connections

    async def _open(self, deadline: float) -> Connection:
        connection = await self._open_connection(self.origin, deadline, self._forget)
        if connection.is_open:
            self.connections.add(connection)
        # A server may also send something unexpected on a new connection.
        if not connection.is_quiet() and not await connection.becomes_quiet():
            connection.abort()
            raise Lost("the server closed the new connection, or sent something before the request")
        return connection

    def _forget(self, connection: Connection) -> None:
        """Remove a connection that is closed."""
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection is self._ready:
            self._ready = None
            self._notify_keeper(was_closed=True)

    def _pick(self, priority: Priority, *, fresh: bool) -> Connection | None:
        """Remove and return the unused connection that was idle for the shortest time, if one is young enough."""
        if fresh:  # the ready one may be as dead as the one before
            return None
        if self._youngest(priority, self.loop.time()) is not None:
            return self._idle.pop()
        if priority is not READ and self._ready is not None:
            connection, self._ready = self._ready, None
            self._notify_keeper(was_closed=False)
            return connection
        return None

    def _youngest(self, priority: Priority, now: float) -> Connection | None:
        """Return the last of the idle connections, if it is young enough."""
        if not self._idle:
            return None
        connection = self._idle[-1]
        longest = self._idle_seconds(connection) if priority is READ else KEEP_FOR_MONEY_SECONDS
        return connection if now - connection.idle_since < longest else None

    def _make_room(self) -> None:
        """Close unused connections so that one more can be opened."""
        while self._idle and self._count() > self._size:
            self._idle.pop(0).close()
        if self._ready is not None and self._count() > self._size:
            connection, self._ready = self._ready, None
            connection.close()

    def _count(self) -> int:
        return self._in_use + len(self._idle) + (self._ready is not None)

    @staticmethod
    def _idle_seconds(connection: Connection) -> float:
        """Return how long it may be idle: a second less than the server allows, as a request takes time to arrive."""
        announced = connection.expires_after
        return KEEP_FOR_READS_SECONDS if announced is None else min(KEEP_FOR_READS_SECONDS, announced - 1)

    def _start_sweeper(self) -> None:
        self._sweeper = self.loop.call_later(KEEP_FOR_READS_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close the connections that are too old for any request."""
        now, self._sweeper = self.loop.time(), None
        for connection in self._idle[:]:
            if now - connection.idle_since >= self._idle_seconds(connection):
                self._idle.remove(connection)
                connection.close()
        if self._idle:
            self._start_sweeper()

    # The connection that is kept ready

    def _keep_ready(self) -> None:
        self._ready_until = self.loop.time() + READY_AFTER_MONEY_SECONDS
        if self._keeper is None or self._keeper.done():
            self._keeper = self.loop.create_task(self._keep(), name="keep a connection ready")

    async def _keep(self) -> None:
        """Keep one unused connection open, and renew it before the server closes it."""
        pause, lifetime = READY_PAUSE_SECONDS, KEEP_READY_SECONDS
        while (began := self.loop.time()) < self._ready_until:
            self._changed = changed = self.loop.create_future()
            try:
                await self._renew()
            except Lost:  # the next request raises it
                await asyncio.sleep(pause)
                pause = min(2 * pause, READY_MAX_PAUSE_SECONDS)
                continue
            await asyncio.wait((changed,), timeout=lifetime)
            was_closed, age = changed.done() and changed.result(), self.loop.time() - began
            if not was_closed:
                pause = READY_PAUSE_SECONDS
            elif age > 2 * READY_PAUSE_SECONDS:
                lifetime = min(lifetime, 0.8 * age)  # renewed before this server closes it the next time
            else:
                # A server that closes unused connections at once must not be flooded with them.
                await asyncio.sleep(pause)
                pause = min(2 * pause, READY_MAX_PAUSE_SECONDS)
        old, self._ready = self._ready, None
        if old is not None:
            old.close()

    async def _renew(self) -> None:
        if self._count() >= self._size:
            return
        old, opened = self._ready, await self._open(self.loop.time() + KEEP_READY_SECONDS)
        if self._ready is not old or self._count() >= self._size:
            opened.close()  # no capacity is left for it
            return
        self._ready = opened
        if old is not None:
            old.close()

    def _notify_keeper(self, *, was_closed: bool) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(was_closed)
