"""Our clock is set, or the host sleeps, while an order waits for its lease."""

import time
from decimal import Decimal

import httpx
import pytest

from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.api import LIMIT
from exchanges.errors import NotSent, OutcomeUnknown
from exchanges.limits.limit import Limit, Window
from exchanges.state.limiter import LeasingLimiter

NOW = 1_790_000_000.0
NEAR = 300.0
"""How long the machine may be busy elsewhere."""
SLOTS = 4
MARKET = Limit(LIMIT.name, (Window(SLOTS, 1000.0),), LIMIT.scope)


@pytest.fixture(params=["file", "redis"])
def kind(request):
    """Run each test with either."""
    return request.param


@pytest.fixture
async def client(state, kind, request, monkeypatch):
    """Yield a client whose clock is set by the next of its steps each time that it gets a lease."""
    if kind == "redis":
        request.getfixturevalue("shelf").settle("bitstamp production")
    began, set_by = time.monotonic(), [0.0]

    async def acquire(limiter, *, real=LeasingLimiter.acquire, **wishes):
        answer = await real(limiter, **wishes)
        client.asked += 1
        set_by[0] += client.steps.pop(0) if client.steps else 0.0
        return answer

    def answered(request):
        client.sent.append(int(request.headers["X-Auth-Timestamp"]) / 1000)
        return httpx.Response(502)

    monkeypatch.setattr(LeasingLimiter, "acquire", acquire)
    client = Bitstamp(
        api_key="key",
        api_secret="secret",
        state=state,
        limits=[MARKET],
        clock=lambda: NOW + set_by[0] + time.monotonic() - began,
        transport=httpx.MockTransport(answered),
    )
    client.sent, client.asked, client.steps = [], 0, []
    async with client:
        yield client


def left(state, intent):
    """Return the ids of the open calls, and how many slots are in use."""
    free = state.shared_limiter(MARKET, intent.server, intent.account).headroom().free
    return [entry.intent.id for entry in state.journal.entries(intent.server, intent.account)], SLOTS - free[0]


async def failure(client):
    """Return the error of an order that bears a client's id."""
    with pytest.raises((OutcomeUnknown, NotSent)) as caught:
        await client.trading.buy(market="btcusd", amount=Decimal(1), price=Decimal(5), client_order_id="mine")
    return caught.value


@pytest.mark.parametrize(("step", "asked"), [(6000.0, 2), (-6000.0, 2), (3.0, 2), (-0.25, 1)])
async def test_signed_with_the_moment_after_the_wait(client, other, step, asked):
    """An order is signed and recorded with the clock as it is set when the lease has come; nothing else is left."""
    client.steps.append(step)
    intent = (await failure(client)).intent
    (entry,) = other.journal.entries(intent.server, intent.account)
    now = pytest.approx(NOW + step, abs=NEAR)

    assert ([now], asked) == (client.sent, client.asked)
    assert (now, ([intent.id], 1)) == (entry.intent.at.timestamp(), left(other, intent))


async def test_a_clock_that_runs_askew(client, other):
    """A clock that is set at each lease ends the order before anything is sent, and nothing of it is left."""
    client.steps += [6000.0] * 3
    error, asked, sent = await failure(client), client.asked, client.sent[:]
    intent = (await failure(client)).intent

    assert (NotSent, "our clock was set", 3, []) == (type(error), str(error).split(": ")[1][:17], asked, sent)
    assert ([intent.id], 1) == left(other, intent)
