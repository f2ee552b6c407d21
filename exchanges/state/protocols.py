"""What a session needs from the place where nonces, limits and the journal are kept.

A state of one process provides limiters and what clients of one key share. One that several processes share provides a
`SharedLimiter` too, from which every call acquires a lease once it has its permit, and a `Journal` of the calls that
are never repeated.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from exchanges.limits.lockouts import Lockout, Refusal
from exchanges.limits.waits import Wait
from exchanges.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from exchanges.intents import Intent
    from exchanges.limits.limit import Limit
    from exchanges.limits.limiter import Limiter

T = TypeVar("T")
Draft: TypeAlias = "Callable[[int | None], Entry]"
"""Returns the entry of a call in the journal, given its nonce; called in any thread."""


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
            limit: What the calls are counted against, and within which wider limits; one without windows counts no
                calls, but has the same lockouts and the same key lock.
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


@frozen
class Headroom:
    """What is left of a limit that processes share.

    Attributes:
        free: Free slots of each window, in the order of the limit and of those it is within.
        next_free_seconds: When one more comes free in each window; None if that is not known.
        lockouts: Those that are not over, with moments on the clock of the event loop.
    """

    free: tuple[int, ...]
    next_free_seconds: tuple[float | None, ...]
    lockouts: tuple[Lockout, ...] = ()


class SharedLimiter(Protocol):
    """Grants leases to the calls of all processes that share a state.

    It keeps the slots, the reserve and the lockouts as `exchanges.limits.limiter` does within one process.
    """

    def join(self, *, signs: bool) -> None:
        """Register a client of this process; *signs*: whether it can cancel, so that the others leave it a reserve.

        The registration of a process ends with it.
        """
        ...

    def leave(self, *, signs: bool) -> None:
        """Unregister a client."""
        ...

    async def acquire(
        self,
        *,
        in_order: bool,
        leave_reserve: bool,
        least_nonce: int,
        timeout_seconds: float,
        call_seconds: float,
        is_cancel: bool = False,
        overtake_seconds: float = math.inf,
        scope: str = "",
        draft: Draft | None = None,
    ) -> Lease | Wait:
        """Acquire everything that a call needs at once, or nothing.

        Args:
            in_order: Whether it needs the key lock and a nonce.
            leave_reserve: Whether the reserve of every window is not for this call, if any process can cancel.
            least_nonce: The smallest nonce that will do.
            timeout_seconds: How long to wait for the key lock.
            call_seconds: How long the call may take in all: some seconds later its lease ends by itself.
            is_cancel: Whether it may probe in a lockout.
            overtake_seconds: How long to wait for the key lock before a lease is granted without it.
            scope: The part of the limit that it belongs to, such as a market; empty if it has none.
            draft: What is to be recorded in the journal with the lease, as by `Journal.begin`: both, or neither. A
                state may ignore it; then the lease has no `Lease.entry`, and the call is recorded afterwards.

        Returns:
            The lease; or, where there is no room, when to ask again, and for how long that is certain.

        Raises:
            RateLimited: The exchange has closed the limit and named the end.
            RateLimitTimeout: Another process holds the key lock for longer than that.
            StateError: The state cannot be read or written.
        """
        ...

    def headroom(self) -> Headroom:
        """Return what is left.

        Raises:
            StateError: The state cannot be read.
        """
        ...

    def reopen(self) -> None:
        """Forget every lockout, in all processes, before the next call asks.

        Raises:
            StateError: The state is closed.
        """
        ...


class Lease(Protocol):
    """What one call holds of a shared state."""

    @property
    def nonce(self) -> int | None:
        """The nonce that was drawn; None for a call that needs no key lock."""
        ...

    @property
    def refusals(self) -> int:
        """How many refusals of its limit or its scope there were in a row when it was granted."""
        ...

    @property
    def entry(self) -> Entry | None:
        """What is recorded in the journal with it, and deleted with it if nothing was sent; None if nothing is."""
        ...

    async def recorded(self) -> None:
        """Wait until the entry is safe; the lease may be there a moment before, for what needs no more than the nonce.

        Raises:
            StateError: Neither was written, and nothing may be sent.
        """
        ...

    @property
    def is_alone(self) -> bool:
        """Whether the journal contained no other call with the digest or the client's id of the entry just before.

        False also if nobody has looked.
        """
        ...

    def is_held(self) -> bool:
        """Whether others still respect it, as far as is known here.

        Asked immediately before the first byte is sent: a process that was suspended may have lost it, and then
        nothing is sent.
        """
        ...

    async def release(
        self,
        *,
        complete: bool,
        sent: bool = True,
        floor: int | None = None,
        refusal: Refusal | None = None,
        is_judged: bool = False,
    ) -> None:
        """Release everything; a second time does nothing.

        Args:
            complete: Whether nothing of the call can still arrive: otherwise the slots cool down longer.
            sent: Whether anything may have been sent; otherwise the slots are free at once.
            floor: The largest nonce that the exchange reports to have seen.
            refusal: That the exchange refused the call for too many requests.
            is_judged: Whether the exchange itself has judged the call otherwise, which opens a limit after a lockout.

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
        named: The client's id that it bears, by which it is found too; empty if it bears none.
    """

    server: str
    key: str
    intent: Intent
    nonce: str | None
    digest: str
    ended_at: datetime | None = None
    is_under_way: bool = False
    named: str = ""


class Journal(Protocol):
    """Calls that are never repeated, recorded before their first byte is sent."""

    async def begin(self, entry: Entry) -> None:
        """Record what is about to be sent; it is safe on the disk when this returns.

        Raises:
            StateError: It cannot be written, or too many calls of the key are open.
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

        Returns:
            The same tuple as before if none has changed, so that nobody goes through thousands of them in vain.

        Raises:
            StateError: It cannot be read.
        """
        ...

    def matching(
        self, server: str, key: str, *, digest: str = "", named: str = "", intent_id: str = ""
    ) -> tuple[Entry, ...]:
        """List the open calls that have this digest, this client's id or this id of their intent, in any order.

        It is asked before every order, and for every event of one: what it costs must not grow with their number.

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
