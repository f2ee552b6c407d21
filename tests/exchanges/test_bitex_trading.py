from decimal import Decimal

import pytest

from exchanges.bitex import Ask, Bid, OrderStatus
from exchanges.bitex.trading import Trading
from exchanges.errors import UsageError
from tests.support.virtual_time import elapsed, in_virtual_time

RECEIVED, EXECUTING, TO_CANCEL, CANCELLED, COMPLETED = OrderStatus


def order(kind, status):
    """An order in some state."""
    return kind(5, None, 1, Decimal(1), Decimal(1), Decimal(1), status)


class Server:
    """Orders that go through given states, one with each read."""

    def __init__(self, *states):
        self.states = list(states)
        self.read = []

    async def __call__(self, endpoint, arguments):
        self.read.append((endpoint.id, arguments))
        kind = Bid if endpoint.id == "bitex.trading.bid" else Ask
        return order(kind, self.states.pop(0) if len(self.states) > 1 else self.states[0])


class TestWaitSettled:
    @pytest.mark.parametrize(("kind", "read"), [(Bid, "bid"), (Ask, "ask")])
    @pytest.mark.parametrize("end", [CANCELLED, COMPLETED])
    @in_virtual_time
    async def test_until_it_ends(self, kind, read, end):
        """An order is read until it is cancelled or completed."""
        server = Server(RECEIVED, EXECUTING, TO_CANCEL, end)

        settled = await Trading(server).wait_settled(order(kind, RECEIVED), timeout_seconds=60)

        assert (kind, end) == (type(settled), settled.status)
        assert [(f"bitex.trading.{read}", {f"{read}_id": 5})] * 4 == server.read

    @in_virtual_time
    async def test_already_settled(self):
        """An order that has ended is not read at all."""
        server = Server(CANCELLED)

        await Trading(server).wait_settled(order(Bid, COMPLETED), timeout_seconds=60)

        assert [] == server.read

    @in_virtual_time
    async def test_until_it_is_in_the_book(self):
        """The wait can end as soon as the funds were found."""
        until = (EXECUTING, CANCELLED, COMPLETED)
        trading = Trading(Server(RECEIVED, EXECUTING))

        settled = await trading.wait_settled(order(Bid, RECEIVED), timeout_seconds=60, until=until)

        assert EXECUTING == settled.status

    @in_virtual_time
    async def test_the_time_is_up(self):
        """When the time is up, the order comes back as it was last read."""
        settled = await Trading(Server(EXECUTING)).wait_settled(order(Bid, RECEIVED), timeout_seconds=10)

        assert (EXECUTING, 10) == (settled.status, elapsed())

    @in_virtual_time
    async def test_neither_bid_nor_ask(self):
        """What is no order is refused before anything is sent."""
        with pytest.raises(UsageError):
            await Trading(Server(EXECUTING)).wait_settled(None, timeout_seconds=1)
