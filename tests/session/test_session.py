import asyncio
import json
import logging
from decimal import Decimal
from unittest.mock import patch

import httpx
import pytest
import respx

import exchanges
from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.errors import RateLimitTimeout, ReadFailed, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.windows import MARGIN_SECONDS
from exchanges.session.config import Options
from tests.support.fourth import API, CREDENTIALS, LIMIT, OPEN_LIMIT, Fourth, Newer, Thing
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import BEGIN, VirtualLoop, elapsed, in_virtual_time, run, settle

WALL = 1_700_000_000.0
BALANCE = {"fee": "0.5", "usd_balance": "1.00", "usd_available": "1.00", "usd_reserved": "0.00"}


def clock():
    """Return a wall clock that follows the loop."""
    return WALL + elapsed()


def fourth(script=None, **options):
    """Create a client of the fourth exchange with scripted answers."""
    return Fourth(transport=script or Script.of(), **{"clock": clock, **CREDENTIALS, **options})


def limit_of(slots, seconds, *, name=LIMIT.name, scope=Scope.KEY):
    """Build a limit that replaces the one of that name."""
    return Limit(name, (Window(slots, seconds),), scope)


@in_virtual_time
async def test_a_fourth_exchange():
    """An exchange that the core does not know is declared, called and decoded like the others."""
    router = respx.MockRouter()
    router.get("https://fourth.example/api/things/a%20b").respond(json={"id": 7})
    async with Fourth(transport=httpx.MockTransport(router.async_handler)) as client:
        thing = await client.market.thing("a b")

    assert Thing(7) == thing


@in_virtual_time
async def test_wrong_arguments_come_first():
    """Arguments are checked before any wait, and nothing is sent."""
    script = Script.of()
    async with fourth(script) as client:
        with pytest.raises(UsageError, match=r"fourth\.trading\.create_order .*amount.*nothing was sent"):
            await client.trading.create_order(amount=0.1)

    assert ([], 0.0) == (script.came, elapsed())


@in_virtual_time
async def test_the_nonce_is_drawn_after_the_wait():
    """A call that waited ten seconds for its slot has the milliseconds of its sending as its nonce."""
    script = Script.of()
    async with fourth(script, limits=[limit_of(1, 10.0)]) as client:
        await asyncio.gather(client.trading.order(), client.trading.order())

    assert [int(WALL * 1000), int((WALL + 10 + MARGIN_SECONDS) * 1000)] == pytest.approx(script.nonces, abs=1)


@in_virtual_time
async def test_one_signed_request_in_flight():
    """Of many signed calls of one key one is under way at a time, and their nonces arrive increasing."""
    script = Script.of(seconds=0.01)
    async with fourth(script, limits=None) as client:
        await asyncio.gather(*(client.trading.order() for _ in range(50)))

    assert (1, script.nonces) == (script.most_inside, sorted(set(script.nonces)))


@in_virtual_time
@pytest.mark.parametrize("limits", [(), None])
async def test_generations_share_the_key_lock(limits):
    """Calls of an older generation use the same key lock and the same nonces as the current one."""
    script = Script.of(seconds=0.01)
    async with fourth(script, limits=limits) as client:
        await asyncio.gather(*(f() for _ in range(2) for f in (client.trading.order, client.v1.oldtrading.order)))

    assert (1, 4, script.nonces) == (script.most_inside, len(set(script.nonces)), sorted(script.nonces))


@in_virtual_time
async def test_unique_nonces_need_no_key_lock():
    """If nonces only have to differ, signed calls run at the same time, each with its own nonce."""
    script = Script.of(seconds=0.01)
    async with Newer(transport=script, limits=None, **CREDENTIALS) as client:
        await asyncio.gather(*(client.v9.newtrading.order() for _ in range(9)))
    nonces = {came.request.headers["X-Nonce"] for came in script.came}

    assert (9, 9, {36}) == (script.most_inside, len(nonces), {len(nonce) for nonce in nonces})


@in_virtual_time
async def test_fields_of_a_view_go_with_private_calls():
    """Fields that a view adds are sent with its private calls, and with no public one."""
    script = Script.of()
    async with fourth(script) as client:
        view = client._view(Options(private_fields={"as_user": "5000"}))
        await view.trading.order(state="open")
        await view.market.thing()

    assert [b"as_user=5000&state=open", b""] == [came.request.url.query for came in script.came]


@in_virtual_time
async def test_a_request_that_cannot_be_signed():
    """If drawing the nonce or signing fails, slot and key lock are released: nothing was sent."""
    script = Script.of()
    async with fourth(script, limits=[limit_of(1, 60.0)]) as client:
        with patch.object(type(API.scheme), "sign", side_effect=ZeroDivisionError), pytest.raises(ReadFailed):
            await client.trading.order()
        (limiter,) = client._session._destinations._limiters

        assert ("Limiter(fourth: 0 of 1 in 60 s; 0 waiting)", []) == (repr(limiter), script.came)


