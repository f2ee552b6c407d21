from decimal import Decimal
from unittest.mock import patch

import pytest

from exchanges.bitstamp.v1.models import UserTransaction
from exchanges.errors import DecodeError
from exchanges.wire import decode
from exchanges.wire.converter import wire
from exchanges.wire.currencies import flatten_currencies, nest_currencies

ROW = {"id": 5, "btc": "-1", "1inch": 2, "usd": Decimal("0.5"), "btc_usd": "7"}


def test_nested():
    """Keys of currencies become amounts, keys of pairs rates, known ones stay."""
    expected = {"id": 5, "amounts": {"btc": "-1", "1inch": 2, "usd": Decimal("0.5")}, "rates": {"btc_usd": "7"}}

    assert expected == nest_currencies(ROW, ("id",))


def test_flattened():
    """`flatten_currencies` undoes `nest_currencies`."""
    assert ROW == flatten_currencies(nest_currencies(ROW, ("id",)))


@pytest.mark.parametrize("key", ["s", "T", "btc", "BTC", "1inch", "1", "usdc2", "x" * 11, "wBTC", "1000sats"])
def test_currency_names(key):
    """Every name of letters and digits that is no named field is a currency."""
    assert {"amounts": {key: "1"}, "rates": {}} == nest_currencies({key: "1"}, ("id",))


@pytest.mark.parametrize("key", ["s_usd", "BTC_USD", "1inch_t", "1_2", "btc_" + "x" * 11])
def test_pair_names(key):
    """Two such names are a pair."""
    assert {"amounts": {}, "rates": {key: Decimal(1)}} == nest_currencies({key: Decimal(1)}, ("id",))


@pytest.mark.parametrize(
    "odd",
    [
        *({"btc": value} for value in (None, True, [], {}, "", "SPEI", "2024-01-02 03:04:05", "0xa0b1", "NaN")),
        *({key: "1"} for key in ("a_b_c", "usd-c", "_", "", "btc_", "ñ", "\u0661", "b c")),
    ],
)
def test_neither(odd):
    """A key that looks like neither, or whose value is not a number, is left in place."""
    assert {**odd, "amounts": {}, "rates": {}} == nest_currencies(odd, ())


@pytest.mark.parametrize("value", ["1,000.5", "1 000", "1_0", "+5", "1e400", "1.", " 7"])
def test_an_amount_that_cannot_be_read(value):
    """An amount in a form that no document shows is an error, and is not left out."""
    row = b'{"id":1,"datetime":"2024-01-02 03:04:05","type":0,"fee":"0","btc":"%s"}' % value.encode()

    with pytest.raises(DecodeError, match=r"UserTransaction\.amounts"):
        decode(row, UserTransaction)


def test_what_cannot_be_placed_is_reported(caplog):
    """What is neither a field nor a currency is reported once, and refused by a strict client."""
    row = b'{"id":1,"datetime":"2024-01-02 03:04:05","type":0,"fee":"0","s":"7.25","t_s":2,"state":"done"}'
    with patch.object(wire(strict=False), "_reported", set()):
        first, second = decode(row, UserTransaction), decode(row, UserTransaction)

    assert first == second
    assert ({"s": Decimal("7.25")}, {"t_s": Decimal(2)}) == (first.amounts, first.rates)
    assert ["drift: UserTransaction: expected no keys but the documented ones (1 more)"] == caplog.messages
    with pytest.raises(DecodeError, match="no keys but the documented ones"):
        decode(row.replace(b"2,", b'"2",'), UserTransaction, strict=True)
