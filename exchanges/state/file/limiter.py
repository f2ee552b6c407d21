"""The gate that the calls of all processes pass; see `exchanges.state.protocols.SharedLimiter`."""

from __future__ import annotations

import asyncio
import hashlib
import math
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from exchanges.errors import RateLimitTimeout, StateError
from exchanges.limits.limit import Limit, Scope
from exchanges.state.file.leases import LeaseEnd, LeaseRecord, LeaseRequest, LeaseWaiter

if TYPE_CHECKING:
    from exchanges.state.file.state import FileState
    from exchanges.state.file.store import Store

__all__ = ["FileLease", "SharedFileLimiter", "unsent"]


class SharedFileLimiter:
    """Where the calls of one limit, server and key pass.

    Args:
        state: Kept open as long as there is a gate.
        store: Who answers.
        limit: What the calls are counted against.
        server: Where they go.
        key: Whose they are, by fingerprint; None without credentials.
    """

    def __init__(self, state: FileState, store: Store, limit: Limit, server: str, key: str | None) -> None:
        self._state = state
        self._store = store
        self._limit = limit
        self._account = (server, key or "")
        self._place = _place(limit.name, server, (key or "") if limit.scope is Scope.KEY else "-")

    def __repr__(self) -> str:
        """Show the limit and the state."""
        return f"SharedFileLimiter({self._limit.name}: {self._state!r})"

    async def acquire(
        self, *, cost: int, in_order: bool, leave_reserve: bool, least_nonce: int, timeout_seconds: float
    ) -> FileLease | float:
        """Take everything that a call needs at once, or give the seconds to wait at least."""
        request = LeaseRequest(
            self._place, self._limit.windows, cost, leave_reserve, self._account, in_order, least_nonce
        )
        loop = asyncio.get_running_loop()
        waiter = LeaseWaiter(request, loop, loop.create_future())
        try:
            found = await self._found(waiter, timeout_seconds)
        except StateError as error:
            raise unsent(error) from error.__cause__
        if not isinstance(found, LeaseRecord):
            return found
        return FileLease(self._state, self._store, found)

    async def _found(self, waiter: LeaseWaiter, timeout_seconds: float) -> LeaseRecord | float:
        """Wait for the answer; what comes too late is handed back."""
        self._store.worker.post(partial(self._store.acquire, waiter))
        expiry = None
        if timeout_seconds < math.inf:
            expiry = waiter.loop.call_later(timeout_seconds, waiter.give_up, partial(_too_late, timeout_seconds))
        try:
            return await waiter.future
        except BaseException:
            if (record := waiter.cancel()) is not None:
                with suppress(StateError):  # closed: there is nothing left to let go of
                    self._store.worker.post(partial(self._store.release, LeaseEnd(record, complete=True, sent=False)))
            raise
        finally:
            if expiry is not None:
                expiry.cancel()


class FileLease:
    """What one call holds of a state in a file; the state stays open as long."""

    def __init__(self, state: FileState, store: Store, record: LeaseRecord) -> None:
        self._state = state
        self._store = store
        self._record = record
        self._is_over = False

    def __del__(self) -> None:
        """Let go where nobody did: its task was ended before it began, or its loop is gone."""
        if not self._is_over:
            with suppress(StateError):
                self._store.worker.post(partial(self._store.release, LeaseEnd(self._record, complete=False)))

    def __repr__(self) -> str:
        """Show the nonce."""
        return f"FileLease(nonce={self.nonce})"

    @property
    def nonce(self) -> int | None:
        """The nonce that was drawn; None for a call that needs no turn."""
        return self._record.nonce

    async def release(
        self, *, complete: bool, sent: bool = True, floor: int | None = None, closed_seconds: float = 0.0
    ) -> None:
        """Let go of everything; a second time does nothing."""
        if self._is_over:
            return
        self._is_over = True
        end = LeaseEnd(self._record, complete, sent, floor, closed_seconds)
        await self._store.worker.run(partial(self._store.release, end))


def unsent(error: StateError) -> StateError:
    """Say what an *error* before sending means."""
    return StateError(f"{error}; nothing was sent")


def _place(*names: str) -> int:
    """Make a number of what a limit is known by."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:7])


def _too_late(seconds: float) -> RateLimitTimeout:
    return RateLimitTimeout(
        f"another call kept the turn of this key for more than {seconds:.1f} s; nothing was sent. Look whether a "
        "process that uses the same state hangs, or give a larger timeout_seconds"
    )
