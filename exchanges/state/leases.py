"""A request for a lease, as two threads see it: the event loop waits, the worker answers.

The answer may come after the caller was cancelled. Which came first is decided once, under a lock: the caller hands
back a lease that was granted before it went away, the worker takes back one that was granted afterwards.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from attrs import define, field, frozen

from exchanges.errors import StateError
from exchanges.limits.limit import Window
from exchanges.limits.lockouts import Refusal
from exchanges.limits.permits import LATE_SECONDS
from exchanges.limits.waits import Wait
from exchanges.state.protocols import Draft, Entry


@frozen
class LeaseRequest:
    """What a call needs.

    Attributes:
        parts: The limits that it is counted against, as numbers, with their windows; the widest last.
        account: Server and key, for the nonce.
        name: Of the widest limit.
        leave_reserve: Whether the reserve is not for this call.
        in_order: Whether it needs the key lock and a nonce.
        least_nonce: The smallest nonce that will do.
        timeout_seconds: How long it may wait from now on.
        call_seconds: How long the call may take from now on.
        is_cancel: Whether it may try a lockout, and goes before others.
        scope: The part of the limit that it belongs to; empty if it has none.
    """

    parts: tuple[tuple[int, tuple[Window, ...]], ...]
    account: tuple[str, str]
    name: str = ""
    leave_reserve: bool = False
    in_order: bool = False
    least_nonce: int = 0
    timeout_seconds: float = math.inf
    call_seconds: float = math.inf
    is_cancel: bool = False
    scope: str = ""

    @property
    def place(self) -> int:
        """The widest limit, to which lockouts and the reserve belong."""
        return self.parts[-1][0]

    @property
    def lease_seconds(self) -> float:
        """How long its lease is held at most: then others release it."""
        return self.call_seconds + LATE_SECONDS

    @property
    def windows(self) -> list[tuple[int, Window]]:
        """All windows that need a slot, each with the number of its limit."""
        return [(place, window) for place, windows in self.parts for window in windows]


# Compared by identity: the records of two calls may be equal, and each is released on its own.
@frozen(eq=False)
class LeaseRecord:
    """What a call was granted.

    Attributes:
        request: What it asked for.
        slots: The rows of its slots, one for each limit with windows.
        nonce: None if it needs none.
        granted_at: When, on the clock of the state.
        refusals: How many refusals there were in a row.
        tries: The lockouts that it tries, by scope, with the moment of the try before.
        entry: What was recorded in the journal with it; None if nothing was.
        is_alone: Whether no other open call is like that.
    """

    request: LeaseRequest
    slots: tuple[int, ...]
    nonce: int | None
    granted_at: float
    refusals: int = 0
    tries: Mapping[str, float] = field(factory=dict[str, float])
    entry: Entry | None = None
    is_alone: bool = False


@frozen
class LeaseEnd:
    """How a call ended; see `exchanges.state.protocols.Lease.release`."""

    record: LeaseRecord
    complete: bool
    sent: bool = True
    floor: int | None = None
    refusal: Refusal | None = None
    is_judged: bool = False


@define(eq=False)
class LeaseWaiter:
    """A call that waits for its lease.

    Attributes:
        request: What it needs.
        loop: Of the call.
        future: Receives the answer.
        draft: What is to be recorded in the journal with its lease; None if nothing is.
        waits_for_key: Whether it waits for the key lock; otherwise it waits for the file.
        recorded: Receives None when its entry is safe, or why it is not; the lease may be passed on before.
    """

    request: LeaseRequest
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[LeaseRecord | Wait]
    draft: Draft | None = None
    waits_for_key: bool = False
    recorded: asyncio.Future[Exception | None] = field(init=False)
    _answer: LeaseRecord | Wait | Exception | None = field(default=None, init=False)
    _gone: bool = field(default=False, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.recorded = self.loop.create_future()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody still waits for the answer."""
        return not self._gone and self._answer is None and not self.loop.is_closed()

    def answer(self, answer: LeaseRecord | Wait | Exception) -> bool:
        """Pass the answer to the caller, from the worker's thread.

        Returns:
            False if the caller is gone, and a lease that was granted must be released.
        """
        with self._lock:
            if self._answer is answer:  # passed on already
                return not self._gone and not self.loop.is_closed()
            if not self.is_waiting:
                return False
            self._answer = answer
        try:
            self.loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop was closed since `is_waiting` looked
            return False
        return True

    def finish(self, error: Exception | None = None) -> None:
        """Report that the entry of a lease is safe, or why it is not, from the worker's thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(self._finish, error)

    def _finish(self, error: Exception | None) -> None:
        if not self.recorded.done():
            self.recorded.set_result(error)

    def cancel(self) -> LeaseRecord | None:
        """Stop waiting, from the loop's thread; return the lease if it was granted already."""
        with self._lock:
            self._gone = True
            return self._answer if isinstance(self._answer, LeaseRecord) else None

    def expire(self, make_error: Callable[[], Exception]) -> None:
        """Stop waiting and raise, unless an answer has come."""
        with self._lock:
            # A granted lease counts, even if the loop has yet to pass it on: nobody else would release it.
            self._gone = self._answer is None
        if self._gone and not self.future.done():
            self.future.set_exception(make_error())

    def _wake(self) -> None:
        if self.future.done():
            return
        if isinstance(self._answer, Exception):
            self.future.set_exception(self._answer)
        elif self._answer is not None:
            self.future.set_result(self._answer)


def unsent(error: StateError) -> StateError:
    """Build the error of a state that failed before sending."""
    return StateError(f"{error}; nothing was sent")
