"""What a session needs from the place where nonces, limits and the journal are kept.

A state of one process provides limiters and what clients of one key share. One that several processes share provides a
`SharedLimiter` too, from which every call acquires a lease once it has its permit, and a `Journal` of the calls that
are never repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from exchanges.intents import Intent
    from exchanges.limits.limit import Limit
    from exchanges.limits.limiter import Limiter

T = TypeVar("T")


class State(Protocol):
    """Keeps the limits and nonces of clients. Keys are known by fingerprint only."""

    def limiter(self, limit: Limit, server: str, key: str | None) -> Limiter:
        """Return the limiter of *limit* at *server*, and of *key* where the limit's scope is the key."""
        ...

    def shared(self, server: str, key: str, make: Callable[[], T]) -> T:
        """Return what all clients of *key* at *server* share in this process, created by the first of them.

        Args:
            server: Where the calls go.
            key: Whose calls they are.
            make: Creates it. Every client passes one that creates the same type.
        """
        ...

    def shared_limiter(self, limit: Limit, server: str, key: str | None) -> SharedLimiter | None:
        """Return the limiter that all processes share; None where no other process shares this state.

        Args:
            limit: What the calls are counted against.
            server: Where they go.
            key: Whose calls they are; None without credentials.

        Raises:
            StateError: The state cannot be read.
        """
        ...

    @property
    def journal(self) -> Journal | None:
        """The journal of calls that are never repeated; None where nothing outlives the process."""
        ...


class SharedLimiter(Protocol):
    """Grants leases to the calls of all processes that share a state."""

    async def acquire(
        self, *, in_order: bool, leave_reserve: bool, least_nonce: int, timeout_seconds: float
    ) -> Lease | float:
        """Acquire everything that a call needs at once, or nothing.

        Args:
            in_order: Whether it needs the key lock and a nonce.
            leave_reserve: Whether the reserve of long windows is not for this call.
            least_nonce: The smallest nonce that will do.
            timeout_seconds: How long to wait for the key lock.

        Returns:
            The lease; or, where there is no room, the seconds to wait at least before asking again.

        Raises:
            RateLimitTimeout: Another process holds the key lock for longer than that.
            StateError: The state cannot be read or written.
        """
        ...


class Lease(Protocol):
    """What one call holds of a shared state."""

    @property
    def nonce(self) -> int | None:
        """The nonce that was drawn; None for a call that needs no key lock."""
        ...

    async def release(
        self, *, complete: bool, sent: bool = True, floor: int | None = None, closed_seconds: float = 0.0
    ) -> None:
        """Release everything; a second time does nothing.

        Args:
            complete: Whether a complete answer came: otherwise the slots cool down longer.
            sent: Whether anything may have been sent; otherwise the slots are free at once.
            floor: The largest nonce that the exchange reports to have seen.
            closed_seconds: How long the exchange accepts no requests.

        Raises:
            StateError: The state cannot be written; the key lock is released all the same.
        """
        ...


@frozen
class Entry:
    """One call in the journal.

    Attributes:
        server: Where it went.
        key: Whose it was, by fingerprint.
        intent: What it was to do.
        nonce: The nonce of the request, where the scheme has one.
        digest: The same for calls that would do the same.
        ended_at: When it ended with an unknown outcome (UTC); None if it is in flight, or its process died before.
        is_under_way: Whether a living process still carries it out.
    """

    server: str
    key: str
    intent: Intent
    nonce: str | None
    digest: str
    ended_at: datetime | None = None
    is_under_way: bool = False


class Journal(Protocol):
    """Calls that are never repeated, recorded before their first byte is sent."""

    async def begin(self, entry: Entry) -> None:
        """Record what is about to be sent; it is safe on the disk when this returns.

        Raises:
            StateError: It cannot be written.
        """
        ...

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Record that the outcome is known: the id of what was created, or None for nothing.

        Raises:
            StateError: It cannot be written.
        """
        ...

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Record that the call has ended and its outcome is unknown.

        Raises:
            StateError: It cannot be written.
        """
        ...

    def entries(self, server: str, key: str) -> tuple[Entry, ...]:
        """List the calls whose outcome is unknown, or not known yet, the oldest first.

        Raises:
            StateError: It cannot be read.
        """
        ...

    def known(self, server: str, key: str, names: Collection[str], prefix: str) -> frozenset[str]:
        """Return which of *names* calls of *key* have created, and all that they created that begins with *prefix*.

        Raises:
            StateError: It cannot be read.
        """
        ...

    def since(self, server: str, key: str) -> datetime | None:
        """Return since when calls of *key* are recorded; None if none ever was.

        Raises:
            StateError: It cannot be read.
        """
        ...
