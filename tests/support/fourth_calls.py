"""Calls of the fourth exchange, one of each kind, and their errors."""

import pytest

from exchanges.errors import ExchangeError
from exchanges.limits.limit import Limit, Scope, Window
from tests.support.fourth import CREDENTIALS, LIMIT, OPEN_LIMIT, Fourth
from tests.support.scripted_transport import Script
from tests.support.virtual_time import elapsed

WALL = 1_700_000_000.0
"""The wall clock at the start of a test."""

CALLS = {
    "read": lambda c: c.trading.order(),
    "idempotent": lambda c: c.trading.cancel(5),
    "write": lambda c: c.trading.create_address(),
    "money": lambda c: c.trading.create_order(amount=3),
}


def fourth(script, **options):
    """Create a client of the fourth exchange with scripted answers and wide limits."""
    options = {"limits": [Limit(LIMIT.name, (), Scope.KEY)], **options}
    return Fourth(transport=script, clock=lambda: WALL + elapsed(), **CREDENTIALS, **options)


async def failure_of(script, kind, **options):
    """Send one call; return the error."""
    async with fourth(script, **options) as client:
        with pytest.raises(ExchangeError) as caught:
            await CALLS[kind](client)
    return caught.value


def limited(slots, seconds, script=None, **options):
    """Create a client of the fourth exchange with the given public limit."""
    limits = [Limit(OPEN_LIMIT.name, (Window(slots, seconds),), Scope.ADDRESS)]
    return Fourth(transport=script or Script.of(), **{"limits": limits, **options})
