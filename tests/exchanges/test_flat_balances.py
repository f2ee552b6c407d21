"""Balances with three keys per currency, by v2 of Bitso and v1 of Bitstamp."""

from decimal import Decimal

import pytest

from exchanges import wire
from exchanges.bitso import v2
from exchanges.bitstamp import v1
from exchanges.errors import DecodeError

FLAT = {
    "btc_balance": "46.67902107",
    "btc_reserved": "0.00000000",
    "btc_available": "46.67902107",
    "my_coin_balance": "3",
    "my_coin_reserved": "1",
    "my_coin_available": "2",
    "fee": "1.0000",
}
BOTH = pytest.mark.parametrize("module", [v2, v1], ids=["bitso", "bitstamp"])


@BOTH
def test_currencies(module):
    """Three keys make one currency, whatever it is called."""
    balance = wire.decode(wire.dumps(FLAT), module.Balance, strict=True)
    coin = module.CurrencyBalance(balance=Decimal(3), reserved=Decimal(1), available=Decimal(2))

    assert (["btc", "my_coin"], coin) == (list(balance.currencies), balance.currencies["my_coin"])


@BOTH
def test_round_trip(module):
    """What was collected is written again."""
    assert FLAT == wire.encode(wire.decode(wire.dumps(FLAT), module.Balance, strict=True))


@BOTH
def test_no_currencies(module):
    """An account without currencies has a fee."""
    assert module.Balance(fee=Decimal("0.5")) == wire.decode(b'{"fee": "0.5"}', module.Balance, strict=True)


@BOTH
@pytest.mark.parametrize("key", ["_balance", "btc_total", "btcusd_fee", "currencies"])
def test_other_keys(module, key):
    """A key that belongs to no currency is ignored."""
    balance = wire.decode(wire.dumps({"fee": "0.5", key: "1"}), module.Balance)

    assert module.Balance(fee=Decimal("0.5")) == balance


@BOTH
def test_other_keys_strictly(module):
    """A key that belongs to no currency is a deviation."""
    with pytest.raises(DecodeError, match="no keys but the documented ones"):
        wire.decode(b'{"fee": "0.5", "btc_total": "1"}', module.Balance, strict=True)


@BOTH
def test_missing_part(module):
    """A currency of which a part is missing is refused."""
    with pytest.raises(DecodeError, match=r"CurrencyBalance\.reserved"):
        wire.decode(b'{"fee": "0.5", "btc_balance": "1", "btc_available": "1"}', module.Balance)
