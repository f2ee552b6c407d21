"""The pool of own connections, by server: the default way to send a request."""

from __future__ import annotations

import asyncio
import functools
import math
import ssl
from collections.abc import Callable

from attrs import field

from exchanges.errors import quotable
from exchanges.http.addresses import AddressCache, connect
from exchanges.http.answer import Answer, Evidence, Lost, Silent, TimedOut
from exchanges.http.answer_reader import AnswerReader
from exchanges.http.connection import Connection
from exchanges.http.origin_pool import KEEP_FOR_MONEY_SECONDS, OriginPool
from exchanges.http.records import TlsRecords
from exchanges.http.request import Request
from exchanges.http.request_head import Origin, render_head
from exchanges.http.slices import in_slices
from exchanges.http.tls import shared_context
from exchanges.limits.permits import MONEY, READ, Priority, reserved_connections
from exchanges.values import frozen
from exchanges.wire.row_cutter import RowCutter

__all__ = ["MAX_CONNECTIONS", "ConnectionPool"]

CONNECT_SECONDS = 10.0
MAX_CONNECTIONS = 16
SILENT_READ_SECONDS = 2.0
SILENT_READ_SHARE = 1 / 3
LONGEST_SECONDS = 86_400.0  # whoever never wants to give up may allow any number
SILENT_CANCEL_SECONDS = 1.0
SILENT_CANCEL_ANSWERS = 5


@frozen(eq=False, repr=False)
class _Rendered:
    """The bytes of a request. They may contain a key, and tools that print the locals of tasks must not show it."""

    data: bytes = field(repr=False)


