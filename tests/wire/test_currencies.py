from decimal import Decimal

import pytest

from exchanges.wire.currencies import flatten_currencies, nest_currencies

ROW = {"id": 5, "btc": "-1", "1inch": 2, "usd": Decimal("0.5"), "btc_usd": "7"}


def test_nested():
    """Keys of currencies become amounts, keys of pairs rates, known ones stay."""
    expected = {"id": 5, "amounts": {"btc": "-1", "1inch": 2, "usd": Decimal("0.5")}, "rates": {"btc_usd": "7"}}

    assert expected == nest_currencies(ROW, ("id",))


def test_flattened():
    """`flatten_currencies` undoes `nest_currencies`."""
    assert ROW == flatten_currencies(nest_currencies(ROW, ("id",)))


@pytest.mark.parametrize(
    "odd", [{"x" * 11: "1"}, {"BTC": "1"}, {"b": "1"}, {"btc": None}, {"btc": True}, {"a_b_c": "1"}]
)
def test_neither(odd):
    """A key that looks like neither, or whose value is not a number, is left in place."""
    assert {**odd, "amounts": {}, "rates": {}} == nest_currencies(odd, ())
