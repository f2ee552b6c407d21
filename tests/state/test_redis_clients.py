"""Clients of several hosts, through every layer: limits, nonces, unresolved calls, and what is not sent."""

import asyncio
from decimal import Decimal

import httpx
import pytest

from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.api import LIMIT as BITSTAMP_LIMIT
from exchanges.errors import NotSent, OutcomeUnknown, RateLimitTimeout, StateError, UnresolvedOutcome
from exchanges.limits.limit import Limit, Window
from exchanges.simulator import Venue, simulate
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth
from tests.support.scripted_transport import Script

KIND = "redis"
LEASE_SECONDS = 5.0


def fourth(state, *steps, **options):
    """Build a client whose exchange is scripted."""
    return Fourth(transport=Script.of(*steps), state=state, timeout_seconds=20.0, **{**CREDENTIALS, **options})


def script_of(client):
    """Return what arrived."""
    return client._session._config.transport._external._injected


async def test_a_limit_of_all_hosts(both):
    """A limit holds for the clients of all hosts together."""
    limits = [Limit(LIMIT.name, (Window(3, 3600.0),), LIMIT.scope)]
    clients = [fourth(state, limits=limits) for state in both]
    for client in clients:
        await client.trading.order()
    with pytest.raises(RateLimitTimeout, match="other processes use all of it"):
        await clients[1].trading.order()

    assert [1, 1] == [len(script_of(client).came) for client in clients]
    for client in clients:
        await client.aclose()


async def test_nonces_of_all_hosts(both):
    """Nonces of all hosts arrive rising, whatever their clocks show."""
    arrived = []
    clients = [fourth(state, clock=lambda n=n: 1000.0 * n) for n, state in enumerate(both, 1)]
    for client in clients * 2:
        await client.trading.order()
        arrived.append(script_of(client).nonces[-1])
    for client in clients:
        await client.aclose()

    assert sorted(set(arrived)) == arrived


async def test_an_order_of_a_host_that_died(both, clock, open_state):
    """An order whose host died is unresolved for the others, which do not send it again."""
    one = open_state()
    dying = fourth(one, httpx.ReadError("lost"))
    with pytest.raises(OutcomeUnknown):
        await dying.trading.create_order(amount=Decimal(3))
    one.close()  # it was killed: nothing is settled
    async with fourth(both[1]) as client:
        with pytest.raises(UnresolvedOutcome):
            await client.trading.create_order(amount=Decimal(3))
        (call,) = client.unresolved.values()
        client.unresolved.dismiss(call.intent)
        await client.trading.create_order(amount=Decimal(3))

        assert 1 == len(script_of(client).came)


async def test_a_lease_that_ran_out(both, clock, monkeypatch):
    """A host that stood still between its lease and the first byte sends nothing; the call is safe to repeat."""
    async with fourth(both[0]) as client:
        await client.trading.order()
        record = both[0]._store.journal.record

        async def slow(entry, loop):
            await record(entry, loop)
            clock._now += LEASE_SECONDS  # the host is suspended, and nobody beats

        monkeypatch.setattr(both[0]._store.journal, "record", slow)
        with pytest.raises(NotSent, match="its lease of the shared state ran out") as caught:
            await client.trading.create_order(amount=Decimal(3))
        clock._now -= LEASE_SECONDS

        assert (1, {}, False) == (len(script_of(client).came), dict(client.unresolved), caught.value.may_have_executed)


async def test_a_state_that_fails(both, shelf):
    """Without its state a client sends nothing, and the error names the call and what to do."""
    with shelf.open(url="redis://127.0.0.1:1/0") as state:
        async with fourth(state) as client:
            for use in (client.market.thing, lambda: client.trading.create_order(amount=Decimal(3))):
                with pytest.raises(StateError, match=r"the state at redis://127\.0\.0\.1:1/0 cannot be reached"):
                    await use()

            assert [] == script_of(client).came


async def test_against_the_simulator(both, shelf):
    """Two hosts with one key trade at a simulated exchange, over real sockets, and no nonce is refused."""
    async with simulate(Venue.BITSTAMP, limits=False) as simulator:
        limits = [Limit(BITSTAMP_LIMIT.name, (Window(1000, 1.0),), BITSTAMP_LIMIT.scope)]
        options = {**simulator.account(Venue.BITSTAMP), "base_url": simulator.base_url, "limits": limits}
        shelf.settle(Bitstamp(**options, state=MemoryState())._session._config.server)
        clients = [Bitstamp(**options, state=state) for state in both]
        await asyncio.gather(*(client.v1.account.balance() for client in clients * 5))
        for client in clients:
            await client.aclose()
        outcomes = {seen.outcome for seen in simulator.requests}

        assert (10, 1) == (len(simulator.requests), len(outcomes)), outcomes
