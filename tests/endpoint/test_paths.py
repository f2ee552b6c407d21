"""Arguments in a path never make a call another call."""

import pytest

from exchanges.bitso.trading import Trading as BitsoTrading
from exchanges.bitstamp.funding import Funding
from exchanges.bitstamp.trading import Trading
from exchanges.endpoint.call import prepare
from exchanges.errors import UsageError

AREAS = {"bitstamp.trading": Trading, "bitstamp.funding": Funding, "bitso.trading": BitsoTrading}
WITHDRAWAL = {"amount": 1, "address": "3Ca"}
BUY = {"amount": 1, "price": 7}


def prepared(name, **arguments):
    """Lay out a call."""
    endpoint = getattr(AREAS[name.rpartition(".")[0]], name.rpartition(".")[2]).endpoint
    return prepare(endpoint, arguments, endpoint.api.base_url)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bitstamp.funding.crypto_withdrawal", {"currency": "ripple", **WITHDRAWAL}),
        ("bitstamp.trading.buy", {"market": "instant", **BUY}),
        ("bitstamp.trading.buy", {"market": "market", **BUY}),
        ("bitstamp.trading.sell", {"market": "instant", **BUY}),
        ("bitso.trading.cancel_order", {"oid": "all"}),
        ("bitso.trading.cancel_order", {"oid": "ALL"}),
    ],
)
def test_the_path_of_another_call(name, arguments):
    """A word that another endpoint has in the same place is refused, in any case."""
    with pytest.raises(UsageError, match=r"path of another call.*nothing was sent"):
        prepared(name, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("bitstamp.funding.crypto_withdrawal", {"currency": "xrp", **WITHDRAWAL}, "/xrp_withdrawal/"),
        ("bitstamp.trading.buy", {"market": "btcusd", **BUY}, "/buy/btcusd/"),
        ("bitstamp.trading.buy_instant", {"market": "btcusd", "amount": 1}, "/buy/instant/btcusd/"),
        ("bitstamp.funding.reject_crypto_deposit", {"deposit_id": "7"}, "/crypto-transactions/deposits/7/reject/"),
        ("bitso.trading.cancel_order", {"oid": "instant"}, "/orders/instant"),
    ],
)
def test_other_words(name, arguments, path):
    """Everything else is laid out as before."""
    assert prepared(name, **arguments).path.endswith(path)
