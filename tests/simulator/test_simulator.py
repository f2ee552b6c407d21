from decimal import Decimal

import pytest

from exchanges.simulator import Venue, simulate
from exchanges.simulator.simulator import EXCHANGES
from exchanges.simulator.venues.bitex.market import MarketHandlers
from exchanges.wire import Confirmation, loads
from exchanges.wire.converter import wire
from exchanges.wire.models import codec_of
from tests.support.simulator_calls import (
    BITEX_KEY,
    ENDPOINTS,
    NOW_MS,
    PRIVATE,
    ask_declared,
    bitso_v3,
    bitstamp_v1,
    plain_http,
    simulated,
)

pytestmark = pytest.mark.sweep

# Every declared endpoint


@pytest.mark.parametrize("venue", Venue)
def test_every_declared_endpoint_has_a_handler(venue):
    """No endpoint of any client answers 501, and no handler waits for an endpoint that nobody declares."""
    exchange = EXCHANGES[venue](0, NOW_MS)
    handled = [endpoint for handlers in exchange.handlers for endpoint in handlers.handlers]

    assert sorted(e.id for e in exchange.endpoints()) == sorted(handled)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.id)
async def test_every_answer_is_what_the_endpoint_declares(endpoint):
    """The answer to each endpoint decodes strictly as the client declares it."""
    # One venue for each of the 108 calls: starting all three takes most of the time.
    async with (
        simulated(Venue(endpoint.api.exchange)) as sim,
        plain_http(sim.base_url) as http,
    ):
        if endpoint.id == "bitex.funding.btc_deposit":
            sim.bitex.send_btc(sim.bitex.deposit_address(1), Decimal(1))
            sim.advance(3600)
        if endpoint.id == "bitso.funding.funding":
            sim.bitso.deposit("mxn", Decimal(100))
        if endpoint.is_silent:
            sim.bitstamp.deposit("usd", Decimal(100))
        response = await ask_declared(http, endpoint)
    if endpoint.is_silent:
        assert (204, b"") == (response.status_code, response.content)
        return
    read = response.text if endpoint.text else loads(response.content)
    answer = read if endpoint.api.payload is None else endpoint.api.payload(read)
    if endpoint.single:
        (answer,) = answer

    assert (200, None) == (response.status_code, endpoint.api.read_problem(200, read))
    assert isinstance(codec_of(endpoint.answer), Confirmation) == (
        wire(strict=True).structure(answer, endpoint.answer, "answer") is None
    )


async def test_an_endpoint_without_a_handler_answers_501(http, sim, monkeypatch):
    """An endpoint without a handler is answered in plain text."""
    monkeypatch.delitem(MarketHandlers.handlers, "bitex.market.ticker")

    response = await http.get("/api-v1/rest/btc_usd/market/ticker")

    assert (501, "bitex.market.ticker is not simulated") == (response.status_code, response.text)
    assert "not simulated" == sim.requests[-1].outcome


async def test_a_fault_of_the_simulator_is_told_apart(http, sim, monkeypatch, caplog):
    """A handler that raises answers 500 and is logged."""
    monkeypatch.setitem(MarketHandlers.handlers, "bitex.market.ticker", lambda *_: 1 / 0)

    response = await http.get("/api-v1/rest/btc_usd/market/ticker")

    assert (500, "broken") == (response.status_code, sim.requests[-1].outcome)
    assert "ZeroDivisionError" in caplog.text


# Paths


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/api-v1/rest/nothing", 404, '{"errors":[{"code":null,"detail":null}]}'),
        ("/api-v1/rest/btc_eur/market/ticker", 404, '{"errors":[{"code":null,"detail":null}]}'),
        ("/api/v3/nothing", 404, ""),
        ("/v2/nothing", 404, ""),
        ("/v2/balance", 404, ""),
        ("/api/nothing/", 404, "<!DOCTYPE html><title>Page not found</title>"),
        ("/api/v2/none/", 404, "<!DOCTYPE html><title>Page not found</title>"),
        ("/nothing", 404, "no exchange has this path"),
        ("/api/v3/trades?book=none", 200, '{"success":true,"payload":[]}'),
        ("/api/v3/ticker?book=none", 400, '{"error":{"code":20,"message":"Unknown order book: none"}}'),
    ],
)
async def test_unknown_paths_and_books_are_answered_in_the_exchanges_own_way(http, path, status, body):
    """Each exchange has its own answer for what it does not know."""
    response = await http.get(path)

    assert (status, body) == (response.status_code, response.text)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v3/order_book?book=none", 400, "0301"),
        ("/api/v3/order_book", 400, "0303"),
        ("/api/v3/order_book?book=btc_mxn&aggregate=maybe", 400, "0304"),
        ("/api/v3/trades?book=btc_mxn&limit=101", 400, "0304"),
        ("/api/v3/trades?book=btc_mxn&limit=ten", 400, "0304"),
        ("/api/v3/trades?book=btc_mxn&sort=up", 400, "0304"),
        ("/api/v3/trades?book=btc_mxn&marker=x", 400, "0304"),
        ("/api/v3/ticker?book=btc_mxn&book=btc_mxn", 400, "0302"),
    ],
)
async def test_bitso_refuses_wrong_arguments_by_code(http, path, status, code):
    """Unknown, missing, repeated and malformed arguments have codes of the family 03."""
    response = await http.get(path)

    assert (status, code) == (response.status_code, response.json()["error"]["code"])


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/order_book/?group=2", 200, {"error": {"group": ["Select a valid choice."]}}),
        ("/v2/order_book?group=2", 400, {"error": "Invalid arguments: group"}),
        ("/v2/ticker?book=none", 400, {"error": {"code": 20, "message": "Unknown order book: none"}}),
    ],
)
async def test_older_generations_refuse_wrong_arguments_in_their_own_shape(http, path, status, words):
    """Bitstamp v1 refuses with status 200, Bitso v2 with words or a number."""
    response = await http.get(path)

    assert (status, words) == (response.status_code, response.json())


