"""Admission: waiting for everything that a call needs, in this process and, if the state is shared, among processes.

The limiter of the process grants slots, key lock and connection together. While a call holds them, it asks the shared
limiter, which grants a lease of all that processes share, or nothing: then the permit is ended, and the limiter of the
process is closed to that priority until there can be room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from attrs import define

from exchanges import errors
from exchanges.endpoint import Kind
from exchanges.endpoint.call import PreparedCall
from exchanges.limits.limiter import Permit, Priority
from exchanges.outcomes.pending import PendingCall
from exchanges.outcomes.response import Result
from exchanges.session.destinations import Destination
from exchanges.state.protocols import Lease, SharedLimiter

__all__ = ["Admission", "admit"]

logger = logging.getLogger(__name__)

PRIORITIES = {
    Kind.IDEMPOTENT: Priority.CANCEL,
    Kind.MONEY: Priority.MONEY,
    Kind.WRITE: Priority.MONEY,
    Kind.READ: Priority.READ,
}


@define(eq=False, repr=False)
class Admission:
    """One attempt: what it holds from its admission until its outcome is known, and how far it came.

    Attributes:
        call: What is called.
        destination: Where it is sent.
        deadline: On the clock of the loop.
        permit: Slots, key lock and connection.
        lease: What is held of a shared state; None if nothing is shared.
        pending: Its record, for a call that is never repeated.
        caller_gone: Whether its caller was cancelled.
        sent: Whether the transport got the request.
        complete: Whether a complete answer came, or certainly nothing was sent.
        result: What the answer said.
    """

    call: PreparedCall
    destination: Destination
    deadline: float
    permit: Permit
    lease: Lease | None = None
    pending: PendingCall | None = None
    caller_gone: bool = False
    sent: bool = False
    complete: bool = False
    result: Result | None = None

    async def end(self) -> None:
        """Release everything. What fails here must not hide the outcome of the call."""
        result = self.result or Result()
        try:
            if self.lease is not None:
                await self.lease.release(
                    complete=self.complete,
                    sent=self.sent,
                    floor=result.nonce_floor,
                    closed_seconds=result.closed_seconds or 0.0,
                )
        except Exception as error:  # noqa: BLE001 - the next call fails because of it
            logger.error("%s: %s", self.call, error)  # noqa: TRY400 - a traceback shows locals
        finally:
            self.permit.end(sent=self.sent, complete=self.complete)


async def admit(
    call: PreparedCall,
    destination: Destination,
    deadline: float,
    *,
    check: Callable[[PreparedCall], None],
    next_nonce: Callable[[], int],
) -> Admission:
    """Wait until a call may be sent.

    Args:
        call: What is to be sent.
        destination: Where it is sent.
        deadline: On the clock of the loop.
        check: Raises if the call must not be sent.
        next_nonce: Returns the nonce that would do in this process alone.

    Raises:
        RateLimitTimeout: It may not be sent before *deadline*.
        StateError: The shared state cannot be read or written.
    """
    limiter, lane, priority = destination.limiter, destination.lane, PRIORITIES[call.endpoint.kind]
    while True:
        check(call)
        try:
            permit = await limiter.acquire(lane, priority, deadline=deadline)
        except errors.RateLimitTimeout as error:
            check(call)  # a client that closes ends the waiting of its calls; then that is the error to raise
            raise errors.RateLimitTimeout(f"{call}: {error}", endpoint=call.endpoint.id) from None
        admission = Admission(call, destination, deadline, permit)
        if destination.shared_limiter is None:
            return admission
        try:
            wait = await _lease(destination.shared_limiter, admission, next_nonce)
        except BaseException:
            permit.end(sent=False)
            raise
        if wait is None:
            return admission
        # Closed before the permit ends, as that wakes the next waiter at once.
        limiter.close(asyncio.get_running_loop().time() + wait, priority)
        permit.end(sent=False)


async def _lease(shared: SharedLimiter, admission: Admission, next_nonce: Callable[[], int]) -> float | None:
    """Acquire the lease, or return the seconds to wait before asking again."""
    call, destination = admission.call, admission.destination
    in_order = destination.lane.key_lock is not None
    try:
        answer = await shared.acquire(
            in_order=in_order,
            leave_reserve=call.endpoint.kind is Kind.READ and destination.limiter.signers > 0,
            least_nonce=next_nonce() if in_order else 0,
            timeout_seconds=admission.deadline - asyncio.get_running_loop().time(),
        )
    except (errors.RateLimitTimeout, errors.StateError) as error:
        raise type(error)(f"{call}: {error}", endpoint=call.endpoint.id) from error.__cause__
    if isinstance(answer, float | int):
        return answer
    admission.lease = answer
    return None
