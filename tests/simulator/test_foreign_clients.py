"""What other clients send: taken as the real servers take it, and refused by a strict simulator."""

import json

import pytest

from exchanges import Bitstamp
from exchanges.simulator import Venue
from tests.support.simulator_calls import NOW, PRIVATE, bitso_v2, bitso_v3, bitstamp_v1, plain_http, simulated

UNTOLD = {"Content-Type": "text/plain"}
"""What some libraries call a body of which they were told nothing."""
SPELLINGS = [
    "/api/v3/available_books",
    "/api/v3/available_books/",
    "/v3/available_books",
    "/v3/available_books/",
    "/api/v3/ticker?book=btc_mxn",
    "/api/v3/ticker/?book=btc_mxn",
    "/v3/ticker/?book=btc_mxn",
    "/api/v3/ticker?book=BTC_MXN",
    "/api/v3/ticker?book=btc_mxn&more=1",
    "/api/v3/order_book?book=btc_mxn&aggregate=True",
    "/api/v3/order_book/?book=Btc_Mxn&aggregate=FALSE",
    "/v2/ticker/?book=BTC_MXN",
    "/api/v2/ticker/btcusd",
    "/api/v2/ticker/btcusd/",
    "/api/v2/ticker/BTCUSD",
    "/api/v2/order_book/BTCUSD/?group=1",
    "/api/v2/order_book/btcusd/?group=True",
    "/api/ticker",
    "/api/order_book/?group=1&more=x",
]
DECLARED = {
    "/api/v3/available_books",
    "/api/v3/available_books/",
    "/api/v3/ticker?book=btc_mxn",
    "/api/v3/ticker/?book=btc_mxn",
    "/api/v2/ticker/btcusd/",
}


@pytest.fixture
async def strict():
    """A plain HTTP client of a strict simulator."""
    async with simulated(strict=True) as sim, plain_http(sim.base_url) as client:
        yield client


def is_right(response):
    """Whether a response is a good answer."""
    return response.status_code == 200 and "error" not in response.text


@pytest.mark.parametrize("path", SPELLINGS)
async def test_public_spellings(http, path):
    """A path with or without its slash or its /api, a market in capitals, a flag as Python writes it: all are taken."""
    assert is_right(await http.get(path))


async def test_strict_spellings(strict):
    """A strict simulator takes what is declared, and nothing else."""
    taken = [path for path in SPELLINGS if is_right(await strict.get(path))]

    assert taken
    assert set(taken) <= DECLARED


@pytest.mark.parametrize("target", ["/api/v3/balance", "/api/v3/balance/", "/v3/balance", "/v3/balance/"])
async def test_signed_spellings(http, target):
    """What is signed is the path as it was sent."""
    response = await http.get(target, headers=bitso_v3(5, target))

    assert response.json()["success"]


@pytest.mark.parametrize(
    "target", ["/api/v4/currency_conversions", "/api/v4/currency_conversions/", "/v4/currency_conversions"]
)
@pytest.mark.parametrize(
    "content_type", [{"Content-Type": "application/json"}, {}, UNTOLD, {"Content-Type": "application/octet-stream"}]
)
async def test_json_without_a_content_type(http, target, content_type):
    """A POST with JSON needs no content type where only JSON is taken, nor its slash."""
    body = json.dumps({"from_currency": "mxn", "to_currency": "btc", "spend_amount": "1000"})
    headers = bitso_v3(5, target, verb="POST", body=body) | content_type
    response = await http.post(target, content=body.encode(), headers=headers)

    assert response.json()["success"]


async def test_a_form_without_a_content_type(http):
    """A form needs no content type at Bitstamp v1."""
    body = "&".join(f"{name}={value}" for name, value in bitstamp_v1(5).items())

    assert is_right(await http.post("/api/balance/", content=body.encode()))


async def test_strictly_no_other_type(strict):
    """A strict simulator refuses a body that is called plain text."""
    response = await strict.post(f"{PRIVATE}/bids", content=b"{}", headers=UNTOLD)

    assert 422 == response.status_code


async def test_a_form_keeps_its_slash(http):
    """A POST of a form without the slash at its end would be redirected, and lost."""
    response = await http.post("/api/balance", data=bitstamp_v1(5))

    assert 404 == response.status_code


