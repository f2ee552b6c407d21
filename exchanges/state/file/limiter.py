"""The limiter that all processes share; see `exchanges.state.protocols.SharedLimiter`."""

from __future__ import annotations

import asyncio
import hashlib
import math
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from exchanges.errors import ExchangeError, RateLimitTimeout, StateError
from exchanges.limits.limit import Limit, Scope
from exchanges.limits.lockouts import Refusal
from exchanges.state.file.leases import LeaseEnd, LeaseRecord, LeaseRequest, LeaseWaiter, unsent
from exchanges.state.protocols import Headroom

if TYPE_CHECKING:
    from exchanges.state.file.store import Store


class SharedFileLimiter:
    """Grants leases to the calls of one limit, server and key.

    Args:
        store: Who grants them.
        limit: What the calls are counted against.
        server: Where they go.
        key: Whose they are, by fingerprint; None without credentials.
        keep_alive: Closes the store when it is collected, so it is referred to as long as a call may need the store.
    """

    def __init__(self, store: Store, limit: Limit, server: str, key: str | None, *, keep_alive: object) -> None:
        self._keep_alive = keep_alive
        self._store = store
        self._limit = limit
        self._account = (server, key or "")
        self._limit_id = _limit_id(limit.name, server, (key or "") if limit.scope is Scope.KEY else "-")

    def __repr__(self) -> str:
        """Show the limit and the state."""
        return f"SharedFileLimiter({self._limit.name}: {self._keep_alive!r})"

    def join(self, *, signs: bool) -> None:
        """Register a client of this process."""

    def leave(self, *, signs: bool) -> None:
        """Unregister a client."""

    def headroom(self) -> Headroom:
        """Return what is left."""
        return Headroom((), ())

    def reopen(self) -> None:
        """Forget every lockout."""

    async def acquire(
        self,
        *,
        in_order: bool,
        leave_reserve: bool,
        least_nonce: int,
        timeout_seconds: float,
        is_cancel: bool = False,  # noqa: ARG002 - as declared
        overtake_seconds: float = math.inf,  # noqa: ARG002
        scope: str = "",  # noqa: ARG002
    ) -> FileLease | float:
        """Acquire everything that a call needs at once, or return the seconds to wait at least."""
        request = LeaseRequest(self._limit_id, self._limit.windows, leave_reserve, self._account, in_order, least_nonce)
        loop = asyncio.get_running_loop()
        waiter = LeaseWaiter(request, loop, loop.create_future(), timeout_seconds)
        try:
            answer = await self._wait(waiter)
        except StateError as error:
            raise unsent(error) from error.__cause__
        return FileLease(self._store, answer, self._keep_alive) if isinstance(answer, LeaseRecord) else answer

    async def _wait(self, waiter: LeaseWaiter) -> LeaseRecord | float:
        """Wait for the answer; release a lease that comes too late."""
        self._store.worker.post(partial(self._store.acquire, waiter))
        expiry = None
        if waiter.timeout_seconds < math.inf:
            expire = partial(waiter.expire, partial(_timed_out, waiter, self._store.path))
            expiry = waiter.loop.call_later(waiter.timeout_seconds, expire)
        try:
            return await waiter.future
        except BaseException:
            if (record := waiter.cancel()) is not None:
                with suppress(StateError):  # closed: there is nothing left to release
                    self._store.worker.post(partial(self._store.release, LeaseEnd(record, complete=True, sent=False)))
            raise
        finally:
            if expiry is not None:
                expiry.cancel()


class FileLease:
    """What one call holds of a state in a file; the state stays open as long."""

    def __init__(self, store: Store, record: LeaseRecord, keep_alive: object) -> None:
        self._keep_alive = keep_alive
        self._store = store
        self._record = record
        self._is_over = False

    def __del__(self) -> None:
        """Release what nobody did: the task was cancelled before it started, or its loop is gone."""
        if not self._is_over:
            with suppress(StateError):
                self._store.worker.post(partial(self._store.release, LeaseEnd(self._record, complete=False)))

    def __repr__(self) -> str:
        """Show the nonce."""
        return f"FileLease(nonce={self.nonce})"

    @property
    def nonce(self) -> int | None:
        """The nonce that was drawn; None for a call that needs no key lock."""
        return self._record.nonce

    @property
    def refusals(self) -> int:
        """How many refusals there were in a row."""
        return 0

    async def release(
        self,
        *,
        complete: bool,
        sent: bool = True,
        floor: int | None = None,
        refusal: Refusal | None = None,
        is_judged: bool = False,  # noqa: ARG002 - as declared
    ) -> None:
        """Release everything, without waiting for the file; a second time does nothing."""
        if self._is_over:
            return
        self._is_over = True
        # What was posted before a later call is written before it. Nobody who has an answer waits for a locked file.
        end = LeaseEnd(self._record, complete, sent, floor, 0.0 if refusal is None else refusal.seconds)
        self._store.worker.post(partial(self._store.release, end))


def _limit_id(*names: str) -> int:
    """Return a number for what identifies a limit; seven bytes, which fit the signed integers of SQLite."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:7])


def _timed_out(waiter: LeaseWaiter, path: Path) -> ExchangeError:
    seconds = waiter.timeout_seconds
    if waiter.waits_for_key:
        return RateLimitTimeout(
            f"another call held the lock of this key for more than {seconds:.1f} s; nothing was sent. Check whether a "
            "process that uses the same state hangs, or pass a larger timeout_seconds"
        )
    return StateError(
        f"the state in {path} could not be written within {seconds:.1f} s; look for another program that locks the "
        "file, or a disk that hangs"
    )
