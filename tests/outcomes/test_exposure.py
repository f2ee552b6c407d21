"""What unresolved orders may have committed in one market."""

from decimal import Decimal

import pytest

from exchanges import Bitex, Bitso, Bitstamp, Standing
from exchanges.endpoint import MONEY, endpoints_of
from exchanges.errors import ExchangeError, UsageError
from exchanges.state import MemoryState
from tests.support.scripted_transport import Script, html

ACCOUNT = {"api_key": "k", "api_secret": "s", "client_id": "7", "limits": None}
LIMIT = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": "0.01", "price": "1000000"}
NO_MARKET = {"bitso.conversions.execute", "bitex.concierge.create_work_order_request"}
BASE, QUOTE = Decimal("0.03"), Decimal(32000)


async def lost(*calls, kind=Bitso):
    """Send calls whose outcomes are unknown; return the client, closed."""
    async with kind(transport=Script.of(*[html(502)] * len(calls)), state=MemoryState(), **ACCOUNT) as client:
        for call in calls:
            with pytest.raises(ExchangeError):
                await call(client)
    return client


def order(**changes):
    """Return a call that places an order."""
    return lambda bitso: bitso.trading.place_order(**{**LIMIT, **changes})


async def test_limit_orders():
    """Amounts of limit orders are summed by side, those of other books left out."""
    client = await lost(
        order(),
        order(major="0.02", price="1100000"),
        order(side="sell", price="2000000"),
        order(book="eth_mxn"),
        lambda bitso: bitso.v2.funding.bitcoin_withdrawal(amount="1", address="1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    )
    exposure = client.unresolved.exposure("BTC/MXN")

    assert (BASE, QUOTE, Decimal("0.01"), Decimal(20000)) == (
        exposure.buys.base,
        exposure.buys.quote,
        exposure.sells.base,
        exposure.sells.quote,
    )
    assert (True, 3, 5) == (exposure.is_complete, len(exposure.calls), len(client.unresolved))


async def test_what_is_not_known():
    """A market order says one of its amounts, and a change of an order no market: both are named."""
    market = {"order_type": "market", "price": None}
    client = await lost(
        order(**market),
        order(**market, major=None, minor="500"),
        lambda bitso: bitso.trading.modify_order(oid="abc", major="1"),
    )
    exposure, (by_major, by_minor, change) = client.unresolved.exposure("btc_mxn"), client.unresolved

    assert (Decimal("0.01"), Decimal(500)) == (exposure.buys.base, exposure.buys.quote)
    assert ((by_minor,), (by_major,), (change,), False) == (
        exposure.buys.unknown_base,
        exposure.buys.unknown_quote,
        exposure.unplaced,
        exposure.is_complete,
    )


async def test_bitstamp():
    """Orders of both generations count in the same market; an instant order to buy is in counter currency."""
    client = await lost(
        lambda b: b.trading.buy(market="btcusd", amount="0.5", price="50000"),
        lambda b: b.trading.buy_instant(market="btcusd", amount="100"),
        lambda b: b.trading.sell_instant(market="btcusd", amount="100", amount_in_counter=True),
        lambda b: b.trading.buy(market="btcusd-perp", amount="9", price="50000"),
        lambda b: b.trading.replace_order(order_id="1", amount="1", price="2"),
        kind=Bitstamp,
    )
    exposure = client.unresolved.exposure("btcusd")

    assert (Decimal("0.5"), Decimal(25100), Decimal(0), Decimal(100)) == (
        exposure.buys.base,
        exposure.buys.quote,
        exposure.sells.base,
        exposure.sells.quote,
    )
    assert (1, 1, 1) == (len(exposure.buys.unknown_base), len(exposure.sells.unknown_base), len(exposure.unplaced))


async def test_bitex():
    """Who buys at Bitex names what is spent, also by a bot, which has no price."""
    async with Bitex(transport=Script.of(*[html(502)] * 3), api_key="k", limits=None, state=MemoryState()) as bitex:
        for call in (
            bitex.trading.create_bid(amount=100, price=50000),
            bitex.trading.create_ask(amount="0.01", price=60000),
            bitex.bots.create_buying_bot(amount=7, chunk_size=1, time_to_live=60),
        ):
            with pytest.raises(ExchangeError):
                await call
        exposure = bitex.unresolved.exposure("btc_usd")

    assert (Decimal("0.002"), 107, Decimal("0.01"), 600, 1) == (
        exposure.buys.base,
        exposure.buys.quote,
        exposure.sells.base,
        exposure.sells.quote,
        len(exposure.buys.unknown_base),
    )


async def test_what_was_not_executed():
    """A call that was certainly not executed costs nothing, and a market needs a name."""
    client = await lost(order())
    (pending,) = client._session.calls._pending.values()
    pending.error, pending.caller_gone = ExchangeError("refused"), True
    (call,) = client.unresolved.values()

    assert Standing.NOT_EXECUTED is call.standing
    assert 0 == client.unresolved.exposure("btc_mxn").buys.base
    with pytest.raises(UsageError, match="name of a market"):
        client.unresolved.exposure("_")


@pytest.mark.parametrize("kind", [Bitex, Bitso, Bitstamp])
def test_every_order_is_counted(kind):
    """Every money call but withdrawals, transfers and conversions says what it commits."""
    money = [endpoint.id for endpoint in endpoints_of(kind) if endpoint.kind is MONEY]
    orders = {name for name in money if ".funding." not in name} - NO_MARKET

    assert orders == {name for name in money if (s := kind.searches().get(name)) is not None and s.commits is not None}
