"""Admission: waiting for everything that a call needs, in this process and, if the state is shared, among processes.

The limiter of the process grants slots, key lock and connection together. While a call holds them, it asks the shared
limiter, which grants a lease of all that processes share, or nothing: then the permit is ended, and calls like it wait
until one of them asks again. Where a state is shared, it keeps the lockouts.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from exchanges import errors
from exchanges.endpoint.call import PreparedCall
from exchanges.http.signing import NONE
from exchanges.instrumentation.hooks import Watch
from exchanges.instrumentation.lines import Log
from exchanges.limits.permits import CANCEL
from exchanges.limits.waiters import OVERTAKE_SECONDS
from exchanges.limits.waits import Wait
from exchanges.outcomes.attempt import Attempt, Result
from exchanges.outcomes.drafts import Draft
from exchanges.session.destinations import Destination
from exchanges.state.protocols import Lease, SharedLimiter

__all__ = ["Needs", "admit", "end_permit", "release", "scope_of", "too_late"]

logger = Log(__name__)

MOST_STEPS = 3
"""How often a call asks again because our clock was set while it waited: one that runs askew never stops."""


class Needs(NamedTuple):
    """What bounds the waiting of one attempt.

    Attributes:
        deadline: When it must have been answered, on the clock of the loop.
        send_by: When it must have been sent.
        is_spare: Whether it is a repetition, which leaves the reserve in any case.
        began: When the waiting began.
        scope: The part of the limit that the call belongs to; empty if it has none.
        watch: What observes the call; None if nobody does.
    """

    deadline: float
    send_by: float = math.inf
    is_spare: bool = False
    began: float = 0.0
    scope: str = ""
    watch: Watch | None = None


async def admit(
    call: PreparedCall,
    destination: Destination,
    needs: Needs,
    *,
    check: Callable[[PreparedCall, Destination], None],
    wall_clock: Callable[[], float],
) -> Attempt:
    """Wait until a call may be sent.

    Args:
        call: What is to be sent.
        destination: Where it is sent.
        needs: What bounds the waiting.
        check: Raises if the call must not be sent; asked before it waits, and each time that it has waited.
        wall_clock: Returns the seconds since 1970.

    Raises:
        RateLimitTimeout: It may not be sent in time.
        RateLimited: The exchange has closed the limit and named the end.
        StateError: The shared state cannot be read or written.
    """
    limiter, lane, priority = destination.limiter, destination.lane, call.endpoint.kind.priority
    number = None
    permit = None
    if destination.shared_limiter is not None:
        # Of a call that need not wait the journal is asked when it is recorded.
        permit = limiter.acquire_now(
            lane, priority, needs.deadline, needs.send_by, needs.scope, is_spare=needs.is_spare
        )
        if permit is None:
            check(call, destination)
    while True:
        try:
            permit = permit or await limiter.acquire(
                lane,
                priority,
                deadline=needs.deadline,
                send_by=needs.send_by,
                scope=needs.scope,
                is_spare=needs.is_spare,
                number=number,
            )
        except (errors.RateLimitTimeout, errors.RateLimited) as error:
            # A client that closes ends the waiting of its calls; then that is the error to raise.
            check(call, destination)
            raise _named(call, error) from None
        attempt = Attempt(call, permit, needs.deadline)
        if destination.shared_limiter is None:
            return attempt
        try:
            wait = await _lease(destination.shared_limiter, destination, attempt, needs, wall_clock)
        except (errors.RateLimitTimeout, errors.RateLimited):
            permit.end(sent=False)
            check(call, destination)
            raise
        except BaseException:
            permit.end(sent=False)
            raise
        if wait is None:
            return attempt
        try:
            limiter.hold_up(permit, priority, wait, deadline=needs.deadline, send_by=needs.send_by)
        except errors.RateLimitTimeout as error:
            check(call, destination)
            raise _named(call, error) from None
        finally:
            permit.end(sent=False)  # not sooner, as it wakes the next waiter at once
        number, permit = permit.number, None
        check(call, destination)


def admit_now(call: PreparedCall, destination: Destination, needs: Needs) -> Attempt | None:
    """Return what `admit` does if the call need not wait, and nothing is shared with other processes; else None."""
    if destination.shared_limiter is not None:
        return None
    lane, priority = destination.lane, call.endpoint.kind.priority
    permit = destination.limiter.acquire_now(
        lane, priority, needs.deadline, needs.send_by, needs.scope, is_spare=needs.is_spare
    )
    return None if permit is None else Attempt(call, permit, needs.deadline)


def scope_of(call: PreparedCall) -> str:
    """Return the part of the limit that a call belongs to, such as its market; empty if it has none."""
    for name in call.endpoint.api.lockout_scopes.values():
        if name in call.texts:
            return call.texts[name]
    return ""


def _named(
    call: PreparedCall, error: errors.RateLimitTimeout | errors.RateLimited
) -> errors.RateLimitTimeout | errors.RateLimited:
    return type(error)(f"{call}: {error}", retry_at=error.retry_at, endpoint=call.endpoint.id)


def too_late(call: PreparedCall) -> errors.RateLimitTimeout:
    """Return what it means that a call waited longer than it may before it is sent."""
    return errors.RateLimitTimeout(
        f"{call}: it could not be sent within send_within_seconds; nothing was sent", endpoint=call.endpoint.id
    )


async def _lease(
    shared: SharedLimiter,
    destination: Destination,
    attempt: Attempt,
    needs: Needs,
    wall_clock: Callable[[], float],
) -> Wait | None:
    """Acquire the lease, or return how long to wait.

    An order is recorded with its lease and signed with the moment of that record, on our clock as it was set when the
    waiting began. If it was set since, the lease is released with the record, and another one is asked for.
    """
    loop = asyncio.get_running_loop()
    for _ in range(MOST_STEPS):
        answer, draft = await _ask(shared, destination, attempt.call, needs, wall_clock)
        if isinstance(answer, Wait):
            return answer
        if draft is None or not draft.is_outdated(_zero(wall_clock(), loop.time())):
            attempt.lease, attempt.evidence.is_held = answer, answer.is_held
            if answer.entry is not None:
                attempt.draft = draft
            return None
        await answer.release(complete=True, sent=False)
        if loop.time() >= min(needs.deadline, needs.send_by):
            break
    words = "our clock was set while it waited for its lease, or runs at another speed than that of the loop"
    raise errors.NotSent(f"{attempt.call}: {words}; nothing was sent", endpoint=attempt.call.endpoint.id)


def _zero(seconds: float, now: float) -> datetime:
    """Return what our clock showed, or would have shown, when that of the loop was zero."""
    return datetime.fromtimestamp(seconds, UTC) - timedelta(seconds=now)


async def _ask(
    shared: SharedLimiter,
    destination: Destination,
    call: PreparedCall,
    needs: Needs,
    wall_clock: Callable[[], float],
) -> tuple[Lease | Wait, Draft | None]:
    """Ask for a lease; return the answer, and the draft of a call that is recorded with it."""
    now = asyncio.get_running_loop().time()
    in_order, is_cancel = destination.lane.key_lock is not None, call.endpoint.kind.priority is CANCEL
    seconds = wall_clock()
    draft = None
    if call.endpoint.kind.is_once:
        zero = _zero(seconds, now)
        policy, calls = NONE if destination.scheme is None else destination.scheme.policy, destination.calls
        draft = Draft.of(call, calls.view, calls.clock, calls.kinship, policy=policy, zero=zero)
    try:
        answer = await shared.acquire(
            in_order=in_order,
            leave_reserve=not is_cancel,
            least_nonce=destination.counter.draw(int(seconds * 1000)) if in_order else 0,
            timeout_seconds=min(needs.deadline, needs.send_by) - now,
            call_seconds=needs.deadline - now,
            is_cancel=is_cancel,
            # The wait for the key lock within this process counts as well.
            overtake_seconds=max(0.0, needs.began + OVERTAKE_SECONDS - now) if is_cancel and in_order else math.inf,
            scope=needs.scope,
            draft=draft,
        )
    except (errors.RateLimitTimeout, errors.RateLimited) as error:
        raise _named(call, error) from error.__cause__
    except errors.StateError as error:
        raise type(error)(f"{call}: {error}", endpoint=call.endpoint.id) from error.__cause__
    return answer, draft


async def release(attempt: Attempt) -> None:
    """Release everything. What fails here must not hide the outcome of the call."""
    result = attempt.result or Result()
    try:
        if attempt.lease is not None:
            await attempt.lease.release(
                complete=attempt.complete,
                sent=attempt.sent,
                floor=result.nonce_floor,
                refusal=result.refusal,
                is_judged=result.is_judged,
            )
    except Exception as error:  # noqa: BLE001 - the next call fails because of it
        logger.error("%s: %s", attempt.call, error)  # noqa: TRY400 - a traceback shows locals
    finally:
        end_permit(attempt)


def end_permit(attempt: Attempt) -> None:
    """End the permit, as `release` does where nothing is shared."""
    try:
        attempt.permit.end(sent=attempt.sent, complete=attempt.complete)
    except Exception as fault:  # noqa: BLE001 - as above
        words = "%s: unexpected %s while its permit was ended"
        logger.error(words, attempt.call, type(fault).__name__)  # noqa: TRY400 - as above
