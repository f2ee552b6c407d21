"""State that lives as long as the process, and that the event loops of all its threads share."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from exchanges.limits.limit import Limit, Scope
from exchanges.limits.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchanges.state.protocols import Journal, SharedLimiter

T = TypeVar("T")


class MemoryState:
    """Limiters and nonces in memory."""

    def __init__(self) -> None:
        # Clients in several threads may use it; one lock for all of it, as limiters share key locks.
        self._lock = threading.RLock()
        self._limiters: dict[tuple[str, str, str | None], Limiter] = {}
        self._shared: dict[tuple[str, str], Any] = {}

    def __repr__(self) -> str:
        """Show the limiters."""
        limiters = vars(self).get("_limiters", {})  # a traceback may show a state whose constructor failed
        return f"MemoryState({list(limiters.values())})"

    def limiter(self, limit: Limit, server: str, key: str | None) -> Limiter:
        """Return the limiter of *limit* at *server*, and of *key* where the limit's scope is the key.

        Limiters that nobody uses are deleted once none of their slots is cooling.

        Raises:
            UsageError: A client uses another limit of the same name.
        """
        # Here and not on a timer: a program that creates no more clients has nothing to clean up.
        now = time.monotonic()
        widest = limit.widest
        place = (widest.name, server, key if widest.scope is Scope.KEY else None)
        with self._lock:
            self._limiters = {p: limiter for p, limiter in self._limiters.items() if not limiter.is_idle(now)}
            limiter = self._limiters.get(place)
            if limiter is None:
                limiter = self._limiters[place] = Limiter(limit, self._lock)
            limiter.adopt(limit)
            return limiter

    def shared(self, server: str, key: str, make: Callable[[], T]) -> T:
        """Return what all clients of *key* at *server* share, created by the first of them."""
        # Never deleted: the next client of the key must draw larger nonces and meet the pending calls of this one.
        with self._lock:
            if (server, key) not in self._shared:
                self._shared[server, key] = make()
            return cast("T", self._shared[server, key])

    def shared_limiter(self, limit: Limit, server: str, key: str | None) -> SharedLimiter | None:  # noqa: ARG002 - as declared
        """Return None: no other process shares this state."""
        return None

    @property
    def journal(self) -> Journal | None:
        """None: nothing outlives the process."""
        return None


PROCESS = MemoryState()
"""Shared by all clients of this process without a state or a transport of their own."""
