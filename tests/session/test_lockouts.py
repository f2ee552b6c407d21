import asyncio
import socket
import struct

import pytest

from exchanges import Bitex, Bitstamp
from exchanges.errors import NonceRejected, OutcomeUnknown, RateLimited, RateLimitTimeout, ReadFailed, UsageError
from exchanges.http.answer import Evidence, Lost
from exchanges.state import MemoryState
from tests.support.fourth_calls import fourth
from tests.support.raw_server import serving
from tests.support.scripted_transport import Script, answer, html, refusal
from tests.support.shared_state import failure
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time

KEYS = {"api_key": "k", "api_secret": "s", "client_id": "1"}
TICKER = {"error": "no", "code": "400.068", "response_code": "400.068"}


@in_virtual_time
async def test_a_market_that_is_closed():
    """A code that is about one market closes only calls of that market."""
    script = Script.of(answer(TICKER, 400))
    async with Bitstamp(transport=script, timeout_seconds=2) as bitstamp:
        error = await failure(bitstamp.market.ticker("btcusd"))
        await failure(bitstamp.market.ticker("btcusd"))
        count = len(script.came)
        await failure(bitstamp.market.ticker("ethusd"))
        (btc, eth) = sorted(closed.scope for closed in bitstamp.limits["bitstamp"].closed)

    assert (RateLimited, 1, 2, 0.0) == (type(error), count, len(script.came), elapsed())
    assert ("btcusd", "ethusd") == (btc, eth)


@in_virtual_time
@pytest.mark.parametrize("body", [{"error": "Forbidden"}, {"message": "Not available in your region"}])
async def test_a_403_closes_nothing(body):
    """A 403 that nobody explains closes no limit."""
    async with Bitstamp(transport=Script.of(answer(body, 403)), **KEYS) as bitstamp:
        await failure(bitstamp.v1.account.balance())

        assert () == bitstamp.limits["bitstamp"].closed


@in_virtual_time
async def test_words_alone_close_nothing():
    """Words about a limit without a status or a code for too many requests close no limit."""
    script = Script.of(answer({"error": "Rate limit of your plan does not apply"}))
    async with Bitstamp(transport=script, **KEYS) as bitstamp:
        await failure(bitstamp.v1.account.balance())

        assert () == bitstamp.limits["bitstamp"].closed


@in_virtual_time
async def test_an_hour_at_most(caplog):
    """A Retry-After of more than an hour closes the limit for an hour, and is logged."""
    script = Script.of(answer({}, 429, Retry_After="86400"))
    async with Bitex(transport=script) as bitex:
        error = await failure(bitex.market.ticker())

    assert isinstance(error, RateLimited)
    assert any("asks for 86400 s without calls; the limit is closed for 3600 s" in m for m in caplog.messages)


@in_virtual_time
async def test_a_cancel_probes_for_all():
    """After a refusal without a time a cancel goes at the first probe, and the next cancels at once."""
    script = Script.of(html(429), answer())
    async with fourth(script, limits=()) as client:
        await failure(client.trading.create_order(amount=1))
        await client.trading.cancel(1)
        await client.trading.cancel(2)

    assert [0.0, 5.0, 5.0] == script.moments(BEGIN)


@in_virtual_time
@pytest.mark.parametrize("seconds", [0.5, 4.9, 5.0])
async def test_a_cancel_without_time_for_a_probe(seconds):
    """A refused cancel whose deadline comes before or with the first probe raises the refusal, with its moment."""
    script = Script.of(refusal("limit", 429), answer())
    async with fourth(script, limits=(), timeout_seconds=seconds) as client:
        error = await failure(client.trading.cancel(1))

    assert (RateLimited, 429, True, 1) == (type(error), error.status, error.retry_at is not None, len(script.came))


class SlowOrders(Script):
    """A script that answers orders last: their nonces are refused, with a larger one."""

    async def handle_async_request(self, request):
        """Answer by script, orders when that is allowed."""
        if request.method == "POST" and "cancel" not in request.url.path:
            await self.allowed.wait()
            return refusal("nonce", 403, floor=10**15)
        return await super().handle_async_request(request)


@in_virtual_time
async def test_an_overtaken_order_whose_nonce_is_refused():
    """An order that a cancel has passed, and whose nonce is then refused, is an `OutcomeUnknown`."""
    script = SlowOrders.of()
    script.allowed = asyncio.Event()
    async with fourth(script, limits=()) as client:
        order = asyncio.create_task(failure(client.trading.create_order(amount=1)))
        await asyncio.sleep(1)
        await client.trading.cancel(1)
        passed = elapsed()
        script.allowed.set()
        error = await order

    assert (4.0, OutcomeUnknown, NonceRejected) == (passed, type(error), type(error.__cause__))


@in_virtual_time
async def test_money_that_is_sent_soon_or_never():
    """A money call that waits longer than *send_within_seconds* is not sent; reads and views may have other times."""
    script = Script.of(seconds=5.0)
    async with fourth(script, send_within_seconds=1.0) as client:
        read = asyncio.create_task(client.trading.order())
        await asyncio.sleep(0)
        error = await failure(client.trading.create_order(amount=1))
        given_up = elapsed()
        await client.with_options(send_within_seconds=20.0).trading.create_order(amount=1)
        await read

    assert (RateLimitTimeout, 1.0, 2, 0) == (type(error), given_up, len(script.came), len(client.unresolved))


@pytest.mark.parametrize("seconds", [0, -1, True, "1", float("nan"), float("inf")])
def test_times_that_are_none(seconds):
    """A time to send within is a positive number."""
    with pytest.raises(UsageError, match="send_within_seconds must be a positive number"):
        Bitex(send_within_seconds=seconds)


@in_virtual_time
async def test_evidence_of_a_late_request():
    """Nothing is sent after the moment by which it had to be: the evidence says so."""
    evidence = Evidence(send_by=BEGIN - 1)
    with pytest.raises(Lost):
        evidence.require_caller()

    assert (True, True) == (evidence.is_late, evidence.nothing_left)


async def test_a_reset_keeps_no_slot_longer(monkeypatch):
    """The slot of a call whose connection the server has reset cools for one window, without the time of lost calls."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)

    async def talk(heard):
        await heard.request()
        heard.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        heard.writer.transport.abort()

    state = MemoryState()
    async with serving(talk) as server, Bitex(base_url=server.origin, state=state, timeout_seconds=20) as bitex:
        error = await failure(bitex.market.ticker())
        (limiter,) = state._limiters.values()
        (counted,) = limiter._counts

    assert (ReadFailed, 3, 0) == (type(error), len(server.requests), len(counted.lost))
