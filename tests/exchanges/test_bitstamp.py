from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exchanges import wire
from exchanges.bitstamp import OrderBook, PriceLevel, Side, Ticker, Transaction
from exchanges.bitstamp import v1 as bitstamp_v1
from exchanges.errors import DecodeError

TICKER = {
    **dict.fromkeys(("last", "high", "low", "volume", "bid", "ask", "open", "vwap"), "1.50"),
    "timestamp": "1694608800",
}
BOOK = {"timestamp": "1643643584", "microtimestamp": "1643643584684047", "bids": [], "asks": []}


class TestModels:
    def test_ticker_of_2013(self):
        """A ticker of v1 need not have a vwap."""
        value = {key: TICKER[key] for key in ("last", "high", "low", "volume", "bid", "ask", "timestamp")}

        assert wire.decode(wire.dumps(value), bitstamp_v1.Ticker, strict=True).vwap is None

    @pytest.mark.parametrize(("side", "expected"), [("0", Side.BUY), ("1", Side.SELL)])
    def test_side(self, side, expected):
        """A side is a digit in text."""
        ticker = wire.decode(wire.dumps({**TICKER, "side": side}), Ticker, strict=True)

        assert (expected, side) == (ticker.side, wire.encode(ticker)["side"])

    @pytest.mark.parametrize(("side", "expected"), [(1, Side.SELL), ("7", 7)])
    def test_odd_side(self, side, expected):
        """A side that is a number, or that no document names, is kept."""
        assert expected == wire.decode(wire.dumps({**TICKER, "side": side}), Ticker).side

    @pytest.mark.parametrize("side", ["7", 1, "buy"])
    def test_odd_side_strictly(self, side):
        """A side that is a number, or that no document names, is a deviation."""
        with pytest.raises(DecodeError, match=r"Ticker\.side"):
            wire.decode(wire.dumps({**TICKER, "side": side}), Ticker, strict=True)

    def test_microseconds(self):
        """An order book is dated to the microsecond."""
        book = wire.decode(wire.dumps(BOOK), OrderBook, strict=True)

        assert datetime(2022, 1, 31, 15, 39, 44, 684047, tzinfo=UTC) == book.microtimestamp

    @pytest.mark.parametrize("row", [["1.10", "2"], ["1.10", "2", "1452885170618369"]])
    def test_levels_of_both_lengths(self, row):
        """A level has an order id or has none, and is written as it came."""
        book = wire.decode(wire.dumps({**BOOK, "bids": [row]}), OrderBook, strict=True)

        assert [row] == wire.encode(book)["bids"] == [wire.encode(book.bids[0])]

    def test_level(self):
        """The third cell of a level is the id of its order."""
        book = wire.decode(wire.dumps({**BOOK, "asks": [["1.10", "2", "7"]]}), OrderBook, strict=True)

        assert (PriceLevel(Decimal("1.10"), Decimal(2), "7"),) == book.asks

    def test_odd_levels(self):
        """Numbers in place of text, and cells beyond the third, are survived."""
        book = wire.decode(b'{"timestamp":"1","microtimestamp":"1","bids":[],"asks":[[1.10,2,7,8]]}', OrderBook)

        assert (PriceLevel(Decimal("1.10"), Decimal(2), "7"),) == book.asks

    @pytest.mark.parametrize(
        ("row", "place"),
        [
            ({}, "a row"),
            (["1"], r"position 1 \(amount\): expected a value, found the end"),
            (["x", "1"], r"position 0 \(price\)"),
            (["1", None], r"position 1 \(amount\)"),
            (["1", "1", []], r"position 2 \(order_id\)"),
        ],
    )
    def test_broken_levels(self, row, place):
        """A level that cannot be read names the place."""
        with pytest.raises(DecodeError, match=r"OrderBook\.bids\[0\]: PriceLevel.*" + place):
            wire.decode(wire.dumps({**BOOK, "bids": [row]}), OrderBook)

    @pytest.mark.parametrize("row", [["1", "1", "7", "8"], ["1", "1", 7], [1, "1"]])
    def test_odd_levels_strictly(self, row):
        """Numbers in place of text, and cells beyond the third, are deviations."""
        with pytest.raises(DecodeError, match="PriceLevel"):
            wire.decode(wire.dumps({**BOOK, "bids": [row]}), OrderBook, strict=True)

    def test_transaction_ids_as_numbers(self):
        """An id that comes as a number is kept as text."""
        value = [{"date": "1", "tid": 7, "price": "1", "amount": "1", "type": "1"}]

        assert ["7"] == [t.tid for t in wire.decode(wire.dumps(value), list[Transaction])]
