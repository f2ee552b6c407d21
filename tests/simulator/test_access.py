import json
from itertools import pairwise

import httpx
import pytest

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.simulator.engine.rate_count import Arrivals
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.faults.plan import FaultPlan
from exchanges.simulator.venues.bitstamp import BitstampExchange
from tests.support.simulator_calls import NOW_MS, PRIVATE, bitso_v2, bitso_v3, bitstamp_v1, mac, plain_http, simulated
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import in_virtual_time

# Keys, signatures, nonces


@pytest.mark.parametrize("query", ["", "?api_key=", "?api_key=another"])
async def test_bitex_wants_a_key_that_it_knows(http, query):
    """Without a key, or with an unknown one, the answer is 401."""
    response = await http.get(f"{PRIVATE}/profile{query}")

    assert (401, {"error": "Invalid Api Key"}) == (response.status_code, response.json())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Missing key, signature and nonce parameters"),
        (bitstamp_v1(5, key="another"), "API key not found"),
        (bitstamp_v1(5, nonce="6"), "Invalid signature"),
        (bitstamp_v1(5, signature=bitstamp_v1(5)["signature"].lower()), "Invalid signature"),
    ],
    ids=["nothing", "key", "nonce", "lower case"],
)
async def test_bitstamp_v1_checks_its_three_fields(http, body, words):
    """Each wrong field is refused in words, with status 200."""
    response = await http.post("/api/balance/", data=body)

    assert (200, {"error": words}) == (response.status_code, response.json())


@pytest.mark.parametrize("key_first", [False, True])
async def test_bitso_v2_takes_either_documented_order(http, key_first):
    """Nonce, client id, key and nonce, key, client id are both right."""
    response = await http.post("/v2/balance", json=bitso_v2(5, key_first=key_first))

    assert "3.50000000" == response.json()["btc_balance"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 20),
        (bitso_v2(5, key="another"), 20),
        (bitso_v2(5, nonce="6"), 20),
        (bitso_v2(5, nonce=True), 20),
        (bitso_v2(5, signature="0"), 20),
    ],
    ids=["nothing", "key", "nonce", "no number", "signature"],
)
async def test_bitso_v2_checks_its_three_fields(http, body, code):
    """Each wrong field is refused by number, with status 400."""
    response = await http.post("/v2/balance", json=body)

    assert (400, code) == (response.status_code, response.json()["error"]["code"])


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "0201"),
        ({"Authorization": "Bearer x"}, "0201"),
        ({"Authorization": "Bitso a:b"}, "0201"),
        (bitso_v3(5, key="another"), "0201"),
        (bitso_v3(5, target="/v3/balance/"), "0215"),
    ],
    ids=["nothing", "word", "parts", "key", "path"],
)
async def test_bitso_v3_checks_its_header(http, headers, code):
    """The header is refused by code, with status 401; the path is signed with its prefix."""
    response = await http.get("/api/v3/balance/", headers=headers)

    assert (401, code) == (response.status_code, response.json()["error"]["code"])


async def test_a_nonce_is_taken_once(http):
    """A nonce that is not larger than the last is refused in each exchange's own shape."""
    await http.post("/api/balance/", data=bitstamp_v1(5))
    await http.post("/v2/balance", json=bitso_v2(5))

    bitstamp = await http.post("/api/balance/", data=bitstamp_v1(5))
    v2 = await http.post("/v2/balance", json=bitso_v2(4))
    v3 = await http.get("/api/v3/balance/", headers=bitso_v3(5))

    assert (200, {"error": "Invalid nonce"}) == (bitstamp.status_code, bitstamp.json())
    assert (400, 104) == (v2.status_code, v2.json()["error"]["code"])
    assert (401, "0207") == (v3.status_code, v3.json()["error"]["code"])


async def test_a_forged_request_uses_up_no_nonce(http):
    """A wrong signature leaves the last nonce as it was."""
    await http.post("/api/balance/", data=bitstamp_v1(9, signature="0"))

    response = await http.post("/api/balance/", data=bitstamp_v1(5))

    assert "42000.00" == response.json()["usd_balance"]


