"""Ledgers, lanes and callers for the tests of limits."""

import asyncio

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, Grant, Lane, Ledger, Priority, Turn
from tests.support.virtual_time import elapsed

__all__ = ["CANCEL", "MANY", "MONEY", "READ", "ledger_of", "note_grants", "taken_turn", "wide_lane"]

CANCEL, MONEY, READ = Priority.CANCEL, Priority.MONEY, Priority.READ
MANY = 1000


def ledger_of(*windows):
    """Make a ledger of windows given as slots and seconds."""
    return Ledger(Limit("test", tuple(Window(*w) for w in windows), Scope.ADDRESS))


def wide_lane(*, turn=None):
    """Make a lane whose connections never matter."""
    return Lane(Connections(MANY), turn)


def taken_turn():
    """Make a turn that somebody else holds; in a running loop."""
    elsewhere = Ledger(Limit("elsewhere", (), Scope.ADDRESS))
    return Turn(Grant(elsewhere, wide_lane(), 1, 0.0, asyncio.get_running_loop()))


def note_grants(ledger, lane, priority=READ, *, name=None, into, hold=0.0, **options):
    """Start a task that waits for a grant, notes name and moment, holds the grant and releases it."""

    async def call():
        grant = await ledger.acquire(lane, priority, **options)
        into.append((name, round(elapsed(), 6)))
        try:
            await asyncio.sleep(hold)
        finally:
            grant.release(complete=True)

    return asyncio.create_task(call())
