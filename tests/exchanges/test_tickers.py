"""Tickers of all exchanges: what they may lack, and what they must not."""

import json
from decimal import Decimal

import pytest

from exchanges import bitex, bitso, bitstamp
from exchanges.errors import DecodeError
from exchanges.wire import decode, dumps, encode

SIX = dict.fromkeys(("last", "high", "low", "volume", "bid", "ask"), "1.5")
V3 = {**SIX, "book": "btc_mxn", "created_at": "2024-01-02T03:04:05+00:00"}
V2 = {**SIX, "timestamp": "1700000000", "open": "1.5"}
TICKERS = [
    (bitex.Ticker, SIX),
    (bitso.Ticker, V3),
    (bitso.v2.Ticker, SIX),
    (bitstamp.Ticker, V2),
    (bitstamp.v1.Ticker, SIX),
]
each = pytest.mark.parametrize(("model", "answer"), TICKERS, ids=[str(model) for model, _ in TICKERS])


@each
@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("name", [*SIX, "vwap"])
def test_a_price_without_a_value(model, answer, name, nothing):
    """A price of which the exchange has no value is None, and the others are read."""
    ticker = decode(json.dumps({**answer, name: nothing}).encode(), model)

    assert {**dict.fromkeys(SIX, Decimal("1.5")), name: None} == {key: getattr(ticker, key) for key in (*SIX, name)}


@each
@pytest.mark.parametrize("name", SIX)
def test_a_price_that_is_missing(model, answer, name):
    """A ticker without the key of a price is no ticker: an empty object says nothing."""
    with pytest.raises(DecodeError, match=rf"Ticker\.{name}: expected a value, found none"):
        decode(dumps({key: value for key, value in answer.items() if key != name}), model)


@each
def test_null_is_written(model, answer):
    """A price without a value is written as null, so that the ticker can be read again."""
    ticker = decode(dumps({**answer, "bid": None}), model)

    assert (None, ticker) == (encode(ticker)["bid"], decode(dumps(encode(ticker)), model))


def test_a_ticker_of_2014():
    """A ticker of Bitex without the fields that came later is read."""
    ticker = decode(dumps(SIX), bitex.Ticker)

    assert (None, None, None) == (ticker.open, ticker.price_before_last, ticker.vwap)


def test_a_perpetual():
    """The fields of a perpetual, and the kind of a market, are named; a strict client reads them too."""
    answer = {**V2, "market_type": "PERPETUAL", "mark_price": "70498.12", "index_price": "70497.33333333333"}
    answer |= {"open_interest": "60.5", "open_interest_value": "4265136.26", "market": "BTC/USD-PERP"}
    ticker = decode(dumps(answer), bitstamp.Ticker, strict=True)

    assert (bitstamp.MarketType.PERPETUAL, "70497.33333333333", "60.5") == (
        ticker.market_type,
        str(ticker.index_price),
        str(ticker.open_interest),
    )
