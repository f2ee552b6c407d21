"""The connections to one server: who may open one, who gets which, and when they are closed.

Theory. A server may close an idle connection in the moment in which a request is written to it, and then nobody can say
what became of that request. So there are two ages: what must not be repeated (and cancels, which must not wait for a
repetition) goes over a connection that was idle for less than a second, or over one that carried nothing yet. So that
an order does not pay for the handshake, one such connection is kept ready as long as orders are sent.

Rules for editors:

1. Every way out of `OriginPool.acquire` either returns a connection or gives the place back.
2. A connection is in exactly one place: idle, ready, or leased to one request.
3. There is no ``await`` between the last look at a connection and its return.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable

from attrs import define, field

from exchanges.http.connection import Connection, TimedOut
from exchanges.http.request_head import Origin
from exchanges.http.transport import Lost
from exchanges.limits.limiter import Priority

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
        connections: All that are open, leased ones too.
        answer_seconds: How long the last answers took.

    Args:
        open_connection: Opens one until a moment on the clock of the loop, and has it report its end.
        size: Largest number of connections.
        reserve: How many of them only cancels may use.
        keeps_ready: Whether an unused connection is kept for what must not be repeated.
    """

    def __init__(self, origin: Origin, open_connection: Open, *, size: int, reserve: int, keeps_ready: bool) -> None:
        self.origin = origin
        self.connections: set[Connection] = set()
        self.answer_seconds: deque[float] = deque(maxlen=MEASURED_ANSWERS)
        self._open_connection, self._size, self._reserve = open_connection, size, reserve
        self._keeps_ready, self._loop = keeps_ready, asyncio.get_running_loop()
        self._idle: list[Connection] = []  # in the order in which they became idle
        self._ready: Connection | None = None
        self._leased = 0
        self._waiters: list[_Waiter] = []
        self._arrivals = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ready_until = 0.0
        self._changed: asyncio.Future[bool] | None = None
        self._is_closed = False

    async def acquire(self, priority: Priority, deadline: float, *, fresh: bool) -> Connection:
        """Return a connection that is open and silent, for one request.

        Args:
            priority: Who goes first, and how old the connection may be.
            deadline: On the clock of the loop.
            fresh: Whether it must be a new one.

        Raises:
            Lost: There is none, and nothing was sent.
        """
        await self._take_place(priority, deadline)
        try:
            while (connection := self._pick(priority, fresh=fresh)) is not None:
                if connection.is_quiet() or await connection.becomes_quiet():
                    return connection
                connection.abort()
            self._make_room()
            return await self._open(deadline)
        except BaseException:
            self._give_place_back()
            raise

    def release(self, connection: Connection, priority: Priority) -> None:
        """Take a connection back after its request, and serve who waits for one."""
        if connection.is_open and not self._is_closed and self._idle_seconds(connection) > 0:
            self._idle.append(connection)
            self._start_sweeper()
        else:
            connection.abort()
        self._give_place_back()
        if priority is Priority.MONEY and self._keeps_ready and not self._is_closed:
            self._keep_ready()

    def drop_idle(self) -> None:
        """Close every connection that nobody uses: where one was dead without a sign, the others are too."""
        unused = [*self._idle, *((self._ready,) if self._ready is not None else ())]
        for connection in unused:
            connection.abort()

    async def aclose(self) -> None:
        """Close all connections and wait until their sockets are closed; end the task that keeps one ready."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._loop is not asyncio.get_running_loop():  # its loop is closed, and nothing of it can be waited for
            return
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))
        closing = list(self.connections)
        for connection in closing:
            connection.close()
        if closing:
            await asyncio.wait([connection.closed for connection in closing])

    # Places

    async def _take_place(self, priority: Priority, deadline: float) -> None:
        self._drop_gone_waiters()
        is_first = not self._waiters or priority < self._waiters[0].priority
        if is_first and self._has_place(priority):
            self._leased += 1
            return
        self._arrivals += 1
        waiter = _Waiter(priority, self._arrivals, self._loop.create_future())
        heapq.heappush(self._waiters, waiter)
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.granted
        except BaseException as error:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._give_place_back()  # it was granted in the same turn of the loop
            if isinstance(error, TimeoutError):
                raise TimedOut("waiting for a connection") from error
            raise

    def _has_place(self, priority: int) -> bool:
        return self._leased < self._size - (0 if priority == Priority.CANCEL else self._reserve)

    def _give_place_back(self) -> None:
        self._leased -= 1
        self._drop_gone_waiters()
        while self._waiters and self._has_place(self._waiters[0].priority):
            heapq.heappop(self._waiters).granted.set_result(None)
            self._leased += 1
            self._drop_gone_waiters()

    def _drop_gone_waiters(self) -> None:
        while self._waiters and self._waiters[0].granted.done():
            heapq.heappop(self._waiters)

    # Connections

    async def _open(self, deadline: float) -> Connection:
        connection = await self._open_connection(self.origin, deadline, self._forget)
        if connection.is_open:
            self.connections.add(connection)
        # On a new connection too a server may speak before it is asked.
        if not connection.is_quiet() and not await connection.becomes_quiet():
            connection.abort()
            raise Lost("the server closed the new connection, or sent something before it was asked")
        return connection

    def _forget(self, connection: Connection) -> None:
        """Remove a connection that is gone, whoever closed it."""
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if connection is self._ready:
            self._ready = None
            self._tell_keeper(was_closed=True)

    def _pick(self, priority: Priority, *, fresh: bool) -> Connection | None:
        """Remove and return the best connection that is there: the one idle for the shortest time."""
        if fresh:  # not the one that is kept ready either: it may be as dead as the one before
            return None
        now, is_careful = self._loop.time(), priority is not Priority.READ
        if self._idle:
            longest = KEEP_FOR_MONEY_SECONDS if is_careful else self._idle_seconds(self._idle[-1])
            if now - self._idle[-1].idle_since < longest:
                return self._idle.pop()
        if is_careful and self._ready is not None:
            connection, self._ready = self._ready, None
            self._tell_keeper(was_closed=False)
            return connection
        return None

    def _make_room(self) -> None:
        """Close what nobody uses so that one more can be opened; this request has its place already."""
        while self._idle and self._count() > self._size:
            self._idle.pop(0).close()
        if self._ready is not None and self._count() > self._size:
            connection, self._ready = self._ready, None
            connection.close()

    def _count(self) -> int:
        return self._leased + len(self._idle) + (self._ready is not None)

    @staticmethod
    def _idle_seconds(connection: Connection) -> float:
        """Return how long it may be idle: a second less than the server says, for what is on its way then."""
        announced = connection.expires_after
        return KEEP_FOR_READS_SECONDS if announced is None else min(KEEP_FOR_READS_SECONDS, announced - 1)

    def _start_sweeper(self) -> None:
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(KEEP_FOR_READS_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what is too old for any request."""
        now, self._sweeper = self._loop.time(), None
        for connection in self._idle[:]:
            if now - connection.idle_since >= self._idle_seconds(connection):
                self._idle.remove(connection)
                connection.close()
        if self._idle:
            self._start_sweeper()

    # The connection that is kept ready

    def _keep_ready(self) -> None:
        self._ready_until = self._loop.time() + READY_AFTER_MONEY_SECONDS
        if self._keeper is None or self._keeper.done():
            self._keeper = self._loop.create_task(self._keep(), name="keep a connection ready")

    async def _keep(self) -> None:
        """Keep one connection that carried nothing yet, and renew it before a server may find it idle for too long."""
        pause, lifetime = READY_PAUSE_SECONDS, KEEP_READY_SECONDS
        while (began := self._loop.time()) < self._ready_until:
            self._changed = changed = self._loop.create_future()
            try:
                await self._renew()
            except Lost:  # whoever has a request is told by that request
                await asyncio.sleep(pause)
                pause = min(2 * pause, READY_MAX_PAUSE_SECONDS)
                continue
            await asyncio.wait((changed,), timeout=lifetime)
            was_closed, age = changed.done() and changed.result(), self._loop.time() - began
            if not was_closed:
                pause = READY_PAUSE_SECONDS
            elif age > 2 * READY_PAUSE_SECONDS:
                lifetime = min(lifetime, 0.8 * age)  # the server has its own idea of how long is too long
            else:
                # A server that closes at once what carries nothing must not be asked without end.
                await asyncio.sleep(pause)
                pause = min(2 * pause, READY_MAX_PAUSE_SECONDS)
        old, self._ready = self._ready, None
        if old is not None:
            old.close()

    async def _renew(self) -> None:
        if self._count() >= self._size:
            return
        old, opened = self._ready, await self._open(self._loop.time() + KEEP_READY_SECONDS)
        if self._ready is not old or self._count() >= self._size:
            opened.close()  # the place was taken meanwhile
            return
        self._ready = opened
        if old is not None:
            old.close()

    def _tell_keeper(self, *, was_closed: bool) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(was_closed)
