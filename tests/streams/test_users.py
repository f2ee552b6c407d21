"""Whose a token is that opens private channels, from a played server in virtual time."""

import pytest

from exchanges.errors import AuthenticationFailed
from tests.support.bitstamp_account import Account
from tests.support.played_bitstamp import streams
from tests.support.streaming import items
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_later_token_of_another_user():
    """The stream ends with an error, and nothing is subscribed to: events of others would pass for own ones."""
    async with streams() as (live, server, host):
        account = Account(host)
        async with live.my_orders("btcusd") as orders:
            account.user = "888"
            server.last.drop()
            with pytest.raises(AuthenticationFailed, match="names another user") as caught:
                await items(orders, 2)
        assert [] == server.last.sent
        assert "888" not in str(caught.value)

        # Nor does another connection of the client, once nothing else is open.
        with pytest.raises(AuthenticationFailed):
            await live.my_trades("btcusd").__aenter__()
        assert [] == server.last.sent


@pytest.mark.parametrize("user", ["x", "7-8", "\u0667"])
@in_virtual_time
async def test_a_token_of_nobody(user):
    """What is no number of a user names no channel."""
    async with streams() as (live, server, host):
        Account(host).user = user
        with pytest.raises(AuthenticationFailed):
            await live.my_orders("btcusd").__aenter__()
        assert [] == server.last.sent