async def test_bitstamp_answers_an_unknown_market_with_all_of_them(http):
    """The ticker of an unknown market is a list of tickers with status 200."""
    response = await http.get("/api/v2/ticker/none/")

    assert ["BTC/USD", "BTC/EUR", "ETH/USD", "EUR/USD"] == [t["pair"] for t in response.json()]


@pytest.mark.parametrize("path", ["order_book/none/", "transactions/none/"])
async def test_bitstamp_knows_no_such_market(http, path):
    """Books and trades of an unknown market are not found."""
    response = await http.get(f"/api/v2/{path}")

    assert (404, "404.002") == (response.status_code, response.json()["response_code"])


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v2/ticker/btcusd/", 405), ("/api/v3/ticker", 400), ("/api-v1/rest/private/orders", 404)]
)
async def test_a_wrong_verb_is_refused(http, sim, path, status):
    """A path that exists with another verb only is rejected."""
    response = await http.put(path)

    assert (status, "wrong verb") == (response.status_code, sim.requests[-1].outcome)


async def test_head_is_answered_without_a_body(http):
    """HEAD leads nowhere, and says so by its status alone."""
    response = await http.head("/api/ticker/")

    assert (200, b"") == (response.status_code, response.content)


@pytest.mark.parametrize(
    "request_",
    [
        {"params": {"amount": "10"}, "data": {"api_key": "simulated-bitex-key"}},
        {"content": b"<api_key/>", "headers": {"Content-Type": "application/xml"}},
        {"content": b"api_key", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
    ids=["query", "XML", "no form"],
)
async def test_a_body_must_have_the_declared_form(http, sim, request_):
    """A POST to Bitex is a form, or JSON, without a query."""
    response = await http.post(f"{PRIVATE}/bids", **request_)

    assert (422, "unreadable arguments") == (response.status_code, sim.requests[-1].outcome)


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a": 01}'])
async def test_a_json_body_must_be_an_object(http, sim, body):
    """Bitso v2 takes an object of plain JSON."""
    await http.post("/v2/balance", content=body, headers={"Content-Type": "application/json"})

    assert "unreadable arguments" == sim.requests[-1].outcome


async def test_a_get_has_no_body(http, sim):
    """Arguments of a GET travel in the query."""
    await http.request("GET", "/api/ticker/", content=b"x")

    assert "unreadable arguments" == sim.requests[-1].outcome


# The truth


async def test_the_record_tells_what_arrived(http, sim):
    """A record names endpoint, key by fingerprint, nonce, status and outcome."""
    await http.post("/api/balance/", data=bitstamp_v1(7))

    seen = sim.requests[-1]

    assert (Venue.BITSTAMP, "bitstamp.v1.account.balance", "POST", "/api/balance/", "7", 200, "ok") == (
        seen.venue,
        seen.endpoint,
        seen.verb,
        seen.path,
        seen.nonce,
        seen.status,
        seen.outcome,
    )
    assert 12 == len(seen.key or "")


async def test_the_record_holds_no_credentials(http, sim):
    """Neither keys in addresses nor signatures are recorded."""
    await http.get(f"{PRIVATE}/profile?{BITEX_KEY}")
    await http.get("/api/v3/balance/", headers=bitso_v3(1))
    await http.post("/api/balance/", data=bitstamp_v1(7))

    told = repr(sim.requests) + repr(sim)

    assert not [
        word for word in ("simulated-", "simulatedb", "SimulatedB", bitstamp_v1(7)["signature"]) if word in told
    ]


async def test_errors_are_counted_whatever_their_status(http, sim):
    """An error under status 200 is an error."""
    await http.get("/api/ticker/")
    await http.post("/api/balance/", data={})

    assert (2, 1) == (sim.calls, sim.errors)


async def test_accounts_are_keyword_arguments_of_the_clients():
    """Each simulated venue returns what its client needs."""
    async with simulated(Venue.BITEX, Venue.BITSTAMP) as sim:
        given = {venue: set(sim.account(venue)) for venue in sim.venues}

        assert {Venue.BITEX: {"api_key"}, Venue.BITSTAMP: {"api_key", "api_secret", "client_id"}} == given
        with pytest.raises(ValueError, match="bitso is not simulated here"):
            sim.account(Venue.BITSO)


async def test_controls_exist_for_simulated_venues_alone():
    """The controls of a venue that is not simulated are refused, by either name."""
    async with simulated(Venue.BITEX) as bitex, simulated(Venue.BITSO) as bitso:
        with pytest.raises(ValueError, match="bitso is not simulated here"):
            bitex.controls(Venue.BITSO)
        with pytest.raises(ValueError, match="bitstamp is not simulated here"):
            _ = bitex.bitstamp
        with pytest.raises(ValueError, match="bitex is not simulated here"):
            _ = bitso.bitex


async def test_a_venue_as_text():
    """A venue may be given as its text, and one that there is not is named."""
    async with simulate("bitstamp") as sim:
        assert (Venue.BITSTAMP,) == sim.venues
        assert sim.venues[0] is Venue.BITSTAMP
    with pytest.raises(ValueError, match="unknown venue 'kraken'; the venues are: bitex, bitso, bitstamp"):
        async with simulate("kraken"):
            pass
