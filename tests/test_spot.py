import pytest

from exchanges.errors import UsageError
from exchanges.spot import Market


@pytest.mark.parametrize("text", ["BTC/USD", "btc_usd", "Btc-uSd"])
def test_spellings(text):
    """A market is the same however it is written."""
    assert Market("BTC", "USD") == Market.parse(text)
    assert "BTC/USD" == str(Market.parse(text))
    assert 1 == len({Market.parse(text), Market("btc", "usd")})


@pytest.mark.parametrize("text", ["btcusd", "", "btc/", "/usd", "btc/usd/x", "btc usd", "btc/u$d", "ötc/usd", None, 5])
def test_no_market(text):
    """What does not name base and quote is refused."""
    with pytest.raises(UsageError):
        Market.parse(text)
