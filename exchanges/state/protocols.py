"""What a session needs of the place where nonces, limits and the journal are kept.

A state that lives in one process alone gives ledgers, turns and counters, and that is all. One that several processes
share has a `SharedLimiter` besides, which every call passes with its permit, and a `Journal` of the calls that are
never repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from exchanges.intents import Intent
    from exchanges.limits.limit import Limit
    from exchanges.limits.limiter import Limiter

__all__ = ["Entry", "Journal", "Lease", "SharedLimiter", "State"]

T = TypeVar("T")


class State(Protocol):
    """Keeps the ledgers and the nonce counters of clients. Keys are known by fingerprint only."""

    def limiter(self, limit: Limit, server: str, key: str | None) -> Limiter:
        """Find the ledger of *limit* at *server*, and of *key* where the limit's scope is the key."""
        ...

    def shared(self, server: str, key: str, make: Callable[[], T]) -> T:
        """Return what all clients of *key* at *server* share in this process, created by the first of them.

        Args:
            server: Where the calls go.
            key: Whose calls they are.
            make: Builds it. Every client passes one that builds the same type.
        """
        ...

    def shared_limiter(self, limit: Limit, server: str, key: str | None) -> SharedLimiter | None:
        """Find what the calls of all processes pass; None where no other process shares this state.

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
        """The record of calls that are never repeated; None where nothing outlives the process."""
        ...


class SharedLimiter(Protocol):
    """What all processes that share a state pass, one after the other."""

    async def acquire(
        self, *, cost: int, in_order: bool, leave_reserve: bool, least_nonce: int, timeout_seconds: float
    ) -> Lease | float:
        """Take everything that a call needs at once, or nothing.

        Args:
            cost: Slots in every window.
            in_order: Whether it needs the key's turn and a nonce.
            leave_reserve: Whether the reserve of long windows is not for this call.
            least_nonce: Wall clock in milliseconds since 1970, for the nonce.
            timeout_seconds: How long to wait for the turn.

        Returns:
            What was taken; or, where there is no room, the seconds to wait at least before asking again.

        Raises:
            RateLimitTimeout: Another process holds the turn for longer than that.
            StateError: The state cannot be read or written.
        """
        ...


class Lease(Protocol):
    """What one call holds of a shared state."""

    @property
    def nonce(self) -> int | None:
        """The nonce that was drawn; None for a call that needs no turn."""
        ...

    async def release(
        self, *, complete: bool, sent: bool = True, floor: int | None = None, closed_seconds: float = 0.0
    ) -> None:
        """Let go of everything; a second time does nothing.

        Args:
            complete: Whether a complete answer came: otherwise the slots rest longer.
            sent: Whether anything may have left; otherwise the slots come free at once.
            floor: The largest nonce that the exchange says it has seen.
            closed_seconds: How long the exchange wants to be left alone.

        Raises:
            StateError: The state cannot be written; the turn is let go all the same.
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
        ended_at: When it was given up (UTC); None if its process died before that, or still carries it out.
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
    """Calls that are never repeated, written down before their first byte leaves."""

    async def begin(self, entry: Entry) -> None:
        """Write down what is about to be sent; it is safe on the disk when this returns.

        Raises:
            StateError: It cannot be written.
        """
        ...

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Write down that the outcome is known: the id of what was made, or None for nothing.

        Raises:
            StateError: It cannot be written.
        """
        ...

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Write down that the call has ended and nobody knows how.

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

    def known(self, server: str, key: str, since: datetime) -> frozenset[str]:
        """List the ids of what calls of *key* have made since then.

        Raises:
            StateError: It cannot be read.
        """
        ...

    def since(self, server: str, key: str) -> datetime | None:
        """Tell since when calls of *key* are written down here; None if none ever was.

        Raises:
            StateError: It cannot be read.
        """
        ...