@in_virtual_time
async def test_public_calls_fly_together():
    """Public calls need no key lock: as many are in flight as there are connections for reads."""
    script = Script.of(seconds=0.01)
    async with fourth(script) as client:
        await asyncio.gather(*(client.market.thing() for _ in range(20)))

    assert script.most_inside == 14


@in_virtual_time
async def test_a_cancel_overtakes_reads():
    """A cancel goes before reads that have waited longer for the key lock and a slot."""
    script = Script.of()
    async with fourth(script, limits=[limit_of(3, 10.0)], timeout_seconds=60) as client:
        reads = [client.trading.order() for _ in range(4)]
        await asyncio.gather(*reads, client.trading.create_order(amount=1), client.trading.cancel(5))

    assert [
        "GET /api/orders",
        "POST /api/orders/5/cancel",
        "POST /api/orders",
        "GET /api/orders",
        "GET /api/orders",
        "GET /api/orders",
    ] == script.paths


@in_virtual_time
async def test_every_attempt_takes_a_slot():
    """Each attempt uses a slot."""
    script = Script.of(httpx.ReadError("gone"), answer())
    async with fourth(script, limits=[limit_of(1, 5.0)], timeout_seconds=60) as client:
        await client.trading.order()

    assert elapsed() == pytest.approx(5 + 30 + MARGIN_SECONDS)


@in_virtual_time
async def test_a_view_shares_the_session():
    """A view with another deadline shares slots and nonces with its client."""
    script = Script.of()
    async with fourth(script, limits=[limit_of(1, 10.0)]) as client:
        await client.trading.order()
        with pytest.raises(RateLimitTimeout, match=r"fourth\.trading\.order .*the limit fourth has no room"):
            await client.with_options(timeout_seconds=9).trading.order()

    assert (1, 0.0) == (len(script.came), elapsed())


@in_virtual_time
async def test_money_goes_out_in_plain_notation():
    """An amount travels with every digit and without an exponent."""
    script = Script.of()
    async with fourth(script) as client:
        await client.trading.create_order(amount=Decimal("1E+2"))

    assert {"amount": "100"} == json.loads(script.came[0].request.content)


@in_virtual_time
async def test_bitstamp_and_bitso_draw_increasing_nonces():
    """Signed calls of Bitstamp v1, and those of both generations of Bitso, run one at a time, exchanges in parallel."""
    forms = []

    async def reply(request):
        body = request.content.decode()
        forms.append((request.url.host, body))
        await asyncio.sleep(0.01)
        v3 = {"success": True, "payload": {"balances": []}}
        return answer(v3 if request.url.path == "/api/v3/balance/" else BALANCE)

    secrets = {"api_key": "k", "api_secret": "s", "client_id": "1", "transport": httpx.MockTransport(reply)}
    async with Bitstamp(**secrets) as bitstamp, Bitso(**secrets) as bitso:
        calls = (bitstamp.v1.account.balance, bitso.v2.account.balance, bitso.account.balance)
        await asyncio.gather(*(call() for call in calls for _ in range(5)))

    assert elapsed() == pytest.approx(0.1)


@in_virtual_time
async def test_the_deadline_is_total():
    """Waiting, pauses and attempts together take no longer than the deadline."""
    script = Script.of(httpx.ReadError("gone"), seconds=4.0)
    async with fourth(script, timeout_seconds=10) as client:
        with pytest.raises(exchanges.ReadFailed):
            await client.market.thing()

    assert elapsed() <= 10.0


@in_virtual_time
@pytest.mark.parametrize(
    ("options", "method", "seconds"),
    [
        ({}, "thing", 30.0),
        ({}, "slow", 90.0),
        ({"timeout_seconds": 5}, "slow", 5.0),
        ({"timeout_seconds": 0.5}, "thing", 0.5),
    ],
)
async def test_whose_deadline_it_is(options, method, seconds):
    """The deadline of a call is 30 seconds, or that of its endpoint, or that of the client."""
    script = Script.of(open=asyncio.Event())
    async with fourth(script, **options) as client:
        with pytest.raises(exchanges.ReadFailed, match="no answer before the deadline"):
            await getattr(client.market, method)()

    assert (seconds, 1) == (elapsed(), script.cancelled)


@in_virtual_time
async def test_the_view_has_the_last_word():
    """The deadline of a view overrides that of its client and of the endpoint."""
    script = Script.of(open=asyncio.Event())
    async with fourth(script, timeout_seconds=50) as client:
        with pytest.raises(exchanges.ReadFailed):
            await client.with_options(timeout_seconds=2.5).market.slow()

    assert elapsed() == 2.5


