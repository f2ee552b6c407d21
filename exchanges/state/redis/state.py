"""State on a Redis or Valkey server, shared by the processes of several hosts."""

from __future__ import annotations

import importlib.util
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from exchanges.errors import UsageError
from exchanges.limits.limit import Limit
from exchanges.state.limiter import LeasingLimiter
from exchanges.state.memory import MemoryState
from exchanges.state.protocols import Journal
from exchanges.state.redis.address import Address, parse, require_prefix

if TYPE_CHECKING:
    from exchanges.state.redis.store import RedisStore

MOST_SECONDS = 60.0


def uptime() -> float:
    """Return seconds on a monotonic clock that counts the time in which the host is suspended."""
    # CLOCK_MONOTONIC stands still meanwhile on Linux, and counts it on macOS; so does the clock of Windows.
    number = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic() if number is None else time.clock_gettime(number)


class RedisState(MemoryState):
    """Nonces, limits and a journal on a server that the processes of several hosts share.

    The server is Redis 6.2, Valkey, or later, with ``maxmemory-policy noeviction``; it needs the extra ``redis``. All
    clients of a process use one instance; every process creates its own, with the same database and prefix. It connects
    when it is first used. As long as the server cannot be reached, calls raise `StateError` and nothing is sent. A
    database that is used for the first time grants nothing for five seconds, in which processes that know better would
    report.

    Calls of one process wait for each other as with `MemoryState`; then they wait for those of other processes. Keys
    are written as fingerprints only, secrets never. The guide "Several hosts" says what is lost when a server is.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password percent-encoded. The only options
            are the files ``ssl_ca_certs``, ``ssl_certfile`` and ``ssl_keyfile`` of ``rediss``, and ``db`` of ``unix``.
        prefix: What all keys begin with; processes with another one share nothing.
        timeout_seconds: How long one step may take before it fails.
        clock: Monotonic clock in seconds that counts the time in which the host is suspended.

    Raises:
        UsageError: An argument is wrong, or the extra is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "aioexchanges",
        timeout_seconds: float = 2.0,
        clock: Callable[[], float] = uptime,
    ) -> None:
        address, prefix = parse(url), require_prefix(prefix)
        is_number = isinstance(timeout_seconds, int | float) and not isinstance(timeout_seconds, bool)
        if not is_number or not 0 < timeout_seconds <= MOST_SECONDS:
            raise UsageError(f"timeout_seconds of RedisState must be a number above 0, and at most {MOST_SECONDS:g}")
        super().__init__()
        self._name = address.name
        self._store = _open_store(address, prefix, float(timeout_seconds), clock)
        # The store must not refer to this object, or it would never be collected and so never be closed.
        self._finalize = weakref.finalize(self, self._store.close)

    def __repr__(self) -> str:
        """Show the server, without user and password."""
        return f"RedisState({self._name!r})"

    def __enter__(self) -> Self:
        """Use it in a block that closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def shared_limiter(self, limit: Limit, server: str, key: str | None) -> LeasingLimiter:
        """Return the limiter that all processes share.

        Args:
            limit: What the calls are counted against.
            server: Where they go.
            key: Whose calls they are; None without credentials.

        Raises:
            StateError: The state is closed, or belongs to the parent of this process.
        """
        self._store.worker.require_running()
        return LeasingLimiter(self._store, limit, server, key, keep_alive=self)

    @property
    def journal(self) -> Journal:
        """The journal of calls that are never repeated."""
        return self._store.journal

    def close(self) -> None:
        """Close the connections, after the clients that use it are closed. Without it nothing is lost."""
        self._finalize()


def _open_store(address: Address, prefix: str, seconds: float, clock: Callable[[], float]) -> RedisStore:
    if importlib.util.find_spec("redis") is None:
        raise UsageError("RedisState needs redis-py; install aioexchanges[redis]")
    from exchanges.state.redis.store import RedisStore  # noqa: PLC0415 - needs an extra

    return RedisStore(address, prefix, seconds, clock)
