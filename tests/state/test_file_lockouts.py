"""Lockouts in a file; see `test_shared_lockouts.py` for what they do."""

import math

from exchanges.limits.lockouts import Refusal
from exchanges.state import FileState
from tests.support.file_states import call, settled, shared_limiter_of

WINDOW = (50, 1.0)


async def test_a_limit_that_cannot_be_reopened(path, state, caplog):
    """What keeps a limit from being reopened is logged: nobody waits for it."""
    path.rename(path.with_name("away"))
    limiter = shared_limiter_of(state, WINDOW)
    limiter.reopen()
    await settled(limiter)

    assert caplog.messages[0].endswith("; the limit was not reopened")


async def test_a_lockout_outlives_the_file(path, clock):
    """A lockout, its probes and its count survive the processes."""
    with FileState(path, clock=clock) as state:
        await call(shared_limiter_of(state, WINDOW), refusal=Refusal(60.0, reason="no more", scope="btcusd"))
        before = shared_limiter_of(state, WINDOW).headroom().lockouts
    with FileState(path, clock=clock) as state:
        after = shared_limiter_of(state, WINDOW).headroom().lockouts
        await settled(shared_limiter_of(state, WINDOW))

    assert ((before[0],), -math.inf) == (after, before[0].trying_until)
