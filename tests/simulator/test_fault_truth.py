import asyncio
import json
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from exchanges.endpoint import Kind
from exchanges.simulator import FaultPoint, Faults, Venue
from exchanges.simulator.faults.points import AFTER_EXECUTING, BEFORE_EXECUTING, CONNECTION
from tests.support.simulator_calls import BITEX_FIELDS, NOW_MS, ask_bitex, ask_signed, bitstamp_v1, simulated
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import elapsed, in_virtual_time, run

pytestmark = pytest.mark.sweep

PATIENCE_SECONDS = 5.0
BEFORE = sorted(BEFORE_EXECUTING - CONNECTION)
AFTER = sorted(AFTER_EXECUTING)
WRITES = {
    Venue.BITEX: ("trading.create_bid", {}),
    Venue.BITSO: ("bitso.v2.trading.sell", {"price": "2000000"}),
    Venue.BITSTAMP: ("bitstamp.v1.trading.sell", {"price": "1000000"}),
}
INPUTS = {"inputs": BITEX_FIELDS["inputs"]}


@asynccontextmanager
async def hostile(*venues: Venue, **faults):
    """Play in process, with an HTTP client that waits for an answer for as long as anybody would."""
    faults = {"bomb_bytes": 1000, **faults}
    async with (
        simulated(*venues, port=None, faults=Faults(**faults)) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        yield sim, http


async def ask(http: httpx.AsyncClient, venue: Venue, endpoint: str = "", **known: object) -> httpx.Response | None:
    """Call an endpoint; return None if nothing came of it in time."""
    name, fields = WRITES[venue]
    asker = ask_bitex if venue is Venue.BITEX else ask_signed
    with suppress(httpx.TransportError, httpx.DecodingError, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asker(http, endpoint or name, **({} if endpoint else fields), **known)
    return None


async def sell(http: httpx.AsyncClient, nonce: int) -> str:
    """Sell at Bitstamp with a nonce of one's own; gives what is said to it."""
    fields = {**bitstamp_v1(nonce), "amount": "0.01", "price": "1000000"}
    with suppress(httpx.TransportError, httpx.DecodingError, TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await http.post("/api/sell/", data=fields)).text
    return ""


# What is executed


@pytest.mark.parametrize("venue", Venue)
@pytest.mark.parametrize("point", AFTER)
def test_what_is_hit_after_executing_is_done(venue, point):
    """The deed stands in the record with the fault that befell its answer."""

    async def main():
        async with hostile(venue, at={point: 1}) as (sim, http):
            await ask(http, venue)
            return [(deed.venue, deed.kind, deed.fault) for deed in sim.deeds], sim.requests[-1], sim.hits

    deeds, seen, hits = run(main())

    assert [(venue, Kind.MONEY, point)] == deeds
    assert (True, point, "ok") == (seen.executed, seen.fault, seen.outcome)
    assert {point: 1} == hits


@pytest.mark.parametrize(
    ("venue", "point"),
    [(v, p) for v in Venue for p in BEFORE if (v, p) != (Venue.BITEX, FaultPoint.REFUSE_NONCE)],
)
def test_what_is_hit_before_executing_is_not_done(venue, point):
    """There is no deed, and the record says which fault it was."""

    async def main():
        async with hostile(venue, at={point: 1}) as (sim, http):
            await ask(http, venue)
            return sim.deeds, sim.requests[-1]

    deeds, seen = run(main())

    assert [] == deeds
    assert (False, point, point.value) == (seen.executed, seen.fault, seen.outcome)


@pytest.mark.parametrize("point", BEFORE)
@in_virtual_time
async def test_what_is_not_executed_uses_no_nonce(point):
    """The same nonce is good afterwards."""
    async with hostile(Venue.BITSTAMP, at={point: 1}) as (sim, http):
        await sell(http, 5)
        sim.faults = None

        assert '{"id":1001,' == (await sell(http, 5))[:11]


@pytest.mark.parametrize("point", AFTER)
@in_virtual_time
async def test_what_is_executed_uses_its_nonce(point):
    """The same nonce is refused afterwards."""
    async with hostile(Venue.BITSTAMP, at={point: 1}) as (sim, http):
        await sell(http, 5)
        sim.faults = None

        assert '{"error":"Invalid nonce"}' == await sell(http, 5)


@in_virtual_time
async def test_what_the_exchange_refuses_is_not_executed_whatever_befalls_the_answer():
    """A refusal that gets lost is no deed."""
    async with hostile(at={"close after executing": 1}) as (sim, http):
        await ask(http, Venue.BITSTAMP, "bitstamp.v1.trading.cancel_order", id="77")

        assert [] == sim.deeds
        assert (False, "not found", "close after executing") == (
            sim.requests[-1].executed,
            sim.requests[-1].outcome,
            sim.requests[-1].fault,
        )


@in_virtual_time
async def test_reads_are_executed_and_no_deeds():
    """The record of requests says that a read was carried out; deeds are what changed something."""
    async with hostile() as (sim, http):
        await ask(http, Venue.BITSTAMP, "bitstamp.v1.trading.open_orders")

        assert (True, []) == (sim.requests[-1].executed, sim.deeds)


@in_virtual_time
async def test_bitex_has_no_nonce_to_refuse():
    """Where there is no nonce, this fault does not happen."""
    async with hostile(at={"refuse a valid nonce": 1}) as (sim, http):
        await ask(http, Venue.BITEX)

        assert (None, 1, {}) == (sim.requests[-1].fault, len(sim.deeds), sim.hits)


@in_virtual_time
async def test_other_kinds_are_spared():
    """Only requests of the given kinds are hit."""
    async with hostile(at={"answer 500": 1}, kinds={Kind.MONEY}) as (_, http):
        statuses = [
            (await ask(http, Venue.BITSTAMP)).status_code,
            (await ask(http, Venue.BITSTAMP, "bitstamp.v1.trading.open_orders")).status_code,
        ]

        assert [500, 200] == statuses


@in_virtual_time
async def test_faults_can_be_set_at_any_time():
    """What goes wrong is what was set last; a mapping will do, and None is nothing."""
    async with hostile() as (sim, http):
        statuses = []
        for faults in ({"answer 500": 1}, None, Faults({FaultPoint.HTML_403: 1}), {}):
            sim.faults = faults
            statuses.append((await ask(http, Venue.BITEX)).status_code)

        assert [500, 200, 403, 200] == statuses


@in_virtual_time
async def test_the_same_seed_hits_the_same_requests():
    """What goes wrong depends on the order of the requests alone."""

    async def faults(seed: int) -> list[FaultPoint | None]:
        async with simulated(port=None, seed=seed, faults={"answer 404": 0.3, "garble": 0.3}) as sim:
            async with httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http:
                for _ in range(30):
                    await ask(http, Venue.BITEX)
            return [seen.fault for seen in sim.requests]

    assert await faults(7) == await faults(7)
    assert await faults(7) != await faults(8)


# What a deed says


@in_virtual_time
async def test_a_deed_says_what_was_asked():
    """Names are the declared ones, values the text that travelled, credentials are not among them."""
    async with hostile() as (sim, http):
        await sell(http, 5)

        (deed,) = sim.deeds
        assert {"amount": "0.01", "price": "1000000"} == deed.arguments
        assert ("bitstamp.v1.trading.sell", "5", "1001", 200, NOW_MS) == (
            deed.endpoint,
            deed.nonce,
            deed.id,
            deed.status,
            deed.at_ms,
        )
        assert sim.requests[-1].key == deed.key
        assert elapsed() + 1_000_000 == deed.at


@in_virtual_time
async def test_a_deed_names_arguments_of_the_path():
    """An id in the path is an argument like any other."""
    async with hostile(Venue.BITEX) as (sim, http):
        await ask(http, Venue.BITEX)
        await ask(http, Venue.BITEX, "trading.cancel_bid", bid_id=1001)

        assert ({"bid_id": "1001"}, Kind.CANCEL, "1001") == (
            sim.deeds[-1].arguments,
            sim.deeds[-1].kind,
            sim.deeds[-1].id,
        )


@in_virtual_time
async def test_a_deed_holds_no_secret():
    """The password of a new user is not kept."""
    async with hostile(Venue.BITEX) as (sim, http):
        await ask(http, Venue.BITEX, "resellers.create_user")

        assert {"email": "user@example.com"} == sim.deeds[-1].arguments
        assert "5001" == sim.deeds[-1].id


@in_virtual_time
async def test_a_deed_tells_for_whom_a_reseller_acts():
    """The user stands in the deed, not among the arguments."""
    async with hostile(Venue.BITEX) as (sim, http):
        await ask(http, Venue.BITEX, "resellers.create_user")
        await ask(http, Venue.BITEX, as_user="5001")

        assert ("5001", {"amount": "10", "price": "1"}) == (sim.deeds[-1].acting_for, sim.deeds[-1].arguments)


@in_virtual_time
async def test_a_deed_writes_objects_as_json():
    """Lists and objects among the arguments are text as well."""
    async with hostile(Venue.BITEX) as (sim, http):
        await ask(http, Venue.BITEX, "resellers.create_user")
        await ask(http, Venue.BITEX, "funding.create_withdrawal_instruction", as_user="5001")
        output = {**BITEX_FIELDS["outputs"][0], "withdrawal_instruction_id": 1001}
        await ask(http, Venue.BITEX, "concierge.create_work_order_request", outputs=[output], **INPUTS)

        arguments = sim.deeds[-1].arguments
        assert ("5001", [output]) == (arguments["payer_id"], json.loads(arguments["outputs"]))


@pytest.mark.parametrize(
    ("endpoint", "fields", "made"),
    [
        ("bitso.v2.funding.bitcoin_withdrawal", {}, None),
        ("bitstamp.v1.funding.bitcoin_withdrawal", {}, "1001"),
        ("bitso.conversions.create_quote", {"spend_amount": "100"}, "00000000000003e9"),
    ],
)
@in_virtual_time
async def test_a_deed_names_what_was_made_where_the_answer_does(endpoint, fields, made):
    """The id is the one in the answer; there is none where the answer is only ok."""
    async with hostile() as (sim, http):
        await ask(http, Venue(endpoint.partition(".")[0]), endpoint, **fields)

        assert made == sim.deeds[-1].id


# In process


@in_virtual_time
async def test_a_simulator_without_a_port_listens_nowhere():
    """It has a name that clients take, and no socket."""
    async with simulated(port=None) as sim:
        assert "http://127.0.0.1" == sim.base_url


@in_virtual_time
async def test_silence_lasts():
    """An answer that never comes does not come in time, and leaves nothing behind."""
    async with hostile(at={"stay silent after executing": 1}) as (_, http):
        await ask(http, Venue.BITEX)

        assert PATIENCE_SECONDS == elapsed()


@in_virtual_time
async def test_what_lies_about_is_dropped_at_the_end():
    """A request that was not settled when the simulator stops never is."""
    async with simulated(port=None) as still:
        pass
    async with simulated(port=None) as sim, httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http:
        sim._dispatcher.plan._delay_seconds = (600, 600)
        task = asyncio.create_task(ask(http, Venue.BITEX))
        await asyncio.sleep(1)
    await task

    assert ([], still.deeds) == (sim.requests, sim.deeds)
