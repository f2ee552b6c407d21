from decimal import Decimal

import httpx
import pytest

from exchanges.errors import OutcomeUnknown, RateLimited, RateLimitTimeout, StateError, UnresolvedOutcome
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import FileState
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth
from tests.support.scripted_transport import Script, answer, refusal


@pytest.fixture
def states(path):
    """Open one file twice, as two processes do."""
    with FileState(path) as one, FileState(path) as two:
        yield one, two


def client(state, *steps, **options):
    """Build a client whose exchange is scripted."""
    return Fourth(transport=Script.of(*steps), state=state, **{**CREDENTIALS, **options})


def nonces(client):
    """Return the nonces that arrived."""
    return client._session._config.transport._external._injected.nonces


async def test_nonces_go_on(path):
    """A client continues above the nonces of an earlier one, even if the clock went back an hour."""
    arrived = []
    for now in (7200.0, 3600.0):
        with FileState(path) as state:
            async with client(state, clock=lambda now=now: now) as fourth:
                await fourth.trading.order()
                await fourth.trading.order()
            arrived += nonces(fourth)

    assert (4, True, sorted(arrived)) == (len(set(arrived)), arrived[0] >= 7_200_000, arrived)


async def test_clients_of_two_processes(states):
    """Clients of two processes with one key never use a nonce twice."""
    clients = [client(state, clock=lambda: 5.0) for state in states]
    for _ in range(2):
        for fourth in clients:
            await fourth.trading.order()
    arrived = [nonce for fourth in clients for nonce in nonces(fourth)]
    for fourth in clients:
        await fourth.aclose()

    assert 4 == len(set(arrived))


async def test_the_limit_is_for_both(states):
    """What one process uses of a limit is not available to the other."""
    limits = [Limit(LIMIT.name, (Window(1, 3600.0),), Scope.KEY)]
    one, two = (client(state, limits=limits, timeout_seconds=5.0) for state in states)
    await one.trading.order()
    with pytest.raises(RateLimitTimeout, match="other processes use all of it"):
        await two.trading.order()
    await one.aclose()
    await two.aclose()

    assert [] == nonces(two)


async def test_a_lockout_is_for_both(states):
    """When the exchange closes its limit to one process, the other does not call either."""
    one, two = client(states[0], refusal("limit", 429)), client(states[1], timeout_seconds=5.0)
    with pytest.raises(RateLimited):
        await one.trading.create_order(amount=Decimal(1))
    with pytest.raises(RateLimitTimeout):
        await two.trading.order()
    await one.aclose()
    await two.aclose()

    assert [] == nonces(two)


async def test_nothing_is_sent_without_a_state(states, path):
    """If the state cannot be read or written, nothing is sent."""
    fourth = client(states[0])
    path.unlink()
    with pytest.raises(StateError, match=r"deleted or replaced .* nothing was sent"):
        await fourth.trading.order()
    await fourth.aclose()

    assert [] == nonces(fourth)


async def test_money_of_another_process(states):
    """A money call that another process left with an unknown outcome is listed, and guarded, until it is dismissed."""
    one, two = client(states[0], httpx.ReadError("lost")), client(states[1], answer())
    with pytest.raises(OutcomeUnknown):
        await one.trading.create_order(amount=Decimal(1))
    await one.aclose()
    (intent,) = two.unresolved
    with pytest.raises(UnresolvedOutcome):
        await two.trading.create_order(amount=Decimal(1))
    two.unresolved.dismiss(intent)
    await two.aclose()
    async with client(states[1]) as fourth:
        order = await fourth.trading.create_order(amount=Decimal(1))

    assert (1, ()) == (order.id, tuple(fourth.unresolved))
