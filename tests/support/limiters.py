"""Limiters, lanes and callers for the tests of limits."""

import asyncio

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, KeyLock, Lane, Limiter, Permit, Priority
from tests.support.virtual_time import elapsed

CANCEL, MONEY, READ = Priority.CANCEL, Priority.MONEY, Priority.READ
MANY = 1000


def limiter_of(*windows):
    """Return a limiter with windows given as slots and seconds."""
    return Limiter(Limit("test", tuple(Window(*w) for w in windows), Scope.ADDRESS))


def wide_lane(*, key_lock=None):
    """Return a lane with more connections than any test uses."""
    return Lane(Connections(MANY), key_lock)


def taken_key_lock():
    """Return a key lock that is held; needs a running loop."""
    elsewhere = Limiter(Limit("elsewhere", (), Scope.ADDRESS))
    return KeyLock(Permit(elsewhere, wide_lane(), 0.0, asyncio.get_running_loop()))


def note_permits(limiter, lane, priority=READ, *, name=None, into, hold=0.0, **options):
    """Start a task that acquires a permit, notes name and time, holds the permit and releases it."""

    async def call():
        permit = await limiter.acquire(lane, priority, **options)
        into.append((name, round(elapsed(), 6)))
        try:
            await asyncio.sleep(hold)
        finally:
            permit.end(sent=True, complete=True)

    return asyncio.create_task(call())
