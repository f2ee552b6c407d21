from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exchanges import wire
from exchanges.bitso import OrderBook, PriceLevel, Side, Ticker, Trade
from exchanges.bitso.api import payload
from exchanges.errors import DecodeError
from exchanges.wire import Deviation


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([1], [1]),
        # The balances stand in an object of their own, which goes with the envelope.
        ({"balances": [1]}, [1]),
        # Whatever comes beside them.
        ({"balances": [1], "more": 2}, [1]),
        ({"balances": {"mxn": 1}}, {"balances": {"mxn": 1}}),
    ],
)
def test_payload(content, expected):
    """The payload is taken out of the envelope."""
    assert expected == payload({"success": True, "payload": content})


@pytest.mark.parametrize(
    "answer",
    [
        *([], {}, {"success": True}, "ok", None, {"payload": [1]}, {"success": 1, "payload": [1]}),
        *({"success": "true", "payload": [1]}, {"success": True, "payload": [1], "error": {"code": "0101"}}),
    ],
)
def test_no_envelope(answer):
    """What is in no envelope that says success, and nothing else, is refused."""
    with pytest.raises(Deviation):
        payload(answer)


class TestModels:
    @pytest.mark.parametrize("tid", [1093643, "1093643"])
    def test_trade_id(self, tid):
        """A trade's id may be a number or text, and is kept as text."""
        trade = {"book": "b", "created_at": "2017-08-01T21:26:54+0000", "amount": "1", "price": "2"}
        body = wire.dumps([{**trade, "maker_side": "buy", "tid": tid}])

        assert ["1093643"] == [t.tid for t in wire.decode(body, list[Trade], strict=True)]

    @pytest.mark.parametrize("zone", ["+0000", "+00:00", ".000+00:00", "Z"])
    def test_moments(self, zone):
        """A moment is read with every way of writing the zone that was seen."""
        body = wire.dumps({"bids": [], "asks": [], "sequence": "1", "updated_at": f"2017-08-01T21:07:54{zone}"})
        book = wire.decode(body, OrderBook, strict=True)

        assert datetime(2017, 8, 1, 21, 7, 54, tzinfo=UTC) == book.updated_at

    def test_sequence_is_text(self):
        """The sequence travels as text and comes back as it was."""
        value = {"bids": [], "asks": [], "sequence": "18805917", "updated_at": "2017-08-01T21:07:54+00:00"}

        assert value == wire.encode(wire.decode(wire.dumps(value), OrderBook, strict=True))

    def test_unsummed_levels(self):
        """An order that stands for itself has an id."""
        value = {"book": "btc_mxn", "price": "1.10", "amount": "2", "oid": "x"}
        level = wire.decode(wire.dumps(value), PriceLevel, strict=True)

        assert PriceLevel(book="btc_mxn", price=Decimal("1.10"), amount=Decimal(2), oid="x") == level

    def test_old_ticker(self):
        """A ticker without the later fields is still a ticker."""
        prices = dict.fromkeys(("last", "high", "low", "vwap", "volume", "bid", "ask"), "1.0")
        value = {**prices, "book": "btc_mxn", "created_at": "2017-08-07T17:12:43+00:00"}

        assert wire.decode(wire.dumps(value), Ticker, strict=True).change_24 is None

    def test_unknown_side(self):
        """A side that no document names is kept."""
        trade = {"book": "b", "created_at": "2017-08-01T21:26:54+0000", "amount": "1", "price": "2", "tid": 1}
        body = wire.dumps([{**trade, "maker_side": "both"}])

        assert ["both"] == [t.maker_side.value for t in wire.decode(body, list[Trade])]

    def test_sides(self):
        """The documented sides are known."""
        assert {"buy", "sell"} == {side.value for side in Side}

    def test_odd_id(self):
        """An id is text or a whole number, nothing else."""
        body = wire.dumps({"bids": [], "asks": [], "sequence": True, "updated_at": "2017-08-01T21:07:54Z"})

        with pytest.raises(DecodeError, match=r"OrderBook\.sequence: expected an id"):
            wire.decode(body, OrderBook)
