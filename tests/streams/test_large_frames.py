"""Frames as none was seen: larger ones, from a played server in virtual time, and such as say more or two things."""

import pytest

from exchanges.bitso.streams.books import frame as bitso_frame
from exchanges.bitstamp.streams.books import frame as bitstamp_frame
from exchanges.streams.delivery import GapReason
from exchanges.streams.dialect import Data
from exchanges.wire import Deviation, dumps
from tests.support.played_bitso import changes
from tests.support.played_bitstamp import markets, streams, trade
from tests.support.streaming import items
from tests.support.virtual_time import in_virtual_time

MIB = 1024 * 1024


def large_trade(number, size):
    """The frame of a trade with a long id."""
    frame = trade(number)
    return {**frame, "data": {**frame["data"], "id_str": "1" * size}}


@in_virtual_time
async def test_a_reader_that_does_not_read():
    """It holds so many bytes, not a thousand frames; nor does what is remembered to know doubles."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            for number in range(12):
                server.last.send(large_trade(number, MIB))
            lag, *kept = await items(trades, 9)

            assert (GapReason.LAGGED, 4) == (lag.reason, lag.missed)
            assert [str(number) for number in range(4, 12)] == [item.id for item in kept]
            assert len(trades._feed._known) <= 8


@in_virtual_time
async def test_doubles_after_a_large_frame():
    """What is forgotten is the oldest."""
    async with streams() as (live, server, host):
        markets(host)
        async with live.trades("btcusd") as trades:
            server.last.send(large_trade(1, 9 * MIB))
            assert ["1"] == [item.id for item in await items(trades, 1)]
            for number in (2, 3, 2, 3, 4):
                server.last.send(trade(number))

            assert ["2", "3", "4"] == [item.id for item in await items(trades, 3)]


def test_a_frame_of_a_book_is_as_large_as_its_changes():
    """Until an order book is read, frames are kept by the number of their changes."""
    whole = dumps(changes(5, ("a", "open", "1"), ("b" * 3000, "open", "1")))
    with pytest.raises(Deviation, match="1024 bytes"):
        bitso_frame(Data("diff-orders:btc_mxn", "diff-orders", b"", whole))

    body = dumps({"microtimestamp": "1789000200123000", "bids": [["1", "1" + "0" * 3000]], "asks": []})
    with pytest.raises(Deviation, match="256 bytes"):
        bitstamp_frame(Data("diff_order_book_btcusd", "data", body, body))


@pytest.mark.parametrize("first", [b'"sequence":2', b'"payload":[]', b'"o":"b"', b'"a":"2"', b'"v":"2"', b'"book":1'])
def test_a_key_that_appears_twice(first):
    """A frame of changes that says two things is none."""
    entry = {"o": "a", "d": 1, "r": "1", "t": 0, "a": "1", "v": "1", "s": "open"}
    body = dumps({"type": "diff-orders", "book": "btc_mxn", "sequence": 1, "sent": 1, "payload": [entry]})
    key = first.partition(b":")[0] + b":"
    twice = body.replace(key, first + b"," + key)

    assert bitso_frame(Data("x", "", body, body)).changes
    with pytest.raises(Deviation, match="no key appears twice"):
        bitso_frame(Data("x", "", twice, twice))


@pytest.mark.parametrize(
    ("channel", "more", "is_right"),
    [
        *[("diff_order_book_btcusd", {"timestamp": moment}, True) for moment in ("1789000200", 1789000200, None)],
        *[("order_book_btcusd", {"timestamp": moment}, False) for moment in ("1789000201", 1789000201, 0, "", True)],
        *[
            ("order_book_btcusd", {key: name}, True)
            for key in ("pair", "market")
            for name in ("BTC/USD", "btc_usd", "BTC-USD", "Btc / Usd", "btcusd", "", "/", None)
        ],
        *[("diff_order_book_btcusd", {"pair": name}, False) for name in ("usd", "BTC/USD-PERP", "book_btcusd", 5)],
        ("order_book_btcusd-perp", {"market": "BTC/USD-PERP"}, True),
        ("order_book_btcusd-perp", {"market": "BTC/USD"}, False),
        ("order_book_btcusd", {"pair": "", "market": "ETH/USD"}, False),
    ],
)
def test_what_a_book_states_beside_its_rows(channel, more, is_right):
    """It is compared in whatever form it is written."""
    body = dumps({"microtimestamp": "1789000200123000", "bids": [["1", "1"]], "asks": [], **more})
    data = Data(channel, "data", body, body)

    if is_right:
        assert 1789000200123000 == bitstamp_frame(data).at
    else:
        with pytest.raises(Deviation):
            bitstamp_frame(data)
