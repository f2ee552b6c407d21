"""How a connection for streams is opened."""

import asyncio

import pytest

from exchanges.streams import connection
from exchanges.streams.host import Address


@pytest.mark.parametrize("is_own", [True, False])
async def test_loops_of_others(is_own, monkeypatch):
    """Addresses are tried side by side where the loop can do that; uvloop's raises at the argument."""
    with monkeypatch.context() as patched:
        if not is_own:
            patched.setattr(asyncio, "get_running_loop", object)
        opening = connection._opening(Address("ws://127.0.0.1:1"), None)

    assert is_own is ("happy_eyeballs_delay" in opening.create_connection_kwargs)
