"""Shared limiters, calls and clocks for the tests of a state in a file."""

import time
from datetime import UTC, datetime

from exchanges.intents import Intent
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.waits import Wait
from exchanges.state import Entry
from tests.support import redis_states

SERVER, KEY = "fourth production", "0123456789abcdef"
TIMEOUT_SECONDS = 30.0


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def limit_of(*windows, scope=Scope.KEY):
    """Build a limit of windows given as slots and seconds."""
    return Limit("test", tuple(Window(*w) for w in windows), scope)


def shared_limiter_of(state, *windows, key=KEY, server=SERVER, scope=Scope.KEY):
    """Return the shared limiter of a limit with windows given as slots and seconds."""
    return state.shared_limiter(limit_of(*windows, scope=scope), server, key)


async def enter(
    limiter,
    *,
    in_order=False,
    now_ms=0,
    leave_reserve=False,
    timeout_seconds=TIMEOUT_SECONDS,
    call_seconds=None,
    **options,
):
    """Acquire a lease of *limiter*, or return the seconds for which there is no room as far as is known."""
    answer = await limiter.acquire(
        in_order=in_order,
        leave_reserve=leave_reserve,
        least_nonce=now_ms,
        timeout_seconds=timeout_seconds,
        call_seconds=timeout_seconds if call_seconds is None else call_seconds,
        **options,
    )
    return max(answer.seconds, answer.certain_seconds) if isinstance(answer, Wait) else answer


async def call(limiter, *, complete=True, sent=True, floor=None, refusal=None, is_judged=False, **options):
    """Acquire and release a lease; return its nonce, or the seconds as `enter` does."""
    lease = await enter(limiter, **options)
    if isinstance(lease, float):
        return lease
    await leave(lease, complete=complete, sent=sent, floor=floor, refusal=refusal, is_judged=is_judged)
    return lease.nonce


async def leave(lease, **options):
    """Release a lease, and wait until that is written: other processes see it then."""
    await lease.release(**options)
    await settled(lease)


async def settled(part):
    """Wait until what was posted to the state of a limiter or a lease is done."""
    store = part._store
    await (store.worker.run(lambda: None) if hasattr(store.worker, "run") else redis_states.settled(store))


def entry(*, server=SERVER, key=KEY, at=None, digest="same", nonce="7", named="", **arguments):
    """Build an entry of the journal."""
    at = at or datetime.fromtimestamp(time.time(), UTC)
    return Entry(
        server,
        key,
        Intent("fourth.trading.create_order", arguments, at, "tag", server=server, account=key),
        nonce,
        digest,
        named=named,
    )
