"""Reads of one market or currency: an answer about another one is none."""

import pytest

from exchanges import Bitso, Bitstamp
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError
from exchanges.outcomes.response import mismatches
from exchanges.spot import Market
from exchanges.wire.converter import Wire
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer
from tests.support.specimens import specimen_of

WIRE = Wire()
NAMED = [
    ("bitso.market.ticker", "book", "btc_mxn", "eth_mxn"),
    ("bitso.market.order_book", "book", "btc_mxn", "eth_mxn"),
    ("bitso.market.trades", "book", "btc_mxn", "eth_mxn"),
    ("bitso.trading.open_orders", "book", "btc_mxn", "eth_mxn"),
    ("bitstamp.market.ohlc", "market", "btcusd", "ethusd"),
    ("bitstamp.market.funding_rate", "market", "btcusd-perp", "btcusd"),
    ("bitstamp.market.funding_rate_history", "market", "btcusd-perp", "ethusd-perp"),
    ("bitstamp.account.account_balance", "currency", "btc", "eth"),
    ("bitstamp.account.trading_fee", "market", "btcusd", "btceur"),
    ("bitstamp.account.withdrawal_fee", "currency", "btc", "eth"),
    ("bitstamp.trading.open_orders_for_market", "market", "btcusd", "ethusd"),
]
FILL = {"tid": 1, "oid": "a", "book": "eth_mxn", "side": "buy", "price": "1", "major": "1", "minor": "-1"}
BALANCE = {"currency": "btc", "total": "1", "locked": "0", "available": "1"}
ROW = {"id": 5, "order_id": 7, "datetime": "2026-03-01 10:54:53", "type": "2", "fee": "1", "eth": "1", "usd": "-2"}
FILL |= {"fees_amount": "-0.1", "fees_currency": "eth", "created_at": "2026-02-03T10:11:12Z"}


def compared(specimen, **changes):
    """Return what contradicts a call in the documented answer."""
    endpoint = specimen.endpoint
    call = prepare(endpoint, specimen.arguments | changes, endpoint.api.base_url)
    return mismatches(call, WIRE.structure(specimen.payload, endpoint.answer, endpoint.id))


@pytest.mark.parametrize(("endpoint", "argument", "right", "wrong"), NAMED)
def test_another_one(endpoint, argument, right, wrong):
    """The documented answer is one to the call that it shows, and not to that of another market or currency."""
    specimen = specimen_of(endpoint)

    assert [] == compared(specimen, **{argument: right})
    assert [] != compared(specimen, **{argument: wrong})


def test_every_market():
    """An older path shows the orders of all markets."""
    assert [] == compared(specimen_of("bitstamp.trading.open_orders_for_market"), market="all")


@pytest.mark.parametrize(("shown", "is_right"), [("BTC/USD", True), ("ETH/USD", False), (None, True)])
def test_a_ticker_of_bitstamp(shown, is_right):
    """A ticker that names its market names the right one; not all do."""
    specimen = specimen_of("bitstamp.market.ticker")
    ticker = WIRE.structure({**specimen.payload, "market": shown}, specimen.endpoint.answer, "x")
    call = prepare(specimen.endpoint, {"market": "btcusd"}, specimen.endpoint.api.base_url)

    assert is_right is not bool(mismatches(call, ticker))


def test_two_books_in_one():
    """A book whose sides name different books is none of them."""
    specimen = specimen_of("bitso.market.order_book")
    asks = [{**level, "book": "eth_mxn"} for level in specimen.payload["asks"]]
    book = WIRE.structure({**specimen.payload, "asks": asks}, specimen.endpoint.answer, "x")

    assert "btc_mxn, eth_mxn" == book.book


@pytest.mark.parametrize(
    ("client", "said"),
    [(Bitso, {"success": True, "payload": [FILL]}), (Bitstamp, [ROW])],
)
def test_fills_of_another_market(client, said):
    """A fill is never shown as one of the market that was asked for instead of its own."""
    market = Market("BTC", "MXN" if client is Bitso else "USD")
    with pytest.raises(DecodeError, match=r"expected .*trade"):
        single_calls.ask(client, lambda opened: opened.spot.fills(market), Script.of(answer(said)))


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Bitstamp, [{"currency": c, "total": "1", "available": "1", "reserved": "0"} for c in ("btc", "BTC")]),
        (Bitso, {"success": True, "payload": {"balances": [BALANCE, BALANCE | {"total": "9"}]}}),
    ],
)
def test_a_currency_that_is_shown_twice(client, said):
    """Of two balances of one currency none is handed out as the balance."""
    with pytest.raises(DecodeError, match="each currency once"):
        single_calls.ask(client, lambda opened: opened.spot.balances(), Script.of(answer(said)))
