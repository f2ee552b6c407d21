"""Waiting for everything that a call needs: in this process, and where the state is shared among all of them.

The ledger of the process grants slot, turn and connection together. With them in hand a call passes the gate of a
shared state, which gives all that processes share, or nothing: then the grant goes back, and the ledger lets nobody
of that priority try again before there can be room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from attrs import define, frozen

from exchanges import errors
from exchanges.endpoint import Kind
from exchanges.endpoint.call import PreparedCall
from exchanges.limits.limiter import Permit, Priority
from exchanges.session.destinations import Destination
from exchanges.state.protocols import Lease, SharedLimiter

__all__ = ["Hold", "Say", "admit"]

logger = logging.getLogger(__name__)


@define(eq=False)
class Hold:
    """What one call holds, from its admission until its outcome is known, and what is to be said when it lets go.

    Attributes:
        grant: Slot, turn and connection.
        passage: What is held of a shared state; None where nothing is shared.
        handed_over: Whether the connection got the request.
        is_complete: Whether a whole answer came, or certainly nothing left.
        closed_seconds: How long the exchange wants to be left alone.
        nonce_floor: The largest nonce that it says it has seen.
    """

    permit: Permit
    passage: Lease | None = None
    handed_over: bool = False
    is_complete: bool = False
    closed_seconds: float = 0.0
    nonce_floor: int | None = None

    async def let_go(self, call: PreparedCall) -> None:
        """Let go of everything; whatever goes wrong with that must not hide the outcome of the call."""
        try:
            if self.passage is not None:
                await self.passage.release(
                    complete=self.is_complete,
                    sent=self.handed_over,
                    floor=self.nonce_floor,
                    closed_seconds=self.closed_seconds,
                )
        except Exception as error:  # noqa: BLE001 - the next call is refused for it
            logger.error("%s: %s", call, error)  # noqa: TRY400 - as above
        finally:
            self.permit.end(sent=self.handed_over, complete=self.is_complete)


@frozen(eq=False)
class Say:
    """What the session has to say while a call waits.

    Attributes:
        check: Raises where the call must not go any more.
        next_nonce: Draws the nonce that would do in this process alone.
    """

    check: Callable[[], None]
    next_nonce: Callable[[], int]


async def admit(call: PreparedCall, route: Destination, priority: Priority, deadline: float, say: Say) -> Hold:
    """Wait until the call may go.

    Args:
        sketch: What is to go.
        route: Where it goes.
        priority: Who goes first.
        deadline: On the clock of the loop.
        say: What the session has to say meanwhile.

    Raises:
        RateLimitTimeout: Not before *deadline*.
        StateError: The shared state cannot be read or written.
    """
    loop = asyncio.get_running_loop()
    while True:
        say.check()
        permit = await _grant(call, route, priority, deadline, say)
        if route.gate is None:
            return Hold(permit)
        try:
            passage = await _pass(call, route, route.gate, deadline - loop.time(), say.next_nonce)
        except BaseException:
            permit.end(sent=False)
            raise
        if isinstance(passage, float | int):
            route.limiter.close(loop.time() + passage, priority)
            permit.end(sent=False)
            continue
        hold = Hold(permit, passage)
        try:
            say.check()
        except errors.ExchangeError:
            await hold.let_go(call)
            raise
        return hold


async def _grant(call: PreparedCall, route: Destination, priority: Priority, deadline: float, say: Say) -> Permit:
    try:
        permit = await route.limiter.acquire(route.lane, priority, deadline=deadline)
    except errors.RateLimitTimeout as error:
        say.check()
        raise errors.RateLimitTimeout(f"{call}: {error}", endpoint=call.endpoint.id) from None
    try:
        say.check()
    except BaseException:
        permit.end(sent=False)
        raise
    return permit


async def _pass(
    call: PreparedCall, route: Destination, gate: SharedLimiter, patience_seconds: float, next_nonce: Callable[[], int]
) -> Lease | float:
    endpoint, in_order = call.endpoint, route.lane.key_lock is not None
    try:
        return await gate.acquire(
            in_order=in_order,
            leave_reserve=endpoint.kind is Kind.READ and route.limiter.signers > 0,
            least_nonce=next_nonce() if in_order else 0,
            timeout_seconds=patience_seconds,
        )
    except (errors.RateLimitTimeout, errors.StateError) as error:
        raise type(error)(f"{call}: {error}", endpoint=endpoint.id) from error.__cause__
