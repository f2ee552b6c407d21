"""The limiter that all processes share, wherever it is kept; see `exchanges.state.protocols.SharedLimiter`.

A store grants leases in a thread of its own. What is posted to it is done in order, so that nothing here waits for it
but the calls that ask for a lease.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from attrs import evolve

from exchanges.errors import ExchangeError, RateLimitTimeout, StateError
from exchanges.limits.limit import Limit, Scope
from exchanges.limits.lockouts import Refusal
from exchanges.limits.waits import Wait
from exchanges.state.leases import LeaseEnd, LeaseRecord, LeaseRequest, LeaseWaiter, unsent
from exchanges.state.protocols import Draft, Entry, Headroom


class Poster(Protocol):
    """The thread of a store."""

    def post(self, job: Callable[[], object]) -> None:
        """Run *job* there later.

        Raises:
            StateError: It has stopped, or belongs to the parent of this process.
        """
        ...

    def post_later(self, job: Callable[[], object]) -> None:
        """Run *job* there after what was posted before it: nobody waits for it.

        Raises:
            StateError: As with `post`.
        """
        ...


class LeaseStore(Protocol):
    """Grants leases. All methods but `headroom` and `holds` are for the thread of its worker."""

    slow: str
    """What to say of a store that does not answer in time, with a place for the seconds."""

    @property
    def worker(self) -> Poster:
        """Its thread."""
        ...

    def acquire(self, waiter: LeaseWaiter) -> None:
        """Answer *waiter*, now or later."""
        ...

    def overtake(self, waiter: LeaseWaiter) -> None:
        """Serve a call that has waited long enough for the key lock, without it."""
        ...

    def give_up(self, waiter: LeaseWaiter) -> None:
        """Stop the waiting of a call that was cancelled."""
        ...

    def release(self, end: LeaseEnd) -> None:
        """Release a lease; a second time does nothing."""
        ...

    def holds(self, record: LeaseRecord) -> bool:
        """Whether a lease is held, as far as is known here."""
        ...

    def add_signers(self, request: LeaseRequest, number: int) -> None:
        """Count clients of this process that can cancel."""
        ...

    def reopen(self, request: LeaseRequest) -> None:
        """Forget the lockouts of a limit."""
        ...

    def headroom(self, request: LeaseRequest) -> Headroom:
        """Return what is left, from any thread."""
        ...


class LeasingLimiter:
    """Grants leases to the calls of one limit, server and key.

    Args:
        store: Who grants them.
        limit: What the calls are counted against.
        server: Where they go.
        key: Whose they are, by fingerprint; None without credentials.
        keep_alive: Closes the store when it is collected, so it is referred to as long as a call may need the store.
    """

    def __init__(self, store: LeaseStore, limit: Limit, server: str, key: str | None, *, keep_alive: object) -> None:
        self._keep_alive = keep_alive
        self._store = store
        self._limit = limit
        parts = tuple(
            (_limit_id(part.name, server, (key or "") if part.scope is Scope.KEY else "-"), part.windows)
            for part in limit.parts
        )
        self._request = LeaseRequest(parts, (server, key or ""), limit.widest.name)

    def __repr__(self) -> str:
        """Show the limit and the state."""
        return f"LeasingLimiter({self._limit.name}: {self._keep_alive!r})"

    def join(self, *, signs: bool) -> None:
        """Register a client of this process."""
        if signs:
            self._store.worker.post(partial(self._store.add_signers, self._request, 1))

    def leave(self, *, signs: bool) -> None:
        """Unregister a client."""
        if signs:
            with suppress(StateError):  # closed: then the registration is gone already
                self._store.worker.post(partial(self._store.add_signers, self._request, -1))

    def headroom(self) -> Headroom:
        """Return what is left."""
        return self._store.headroom(self._request)

    def reopen(self) -> None:
        """Forget every lockout, in all processes."""
        self._store.worker.post(partial(self._store.reopen, self._request))

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
    ) -> StoreLease | Wait:
        """Acquire everything that a call needs at once, or return how long to wait."""
        request = evolve(
            self._request,
            in_order=in_order,
            leave_reserve=leave_reserve,
            least_nonce=least_nonce,
            timeout_seconds=timeout_seconds,
            call_seconds=call_seconds,
            is_cancel=is_cancel,
            scope=scope,
        )
        loop = asyncio.get_running_loop()
        waiter = LeaseWaiter(request, loop, loop.create_future(), draft)
        try:
            answer = await self._wait(waiter, overtake_seconds)
        except StateError as error:
            raise unsent(error) from error.__cause__
        if isinstance(answer, LeaseRecord):
            return StoreLease(self._store, answer, self._keep_alive, waiter.recorded)
        return answer

    async def _wait(self, waiter: LeaseWaiter, overtake_seconds: float) -> LeaseRecord | Wait:
        """Wait for the answer; release a lease that comes too late."""
        worker, loop, seconds = self._store.worker, waiter.loop, waiter.request.timeout_seconds
        worker.post(partial(self._store.acquire, waiter))
        timers: list[asyncio.TimerHandle] = []
        if seconds < math.inf:
            timers.append(loop.call_later(seconds, waiter.expire, partial(_timed_out, waiter, self._store.slow)))
        if waiter.request.in_order and overtake_seconds < seconds:
            timers.append(loop.call_later(overtake_seconds, self._overtake, waiter))
        try:
            return await waiter.future
        except BaseException:
            record = waiter.cancel()
            with suppress(StateError):  # closed: there is nothing left to release
                if record is None:
                    worker.post(partial(self._store.give_up, waiter))
                else:
                    worker.post(partial(self._store.release, LeaseEnd(record, complete=True, sent=False)))
            raise
        finally:
            for timer in timers:
                timer.cancel()

    def _overtake(self, waiter: LeaseWaiter) -> None:
        with suppress(StateError):  # closed: the call hears of it at its deadline
            self._store.worker.post(partial(self._store.overtake, waiter))


class StoreLease:
    """What one call holds of a shared state; the state stays open as long."""

    def __init__(
        self, store: LeaseStore, record: LeaseRecord, keep_alive: object, recorded: asyncio.Future[Exception | None]
    ) -> None:
        self._keep_alive = keep_alive
        self._store = store
        self._record = record
        self._recorded = recorded
        self._is_over = False

    def __del__(self) -> None:
        """Release what nobody did: the task was cancelled before it started, or its loop is gone."""
        if not self._is_over:
            with suppress(StateError):
                self._store.worker.post(partial(self._store.release, LeaseEnd(self._record, complete=False)))

    def __repr__(self) -> str:
        """Show the nonce."""
        return f"StoreLease(nonce={self.nonce})"

    @property
    def nonce(self) -> int | None:
        """The nonce that was drawn; None for a call that needs no key lock."""
        return self._record.nonce

    @property
    def refusals(self) -> int:
        """How many refusals there were in a row."""
        return self._record.refusals

    @property
    def entry(self) -> Entry | None:
        """What is recorded in the journal with it."""
        return self._record.entry

    async def recorded(self) -> None:
        """Wait until the entry is safe."""
        error = await self._recorded
        if isinstance(error, StateError):
            raise unsent(error) from error.__cause__
        if error is not None:
            raise error

    @property
    def is_alone(self) -> bool:
        """Whether no other open call was like that."""
        return self._record.is_alone

    def is_held(self) -> bool:
        """Whether others still respect it, as far as is known here."""
        return not self._is_over and self._store.holds(self._record)

    async def release(
        self,
        *,
        complete: bool,
        sent: bool = True,
        floor: int | None = None,
        refusal: Refusal | None = None,
        is_judged: bool = False,
    ) -> None:
        """Release everything, without waiting for the store; a second time does nothing."""
        if self._is_over:
            return
        self._is_over = True
        # What was posted before a later call is written before it. Nobody who has an answer waits for a locked file.
        end = LeaseEnd(self._record, complete, sent, floor, refusal, is_judged)
        self._store.worker.post_later(partial(self._store.release, end))


def _limit_id(*names: str) -> int:
    """Return a number for what identifies a limit; seven bytes, which fit the signed integers of SQLite."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:7])


def _timed_out(waiter: LeaseWaiter, slow: str) -> ExchangeError:
    seconds = waiter.request.timeout_seconds
    if waiter.waits_for_key:
        return RateLimitTimeout(
            f"another call held the lock of this key for more than {seconds:.1f} s; nothing was sent. Check whether a "
            "process that uses the same state hangs, or pass a larger timeout_seconds"
        )
    return StateError(slow.format(f"{seconds:.1f} s"))
