"""The examples of trading at Bitso: a bot whose last outcome is unknown, and a receiver of webhooks."""

import json
from decimal import Decimal

import pytest

from examples.bitso_webhooks import WebhookEndpoint
from examples.market_maker import MarketMaker, StillUnknown
from exchanges import Bitso
from exchanges.errors import OutcomeUnknown
from exchanges.spot import Market
from tests.exchanges.test_bitso_webhooks import KEY, WITHDRAWAL, body_of, headers_of, listed
from tests.support.scripted_transport import Script, answer, html
from tests.support.virtual_time import in_virtual_time

MARKET = Market("BTC", "MXN")


@in_virtual_time
async def test_it_does_not_trade_while_an_outcome_is_unknown():
    """An order whose outcome is not proven stops the bot before it places another."""

    def reply(request):
        if request.method == "POST":
            return html(502)
        return answer({"success": True, "payload": []})

    script = Script([reply])
    async with Bitso(transport=script, api_key="k", api_secret="s", limits=None) as bitso:
        with pytest.raises(OutcomeUnknown):
            await bitso.trading.place_order(book="btc_mxn", side="buy", order_type="limit", major="1", price="1")
        with pytest.raises(StillUnknown):
            await MarketMaker(bitso, MARKET, Decimal("0.001")).start()

    assert 1 == sum(came.request.method == "POST" for came in script.came)


async def call(endpoint, body, headers, method="POST"):
    """Return the status with which the ASGI application answers."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": headers}
    await endpoint(scope, receive, send)
    return sent[0]["status"]


@in_virtual_time
async def test_webhooks_are_confirmed():
    """A webhook that proves itself is read anew from the exchange; another is refused."""
    handled = []

    async def handle(transfer):
        handled.append(transfer)

    def reply(request):
        if "public-key" in request.url.path:
            return answer([listed(KEY)])
        return answer({"success": True, "payload": [{**WITHDRAWAL, "status": "failed"}]})

    proven = [(name.encode(), value.encode()) for name, value in headers_of(json.dumps(WITHDRAWAL).encode()).items()]
    async with Bitso(transport=Script([reply]), api_key="k", api_secret="s", limits=None) as bitso:
        endpoint = WebhookEndpoint(bitso, handle)
        statuses = [
            await call(endpoint, body_of(), proven),
            await call(endpoint, body_of(), []),
            await call(endpoint, body_of(), proven, "GET"),
            await call(endpoint, b" " * 2**21, proven),
        ]

    assert [200, 403, 405, 413] == statuses
    assert ["failed"] == [transfer.status.value for transfer in handled]
