"""State on a Redis or Valkey server, shared by the processes of several hosts."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from exchanges.errors import UsageError
from exchanges.state.redis.address import Address, parse, require_prefix
from exchanges.state.shared import SharedState

if TYPE_CHECKING:
    from exchanges.state.redis.store import RedisStore

MOST_SECONDS = 60.0


def uptime() -> float:
    """Return seconds on a monotonic clock that counts the time in which the host is suspended."""
    # CLOCK_MONOTONIC stands still meanwhile on Linux, and counts it on macOS; so does the clock of Windows.
    number = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic() if number is None else time.clock_gettime(number)


class RedisState(SharedState):
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
        try:
            address = parse(url)
        finally:
            del url  # a traceback may show the locals of this frame
        prefix = require_prefix(prefix)
        is_number = isinstance(timeout_seconds, int | float) and not isinstance(timeout_seconds, bool)
        if not is_number or not 0 < timeout_seconds <= MOST_SECONDS:
            raise UsageError(f"timeout_seconds of RedisState must be a number above 0, and at most {MOST_SECONDS:g}")
        super().__init__(address.name, _open_store(address, prefix, float(timeout_seconds), clock))


def _open_store(address: Address, prefix: str, seconds: float, clock: Callable[[], float]) -> RedisStore:
    if importlib.util.find_spec("redis") is None:
        raise UsageError("RedisState needs redis-py; install aioexchanges[redis]")
    from exchanges.state.redis.store import RedisStore  # noqa: PLC0415 - needs an extra

    return RedisStore(address, prefix, seconds, clock)
