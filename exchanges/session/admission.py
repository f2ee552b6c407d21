"""Admission: waiting for everything that a call needs, in this process and, if the state is shared, among processes.

The limiter of the process grants slots, key lock and connection together. While a call holds them, it asks the shared
limiter, which grants a lease of all that processes share, or nothing: then the permit is ended, and the limiter of the
process is closed to that priority until there can be room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from exchanges import errors
from exchanges.endpoint import Kind
from exchanges.endpoint.call import PreparedCall
from exchanges.limits.limiter import Priority
from exchanges.outcomes.attempt import Attempt, Result
from exchanges.session.destinations import Destination
from exchanges.state.protocols import SharedLimiter

__all__ = ["PRIORITIES", "admit", "release"]

logger = logging.getLogger(__name__)

PRIORITIES = {
    Kind.IDEMPOTENT: Priority.CANCEL,
    Kind.MONEY: Priority.MONEY,
    Kind.WRITE: Priority.MONEY,
    Kind.READ: Priority.READ,
}


async def admit(
    call: PreparedCall,
    destination: Destination,
    deadline: float,
    *,
    check: Callable[[PreparedCall, Destination], None],
    next_nonce: Callable[[], int],
) -> Attempt:
    """Wait until a call may be sent.

    Args:
        call: What is to be sent.
        destination: Where it is sent.
        deadline: On the clock of the loop.
        check: Raises if the call must not be sent any more; asked each time that it has waited.
        next_nonce: Returns the nonce that would do in this process alone.

    Raises:
        RateLimitTimeout: It may not be sent before *deadline*.
        StateError: The shared state cannot be read or written.
    """
    limiter, lane, priority = destination.limiter, destination.lane, PRIORITIES[call.endpoint.kind]
    while True:
        try:
            permit = await limiter.acquire(lane, priority, deadline=deadline)
        except errors.RateLimitTimeout as error:
            # A client that closes ends the waiting of its calls; then that is the error to raise.
            check(call, destination)
            raise errors.RateLimitTimeout(f"{call}: {error}", endpoint=call.endpoint.id) from None
        attempt = Attempt(call, permit, deadline)
        if destination.shared_limiter is None:
            return attempt
        try:
            wait = await _lease(destination.shared_limiter, destination, attempt, next_nonce)
        except BaseException:
            permit.end(sent=False)
            raise
        if wait is None:
            return attempt
        # Closed before the permit ends, as that wakes the next waiter at once.
        limiter.close(asyncio.get_running_loop().time() + wait, priority)
        permit.end(sent=False)
        check(call, destination)


async def _lease(
    shared: SharedLimiter, destination: Destination, attempt: Attempt, next_nonce: Callable[[], int]
) -> float | None:
    """Acquire the lease, or return the seconds to wait before asking again."""
    call = attempt.call
    in_order = destination.lane.key_lock is not None
    try:
        answer = await shared.acquire(
            in_order=in_order,
            leave_reserve=call.endpoint.kind is Kind.READ and destination.limiter.signers > 0,
            least_nonce=next_nonce() if in_order else 0,
            timeout_seconds=attempt.deadline - asyncio.get_running_loop().time(),
        )
    except (errors.RateLimitTimeout, errors.StateError) as error:
        raise type(error)(f"{call}: {error}", endpoint=call.endpoint.id) from error.__cause__
    if isinstance(answer, float | int):
        return answer
    attempt.lease = answer
    return None


async def release(attempt: Attempt) -> None:
    """Release everything. What fails here must not hide the outcome of the call."""
    result = attempt.result or Result()
    try:
        if attempt.lease is not None:
            await attempt.lease.release(
                complete=attempt.complete,
                sent=attempt.sent,
                floor=result.nonce_floor,
                closed_seconds=result.closed_seconds or 0.0,
            )
    except Exception as error:  # noqa: BLE001 - the next call fails because of it
        logger.error("%s: %s", attempt.call, error)  # noqa: TRY400 - a traceback shows locals
    finally:
        attempt.permit.end(sent=attempt.sent, complete=attempt.complete)