@in_virtual_time
async def test_the_archive_has_a_minute():
    """The archive of Bitex, which is large, has 60 seconds by default."""
    async with Bitex(transport=Script.of(open=asyncio.Event())) as bitex:
        with pytest.raises(exchanges.ReadFailed):
            await bitex.market.transactions_archive()

    assert elapsed() == 60.0


@in_virtual_time
@pytest.mark.parametrize(
    ("client", "call", "names"),
    [
        (Fourth, lambda c: c.trading.order(), r"api_key \(FOURTH_API_KEY\), api_secret \(FOURTH_API_SECRET\)"),
        (Bitex, lambda c: c.trading.orders(), r"needs api_key \(BITEX_API_KEY\); nothing"),
        (Bitso, lambda c: c.account.balance(), r"needs api_key \(BITSO_API_KEY\), api_secret \(BITSO_API_SECRET\);"),
        (Bitstamp, lambda c: c.v1.account.balance(), r"client_id \(BITSTAMP_CLIENT_ID\); nothing was sent"),
    ],
)
async def test_a_private_call_without_credentials(client, call, names, monkeypatch):
    """A private call without credentials names the arguments and the environment variables that it needs."""
    for name in ("API_KEY", "API_SECRET", "CLIENT_ID"):
        monkeypatch.delenv(f"{client.exchange}_{name}".upper(), raising=False)
    script = Script.of()
    async with client(transport=script) as made:
        with pytest.raises(UsageError, match=names):
            await call(made)

    assert script.came == []


@in_virtual_time
async def test_a_private_call_with_half_the_credentials():
    """A private call names just the credential that is missing."""
    async with Fourth(api_key="k", transport=Script.of()) as client:
        with pytest.raises(UsageError, match=r"needs api_secret \(FOURTH_API_SECRET\)"):
            await client.trading.order()


def test_a_client_of_another_loop():
    """A client that one loop has used refuses to be used by another."""
    client = Fourth(transport=Script.of())
    run(client.market.thing())

    async def use():
        with pytest.raises(UsageError, match="belongs to another event loop"):
            await client.market.thing()

    run(use())


def test_two_clients_in_two_open_loops():
    """Two clients that share a state in two open loops share its limits: the call of the second waits."""
    state, limits = exchanges.state.MemoryState(), [limit_of(1, 10.0, name=OPEN_LIMIT.name, scope=Scope.ADDRESS)]
    loops = [VirtualLoop(), VirtualLoop()]
    for loop in loops:
        loop.run_until_complete(Fourth(transport=Script.of(), state=state, limits=limits).market.thing())

    assert [BEGIN, pytest.approx(BEGIN + 10 + MARGIN_SECONDS)] == [loop.time() for loop in loops]

    for loop in loops:
        loop.close()


@in_virtual_time
async def test_one_line_per_call(caplog):
    """A call logs one INFO line: verb, endpoint, host, status, milliseconds."""
    caplog.set_level(logging.INFO)
    async with fourth(Script.of(seconds=0.25)) as client:
        await client.trading.cancel(5)

    assert [
        ("exchanges.session.session", logging.INFO, "POST fourth.trading.cancel at fourth.example: 200, 250 ms")
    ] == caplog.record_tuples


@in_virtual_time
async def test_one_line_per_failed_call(caplog):
    """A call that fails after three attempts logs one INFO line with the failure."""
    caplog.set_level(logging.INFO)
    async with fourth(Script.of(answer({}, 503))) as client:
        with pytest.raises(exchanges.ReadFailed):
            await client.market.thing()
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]

    assert ["GET fourth.market.thing at fourth.example: 503 ReadFailed"] == [line.rpartition(",")[0] for line in lines]


@in_virtual_time
async def test_one_line_per_cancelled_call(caplog):
    """A call whose caller is cancelled logs one INFO line, without a status."""
    caplog.set_level(logging.INFO)
    async with fourth(Script.of(seconds=5)) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.market.thing(), 1)

    assert ["GET fourth.market.thing at fourth.example: -, 1000 ms"] == caplog.messages


@in_virtual_time
async def test_repr():
    """The repr of a client shows its exchange, server and calls in flight."""
    script = Script.of(seconds=1)
    async with fourth(script) as client:
        call = asyncio.create_task(client.market.thing())
        await settle()
        shown = repr(client)
        await call

    assert (
        "Fourth(Session(fourth production, 1 in flight))",
        "Fourth(Session(fourth production, 0 in flight, closed))",
    ) == (
        shown,
        repr(client),
    )


def test_the_virtual_clock_begins_where_it_says():
    """The moments that these tests compare count from the beginning of the loop."""
    assert BEGIN == 1_000_000.0
