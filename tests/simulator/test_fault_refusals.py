from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from exchanges.simulator import FaultPoint
from exchanges.simulator.faults.points import TOO_MANY_REQUESTS
from tests.support.simulator_calls import NOW, PRIVATE, ask_signed
from tests.support.simulator_faults import answered, asked, wired


@pytest.mark.parametrize(
    ("path", "status"), [("/api/ticker/", 429), ("/api/v3/ticker?book=btc_mxn", 420), (f"{PRIVATE}/orders", 429)]
)
@pytest.mark.parametrize("point", sorted(TOO_MANY_REQUESTS))
async def test_too_many_requests_have_the_status_of_the_exchange(point, path, status):
    """429, at Bitso 420; and the limit did not even have to be met."""
    async with wired({point: 1}) as (sim, wire):
        wire.send(f"GET {path} HTTP/1.1")

        assert status == (await answered(wire))[0]
        assert sim.busiest(sim.limits[0])[0] == 1


@pytest.mark.parametrize(
    ("point", "retry_after"),
    [
        (FaultPoint.TOO_MANY_REQUESTS, None),
        (FaultPoint.TOO_MANY_REQUESTS_SECONDS, "2"),
        (FaultPoint.TOO_MANY_REQUESTS_NEGATIVE, "-2"),
        (FaultPoint.TOO_MANY_REQUESTS_HUGE, "1000000000000"),
    ],
)
async def test_retry_after_in_numbers(point, retry_after):
    """The header is there as the point says, or not at all."""
    async with asked(point) as (_, http):
        assert retry_after == (await http.get("/api/ticker/")).headers.get("Retry-After")


@pytest.mark.parametrize(
    ("point", "seconds"), [(FaultPoint.TOO_MANY_REQUESTS_DATE, 2), (FaultPoint.TOO_MANY_REQUESTS_PAST, -3600)]
)
async def test_retry_after_as_a_date(point, seconds):
    """The date is an HTTP date by the clock of the exchange."""
    async with asked(point) as (_, http):
        date = (await http.get("/api/ticker/")).headers["Retry-After"]

    assert datetime.fromtimestamp(NOW + seconds, UTC) == parsedate_to_datetime(date)


async def test_retry_after_may_be_garbage():
    """What is no number of seconds and no date comes in several kinds."""
    async with asked("too many requests, retry after garbage") as (_, http):
        kinds = {(await http.get("/api/ticker/")).headers["Retry-After"] for _ in range(20)}

    assert len(kinds) > 3
    assert not any(kind.isdigit() for kind in kinds)


@pytest.mark.parametrize(
    ("endpoint", "status", "words"),
    [
        ("bitstamp.v1.account.balance", 200, {"error": "Invalid nonce"}),
        (
            "bitso.v2.account.balance",
            400,
            {"error": {"code": 104, "message": "Nonce must be larger than the last one"}},
        ),
    ],
)
async def test_a_valid_nonce_is_refused_in_the_words_of_the_exchange(endpoint, status, words):
    """It is the very answer that a used nonce gets."""
    async with asked("refuse a valid nonce") as (_, http):
        response = await ask_signed(http, endpoint)

    assert (status, words) == (response.status_code, response.json())


@pytest.mark.parametrize(
    ("point", "status", "words"),
    [
        (FaultPoint.HTML_403, 403, "you have been blocked"),
        (FaultPoint.HTML_502, 502, "502 Bad Gateway"),
        (FaultPoint.HTML_502_AFTER_EXECUTING, 502, "502 Bad Gateway"),
        (FaultPoint.ANSWER_500, 500, "something went wrong"),
        (FaultPoint.ANSWER_404, 404, "Page not found"),
    ],
)
async def test_pages_in_place_of_answers(point, status, words):
    """Proxies and frameworks answer in HTML."""
    async with asked(point) as (_, http):
        response = await ask_signed(http, "bitstamp.v1.trading.sell")

    assert (status, True) == (response.status_code, words in response.text)
    assert response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("point", [FaultPoint.REDIRECT, FaultPoint.REDIRECT_AFTER_EXECUTING])
async def test_redirects(point):
    """They lead to the same path elsewhere, with either status."""
    async with asked(point, redirect_to="http://127.0.0.1:9") as (_, http):
        responses = [await ask_signed(http, "bitstamp.v1.trading.sell") for _ in range(10)]

    assert {302, 307} == {response.status_code for response in responses}
    assert {"http://127.0.0.1:9/api/sell/"} == {response.headers["Location"] for response in responses}


async def test_hits_are_counted():
    """How often each fault happened can be asked."""
    async with asked("drip") as (sim, http):
        sim.faults = {"answer 404": 0.5, "HTML 403": 0.5}
        for _ in range(40):
            await http.get("/api/ticker/")

    assert 40 == sum(sim.hits.values())
    assert {FaultPoint.ANSWER_404, FaultPoint.HTML_403} == set(sim.hits)
