import asyncio
from datetime import timedelta

import httpx
import pytest

from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.errors import NonceRejected, OutcomeUnknown, RateLimited
from tests.support.fourth_calls import WALL, failure_of, fourth
from tests.support.scripted_transport import Script, answer, html, refusal
from tests.support.shared_state import failure
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time


@in_virtual_time
@pytest.mark.parametrize(
    ("kind", "attempts", "expected"),
    [
        ("read", 4, NonceRejected),
        ("idempotent", 4, OutcomeUnknown),
        ("write", 1, OutcomeUnknown),
        ("money", 1, OutcomeUnknown),
    ],
)
async def test_attempts_with_fresh_nonces(kind, attempts, expected):
    """A refused nonce is tried again with a larger one, four times in all, and not at all for money.

    Something between may have sent the request twice, so that it does not prove that nothing was done.
    """
    script = Script.of(refusal("nonce", 403))
    error = await failure_of(script, kind)

    assert (expected, kind != "read", attempts, attempts) == (
        type(error),
        error.may_have_executed,
        len(script.nonces),
        len(set(script.nonces)),
    )


@in_virtual_time
async def test_a_refused_nonce_says_what_to_do():
    """The message of `NonceRejected` says why nonces are refused and what to do."""
    error = await failure_of(Script.of(refusal("nonce", 403)), "money")

    assert "pass nonce_floor= with the largest nonce ever used" in str(error)


@in_virtual_time
async def test_nonces_are_resynchronised():
    """A nonce that the exchange names is what the next one exceeds."""
    floor = int(WALL * 1000) + 3_600_000
    script = Script.of(refusal("nonce", 403, floor=floor), answer())
    async with fourth(script) as client:
        await client.trading.order()

    assert [int(WALL * 1000), floor + 1] == script.nonces


@in_virtual_time
@pytest.mark.parametrize(("ahead_ms", "moves"), [(86_400_000, True), (86_400_001, False)])
async def test_a_nonce_that_no_clock_passes_in_time(ahead_ms, moves):
    """A nonce that even a clock in nanoseconds does not pass within a day moves no counter, and explains nothing."""
    floor = (int(WALL * 1000) + ahead_ms) * 10**6
    script = Script.of(refusal("nonce", 403, floor=floor), answer())
    async with fourth(script) as client:
        error = await failure(client.trading.create_order(amount=1))
        await client.trading.create_order(amount=2)

    assert (moves, not moves) == (script.nonces[1] == floor + 1, error.may_have_executed)


@in_virtual_time
async def test_a_refused_money_call_helps_the_next():
    """The nonce that a refusal names helps the calls after it, though this one is not repeated."""
    floor = int(WALL * 1000) + 3_600_000
    script = Script.of(refusal("nonce", 403, floor=floor), answer())
    async with fourth(script) as client:
        with pytest.raises(NonceRejected):
            await client.trading.create_order(amount=1)
        await client.trading.create_order(amount=1)

    assert [int(WALL * 1000), floor + 1] == script.nonces


@in_virtual_time
async def test_a_floor_from_the_start():
    """With *nonce_floor* the first nonce is larger than that."""
    script = Script.of()
    async with fourth(script, nonce_floor=10**15) as client:
        await client.trading.order()

    assert [10**15 + 1] == script.nonces


@in_virtual_time
@pytest.mark.parametrize(
    ("client", "call", "refused"),
    [
        (Bitstamp, lambda c: c.v1.account.balance(), {"error": "Invalid nonce"}),
        (Bitso, lambda c: c.v2.account.balance(), {"error": {"code": 104, "message": "Nonce too small"}}),
        (Bitso, lambda c: c.account.balance(), {"success": False, "error": {"code": "0207", "message": "Nonce"}}),
    ],
)
async def test_refused_nonces_of_the_exchanges(client, call, refused):
    """Refused nonces of Bitstamp v1 and of both generations of Bitso, all with status 200, are repeated."""
    script = Script.of(answer(refused))
    async with client(api_key="k", api_secret="s", client_id="1", transport=script) as made:
        with pytest.raises(NonceRejected):
            await call(made)

    assert len(script.came) == 4


def second_at(script):
    """Return the moment of the second request."""
    return script.moments(BEGIN)[1]


@in_virtual_time
@pytest.mark.parametrize("status", [420, 429])
async def test_retry_after_closes_the_limiter(status, noon):
    """After 429 or 420 with Retry-After every call fails at once, with the moment; after that time all go again."""
    script = Script.of(answer({}, status, Retry_After="7"), answer())
    async with fourth(script) as client:
        calls = (client.trading.order, lambda: client.trading.cancel(5), client.trading.order)
        failures = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
        failures.append(await failure(client.trading.cancel(5)))
        ended = elapsed()
        await asyncio.sleep(7)
        await asyncio.gather(*(call() for call in calls))

    assert ([RateLimited] * 4, 0.0) == ([type(error) for error in failures], ended)
    assert {noon + timedelta(seconds=7)} == {error.retry_at for error in failures}
    assert [0.0, 7.0, 7.0, 7.0] == script.moments(BEGIN)


@in_virtual_time
async def test_a_lockout_without_a_time():
    """A refusal without a time closes the limiter for as long as the exchange declares."""
    script = Script.of(html(429), answer())
    async with fourth(script) as client:
        await client.trading.order()

    assert second_at(script) == 20.0


@in_virtual_time
@pytest.mark.parametrize("value", ["soon", "-5", "1e3", "٣", ""])
async def test_retry_after_that_is_none(value):
    """A Retry-After that is neither a number nor a date is ignored."""
    reply = httpx.Response(429, headers={"retry-after": value.encode()})
    script = Script.of(reply, answer())
    async with fourth(script) as client:
        await client.trading.order()

    assert second_at(script) == 20.0


@in_virtual_time
async def test_a_lockout_longer_than_the_deadline(noon):
    """A read that cannot be repeated in time raises `RateLimited` with the moment until which it is refused."""
    error = await failure_of(Script.of(answer({}, 429, Retry_After="60")), "read")

    assert (RateLimited, 0.0, noon + timedelta(seconds=60)) == (type(error), elapsed(), error.retry_at)


@in_virtual_time
async def test_money_is_not_repeated_after_a_lockout(noon):
    """A money call that is refused for too many requests carries that moment, and is not repeated."""
    script = Script.of(answer({}, 429, Retry_After="7"))
    error = await failure_of(script, "money")

    assert (RateLimited, 1, noon + timedelta(seconds=7)) == (type(error), len(script.came), error.retry_at)


@in_virtual_time
async def test_public_calls_are_not_locked_out_with_the_key():
    """A lockout of the key's limit does not affect calls under another limit."""
    script = Script.of(html(429), answer())
    async with fourth(script) as client:
        with pytest.raises(RateLimited):
            await client.trading.create_order(amount=1)
        await client.market.thing()

    assert [0.0, 0.0] == script.moments(BEGIN)
