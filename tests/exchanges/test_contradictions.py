"""Answers to reads that contradict themselves are none."""

import httpx
import pytest

from exchanges import Bitso, Bitstamp
from exchanges.errors import DecodeError
from tests.support import single_calls
from tests.support.scripted_transport import Script

PRICES = (
    b'{"last":"1","last":"2","high":"1","low":"1","vwap":"1","volume":"1","bid":"1","ask":"1","timestamp":"1790000000"}'
)
TWICE = [
    (Bitso, lambda client: client.account.balance(), b'{"success":false,"success":true,"payload":{"balances":[]}}'),
    (Bitstamp, lambda client: client.market.ticker("btcusd"), PRICES),
    (
        Bitstamp,
        lambda client: client.market.order_book("btcusd"),
        b'{"timestamp":"1","microtimestamp":"1","bids":[["1","1"]],"bids":[["9","1"]],"asks":[]}',
    ),
    (
        Bitstamp,
        lambda client: client.account.account_balances(),
        b'[{"currency":"usd","total":"1","available":"1","reserved":"0","available":"0"}]',
    ),
]


@pytest.mark.parametrize(("client", "call", "said"), TWICE)
def test_a_key_that_appears_twice(client, call, said):
    """Of two values under one key none is taken for the one that was meant."""
    with pytest.raises(DecodeError, match="no key appears twice"):
        single_calls.ask(client, call, Script.of(httpx.Response(200, content=said)))