@pytest.mark.parametrize("nonce", ["x", "-1", "", "1" * 20, "٣"])
async def test_a_nonce_is_a_whole_number(http, nonce):
    """Anything but a number of at most 19 digits is an invalid nonce."""
    key = "SimulatedBitstampKey"
    signature = mac("simulated-bitstamp-secret", f"{nonce}7890{key}").upper()

    response = await http.post("/api/balance/", data={"key": key, "signature": signature, "nonce": nonce})

    assert {"error": "Invalid nonce"} == response.json()


def test_requests_overtake_each_other():
    """Delays differ from request to request, are the same from the same seed, and stay in their bounds."""
    ones, twos = FaultPlan(1, (0.001, 0.003)), FaultPlan(1, (0.001, 0.003))
    delays = [ones.delay_seconds() for _ in range(100)]

    assert [twos.delay_seconds() for _ in range(100)] == delays
    assert any(a > b for a, b in pairwise(delays))
    assert 0.001 <= min(delays) < max(delays) <= 0.003


def test_delays_must_make_sense():
    """The least delay is not above the largest."""
    with pytest.raises(ValueError, match="delay_seconds"):
        FaultPlan(1, (0.2, 0.1))


# Limits


async def test_bitex_refuses_the_sixth_call_in_a_second():
    """Five in a second pass, the next gets 429, and the record shows it."""
    async with simulated(limits=True) as sim, plain_http(sim.base_url) as http:
        statuses = [(await http.get("/api-v1/rest/btc_usd/market/ticker")).status_code for _ in range(6)]

        assert [200] * 5 + [429] == statuses
        assert ((6, 5), 1) == (sim.busiest("bitex"), sim.errors)


async def test_bitso_refuses_the_61st_public_call_in_a_minute():
    """Too many requests of either generation together get 420 and 0801; private ones are counted apart."""
    async with simulated(limits=True) as sim, plain_http(sim.base_url) as http:
        for path in ("/v2/ticker", "/api/v3/available_books") * 30:
            await http.get(path)
        over = [await http.get(path) for path in ("/v2/ticker", "/api/v3/available_books")]
        apart = await http.get("/api/v3/balance/", headers=bitso_v3(1))

        assert [(420, "0801")] * 2 == [(r.status_code, r.json()["error"]["code"]) for r in over]
        assert (200, (1, 300)) == (apart.status_code, sim.busiest("bitso private"))


def test_bitstamp_refuses_too_many_requests_by_code():
    """The refusal names 400.002."""
    exchange = BitstampExchange(0, NOW_MS)

    answer = exchange.refusal(exchange.endpoints()[0].api, Refused(Reason.TOO_MANY_REQUESTS))

    assert (429, "400.002") == (answer.status, json.loads(answer.body)["response_code"])


@in_virtual_time
async def test_requests_are_counted_even_if_none_is_refused():
    """Without limits the busiest window is counted too, and only limits that requests count against are listed."""
    # In virtual time all twenty arrive within the second, however busy the machine is.
    async with (
        simulated(port=None) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        for _ in range(20):
            await http.get("/api-v1/rest/btc_usd/market/ticker")

        assert (0, ("bitex",)) == (sim.errors, sim.limits)
        assert 20 == sim.busiest("bitex")[0]
        with pytest.raises(KeyError, match="bitstamp"):
            sim.busiest("bitstamp")


def test_a_window_slides_over_every_arrival():
    """The busiest window is found wherever it begins, and ends right before its length is over."""
    arrivals = Arrivals()
    limit = Limit("both", windows=(Window(2, 1.0), Window(4, 10.0)), scope=Scope.KEY)
    within = [arrivals.arrive(limit, "one", at) for at in (0.0, 0.9, 1.0, 1.5, 1.8, 30.0)]

    assert [True, True, True, False, False, True] == within
    assert (4, 2) == arrivals.busiest("both")


def test_subjects_do_not_share_a_limit():
    """The requests of one key are not counted against another."""
    arrivals = Arrivals()
    limit = Limit("one", windows=(Window(1, 1.0),), scope=Scope.KEY)

    assert [True, True, False] == [arrivals.arrive(limit, who, 0.0) for who in ("a", "b", "a")]