class ConnectionPool:
    """Sends requests over its own connections, in one event loop.

    Args:
        ssl_context: How to verify servers; default: the context that all clients share.
        max_connections: Largest number of connections to one server.
        reserve: How many of them only cancels may use; default: as the limiter reserves them.
        keeps_ready: Whether an unused connection is kept ready for orders, after the first one.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_connections: int = MAX_CONNECTIONS,
        reserve: int | None = None,
        keeps_ready: bool = True,
    ) -> None:
        self._context = ssl_context
        self._max_connections, self._keeps_ready = max_connections, keeps_ready
        self._reserve = reserved_connections(max_connections) if reserve is None else reserve
        self._addresses = AddressCache()
        self._pools: dict[str, OriginPool] = {}

    async def send(
        self,
        request: Request,
        evidence: Evidence,
        *,
        max_bytes: int,
        priority: Priority,
        deadline: float,
        silent_after: float | None = None,
        fresh: bool = False,
        cutter: RowCutter | None = None,
    ) -> Answer:
        """Send *request* and return its answer, decoded; see `Sender`."""
        evidence.watched = True
        try:
            pool = self._pool(request.origin)
            rendered = _Rendered(render_head(request, pool.origin.authority) + request.body)
            connection = pool.acquire_now(priority, pool.loop.time(), fresh=fresh)
            if connection is None:
                connection = await pool.acquire(priority, min(deadline, evidence.send_by), fresh=fresh)
        except Lost:
            evidence.refused = True
            evidence.is_late = asyncio.get_running_loop().time() >= evidence.send_by
            raise
        # No `await` from here to the first write: the check of the connection must still hold.
        loop = asyncio.get_running_loop()
        reader, began = AnswerReader(max_bytes, cutter), loop.time()
        # A connection that was just opened cannot be dead: its server has accepted it, however long TLS took.
        is_new = fresh or (not connection.is_used and began - connection.idle_since < KEEP_FOR_MONEY_SECONDS)
        try:
            if began >= deadline:  # its answer would be too late
                raise TimedOut("waiting for a connection")
            evidence.require_caller()
            evidence.give_up = functools.partial(pool.give_up, connection)
            await connection.exchange(
                rendered.data,
                request.attachment,
                reader,
                evidence,
                deadline=deadline,
                silent_after=None if is_new or priority is MONEY else silent_after,
            )
            pool.answer_seconds.append(connection.idle_since - began)
        except Silent:
            pool.drop_idle()
            raise
        finally:
            pool.release(connection, priority)
        if cutter is not None:
            await in_slices(reader.steps(), deadline)
        return reader.answer()

    def send_now(
        self,
        request: Request,
        evidence: Evidence,
        *,
        max_bytes: int,
        began: float,
        deadline: float,
        on_end: Callable[[Answer | Lost], None],
    ) -> Callable[[Lost], None] | None:
        """Send a read without a file if a connection is idle, and return what gives it up; None if none is idle.

        Args:
            began: What the clock of the loop shows now.
            on_end: Called once with the whole answer, or with what went wrong, also when it is given up.

        Raises:
            Lost: Nothing was sent; *on_end* is not called.
        """
        pool = self._pools.get(request.origin)
        if pool is None:
            return None
        evidence.watched = True
        if began >= deadline:  # its answer would be too late
            raise TimedOut("waiting for a connection")
        data = (request.head or render_head(request, pool.origin.authority)) + request.body
        connection = pool.acquire_now(READ, began, fresh=False)
        if connection is None:
            return None
        reader = AnswerReader(max_bytes)

        def end(failure: Lost | None) -> None:
            if isinstance(failure, Silent):
                pool.drop_idle()
            pool.release(connection, READ)
            if failure is not None:
                on_end(failure)
                return
            pool.answer_seconds.append(connection.idle_since - began)
            try:
                answer = reader.answer()
            except Lost as fault:
                on_end(fault)
            else:
                on_end(answer)

        try:
            evidence.require_caller()
            evidence.give_up = functools.partial(pool.give_up, connection)
            silent_after = self.silence_seconds(request.origin, READ, deadline - began)
            silent_at = math.inf if silent_after is None else began + silent_after
            connection.start(data, reader, evidence, end, deadline=deadline, silent_at=silent_at)
        except BaseException:
            pool.release(connection, READ)
            raise
        return connection.settle

    def silence_seconds(self, origin: str, priority: Priority, seconds_left: float) -> float | None:
        """Return the *silent_after* of a request to *origin*; None for orders, which are never repeated."""
        if priority is MONEY:
            return None
        if priority is READ:
            # To tenths: a third in full length looks like a part of a signature to searches for secrets.
            return max(SILENT_READ_SECONDS, int(10 * SILENT_READ_SHARE * min(seconds_left, LONGEST_SECONDS) + 0.5) / 10)
        pool = self._pools.get(origin)
        measured = sorted(pool.answer_seconds) if pool is not None else []
        median = measured[len(measured) // 2] if measured else 0.0
        return max(SILENT_CANCEL_SECONDS, SILENT_CANCEL_ANSWERS * median)

    @property
    def is_open(self) -> bool:
        """Whether any connection is open."""
        return any(pool.connections for pool in self._pools.values())

    def abandon(self) -> None:
        """Open no further connections that no request needs; those that are idle close within a minute."""
        for pool in list(self._pools.values()):
            pool.abandon()

    async def aclose(self) -> None:
        """Close all connections; no task and no socket remains."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():  # at once, so that a cancelled closing leaves no connection open
            pool.close()
        for pool in pools.values():
            await pool.aclose()
        await self._addresses.aclose()

    def _pool(self, text: str) -> OriginPool:
        pool = self._pools.get(text)
        if pool is None:
            pool = self._pools[text] = OriginPool(
                Origin.parse(text),
                self._open,
                size=self._max_connections,
                reserve=self._reserve,
                keeps_ready=self._keeps_ready,
            )
        return pool

    async def _open(self, origin: Origin, deadline: float, on_close: Callable[[Connection], None]) -> Connection:
        loop, phase = asyncio.get_running_loop(), "looking up the name"
        end = min(deadline, loop.time() + CONNECT_SECONDS)
        try:
            async with asyncio.timeout_at(end):
                addresses = await self._addresses.resolve(origin.host, origin.port)
                phase = "connecting"
                records = TlsRecords(await self._secure_context(), origin.host) if origin.is_secure else None
                opened = await connect(addresses)
                _, connection = await loop.create_connection(lambda: Connection(records, on_close), sock=opened)
                phase = "TLS handshake"
                await connection.handshake()
        except (OSError, ValueError, RuntimeError) as error:  # a name that TLS cannot send; no thread for the look-up
            self._addresses.forget(origin.host, origin.port)
            # The system raises the same class for its own time limit, but with a number.
            if isinstance(error, TimeoutError) and error.errno is None:
                if end == deadline:
                    raise TimedOut(phase) from None
                raise Lost(f"{phase} took more than {CONNECT_SECONDS:.0f} s") from None
            raise Lost(f"{phase} failed ({quotable(str(error))})") from None
        return connection

    async def _secure_context(self) -> ssl.SSLContext:
        if self._context is None:
            # Loading the certificates would block the loop for 15 ms.
            build = functools.partial(shared_context, secure=True)
            self._context = await asyncio.get_running_loop().run_in_executor(None, build)
        return self._context