@pytest.mark.parametrize("as_json", [False, True])
async def test_bitex_takes_both(http, sim, as_json):
    """Bitex takes a form and JSON, numbers and text: the same order comes of both."""
    fields = {"api_key": "simulated-bitex-key", "amount": 100, "price": "10.5", "orderbook": 1}
    response = await http.post(f"{PRIVATE}/bids", **({"json": fields} if as_json else {"data": fields}))
    (deed,) = sim.deeds

    assert (200, "100", "10.5") == (response.status_code, deed.arguments["amount"], deed.arguments["price"])


@pytest.mark.parametrize("content_type", ["application/xml", "text/html", "multipart/form-data; boundary=x"])
async def test_other_bodies(http, sim, content_type):
    """A body of another type is refused."""
    response = await http.post(f"{PRIVATE}/bids", content=b"{}", headers={"Content-Type": content_type})

    assert (422, "unreadable arguments") == (response.status_code, sim.requests[-1].outcome)


@pytest.mark.parametrize(
    ("path", "request_", "words"),
    [
        ("/v2/balance", {"json": bitso_v2(5, more="1")}, "more"),
        ("/api/balance/", {"data": bitstamp_v1(5, more="1")}, "Too many parameters."),
    ],
)
async def test_unknown_fields(http, strict, path, request_, words):
    """A field that no document knows is ignored, and refused by a strict simulator."""
    assert is_right(await http.post(path, **request_))
    assert words in (await strict.post(path, **request_)).text


@pytest.mark.parametrize("venue", list(Venue))
async def test_decimals(venue):
    """A balance has the decimals of its currency, before an order and after it was cancelled."""
    async with (
        simulated(venue, strict=True, clock=lambda: NOW) as sim,
        plain_http(sim.base_url) as client,
    ):
        before = await balances(client, venue, 10)
        await order_and_cancel(client, venue, 11)
        after = await balances(client, venue, 20)
    decimals = {
        (name[:3] in ("usd", "mxn", "eur"), len(text.partition(".")[2]))
        for name, text in after.items()
        if text != "0.0"
    }

    assert (before, {(True, 2), (False, 8)}) == (after, decimals)


async def test_decimals_of_bitstamp_v2():
    """So have those of version 2, while an order reserves dollars as well."""
    async with simulated(Venue.BITSTAMP, clock=lambda: NOW) as sim:
        account = sim.account(Venue.BITSTAMP)
        async with Bitstamp(base_url=sim.base_url, clock=lambda: sim.now, **account) as client:
            order = await client.trading.buy(market="btcusd", amount="0.01", price="30000")
            held = await client.account.account_balance("usd")
            await client.trading.cancel_order(order_id=order.id)
            free = await client.account.account_balance("usd")

    assert ("42000.00", "300.75", "41699.25") == (str(held.total), str(held.reserved), str(held.available))
    assert ("42000.00", "0.00", "42000.00") == (str(free.total), str(free.reserved), str(free.available))


async def balances(client, venue, nonce):
    """Return the balances of an account as they are written."""
    if venue is Venue.BITEX:
        response = await client.get(f"{PRIVATE}/profile?api_key=simulated-bitex-key")
    elif venue is Venue.BITSO:
        response = await client.post("/v2/balance", json=bitso_v2(nonce))
    else:
        response = await client.post("/api/balance/", data=bitstamp_v1(nonce))
    written = json.loads(response.text, parse_float=str, parse_int=str)
    return {name: text for name, text in written.items() if name.endswith(("balance", "reserved", "available"))}


async def order_and_cancel(client, venue, nonce):
    """Place an order to buy far below the market, and cancel it."""
    if venue is Venue.BITEX:
        fields = {"api_key": "simulated-bitex-key", "amount": "10.5", "price": "1"}
        row = (await client.post(f"{PRIVATE}/bids", data=fields)).json()
        await client.post(f"{PRIVATE}/bids/{row[1]}/cancel", data={"api_key": "simulated-bitex-key"})
    elif venue is Venue.BITSO:
        order = await client.post("/v2/buy", json=bitso_v2(nonce, amount="0.5", price="100.01", book="btc_mxn"))
        await client.post("/v2/cancel_order", json=bitso_v2(nonce + 1, id=order.json()["id"]))
    else:
        order = await client.post("/api/buy/", data=bitstamp_v1(nonce, amount="0.5", price="100.01"))
        await client.post("/api/cancel_order/", data=bitstamp_v1(nonce + 1, id=str(order.json()["id"])))
