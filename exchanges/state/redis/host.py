"""This process as the server of a state knows it: it asks the scripts, reports that it lives, and does what it owes.

Rules for editors: everything here runs in the loop of the thread, except `read`, `server` and `close`.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import TimeoutError as NotDone
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from exchanges.errors import StateError
from exchanges.instrumentation.lines import Log
from exchanges.state.redis import scripts
from exchanges.state.redis.address import Address
from exchanges.state.redis.link import PAUSE_SECONDS, Link, LinkFailed, unreadable
from exchanges.state.redis.servers import Said, Server
from exchanges.state.redis.thread import LoopThread

logger = Log(__name__)

BEAT_SECONDS = 1.0
"""How often a host reports that it lives."""
READ_SECONDS = 0.5
"""How long a reader waits, which stops the event loop of the program."""
READ_AGAIN_SECONDS = 1.0
"""How much longer it waits for the thread, which may be busy."""
EVICTS = "may delete keys when its memory is full (maxmemory-policy {}); set maxmemory-policy noeviction"


class Host:
    """One process at one Redis server.

    Args:
        address: Of the Redis server.
        prefix: What all keys begin with.
        seconds: How long a step may take.
        clock: Monotonic clock in seconds that counts the time in which the host is suspended.
        sweep: Called before each report, to release what nobody else will.

    Attributes:
        name: Its name, which no other has.
        where: The Redis server, for messages.
        thread: Where all of it runs.
        link: The connection.
    """

    def __init__(
        self,
        address: Address,
        prefix: str,
        seconds: float,
        clock: Callable[[], float],
        sweep: Callable[[Server], None],
    ) -> None:
        self.name = token_hex(8)
        self.where = address.name
        self.clock = clock
        self.thread = LoopThread(f"the state at {self.where}")
        self.link = Link(address, seconds)
        self.channel = f"{prefix}:wake:{self.name}"
        self._prefix = prefix
        self._sweep = sweep
        self._scripts = scripts.scripts()
        self._servers: dict[str, Server] = {}
        self._owed: dict[Server, dict[str, Callable[[], Awaitable[None]]]] = defaultdict(dict)
        self._beating: asyncio.Task[None] | None = None
        self._beat_now = asyncio.Event()
        self._unread_until = 0.0

    def server(self, name: str) -> Server:
        """Return the server of an exchange."""
        if name not in self._servers:
            # Braces delimit the part of a key that decides where a cluster keeps it.
            self._servers[name] = Server(f"{self._prefix}:{{{quote(name, safe=' :/.[]')}}}:", name)
        return self._servers[name]

    def failed(self, problem: object) -> StateError:
        """Return the error of a server that was not asked or did not answer."""
        return StateError(f"the state at {self.where} {problem}")

    async def ask(
        self, server: Server, script: str, request: Mapping[str, Any], *, seconds: float | None = None
    ) -> Said:
        """Run a script, and report from now on that this host lives.

        Raises:
            LinkFailed: It was not run, or may have been run without an answer.
        """
        if self._beating is None:
            self._beating = asyncio.get_running_loop().create_task(self._beat())
        sent_at = 0.0

        def arguments(run_id: str) -> tuple[str, ...]:
            nonlocal sent_at
            sent_at = self.clock()
            return server.arguments(self.name, run_id, request, sent_at)

        answer = await self.link.run(self._scripts[script], server.root, arguments, seconds)
        self._unread_until = 0.0
        try:
            said = server.note(answer, sent_at, self.where)
        except (TypeError, ValueError) as error:
            raise LinkFailed(unreadable(f"{server.root}meta", str(error))) from None
        if said.what == "evicts":
            raise LinkFailed(EVICTS.format(*said.values))
        if server.is_due:
            self._beat_now.set()
        return said

    def read(self, name: str, request: Mapping[str, Any]) -> Said:
        """Run the script that reads, from a thread of the program, and wait for its answer.

        Raises:
            StateError: It cannot be read.
        """
        if time.monotonic() < self._unread_until:
            raise self.failed("did not answer a moment ago; call again")
        found: Said | str
        try:
            found = self.thread.ask(partial(self._read, self.server(name), request)).result(
                READ_SECONDS + READ_AGAIN_SECONDS
            )
        except NotDone:
            found = self._unread("did not answer in time")
        if isinstance(found, str):
            raise self.failed(found)
        return found

    def _unread(self, problem: str) -> str:
        # Each reader stops the event loop of the program: a hundred orders must not stop it a hundred times.
        self._unread_until = time.monotonic() + PAUSE_SECONDS
        return problem

    async def _read(self, server: Server, request: Mapping[str, Any]) -> Said | str:
        try:
            return await self.ask(server, "read", request, seconds=READ_SECONDS)
        except LinkFailed as error:
            return self._unread(str(error)) if error.is_late else str(error)

    def owe(self, server: Server, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* once the server answers again; what is owed under the same name before is replaced."""
        self._owed[server][name] = work

    async def report(self, server: Server, *, ends: bool = False) -> None:
        """Report that this host lives, with all that it holds if the server may have lost it; do what is owed."""
        left, was_due, epoch, held = set(server.left), server.is_due, server.epoch, list(server.held.values())
        try:
            said = await self.ask(server, "beat", server.report(self.clock(), ends=ends))
            for name, work in list(self._owed[server].items()):
                await work()
                self._owed[server].pop(name, None)
        except LinkFailed as error:
            logger.debug("%s", self.failed(error))
            return
        if said.values[0]:
            # Too late: others have taken it for dead.
            for lease in held:
                lease.is_lost = True
        if server.epoch == epoch:
            server.is_due = server.is_due and not was_due
            server.left -= left
            server.lives(said)

    async def close(self) -> None:
        """Unregister, and close the connection."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        for server in self._servers.values():
            server.left |= set(server.signers)
            server.signers.clear()
            if server.epoch:
                await self.report(server, ends=True)
        await self.link.close()

    async def _beat(self) -> None:
        while True:
            self._beat_now.clear()
            for server in list(self._servers.values()):
                try:
                    self._sweep(server)
                    await self.report(server)
                except Exception:  # a host that reports no more loses its leases
                    logger.exception("internal error in the state at %s", self.where)
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._beat_now.wait()
