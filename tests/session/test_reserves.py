import asyncio
import gc

from exchanges import Bitstamp
from exchanges.bitstamp.api import LIMIT
from exchanges.errors import RateLimitTimeout
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import MemoryState
from tests.support.fourth_calls import fourth
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import elapsed, in_virtual_time

KEYS = {"api_key": "k", "api_secret": "s", "client_id": "1"}
NARROW = [Limit(LIMIT.name, (Window(10, 3600.0),), Scope.ADDRESS)]


@in_virtual_time
async def test_the_first_call_after_a_restart():
    """A client that was only created keeps its reserve: its first call, a cancel of older orders, is sent at once."""
    options = {"state": MemoryState(), "limits": NARROW, "timeout_seconds": 5.0}
    trader = Bitstamp(transport=Script.of(answer(True)), **KEYS, **options)
    prices = Bitstamp(transport=Script.of(), **options)
    calls = (prices.market.ticker("btcusd") for _ in range(10))
    reads = await asyncio.gather(*calls, return_exceptions=True)
    began = elapsed()
    await trader.v1.trading.cancel_order(3)

    assert (1, 0.0) == (sum(isinstance(read, RateLimitTimeout) for read in reads), elapsed() - began)
    await trader.aclose()
    await prices.aclose()


@in_virtual_time
async def test_updates_leave_the_reserve():
    """A call that may be done twice but cancels nothing leaves slots and connections to cancels."""
    token = answer({"token": "t", "user_id": 1, "valid_sec": 60})
    options = {"state": MemoryState(), "limits": NARROW, "timeout_seconds": 5.0}
    async with Bitstamp(transport=Script.of(*[token] * 9, answer(True)), **KEYS, **options) as client:
        updates = (client.account.websockets_token() for _ in range(10))
        results = await asyncio.gather(*updates, return_exceptions=True)
        began = elapsed()
        await client.v1.trading.cancel_order(3)

        assert (1, 0.0) == (sum(isinstance(r, RateLimitTimeout) for r in results), elapsed() - began)


@in_virtual_time
async def test_clients_that_never_call():
    """The reserve is kept from the creation of a client until it is closed or dropped, even if it never calls."""
    state = MemoryState()
    closed, dropped = fourth(Script.of(), state=state), fourth(Script.of(), state=state)
    (limiter,) = state._limiters.values()
    signers = [limiter.signers]
    await closed.aclose()
    signers.append(limiter.signers)
    del dropped
    gc.collect()

    assert [2, 1, 0] == [*signers, limiter.signers]
    assert 0 == limiter.users


@in_virtual_time
async def test_a_client_without_a_key_keeps_none():
    """A client without credentials registers with no limit before it calls."""
    state = MemoryState()
    async with Bitstamp(transport=Script.of(), state=state):
        assert {} == state._limiters
