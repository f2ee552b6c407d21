"""The examples of trading: a bot that quotes on the simulator, and a receiver of webhooks."""

import json
from decimal import Decimal

import pytest

from examples import market_maker
from examples.bitso_webhooks import WebhookEndpoint
from examples.market_maker import MarketMaker, StillUnknown
from exchanges import Bitso
from exchanges.errors import OutcomeUnknown
from exchanges.simulator import Venue
from exchanges.spot import Market, Side
from tests.exchanges.test_bitso_webhooks import KEY, WITHDRAWAL, body_of, headers_of, listed
from tests.support.scripted_transport import Script, answer, html
from tests.support.simulator_days import playing_bitso
from tests.support.virtual_time import in_virtual_time

MARKET = Market("BTC", "MXN")


def rounds(number, between=lambda: None):
    """Return a pause that ends after *number* rounds."""
    left = iter(range(number))

    async def pause():
        between()
        return next(left, None) is not None

    return pause


async def test_it_quotes_both_sides_and_leaves_nothing():
    """Each round has one order on each side; none is left at the end."""
    seen = []
    async with playing_bitso() as (sim, bitso, _other):
        maker = MarketMaker(bitso, MARKET, Decimal("0.001"))
        await maker.run(rounds(4, lambda: (seen.append(set(maker.quotes)), sim.advance(5))))
        left = await bitso.trading.open_orders(book="btc_mxn")

    assert [set(), *[{Side.BUY, Side.SELL}] * 4] == seen
    assert [] == left


async def test_it_trades():
    """When the market moves through a quote, the quote trades at its own price."""
    async with playing_bitso() as (sim, bitso, _other):
        sim.bitso.set_price("btc_mxn", Decimal(1_000_000))
        maker = MarketMaker(bitso, MARKET, Decimal("0.001"))
        await maker.start()
        await maker.quote()
        sim.bitso.set_price("btc_mxn", Decimal(1_100_000))
        (trade,) = await bitso.trading.user_trades()

    assert (Side.SELL.value, maker.quotes[Side.SELL]) == (trade.side.value, trade.oid)


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


@pytest.mark.parametrize(("venue", "market"), [(Venue.BITSO, MARKET), (Venue.BITSTAMP, Market("BTC", "USD"))])
async def test_the_program(venue, market, caplog):
    """The program runs against the simulator at either exchange and reports the balances."""
    caplog.set_level("INFO", "market_maker")
    await market_maker.simulated(venue, market, 1)

    assert "balances: {" in caplog.text
    assert "not quoting" not in caplog.text


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
