"""The connection to a server: requests are sent at once, and answered in the order in which they were sent.

One connection carries everything but the waking of calls that wait for a key lock. So a release is carried out before
the next request of the same process, and many calls share a round trip. A server that does not answer in time is not
asked again for a moment: what asks meanwhile fails at once.

Rules for editors: redis-py raises errors whose frames hold the password. They end here, as the text of a `LinkFailed`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from exchanges.redaction import redacted
from exchanges.state.redis.address import Address
from exchanges.state.redis.scripts import Script

LEAST_VERSION = (6, 2)
PAUSE_SECONDS = 1.0
"""How long a server that did not answer in time is left alone."""
SHOWN = 160
"""Characters of a foreign error that are shown."""

_CLASSES: dict[str, type[AbstractConnection]] = {
    "redis": Connection,
    "rediss": SSLConnection,
    "unix": UnixDomainSocketConnection,
}
_REPLICA = "is a replica and takes no writes; use the URL of the primary"
_CLUSTER = "is a node of a cluster that does not keep all keys; use a server of its own, or a proxy"
_DENIED = "does not permit this user what the state needs; see the guide for its ACL"
_PROBLEMS: tuple[tuple[type[RedisError], str, str], ...] = (
    (BusyLoadingError, "LOADING ", "is still loading its data; call again in a moment"),
    (ReadOnlyError, "READONLY ", _REPLICA),
    (OutOfMemoryError, "OOM ", "is out of memory (maxmemory); give it more"),
    (ResponseError, "MISCONF ", "takes no writes, as it cannot save its data; look at its log and its disk"),
    (ResponseError, "NOREPLICAS ", "takes no writes, as too few replicas follow it (min-replicas-to-write)"),
    (AskError, "MOVED ", _CLUSTER),
    (ClusterDownError, "CLUSTERDOWN ", _CLUSTER),
    (ResponseError, " user executing the script can't ", _DENIED),
    (NoPermissionError, "NOPERM ", _DENIED),
    (AuthenticationError, "NOAUTH ", "rejected the user or the password of the URL"),
)
"""What errors mean, by their class, or by their code where a script has met them."""


UNREADABLE = "holds what cannot be read"
_UNREADABLE = re.compile(r"UNREADABLE (.+?) : (.*)")
"""How a script reports an error, with the key that it used last."""


def unreadable(key: str, reason: str) -> str:
    """Return what is wrong with a server one of whose keys this version cannot read, and what to do."""
    root = key[: key.find("}:") + 2]
    return (
        f"{UNREADABLE} in the key {key!r} ({reason}): another program or version has written it. Stop "
        f"what does, check at the exchange which calls are open, and delete all keys that begin with {root!r}; hosts "
        "that run report what they hold"
    )


class LinkFailed(Exception):
    """A server was not asked, or did not answer; the text continues "the state at ...".

    Attributes:
        was_asked: Whether the server may have done what it was asked for.
        is_late: Whether it did not answer in time.
    """

    def __init__(self, problem: str, *, was_asked: bool = False, is_late: bool = False) -> None:
        super().__init__(problem)
        self.was_asked, self.is_late = was_asked, is_late


class Wire:
    """One open connection.

    Attributes:
        run_id: Of the server, which is another one after every restart.
        problem: Why it is closed; None while it is open.
    """

    def __init__(self, connection: AbstractConnection, secrets: Callable[[], tuple[str, ...]]) -> None:
        self.run_id = ""
        self.problem: str | None = None
        self._connection = connection
        self._secrets = secrets
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._ending: asyncio.Task[None] | None = None
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def ask(self, *command: str | int) -> object:
        """Send a command and return its answer, which may be a `ResponseError`."""
        if self.problem is not None or not self._connection.is_connected:
            raise LinkFailed(self.problem or "closed the connection")
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        # In this order and without an `await` between: the answers come in the order of the bytes.
        self._waiting.append(future)
        try:
            await self._connection.send_packed_command(self._connection.pack_command(*command), check_health=False)
        except (RedisError, OSError) as error:
            self.close(_problem(error, self._secrets()))
        return await future

    async def _read(self) -> None:
        problem = "closed the connection"
        try:
            while True:
                answer = await _response(self._connection)
                future = self._waiting.popleft()
                if not future.done():  # whoever asked may have given up
                    future.set_result(answer)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody must wait for ever
            problem = _problem(error, self._secrets())
        self.close(problem)

    def close(self, problem: str) -> None:
        """Close it; whoever waits for an answer fails."""
        if self.problem is not None:
            return
        self.problem = problem
        _abort(self._connection)
        if self._reader is not asyncio.current_task():
            self._reader.cancel()
        while self._waiting:
            if not (future := self._waiting.popleft()).done():
                future.set_exception(LinkFailed(problem, was_asked=True))
                future.exception()  # retrieved, as nobody may wait for it any more
        self._ending = asyncio.get_running_loop().create_task(_disconnect(self._connection))

    async def closed(self) -> None:
        """Close it, and wait until that is done."""
        self.close("is closed")
        await asyncio.wait([self._reader, *filter(None, [self._ending])])


class Link:
    """The connection to one server, opened when it is needed.

    Args:
        address: Of the server.
        seconds: How long a step may take.
    """

    def __init__(self, address: Address, seconds: float) -> None:
        self._address = address
        self._seconds = seconds
        self._wire: Wire | None = None
        self._opening = asyncio.Lock()
        self._pause_until, self._pause_problem = 0.0, ""

    async def run(
        self, script: Script, root: str, arguments: Callable[[str], Sequence[str]], seconds: float | None = None
    ) -> list[object]:
        """Run a script and return its answer.

        Args:
            script: It.
            root: What all keys begin with.
            arguments: Returns its arguments, given the run id of the server.
            seconds: How long it may take; None: as long as a step may.

        Raises:
            LinkFailed: It was not run, or may have been run without an answer.
        """
        wire = None
        try:
            async with asyncio.timeout(self._seconds if seconds is None else seconds):
                wire = await self.opened()
                answer = await wire.ask("EVALSHA", script.sha, 1, root, *arguments(wire.run_id))
                if isinstance(answer, NoScriptError):
                    answer = await wire.ask("EVAL", script.text, 1, root, *arguments(wire.run_id))
        except TimeoutError:
            problem = f"did not answer within {self._seconds if seconds is None else seconds:g} s"
            if seconds is None:
                self._pause_until, self._pause_problem = time.monotonic() + PAUSE_SECONDS, problem
                if wire is not None:
                    wire.close(problem)
            raise LinkFailed(problem, was_asked=wire is not None, is_late=True) from None
        if not isinstance(answer, list):
            problem = (
                _problem(answer, self._address.secrets()) if isinstance(answer, Exception) else "answered nonsense"
            )
            if problem == _REPLICA:
                wire.close(problem)  # another server is the primary now; what this one shows may be old
            # Where a script met what it cannot read, it may have written before.
            raise LinkFailed(problem, was_asked=problem.startswith(UNREADABLE))
        return cast("list[object]", answer)

    async def opened(self) -> Wire:
        """Return the open connection.

        Raises:
            LinkFailed: The server cannot be reached, or is none for a state.
        """
        if self._wire is not None and self._wire.problem is None:
            return self._wire
        if time.monotonic() < self._pause_until:
            raise LinkFailed(self._pause_problem)
        async with self._opening:
            if self._wire is None or self._wire.problem is not None:
                self._wire = await self.connect()
            return self._wire

    async def connect(self) -> Wire:
        """Open one more connection, and check the server.

        Raises:
            LinkFailed: The server cannot be reached, or is none for a state.
        """
        connection = await self._connection()
        wire, problem = Wire(connection, self._address.secrets), "did not answer"
        try:
            facts = await wire.ask("INFO")
            problem = _fault(facts, self._address.secrets())
        finally:
            if problem:
                wire.close(problem)
        if problem:
            raise LinkFailed(problem)
        wire.run_id = _facts(facts)["run_id"]
        return wire

    async def subscribe(self, channel: str, hear: Callable[[str], None]) -> None:
        """Pass the messages of a channel on, until the connection ends.

        Raises:
            LinkFailed: It cannot be opened, or has ended.
        """
        connection = await self._connection()
        try:
            await connection.send_command("SUBSCRIBE", channel)
            while not isinstance(answer := await _response(connection), Exception):
                match answer:
                    case [b"message", bytes(), bytes() as message]:
                        hear(message.decode())
                    case _:  # that it has subscribed
                        pass
            problem = _problem(answer, self._address.secrets())
        except Exception as error:  # noqa: BLE001 - translated, see above
            problem = _problem(error, self._address.secrets())
        finally:
            _abort(connection)
            await _disconnect(connection)
        raise LinkFailed(problem)

    async def _connection(self) -> AbstractConnection:
        make: Any = _CLASSES[self._address.scheme]
        connection: AbstractConnection = make(
            **self._address.options(),
            socket_timeout=None,  # the steps have their own
            socket_connect_timeout=self._seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        problem = "did not answer"
        try:
            await connection.connect()  # type: ignore[no-untyped-call]  # of redis-py
            problem = ""
        except Exception as error:  # noqa: BLE001 - translated, see above
            problem = _problem(error, self._address.secrets())
        finally:
            if problem:
                await _disconnect(connection)
        if problem:
            raise LinkFailed(problem)
        return connection

    async def close(self) -> None:
        """Close the connection."""
        if self._wire is not None:
            await self._wire.closed()


async def _response(connection: AbstractConnection) -> object:
    """Return the next answer, which may be a `ResponseError`."""
    read = cast("Callable[[], Awaitable[object]]", connection.read_response)
    try:
        return await read()
    except ResponseError as error:
        return error


async def _disconnect(connection: AbstractConnection) -> None:
    with suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)


def _abort(connection: AbstractConnection) -> None:
    """Close the socket at once: with TLS, closing waits for the server."""
    if (writer := getattr(connection, "_writer", None)) is not None:
        writer.transport.abort()


def _facts(answer: object) -> dict[str, str]:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else ""
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, colon, value in lines if colon}


def _fault(answer: object, secrets: tuple[str, ...]) -> str:
    """Return why a server is none for a state; empty if it is one."""
    if isinstance(answer, Exception):
        return _problem(answer, secrets)
    facts = _facts(answer)
    version = facts.get("redis_version", "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < LEAST_VERSION:
        return f"has version {version or 'unknown'}; Redis 6.2, Valkey, or later is needed"
    if facts.get("role") != "master":
        return _REPLICA
    return "" if facts.get("run_id") else "does not show its run_id; the user needs the command INFO"


def _problem(error: BaseException, secrets: tuple[str, ...]) -> str:
    """Return what is wrong, without anything secret."""
    for kind, code, words in _PROBLEMS:
        if (isinstance(error, kind) and kind is not ResponseError) or (
            isinstance(error, ResponseError) and code in str(error)
        ):
            return words
    if isinstance(error, ResponseError) and (found := _UNREADABLE.search(str(error))) is not None:
        return unreadable(found[1], _quoted(found[2], secrets))
    if isinstance(error, ResponseError):
        return f"answered an error ({_quoted(error, secrets)})"
    cause = next(
        (e for e in (error.__cause__, error.__context__, error) if isinstance(e, OSError) and e.strerror), None
    )
    reason = type(error).__name__ if cause is None else _quoted(cause.strerror, secrets)
    return f"cannot be reached ({reason}); check that the server runs, and the URL"


def _quoted(text: object, secrets: tuple[str, ...]) -> str:
    words = redacted(" ".join(str(text).split()), secrets)
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}..."
