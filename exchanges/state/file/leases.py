"""A call at the gate, seen from two threads: the event loop asks, the worker answers.

The answer may come when nobody wants it any more. Which of the two came first is decided once, under a lock: a record
that was found before the caller went away is the caller's to hand back, one found afterwards is the worker's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from attrs import define, field, frozen

from exchanges.limits.limit import Window

__all__ = ["LeaseEnd", "LeaseRecord", "LeaseRequest", "LeaseWaiter"]


@frozen
class LeaseRequest:
    """What a call needs.

    Attributes:
        place: The limit that it is counted against, as a number.
        windows: Of that limit.
        cost: Slots in every window.
        leave_reserve: Whether the reserve is not for this call.
        account: Server and key, for the nonce.
        in_order: Whether it needs turn and nonce.
        least_nonce: The nonce must not be less.
    """

    place: int
    windows: tuple[Window, ...]
    cost: int
    leave_reserve: bool
    account: tuple[str, str]
    in_order: bool
    least_nonce: int


@frozen(eq=False)
class LeaseRecord:
    """What a call got.

    Attributes:
        request: What it needed.
        slot: The row of its slots; None where the limit has no windows.
        nonce: None without a turn.
    """

    request: LeaseRequest
    slot: int | None
    nonce: int | None


@frozen
class LeaseEnd:
    """How a call ended; see `exchanges.state.protocols.Lease.release`."""

    record: LeaseRecord
    complete: bool
    sent: bool = True
    floor: int | None = None
    closed_seconds: float = 0.0


@define(eq=False)
class LeaseWaiter:
    """A call that waits at the gate."""

    request: LeaseRequest
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[LeaseRecord | float]
    _found: LeaseRecord | float | Exception | None = field(default=None, init=False)
    _gone: bool = field(default=False, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    @property
    def waits(self) -> bool:
        """Whether somebody still waits for the answer."""
        return not self._gone and self._found is None and not self.loop.is_closed()

    def answer(self, found: LeaseRecord | float | Exception) -> bool:
        """Tell the caller, from the worker's thread; False if it is gone and the record must be taken back."""
        with self._lock:
            if not self.waits:
                return False
            self._found = found
        try:
            self.loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # closed in between
            return False
        return True

    def cancel(self) -> LeaseRecord | None:
        """Wait no more, from the loop's thread; give the record that was found already."""
        with self._lock:
            self._gone = True
            return self._found if isinstance(self._found, LeaseRecord) else None

    def give_up(self, why: Callable[[], Exception]) -> None:
        """Wait no more, and raise, unless an answer is there already."""
        with self._lock:
            self._gone = self._found is None
        if self._gone and not self.future.done():
            self.future.set_exception(why())

    def _wake(self) -> None:
        if self.future.done():
            return
        if isinstance(self._found, Exception):
            self.future.set_exception(self._found)
        elif self._found is not None:
            self.future.set_result(self._found)
